//! What a driver of parsers reports.

use alloc::sync::Arc;
use core::error::Error;
use core::fmt;

use crate::track::{AnomalyKind, EndReason, FlowEvent, FlowId, FlowStats};
use crate::{FlowSide, Timestamp};

/// What became of a flow, and what was said on it.
///
/// Per flow, [`Started`](Self::Started) comes first and
/// [`Closed`](Self::Closed) last, each exactly once, and `Closed` has the flow's
/// last statistics. A parser's messages are in between, in the order in which
/// they were read. If a parser fails, [`ParserFailed`](Self::ParserFailed) says
/// so at once, behind the messages that it gave before.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "events are handed on one by one; boxing the last would allocate per flow"
)]
pub enum SessionEvent<K, M> {
    /// A flow's first packet was seen.
    #[non_exhaustive]
    Started {
        /// The flow.
        flow: FlowId,
        /// What it is told apart by, seen from its initiator.
        key: K,
        /// The packet's time.
        at: Timestamp,
    },
    /// A parser read a message.
    Application {
        /// The flow.
        flow: FlowId,
        /// What it is told apart by, seen from its initiator.
        key: K,
        /// Whose packet completed the message, which is who sent it unless the
        /// parser speaks of both.
        side: FlowSide,
        /// The time of the packet that completed the message.
        at: Timestamp,
        /// The message.
        message: M,
    },
    /// Something was not what its flow leads to expect.
    #[non_exhaustive]
    Anomaly {
        /// The flow.
        flow: FlowId,
        /// Who sent the packet that showed it.
        side: FlowSide,
        /// The packet's time.
        at: Timestamp,
        /// What was odd.
        kind: AnomalyKind,
    },
    /// A flow's parser could not go on, and is dropped. Its flow lives on.
    #[non_exhaustive]
    ParserFailed {
        /// The flow.
        flow: FlowId,
        /// What it is told apart by, seen from its initiator.
        key: K,
        /// Whose bytes or datagram it failed at; the initiator for what came of
        /// neither.
        side: FlowSide,
        /// When it failed.
        at: Timestamp,
        /// What it returned; `None` if it only says that it is poisoned.
        error: Option<ParserError>,
    },
    /// A flow is over.
    #[non_exhaustive]
    Closed {
        /// The flow.
        flow: FlowId,
        /// What it is told apart by, seen from its initiator.
        key: K,
        /// When it ended.
        at: Timestamp,
        /// Why it ended; [`EndReason::ParseError`] if its parser failed. How a
        /// connection ended then is in the statistics' `state`.
        reason: EndReason,
        /// What it amounted to.
        stats: FlowStats,
    },
    /// Something else that tracking reports: a packet, a change of state.
    Tracked(FlowEvent<K>),
}

impl<K, M> SessionEvent<K, M> {
    /// The flow it happened to.
    #[must_use]
    pub fn flow(&self) -> FlowId {
        match self {
            Self::Started { flow, .. }
            | Self::Application { flow, .. }
            | Self::Anomaly { flow, .. }
            | Self::ParserFailed { flow, .. }
            | Self::Closed { flow, .. } => *flow,
            Self::Tracked(event) => event.flow(),
        }
    }

    /// When it happened.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        match self {
            Self::Started { at, .. }
            | Self::Application { at, .. }
            | Self::Anomaly { at, .. }
            | Self::ParserFailed { at, .. }
            | Self::Closed { at, .. } => *at,
            Self::Tracked(event) => event.at(),
        }
    }
}

impl<K, M> From<FlowEvent<K>> for SessionEvent<K, M> {
    #[inline]
    fn from(event: FlowEvent<K>) -> Self {
        match event {
            FlowEvent::Started { flow, key, at, .. } => Self::Started { flow, key, at },
            FlowEvent::Anomaly {
                flow,
                side,
                at,
                kind,
            } => Self::Anomaly {
                flow,
                side,
                at,
                kind,
            },
            FlowEvent::Ended {
                flow,
                key,
                at,
                reason,
                stats,
            } => Self::Closed {
                flow,
                key,
                at,
                reason,
                stats,
            },
            event @ (FlowEvent::Packet { .. }
            | FlowEvent::Established { .. }
            | FlowEvent::StateChange { .. }) => Self::Tracked(event),
        }
    }
}

/// The error of a parser, whatever its type.
///
/// Copies share it. It reads like the error it was made of, and
/// [`downcast_ref`](Self::downcast_ref) gives that error back.
///
/// ```
/// use flowscope_core::session::{ParseError, ParserError};
///
/// let error = ParserError::new(ParseError::Malformed);
/// assert_eq!(error.to_string(), "malformed message");
/// assert_eq!(error.downcast_ref(), Some(&ParseError::Malformed));
/// ```
#[derive(Clone)]
pub struct ParserError(Arc<dyn Error + Send + Sync>);

impl ParserError {
    /// This error.
    pub fn new(error: impl Error + Send + Sync + 'static) -> Self {
        Self(Arc::new(error))
    }

    /// The error that the parser returned, if it is an `E`.
    #[must_use]
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }
}

impl fmt::Display for ParserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&*self.0, f)
    }
}

/// As [`Display`](fmt::Display), for a program whose `main` returns the error.
impl fmt::Debug for ParserError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&*self.0, f)
    }
}

impl Error for ParserError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}
