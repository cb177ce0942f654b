//! What a detector knows of its flow.

use alloc::boxed::Box;

use flowscope_core::session::Interest;
use flowscope_core::{FlowSide, Timestamp};

use super::reply::PendingReply;
use crate::protocol_parser::ProtocolParser;
use crate::replay::ReplayBuffer;
use crate::search::Search;

#[derive(Clone, Debug, Default)]
pub(super) enum State {
    /// Nothing was sent yet.
    #[default]
    New,
    /// What both sides of a connection have sent does not tell the protocol
    /// yet.
    Probing(Box<ReplayBuffer>),
    /// Datagrams came that tell nothing. Each weighs [`WEIGHT`], one that may be
    /// followed by DTLS less.
    UnknownDatagrams(u8),
    /// The connection begins with none of the protocols, and is searched for what
    /// it may become.
    Searching(Search),
    /// The flow is read.
    Parsing(Parsing),
    /// The first side of a connection speaks a protocol that is not selected.
    /// The reply may be in one that is.
    AwaitingReply {
        reply: PendingReply,
        /// The side that has ended, if one has.
        closed: Option<FlowSide>,
    },
    /// Nothing more is read.
    Done,
    /// The parser returned an error.
    Failed,
}

/// A flow with a parser.
#[derive(Clone, Debug)]
pub(super) struct Parsing {
    pub(super) parser: ProtocolParser,
    /// The second side, as long as it may turn out to speak another protocol.
    pub(super) reply: Option<PendingReply>,
    /// The side that has ended, if one has.
    pub(super) closed: Option<FlowSide>,
    /// Whether the parser asked for a tick when it was last called. Most never
    /// do. This is looked at after each packet, and saves a look into the box.
    wants_tick: bool,
}

impl Parsing {
    pub(super) fn new(parser: ProtocolParser, reply: Option<PendingReply>) -> Self {
        Self {
            wants_tick: parser.next_tick().is_some(),
            parser,
            reply,
            closed: None,
        }
    }

    /// Notes whether the parser asks for a tick. To be called whenever it was.
    pub(super) fn update_tick(&mut self) {
        self.wants_tick = self.parser.next_tick().is_some();
    }
}

impl State {
    /// Bytes of memory on the heap that it takes.
    pub(super) fn memory(&self) -> usize {
        match self {
            Self::Probing(buffer) => buffer.memory(),
            Self::Parsing(parsing) => {
                let reply = parsing.reply.as_ref();
                parsing.parser.memory() + reply.map_or(0, PendingReply::memory)
            }
            Self::AwaitingReply { reply, .. } => reply.memory(),
            Self::Searching(search) => search.memory(),
            Self::New | Self::UnknownDatagrams(_) | Self::Done | Self::Failed => 0,
        }
    }

    /// Whether the protocol of a connection is not known yet, and neither is that
    /// it cannot be told by its first bytes.
    pub(super) fn is_probing(&self) -> bool {
        matches!(self, Self::New | Self::Probing(_))
    }

    /// Whether a flow of datagrams is not known yet.
    pub(super) fn is_unknown_datagrams(&self) -> bool {
        matches!(self, Self::New | Self::UnknownDatagrams(_))
    }

    /// Notes a datagram that tells nothing, and says whether others still may.
    pub(super) fn pass_datagram(&mut self, may_precede_dtls: bool) -> Interest {
        let before = match self {
            Self::UnknownDatagrams(weight) => *weight,
            _ => 0,
        };
        let weight = before.saturating_add(if may_precede_dtls { 1 } else { WEIGHT });
        *self = match weight < MAX_WEIGHT {
            true => Self::UnknownDatagrams(weight),
            false => Self::Done,
        };
        self.interest()
    }

    pub(super) fn parsing(&mut self) -> Option<&mut Parsing> {
        match self {
            Self::Parsing(parsing) => Some(parsing),
            _ => None,
        }
    }

    pub(super) fn interest(&self) -> Interest {
        match self {
            Self::Done | Self::Failed => Interest::Done,
            Self::New
            | Self::Probing(_)
            | Self::UnknownDatagrams(_)
            | Self::Searching(_)
            | Self::Parsing(_)
            | Self::AwaitingReply { .. } => Interest::More,
        }
    }

    pub(super) fn next_tick(&self) -> Option<Timestamp> {
        match self {
            Self::Parsing(parsing) if parsing.wants_tick => parsing.parser.next_tick(),
            _ => None,
        }
    }

    /// The reply that is awaited, if one is.
    pub(super) fn pending_reply(&mut self) -> Option<&mut PendingReply> {
        match self {
            Self::Parsing(parsing) => parsing.reply.as_mut(),
            Self::AwaitingReply { reply, .. } => Some(reply),
            _ => None,
        }
    }

    /// Whether `side` is the second side and its protocol is not known yet.
    pub(super) fn awaits_reply_of(&self, side: FlowSide) -> bool {
        match self {
            Self::Parsing(Parsing {
                reply: Some(reply), ..
            })
            | Self::AwaitingReply { reply, .. } => reply.side == side,
            _ => false,
        }
    }

    /// Notes that a side has ended, and says whether both have.
    pub(super) fn note_close(&mut self, side: FlowSide) -> bool {
        match self {
            Self::Parsing(Parsing { closed, .. }) | Self::AwaitingReply { closed, .. } => {
                *closed.get_or_insert(side) != side
            }
            Self::Searching(search) => search.note_close(side),
            _ => false,
        }
    }
}

/// What a datagram of an unknown protocol weighs, and when no more are looked
/// at: four of them, or 64 of STUN.
const WEIGHT: u8 = 16;
const MAX_WEIGHT: u8 = 4 * WEIGHT;

#[cfg(test)]
mod tests {
    use FlowSide::{Initiator, Responder};

    use super::*;
    use crate::Protocol;

    #[test]
    fn a_connection_is_over_with_its_second_side() {
        let mut state = State::AwaitingReply {
            reply: PendingReply::new(Responder, Protocol::Http),
            closed: None,
        };
        assert!(!state.note_close(Initiator));
        assert!(!state.note_close(Initiator));
        assert!(state.note_close(Responder));
        assert!(!State::Done.note_close(Responder));
    }

    #[test]
    fn only_the_second_side_replies() {
        let mut state = State::AwaitingReply {
            reply: PendingReply::new(Responder, Protocol::Http),
            closed: None,
        };
        assert!(state.awaits_reply_of(Responder));
        assert!(!state.awaits_reply_of(Initiator));
        assert!(state.pending_reply().is_some());
        assert!(State::New.pending_reply().is_none());
    }
}
