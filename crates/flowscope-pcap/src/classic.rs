//! Classic pcap: a file header, then records, and the dialects of both.
//!
//! Besides micro- and nanoseconds in both byte orders this reads what older
//! programs wrote: lengths in the order of before version 2.3, the longer
//! record headers of Alexey Kuznetzov's patches and of Nokia, AIX link types,
//! Ixia's longer file header.

use std::io::Read;

use flowscope_core::{LinkType, Timestamp};

use crate::buffer::{Buffer, Consumed};
use crate::reader::{FileHeader, file_header};
use crate::source::Record;
use crate::{ByteOrder, Interface, PcapError, Resolution, link};

/// The records of a classic pcap file.
#[derive(Debug)]
pub(crate) struct Classic {
    pub(crate) interface: Interface,
    order: ByteOrder,
    lengths: Lengths,
    nanos_per_unit: u64,
    /// Bytes of a record's header.
    header_len: usize,
    /// The record header's length is yet to be found out among these.
    candidates: &'static [usize],
}

/// The order of the two lengths in a record header.
#[derive(Clone, Copy, Debug)]
enum Lengths {
    CapturedThenOriginal,
    OriginalThenCaptured,
    /// Version 2.3: the captured length is the smaller one.
    SmallerIsCaptured,
}

impl Classic {
    /// Reads the file header, if `magic` is of a classic pcap.
    pub(crate) fn open<R: Read>(
        magic: [u8; 4],
        buffer: &mut Buffer<R>,
    ) -> Result<Option<Self>, PcapError> {
        let Some((order, dialect)) = Dialect::of(magic) else {
            return Ok(None);
        };
        buffer.require(FILE_HEADER_LEN + dialect.extra)?;
        let header = buffer
            .unread()
            .first_chunk()
            .expect("a file header is there");
        let header = file_header(order, header);
        if header.major < 2 {
            return Err(PcapError::Version {
                offset: 0,
                major: header.major,
                minor: header.minor,
            });
        }
        buffer.consume(FILE_HEADER_LEN + dialect.extra);
        Ok(Some(Self::new(order, dialect, header)))
    }

    fn new(order: ByteOrder, dialect: Dialect, header: FileHeader) -> Self {
        let lengths = match (header.major, header.minor) {
            (2, 0..3) | (543, _) => Lengths::OriginalThenCaptured,
            (2, 3) => Lengths::SmallerIsCaptured,
            _ => Lengths::CapturedThenOriginal,
        };
        // The dialects that cannot be told by their magic number call
        // themselves 2.4.
        let candidates = match lengths {
            Lengths::CapturedThenOriginal => dialect.header_lens,
            Lengths::OriginalThenCaptured | Lengths::SmallerIsCaptured => &dialect.header_lens[..1],
        };
        let aix_link = match (header.major, header.minor) {
            (2, 2) => aix_link(header.network),
            _ => None,
        };
        let resolution = match aix_link {
            Some(_) => Resolution::NANOSECONDS,
            None => dialect.resolution,
        };
        let link = aix_link.unwrap_or_else(|| link::from_network_field(header.network));
        Self {
            interface: Interface::new(link, header.snap_len, resolution),
            order,
            lengths,
            nanos_per_unit: match resolution {
                Resolution::NANOSECONDS => 1,
                _ => 1_000,
            },
            header_len: candidates[0],
            candidates,
        }
    }

    /// The next record, or `None` at the end.
    #[inline]
    pub(crate) fn next<R: Read>(
        &mut self,
        buffer: &mut Buffer<R>,
    ) -> Result<Option<Record>, PcapError> {
        match self.next_at_hand(buffer) {
            Some(record) => Ok(Some(record)),
            None => self.next_to_come(buffer),
        }
    }

    /// The next record, if it lies whole in the buffer and is sound.
    #[inline]
    fn next_at_hand<R: Read>(&self, buffer: &mut Buffer<R>) -> Option<Record> {
        if self.candidates.len() > 1 {
            return None;
        }
        let record = self.first_of(buffer.unread(), buffer.start())?;
        buffer.consume_until(record.block.end);
        Some(record)
    }

