//! Passive flow and session tracking: packets go in, what conversations they
//! form comes out.
//!
//! A packet is a [`PacketView`]: borrowed bytes with the time at which they were
//! captured. It may come from a capture file, a socket, a ring or a test. No
//! clock is read, no thread started, and memory is bounded by [`EngineConfig`].
//!
//! ```
//! use flowscope::extract::{FiveTuple, FiveTupleKey};
//! use flowscope::{FlowEvent, FlowTracker, PacketView, Timestamp};
//!
//! let frame = [
//!     0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 8, 0, // Ethernet
//!     0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, // IPv4
//!     0x30, 0x39, 0, 53, 0, 10, 0, 0, b'h', b'i', // UDP, 12345 to 53
//! ];
//! let mut lines = Vec::new();
//! let mut on_event = |event: FlowEvent<FiveTupleKey>| {
//!     if let FlowEvent::Ended { key, stats, .. } = event {
//!         lines.push(format!("{key}: {} bytes", stats.bytes.total()));
//!     }
//! };
//!
//! let mut tracker = FlowTracker::new(FiveTuple::bidirectional());
//! tracker.track(PacketView::new(&frame, Timestamp::new(1, 0)), &mut on_event);
//! tracker.finish(&mut on_event); // the flows still open
//! assert_eq!(lines, ["10.0.0.1:12345 → 10.0.0.2:53 udp: 44 bytes"]);
//! ```
//!
//! # I want … → use …
//!
//! | I want | Use |
//! |---|---|
//! | flows: who with whom, when, how much | [`FlowTracker`] |
//! | the bytes of connections, in order | [`FlowDriver`] with a [`StreamFactory`](session::StreamFactory) |
//! | the same with a reassembler of my own | [`FlowReassemblyDriver`] with a [`ReassemblerFactory`](engine::ReassemblerFactory) |
//! | messages of a protocol over TCP | [`FlowSessionDriver`] with a [`SessionParser`](session::SessionParser) |
//! | messages of a protocol over UDP | [`FlowDatagramDriver`] with a [`DatagramParser`](session::DatagramParser) |
//! | both, or several protocols at once | [`FlowMessageDriver`] |
//! | HTTP, TLS, QUIC and DNS, on any port | `detect::Detector` (feature `detect`) |
//! | HTTP, TLS, QUIC or DNS alone | the parsers in `http`, `tls`, `quic` and `dns` (features of these names) |
//! | to read or write a capture file | `pcap::PcapFlowSource`, `pcap::PcapWriter` (feature `pcap`) |
//! | live packets, as a stream on Tokio | the crate `flowscope-tokio` |
//! | to look into tunnels | [`AutoDetectEncap`](extract::AutoDetectEncap) around the extractor |
//! | other keys than the five-tuple | [`IpPair`](extract::IpPair), [`MacPair`](extract::MacPair), or a [`FlowExtractor`](extract::FlowExtractor) of my own |
//! | one connection put in order, without flows | [`BufferedReassembler`](reassemble::BufferedReassembler) |
//! | a limit on memory, other timeouts | [`EngineConfig`] |
//!
//! # Modules
//!
//! The drivers are at the top of the crate: [`FlowTracker`], [`FlowDriver`],
//! [`FlowReassemblyDriver`], [`FlowSessionDriver`], [`FlowDatagramDriver`] and
//! [`FlowMessageDriver`]. Each is an [`Engine`](engine::Engine), where their
//! methods are found.
//!
//! - [`engine`]: the loop that all drivers share, and its settings.
//! - [`extract`]: from a packet to the key of its flow.
//! - [`track`]: what is known of a flow: events, states, statistics.
//! - [`session`]: the traits of parsers, their events, and a buffer for them.
//! - [`reassemble`]: TCP segments put in order.
//! - [`defrag`]: IP fragments put together.
//! - [`dedup`]: packets that were captured twice.
//! - [`wire`]: headers, tunnels, checksums, and why a packet has no flow.
//! - [`observe`]: metrics and log events for who operates the program.
//! - `http`, `tls`, `quic`, `dns`: the protocols.
//! - `detect`: the protocol of a flow told by its first bytes.
//! - `pcap`: capture files.
//!
//! # Features
//!
//! All protocols and capture files are there by default. For less, turn the
//! default features off and choose:
//!
//! | Feature | What it adds |
//! |---|---|
//! | `std` | [`Timestamp`] from and to `SystemTime`; speed in `http` |
//! | `http` | the module `http`; in `detect` what is called `Http` |
//! | `tls` | the module `tls`; in `detect` what is called `Tls`; needs `std` |
//! | `quic` | the module `quic`; in `detect` what is called `Quic`; needs `tls` |
//! | `ja3` | `ClientHello::ja3`, `ServerHello::ja3s` and `Ja3` in `tls` |
//! | `ja4` | `ClientHello::ja4`, `Certificate::sha256` and `Ja4` in `tls` |
//! | `x509` | `Certificate::details`, `Certificate::sha256` and `CertificateDetails` in `tls` |
//! | `dns` | the module `dns`; in `detect` what is called `Dns` |
//! | `detect` | the module `detect` |
//! | `pcap` | the module `pcap`, and `Detect` in `detect`; needs `std` |
//! | `full` | all of the above; the default |
//! | `metrics` | counters through the crate `metrics`, and `observe::describe`; needs `std` |
//! | `tracing` | flows and anomalies through the crate `tracing` |
//! | `tracing-messages` | each message of a parser, too |
//!
//! Without features it is `flowscope-core`, which needs `alloc` alone; so do
//! `http`, `dns` and `detect`.
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]

pub use flowscope_core::*;
#[cfg(feature = "detect")]
pub use flowscope_detect as detect;
#[cfg(feature = "dns")]
pub use flowscope_dns as dns;
#[cfg(feature = "http")]
pub use flowscope_http as http;
#[cfg(feature = "pcap")]
pub use flowscope_pcap as pcap;
#[cfg(feature = "quic")]
pub use flowscope_quic as quic;
#[cfg(feature = "tls")]
pub use flowscope_tls as tls;
