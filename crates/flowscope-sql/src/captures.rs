//! Captures as a table.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use flowscope_table::{Addresses, RowFilter, Table, schema};

use crate::bounds;
use crate::options::ReadOptions;
use crate::scan::CaptureScan;
use crate::trouble::Trouble;

/// A table of captures, which are read when it is.
#[derive(Clone, Debug)]
pub(crate) struct CaptureTable {
    pub(crate) table: Table,
    pub(crate) captures: Vec<PathBuf>,
    pub(crate) options: ReadOptions,
    pub(crate) trouble: Arc<Trouble>,
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
        let scan = CaptureScan::new(self.clone(), projection, filter, most)?;
        Ok(Arc::new(scan))
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
