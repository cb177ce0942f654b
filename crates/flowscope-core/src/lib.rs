//! Passive flow tracking: frames in, flows out.
//!
//! ```text
//! PacketView → FlowExtractor → FlowTracker → FlowEvent
//! ```
//!
//! A [`PacketView`] is a captured frame with its time, from wherever frames
//! come. A [`FlowExtractor`](extract::FlowExtractor) reads its headers and
//! names its flow. A [`FlowTracker`] follows the flows and reports what becomes
//! of them to a [`Sink`].
//!
//! Nothing here reads a clock, a file, a socket or the environment: time is
//! the packets' own, and the same packets always give the same events. Frames
//! are borrowed, payload is a slice of the frame. A packet of a known flow
//! allocates nothing and touches that flow only; memory is bounded by
//! [`EngineConfig`]. Captured bytes cannot make it panic.
//!
//! The crate needs `alloc` and no `std`: turn off the default feature `std`,
//! which adds that a [`Timestamp`] can be had from a `SystemTime` and made one.
//! With the features `metrics`, `tracing` and `tracing-messages` it also tells
//! those who watch the program what it does: see [`observe`]. With `metrics`
//! there is `observe::describe`; the other two add no items.
#![cfg_attr(not(feature = "std"), no_std)]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(all(test, not(feature = "std")))]
extern crate std;

pub mod dedup;
pub mod defrag;
mod driver;
pub mod engine;
pub mod extract;
pub mod observe;
mod packet;
pub mod reassemble;
mod seq;
pub mod session;
mod side;
mod sink;
mod slab;
mod time;
pub mod track;
pub mod wire;
mod words;

pub use dedup::duplicates::Dedup;
pub use driver::{
    FlowDatagramDriver, FlowDriver, FlowMessageDriver, FlowReassemblyDriver, FlowSessionDriver,
    FlowTracker,
};
pub use engine::config::EngineConfig;
pub use packet::{LinkType, PacketView};
pub use seq::SeqNumber;
pub use session::event::SessionEvent;
pub use side::{BySide, FlowSide, Orientation};
pub use sink::Sink;
pub use time::Timestamp;
pub use track::event::FlowEvent;
