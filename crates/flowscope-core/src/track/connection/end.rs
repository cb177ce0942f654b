//! Whether an RST or a FIN ends anything.

use super::{Fin, MAX_ACK_LEAD};
use crate::track::cold_state::ColdState;
use crate::track::flow::Flow;
use crate::track::sender::RstPosition;
use crate::track::state::Control;
use crate::track::{Anomalies, AnomalyKind, FlowState};
use crate::wire::{TcpFlags, TcpHeader};
use crate::{FlowSide, SeqNumber};

impl Flow {
    /// Resets the connection, unless the receiver refuses the RST: then returns
    /// the anomaly.
    pub(super) fn process_rst(
        &mut self,
        side: FlowSide,
        header: &TcpHeader,
        cold: &mut ColdState,
    ) -> Result<(), AnomalyKind> {
        let (own, peer) = (self.sender(side), self.sender(side.peer()));
        // RFC 2385, section 2: what is signed on a connection that is not, is
        // dropped.
        if header.is_signed && (own.is_unsigned() || peer.is_unsigned()) {
            return Err(AnomalyKind::RefusedRst);
        }
        let answers_syn =
            self.state_without_reset() == FlowState::SynSent && side == FlowSide::Responder;
        let place = if answers_syn {
            // RFC 9293, section 3.10.7.3: only what acknowledges the SYN.
            let is_answer = header.flags.contains(TcpFlags::ACK)
                && peer.first().distance_from(header.ack) <= 0
                && !peer.next().is_before(header.ack);
            if is_answer {
                RstPosition::Exact
            } else {
                RstPosition::Outside
            }
        } else {
            own.classify_rst(peer, header.seq)
        };
        match place {
            RstPosition::Exact => {}
            RstPosition::InWindow => return Err(AnomalyKind::RefusedRst),
            RstPosition::Outside => return Err(AnomalyKind::RstOutOfWindow),
        }
        if side == FlowSide::Initiator && self.return_to_other_syn(header, cold) {
            return Ok(());
        }
        match self.state {
            FlowState::Reset | FlowState::Closed => {}
            FlowState::Closing => self.state = FlowState::Closed,
            state => {
                self.reset_at = header.seq;
                self.flags.set_reset_by(side);
                self.state_before_reset = state;
                self.state = FlowState::Reset;
                self.flags.set_confirmed(false);
            }
        }
        Ok(())
    }

    /// Returns to the state before the reset, which the receiver refused.
    pub(super) fn undo_reset(&mut self, found: &mut Anomalies) {
        self.state = self.state_before_reset;
        found.insert(self.flags.reset_by(), AnomalyKind::RefusedRst);
    }

    /// Whether a FIN lies before what its sender has used, so that its receiver
    /// drops it (RFC 9293, section 3.10.7.4, the first check).
    pub(super) fn has_sent_beyond(&self, side: FlowSide, number: SeqNumber) -> bool {
        let sender = self.sender(side);
        sender.has_confirmed_isn()
            && number.is_before(sender.next())
            && sender.fin() != Some(number)
    }

    /// Notes a FIN. In sequence it ends the stream, unless the other side
    /// acknowledges more; ahead of what was sent it waits to be acknowledged.
    pub(super) fn process_fin(&mut self, side: FlowSide, number: SeqNumber, cold: &mut ColdState) {
        let peer = self.sender(side.peer());
        // In SYN-SENT the other side has not answered yet, and still may: whatever
        // it sent was of an earlier connection.
        let is_answered = self.state_without_reset() != FlowState::SynSent;
        let is_alone = peer.has_sent_nothing() && is_answered;
        let was_called = peer.has_isn();
        let sender = self.sender_mut(side);
        if sender.fin() == Some(number) {
            return;
        }
        // Before the responder has sent anything else, anybody may have sent it.
        let may_be_forged = was_called && !sender.has_confirmed_isn() && sender.has_sent_nothing();
        let is_in_place = sender.next() == number && is_answered && !may_be_forged;
        if !sender.has_fin() && (is_in_place || is_alone) {
            sender.note_fin(number);
            if is_alone {
                // The capture shows this side only, so no ACK of it will come.
                sender.confirm_fin();
            }
        } else if sender.fin().is_none_or(|fin| fin.is_before(number)) {
            self.unconfirmed_mut(cold).fin[side as usize] = Some(number);
        }
    }

    /// Confirms or rejects a reset or a FIN of the other side by what `side`
    /// acknowledges.
    pub(super) fn process_ack(
        &mut self,
        side: FlowSide,
        ack: SeqNumber,
        cold: &mut ColdState,
        found: &mut Anomalies,
    ) {
        let peer = side.peer();
        if self.state == FlowState::Reset
            && self.flags.reset_by() == peer
            && self.reset_at.is_before(ack)
            && !self.sender(peer).next().is_before(ack)
        {
            self.undo_reset(found);
        }
        let claimed = cold.unconfirmed().fin[peer as usize];
        let sender = self.sender_mut(peer);
        if sender.has_unacked_fin() {
            let beyond = ack.distance_from(sender.next());
            if beyond == 0 {
                sender.confirm_fin();
            } else if (1..=MAX_ACK_LEAD).contains(&beyond) {
                sender.retract_fin(ack);
                found.insert(peer, AnomalyKind::RefusedFin);
                self.undo_fin(peer);
            }
        }
        let Some(number) = claimed else { return };
        let beyond = ack.distance_from(number);
        if beyond < 1 {
            return;
        }
        self.unconfirmed_mut(cold).fin[peer as usize] = None;
        let sender = self.sender_mut(peer);
        // The number of the SYN, which is what was acknowledged, is no FIN's.
        let is_in_stream = !sender.has_confirmed_isn() || !number.is_before(sender.first());
        if beyond == 1 && is_in_stream && !sender.has_fin() {
            sender.note_fin(number);
            sender.confirm_fin();
            self.advance(peer, Control::Fin, found);
        } else {
            found.insert(peer, AnomalyKind::RefusedFin);
        }
    }

    /// Returns to the state before the FIN of `side`, which was not accepted.
    pub(super) fn undo_fin(&mut self, side: FlowSide) {
        let state = match self.state {
            FlowState::Reset => &mut self.state_before_reset,
            _ => &mut self.state,
        };
        *state = match *state {
            FlowState::HalfClosed(first) if first == side => FlowState::Established,
            FlowState::Closing | FlowState::Closed => FlowState::HalfClosed(side.peer()),
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
            Some(_) if !sender.has_unambiguous_fin() => Fin::None,
            Some(number) if sender.has_unacked_fin() => Fin::Unconfirmed(number),
            Some(number) => Fin::Confirmed(number),
        }
    }
}
