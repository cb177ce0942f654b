//! Queries, one after the other.

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::common::DataFusionError;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::source_as_provider;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::{DFParser, Statement};
use flowscope_table::Table;
use futures_util::StreamExt;
use tokio::runtime::Runtime;

use crate::args::{Arguments, Format};
use crate::captures::CaptureTable;
use crate::cluster::client::Scheduler;
use crate::complaint::explain;
use crate::functions::{self, table::TableOf};
use crate::options::ReadOptions;
use crate::output::Output;
use crate::trouble::Trouble;

/// Runs queries and writes what comes of them.
pub(crate) struct Queries<'a> {
    runtime: &'a Runtime,
    context: SessionContext,
    format: Format,
    /// The file that the next result is written to.
    output: Option<PathBuf>,
    has_file: bool,
    trouble: Arc<Trouble>,
    /// Who answers, if not this process.
    cluster: Option<Scheduler>,
}

impl<'a> Queries<'a> {
    pub(crate) fn new(runtime: &'a Runtime, arguments: &Arguments) -> Result<Self, String> {
        let options = ReadOptions {
            each: arguments.each,
            parts: arguments.parts,
            strict: arguments.strict,
        };
        let trouble = Arc::new(Trouble::new(arguments.quiet));
        let cluster = arguments.cluster.clone();
        let context = runtime.block_on(context(cluster.as_ref(), &options, &trouble));
        let context = context.map_err(|error| explain(&error))?;
        name_tables(&context, &arguments.from, &options, &trouble)
            .map_err(|error| explain(&error))?;
        Ok(Self {
            runtime,
            context,
            format: arguments.format(),
            output: arguments.output.clone(),
            has_file: arguments.output.is_some(),
            trouble,
            cluster,
        })
    }

    /// Whether a capture could not be read to its end.
    pub(crate) fn was_damaged(&self) -> bool {
        self.trouble.was_there()
    }

    /// Runs statements until one fails.
    pub(crate) fn run(&mut self, sql: &str) -> Result<(), String> {
        let statements = DFParser::parse_sql(sql).map_err(|error| explain(&error))?;
        for statement in statements {
            self.run_one(statement)?;
        }
        Ok(())
    }

    fn run_one(&mut self, statement: Statement) -> Result<(), String> {
        let runtime = self.runtime;
        let plan = runtime.block_on(self.context.state().statement_to_plan(statement));
        let plan = plan.map_err(|error| explain(&error))?;
        let has_result = !matches!(plan, LogicalPlan::Statement(_) | LogicalPlan::Ddl(_));
        if let Some(cluster) = &self.cluster
            && let Some(why) = cluster.refuses(&plan).map_err(|error| explain(&error))?
        {
            return Err(why.to_owned());
        }
        let captures = captures_of(&plan).map_err(|error| explain(&error))?;
        let steps = runtime.block_on(self.steps(plan));
        let (steps, task) = steps.map_err(|error| self.explain(&error))?;
        let stream = runtime.block_on(async { execute_stream(steps.clone(), task) });
        let mut stream = stream.map_err(|error| self.explain(&error))?;
        if !has_result {
            return Ok(());
        }
        if self.has_file && self.output.is_none() {
            return Err("a file takes one result, and there are several".to_owned());
        }
        let mut output = Output::new(self.format, self.output.take(), stream.schema())?;
        while let Some(batch) = runtime.block_on(stream.next()) {
            let batch = batch.map_err(|error| self.explain(&error))?;
            if output.write(&batch)?.is_break() {
                return Ok(());
            }
        }
        self.note_damage(&steps, captures);
        output.finish()
    }

    /// The steps that come to what a statement asks for.
    async fn steps(&self, plan: LogicalPlan) -> Result<Steps, DataFusionError> {
        let frame = self.context.execute_logical_plan(plan).await?;
        let task = Arc::new(frame.task_ctx());
        Ok((frame.create_physical_plan().await?, task))
    }

    /// Takes note of what executors found damaged.
    fn note_damage(&self, steps: &Arc<dyn ExecutionPlan>, captures: Vec<PathBuf>) {
        let Some(cluster) = &self.cluster else {
            return;
        };
        let damages = self.runtime.block_on(cluster.damage(steps, captures));
        for damage in damages {
            self.trouble.note(&damage);
        }
    }

    fn explain(&self, error: &DataFusionError) -> String {
        let away = self.cluster.as_ref().and_then(|it| it.explain(error));
        away.unwrap_or_else(|| explain(error))
    }
}

/// The captures that a statement reads.
fn captures_of(plan: &LogicalPlan) -> Result<Vec<PathBuf>, DataFusionError> {
    let mut captures = Vec::new();
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node {
            let provider = source_as_provider(&scan.source)?;
            if let Some(table) = provider.downcast_ref::<CaptureTable>() {
                captures.extend(table.captures.iter().map(|it| it.path.clone()));
            }
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    captures.sort();
    captures.dedup();
    Ok(captures)
}

/// The steps of a statement, and what they run with.
type Steps = (Arc<dyn ExecutionPlan>, Arc<TaskContext>);

async fn context(
    cluster: Option<&Scheduler>,
    options: &ReadOptions,
    trouble: &Arc<Trouble>,
) -> Result<SessionContext, DataFusionError> {
    let mut config = SessionConfig::new().with_information_schema(true);
    config.options_mut().extensions.insert(options.clone());
    let context = match cluster {
        Some(cluster) => cluster.context(config).await?,
        None => SessionContext::new_with_config(config),
    };
    for table in Table::ALL {
        let function = TableOf {
            table,
            trouble: trouble.clone(),
        };
        context.register_udtf(table.as_str(), Arc::new(function));
    }
    for function in functions::of_values() {
        context.register_udf(function);
    }
    Ok(context)
}

/// Gives the tables of what `--from` says names of their own. A folder need not
/// have all of them.
fn name_tables(
    context: &SessionContext,
    from: &[String],
    options: &ReadOptions,
    trouble: &Arc<Trouble>,
) -> Result<(), DataFusionError> {
    if from.is_empty() {
        return Ok(());
    }
    let mut missing = None;
    let mut there = 0;
    for table in Table::ALL {
        let trouble = trouble.clone();
        match (TableOf { table, trouble }).open(from, options.clone()) {
            Ok(opened) => {
                context.register_table(table.as_str(), opened)?;
                there += 1;
            }
            Err(error) => missing = missing.or(Some(error)),
        }
    }
    match missing {
        Some(error) if there == 0 => Err(error),
        _ => Ok(()),
    }
}
