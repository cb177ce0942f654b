//! Reads and writes captures.
//!
//! [`PcapFlowSource`] lends the packets of a pcap or pcapng file, plain or
//! compressed, one after the other and without copying them. What is inside a
//! packet is not this crate's business.

mod buffer;
mod classic;
mod error;
mod input;
mod interface;
mod link;
mod options;
mod order;
mod pcapng;
mod reader;
mod source;

pub use error::PcapError;
pub use input::Compression;
pub use interface::{Interface, Resolution, Section};
pub use options::{Options, PcapngOption};
pub use order::ByteOrder;
pub use source::{Format, PcapFlowSource};
