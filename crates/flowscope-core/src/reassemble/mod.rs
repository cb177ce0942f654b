//! Segments to an ordered stream.
//!
//! What one side of a TCP connection sends becomes a sequence of [`Chunk`]s:
//! bytes in order, and gaps where bytes are missing. A [`Reassembler`] does it for
//! one side of one connection; [`BufferedReassembler`] is the one to use.
//!
//! Nothing here knows flows or protocols. Which side sent a segment, whether a
//! reset takes effect and which flows are reassembled is decided by the engine.

mod bounds;
mod buffered;
mod config;
mod held;
mod numbers;
mod order;
mod out_of_order;
mod overlap;
mod stats;
mod stray;

pub use buffered::BufferedReassembler;
pub use config::{OverflowPolicy, StreamConfig};
pub use overlap::OverlapPolicy;
pub use stats::StreamStats;

use core::ops::{BitOr, BitOrAssign};

use crate::wire::{Payload, TcpFlags, TcpHeader};
use crate::{SeqNumber, Sink, Timestamp};

/// The next piece of a stream.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Chunk<'a> {
    /// The next bytes, at least one. They are borrowed: from the frame where
    /// segments come in order.
    Data(&'a [u8]),
    /// So many bytes, at least one, were sent and are missing from the
    /// capture. The stream goes on behind them.
    Gap(u64),
}

/// Puts in order what one side of a connection sends.
///
/// Every segment of the connection is shown to the reassemblers of both sides:
/// to the receiver's with [`acknowledge`](Self::acknowledge), and then to the
/// sender's with [`push`](Self::push).
///
/// [`BufferedReassembler`] is the one that drivers of parsers use. One of your
/// own runs in a [`FlowReassemblyDriver`](crate::FlowReassemblyDriver).
pub trait Reassembler {
    /// Takes a segment that this side sent.
    fn push(
        &mut self,
        segment: &Segment<'_>,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes;

    /// Takes a segment of the other side: what it says was received.
    fn acknowledge(
        &mut self,
        segment: &Segment<'_>,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes;

    /// Gives up the holes whose time has run out at `now`.
    ///
    /// Segments of either side do this by their own times.
    fn expire(&mut self, now: Timestamp, out: &mut impl for<'c> Sink<Chunk<'c>>) -> StreamNotes;

    /// When [`expire`](Self::expire) may next have something to do.
    fn next_expiry(&self) -> Option<Timestamp>;

    /// Gives up the first hole and delivers what is held behind it, up to the
    /// next one, to free memory at `now`.
    fn shed(&mut self, now: Timestamp, out: &mut impl for<'c> Sink<Chunk<'c>>) -> StreamNotes;

    /// Delivers all that is held, when the stream is over for whatever reason.
    fn finish(&mut self, out: &mut impl for<'c> Sink<Chunk<'c>>) -> StreamNotes;

    /// Drops all that is held, when the stream is not wanted any more.
    fn stop(&mut self);

    /// Whether more is to be expected.
    fn state(&self) -> StreamState;

    /// What the stream amounts to so far.
    fn stats(&self) -> StreamStats;

    /// How many bytes of memory it has taken, besides itself.
    fn memory(&self) -> usize;
}

/// A TCP segment as a [`Reassembler`] sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Segment<'a> {
    /// Sequence number.
    pub seq: SeqNumber,
    /// Acknowledgment number, meaningless without [`TcpFlags::ACK`].
    pub ack: SeqNumber,
    /// Control bits.
    pub flags: TcpFlags,
    /// The data, as far as it was captured.
    pub payload: Payload<'a>,
    /// When it was captured.
    pub at: Timestamp,
}

impl<'a> Segment<'a> {
    /// The segment with `header` that carries `payload`.
    #[inline]
    #[must_use]
    pub const fn new(header: &TcpHeader, payload: Payload<'a>, at: Timestamp) -> Self {
        Self {
            seq: header.seq,
            ack: header.ack,
            flags: header.flags,
            payload,
            at,
        }
    }

    /// A segment at `seq` that carries `bytes` and acknowledges nothing.
    #[must_use]
    pub const fn data(seq: u32, bytes: &'a [u8], at: Timestamp) -> Self {
        Self {
            seq: SeqNumber(seq),
            ack: SeqNumber(0),
            flags: TcpFlags(0),
            payload: Payload { bytes, missing: 0 },
            at,
        }
    }

    /// The same segment with `flags` set too.
    #[must_use]
    pub const fn with_flags(self, flags: TcpFlags) -> Self {
        Self {
            flags: TcpFlags(self.flags.0 | flags.0),
            ..self
        }
    }

    /// The same segment, which acknowledges everything before `ack`.
    #[must_use]
    pub const fn with_ack(self, ack: u32) -> Self {
        Self {
            ack: SeqNumber(ack),
            ..self
        }
        .with_flags(TcpFlags::ACK)
    }

    /// The same segment, which neither begins nor ends a stream.
    pub(crate) fn without_control(self) -> Self {
        let has_syn = self.flags.contains(TcpFlags::SYN);
        let control = TcpFlags::SYN.0 | TcpFlags::FIN.0;
        Self {
            // The data of a SYN begin one behind its number.
            seq: self.seq + u32::from(has_syn),
            flags: TcpFlags(self.flags.0 & !control),
            ..self
        }
    }

    /// Whether it says how much of the other side's stream was received.
    #[inline]
    pub(crate) fn acknowledges(&self) -> bool {
        self.flags.0 & (TcpFlags::ACK.0 | TcpFlags::RST.0) == TcpFlags::ACK.0
    }

    /// Whether it neither begins nor ends a stream.
    #[inline]
    fn is_plain(&self) -> bool {
        self.flags.0 & (TcpFlags::SYN.0 | TcpFlags::FIN.0 | TcpFlags::RST.0) == 0
    }
}

/// Whether more is to be expected of a stream.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum StreamState {
    /// It goes on, or has not begun.
    Open,
    /// Everything up to its FIN was handed on or given up.
    Finished,
    /// It was ended from outside, or had to be dropped.
    Stopped,
}

/// What happened to a stream in one call that a caller may want to report.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct StreamNotes(u8);

/// One thing that may have happened.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum StreamNote {
    /// A second copy of bytes differs from the first.
    Conflict,
    /// A hole was given up.
    Gap,
    /// A cap was reached: a hole was given up for that, or the stream dropped.
    Overflow,
    /// A segment came from far outside the window.
    Stray,
    /// The stream is now [`Finished`](StreamState::Finished).
    Finished,
}

impl StreamNotes {
    pub(crate) const NONE: Self = Self(0);
    pub(crate) const CONFLICT: Self = Self::of(StreamNote::Conflict);
    pub(crate) const GAP: Self = Self::of(StreamNote::Gap);
    pub(crate) const OVERFLOW: Self = Self::of(StreamNote::Overflow);
    pub(crate) const STRAY: Self = Self::of(StreamNote::Stray);
    pub(crate) const FINISHED: Self = Self::of(StreamNote::Finished);

    const fn of(note: StreamNote) -> Self {
        Self(1 << note as u8)
    }

    /// Whether this happened.
    #[inline]
    #[must_use]
    pub const fn contains(self, note: StreamNote) -> bool {
        self.0 & Self::of(note).0 != 0
    }

    /// Whether there is nothing to report.
    #[inline]
    pub(crate) const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl From<StreamNote> for StreamNotes {
    fn from(note: StreamNote) -> Self {
        Self::of(note)
    }
}

impl BitOr for StreamNotes {
    type Output = Self;

    #[inline]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for StreamNotes {
    #[inline]
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}
