//! Handshakes and closes whose segments come in order, as most do.
//!
//! This is a fast path: [`process`](super::process) gives the same results for
//! these segments and takes longer.

use crate::FlowSide;
use crate::track::FlowState;
use crate::track::flow::Flow;
use crate::wire::{TcpFlags, TcpHeader};

impl Flow {
    /// Processes the next segment of a handshake whose segments come in order and
    /// without data. Returns whether it was one.
    #[inline]
    pub(super) fn advance_handshake(
        &mut self,
        side: FlowSide,
        header: &TcpHeader,
        payload_len: u32,
    ) -> bool {
        use FlowSide::{Initiator, Responder};
        const SYN: u8 = TcpFlags::SYN.0;
        const ACK: u8 = TcpFlags::ACK.0;
        const SYN_ACK: u8 = SYN | ACK;
        let [initiator, responder] = &mut self.sides;
        let (caller, called) = (&mut initiator.sender, &mut responder.sender);
        let flags = header.flags.0 & !TcpFlags::PSH.0;
        if payload_len > 0 {
            return false;
        }
        match (self.state, side, flags) {
            (FlowState::SynSent, Initiator, SYN) if caller.is_unseen() => {
                caller.note_syn(header);
                caller.note_syn_number();
            }
            (FlowState::SynSent, Responder, SYN_ACK)
                if called.is_unseen() && caller.next() == header.ack && caller.has_one_isn() =>
            {
                called.note_syn(header);
                called.note_syn_number();
                called.acknowledge(header);
                caller.confirm_isn();
                self.state = FlowState::SynReceived;
            }
            (FlowState::SynReceived, Initiator, ACK)
                if header.seq == caller.next()
                    && header.ack == called.next()
                    && caller.has_confirmed_isn()
                    && caller.has_one_isn()
                    && called.has_one_isn() =>
            {
                caller.acknowledge(header);
                called.confirm_isn();
                self.state = FlowState::Established;
                self.flags.set_confirmed(!self.flags.awaits_proof());
            }
            _ => return false,
        }
        true
    }

    /// Processes the next segment of a close whose segments come in order.
    /// Returns whether it was one.
    #[inline]
    pub(super) fn advance_close(
        &mut self,
        side: FlowSide,
        header: &TcpHeader,
        payload_len: u32,
    ) -> bool {
        const FIN_ACK: u8 = TcpFlags::FIN.0 | TcpFlags::ACK.0;
        let (state, is_confirmed) = (self.state, self.flags.is_confirmed());
        let [initiator, responder] = &mut self.sides;
        let (own, peer) = match side {
            FlowSide::Initiator => (&mut initiator.sender, &mut responder.sender),
            FlowSide::Responder => (&mut responder.sender, &mut initiator.sender),
        };
        let flags = header.flags.0 & !TcpFlags::PSH.0;
        let is_fin = flags == FIN_ACK;
        if !is_fin && flags != TcpFlags::ACK.0 {
            return false;
        }
        if header.seq != own.next() || peer.has_sent_nothing() || own.has_fin() && payload_len > 0 {
            return false;
        }
        let acks_fin = peer.has_unambiguous_fin() && header.ack == peer.next();
        let next = match (state, is_fin) {
            (FlowState::Established, true) if is_confirmed => FlowState::HalfClosed(side),
            (FlowState::HalfClosed(first), true) if first != side && acks_fin => FlowState::Closing,
            (FlowState::HalfClosed(first), false) if first != side && acks_fin => state,
            (FlowState::Closing, false) if acks_fin && !own.has_unacked_fin() => FlowState::Closed,
            _ => return false,
        };
        own.note_numbers(payload_len);
        if is_fin {
            own.note_fin(own.next());
        }
        if acks_fin {
            peer.confirm_fin();
        }
        own.acknowledge(header);
        self.state = next;
        let goes_on = matches!(next, FlowState::HalfClosed(_)) && !is_fin;
        self.flags
            .set_confirmed(goes_on && !self.flags.awaits_proof());
        true
    }
}
