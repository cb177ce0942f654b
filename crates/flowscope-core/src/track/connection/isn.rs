//! Where the streams of a connection begin: the initial sequence numbers.

use super::unconfirmed::OtherIsns;
use super::{MAX_ACK_LEAD, Unconfirmed};
use crate::track::FlowState;
use crate::track::cold_state::ColdState;
use crate::track::flow::Flow;
use crate::track::sender::Sequence;
use crate::wire::{TcpFlags, TcpHeader};
use crate::{FlowSide, SeqNumber};

impl Flow {
    /// Whether the receiver of a segment drops it, or answers it with an RST,
    /// because the SYN is not answered yet (RFC 9293, section 3.10.7.3).
    ///
    /// Data of the side that sent the SYN are kept: they show that the SYN was of
    /// another connection.
    pub(super) fn is_dropped_before_answer(
        &mut self,
        side: FlowSide,
        header: &TcpHeader,
        payload_len: u32,
        unconfirmed: Unconfirmed,
    ) -> bool {
        let opens = header
            .flags
            .intersects(TcpFlags(TcpFlags::SYN.0 | TcpFlags::RST.0));
        let caller = self.sender(FlowSide::Initiator);
        if self.state_without_reset() != FlowState::SynSent || opens || !caller.has_isn() {
            return false;
        }
        let others = unconfirmed.isns[FlowSide::Initiator as usize];
        let number = match side {
            FlowSide::Initiator => header.seq,
            FlowSide::Responder if header.flags.contains(TcpFlags::ACK) => header.ack,
            FlowSide::Responder => return true,
        };
        // An empty segment uses no sequence number beyond those that were seen.
        let most = match (side, payload_len) {
            // An ACK alone answers no SYN.
            (FlowSide::Responder, 0) => return true,
            (FlowSide::Initiator, 0) => caller.sent_since_syn(),
            _ => MAX_ACK_LEAD,
        };
        if (0..=most).contains(&caller.ahead_of_syn(number))
            || others.beginning_at(number).is_some()
        {
            return false;
        }
        if side == FlowSide::Initiator && payload_len > 0 {
            self.sender_mut(side).forget_isn();
            return false;
        }
        true
    }

    /// Whether a segment can be of the handshake that waits for it, and not of
    /// an earlier connection (RFC 9293, section 3.10.7.4, in SYN-RECEIVED).
    pub(super) fn follows_syns(
        &self,
        side: FlowSide,
        header: &TcpHeader,
        unconfirmed: Unconfirmed,
    ) -> bool {
        let goes_on = |side: FlowSide, number: SeqNumber| {
            let sender = self.sender(side);
            let others = unconfirmed.isns[side as usize];
            !sender.has_isn()
                || (0..=MAX_ACK_LEAD).contains(&sender.ahead_of_syn(number))
                || others.beginning_at(number).is_some()
        };
        self.state_without_reset() != FlowState::SynReceived
            || goes_on(side, header.seq) && goes_on(side.peer(), header.ack)
    }

    /// Whether the receiver accepts a SYN. In an established connection a SYN
    /// changes nothing (RFC 9293, section 3.10.7.4).
    pub(super) fn accepts_syn(
        &mut self,
        side: FlowSide,
        header: &TcpHeader,
        payload_len: u32,
        unconfirmed: Unconfirmed,
    ) -> bool {
        let (own, peer) = (self.sender(side), self.sender(side.peer()));
        let acks_peer = |flow: &Self| {
            flow.sender(side.peer())
                .may_be_acked(flow.sender(side), header.ack)
                || unconfirmed.isns[side.peer() as usize]
                    .beginning_at(header.ack)
                    .is_some()
        };
        let is_answer = header.flags.contains(TcpFlags::ACK);
        let is_known =
            own.is_own_syn(header.seq) || unconfirmed.isns[side as usize].contains(header.seq);
        // A copy of a SYN brings no data that the first did not have.
        let repeats = is_known && own.has_confirmed_isn() && own.has_sent_syn();
        // With TCP Fast Open a SYN may carry data (RFC 7413). Sent again it has the same
        // data or none: other data with the same number are not read by anybody.
        if repeats && payload_len > 0 {
            return false;
        }
        let is_accepted = is_known
            || match self.state_without_reset() {
                FlowState::SynSent if is_answer => side == FlowSide::Responder && acks_peer(self),
                FlowState::SynSent => true,
                FlowState::SynReceived if is_answer => !own.has_confirmed_isn() && acks_peer(self),
                FlowState::SynReceived => side == FlowSide::Responder && !own.has_confirmed_isn(),
                // Its first number is known only from an ACK of the other side,
                // which may have been forged.
                _ if !own.has_sent_nothing() || peer.is_unseen() => false,
                _ if is_answer => acks_peer(self),
                // Both sides sent a SYN, and neither was answered.
                _ => side == FlowSide::Responder,
            };
        // A reset that came first has no number to be compared with: what its
        // sender says now comes behind it.
        if is_accepted && self.state == FlowState::Reset && self.sender(side).is_unseen() {
            self.reset_at = header.seq;
        }
        is_accepted
    }

