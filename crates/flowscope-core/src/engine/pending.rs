//! What of a flow is to be attended to later, and what the engine keeps of it.

use crate::Timestamp;

/// What of a flow is to be attended to later.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Pending {
    /// When [`Consumer::on_timer`](super::Consumer::on_timer) is to be called.
    pub timer: Option<Timestamp>,
    /// Bytes of memory that are held for the flow, and that
    /// [`Consumer::shed`](super::Consumer::shed) can give back.
    pub held: usize,
}

impl Pending {
    /// Nothing.
    pub(crate) const NOTHING: Self = Self {
        timer: None,
        held: 0,
    };
}

/// Where the engine keeps what was [`Pending`] of a flow when it last asked.
///
/// That is a [`PendingEntry`], or `()` for consumers of which nothing is ever
/// pending: it takes no memory.
pub trait PendingSlot: Copy + Default {
    /// Whether anything is ever pending.
    #[doc(hidden)]
    const IS_USED: bool;

    /// What is kept.
    #[doc(hidden)]
    fn get(self) -> PendingEntry;

    /// Keeps it.
    #[doc(hidden)]
    fn set(&mut self, entry: PendingEntry);
}

/// What the engine keeps of a flow's [`Pending`], in 24 bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PendingEntry {
    /// [`Timestamp::MAX`] for none.
    pub(super) timer: Timestamp,
    /// When the flow's entry among the timers comes up; [`Timestamp::MAX`] for
    /// none. It may do so before the timer, or without one.
    pub(super) entry: Timestamp,
    /// More than fits counts as what fits.
    pub(super) held: u32,
    /// Which entry of the pressure queue is the flow's, if it holds anything.
    pub(super) ticket: Ticket,
}

impl PendingEntry {
    /// Whether this is what is pending.
    #[inline]
    pub(super) fn is(&self, pending: &Pending) -> bool {
        self.timer == timer_of(pending) && self.held == held_of(pending)
    }
}

impl Default for PendingEntry {
    fn default() -> Self {
        Self {
            timer: Timestamp::MAX,
            entry: Timestamp::MAX,
            held: 0,
            ticket: Ticket::default(),
        }
    }
}

/// Tells the entries of one flow in the pressure queue apart, and whether the flow
/// has given back any of what it holds since.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Ticket(u32);

impl Ticket {
    const PROGRESS: u32 = 1 << 31;

    /// The one behind this.
    pub(super) const fn next(self) -> Self {
        Self((self.0 + 1) & !Self::PROGRESS)
    }

    /// The same for a flow that has given something back.
    pub(super) const fn of_progress(self) -> Self {
        Self(self.0 | Self::PROGRESS)
    }

    pub(super) const fn has_progress(self) -> bool {
        self.0 & Self::PROGRESS != 0
    }

    /// Whether it is the same, but for progress.
    pub(super) const fn is_of(self, other: Self) -> bool {
        (self.0 ^ other.0) & !Self::PROGRESS == 0
    }
}

impl PendingSlot for PendingEntry {
    const IS_USED: bool = true;

    #[inline]
    fn get(self) -> PendingEntry {
        self
    }

    #[inline]
    fn set(&mut self, entry: PendingEntry) {
        *self = entry;
    }
}

impl PendingSlot for () {
    const IS_USED: bool = false;

    #[inline]
    fn get(self) -> PendingEntry {
        PendingEntry::default()
    }

    #[inline]
    fn set(&mut self, _: PendingEntry) {}
}

#[inline]
pub(super) fn timer_of(pending: &Pending) -> Timestamp {
    pending.timer.unwrap_or(Timestamp::MAX)
}

#[inline]
pub(super) fn held_of(pending: &Pending) -> u32 {
    u32::try_from(pending.held).unwrap_or(u32::MAX)
}
