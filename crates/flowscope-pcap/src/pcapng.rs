//! pcapng: a file of blocks, most of them packets.
//!
//! Packet blocks are read here, field by field; section headers and interface
//! descriptions go through [`reader`](crate::reader). All other blocks are passed over
//! without being held.
//!
//! What every packet passes through is inlined by force: left to the compiler
//! it costs a packet 15 ns instead of 8.

use std::io::Read;

use flowscope_core::Timestamp;

use crate::buffer::{Buffer, Consumed};
use crate::reader::{interface_description, section_header};
use crate::source::Record;
use crate::{ByteOrder, Interface, Options, PcapError, Section, link};

/// The blocks of a pcapng file.
#[derive(Debug)]
pub(crate) struct Pcapng {
    pub(crate) section: Section,
    /// The interfaces that this section described up to now.
    pub(crate) interfaces: Vec<Interface>,
    /// Bytes that their descriptions take.
    described_len: usize,
    /// The bodies of blocks of secrets that nobody took yet, where they are
    /// kept.
    pub(crate) secrets: Option<Vec<Box<[u8]>>>,
}

impl Pcapng {
    /// Reads the first section header, if `magic` begins one.
    pub(crate) fn open<R: Read>(
        magic: [u8; 4],
        buffer: &mut Buffer<R>,
    ) -> Result<Option<Self>, PcapError> {
        if u32::from_le_bytes(magic) != SECTION_HEADER {
            return Ok(None);
        }
        Ok(Some(Self {
            section: read_section(buffer)?,
            interfaces: Vec::new(),
            described_len: 0,
            secrets: None,
        }))
    }

    /// The next packet, or `None` at the end.
    #[inline]
    pub(crate) fn next<R: Read>(
        &mut self,
        buffer: &mut Buffer<R>,
    ) -> Result<Option<Record>, PcapError> {
        loop {
            if !buffer.holds(MIN_BLOCK_LEN)? {
                return match buffer.unread() {
                    [] => Ok(None),
                    _ => Err(buffer.truncated(MIN_BLOCK_LEN as u64)),
                };
            }
            let head: &[u8; MIN_BLOCK_LEN] =
                buffer.unread().first_chunk().expect("the head is there");
            let order = self.section.order;
            let len = order.u32(head, 4);
            match order.u32(head, 0) {
                ENHANCED_PACKET => return self.packet(buffer, order.u32(head, 8), len).map(Some),
                OBSOLETE_PACKET => {
                    let interface = order.u16(head, 8).into();
                    return self.packet(buffer, interface, len).map(Some);
                }
                SIMPLE_PACKET => return self.simple_packet(buffer, len).map(Some),
                SECTION_HEADER => {
                    self.section = read_section(buffer)?;
                    self.interfaces.clear();
                    self.described_len = 0;
                }
                INTERFACE_DESCRIPTION => self.describe_interface(buffer, len)?,
                DECRYPTION_SECRETS if self.secrets.is_some() && len <= LONGEST_DESCRIPTION => {
                    self.keep_secrets(buffer, len)?;
                }
                _ => pass_over(buffer, order, len)?,
            }
        }
    }

    /// Whether a packet block comes next and can be had without waiting for
    /// the input.
    #[inline]
    pub(crate) fn is_at_hand<R: Read>(&self, buffer: &Buffer<R>) -> bool {
        let unread = buffer.unread();
        let Some(head) = unread.first_chunk::<MIN_BLOCK_LEN>() else {
            return false;
        };
        let order = self.section.order;
        let is_packet = matches!(
            order.u32(head, 0),
            ENHANCED_PACKET | OBSOLETE_PACKET | SIMPLE_PACKET
        );
        is_packet && padded(order.u32(head, 4)) <= unread.len() as u64
    }

    /// An enhanced packet block, or the obsolete packet block, which differs
    /// in the width of its interface field only.
    #[inline(always)]
    fn packet<R: Read>(
        &self,
        buffer: &mut Buffer<R>,
        interface: u32,
        len: u32,
    ) -> Result<Record, PcapError> {
        check_least(buffer, len, PACKET_HEADER_LEN + TRAILER_LEN)?;
        buffer.require(PACKET_HEADER_LEN)?;
        let header: &[u8; PACKET_HEADER_LEN] =
            buffer.unread().first_chunk().expect("the header is there");
        let order = self.section.order;
        let ticks = u64::from(order.u32(header, 12)) << 32 | u64::from(order.u32(header, 16));
        let captured = order.u32(header, 20);
        let original = order.u32(header, 24);
        let interface = self.interface(buffer, interface)?;
        let (block, frame) = self.frame(buffer, len, PACKET_HEADER_LEN, captured, interface)?;
        Ok(Record {
            block,
            frame,
            link: interface.link,
            timestamp: interface.moment(ticks),
            wire_len: original.max(captured),
        })
    }

