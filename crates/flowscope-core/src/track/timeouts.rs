//! How long flows wait for packets.

use core::time::Duration;

use super::FlowState;

/// How long a flow may be silent before it ends.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
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
