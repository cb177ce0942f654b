//! Flows over time: who is live, what they did, when they end.
//!
//! The vocabulary of tracking is here: events, states, statistics, settings.
//! The tracker itself is [`FlowTracker`](crate::FlowTracker).

mod anomaly;
mod connection;
mod end_reason;
mod event;
mod expiry;
mod flow;
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
pub use event::FlowEvent;
pub use history::History;
pub use id::FlowId;
pub use state::FlowState;
pub use stats::{FlowStats, TrackerStats};
pub use timeouts::IdleTimeouts;

pub(crate) use connection::{Effect, Fin, NewConnection, SegmentOwner, Verdict};
pub(crate) use flow::{ColdState, Flow, Observed};
pub(crate) use id::FlowIndex;
pub(crate) use ready_queue::ReadyQueue;
pub(crate) use table::{Slot, Table};
pub(crate) use work::Work;
