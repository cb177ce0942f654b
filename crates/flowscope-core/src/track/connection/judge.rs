//! The two sides' claims, segment by segment.

use super::{Effect, Verdict};
use crate::FlowSide;
use crate::track::flow::{ColdState, Flow};
use crate::track::sender::{Sender, Sequence};
use crate::track::state::Control;
use crate::track::{Anomalies, AnomalyKind, FlowState};
use crate::wire::{TcpFlags, TcpHeader};

impl Flow {
    /// What its connection is doing but for a reset that may not hold.
    pub(super) fn course(&self) -> FlowState {
        match self.state {
            FlowState::Reset => self.under,
            state => state,
        }
    }

    /// Takes note of a segment and says what it does.
    ///
    /// This is where the two sides' claims meet. It is called for every segment
    /// but those of a connection in which nothing is in doubt that neither begin
    /// nor end anything.
    #[inline(always)]
    pub(in crate::track) fn judge(
        &mut self,
        side: FlowSide,
        header: &TcpHeader,
        payload_len: u32,
        cold: &mut ColdState,
    ) -> (Verdict, Sequence) {
        let before = self.state;
        let mut verdict = Verdict {
            effect: Effect::Settling,
            ..Verdict::PLAIN
        };
        let is_usual = self.shakes_hands(side, header, payload_len)
            || !cold.has_rare() && self.parts(side, header, payload_len);
        let sequence = if is_usual {
            // A FIN may wait that came before the handshake was over.
            if cold.awaits_fin() {
                self.traits.set_settled(false);
            }
            Sequence::Expected
        } else {
            self.weigh(side, header, payload_len, cold, &mut verdict)
        };
        if self.state != before {
            verdict.states = Some((before, self.state));
        }
        (verdict, sequence)
    }

    /// Does the same for a segment that is not the usual next one of a handshake
    /// or a close.
    #[inline(never)]
    fn weigh(
        &mut self,
        side: FlowSide,
        header: &TcpHeader,
        payload_len: u32,
        cold: &mut ColdState,
        verdict: &mut Verdict,
    ) -> Sequence {
        let control = Control::of(header.flags);
        if self.is_out_of_turn(side, header, payload_len, cold.claims()) {
            verdict.effect = Effect::Refused;
            return Sequence::Expected;
        }
        match control {
            Control::Rst => {
                if let Err(kind) = self.take_rst(side, header) {
                    verdict.effect = Effect::Refused;
                    verdict.found.insert(side, kind);
                }
                return Sequence::Expected;
            }
            Control::Syn | Control::SynAck => {
                if !self.takes_syn(side, header, payload_len, cold.claims()) {
                    verdict.effect = Effect::Refused;
                    verdict.found.insert(side, AnomalyKind::SynInConnection);
                    return Sequence::Expected;
                }
            }
            Control::Ack | Control::Fin => {}
        }
        let sequence = self.take_numbers(side, header, payload_len, cold);
        let goes_on = matches!(control, Control::Syn | Control::SynAck)
            || self.goes_on_from_syns(side, header, cold.claims());
        if goes_on {
            self.sender_mut(side).acknowledge(header);
        }
        self.settle_begins(side, header, cold);
        let had_fin = self.sender(side).has_fin();
        if header.flags.contains(TcpFlags::FIN) {
            let number = header.seq + payload_len;
            if self.has_gone_on_behind(side, number) {
                verdict.found.insert(side, AnomalyKind::RefusedFin);
            } else {
                self.take_fin(side, number, cold);
            }
        }
        if header.flags.contains(TcpFlags::ACK) {
            self.weigh_ack(side, header.ack, cold, &mut verdict.found);
        }
        let (own, peer) = (self.sender(side), self.sender(side.peer()));
        match control {
            Control::Ack if !goes_on || !own.acks_everything(peer) => {}
            Control::Fin if had_fin || !own.has_fin() => {}
            _ => self.advance(side, control, &mut verdict.found),
        }
        let settled = self.is_settled(cold);
        self.traits.set_settled(settled);
        sequence
    }

    /// Moves the state on, below a reset that may not hold.
    ///
    /// A handshake that ends behind a reset shows that it did not.
    pub(super) fn advance(&mut self, side: FlowSide, control: Control, found: &mut Anomalies) {
        if self.state != FlowState::Reset {
            self.state = self.state.next(side, control);
            return;
        }
        let before = self.under;
        self.under = before.next(side, control);
        let is_made = matches!(before, FlowState::SynSent | FlowState::SynReceived)
            && self.under == FlowState::Established;
        if is_made {
            self.refuse_rst(found);
        }
    }

    /// Whether every claim is settled, so that only what begins or ends
    /// something has to be looked at.
    fn is_settled(&self, cold: &ColdState) -> bool {
        let goes_on = matches!(
            self.state,
            FlowState::Established | FlowState::HalfClosed(_)
        );
        goes_on
            && !self.traits.is_contended()
            && !cold.awaits_fin()
            && FlowSide::BOTH.into_iter().all(|side| {
                let sender = self.sender(side);
                sender.is_begun() == sender.has_isn() && !sender.has_unacked_fin()
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
