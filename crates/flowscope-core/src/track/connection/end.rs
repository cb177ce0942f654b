//! Whether an RST or a FIN ends anything.

use super::{Fin, REACH};
use crate::track::flow::{ColdState, Flow};
use crate::track::sender::RstPlace;
use crate::track::state::Control;
use crate::track::{Anomalies, AnomalyKind, FlowState};
use crate::wire::{TcpFlags, TcpHeader};
use crate::{FlowSide, SeqNumber};

impl Flow {
    /// Takes an RST, or says why its receiver would not.
    pub(super) fn take_rst(
        &mut self,
        side: FlowSide,
        header: &TcpHeader,
    ) -> Result<(), AnomalyKind> {
        let (own, peer) = (self.sender(side), self.sender(side.peer()));
        // RFC 2385, section 2: what is signed on a connection that is not, is
        // dropped.
        if header.is_signed && (own.is_unsigned() || peer.is_unsigned()) {
            return Err(AnomalyKind::RefusedRst);
        }
        let answers_syn = self.course() == FlowState::SynSent && side == FlowSide::Responder;
        let place = if answers_syn {
            // RFC 9293, section 3.10.7.3: only what acknowledges the SYN.
            let is_answer = header.flags.contains(TcpFlags::ACK)
                && peer.first().distance_from(header.ack) <= 0
                && !peer.next().is_before(header.ack);
            if is_answer {
                RstPlace::Exact
            } else {
                RstPlace::Outside
            }
        } else {
            own.place_of_rst(peer, header.seq)
        };
        match place {
            RstPlace::Exact => {}
            RstPlace::InWindow => return Err(AnomalyKind::RefusedRst),
            RstPlace::Outside => return Err(AnomalyKind::RstOutOfWindow),
        }
        match self.state {
            FlowState::Reset | FlowState::Closed => {}
            FlowState::Closing => self.state = FlowState::Closed,
            state => {
                self.reset_at = header.seq;
                self.traits.set_reset_by(side);
                self.under = state;
                self.state = FlowState::Reset;
                self.traits.set_settled(false);
            }
        }
        Ok(())
    }

    /// The reset did not hold.
    pub(super) fn refuse_rst(&mut self, found: &mut Anomalies) {
        self.state = self.under;
        found.insert(self.traits.reset_by(), AnomalyKind::RefusedRst);
    }

    /// Whether a FIN lies before what its sender has used, so that its receiver
    /// drops it (RFC 9293, section 3.10.7.4, the first check).
    pub(super) fn has_gone_on_behind(&self, side: FlowSide, number: SeqNumber) -> bool {
        let sender = self.sender(side);
        sender.is_begun() && number.is_before(sender.next()) && sender.fin() != Some(number)
    }

    /// Takes note of a FIN. In its place it ends the stream until more is
    /// acknowledged; ahead of that it waits until it is acknowledged.
    pub(super) fn take_fin(&mut self, side: FlowSide, number: SeqNumber, cold: &mut ColdState) {
        let peer = self.sender(side.peer());
        // Who has called and does nothing else than close has no answer yet, and
        // one may still come.
        let is_alone = peer.is_silent() && self.course() != FlowState::SynSent;
        let was_called = peer.has_isn();
        let may_close = is_alone || !peer.is_silent();
        let sender = self.sender_mut(side);
        if sender.fin() == Some(number) {
            return;
        }
        // Before who was called has said anything else, it may be anybody's.
        let may_be_forged = was_called && !sender.is_begun() && sender.is_silent();
        let is_in_place = sender.next() == number && may_close && !may_be_forged;
        if !sender.has_fin() && (is_in_place || is_alone) {
            sender.finish(number);
            if is_alone {
                // Nobody is seen who could acknowledge it.
                sender.settle_fin();
            }
        } else if sender.fin().is_none_or(|fin| fin.is_before(number)) {
            cold.claims_mut().fin[side as usize] = Some(number);
        }
    }

    /// Settles what the other side claimed by what `side` acknowledges.
    pub(super) fn weigh_ack(
        &mut self,
        side: FlowSide,
        ack: SeqNumber,
        cold: &mut ColdState,
        found: &mut Anomalies,
    ) {
        let peer = side.peer();
        if self.state == FlowState::Reset
            && self.traits.reset_by() == peer
            && self.reset_at.is_before(ack)
            && !self.sender(peer).next().is_before(ack)
        {
            self.refuse_rst(found);
        }
        let claimed = cold.claims().fin[peer as usize];
        let sender = self.sender_mut(peer);
        if sender.has_unacked_fin() {
            let beyond = ack.distance_from(sender.next());
            if beyond == 0 {
                sender.settle_fin();
            } else if (1..=REACH).contains(&beyond) {
                sender.refuse_fin(ack);
                found.insert(peer, AnomalyKind::RefusedFin);
                self.take_fin_back(peer);
            }
        }
        let Some(number) = claimed else { return };
        let beyond = ack.distance_from(number);
        if beyond < 1 {
            return;
        }
        cold.claims_mut().fin[peer as usize] = None;
        let sender = self.sender_mut(peer);
        if beyond == 1 && !sender.has_fin() {
            sender.finish(number);
            sender.settle_fin();
            self.advance(peer, Control::Fin, found);
        } else {
            found.insert(peer, AnomalyKind::RefusedFin);
        }
    }

    /// The FIN of `side` was none.
    pub(super) fn take_fin_back(&mut self, side: FlowSide) {
        let state = match self.state {
            FlowState::Reset => &mut self.under,
            _ => &mut self.state,
        };
        *state = match *state {
            FlowState::HalfClosed(first) if first == side => FlowState::Established,
            FlowState::Closing => FlowState::HalfClosed(side.peer()),
            other => other,
        };
    }

    /// Whether a side's stream has ended.
    #[inline]
    pub(crate) fn fin(&self, side: FlowSide) -> Fin {
        let sender = self.sender(side);
        match sender.fin() {
            None => Fin::None,
            // What was sent in its place is not held back: whichever of the two
            // its receiver took, the ACK of it is the same.
            Some(_) if !sender.has_sound_fin() => Fin::None,
            Some(number) if sender.has_unacked_fin() => Fin::Claimed(number),
            Some(number) => Fin::Settled(number),
        }
    }
}
