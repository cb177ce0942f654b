//! What a capture says about itself: its sections and the interfaces it was
//! made on.

use std::borrow::Cow;

use flowscope_core::{LinkType, Timestamp};

use crate::link::longest_packet;
use crate::{ByteOrder, Options};

/// An interface that packets were captured on.
///
/// A classic pcap file has one; a section of a pcapng file describes any
/// number.
#[derive(Clone, Debug)]
pub struct Interface {
    /// What its frames begin with.
    pub link: LinkType,
    /// How much of a frame the capture kept, if it was limited.
    pub snap_len: Option<u32>,
    /// The unit of its packet times.
    pub resolution: Resolution,
    /// Seconds to add to its packet times.
    pub offset_seconds: i64,
    /// The most bytes a packet of it can have.
    pub(crate) longest: u32,
    clock: Clock,
    order: ByteOrder,
    options: Box<[u8]>,
}

impl Interface {
    pub(crate) fn new(link: LinkType, snap_len: u32, resolution: Resolution) -> Self {
        Self {
            link,
            snap_len: Some(snap_len).filter(|&len| len != 0),
            resolution,
            offset_seconds: 0,
            longest: longest_packet(link),
            clock: Clock::new(resolution, 0),
            order: ByteOrder::Little,
            options: Box::default(),
        }
    }

    /// An interface that a pcapng block describes.
    pub(crate) fn described(link: LinkType, snap_len: u32, order: ByteOrder, bytes: &[u8]) -> Self {
        let options = Options::new(order, bytes);
        let resolution = match options.value(IF_TSRESOL) {
            Some(&[byte, ..]) => Resolution::from_byte(byte),
            _ => Resolution::MICROSECONDS,
        };
        let offset_seconds = match options.value(IF_TSOFFSET).map(<[u8; 8]>::try_from) {
            Some(Ok(bytes)) => match order {
                ByteOrder::Little => i64::from_le_bytes(bytes),
                ByteOrder::Big => i64::from_be_bytes(bytes),
            },
            _ => 0,
        };
        Self {
            offset_seconds,
            clock: Clock::new(resolution, offset_seconds),
            order,
            options: bytes.into(),
            ..Self::new(link, snap_len, resolution)
        }
    }

    /// Its name on the capturing host, such as `eth0`.
    #[must_use]
    pub fn name(&self) -> Option<Cow<'_, str>> {
        self.options().text(IF_NAME)
    }

    /// A description of it.
    #[must_use]
    pub fn description(&self) -> Option<Cow<'_, str>> {
        self.options().text(IF_DESCRIPTION)
    }

    /// Everything else that was written about it.
    #[must_use]
    pub fn options(&self) -> Options<'_> {
        Options::new(self.order, &self.options)
    }

    /// The moment that a count of its time units means.
    #[inline]
    pub(crate) fn moment(&self, ticks: u64) -> Timestamp {
        self.clock.moment(ticks)
    }
}

/// A section of a pcapng file: packets and interfaces written by one program
/// in one go.
#[derive(Clone, Debug)]
pub struct Section {
    /// The byte order of its numbers.
    pub order: ByteOrder,
    options: Box<[u8]>,
}

impl Section {
    pub(crate) fn new(order: ByteOrder, options: &[u8]) -> Self {
        Self {
            order,
            options: options.into(),
        }
    }

    /// The hardware it was captured on.
    #[must_use]
    pub fn hardware(&self) -> Option<Cow<'_, str>> {
        self.options().text(SHB_HARDWARE)
    }

    /// The operating system it was captured on.
    #[must_use]
    pub fn system(&self) -> Option<Cow<'_, str>> {
        self.options().text(SHB_OS)
    }

    /// The program that wrote it.
    #[must_use]
    pub fn application(&self) -> Option<Cow<'_, str>> {
        self.options().text(SHB_USERAPPL)
    }

    /// Everything that was written about it, comments among them.
    #[must_use]
    pub fn options(&self) -> Options<'_> {
        Options::new(self.order, &self.options)
    }
}

/// The unit in which an interface counts time, as `if_tsresol` writes it.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Resolution {
    /// Ten to the minus this many seconds, at most 127.
    Decimal(u8),
    /// Two to the minus this many seconds, at most 127.
    Binary(u8),
}

