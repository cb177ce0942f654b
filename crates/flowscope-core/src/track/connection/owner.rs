//! Whether a segment is of the flow's connection or of a new one on the same
//! ports.

use super::{NewConnection, Unconfirmed};
use crate::FlowSide;
use crate::track::FlowState;
use crate::track::cold_state::ColdState;
use crate::track::flow::{Flow, Observed};
use crate::track::state::Control;
use crate::wire::{TcpFlags, TcpHeader, Transport};

/// The connection that a segment belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SegmentOwner {
    /// The flow's connection, which may refuse it.
    Flow,
    /// It may begin a new connection; later segments decide.
    MayBeNew(NewConnection),
    /// It proves that the new connection exists, and belongs to it.
    New(NewConnection),
    /// It answers the SYN of a new connection, or goes on from that answer, but
    /// its sender sent a SYN with another number before: the next ACK of the other
    /// side decides.
    MayAnswerNew(NewConnection),
    /// It answers a SYN of the other side with the number of its own SYN: both
    /// sides opened at the same time (RFC 9293, section 3.5), and the connection
    /// is the flow's.
    BothOpened(NewConnection),
}

impl Flow {
    /// Whether a packet may be of another connection than the flow's.
    #[inline(always)]
    pub(crate) fn may_be_replaced_by(&self, packet: &Observed) -> bool {
        let Transport::Tcp(header) = &packet.transport else {
            return false;
        };
        if self.flags.awaits_proof() {
            return true;
        }
        header.flags.contains(TcpFlags::SYN)
            && !self.is_opened_by(self.side_of(packet.orientation), header)
    }

    /// Whether a segment with a SYN is the first of its side, in its turn.
    #[inline(always)]
    pub(super) fn is_opened_by(&self, side: FlowSide, header: &TcpHeader) -> bool {
        const SYN_ACK: TcpFlags = TcpFlags(TcpFlags::SYN.0 | TcpFlags::ACK.0);
        let [initiator, responder] = &self.sides;
        self.state == FlowState::SynSent
            && match side {
                FlowSide::Initiator => initiator.sender.is_unseen(),
                FlowSide::Responder => {
                    header.flags.contains(SYN_ACK)
                        && responder.sender.is_unseen()
                        && header.ack == initiator.sender.next()
                }
            }
    }

    /// The connection that a packet belongs to which
    /// [may be of another one](Self::may_be_replaced_by).
    #[cold]
    pub(crate) fn owner_of(&self, packet: &Observed, cold: &ColdState) -> SegmentOwner {
        let Transport::Tcp(header) = &packet.transport else {
            return SegmentOwner::Flow;
        };
        let side = self.side_of(packet.orientation);
        let unconfirmed = cold.unconfirmed();
        match Control::of(header.flags) {
            // An RST is judged by what it acknowledges: its own number is zero where no
            // connection is (RFC 9293, section 3.10.7.1).
            Control::Rst => self.owner_of_rst(side, header, unconfirmed),
            Control::Ack | Control::Fin => self.owner_of_ack(side, header, unconfirmed),
            Control::Syn => self.owner_of_syn(side, header, packet.payload_len, unconfirmed),
            Control::SynAck => self.owner_of_syn_ack(side, header, unconfirmed),
        }
    }

    /// A closed port answers a SYN, and nothing else, with an RST that
    /// acknowledges it (RFC 9293, section 3.10.7.1).
    pub(super) fn owner_of_rst(
        &self,
        side: FlowSide,
        header: &TcpHeader,
        unconfirmed: Unconfirmed,
    ) -> SegmentOwner {
        let acks_own_syn = self.sender(side.peer()).is_own_syn(header.ack + u32::MAX);
        match unconfirmed.new_connection[side.peer() as usize] {
            Some(new_connection)
                if !acks_own_syn
                    && new_connection.answer.is_none()
                    && self.state_without_reset() != FlowState::SynSent
                    && header.flags.contains(TcpFlags::ACK)
                    && new_connection.is_acked_by(header.ack) =>
            {
                SegmentOwner::New(new_connection)
            }
            _ => SegmentOwner::Flow,
        }
    }

    pub(super) fn owner_of_ack(
        &self,
        side: FlowSide,
        header: &TcpHeader,
        unconfirmed: Unconfirmed,
    ) -> SegmentOwner {
        let [by_it, by_peer] =
            [side, side.peer()].map(|it| unconfirmed.new_connection[it as usize]);
        match (by_it, by_peer) {
            (Some(connection), _) if self.proves_by_ack(connection, side, header) => {
                SegmentOwner::New(connection)
            }
            (_, Some(connection)) if self.goes_on_from_answer(connection, side, header) => {
                SegmentOwner::MayAnswerNew(connection)
            }
            _ => SegmentOwner::Flow,
        }
    }