    /// Fills `records` from the front with what lies whole in the buffer and is
    /// sound, and says how many there were.
    #[inline]
    pub(crate) fn take_at_hand<R: Read>(
        &self,
        buffer: &mut Buffer<R>,
        records: &mut [Record],
    ) -> usize {
        if self.candidates.len() > 1 {
            return 0;
        }
        let (mut unread, mut at) = (buffer.unread(), buffer.start());
        let mut taken = 0;
        for place in records {
            let Some(record) = self.first_of(unread, at) else {
                break;
            };
            let end = record.block.end as usize;
            unread = &unread[end - at..];
            at = end;
            *place = record;
            taken += 1;
        }
        buffer.consume_until(at as u32);
        taken
    }

    /// The record that `bytes` begin with, if it lies whole in them and is
    /// sound; they begin at byte `at` of the buffer.
    #[inline]
    fn first_of(&self, bytes: &[u8], at: usize) -> Option<Record> {
        let header = self.record_header(bytes.first_chunk()?);
        let len = self.header_len + header.captured as usize;
        let is_sound = header.captured <= self.interface.longest;
        (len <= bytes.len() && is_sound).then(|| self.record(&header, at))
    }

    /// The next record, once the input has given all of it.
    #[cold]
    fn next_to_come<R: Read>(
        &mut self,
        buffer: &mut Buffer<R>,
    ) -> Result<Option<Record>, PcapError> {
        if self.candidates.len() > 1 {
            self.find_header_len(buffer);
        }
        if !buffer.holds(self.header_len)? {
            return match buffer.unread() {
                [] => Ok(None),
                _ => Err(buffer.truncated(self.header_len as u64)),
            };
        }
        let Some(header) = buffer.unread().first_chunk() else {
            return Err(buffer.truncated(self.header_len as u64));
        };
        let header = self.record_header(header);
        if header.captured > self.interface.longest {
            return Err(PcapError::RecordLength {
                offset: buffer.offset(),
                claimed: header.captured,
                limit: self.interface.longest,
            });
        }
        let len = self.header_len + header.captured as usize;
        buffer.require(len)?;
        let record = self.record(&header, buffer.start());
        buffer.consume_until(record.block.end);
        Ok(Some(record))
    }

    /// A record that begins at byte `start` of the buffer.
    #[inline]
    fn record(&self, header: &RecordHeader, start: usize) -> Record {
        let frame = start + self.header_len;
        let block = Consumed {
            // The buffer is far smaller than 4 GiB.
            start: start as u32,
            end: (frame + header.captured as usize) as u32,
        };
        Record {
            frame: Consumed {
                start: frame as u32,
                end: block.end,
            },
            block,
            link: self.interface.link,
            // At most 2^32 seconds and 2^32 microseconds: it cannot overflow,
            // and a second's worth of microseconds carries.
            timestamp: Timestamp::from_nanos(
                u64::from(header.seconds) * 1_000_000_000
                    + u64::from(header.fraction) * self.nanos_per_unit,
            ),
            wire_len: header.original.max(header.captured),
        }
    }

    /// What a record begins with.
    #[inline]
    fn record_header(&self, header: &[u8; COMMON_LEN]) -> RecordHeader {
        let [seconds, fraction, first, second] = self.order.u32s(header);
        let (captured, original) = match self.lengths {
            Lengths::CapturedThenOriginal => (first, second),
            Lengths::OriginalThenCaptured => (second, first),
            Lengths::SmallerIsCaptured => (first.min(second), first.max(second)),
        };
        RecordHeader {
            seconds,
            fraction,
            captured,
            original,
        }
    }

    /// Finds out how long a record header is, where the magic number leaves
    /// it open, by the headers of the first two records.
    ///
    /// The first candidate it is, unless those make no sense with it and do
    /// with another.
    #[cold]
    fn find_header_len<R: Read>(&mut self, buffer: &mut Buffer<R>) {
        let candidates = core::mem::take(&mut self.candidates);
        for &header_len in candidates {
            match self.try_header_len(header_len, buffer) {
                Fit::Senseless => {}
                Fit::Unproven if header_len != candidates[0] => {}
                Fit::Unproven | Fit::Proven => {
                    self.header_len = header_len;
                    return;
                }
            }
        }
    }

