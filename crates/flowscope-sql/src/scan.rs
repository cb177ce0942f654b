//! The step of a query that reads captures.

use core::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
};

use crate::captures::Place;
use crate::reading::{Reading, Taker};
use crate::trouble::Trouble;

/// Reads captures: those of each part one after the other.
#[derive(Debug)]
pub(crate) struct CaptureScan {
    reading: Reading,
    trouble: Arc<Trouble>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl CaptureScan {
    fn new(reading: Reading, trouble: Arc<Trouble>) -> Self {
        Self {
            properties: Arc::new(properties(&reading, reading.parts.len())),
            reading,
            trouble,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

/// What is known of a step that reads captures in so many partitions.
pub(crate) fn properties(reading: &Reading, partitions: usize) -> PlanProperties {
    PlanProperties::new(
        EquivalenceProperties::new(reading.schema.clone()),
        Partitioning::UnknownPartitioning(partitions),
        EmissionType::Incremental,
        Boundedness::Bounded,
    )
}

/// This process.
impl Place for Trouble {
    fn scan(self: Arc<Self>, reading: Reading) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(CaptureScan::new(reading, self)))
    }
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
        let trouble = self.trouble.clone();
        let mut taker = Taker {
            sender: stream.tx(),
            rows: MetricBuilder::new(&self.metrics).output_rows(part),
            note: Box::new(move |damage| trouble.note(&damage.to_string())),
        };
        let reading = self.reading.clone();
        stream.spawn_blocking(move || {
            let _ = reading.read(part, &mut taker);
            Ok(())
        });
        Ok(stream.build())
    }
}

impl DisplayAs for CaptureScan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaptureScan: {}", self.reading)
    }
}

/// Batches that may be read before they are wanted.
pub(crate) const AHEAD: usize = 2;
