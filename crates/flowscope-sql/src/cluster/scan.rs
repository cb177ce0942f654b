//! The step that reads captures on a cluster.

use core::fmt;
use core::ops::ControlFlow;
use std::sync::Arc;

use datafusion::arrow::array::{Int64Array, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::cast::as_int64_array;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, exec_datafusion_err, internal_err};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    ReplaceChildrenOptions,
};
use futures_util::StreamExt;

use super::damage::Counts;
use super::unchanged;
use crate::captures::Place;
use crate::reading::{Reading, Taker};
use crate::scan::{AHEAD, properties};

/// Reads the parts of captures whose numbers come from below it.
///
/// A scheduler that makes tasks of a step gives each of them some partitions. It
/// knows how to do that with what is in memory, so the numbers of the parts are
/// there. Of a step with nothing below it, every task would read all parts.
#[derive(Debug)]
pub(super) struct ClusterScan {
    pub(super) reading: Reading,
    numbers: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

/// The cluster that a plan is of.
#[derive(Debug)]
pub(super) struct Cluster;

impl Place for Cluster {
    fn scan(self: Arc<Self>, reading: Reading) -> Result<Arc<dyn ExecutionPlan>> {
        let numbers = numbers(reading.parts.len())?;
        Ok(Arc::new(ClusterScan::new(reading, numbers)))
    }
}

/// A partition for each part, with its number.
fn numbers(parts: usize) -> Result<Arc<dyn ExecutionPlan>> {
    let schema = Arc::new(Schema::new(vec![Field::new(
        "part",
        DataType::Int64,
        false,
    )]));
    let batch = |part: usize| {
        let number = i64::try_from(part).unwrap_or(i64::MAX);
        let numbers = Arc::new(Int64Array::from(vec![number]));
        Ok(vec![RecordBatch::try_new(schema.clone(), vec![numbers])?])
    };
    let partitions = (0..parts).map(batch).collect::<Result<Vec<_>>>()?;
    Ok(MemorySourceConfig::try_new_exec(&partitions, schema, None)?)
}

impl ClusterScan {
    /// What it is called where a plan is explained.
    pub(super) const NAME: &str = "CaptureScan";

    pub(super) fn new(reading: Reading, numbers: Arc<dyn ExecutionPlan>) -> Self {
        let partitions = numbers.output_partitioning().partition_count();
        Self {
            properties: Arc::new(properties(&reading, partitions)),
            reading,
            numbers,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    fn numbered_by(&self, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok([numbers]) = <[_; 1]>::try_from(children) else {
            return internal_err!("a scan of captures has one step below it");
        };
        Ok(Arc::new(Self::new(self.reading.clone(), numbers)))
    }
}

impl ExecutionPlan for ClusterScan {
    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.numbers]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
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
        self.numbered_by(children)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.numbered_by(children)
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let mut stream = RecordBatchReceiverStreamBuilder::new(self.schema(), AHEAD);
        let counts = Counts {
            metrics: self.metrics.clone(),
            partition,
        };
        let damages = counts.clone();
        let taker = Taker {
            sender: stream.tx(),
            rows: MetricBuilder::new(&self.metrics).output_rows(partition),
            note: Box::new(move |damage| damages.damage(damage)),
        };
        let numbers = self.numbers.execute(partition, context)?;
        stream.spawn(read(numbers, self.reading.clone(), taker, counts));
        Ok(stream.build())
    }
}

/// Reads the parts with these numbers.
async fn read(
    mut numbers: SendableRecordBatchStream,
    reading: Reading,
    mut taker: Taker,
    counts: Counts,
) -> Result<()> {
    let mut parts = Vec::new();
    while let Some(batch) = numbers.next().await {
        let batch = batch?;
        let numbers = as_int64_array(batch.column(0))?.values().iter();
        parts.extend(numbers.filter_map(|it| usize::try_from(*it).ok()));
    }
    let work = move || {
        for part in parts {
            counts.part(part, reading.parts.len());
            if read_part(&reading, part, &mut taker)?.is_break() {
                break;
            }
        }
        Ok(())
    };
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| exec_datafusion_err!("captures could not be read: {error}"))?
}

/// Reads a part, of captures that are all the time what they were.
fn read_part(reading: &Reading, part: usize, taker: &mut Taker) -> Result<ControlFlow<()>> {
    let captures: Vec<_> = match reading.index {
        // All of them say which flows are whose.
        Some(_) => reading.parts.iter().flatten().collect(),
        None => reading.parts.get(part).into_iter().flatten().collect(),
    };
    unchanged::check(captures.iter().copied())?;
    let next = reading.read(part, taker);
    unchanged::check(captures.into_iter())?;
    Ok(next)
}

impl DisplayAs for ClusterScan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", Self::NAME, self.reading)
    }
}
