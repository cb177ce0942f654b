//! Flow tracking on all cores, with the same outcome as on one, to the byte.
//!
//! ```text
//!   a thread that tracks ──► batches, bounded ──► workers ──► chunks, bounded ──► the caller
//!    FlowDealer, or another                        each on a thread                in order
//! ```
//!
//! [`Pipeline`] has the threads and the queues: what is tracked, and what workers
//! do, are a [`Deal`](flowscope_core::engine::deal)'s two sides, and come as a
//! closure and as [`Worker`]s. [`ParallelEngine`] does it for any consumer of
//! the core:
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use flowscope_core::engine::Lifecycle;
//! use flowscope_core::extract::{FiveTuple, FiveTupleKey};
//! use flowscope_core::{EngineConfig, FlowEvent, PacketView, Timestamp};
//! use flowscope_parallel::ParallelEngine;
//!
//! # let frame = [
//! #     0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0, 0,
//! #     10, 0, 0, 1, 10, 0, 0, 2, 0x30, 0x39, 0, 53, 0, 10, 0, 0, b'h', b'i',
//! # ];
//! let config = EngineConfig { shards: 64, ..EngineConfig::default() };
//! let engine = ParallelEngine::new(FiveTuple::bidirectional(), config, 2, Lifecycle::<()>::default);
//! let mut ended = 0;
//! engine.run(
//!     move |tracker| {
//!         for second in 0..10 {
//!             tracker.track_batch([PacketView::new(&frame, Timestamp::new(second, 0))])?;
//!         }
//!         tracker.finish()
//!     },
//!     |event| {
//!         ended += usize::from(matches!(event, FlowEvent::<FiveTupleKey>::Ended { .. }));
//!         ControlFlow::Continue(())
//!     },
//! )?;
//! assert_eq!(ended, 1);
//! # Ok::<(), flowscope_parallel::Panicked>(())
//! ```
//!
//! Queues are bounded: whoever is slow has the others wait, and memory does not
//! grow with the input. A worker that panics ends the run, behind everything
//! that comes before what it was doing.

mod chunk;
mod engine;
mod merge;
mod pipeline;

pub use chunk::Chunk;
pub use engine::{ParallelEngine, ParallelTracker};
pub use pipeline::{Feed, Panicked, Pipeline, Stopped, Worker};
