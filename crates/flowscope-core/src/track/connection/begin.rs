//! Where the streams of a connection begin.

use super::{Claims, REACH};
use crate::track::FlowState;
use crate::track::flow::{ColdState, Flow};
use crate::track::sender::Sequence;
use crate::wire::{TcpFlags, TcpHeader};
use crate::{FlowSide, SeqNumber};

impl Flow {
    /// Whether a segment has no place before the SYN is answered (RFC 9293,
    /// section 3.10.7.3): its receiver drops it, or answers with an RST.
    ///
    /// But data of who sent the SYN show that it was of another connection.
    pub(super) fn is_out_of_turn(
        &mut self,
        side: FlowSide,
        header: &TcpHeader,
        payload_len: u32,
        claims: Claims,
    ) -> bool {
        let opens = header
            .flags
            .intersects(TcpFlags(TcpFlags::SYN.0 | TcpFlags::RST.0));
        let caller = self.sender(FlowSide::Initiator);
        if self.course() != FlowState::SynSent || opens || !caller.has_isn() {
            return false;
        }
        let other = claims.isn[FlowSide::Initiator as usize];
        let number = match side {
            FlowSide::Initiator => header.seq,
            FlowSide::Responder if header.flags.contains(TcpFlags::ACK) => header.ack,
            FlowSide::Responder => return true,
        };
        // What carries nothing uses no number that was not seen.
        let most = match (side, payload_len) {
            // An ACK alone answers no SYN.
            (FlowSide::Responder, 0) => return true,
            (FlowSide::Initiator, 0) => caller.sent_since_syn(),
            _ => REACH,
        };
        if (0..=most).contains(&caller.ahead_of_syn(number))
            || other.is_some_and(|isn| isn + 1 == number)
        {
            return false;
        }
        if side == FlowSide::Initiator && payload_len > 0 {
            self.sender_mut(side).forget_begin();
            return false;
        }
        true
    }

    /// Whether a segment can be of the handshake that waits for it, and not of
    /// an earlier connection (RFC 9293, section 3.10.7.4, in SYN-RECEIVED).
    pub(super) fn goes_on_from_syns(
        &self,
        side: FlowSide,
        header: &TcpHeader,
        claims: Claims,
    ) -> bool {
        let goes_on = |side: FlowSide, number: SeqNumber| {
            let sender = self.sender(side);
            let other = claims.isn[side as usize];
            !sender.has_isn()
                || (0..=REACH).contains(&sender.ahead_of_syn(number))
                || other.is_some_and(|isn| isn + 1 == number)
        };
        self.course() != FlowState::SynReceived
            || goes_on(side, header.seq) && goes_on(side.peer(), header.ack)
    }

    /// Takes note of a SYN, unless its receiver would drop it: in a connection
    /// that is made it changes nothing (RFC 9293, section 3.10.7.4).
    pub(super) fn takes_syn(
        &mut self,
        side: FlowSide,
        header: &TcpHeader,
        payload_len: u32,
        claims: Claims,
    ) -> bool {
        let (own, peer) = (self.sender(side), self.sender(side.peer()));
        let acks_peer = |flow: &Self| {
            flow.sender(side.peer())
                .may_be_acked(flow.sender(side), header.ack)
                || claims.isn[side.peer() as usize].is_some_and(|isn| isn + 1 == header.ack)
        };
        let is_answer = header.flags.contains(TcpFlags::ACK);
        let is_known = own.is_own_syn(header.seq) || claims.isn[side as usize] == Some(header.seq);
        // A copy brings no data that the first had not.
        let repeats = is_known && own.is_begun() && own.has_sent_syn();
        if repeats && payload_len > 0 {
            return false;
        }
        let takes = is_known
            || match self.course() {
                FlowState::SynSent if is_answer => side == FlowSide::Responder && acks_peer(self),
                FlowState::SynSent => true,
                FlowState::SynReceived if is_answer => !own.is_begun() && acks_peer(self),
                FlowState::SynReceived => side == FlowSide::Responder && !own.is_begun(),
                // Where it begins is known by what the other side said alone,
                // which may have been forged.
                _ if !own.is_silent() || peer.is_unseen() => false,
                _ if is_answer => acks_peer(self),
                // Both called, and nothing came of it.
                _ => side == FlowSide::Responder,
            };
        // A reset that came first has no number to be compared with: what its
        // sender says now comes behind it.
        if takes && self.state == FlowState::Reset && self.sender(side).is_unseen() {
            self.reset_at = header.seq;
        }
        takes
    }

