//! What headers, descriptions and options say: the one place that names
//! `pcap-parser`.
//!
//! Packets do not pass through here. `pcap-parser` collects the options of
//! each block it parses in a vector, which is right for the few blocks that
//! describe a capture and too slow for the many that are the capture.
//!
//! Two things it is not asked for: the time resolution, of which it refuses
//! the powers of two, and the time offset, which it reads in one byte order.

use std::borrow::Cow;

use pcap_parser::pcapng::{
    parse_interfacedescriptionblock_be, parse_interfacedescriptionblock_le, parse_option_be,
    parse_option_le, parse_sectionheaderblock,
};
use pcap_parser::{PcapError as Refusal, PcapNGOption, nom, parse_pcap_header};

use crate::ByteOrder;

/// The header of a classic pcap file, after its magic number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FileHeader {
    pub(crate) major: u16,
    pub(crate) minor: u16,
    pub(crate) snap_len: u32,
    pub(crate) network: u32,
}

/// Reads a file header in `order`, whatever variant its magic number names.
pub(crate) fn file_header(order: ByteOrder, bytes: &[u8; 24]) -> FileHeader {
    // The parser knows some of the variants only; all have the same header.
    let mut standard = *bytes;
    standard[..4].copy_from_slice(&order.bytes_of_u32(0xa1b2_c3d4));
    let (_, header) =
        parse_pcap_header(&standard).expect("24 bytes behind the standard magic number are one");
    FileHeader {
        major: header.version_major,
        minor: header.version_minor,
        snap_len: header.snaplen,
        network: header.network.0.cast_unsigned(),
    }
}

/// The fixed part of a section header block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SectionHeader {
    pub(crate) major: u16,
    pub(crate) minor: u16,
}

/// Reads a section header from its whole block.
///
/// The caller checked type, lengths and byte order magic.
pub(crate) fn section_header(order: ByteOrder, block: &[u8]) -> Option<SectionHeader> {
    let block = with_padded_length(order, block);
    let (_, header) = parse_sectionheaderblock(&block).ok()?;
    Some(SectionHeader {
        major: header.major_version,
        minor: header.minor_version,
    })
}

/// The fixed part of an interface description block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InterfaceDescription {
    pub(crate) link: u16,
    pub(crate) snap_len: u32,
}

/// Reads an interface description from its whole block.
///
/// The caller checked type and lengths.
pub(crate) fn interface_description(
    order: ByteOrder,
    block: &[u8],
) -> Option<InterfaceDescription> {
    let block = with_padded_length(order, block);
    let (_, description) = match order {
        ByteOrder::Little => parse_interfacedescriptionblock_le(&block),
        ByteOrder::Big => parse_interfacedescriptionblock_be(&block),
    }
    .ok()?;
    Some(InterfaceDescription {
        link: u16::try_from(description.linktype.0).ok()?,
        snap_len: description.snaplen,
    })
}

/// Takes one option off the front: its code, its value, and what follows.
pub(crate) fn split_option(order: ByteOrder, bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    type Refused<'a> = nom::Err<Refusal<&'a [u8]>>;
    let parsed: Result<(&[u8], PcapNGOption<'_>), Refused<'_>> = match order {
        ByteOrder::Little => parse_option_le(bytes),
        ByteOrder::Big => parse_option_be(bytes),
    };
    let (rest, option) = parsed.ok()?;
    let Cow::Borrowed(padded) = option.value else {
        return None;
    };
    Some((option.code.0, padded.get(..option.len.into())?, rest))
}

/// The block with both its lengths rounded up to a multiple of four.
///
/// Some writers leave the padding out of the length; the parser does not
/// expect that.
fn with_padded_length(order: ByteOrder, block: &[u8]) -> Cow<'_, [u8]> {
    let len = u32::try_from(block.len()).expect("a block's length is a 32-bit number");
    let length = order.bytes_of_u32(len);
    if block[4..8] == length && block.ends_with(&length) {
        return Cow::Borrowed(block);
    }
    let mut padded = block.to_vec();
    let end = padded.len() - length.len();
    padded[4..8].copy_from_slice(&length);
    padded[end..].copy_from_slice(&length);
    Cow::Owned(padded)
}
