//! Whose a segment is that may be of another connection on the same ports.

use super::{Claims, Contender};
use crate::FlowSide;
use crate::track::FlowState;
use crate::track::flow::{ColdState, Flow, Observed};
use crate::track::state::Control;
use crate::wire::{TcpFlags, TcpHeader, Transport};

/// Whose a segment is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Standing {
    /// Of the flow's connection, or refused by it.
    Member,
    /// It may begin another connection; what comes next will tell.
    Contends(Contender),
    /// It proves that this is a connection of its own.
    Proves(Contender),
    /// It answers a contender, and its sender's own SYN speaks against it: what
    /// the other acknowledges will tell.
    Answers(Contender),
    /// It answers a SYN of the other side: both call, and the connection is the
    /// flow's.
    Joins(Contender),
}

impl Flow {
    /// Whether a packet may be of another connection than the flow's.
    #[inline(always)]
    pub(crate) fn may_be_replaced_by(&self, packet: &Observed) -> bool {
        let Transport::Tcp(header) = &packet.transport else {
            return false;
        };
        if self.traits.is_contended() {
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

    /// Whose a packet is that [may be of another connection](Self::may_be_replaced_by).
    #[cold]
    pub(crate) fn standing(&self, packet: &Observed, cold: &ColdState) -> Standing {
        let Transport::Tcp(header) = &packet.transport else {
            return Standing::Member;
        };
        let side = self.side_of(packet.orientation);
        let claims = cold.claims();
        match Control::of(header.flags) {
            Control::Rst => self.standing_of_rst(side, header, claims),
            Control::Ack | Control::Fin => match claims.contender[side as usize] {
                Some(contender) if self.proves_by_ack(contender, side, header) => {
                    Standing::Proves(contender)
                }
                _ => Standing::Member,
            },
            Control::Syn => self.standing_of_syn(side, header, packet.payload_len, claims),
            Control::SynAck => self.standing_of_syn_ack(side, header, claims),
        }
    }

    /// A closed port answers a SYN, and nothing else, with an RST that
    /// acknowledges it (RFC 9293, section 3.10.7.1).
    pub(super) fn standing_of_rst(
        &self,
        side: FlowSide,
        header: &TcpHeader,
        claims: Claims,
    ) -> Standing {
        let is_of_own = self.sender(side.peer()).is_own_syn(header.ack + u32::MAX);
        match claims.contender[side.peer() as usize] {
            Some(contender)
                if !is_of_own
                    && contender.answer.is_none()
                    && self.course() != FlowState::SynSent
                    && header.flags.contains(TcpFlags::ACK)
                    && contender.is_acked_by(header.ack) =>
            {
                Standing::Proves(contender)
            }
            _ => Standing::Member,
        }
    }

    pub(super) fn standing_of_syn(
        &self,
        side: FlowSide,
        header: &TcpHeader,
        len: u32,
        claims: Claims,
    ) -> Standing {
        let is_known = self.sender(side).is_own_syn(header.seq)
            || claims.isn[side as usize] == Some(header.seq);
        match self.course() {
            _ if is_known => Standing::Member,
            // Nobody has answered yet, and this is another attempt.
            FlowState::SynSent
                if self.state == FlowState::SynSent && side == FlowSide::Initiator =>
            {
                Standing::Member
            }
            _ => match claims.contender[side as usize] {
                // Its SYN-ACK was captured before it.
                Some(contender) if contender.answer.is_some() && contender.isn == header.seq => {
                    Standing::Proves(contender)
                }
                _ => Standing::Contends(Contender {
                    opener: side,
                    isn: header.seq,
                    len,
                    answer: None,
                }),
            },
        }
    }

    pub(super) fn standing_of_syn_ack(
        &self,
        side: FlowSide,
        header: &TcpHeader,
        claims: Claims,
    ) -> Standing {
        let (own, peer) = (self.sender(side), self.sender(side.peer()));
        if let Some(contender) = claims.contender[side.peer() as usize]
            && contender.is_acked_by(header.ack)
            && !peer.is_own_syn(contender.isn)
        {
            let contender = Contender {
                answer: Some(header.seq),
                ..contender
            };
            let is_made = !matches!(self.course(), FlowState::SynSent | FlowState::SynReceived);
            let is_own =
                own.is_own_syn(header.seq) || claims.isn[side as usize] == Some(header.seq);
            let is_calling = matches!(self.state, FlowState::SynSent | FlowState::SynReceived);
            return match () {
                () if !is_made && is_own => Standing::Joins(contender),
                // The number is not that of its own call, and may be anybody's.
                () if is_calling && own.has_sent_syn() => Standing::Answers(contender),
                () => Standing::Proves(contender),
            };
        }
        let acks_other = claims.isn[side.peer() as usize].is_some_and(|isn| isn + 1 == header.ack);
        if own.is_own_syn(header.seq) || acks_other || peer.may_be_acked(own, header.ack) {
            return Standing::Member;
        }
        Standing::Contends(Contender {
            opener: side.peer(),
            isn: header.ack + u32::MAX,
            len: 0,
            answer: Some(header.seq),
        })
    }

    /// Whether the opener goes on from its SYN, and not from this connection.
    pub(super) fn proves_by_ack(
        &self,
        contender: Contender,
        side: FlowSide,
        header: &TcpHeader,
    ) -> bool {
        let (own, peer) = (self.sender(side), self.sender(side.peer()));
        let goes_on = side == contender.opener
            && header.seq == contender.isn + 1 + contender.len
            && header.flags.contains(TcpFlags::ACK);
        goes_on
            && match contender.answer {
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

    /// Another connection may have taken the place of this one's. It is waited
    /// for a proof in every segment.
    pub(crate) fn contend(&mut self, contender: Contender, cold: &mut ColdState) {
        cold.claims_mut().contender[contender.opener as usize] = Some(contender);
        self.traits.set_contended(true);
        self.traits.set_settled(false);
    }

    /// The contender is this connection.
    pub(crate) fn join_contender(&mut self, contender: Contender, cold: &mut ColdState) {
        cold.claims_mut().contender[contender.opener as usize] = None;
        self.traits.set_contended(false);
    }

    /// Whether somebody waits for a proof.
    pub(crate) fn is_contended(&self) -> bool {
        self.traits.is_contended()
    }

    /// Nothing came of the contender so far. A SYN-ACK still proves it.
    pub(crate) fn refuse_contender(&mut self) {
        self.traits.set_contended(false);
    }
}
