//! Flows over time: who is live, what they did, when they end.
//!
//! The vocabulary of tracking is here: events, states, statistics, settings.
//! The tracker itself is [`FlowTracker`](crate::FlowTracker).

mod anomaly;
mod cold_state;
mod connection;
mod counters;
mod end_reason;
pub(crate) mod event;
mod expiry;
mod flow;
mod flow_flags;
mod history;
mod id;
mod index;
mod prefetch;
mod ready_queue;
mod sender;
#[cfg(feature = "serde")]
mod serialized;
mod state;
mod stats;
mod table;
mod timeouts;
mod timer_wheel;
mod work;

pub use anomaly::{Anomalies, AnomalyKind};
pub use end_reason::EndReason;
pub use history::History;
pub use id::FlowId;
pub use state::FlowState;
pub use stats::{FlowStats, TrackerStats};
pub use timeouts::IdleTimeouts;

pub(crate) use cold_state::ColdState;
pub(crate) use connection::{Effect, Fin, NewConnection, SegmentOwner, Verdict};
pub(crate) use event::FlowEvent;
pub(crate) use flow::{Flow, Observed};
pub(crate) use id::FlowIndex;
pub(crate) use prefetch::prefetch;
pub(crate) use ready_queue::ReadyQueue;
pub(crate) use table::{ByAge, Slot, Table};
pub(crate) use work::Work;
