//! Reads and writes captures.
//!
//! [`PcapFlowSource`] lends the packets of a pcap or pcapng file, plain or
//! compressed, one after the other and without copying them. [`PcapWriter`]
//! and [`PcapngWriter`] write such files. What is inside a packet is not this
//! crate's business.
//!
//! ```
//! use flowscope_core::{LinkType, PacketView, Timestamp};
//! use flowscope_pcap::{PcapConfig, PcapFlowSource, PcapWriter};
//!
//! let mut file = PcapWriter::new(Vec::new(), PcapConfig::default())?;
//! file.write(PacketView::new(b"a frame", Timestamp::new(1, 0)))?;
//! file.write(PacketView::new(b"another", Timestamp::new(2, 0)))?;
//! let bytes = file.finish()?;
//!
//! let mut source = PcapFlowSource::from_reader(&bytes[..])?;
//! let mut frames = Vec::new();
//! while let Some(packet) = source.next_packet()? {
//!     assert_eq!(packet.link, LinkType::ETHERNET);
//!     frames.push(packet.frame.to_vec());
//! }
//! assert_eq!(frames, [b"a frame", b"another"]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

extern crate alloc;

mod buffer;
mod classic;
mod decompressed;
mod error;
mod flows;
mod input;
mod interface;
mod link;
mod options;
mod order;
mod pcapng;
mod reader;
mod sessions;
mod source;
mod writer;

pub use decompressed::Decompressed;
pub use error::PcapError;
pub use flows::{DriverEvents, FlowEvents};
pub use input::Compression;
pub use interface::{Interface, Resolution, Section};
pub use options::{Options, PcapngOption};
pub use order::ByteOrder;
pub use sessions::{DatagramEvents, MessageEvents, SessionEvents};
pub use source::{Format, PcapFlowSource};
pub use writer::{
    InterfaceConfig, InterfaceId, PcapConfig, PcapWriter, PcapngWriter, Precision, SectionConfig,
};
