//! Handshakes and closes in which everything comes in its turn, as in most.
//!
//! The rest of [`connection`](super) comes to the same for these, and takes
//! longer.

use crate::FlowSide;
use crate::track::FlowState;
use crate::track::flow::Flow;
use crate::wire::{TcpFlags, TcpHeader};

impl Flow {
    /// Takes the next segment of a handshake in which everything comes in its
    /// turn and nothing else, as most do; says whether it was one. What follows
    /// comes to the same.
    #[inline]
    pub(super) fn shakes_hands(
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
                caller.begin(header);
                caller.use_syn();
            }
            (FlowState::SynSent, Responder, SYN_ACK)
                if called.is_unseen() && caller.next() == header.ack && caller.has_one_isn() =>
            {
                called.begin(header);
                called.use_syn();
                called.acknowledge(header);
                caller.settle_begin();
                self.state = FlowState::SynReceived;
            }
            (FlowState::SynReceived, Initiator, ACK)
                if header.seq == caller.next()
                    && header.ack == called.next()
                    && caller.is_begun()
                    && called.has_one_isn() =>
            {
                caller.acknowledge(header);
                called.settle_begin();
                self.state = FlowState::Established;
                self.traits.set_settled(!self.traits.is_contended());
            }
            _ => return false,
        }
        true
    }

    /// Takes the next segment of a close in which everything comes in its turn,
    /// likewise.
    #[inline]
    pub(super) fn parts(&mut self, side: FlowSide, header: &TcpHeader, payload_len: u32) -> bool {
        const FIN_ACK: u8 = TcpFlags::FIN.0 | TcpFlags::ACK.0;
        let (state, is_settled) = (self.state, self.traits.is_settled());
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
        if header.seq != own.next() || peer.is_silent() || own.has_fin() && payload_len > 0 {
            return false;
        }
        let acks_fin = peer.has_sound_fin() && header.ack == peer.next();
        let next = match (state, is_fin) {
            (FlowState::Established, true) if is_settled => FlowState::HalfClosed(side),
            (FlowState::HalfClosed(first), true) if first != side && acks_fin => FlowState::Closing,
            (FlowState::HalfClosed(first), false) if first != side && acks_fin => state,
            (FlowState::Closing, false) if acks_fin => FlowState::Closed,
            _ => return false,
        };
        own.use_numbers(payload_len);
        if is_fin {
            own.finish(own.next());
        }
        if acks_fin {
            peer.settle_fin();
        }
        own.acknowledge(header);
        self.state = next;
        let goes_on = matches!(next, FlowState::HalfClosed(_)) && !is_fin;
        self.traits
            .set_settled(goes_on && !self.traits.is_contended());
        true
    }
}
