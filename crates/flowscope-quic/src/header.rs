//! Long headers (RFC 9000, section 17.2; RFC 8999, section 5.1).

use flowscope_core::session::ProbeResult;

use crate::bytes::Cursor;
use crate::google;
use crate::version::{PacketKind, QuicVersion};

/// What all versions have in common at the front of a packet, and the rest of
/// the datagram.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LongHeader<'a> {
    /// The datagram from this packet on.
    pub(crate) datagram: &'a [u8],
    pub(crate) first: u8,
    pub(crate) version: QuicVersion,
    pub(crate) destination: &'a [u8],
    pub(crate) source: &'a [u8],
    /// What is behind both connection IDs.
    pub(crate) rest: &'a [u8],
}

/// An Initial packet that is all there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct InitialPacket<'a> {
    pub(crate) header: LongHeader<'a>,
    pub(crate) token_len: u32,
    /// From its first byte to its last.
    pub(crate) bytes: &'a [u8],
    /// Where the packet number begins.
    pub(crate) number_at: usize,
}

/// What a datagram has next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Packet<'a> {
    Initial(InitialPacket<'a>),
    Retry(LongHeader<'a>),
    VersionNegotiation(LongHeader<'a>),
    /// Early data.
    ZeroRtt,
    /// Encrypted with keys that are not known here.
    Handshake,
    /// A long header of a version that is not read.
    Unknown(LongHeader<'a>),
}

impl<'a> LongHeader<'a> {
    pub(crate) fn parse(datagram: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(datagram);
        let first = cursor.u8()?;
        if first & LONG == 0 {
            return None;
        }
        Some(Self {
            datagram,
            first,
            version: QuicVersion(cursor.u32()?),
            destination: cursor.vec8()?,
            source: cursor.vec8()?,
            rest: cursor.rest(),
        })
    }

    /// Whether both connection IDs are as short as they have to be in the
    /// versions that are read.
    fn has_short_ids(&self) -> bool {
        self.destination.len() <= MAX_ID && self.source.len() <= MAX_ID
    }
}

/// Splits a packet off the front of a datagram; `None` if no long header begins
/// there or the packet is not all there.
pub(crate) fn next_packet<'a>(datagram: &mut &'a [u8]) -> Option<Packet<'a>> {
    let header = LongHeader::parse(datagram)?;
    // These fill their datagram.
    *datagram = &[];
    if header.version == QuicVersion::NEGOTIATION {
        return Some(Packet::VersionNegotiation(header));
    }
    // The fixed bit is not always set: see `FIXED`.
    if !header.version.is_read() || !header.has_short_ids() {
        return Some(Packet::Unknown(header));
    }
    let kind = header.version.kind(header.first);
    let mut cursor = Cursor::new(header.rest);
    let token_len = match kind {
        PacketKind::Retry => return Some(Packet::Retry(header)),
        PacketKind::Initial => cursor.vec()?.len(),
        PacketKind::ZeroRtt | PacketKind::Handshake => 0,
    };
    let len = cursor.varint()?;
    let number_at = header.datagram.len() - cursor.rest().len();
    cursor.take(len)?;
    let (bytes, behind) = header
        .datagram
        .split_at_checked(header.datagram.len() - cursor.rest().len())?;
    *datagram = behind;
    Some(match kind {
        PacketKind::Initial => Packet::Initial(InitialPacket {
            header,
            token_len: u32::try_from(token_len).ok()?,
            bytes,
            number_at,
        }),
        PacketKind::ZeroRtt => Packet::ZeroRtt,
        PacketKind::Handshake | PacketKind::Retry => Packet::Handshake,
    })
}

/// Whether a datagram begins with a packet that may have something to say: the
/// others have short headers, which come when a handshake is over.
#[inline]
pub(crate) fn is_long(datagram: &[u8]) -> bool {
    datagram.first().is_some_and(|first| first & LONG != 0)
}

/// Whether a datagram looks like one that a flow of QUIC may begin with: see
/// [`QuicParser::probe`](crate::QuicParser::probe).
pub(crate) fn probe(payload: &[u8]) -> ProbeResult {
    // Most datagrams are refused here.
    let is_match = match payload {
        [first, 0, 0, 0, 0, ..] if first & LONG != 0 => false,
        [first, ..] if first & LONG != 0 && begins(payload) => true,
        _ => google::begins(payload),
    };
    match is_match {
        true => ProbeResult::Match,
        false => ProbeResult::NoMatch,
    }
}

/// Whether a packet with a long header of a version that is read begins here,
/// and has room for what it needs.
fn begins(payload: &[u8]) -> bool {
    let Some(header) = LongHeader::parse(payload) else {
        return false;
    };
    header.version.is_read()
        && header.first & FIXED != 0
        && header.has_short_ids()
        && header.rest.len() >= MIN_REST
}

/// The header form, which tells a long header.
const LONG: u8 = 0x80;
/// The bit that is set in what a client sends first (RFC 9000, section 17.2). A
/// server that was told that it may need not set it (RFC 9287).
const FIXED: u8 = 0x40;
/// The longest connection ID (RFC 9000, section 17.2).
const MAX_ID: usize = 20;
/// What is behind the connection IDs is a packet number with a sample of what
/// is encrypted, or the tag of a Retry.
const MIN_REST: usize = 16;
