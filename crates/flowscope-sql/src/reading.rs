//! What is read of captures, in which parts.

use core::fmt;
use core::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::{DataFusionError, Result};
use datafusion::physical_plan::metrics::Count;
use flowscope_record::Goal;
use flowscope_table::{Input, Partitions, RowFilter, Table, TableConfig, TableError, TableReader};
use tokio::sync::mpsc::Sender;

use crate::captures::{Capture, CaptureTable};
use crate::options::ReadOptions;
use crate::parts;

/// What is read of captures, in which parts.
#[derive(Clone, Debug)]
pub(crate) struct Reading {
    pub(crate) source: CaptureTable,
    /// Which columns of the table there are, in this order.
    #[cfg_attr(not(feature = "cluster"), expect(dead_code, reason = "to send it"))]
    pub(crate) projection: Vec<usize>,
    pub(crate) filter: RowFilter,
    /// How many parts there may be of captures that are read by themselves.
    #[cfg_attr(not(feature = "cluster"), expect(dead_code, reason = "to send it"))]
    pub(crate) most_parts: usize,
    pub(crate) parts: Arc<[Vec<Capture>]>,
    /// Which flows are whose, where captures that are one are read in parts.
    pub(crate) index: Option<Arc<OnceLock<Partitions>>>,
    pub(crate) schema: SchemaRef,
    /// Which of the columns, as they are read, comes where; `None` if in order.
    order: Option<Vec<usize>>,
}

/// Gives what is read to whoever asked, until nobody wants it.
pub(crate) struct Taker {
    pub(crate) sender: Sender<Result<RecordBatch>>,
    /// How many rows it took.
    pub(crate) rows: Count,
    /// Takes note of a capture that is damaged.
    pub(crate) note: Box<dyn FnMut(&TableError) + Send>,
}

impl Reading {
    pub(crate) fn new(
        source: CaptureTable,
        projection: Option<&Vec<usize>>,
        filter: RowFilter,
        most_parts: usize,
    ) -> Result<Self> {
        let parts = match source.options {
            ReadOptions { each: true, .. } => parts::deal(&source.captures, most_parts),
            // To track is all that there is to do for flows.
            ReadOptions { parts, .. } if source.table != Table::Flows => {
                parts::cut(&source.captures, parts)
            }
            _ => vec![source.captures.clone()],
        };
        let all = || (0..source.schema().fields().len()).collect();
        let projection = projection.cloned().unwrap_or_else(all);
        let schema: SchemaRef = Arc::new(source.schema().project(&projection)?);
        let mut sorted = projection.clone();
        sorted.sort_unstable();
        let position = |at: &usize| sorted.binary_search(at).unwrap_or_default();
        let order = (sorted != projection).then(|| projection.iter().map(position).collect());
        let index = !source.options.each && parts.len() > 1;
        Ok(Self {
            source,
            projection,
            filter,
            most_parts,
            parts: parts.into(),
            index: index.then(Arc::default),
            schema,
            order,
        })
    }

    /// Reads a part, which may take as long as the captures do, and says whether
    /// more of them are wanted.
    pub(crate) fn read(&self, part: usize, taker: &mut Taker) -> ControlFlow<()> {
        let Some(rows) = self.rows(part) else {
            return ControlFlow::Continue(());
        };
        let mut next = ControlFlow::Continue(());
        let is_strict = self.source.options.strict;
        rows.read(&mut |batch| {
            let batch = match batch {
                Ok((_, batch)) => match &self.order {
                    Some(order) => batch.project(order).map_err(DataFusionError::from),
                    None => Ok(batch),
                },
                Err(error @ TableError::Capture { .. }) if !is_strict => {
                    (taker.note)(&error);
                    return ControlFlow::Continue(());
                }
                Err(error) => Err(DataFusionError::External(Box::new(error))),
            };
            next = taker.take(batch);
            next
        });
        next
    }

    /// A reader of the rows of a part, if it has any.
    fn rows(&self, part: usize) -> Option<TableReader> {
        let tables = [self.source.table];
        let columns = self.schema.fields().iter().map(|it| it.name().clone());
        let config = TableConfig {
            each_alone: self.source.options.each,
            columns: Some(columns.collect()),
            filter: self.filter.clone(),
            ..TableConfig::default()
        };
        let Some(index) = &self.index else {
            let inputs = self.parts[part].iter().map(|it| Input::file(&it.path));
            return Some(TableReader::new(inputs.collect(), &tables).with_config(config));
        };
        let index = index.get_or_init(|| {
            let sizes: Vec<_> = self.parts.iter().map(Vec::len).collect();
            let captures = self.parts.iter().flatten();
            let captures: Vec<PathBuf> = captures.map(|it| it.path.clone()).collect();
            Partitions::of(captures, &sizes, &config)
        });
        // It may be that there is only one.
        (part < index.len()).then(|| index.reader(part, &tables, config))
    }
}

impl Taker {
    fn take(&self, batch: Result<RecordBatch>) -> ControlFlow<()> {
        let rows = batch.as_ref().map(RecordBatch::num_rows);
        self.rows.add(*rows.as_ref().unwrap_or(&0));
        let was_error = rows.is_err();
        match self.sender.blocking_send(batch) {
            Ok(()) if !was_error => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    }
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CaptureTable {
            table,
            captures,
            options,
            ..
        } = &self.source;
        write!(f, "table={table}, reads={}", reads(*table))?;
        write!(f, ", captures={}", captures.len())?;
        let shown = captures.iter().take(MOST_SHOWN);
        let shown: Vec<_> = shown.map(|it| it.path.display().to_string()).collect();
        let more = if captures.len() > MOST_SHOWN {
            ", …"
        } else {
            ""
        };
        write!(f, " [{}{more}]", shown.join(", "))?;
        match (options.each, &self.index) {
            (true, _) => write!(f, ", each alone in {} parts", self.parts.len())?,
            (false, Some(_)) => write!(f, ", as one in {} parts", self.parts.len())?,
            (false, None) => write!(f, ", as one")?,
        }
        let columns = self.schema.fields().iter().map(|it| it.name().as_str());
        write!(f, ", columns=[{}]", columns.collect::<Vec<_>>().join(", "))?;
        let RowFilter { from, to, src, dst } = &self.filter;
        for (name, bound) in [("ts>=", from), ("ts<=", to)] {
            if let Some(bound) = bound {
                write!(f, ", {name}{bound}")?;
            }
        }
        for (name, networks) in [("src", src), ("dst", dst)] {
            for network in networks {
                let network = network.to_string();
                let word = if network.contains('/') { " in " } else { "=" };
                write!(f, ", {name}{word}{network}")?;
            }
        }
        Ok(())
    }
}

/// What of captures a table needs.
fn reads(table: Table) -> &'static str {
    match table.goal() {
        Goal::Flows => "headers",
        _ => "payload",
    }
}

/// Captures that are named where a plan is explained.
const MOST_SHOWN: usize = 8;
