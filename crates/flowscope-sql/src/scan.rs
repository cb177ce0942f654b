//! The step of a query that reads captures.

use core::fmt;
use core::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
};
use flowscope_record::Goal;
use flowscope_table::{Input, Partitions, RowFilter, Table, TableBatch, TableConfig, TableReader};

use crate::captures::CaptureTable;
use crate::options::ReadOptions;

/// Reads captures: those of each part one after the other.
#[derive(Debug)]
pub(crate) struct CaptureScan {
    source: CaptureTable,
    parts: Vec<Vec<PathBuf>>,
    /// Which flows are whose, where captures that are one are read in parts.
    index: Option<Arc<OnceLock<Partitions>>>,
    columns: Vec<String>,
    /// Which of the columns, as they are read, comes where; `None` if in order.
    order: Option<Vec<usize>>,
    filter: RowFilter,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl CaptureScan {
    pub(crate) fn new(
        source: CaptureTable,
        projection: Option<&Vec<usize>>,
        filter: RowFilter,
        most_parts: usize,
    ) -> Result<Self> {
        let whole = source.schema();
        let all: Vec<usize> = (0..whole.fields().len()).collect();
        let wanted = projection.unwrap_or(&all);
        let schema: SchemaRef = Arc::new(whole.project(wanted)?);
        let columns = schema.fields().iter().map(|it| it.name().clone());
        let mut sorted = wanted.clone();
        sorted.sort_unstable();
        let position = |at: &usize| sorted.binary_search(at).unwrap_or_default();
        let order = (sorted != *wanted).then(|| wanted.iter().map(position).collect());
        let parts = match source.options {
            ReadOptions { each: true, .. } => deal(&source.captures, most_parts),
            // To track is all that there is to do for flows.
            ReadOptions { parts, .. } if source.table != Table::Flows => {
                cut(&source.captures, parts)
            }
            _ => vec![source.captures.clone()],
        };
        let index = !source.options.each && parts.len() > 1;
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema.clone()),
            Partitioning::UnknownPartitioning(parts.len()),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self {
            columns: columns.collect(),
            order,
            index: index.then(Arc::default),
            parts,
            filter,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
            source,
        })
    }

    /// What makes a reader of a part, which may take as long as the captures do.
    fn reader(&self, part: usize) -> impl FnOnce() -> Option<TableReader> + Send + use<> {
        let tables = [self.source.table];
        let config = TableConfig {
            each_alone: self.source.options.each,
            columns: Some(self.columns.clone()),
            filter: self.filter.clone(),
            ..TableConfig::default()
        };
        let parts = self.parts.clone();
        let index = self.index.clone();
        move || {
            let Some(index) = index else {
                let inputs = parts[part].iter().map(Input::file).collect();
                return Some(TableReader::new(inputs, &tables).with_config(config));
            };
            let index = index.get_or_init(|| {
                let sizes: Vec<_> = parts.iter().map(Vec::len).collect();
                Partitions::of(parts.concat(), &sizes, &config)
            });
            // It may be that there is only one.
            (part < index.len()).then(|| index.reader(part, &tables, config))
        }
    }
}

/// Parts of captures that follow each other, of about as many bytes each.
fn cut(captures: &[PathBuf], most: usize) -> Vec<Vec<PathBuf>> {
    let sizes: Vec<u64> = (captures.iter())
        .map(|capture| capture.metadata().map_or(0, |it| it.len()).max(1))
        .collect();
    let most = u64::try_from(most).unwrap_or(u64::MAX).max(1);
    let each = sizes.iter().sum::<u64>().div_ceil(most).max(1);
    let mut parts: Vec<Vec<PathBuf>> = Vec::new();
    let mut bytes = 0;
    for (capture, size) in captures.iter().zip(sizes) {
        let begins = parts.last().is_none() || bytes / each >= parts.len() as u64;
        match parts.last_mut() {
            Some(part) if !begins => part.push(capture.clone()),
            _ => parts.push(vec![capture.clone()]),
        }
        bytes += size;
    }
    if parts.is_empty() {
        parts.push(Vec::new());
    }
    parts
}