    /// Takes note of the numbers that a segment uses, but for its FIN.
    pub(super) fn take_numbers(
        &mut self,
        side: FlowSide,
        header: &TcpHeader,
        payload_len: u32,
        cold: &mut ColdState,
    ) -> Sequence {
        let sender = self.sender_mut(side);
        if header.flags.contains(TcpFlags::SYN) {
            let is_late = !sender.is_unseen() && sender.is_own_syn(header.seq);
            if sender.has_isn() && !sender.is_silent() && !sender.is_own_syn(header.seq) {
                sender.doubt_isn();
                let other = &mut cold.claims_mut().isn[side as usize];
                if *other != Some(header.seq) {
                    *other = Some(header.seq);
                    return Sequence::Expected;
                }
                return Sequence::Retransmission;
            }
            let is_first = sender.begin(header);
            if is_late && is_first {
                // What was seen before goes on from it.
                sender.settle_begin();
                return Sequence::OutOfOrder;
            }
            return sender.send(header, payload_len, payload_len + 1);
        }
        let end = header.seq + payload_len;
        if payload_len > 0 {
            sender.contest_fin(end);
        }
        if sender.has_fin() && sender.next().is_before(end) {
            // Behind a FIN comes nothing; unless the FIN was none.
            return Sequence::Expected;
        }
        let sequence = sender.send(header, payload_len, payload_len);
        let is_overtaken = payload_len > 0
            && cold.claims().fin[side as usize].is_some_and(|fin| !fin.is_before(end));
        match sequence {
            // Its FIN was captured before it.
            Sequence::Expected if is_overtaken => Sequence::OutOfOrder,
            sequence => sequence,
        }
    }

    /// Settles where streams begin, if a segment says so.
    pub(super) fn settle_begins(
        &mut self,
        side: FlowSide,
        header: &TcpHeader,
        cold: &mut ColdState,
    ) {
        let peer = side.peer();
        if !self.sender(peer).is_begun() && header.flags.contains(TcpFlags::ACK) {
            self.settle_begin_by_ack(peer, header, cold);
        }
        if !self.sender(side).is_begun() && !header.flags.contains(TcpFlags::SYN) {
            self.settle_begin_by_data(side, header.seq, cold);
        }
    }

    /// Settles where the stream of `side` begins by an ACK of the other side.
    pub(super) fn settle_begin_by_ack(
        &mut self,
        side: FlowSide,
        header: &TcpHeader,
        cold: &mut ColdState,
    ) {
        let (ack, peer) = (header.ack, *self.sender(side.peer()));
        let other = cold.claims().isn[side as usize];
        let is_answer = header.flags.contains(TcpFlags::SYN);
        let sender = self.sender_mut(side);
        let ahead = sender.ahead_of_syn(ack);
        // Who called answers somebody who called at the same time, or nobody.
        if is_answer && side == FlowSide::Responder && sender.is_unseen() {
            cold.claims_mut().isn[side as usize] = Some(ack + u32::MAX);
            return;
        }
        if sender.has_isn() {
            let is_of_first = (0..=sender.sent_since_syn()).contains(&ahead);
            if is_of_first {
                sender.settle_begin();
            } else if let Some(other) = other.filter(|isn| *isn + 1 == ack) {
                sender.settle_begin_at(other);
            } else if is_answer {
                // It acknowledges a SYN that was not seen, or nobody's.
                cold.claims_mut().isn[side as usize] = Some(ack + u32::MAX);
                return;
            } else if (0..=REACH).contains(&ahead) {
                // What lies between was not captured.
                sender.settle_begin();
            } else {
                return;
            }
        } else if sender.is_unseen() {
            let goes_on = peer.has_isn() && (0..=REACH).contains(&peer.ahead_of_syn(header.seq));
            if !is_answer && !goes_on {
                return;
            }
            sender.settle_begin_at(ack + u32::MAX);
        } else if peer.has_isn() && (-REACH..=0).contains(&ahead) {
            // What was seen of the stream came before the handshake's end.
            sender.settle_begin_at(ack + u32::MAX);
        } else {
            return;
        }
        if other.is_some() {
            cold.claims_mut().isn[side as usize] = None;
        }
    }

    /// Settles where the stream of `side` begins by what it sends behind its
    /// SYN.
    pub(super) fn settle_begin_by_data(
        &mut self,
        side: FlowSide,
        seq: SeqNumber,
        cold: &mut ColdState,
    ) {
        let other = cold.claims().isn[side as usize];
        let is_alone = self.sender(side.peer()).is_silent();
        let sender = self.sender_mut(side);
        if !sender.has_isn() {
            return;
        }
        let is_near = (0..=REACH).contains(&sender.ahead_of_syn(seq));
        if let Some(other) = other.filter(|isn| *isn + 1 == seq) {
            sender.settle_begin_at(other);
        } else if seq == sender.first() || is_alone && is_near {
            sender.settle_begin();
        } else {
            return;
        }
        if other.is_some() {
            cold.claims_mut().isn[side as usize] = None;
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
        sender.is_begun().then(|| sender.first())
    }

    /// Whether the other side has received nothing of a side's stream, though it
    /// has heard of the SYN.
    pub(crate) fn has_refused_early_data(&self, side: FlowSide) -> bool {
        let first = self.sender(side).first();
        self.sender(side.peer()).has_acked_just(first)
    }
}
