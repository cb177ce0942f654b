//! What is true or false of a flow, in one byte.

use crate::{FlowSide, Orientation};

/// Flags of a flow, in one byte.
#[derive(Clone, Copy, Debug)]
pub(super) struct FlowFlags(u8);

impl FlowFlags {
    const UDP: u8 = 1;
    const OTHER: u8 = 1 << 1;
    const REVERSE: u8 = 1 << 2;
    const LAST_IN_ORDER: u8 = 1 << 3;
    const CONFIRMED: u8 = 1 << 4;
    const AWAITS_PROOF: u8 = 1 << 5;
    const RESET_BY_RESPONDER: u8 = 1 << 6;
    pub(super) const HAS_UNCONFIRMED: u8 = 1 << 7;

    pub(super) const fn new(class: TimeoutClass, initiator: Orientation) -> Self {
        let class = match class {
            TimeoutClass::Tcp => 0,
            TimeoutClass::Udp => Self::UDP,
            TimeoutClass::Other => Self::OTHER,
        };
        let initiator = match initiator {
            Orientation::Forward => 0,
            Orientation::Reverse => Self::REVERSE,
        };
        Self(class | initiator)
    }

    #[inline]
    const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    #[inline]
    pub(super) const fn class(self) -> TimeoutClass {
        if self.has(Self::UDP) {
            TimeoutClass::Udp
        } else if self.has(Self::OTHER) {
            TimeoutClass::Other
        } else {
            TimeoutClass::Tcp
        }
    }

    #[inline]
    pub(super) const fn initiator(self) -> Orientation {
        if self.has(Self::REVERSE) {
            Orientation::Reverse
        } else {
            Orientation::Forward
        }
    }

    /// Whether the latest packet was not older than the tracker's clock, so
    /// that its time is the flow's latest.
    #[inline]
    pub(super) const fn last_in_order(self) -> bool {
        self.has(Self::LAST_IN_ORDER)
    }

    #[inline]
    pub(super) fn set_last_in_order(&mut self, is: bool) {
        self.set(Self::LAST_IN_ORDER, is);
    }

    /// Whether everything about the connection is confirmed.
    #[inline(always)]
    pub(super) const fn is_confirmed(self) -> bool {
        self.has(Self::CONFIRMED)
    }

    pub(super) fn set_confirmed(&mut self, is: bool) {
        self.set(Self::CONFIRMED, is);
    }

    /// Whether a new connection on the same ports waits for its proof.
    #[inline(always)]
    pub(super) const fn awaits_proof(self) -> bool {
        self.has(Self::AWAITS_PROOF)
    }

    pub(super) fn set_awaits_proof(&mut self, is: bool) {
        self.set(Self::AWAITS_PROOF, is);
    }

    /// Whether anything of its connection ever was in [`Unconfirmed`], which lies
    /// in the cold state: most segments need not look there.
    #[inline(always)]
    pub(super) const fn has_unconfirmed(self) -> bool {
        self.has(Self::HAS_UNCONFIRMED)
    }

    /// Who sent the reset, if there was one.
    pub(super) const fn reset_by(self) -> FlowSide {
        if self.has(Self::RESET_BY_RESPONDER) {
            FlowSide::Responder
        } else {
            FlowSide::Initiator
        }
    }

    pub(super) fn set_reset_by(&mut self, side: FlowSide) {
        self.set(Self::RESET_BY_RESPONDER, side == FlowSide::Responder);
    }

    #[inline]
    pub(super) fn set(&mut self, bit: u8, is: bool) {
        self.0 = self.0 & !bit | if is { bit } else { 0 };
    }
}

/// Which of the idle timeouts applies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum TimeoutClass {
    Tcp,
    Udp,
    Other,
}