/// As many parts as there may be, of about as many bytes each.
fn deal(captures: &[PathBuf], most: usize) -> Vec<Vec<PathBuf>> {
    let len = captures.len().clamp(1, most.max(1));
    let mut parts: Vec<(u64, Vec<PathBuf>)> = vec![(0, Vec::new()); len];
    for capture in captures {
        let bytes = capture.metadata().map_or(0, |it| it.len());
        if let Some(least) = parts.iter_mut().min_by_key(|(bytes, _)| *bytes) {
            least.0 += bytes.max(1);
            least.1.push(capture.clone());
        }
    }
    parts.into_iter().map(|(_, captures)| captures).collect()
}

impl ExecutionPlan for CaptureScan {
    fn name(&self) -> &'static str {
        "CaptureScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _visit: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children[..] {
            [] => Ok(self),
            _ => internal_err!("a scan of captures has nothing below it"),
        }
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match children[..] {
            [] => Ok(self),
            _ => internal_err!("a scan of captures has nothing below it"),
        }
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(&self, part: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let mut stream = RecordBatchReceiverStreamBuilder::new(self.schema(), AHEAD);
        let sender = stream.tx();
        let reader = self.reader(part);
        let order = self.order.clone();
        let is_strict = self.source.options.strict;
        let trouble = self.source.trouble.clone();
        let rows = MetricBuilder::new(&self.metrics).output_rows(part);
        let give = move |batch: TableBatch| {
            let batch = match batch {
                Ok((_, batch)) => match &order {
                    Some(order) => batch.project(order).map_err(DataFusionError::from),
                    None => Ok(batch),
                },
                Err(error @ flowscope_table::TableError::Capture { .. }) if !is_strict => {
                    trouble.note(&error.to_string());
                    return ControlFlow::Continue(());
                }
                Err(error) => Err(DataFusionError::External(Box::new(error))),
            };
            rows.add(batch.as_ref().map_or(0, |batch| batch.num_rows()));
            let was_error = batch.is_err();
            match sender.blocking_send(batch) {
                Ok(()) if !was_error => ControlFlow::Continue(()),
                _ => ControlFlow::Break(()),
            }
        };
        stream.spawn_blocking(move || {
            let mut give = give;
            if let Some(reader) = reader() {
                reader.read(&mut give);
            }
            Ok(())
        });
        Ok(stream.build())
    }
}

impl DisplayAs for CaptureScan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let CaptureTable {
            table,
            captures,
            options,
            ..
        } = &self.source;
        write!(f, "CaptureScan: table={table}, reads={}", reads(*table))?;
        write!(f, ", captures={}", captures.len())?;
        let shown = captures.iter().take(MOST_SHOWN);
        let shown: Vec<_> = shown.map(|it| it.display().to_string()).collect();
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
        write!(f, ", columns=[{}]", self.columns.join(", "))?;
        let RowFilter { from, to, src, dst } = &self.filter;
        for (name, value) in [
            ("ts>=", from.map(|it| it.to_string())),
            ("ts<=", to.map(|it| it.to_string())),
            ("src=", src.map(|it| it.to_string())),
            ("dst=", dst.map(|it| it.to_string())),
        ] {
            if let Some(value) = value {
                write!(f, ", {name}{value}")?;
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

/// Batches that may be read before they are wanted.
const AHEAD: usize = 2;

/// Captures that are named where a plan is explained.
const MOST_SHOWN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_captures_that_are_one_keep_their_order() {
        let captures: Vec<PathBuf> = (0..7).map(|it| format!("{it}.pcap").into()).collect();
        for (most, lens) in [
            (0, &[7][..]),
            (1, &[7]),
            (2, &[4, 3]),
            (3, &[3, 3, 1]),
            (50, &[1; 7]),
        ] {
            let parts = cut(&captures, most);
            assert_eq!(parts.concat(), captures);
            assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), lens);
        }
        assert_eq!(cut(&[], 3), [Vec::<PathBuf>::new()]);
    }

    #[test]
    fn parts_have_all_captures_once() {
        let captures: Vec<PathBuf> = (0..7).map(|it| format!("{it}.pcap").into()).collect();
        for most in [0, 1, 2, 3, 7, 50] {
            let parts = deal(&captures, most);
            assert_eq!(parts.len(), most.clamp(1, 7));
            assert!(parts.iter().all(|part| !part.is_empty()), "{parts:?}");
            let mut all: Vec<_> = parts.concat();
            all.sort();
            assert_eq!(all, captures);
        }
    }
}
