//! How tables of captures, and steps that read them, travel.
//!
//! Everything else travels as Ballista's own codecs say. Functions of values are
//! found by their names, so nobody has to register them.

use std::sync::Arc;

use ballista_core::serde::{BallistaLogicalExtensionCodec, BallistaPhysicalExtensionCodec};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::{Result, TableReference, internal_err, plan_err};
use datafusion::datasource::file_format::FileFormatFactory;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Extension, LogicalPlan, ScalarUDF};
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::logical_plan::LogicalExtensionCodec;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};

use super::indexes::Indexes;
use super::messages::{ReadingMessage, TableMessage, read, write};
use super::scan::ClusterScan;
use crate::captures::CaptureTable;
use crate::functions;

/// From who asks to the scheduler.
#[derive(Debug, Default)]
pub(super) struct LogicalCodec(BallistaLogicalExtensionCodec);

/// From the scheduler to executors.
#[derive(Debug, Default)]
pub(super) struct PhysicalCodec {
    others: BallistaPhysicalExtensionCodec,
    indexes: Indexes,
}

impl LogicalExtensionCodec for LogicalCodec {
    fn try_encode_table_provider(
        &self,
        name: &TableReference,
        table: Arc<dyn TableProvider>,
        buffer: &mut Vec<u8>,
    ) -> Result<()> {
        match table.downcast_ref::<CaptureTable>() {
            Some(table) => write(&TableMessage::of(table)?, buffer),
            None => self.0.try_encode_table_provider(name, table, buffer),
        }
    }

    fn try_decode_table_provider(
        &self,
        bytes: &[u8],
        name: &TableReference,
        schema: SchemaRef,
        context: &TaskContext,
    ) -> Result<Arc<dyn TableProvider>> {
        match read::<TableMessage>(bytes)? {
            Some(table) => Ok(Arc::new(table.table()?)),
            None => (self.0).try_decode_table_provider(bytes, name, schema, context),
        }
    }

    fn try_decode_udf(&self, name: &str, _: &[u8]) -> Result<Arc<ScalarUDF>> {
        function(name)
    }

    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[LogicalPlan],
        context: &TaskContext,
    ) -> Result<Extension> {
        self.0.try_decode(bytes, inputs, context)
    }

    fn try_encode(&self, node: &Extension, buffer: &mut Vec<u8>) -> Result<()> {
        self.0.try_encode(node, buffer)
    }

    fn try_decode_file_format(
        &self,
        bytes: &[u8],
        context: &TaskContext,
    ) -> Result<Arc<dyn FileFormatFactory>> {
        self.0.try_decode_file_format(bytes, context)
    }

    fn try_encode_file_format(
        &self,
        buffer: &mut Vec<u8>,
        format: Arc<dyn FileFormatFactory>,
    ) -> Result<()> {
        self.0.try_encode_file_format(buffer, format)
    }
}

impl PhysicalExtensionCodec for PhysicalCodec {
    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        buffer: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        match node.downcast_ref::<ClusterScan>() {
            Some(scan) => write(&ReadingMessage::of(&scan.reading)?, buffer),
            None => self.others.try_encode(node, buffer, converter),
        }
    }

    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Some(reading) = read::<ReadingMessage>(bytes)? else {
            return self.others.try_decode(bytes, inputs, context, converter);
        };
        let [numbers] = inputs else {
            return internal_err!("a scan of captures has one step below it");
        };
        let mut reading = reading.reading()?;
        self.indexes.share(&mut reading);
        Ok(Arc::new(ClusterScan::new(reading, numbers.clone())))
    }

    fn try_decode_udf(&self, name: &str, _: &[u8]) -> Result<Arc<ScalarUDF>> {
        function(name)
    }
}

fn function(name: &str) -> Result<Arc<ScalarUDF>> {
    let found = functions::of_values()
        .into_iter()
        .find(|it| it.name() == name);
    match found {
        Some(function) => Ok(Arc::new(function)),
        None => plan_err!("there is no function {name}"),
    }
}