    /// Notes the sequence numbers that a segment uses, except that of its FIN.
    pub(super) fn process_numbers(
        &mut self,
        side: FlowSide,
        header: &TcpHeader,
        payload_len: u32,
        cold: &mut ColdState,
    ) -> Sequence {
        let sender = self.sender_mut(side);
        if header.flags.contains(TcpFlags::SYN) {
            // Captures with several queues write a SYN down behind the data that follow it.
            let is_late = !sender.is_unseen() && sender.is_own_syn(header.seq);
            if sender.has_isn() && !sender.has_sent_nothing() && !sender.is_own_syn(header.seq) {
                sender.note_second_isn();
                let others = &mut self.unconfirmed_mut(cold).isns[side as usize];
                if others.contains(header.seq) {
                    return Sequence::Retransmission;
                }
                others.add(header.seq);
                return Sequence::Expected;
            }
            let is_first = sender.note_syn(header);
            if is_late && is_first {
                // What was seen before goes on from it.
                sender.confirm_isn();
                return Sequence::OutOfOrder;
            }
            return sender.note_sent(header, payload_len, payload_len + 1);
        }
        let end = header.seq + payload_len;
        if payload_len > 0 {
            sender.mark_fin_ambiguous(end);
        }
        if sender.has_fin() && sender.next().is_before(end) {
            // Nothing comes behind a FIN, unless the FIN is not accepted.
            return Sequence::Expected;
        }
        let sequence = sender.note_sent(header, payload_len, payload_len);
        let is_overtaken = payload_len > 0
            && cold.unconfirmed().fin[side as usize].is_some_and(|fin| !fin.is_before(end));
        match sequence {
            // Its FIN was captured before it.
            Sequence::Expected if is_overtaken => Sequence::OutOfOrder,
            sequence => sequence,
        }
    }

    /// Confirms where the streams begin, if a segment shows it.
    pub(super) fn confirm_isns(
        &mut self,
        side: FlowSide,
        header: &TcpHeader,
        cold: &mut ColdState,
    ) {
        let peer = side.peer();
        // Of several SYN-ACKs the initiator's ACK chooses one, and of several SYNs
        // a SYN-ACK, also where an earlier segment seemed to have settled it.
        let may_choose = !cold.unconfirmed().isns[peer as usize].is_empty()
            && (peer == FlowSide::Responder || header.flags.contains(TcpFlags::SYN));
        let may_confirm = !self.sender(peer).has_confirmed_isn() || may_choose;
        if may_confirm && header.flags.contains(TcpFlags::ACK) {
            self.confirm_isn_by_ack(peer, header, cold);
        }
        let others = cold.unconfirmed().isns[side as usize];
        let may_begin = !self.sender(side).has_confirmed_isn() || !others.is_empty();
        if may_begin && !header.flags.contains(TcpFlags::SYN) {
            self.confirm_isn_by_data(side, header.seq, cold);
        }
    }

