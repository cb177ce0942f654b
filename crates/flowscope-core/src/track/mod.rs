//! Flows over time: who is live, what they did, when they end.
//!
//! The vocabulary of tracking is here: events, states, statistics, settings.
//! The tracker itself is [`FlowTracker`](crate::FlowTracker).

mod connection;
mod event;
mod expiry;
mod flow;
mod history;
mod prefetch;
mod ready_queue;
mod sender;
mod slab;
mod state;
mod stats;
mod table;
mod timer_wheel;

pub use event::{Anomalies, AnomalyKind, EndReason, FlowEvent};
pub use history::History;
pub use state::FlowState;
pub use stats::{FlowStats, TrackerStats};

pub(crate) use connection::{Contender, Effect, Fin, Standing, Verdict};
pub(crate) use flow::{ColdState, Flow, Observed};
pub(crate) use table::{Slot, Table};

use core::fmt;
use core::time::Duration;

/// Identifies one flow of one tracker.
///
/// Ordered by the flows' first packets. The number is never used again, so an
/// identifier that was kept too long finds nothing rather than a stranger.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct FlowId {
    number: u64,
    index: u32,
}

impl FlowId {
    pub(crate) const fn new(number: u64, index: u32) -> Self {
        Self { number, index }
    }

    /// The flow's place in the order of first packets, starting at 1.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.number
    }

    pub(crate) const fn index(self) -> u32 {
        self.index
    }
}

impl fmt::Display for FlowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number.fmt(f)
    }
}

/// How long a flow may be silent before it ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IdleTimeouts {
    /// TCP connections: 300 s by default.
    pub tcp: Duration,
    /// TCP connections that have not got past the handshake: 60 s by default,
    /// which is longer than the longest usual pause between two SYNs.
    pub handshake: Duration,
    /// TCP connections closed by both sides or reset: 10 s by default. For so
    /// long late packets still count on the connection they belong to.
    pub closed: Duration,
    /// UDP and UDP-Lite: 60 s by default.
    pub udp: Duration,
    /// Everything else: 30 s by default.
    pub other: Duration,
}

impl IdleTimeouts {
    /// That of a TCP connection in a state.
    #[inline]
    pub(crate) const fn of_tcp(&self, state: FlowState) -> Duration {
        match state {
            FlowState::SynSent | FlowState::SynReceived => self.handshake,
            state if state.is_over() => self.closed,
            _ => self.tcp,
        }
    }
}

impl Default for IdleTimeouts {
    fn default() -> Self {
        Self {
            tcp: Duration::from_secs(300),
            handshake: Duration::from_secs(60),
            closed: Duration::from_secs(10),
            udp: Duration::from_secs(60),
            other: Duration::from_secs(30),
        }
    }
}
