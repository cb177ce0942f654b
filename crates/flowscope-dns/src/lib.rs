//! DNS messages out of datagrams and streams, and answers matched to
//! questions.
//!
//! [`DnsUdpParser`] and [`DnsTcpParser`] are parsers of
//! [`flowscope_core::session`]; both report [`DnsMessage`]s. A [`DnsFactory`]
//! calls a [`DnsHandler`] instead. Without any of them, [`DnsPacket`] reads a
//! message.
//!
//! ```
//! use flowscope_dns::DnsPacket;
//!
//! let response = b"\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0\x07example\0\0\x41\0\x01\
//!     \xc0\x0c\0\x41\0\x01\0\0\0\x3c\0\x0d\0\x01\0\0\x01\0\x06\x02h2\x02h3";
//! let packet = DnsPacket::parse(response)?;
//! for record in packet.answers() {
//!     assert_eq!(record.to_string(), "example 60 IN HTTPS 1 . alpn=h2,h3");
//! }
//! # Ok::<(), flowscope_dns::DnsError>(())
//! ```
//!
//! A message is kept as it came, in one allocation, and its header is read.
//! Questions and records are found when they are asked for, and what they say
//! is put into words when it is written. Of a message that is damaged, what
//! comes before the damage is given, and [`DnsPacket::problem`] says what it
//! is. Captured bytes cannot make it panic, nor keep it busy for longer than
//! [`DnsConfig`] allows.
//!
//! The crate needs `alloc` and no `std`: turn off the default feature `std`.
#![no_std]
#![warn(clippy::indexing_slicing)]
#![cfg_attr(test, allow(clippy::indexing_slicing, reason = "a test may panic"))]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod config;
mod correlate;
mod decode;
mod direction;
mod error;
mod factory;
mod message;
mod numbers;
mod packet;
mod pending;
mod probe;
mod tcp;
mod udp;

pub use config::{DnsConfig, Matching, Strictness};
pub use error::{DnsError, Problem};
pub use factory::{DnsFactory, DnsHandler, DnsStream};
pub use message::{Answered, DnsMessage, DnsQuery, DnsResponse, DnsUnanswered, Unanswered};
pub use numbers::{Class, Opcode, Rcode, RecordType};
pub use packet::{
    DnsPacket, Edns, EdnsOption, EdnsOptions, Labels, Name, Question, Questions, ReadableName,
    Record, RecordData, Records, Section, SectionRecords,
};
pub use tcp::DnsTcpParser;
pub use udp::DnsUdpParser;
