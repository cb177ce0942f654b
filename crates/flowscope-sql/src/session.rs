//! Queries, one after the other.

use std::path::PathBuf;
use std::sync::Arc;

use datafusion::common::DataFusionError;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::parser::{DFParser, Statement};
use flowscope_table::Table;
use futures_util::StreamExt;
use tokio::runtime::Runtime;

use crate::args::{Arguments, Format};
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
}

impl<'a> Queries<'a> {
    pub(crate) fn new(runtime: &'a Runtime, arguments: &Arguments) -> Result<Self, String> {
        let options = ReadOptions {
            each: arguments.each,
            parts: arguments.parts,
            strict: arguments.strict,
        };
        let trouble = Arc::new(Trouble::new(arguments.quiet));
        let context = context(&options, &trouble);
        name_tables(&context, &arguments.from, &options, &trouble)
            .map_err(|error| explain(&error))?;
        Ok(Self {
            runtime,
            context,
            format: arguments.format(),
            output: arguments.output.clone(),
            has_file: arguments.output.is_some(),
            trouble,
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
        let stream = runtime.block_on(async {
            let frame = self.context.execute_logical_plan(plan).await?;
            frame.execute_stream().await
        });
        let mut stream = stream.map_err(|error| explain(&error))?;
        if !has_result {
            return Ok(());
        }
        if self.has_file && self.output.is_none() {
            return Err("a file takes one result, and there are several".to_owned());
        }
        let mut output = Output::new(self.format, self.output.take(), stream.schema())?;
        while let Some(batch) = runtime.block_on(stream.next()) {
            let batch = batch.map_err(|error| explain(&error))?;
            if output.write(&batch)?.is_break() {
                return Ok(());
            }
        }
        output.finish()
    }
}

fn context(options: &ReadOptions, trouble: &Arc<Trouble>) -> SessionContext {
    let mut config = SessionConfig::new().with_information_schema(true);
    config.options_mut().extensions.insert(options.clone());
    let context = SessionContext::new_with_config(config);
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
    context
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
