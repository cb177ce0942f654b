//! The states of a TCP connection, as an observer between the two ends sees them.

use core::fmt;

use crate::FlowSide;
use crate::wire::TcpFlags;

/// What a flow is doing.
///
/// A drawing of the TCP part, without resets, which lead to `Reset` from
/// everywhere but the last row. A connection picked up in the middle begins as
/// `Established`.
///
/// ```text
///   SYN               SYN-ACK               ACK
/// ───────▶ SynSent ───────────▶ SynReceived ─────▶ Established
///             │                      │                  │
///             └──────────────────────┴────── FIN ───────┤
///                                                       ▼
///          Closed ◀───── ACK ───── Closing ◀── FIN ── HalfClosed
///                     of the last          of the
///                        FIN             other side
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum FlowState {
    /// Not TCP: packets went by.
    Active,
    /// A SYN was sent, and no answer seen.
    SynSent,
    /// The SYN was answered.
    SynReceived,
    /// The handshake was completed, or the flow was seen in its middle.
    Established,
    /// This side sent a FIN.
    HalfClosed(FlowSide),
    /// Both sides sent a FIN.
    Closing,
    /// Both FINs were acknowledged.
    Closed,
    /// A plausible RST was seen.
    Reset,
}

impl FlowState {
    /// The word for it in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::SynSent => "syn_sent",
            Self::SynReceived => "syn_received",
            Self::Established => "established",
            Self::HalfClosed(_) => "fin_wait",
            Self::Closing => "closing",
            Self::Closed => "closed",
            Self::Reset => "reset",
        }
    }

    /// Whether neither side will send anything new.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Closing | Self::Closed | Self::Reset)
    }

    /// The state after a connection's first packet.
    pub(super) const fn first(control: Control) -> Self {
        match control {
            Control::Syn => Self::SynSent,
            Control::SynAck => Self::SynReceived,
            Control::Ack | Control::Fin | Control::Rst => Self::Established,
        }
    }

    /// The state after `side` sent a segment that carries `control`.
    ///
    /// An RST that is not plausible is kept away from here; `Ack` is an ACK of
    /// everything the other side has sent.
    #[must_use]
    pub(super) const fn next(self, side: FlowSide, control: Control) -> Self {
        use Control::{Ack, Fin, Rst, Syn, SynAck};
        use FlowSide::{Initiator, Responder};
        match (self, control, side) {
            (Self::Closed | Self::Reset, ..) => self,
            // Both sides had sent a FIN; an RST only ends the wait for the last ACK.
            (Self::Closing, Rst | Ack, _) => Self::Closed,
            (_, Rst, _) => Self::Reset,

            // A SYN from both sides is a simultaneous or split handshake.
            (Self::SynSent, SynAck, _) | (Self::SynSent, Syn, Responder) => Self::SynReceived,
            // The answer was not captured.
            (Self::SynSent, Ack, Initiator) => Self::Established,
            (Self::SynReceived, Ack, _) => Self::Established,

            (Self::HalfClosed(Initiator), Fin, Responder)
            | (Self::HalfClosed(Responder), Fin, Initiator) => Self::Closing,
            (Self::SynSent | Self::SynReceived | Self::Established, Fin, _) => {
                Self::HalfClosed(side)
            }

            // Data, keep-alives and retransmissions move nothing.
            (unchanged, ..) => unchanged,
        }
    }
}

impl fmt::Display for FlowState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The control bits of a segment that the state depends on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Control {
    Syn,
    SynAck,
    Ack,
    Fin,
    Rst,
}

impl Control {
    pub(super) const fn of(flags: TcpFlags) -> Self {
        if flags.contains(TcpFlags::RST) {
            Self::Rst
        } else if flags.contains(TcpFlags::SYN) {
            if flags.contains(TcpFlags::ACK) {
                Self::SynAck
            } else {
                Self::Syn
            }
        } else if flags.contains(TcpFlags::FIN) {
            Self::Fin
        } else {
            Self::Ack
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Control::{Ack, Fin, Rst, Syn, SynAck};
    use super::FlowSide::{Initiator, Responder};
    use super::*;

    fn after(segments: &[(FlowSide, Control)]) -> FlowState {
        let [(_, first), cold @ ..] = segments else {
            panic!("a connection has a first segment");
        };
        cold.iter()
            .fold(FlowState::first(*first), |state, (side, control)| {
                state.next(*side, *control)
            })
    }

    #[test]
    fn handshakes_end_established() {
        let three_way = [(Initiator, Syn), (Responder, SynAck), (Initiator, Ack)];
        let split = [
            (Initiator, Syn),
            (Responder, Ack),
            (Responder, Syn),
            (Initiator, SynAck),
            (Responder, Ack),
        ];
        let one_way = [(Initiator, Syn), (Initiator, Ack)];
        assert_eq!(after(&three_way), FlowState::Established);
        assert_eq!(after(&split), FlowState::Established);
        assert_eq!(after(&one_way), FlowState::Established);
    }

    #[test]
    fn retransmitted_fin_does_not_close() {
        let state = after(&[(Initiator, Ack), (Initiator, Fin), (Initiator, Fin)]);
        assert_eq!(state, FlowState::HalfClosed(Initiator));
    }

    #[test]
    fn both_fins_and_the_last_ack_close() {
        let fins = [(Initiator, Ack), (Responder, Fin), (Initiator, Fin)];
        assert_eq!(after(&fins), FlowState::Closing);
        assert_eq!(FlowState::Closing.next(Responder, Ack), FlowState::Closed);
        assert_eq!(FlowState::Closing.next(Responder, Rst), FlowState::Closed);
    }

    #[test]
    fn each_segment_leads_to_one_state() {
        use FlowState::{
            Active, Closed, Closing, Established, HalfClosed, Reset, SynReceived, SynSent,
        };
        let cases = [
            (SynSent, Initiator, Syn, SynSent),
            (SynSent, Responder, Syn, SynReceived),
            (SynSent, Responder, SynAck, SynReceived),
            (SynSent, Initiator, Ack, Established),
            (SynSent, Responder, Ack, SynSent),
            (SynSent, Initiator, Fin, HalfClosed(Initiator)),
            (SynSent, Responder, Rst, Reset),
            (SynReceived, Responder, SynAck, SynReceived),
            (SynReceived, Initiator, Ack, Established),
            (SynReceived, Responder, Fin, HalfClosed(Responder)),
            (Established, Initiator, Ack, Established),
            (Established, Initiator, Syn, Established),
            (Established, Responder, Fin, HalfClosed(Responder)),
            (Established, Responder, Rst, Reset),
            (HalfClosed(Initiator), Initiator, Fin, HalfClosed(Initiator)),
            (HalfClosed(Initiator), Responder, Ack, HalfClosed(Initiator)),
            (HalfClosed(Initiator), Responder, Fin, Closing),
            (HalfClosed(Responder), Initiator, Fin, Closing),
            (HalfClosed(Responder), Initiator, Rst, Reset),
            (Closing, Initiator, Fin, Closing),
            (Closing, Initiator, Ack, Closed),
            (Active, Initiator, Ack, Active),
        ];
        for (from, side, control, to) in cases {
            assert_eq!(
                from.next(side, control),
                to,
                "{from:?} {side:?} {control:?}"
            );
        }
    }

    #[test]
    fn nothing_leaves_the_last_states() {
        for state in [FlowState::Closed, FlowState::Reset] {
            for control in [Syn, SynAck, Ack, Fin, Rst] {
                assert_eq!(state.next(Initiator, control), state);
                assert_eq!(state.next(Responder, control), state);
            }
        }
    }
}
