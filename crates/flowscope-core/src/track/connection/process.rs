//! Processes the segments that may begin or end something.

use super::{Effect, Verdict};
use crate::FlowSide;
use crate::track::cold_state::ColdState;
use crate::track::flow::Flow;
use crate::track::sender::{Sender, Sequence};
use crate::track::state::Control;
use crate::track::{Anomalies, AnomalyKind, FlowState};
use crate::wire::{TcpFlags, TcpHeader};

impl Flow {
    /// The state of the connection as if it had not been reset: the receiver may
    /// have refused the RST.
    pub(super) fn state_without_reset(&self) -> FlowState {
        match self.state {
            FlowState::Reset => self.state_before_reset,
            state => state,
        }
    }

    /// Processes a segment and returns what it does.
    ///
    /// It is called for every segment, except for those that neither begin nor
    /// end anything in a connection where everything is confirmed.
    #[inline(always)]
    pub(in crate::track) fn process_segment(
        &mut self,
        side: FlowSide,
        header: &TcpHeader,
        payload_len: u32,
        cold: &mut ColdState,
    ) -> (Verdict, Sequence) {
        let before = self.state;
        let mut verdict = Verdict {
            effect: Effect::Confirming,
            ..Verdict::PLAIN
        };
        let is_usual = self.advance_handshake(side, header, payload_len)
            || !self.flags.has_unconfirmed() && self.advance_close(side, header, payload_len);
        let sequence = if is_usual {
            // A FIN may have come before the handshake was complete.
            if self.flags.has_unconfirmed() && cold.has_unconfirmed_fin() {
                self.flags.set_confirmed(false);
            }
            Sequence::Expected
        } else {
            self.process_unusual(side, header, payload_len, cold, &mut verdict)
        };
        if self.state != before {
            verdict.states = Some((before, self.state));
        }
        (verdict, sequence)
    }

    /// Processes a segment that is not the next one of an ordinary handshake or
    /// close.
    ///
    /// The checks come in the order of RFC 9293, section 3.10.7: whether the
    /// segment is acceptable in this state, RST, SYN, sequence numbers, ACK, FIN.
    #[inline(never)]
    fn process_unusual(
        &mut self,
        side: FlowSide,
        header: &TcpHeader,
        payload_len: u32,
        cold: &mut ColdState,
        verdict: &mut Verdict,
    ) -> Sequence {
        let control = Control::of(header.flags);
        if is_without_ack(header) {
            verdict.effect = Effect::Refused;
            verdict.found.insert(side, AnomalyKind::MissingAck);
            return Sequence::Expected;
        }
        if self.is_dropped_before_answer(side, header, payload_len, cold.unconfirmed()) {
            verdict.effect = Effect::Refused;
            return Sequence::Expected;
        }
        match control {
            Control::Rst => {
                if let Err(kind) = self.process_rst(side, header, cold) {
                    verdict.effect = Effect::Refused;
                    verdict.found.insert(side, kind);
                }
                return Sequence::Expected;
            }
            Control::Syn | Control::SynAck => {
                if !self.accepts_syn(side, header, payload_len, cold.unconfirmed()) {
                    verdict.effect = Effect::Refused;
                    verdict.found.insert(side, AnomalyKind::SynInConnection);
                    return Sequence::Expected;
                }
            }
            Control::Ack | Control::Fin => {}
        }
        if header.flags.contains(TcpFlags::URG) && payload_len > 0 {
            verdict.found.insert(side, AnomalyKind::UrgentData);
        }
        let sequence = self.process_numbers(side, header, payload_len, cold);
        let goes_on = matches!(control, Control::Syn | Control::SynAck)
            || self.follows_syns(side, header, cold.unconfirmed());
        if goes_on {
            self.sender_mut(side).acknowledge(header);
        }
        self.confirm_isns(side, header, cold);
        let had_fin = self.sender(side).has_fin();
        if header.flags.contains(TcpFlags::FIN) {
            let number = header.seq + payload_len;
            if self.has_sent_beyond(side, number) {
                verdict.found.insert(side, AnomalyKind::RefusedFin);
            } else {
                self.process_fin(side, number, cold);
            }
        }
        if header.flags.contains(TcpFlags::ACK) {
            self.process_ack(side, header.ack, cold, &mut verdict.found);
        }
        let (own, peer) = (self.sender(side), self.sender(side.peer()));
        // A connection is closed when both FINs are acknowledged, and not before:
        // one of them may have been forged.
        let is_closing = self.state_without_reset() == FlowState::Closing;
        // Where several SYNs wait for an answer, the responder may acknowledge one
        // of them again to challenge another (RFC 9293, section 3.10.7.4).
        let may_challenge = side == FlowSide::Responder
            && payload_len == 0
            && !cold.unconfirmed().isns[FlowSide::Initiator as usize].is_empty();
        match control {
            Control::Ack if !goes_on || may_challenge || !own.has_acked_all_of(peer) => {}
            Control::Ack if is_closing && own.awaits_ack_of_fin() => {}
            Control::Fin if had_fin || !own.has_fin() => {}
            _ => self.advance(side, control, &mut verdict.found),
        }
        let is_confirmed = self.is_confirmed(cold);
        self.flags.set_confirmed(is_confirmed);
        sequence
    }

    /// Moves to the next state. After a reset, this is the state that counts if
    /// the receiver refused the RST.
    ///
    /// A handshake that completes after a reset shows that the RST was refused.
    pub(super) fn advance(&mut self, side: FlowSide, control: Control, found: &mut Anomalies) {
        if self.state != FlowState::Reset {
            self.state = self.state.next(side, control);
            return;
        }
        let before = self.state_before_reset;
        self.state_before_reset = before.next(side, control);
        let is_made = matches!(before, FlowState::SynSent | FlowState::SynReceived)
            && self.state_before_reset == FlowState::Established;
        if is_made {
            self.undo_reset(found);
        }
    }

    /// Whether everything is confirmed, so that only segments which begin or end
    /// something have to be processed.
    fn is_confirmed(&self, cold: &ColdState) -> bool {
        let goes_on = matches!(
            self.state,
            FlowState::Established | FlowState::HalfClosed(_)
        );
        goes_on
            && !self.flags.awaits_proof()
            && !cold.has_unconfirmed_fin()
            && FlowSide::BOTH.into_iter().all(|side| {
                let sender = self.sender(side);
                sender.has_confirmed_isn() == sender.has_isn() && !sender.has_unacked_fin()
            })
    }

    #[inline]
    pub(super) fn sender(&self, side: FlowSide) -> &Sender {
        &self.sides[side as usize].sender
    }

    #[inline]
    pub(super) fn sender_mut(&mut self, side: FlowSide) -> &mut Sender {
        &mut self.sides[side as usize].sender
    }
}

/// Whether a segment has none of ACK, SYN and RST: then its receiver drops it,
/// data and FIN and all, in every state but the ones before a connection (RFC
/// 9293, sections 3.10.7.3 and 3.10.7.4, the fifth check).
fn is_without_ack(header: &TcpHeader) -> bool {
    const TAKEN: u8 = TcpFlags::ACK.0 | TcpFlags::SYN.0 | TcpFlags::RST.0;
    !header.flags.intersects(TcpFlags(TAKEN))
}
