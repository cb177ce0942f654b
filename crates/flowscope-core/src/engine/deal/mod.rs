//! One engine's work for several threads, with the same outcome as on one.
//!
//! ```text
//!            FlowDealer                 FlowWorker, each on a thread of its own
//!  packets ─► tracks, in their order ─┬─► batch ─► a Consumer, for some of the shards ─► events
//!                                     └─► batch ─► a Consumer, for the others         ─► events
//! ```
//!
//! What concerns all flows has one place: a [`FlowDealer`] tracks the packets,
//! and so knows which flow each is of, when flows end, and which datagram a
//! fragment completes. What concerns one flow alone, which is most of the work,
//! is done by the [`FlowWorker`] that has the flow's shard: it has the states of
//! a [`Consumer`](super::Consumer) for its flows, and calls the consumer as an
//! [`Engine`](super::Engine) would.
//!
//! A worker says the [`Place`] of everything it reports. All events of all
//! workers, in the order of their places, are those of an engine that has as
//! many [shards](crate::EngineConfig::shards), in the same order.
//!
//! Nothing here is a thread: batches may go to others in any way that keeps
//! their order.

mod batch;
mod consumer;
mod dealer;
mod place;
mod route;
mod step;
mod worker;
mod worker_flows;
mod worker_host;
mod worker_steps;

pub use batch::FlowBatch;
pub use dealer::FlowDealer;
pub use place::{Place, StepSink};
pub use worker::FlowWorker;
pub use worker_flows::WorkerFlows;
