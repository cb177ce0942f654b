//! From packets to typed records: what the flows of a capture were, and what
//! was said on them.
//!
//! ```text
//! PacketSource → RecordTracker → Record → Visit → a FieldVisitor (JSON, CSV, …)
//!                                   └──── schema: names, types, units, meaning
//! ```
//!
//! ```
//! # #[cfg(feature = "pcap")] {
//! use flowscope_pcap::PcapFlowSource;
//! use flowscope_record::{Record, Records};
//!
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/pcap/recorded/http-1-0.pcap");
//! let (mut messages, mut bytes) = (0, 0);
//! for record in Records::of(PcapFlowSource::open(path)?) {
//!     match record? {
//!         Record::Flow(flow) => bytes += flow.stats.bytes.total(),
//!         Record::Http(_) => messages += 1,
//!         _ => {}
//!     }
//! }
//! assert_eq!((messages, bytes), (4, 2881));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! [`Records`] are those of a source of packets, as an iterator. A
//! [`RecordTracker`] makes the same records of packets that it is handed one by
//! one; a [`RecordDealer`] and [`RecordWorker`]s do so on several threads. A
//! [`RecordConfig`] says which are wanted and how flows are told apart.
//!
//! A [`Record`] is typed: a program reads `flow.stats.bytes.initiator`, and no
//! text is in between. To be written it gives its fields to a [`FieldVisitor`],
//! always in the order of its [`schema`], which also says of each field what it
//! is, in which unit, and when it is absent.
//!
//! Nothing here reads a clock, a file or a socket: time is the packets' own.
//! With the feature `pcap`, which is on by default, a capture file is a source
//! of packets; `json` and `csv` are writers.

mod collector;
mod community_id;
mod config;
mod connection;
#[cfg(feature = "csv")]
pub mod csv;
mod dealing;
pub mod digits;
mod engines;
mod host;
#[cfg(feature = "json")]
pub mod json;
#[cfg(feature = "json")]
mod json_text;
#[cfg(feature = "json")]
mod line;
mod names;
mod observation;
#[cfg(any(feature = "csv", feature = "json"))]
mod plain_bytes;
mod plain_text;
mod ranking;
mod record;
mod records;
pub mod schema;
mod tally;
pub mod text;
mod tracker;
mod visit;

pub use community_id::{CommunityId, Ports};
pub use config::{Depth, Encapsulation, FlowKey, Goal, KeyScope, NameFilter, RecordConfig};
pub use connection::ConnectionState;
pub use dealing::{PlacedRecords, RecordBatch, RecordDealer, RecordWorker};
pub use engines::{Place, StreamId, StreamWriter};
pub use host::Host;
pub use plain_text::{Hex, PlainText};
pub use record::{
    Anomaly, ConnectionRecord, DnsRecord, Endpoints, EventKind, EventRecord, FlowRecord,
    HostTraffic, HttpRecord, MessageRecord, NameCounts, NameRequests, PacketRecord,
    ParentConnection, QuicRecord, Record, SkippedRecord, StreamRecord, SummaryRecord, TimeSpan,
    TlsRecord, Traffic,
};
pub use records::{PacketSource, Records};
pub use tracker::RecordTracker;
pub use visit::{FieldVisitor, Visit};
