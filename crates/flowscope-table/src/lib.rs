//! The records of flowscope as tables: Arrow batches, and Parquet files of them.
//!
//! ```text
//! captures → RecordTracker → Record → BatchBuilder (a FieldVisitor) → RecordBatch → ParquetFolder
//!                                         └── schema: that of flowscope-record, with Arrow's types
//! ```
//!
//! ```
//! use flowscope_table::{Input, Table, TableReader};
//!
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/pcap/recorded/http-1-0.pcap");
//! let mut rows = 0;
//! for batch in TableReader::new(vec![Input::file(path)], &[Table::Http]) {
//!     let (_, batch) = batch?;
//!     rows += batch.num_rows();
//! }
//! assert_eq!(rows, 4);
//! # Ok::<(), flowscope_table::TableError>(())
//! ```
//!
//! A [`Table`] has the fields of one kind of records as its columns, with types
//! of their own: see [`schema`]. A [`TableReader`] makes batches of captures, of
//! which each has a bounded size. [`folder`] writes them as Parquet.
//!
//! Arrow's types are in this crate's interface, as they are what it is for.

mod batch;
mod column;
mod error;
mod filter;
pub mod folder;
mod input;
mod partition;
mod reader;
mod row;
mod schema;
mod subnet;
mod table;

pub use batch::BatchBuilder;
pub use error::TableError;
pub use filter::RowFilter;
pub use input::Input;
pub use partition::Partitions;
pub use reader::{Batches, TableBatch, TableConfig, TableReader};
pub use schema::{CAPTURE, SCHEMA_VERSION, schema};
pub use subnet::Subnet;
pub use table::{Addresses, Table, UnknownName};