    /// Confirms where the stream of `side` begins by an ACK of the other side.
    pub(super) fn confirm_isn_by_ack(
        &mut self,
        side: FlowSide,
        header: &TcpHeader,
        cold: &mut ColdState,
    ) {
        let (ack, peer) = (header.ack, *self.sender(side.peer()));
        let unconfirmed = cold.unconfirmed();
        let mut others = unconfirmed.isns[side as usize];
        let is_answer = header.flags.contains(TcpFlags::SYN);
        let sender = self.sender_mut(side);
        let ahead = sender.ahead_of_syn(ack);
        // A SYN-ACK of the initiator answers a SYN that was not captured, or none.
        if is_answer && side == FlowSide::Responder && sender.is_unseen() {
            self.unconfirmed_mut(cold).isns[side as usize].add(ack + u32::MAX);
            return;
        }
        if sender.has_isn() {
            let is_of_first = (0..=sender.sent_since_syn()).contains(&ahead);
            if is_of_first {
                sender.confirm_isn();
            } else if let Some(isn) = others.beginning_at(ack) {
                others.replace(isn, sender.isn());
                sender.confirm_isn_as(isn);
            } else if is_answer {
                // It acknowledges a SYN that was not seen, or nobody's.
                self.unconfirmed_mut(cold).isns[side as usize].add(ack + u32::MAX);
                return;
            } else if (0..=MAX_ACK_LEAD).contains(&ahead) {
                // What lies between was not captured.
                sender.confirm_isn();
            } else {
                return;
            }
        } else if sender.is_unseen() {
            let follows_other = unconfirmed.isns[side.peer() as usize]
                .beginning_at(header.seq)
                .is_some();
            let follows_first =
                peer.has_isn() && (0..=MAX_ACK_LEAD).contains(&peer.ahead_of_syn(header.seq));
            let goes_on = follows_first || follows_other;
            if !is_answer && !goes_on {
                return;
            }
            sender.confirm_isn_as(ack + u32::MAX);
        } else if peer.has_isn() && (-MAX_ACK_LEAD..=0).contains(&ahead) {
            // What was seen of the stream came before the handshake's end.
            sender.confirm_isn_as(ack + u32::MAX);
        } else {
            return;
        }
        if !others.is_empty() {
            if !is_answer || side == FlowSide::Responder {
                others = OtherIsns::NONE;
            }
            self.unconfirmed_mut(cold).isns[side as usize] = others;
        }
    }

    /// Returns to the initiator's other SYN if its RST refuses the SYN-ACK to
    /// this one. Returns whether it does.
    ///
    /// A SYN that the initiator did not send, or has given up, may be answered
    /// before its own. It refuses the answer with the number that the answer
    /// acknowledged, and the responder listens again (RFC 9293, sections
    /// 3.10.7.3 and 3.10.7.4).
    pub(super) fn return_to_other_syn(&mut self, header: &TcpHeader, cold: &mut ColdState) -> bool {
        let initiator = self.sender(FlowSide::Initiator);
        let mut others = cold.unconfirmed().isns[FlowSide::Initiator as usize];
        let Some(other) = others.latest() else {
            return false;
        };
        let is_refusal = !header.flags.contains(TcpFlags::ACK) && header.seq == initiator.first();
        if self.state != FlowState::SynReceived || !initiator.has_confirmed_isn() || !is_refusal {
            return false;
        }
        let refused = initiator.isn();
        self.sender_mut(FlowSide::Initiator).return_to_syn(other);
        self.sender_mut(FlowSide::Responder).forget_numbers();
        others.replace(other, refused);
        self.unconfirmed_mut(cold).isns = [others, OtherIsns::NONE];
        self.state = FlowState::SynSent;
        true
    }

    /// Confirms where the stream of `side` begins by what it sends after its SYN.
    pub(super) fn confirm_isn_by_data(
        &mut self,
        side: FlowSide,
        seq: SeqNumber,
        cold: &mut ColdState,
    ) {
        let others = cold.unconfirmed().isns[side as usize];
        let is_alone = self.sender(side.peer()).has_sent_nothing();
        let sender = self.sender_mut(side);
        if !sender.has_isn() {
            return;
        }
        let is_near = (0..=MAX_ACK_LEAD).contains(&sender.ahead_of_syn(seq));
        if let Some(other) = others.beginning_at(seq) {
            sender.confirm_isn_as(other);
        } else if seq == sender.first() || is_near && (is_alone || sender.has_confirmed_isn()) {
            sender.confirm_isn();
        } else {
            return;
        }
        if !others.is_empty() {
            self.unconfirmed_mut(cold).isns[side as usize] = OtherIsns::NONE;
        }
    }

    /// Whether a second SYN of a side has another number than the first.
    pub(crate) fn is_other_syn(&self, side: FlowSide, seq: SeqNumber) -> bool {
        !self.sender(side).is_own_syn(seq)
    }

    /// The first number of a side's stream, once that is settled.
    #[inline]
    pub(crate) fn stream_begin(&self, side: FlowSide) -> Option<SeqNumber> {
        let sender = self.sender(side);
        sender.has_confirmed_isn().then(|| sender.first())
    }

    /// Whether the other side has received nothing of a side's stream, though it
    /// has heard of the SYN.
    pub(crate) fn has_refused_early_data(&self, side: FlowSide) -> bool {
        let first = self.sender(side).first();
        self.sender(side.peer()).has_acked_exactly(first)
    }
}