    fn try_header_len<R: Read>(&self, header_len: usize, buffer: &mut Buffer<R>) -> Fit {
        let mut at = 0;
        for _ in 0..2 {
            if at > FARTHEST_LOOK || !buffer.foresees(at + header_len) {
                return Fit::Unproven;
            }
            let Some(header) = buffer
                .unread()
                .get(at..)
                .and_then(|rest| rest.first_chunk())
            else {
                return Fit::Unproven;
            };
            let header = self.record_header(header);
            if !self.makes_sense(&header) {
                return Fit::Senseless;
            }
            // Zeros make sense at any distance.
            if header.captured == 0 {
                return Fit::Unproven;
            }
            at += header_len + header.captured as usize;
        }
        Fit::Proven
    }

    fn makes_sense(&self, header: &RecordHeader) -> bool {
        header.fraction < 1_000_000
            && header.captured <= self.interface.longest
            && header.captured <= self.interface.snap_len.unwrap_or(u32::MAX)
            && header.captured <= header.original
            && header.original <= 128 << 20
    }
}

/// The fields that the records of all dialects begin with.
struct RecordHeader {
    seconds: u32,
    fraction: u32,
    captured: u32,
    original: u32,
}

/// What the first records say about a length of record headers.
enum Fit {
    Senseless,
    /// Nothing against it, but too few records to be sure.
    Unproven,
    Proven,
}

/// What a magic number says about the rest of the file.
#[derive(Clone, Copy)]
struct Dialect {
    resolution: Resolution,
    /// Lengths that a record header may have, likeliest first.
    header_lens: &'static [usize],
    /// Bytes after the file header.
    extra: usize,
}

impl Dialect {
    fn of(magic: [u8; 4]) -> Option<(ByteOrder, Self)> {
        [ByteOrder::Little, ByteOrder::Big]
            .into_iter()
            .find_map(|order| Some((order, Self::by_number(order.u32(&magic, 0))?)))
    }

    fn by_number(magic: u32) -> Option<Self> {
        let standard = Self {
            resolution: Resolution::MICROSECONDS,
            header_lens: &[COMMON_LEN],
            extra: 0,
        };
        Some(match magic {
            // Kuznetzov's first patch and Nokia kept the number and changed
            // the records.
            0xa1b2_c3d4 => Self {
                header_lens: &[COMMON_LEN, KUZNETZOV_LEN, NOKIA_LEN],
                ..standard
            },
            0xa1b2_3c4d => Self {
                resolution: Resolution::NANOSECONDS,
                ..standard
            },
            // Kuznetzov's later patches: SuSE's has more in it.
            0xa1b2_cd34 => Self {
                header_lens: &[KUZNETZOV_LEN, SUSE_LEN],
                ..standard
            },
            // Ixia's software and hardware captures.
            0x1c00_01ab => Self {
                extra: 4,
                ..standard
            },
            0x1c00_01ac => Self {
                resolution: Resolution::NANOSECONDS,
                extra: 4,
                ..standard
            },
            _ => return None,
        })
    }
}

/// AIX calls itself version 2.2, counts nanoseconds, and names interface types
/// of RFC 1573 for link types.
fn aix_link(network: u32) -> Option<LinkType> {
    match network {
        6 => Some(LinkType::ETHERNET),
        9 => Some(TOKEN_RING),
        15 => Some(FDDI),
        24 => Some(LinkType::NULL),
        _ => None,
    }
}

/// Networks that nobody captures any more.
const TOKEN_RING: LinkType = LinkType(6);
const FDDI: LinkType = LinkType(10);

const FILE_HEADER_LEN: usize = 24;
/// Two words of time, two of length.
const COMMON_LEN: usize = 16;
const NOKIA_LEN: usize = 20;
const KUZNETZOV_LEN: usize = 24;
const SUSE_LEN: usize = 28;
/// How far to look ahead for the second record.
const FARTHEST_LOOK: usize = 512 << 10;
