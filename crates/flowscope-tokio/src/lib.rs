//! Live captures, and any other source of frames, as streams of typed events, on
//! Tokio.
//!
//! ```text
//! AsyncCapture ──► flow_stream ──► session_stream, datagram_stream, detect, conversation ──► broadcast
//!      ▲
//!  an interface, a capture that is replayed, a channel, any stream of frames
//! ```
//!
#![cfg_attr(feature = "libpcap", doc = "```no_run")]
#![cfg_attr(not(feature = "libpcap"), doc = "```ignore")]
//! use flowscope_tokio::AsyncCapture;
//! use flowscope::extract::FiveTuple;
//! use flowscope::http::HttpParser;
//! use futures::StreamExt;
//!
//! # async fn ex() -> Result<(), Box<dyn std::error::Error>> {
//! let mut s = AsyncCapture::open("eth0")?
//!     .flow_stream(FiveTuple::bidirectional())
//!     .session_stream(HttpParser::default());
//! while let Some(evt) = s.next().await { /* ... */ }
//! # Ok(()) }
//! ```
//!
//! This is a thin layer: what is done with frames is done by the drivers of
//! [`flowscope`], and an [`EventStream`] gives what they report, in the same
//! order. It adds three things. Frames wait in a bounded queue, and are taken
//! from there only as fast as the events are. While no frame comes, flows end and
//! parsers are called when they are due, by a timer. And what is lost on the way
//! is counted: [`CaptureCounts`].
//!
//! Start with [`AsyncCapture`].
//!
//! # Features
//!
//! - `libpcap`: `AsyncCapture::open`, `LiveConfig` and `interfaces`. It needs
//!   libpcap, to build and to run.
#![cfg_attr(docsrs, feature(doc_cfg))]

mod batch;
mod broadcast;
mod capture;
mod channel;
mod clock;
mod conversation;
mod conversations;
mod counts;
mod driver;
mod error;
mod events;
mod flows;
mod frame;
mod frames;
#[cfg(feature = "libpcap")]
mod live;
mod queue;
mod replay;
mod source;

pub use batch::FrameBatch;
pub use broadcast::{Broadcast, BroadcastError, Subscription};
pub use capture::AsyncCapture;
pub use channel::{ChannelSource, FrameSender, SendError};
pub use conversation::{ConversationParser, ConversationPart};
pub use conversations::{Conversation, Conversations};
pub use counts::{CaptureCounts, Counters};
pub use driver::Driver;
pub use error::CaptureError;
pub use events::EventStream;
pub use flows::{DatagramStream, FlowStream, MessageStream, SessionStream};
pub use frame::Frame;
pub use frames::StreamSource;
#[cfg(feature = "libpcap")]
pub use live::{Interface, LiveConfig, LiveSource, Mode, interfaces};
pub use replay::{ReplaySource, Speed};
pub use source::{FrameSource, Pace};