    pub(super) fn owner_of_syn(
        &self,
        side: FlowSide,
        header: &TcpHeader,
        len: u32,
        unconfirmed: Unconfirmed,
    ) -> SegmentOwner {
        let is_known = self.sender(side).is_own_syn(header.seq)
            || unconfirmed.isns[side as usize].contains(header.seq);
        match self.state_without_reset() {
            _ if is_known => SegmentOwner::Flow,
            // The first SYN is not answered yet, and this is another attempt.
            FlowState::SynSent
                if self.state == FlowState::SynSent && side == FlowSide::Initiator =>
            {
                SegmentOwner::Flow
            }
            _ => match unconfirmed.new_connection[side as usize] {
                // Its SYN-ACK was captured before it.
                Some(new_connection)
                    if new_connection.answer.is_some() && new_connection.isn == header.seq =>
                {
                    SegmentOwner::New(new_connection)
                }
                _ => SegmentOwner::MayBeNew(NewConnection {
                    opener: side,
                    isn: header.seq,
                    len,
                    answer: None,
                }),
            },
        }
    }

    pub(super) fn owner_of_syn_ack(
        &self,
        side: FlowSide,
        header: &TcpHeader,
        unconfirmed: Unconfirmed,
    ) -> SegmentOwner {
        let (own, peer) = (self.sender(side), self.sender(side.peer()));
        if let Some(new_connection) = unconfirmed.new_connection[side.peer() as usize]
            && new_connection.is_acked_by(header.ack)
            && !peer.is_own_syn(new_connection.isn)
        {
            let new_connection = NewConnection {
                answer: Some(header.seq),
                ..new_connection
            };
            let is_made = !matches!(
                self.state_without_reset(),
                FlowState::SynSent | FlowState::SynReceived
            );
            let is_own =
                own.is_own_syn(header.seq) || unconfirmed.isns[side as usize].contains(header.seq);
            let is_calling = matches!(self.state, FlowState::SynSent | FlowState::SynReceived);
            return match () {
                () if !is_made && is_own => SegmentOwner::BothOpened(new_connection),
                // The number is not that of its own call, and may be anybody's.
                () if is_calling && own.has_sent_syn() => {
                    SegmentOwner::MayAnswerNew(new_connection)
                }
                () => SegmentOwner::New(new_connection),
            };
        }
        let acks_other = unconfirmed.isns[side.peer() as usize]
            .beginning_at(header.ack)
            .is_some();
        if own.is_own_syn(header.seq) || acks_other || peer.may_be_acked(own, header.ack) {
            return SegmentOwner::Flow;
        }
        SegmentOwner::MayBeNew(NewConnection {
            opener: side.peer(),
            isn: header.ack + u32::MAX,
            len: 0,
            answer: Some(header.seq),
        })
    }

    /// Whether the sender of the new SYN continues from there, and not from this
    /// connection.
    pub(super) fn proves_by_ack(
        &self,
        new_connection: NewConnection,
        side: FlowSide,
        header: &TcpHeader,
    ) -> bool {
        let (own, peer) = (self.sender(side), self.sender(side.peer()));
        let goes_on = side == new_connection.opener
            && header.seq == new_connection.isn + 1 + new_connection.len
            && header.flags.contains(TcpFlags::ACK);
        goes_on
            && match new_connection.answer {
                // What goes on from this connection proves none that nobody was
                // seen to ask for.
                Some(answer) => {
                    let goes_on_here = !own.is_unseen()
                        && !peer.is_unseen()
                        && own.may_be_acked(peer, header.seq)
                        && peer.may_be_acked(own, header.ack);
                    header.ack == answer + 1 && !goes_on_here
                }
                // The SYN-ACK was not captured: it acknowledges what this
                // connection has not sent.
                None => {
                    !header.flags.contains(TcpFlags::FIN)
                        && self.state != FlowState::SynSent
                        && header.seq != own.next()
                        && !peer.may_be_acked(own, header.ack)
                }
            }
    }

    /// Whether who answered the new SYN acknowledges it once more, as it does where
    /// that SYN comes twice (RFC 9293, section 3.10.7.4).
    fn goes_on_from_answer(
        &self,
        new_connection: NewConnection,
        side: FlowSide,
        header: &TcpHeader,
    ) -> bool {
        let (own, peer) = (self.sender(side), self.sender(side.peer()));
        header.flags.contains(TcpFlags::ACK)
            && new_connection.is_acked_by(header.ack)
            && new_connection
                .answer
                .is_some_and(|isn| header.seq == isn + 1)
            && !(own.next() == header.seq && peer.may_be_acked(own, header.ack))
    }

    /// Notes that a new connection may have replaced this one. From now on every
    /// segment is examined for a proof.
    pub(crate) fn await_proof(&mut self, new_connection: NewConnection, cold: &mut ColdState) {
        self.unconfirmed_mut(cold).new_connection[new_connection.opener as usize] =
            Some(new_connection);
        self.flags.set_awaits_proof(true);
        self.flags.set_confirmed(false);
    }

    /// Notes that the new connection is this one.
    pub(crate) fn merge_new_connection(
        &mut self,
        new_connection: NewConnection,
        cold: &mut ColdState,
    ) {
        self.unconfirmed_mut(cold).new_connection[new_connection.opener as usize] = None;
        self.flags.set_awaits_proof(false);
    }

    /// Whether segments are examined for the proof of a new connection.
    pub(crate) fn awaits_proof(&self) -> bool {
        self.flags.awaits_proof()
    }

    /// Notes that the new connection was not proven in time. A SYN-ACK still
    /// proves it.
    pub(crate) fn stop_awaiting_proof(&mut self) {
        self.flags.set_awaits_proof(false);
    }
}
