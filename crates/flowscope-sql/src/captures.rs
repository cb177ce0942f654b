//! Captures as a table.

use core::fmt::Debug;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use flowscope_table::{Addresses, RowFilter, Table, schema};

use crate::bounds;
use crate::options::ReadOptions;
use crate::reading::Reading;

/// A table of captures, which are read when it is.
#[derive(Clone, Debug)]
pub(crate) struct CaptureTable {
    pub(crate) table: Table,
    pub(crate) captures: Vec<Capture>,
    pub(crate) options: ReadOptions,
    pub(crate) place: Arc<dyn Place>,
}

/// A capture as it was when it was found.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Capture {
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
    /// When it was last changed, in nanoseconds since 1970.
    pub(crate) changed: u64,
}

/// Where captures are read: in this process, or on a cluster.
pub(crate) trait Place: Debug + Send + Sync {
    /// The step of a query that reads them there.
    fn scan(self: Arc<Self>, reading: Reading) -> Result<Arc<dyn ExecutionPlan>>;
}

impl Capture {
    /// The capture at a path, which is empty if there is none.
    pub(crate) fn at(path: PathBuf) -> Self {
        let metadata = path.metadata().ok();
        let changed = metadata.as_ref().and_then(|it| it.modified().ok());
        let changed = changed.and_then(|it| it.duration_since(UNIX_EPOCH).ok());
        Self {
            path,
            bytes: metadata.map_or(0, |it| it.len()),
            changed: changed.map_or(0, |it| u64::try_from(it.as_nanos()).unwrap_or(0)),
        }
    }
}

#[async_trait]
impl TableProvider for CaptureTable {
    fn schema(&self) -> SchemaRef {
        schema(self.table, Addresses::Text)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let mut filter = RowFilter::default();
        for condition in filters {
            bounds::narrow(&mut filter, condition);
        }
        let most = state.config_options().execution.target_partitions;
        let reading = Reading::new(self.clone(), projection, filter, most)?;
        self.place.clone().scan(reading)
    }

    /// Rows that are not wanted are left out as far as [`bounds`] understands it.
    /// DataFusion looks at those that are left.
    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = filters.iter().map(|condition| {
            match bounds::narrow(&mut RowFilter::default(), condition) {
                true => TableProviderFilterPushDown::Inexact,
                false => TableProviderFilterPushDown::Unsupported,
            }
        });
        Ok(support.collect())
    }
}