    /// A simple packet block: no time, and the first interface.
    fn simple_packet<R: Read>(
        &self,
        buffer: &mut Buffer<R>,
        len: u32,
    ) -> Result<Record, PcapError> {
        check_least(buffer, len, SIMPLE_HEADER_LEN + TRAILER_LEN)?;
        buffer.require(SIMPLE_HEADER_LEN)?;
        let header: &[u8; SIMPLE_HEADER_LEN] =
            buffer.unread().first_chunk().expect("the header is there");
        let original = self.section.order.u32(header, 8);
        let interface = self.interface(buffer, 0)?;
        let captured = original.min(interface.snap_len.unwrap_or(u32::MAX));
        let (block, frame) = self.frame(buffer, len, SIMPLE_HEADER_LEN, captured, interface)?;
        Ok(Record {
            block,
            frame,
            link: interface.link,
            timestamp: Timestamp::EPOCH,
            wire_len: original,
        })
    }

    /// Consumes a packet's block, of which the header was read, and says where
    /// the block and the captured bytes in it are.
    #[inline(always)]
    fn frame<R: Read>(
        &self,
        buffer: &mut Buffer<R>,
        len: u32,
        header_len: usize,
        captured: u32,
        interface: &Interface,
    ) -> Result<(Consumed, Consumed), PcapError> {
        let offset = buffer.offset();
        let room = padded(len) - (header_len + TRAILER_LEN) as u64;
        if u64::from(captured) > room {
            return Err(PcapError::Overrun {
                offset,
                claimed: captured,
                // At most 3 bytes above a 32-bit length, less a header.
                room: room as u32,
            });
        }
        if captured > interface.longest {
            return Err(PcapError::RecordLength {
                offset,
                claimed: captured,
                limit: interface.longest,
            });
        }
        let block = take_block(buffer, self.section.order, len, captured + LONGEST_OPTIONS)?;
        let start = block.start + header_len as u32;
        let end = start + captured;
        Ok((block, Consumed { start, end }))
    }

    #[inline(always)]
    fn interface<R: Read>(
        &self,
        buffer: &Buffer<R>,
        interface: u32,
    ) -> Result<&Interface, PcapError> {
        self.interfaces
            .get(interface as usize)
            .ok_or_else(|| PcapError::UnknownInterface {
                offset: buffer.offset(),
                interface,
            })
    }

    #[cold]
    fn keep_secrets<R: Read>(&mut self, buffer: &mut Buffer<R>, len: u32) -> Result<(), PcapError> {
        check_least(buffer, len, MIN_BLOCK_LEN)?;
        let block = take_block(buffer, self.section.order, len, LONGEST_DESCRIPTION)?;
        let block = buffer.consumed(block);
        let body = block.get(8..block.len().saturating_sub(TRAILER_LEN));
        let secrets = self.secrets.get_or_insert_default();
        let held: usize = secrets.iter().map(|body| body.len()).sum();
        if let Some(body) = body
            && held + body.len() <= MOST_SECRETS
        {
            secrets.push(body.into());
        }
        Ok(())
    }

    fn describe_interface<R: Read>(
        &mut self,
        buffer: &mut Buffer<R>,
        len: u32,
    ) -> Result<(), PcapError> {
        let offset = buffer.offset();
        check_least(buffer, len, INTERFACE_HEADER_LEN + TRAILER_LEN)?;
        let order = self.section.order;
        let block = take_block(buffer, order, len, LONGEST_DESCRIPTION)?;
        let block = buffer.consumed(block);
        self.described_len += size_of::<Interface>() + block.len();
        if self.described_len > MOST_DESCRIBED {
            return Err(PcapError::TooManyInterfaces {
                offset,
                limit: MOST_DESCRIBED,
            });
        }
        let description =
            interface_description(order, block).ok_or(PcapError::Malformed { offset })?;
        let options = &block[INTERFACE_HEADER_LEN..block.len() - TRAILER_LEN];
        self.interfaces.push(Interface::described(
            link::from_number(description.link),
            description.snap_len,
            order,
            options,
        ));
        Ok(())
    }
}

/// The options of a packet's block, and the interface it names.
pub(crate) fn packet_details(order: ByteOrder, block: &[u8]) -> (Options<'_>, usize) {
    let (Some(header), Some((block, _))) = (
        block.first_chunk::<PACKET_HEADER_LEN>(),
        block.split_last_chunk::<TRAILER_LEN>(),
    ) else {
        return (Options::default(), 0);
    };
    let interface = match order.u32(header, 0) {
        ENHANCED_PACKET => order.u32(header, 8) as usize,
        OBSOLETE_PACKET => order.u16(header, 8).into(),
        // A simple packet has no options and is of the first interface.
        _ => return (Options::default(), 0),
    };
    let captured = padded(order.u32(header, 20)) as usize;
    let options = block.get(PACKET_HEADER_LEN + captured..).unwrap_or(&[]);
    (Options::new(order, options), interface)
}