impl Resolution {
    /// Millionths of a second, the unit where a file names none.
    pub const MICROSECONDS: Self = Self::Decimal(6);
    /// Nanoseconds, the unit of [`Timestamp`].
    pub const NANOSECONDS: Self = Self::Decimal(9);

    pub(crate) fn from_byte(byte: u8) -> Self {
        if byte & 0x80 == 0 {
            Self::Decimal(byte)
        } else {
            Self::Binary(byte & 0x7f)
        }
    }

    pub(crate) fn to_byte(self) -> u8 {
        match self {
            Self::Decimal(digits) => digits & 0x7f,
            Self::Binary(digits) => digits | 0x80,
        }
    }

    /// How many of this unit fit in `nanos` nanoseconds, at most `u64::MAX`.
    pub(crate) fn ticks_in(self, nanos: u64) -> u64 {
        match Rate::of(self) {
            Rate::Longer(factor) => nanos / factor,
            Rate::Shorter(factor) => nanos.saturating_mul(factor),
            Rate::Binary(digits) => {
                let seconds = u128::from(nanos / NANOS_PER_SECOND);
                let nanos = u128::from(nanos % NANOS_PER_SECOND);
                let per_second = 1_u128 << digits;
                let part = nanos.saturating_mul(per_second) / u128::from(NANOS_PER_SECOND);
                let ticks = seconds.saturating_mul(per_second).saturating_add(part);
                u64::try_from(ticks).unwrap_or(u64::MAX)
            }
        }
    }
}

/// Turns counts of an interface's time unit into moments.
#[derive(Clone, Copy, Debug)]
struct Clock {
    rate: Rate,
    offset_seconds: i64,
}

impl Clock {
    fn new(resolution: Resolution, offset_seconds: i64) -> Self {
        Self {
            rate: Rate::of(resolution),
            offset_seconds,
        }
    }

    #[inline]
    fn moment(self, ticks: u64) -> Timestamp {
        match self {
            Self {
                rate: Rate::Longer(factor),
                offset_seconds: 0,
            } => Timestamp::from_nanos(ticks.saturating_mul(factor)),
            _ => self.unusual_moment(ticks),
        }
    }

    #[cold]
    fn unusual_moment(self, ticks: u64) -> Timestamp {
        // None of these can leave the range of an i128: ticks and factors
        // multiply to less than 2^94, the offset to less than 2^93.
        let nanos = match self.rate {
            Rate::Longer(factor) => u128::from(ticks) * u128::from(factor),
            Rate::Shorter(factor) => u128::from(ticks / factor),
            Rate::Binary(digits) => (u128::from(ticks) * u128::from(NANOS_PER_SECOND)) >> digits,
        };
        let offset = i128::from(self.offset_seconds) * i128::from(NANOS_PER_SECOND);
        let nanos = nanos.cast_signed() + offset;
        Timestamp::from_nanos(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX))
    }
}

/// How a time unit compares with a nanosecond.
#[derive(Clone, Copy, Debug)]
enum Rate {
    /// A unit is this many nanoseconds.
    Longer(u64),
    /// A nanosecond is this many units.
    Shorter(u64),
    /// A second is two to the power of this many units.
    Binary(u8),
}

impl Rate {
    fn of(resolution: Resolution) -> Self {
        match resolution {
            Resolution::Decimal(digits @ 0..=9) => Self::Longer(10_u64.pow(u32::from(9 - digits))),
            // Beyond 10^-28 no count makes a nanosecond, nor does it with
            // this factor but for one.
            Resolution::Decimal(digits) => Self::Shorter(
                10_u64
                    .checked_pow(u32::from(digits - 9))
                    .unwrap_or(u64::MAX),
            ),
            Resolution::Binary(digits) => Self::Binary(digits & 0x7f),
        }
    }
}

const NANOS_PER_SECOND: u64 = 1_000_000_000;

pub(crate) const SHB_HARDWARE: u16 = 2;
pub(crate) const SHB_OS: u16 = 3;
pub(crate) const SHB_USERAPPL: u16 = 4;
pub(crate) const IF_NAME: u16 = 2;
pub(crate) const IF_DESCRIPTION: u16 = 3;
pub(crate) const IF_TSRESOL: u16 = 9;
pub(crate) const IF_TSOFFSET: u16 = 14;