/// Reads the section header that the next block must be.
fn read_section<R: Read>(buffer: &mut Buffer<R>) -> Result<Section, PcapError> {
    buffer.require(MIN_BLOCK_LEN)?;
    let head: &[u8; MIN_BLOCK_LEN] = buffer.unread().first_chunk().expect("the head is there");
    // A section header reads the same in both byte orders but for this.
    let magic = [head[8], head[9], head[10], head[11]];
    let offset = buffer.offset();
    let order = match u32::from_le_bytes(magic) {
        BYTE_ORDER_MAGIC => ByteOrder::Little,
        swapped if swapped == BYTE_ORDER_MAGIC.swap_bytes() => ByteOrder::Big,
        _ => return Err(PcapError::ByteOrderMagic { offset, magic }),
    };
    let len = order.u32(head, 4);
    check_least(buffer, len, SECTION_HEADER_LEN + TRAILER_LEN)?;
    let block = take_block(buffer, order, len, LONGEST_DESCRIPTION)?;
    let block = buffer.consumed(block);
    let header = section_header(order, block).ok_or(PcapError::Malformed { offset })?;
    if header.major != 1 {
        return Err(PcapError::Version {
            offset,
            major: header.major,
            minor: header.minor,
        });
    }
    let options = &block[SECTION_HEADER_LEN..block.len() - TRAILER_LEN];
    Ok(Section::new(order, options))
}

/// Consumes a whole block, once both its lengths are found to agree.
///
/// `most` is what the block may have beyond the least of its kind.
#[inline(always)]
fn take_block<R: Read>(
    buffer: &mut Buffer<R>,
    order: ByteOrder,
    len: u32,
    most: u32,
) -> Result<Consumed, PcapError> {
    if len > most {
        return Err(PcapError::BlockLength {
            offset: buffer.offset(),
            claimed: len,
            limit: most,
        });
    }
    // Below `most`, so it fits.
    let whole = padded(len) as usize;
    buffer.require(whole)?;
    let trailer = buffer.unread()[whole - TRAILER_LEN..]
        .first_chunk()
        .expect("the block is there with its trailer");
    check_trailer(buffer.offset(), order, len, trailer)?;
    Ok(buffer.consume(whole))
}

/// Passes over a block of no interest, however long it is.
#[cold]
fn pass_over<R: Read>(buffer: &mut Buffer<R>, order: ByteOrder, len: u32) -> Result<(), PcapError> {
    check_least(buffer, len, MIN_BLOCK_LEN)?;
    let offset = buffer.offset();
    let whole = padded(len);
    let skipped = buffer.skip(whole - TRAILER_LEN as u64)?;
    if !buffer.holds(TRAILER_LEN)? {
        return Err(PcapError::Truncated {
            offset,
            needed: whole,
            found: skipped + buffer.unread().len() as u64,
        });
    }
    let trailer = buffer.unread().first_chunk().expect("the trailer is there");
    check_trailer(offset, order, len, trailer)?;
    buffer.consume(TRAILER_LEN);
    Ok(())
}

#[inline]
fn check_least<R: Read>(buffer: &Buffer<R>, len: u32, least: usize) -> Result<(), PcapError> {
    if (len as usize) < least {
        return Err(PcapError::BlockLength {
            offset: buffer.offset(),
            claimed: len,
            // The longest header has 32 bytes.
            limit: least as u32,
        });
    }
    Ok(())
}

#[inline]
fn check_trailer(
    offset: u64,
    order: ByteOrder,
    leading: u32,
    trailer: &[u8; TRAILER_LEN],
) -> Result<(), PcapError> {
    let trailing = order.u32(trailer, 0);
    if trailing == leading || u64::from(trailing) == padded(leading) {
        Ok(())
    } else {
        Err(PcapError::BlockTrailer {
            offset,
            leading,
            trailing,
        })
    }
}

/// A block's length with its padding, which some writers leave out.
#[inline]
fn padded(len: u32) -> u64 {
    u64::from(len).next_multiple_of(4)
}

pub(crate) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
pub(crate) const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;
const DECRYPTION_SECRETS: u32 = 10;
/// How many bytes of secrets wait to be taken.
const MOST_SECRETS: usize = 16 << 20;
pub(crate) const INTERFACE_DESCRIPTION: u32 = 1;
pub(crate) const OBSOLETE_PACKET: u32 = 2;
pub(crate) const SIMPLE_PACKET: u32 = 3;
pub(crate) const ENHANCED_PACKET: u32 = 6;

/// Type, length and trailer: a block without a body.
const MIN_BLOCK_LEN: usize = 12;
const TRAILER_LEN: usize = 4;
const SECTION_HEADER_LEN: usize = 24;
const INTERFACE_HEADER_LEN: usize = 16;
const PACKET_HEADER_LEN: usize = 28;
const SIMPLE_HEADER_LEN: usize = 12;

/// A packet may have this much in its block beside what was captured.
const LONGEST_OPTIONS: u32 = 16 << 20;
/// A section header or an interface description may have this much in all.
const LONGEST_DESCRIPTION: u32 = 1 << 20;
/// All interfaces of a section may take this much memory.
const MOST_DESCRIBED: usize = 16 << 20;
