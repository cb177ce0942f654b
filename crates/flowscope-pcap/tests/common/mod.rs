//! What the tests share: captures read whole, and bytes put together by hand.
#![allow(dead_code, reason = "each test binary uses its part of it")]

use std::io::{self, Read, Write};

use flowscope_core::{LinkType, PacketView, Timestamp};
use flowscope_pcap::{ByteOrder, PcapError, PcapFlowSource};

/// A packet that outlives the source it came from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Packet {
    pub(crate) frame: Vec<u8>,
    pub(crate) link: LinkType,
    pub(crate) timestamp: Timestamp,
    pub(crate) wire_len: u32,
}

impl From<PacketView<'_>> for Packet {
    fn from(packet: PacketView<'_>) -> Self {
        Self {
            frame: packet.frame.to_vec(),
            link: packet.link,
            timestamp: packet.timestamp,
            wire_len: packet.wire_len,
        }
    }
}

/// Reads a capture to its end, which must come once and for all.
pub(crate) fn read_all(reader: impl Read) -> (Vec<Packet>, Option<PcapError>) {
    let mut source = match PcapFlowSource::from_reader(reader) {
        Ok(source) => source,
        Err(e) => return (Vec::new(), Some(e)),
    };
    let mut packets = Vec::new();
    let error = loop {
        match source.next_packet() {
            Ok(Some(packet)) => packets.push(packet.into()),
            Ok(None) => break None,
            Err(e) => break Some(e),
        }
    };
    for _ in 0..2 {
        assert!(matches!(source.next_packet(), Ok(None)), "the end is final");
    }
    (packets, error)
}

/// Reads a capture without a fault in it.
pub(crate) fn packets(bytes: &[u8]) -> Vec<Packet> {
    let (packets, error) = read_all(bytes);
    assert!(error.is_none(), "{error:?}");
    packets
}

/// Gives at most so many bytes at a time.
pub(crate) struct Dribble<'a>(pub(crate) &'a [u8], pub(crate) usize);

impl Read for Dribble<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let len = self.1.min(into.len());
        self.0.read(&mut into[..len])
    }
}

/// Appends numbers in one byte order.
pub(crate) struct Bytes(pub(crate) ByteOrder, pub(crate) Vec<u8>);

impl Bytes {
    pub(crate) fn u16(mut self, number: u16) -> Self {
        self.1.extend(match self.0 {
            ByteOrder::Little => number.to_le_bytes(),
            ByteOrder::Big => number.to_be_bytes(),
        });
        self
    }

    pub(crate) fn u32(self, number: u32) -> Self {
        self.u32s(&[number])
    }

    pub(crate) fn u32s(mut self, numbers: &[u32]) -> Self {
        for number in numbers {
            self.1.extend(match self.0 {
                ByteOrder::Little => number.to_le_bytes(),
                ByteOrder::Big => number.to_be_bytes(),
            });
        }
        self
    }

    pub(crate) fn raw(mut self, bytes: &[u8]) -> Self {
        self.1.extend_from_slice(bytes);
        self
    }
}

pub(crate) const ORDERS: [ByteOrder; 2] = [ByteOrder::Little, ByteOrder::Big];

/// The header of a classic file.
pub(crate) fn classic(order: ByteOrder, magic: u32, version: (u16, u16), network: u32) -> Bytes {
    Bytes(order, Vec::new())
        .u32(magic)
        .u16(version.0)
        .u16(version.1)
        .u32s(&[0, 0, 65_535, network])
}

/// The header of an ordinary classic file.
pub(crate) fn ordinary() -> Bytes {
    classic(ByteOrder::Little, 0xa1b2_c3d4, (2, 4), 1)
}

/// A section header without options.
pub(crate) fn section(order: ByteOrder) -> Bytes {
    Bytes(order, Vec::new()).section_header()
}

impl Bytes {
    pub(crate) fn section_header(self) -> Self {
        self.u32s(&[0x0a0d_0d0a, 28, 0x1a2b_3c4d])
            .u16(1)
            .u16(0)
            .u32s(&[u32::MAX, u32::MAX, 28])
    }

    /// An interface description with these options, padded already.
    pub(crate) fn interface(self, link: u16, snap_len: u32, options: &[u8]) -> Self {
        let len = 20 + options.len() as u32;
        self.u32s(&[1, len])
            .u16(link)
            .u16(0)
            .u32(snap_len)
            .raw(options)
            .u32(len)
    }

    /// An enhanced packet of four bytes.
    pub(crate) fn packet(self, interface: u32, ticks: u64, frame: [u8; 4]) -> Self {
        let (high, low) = ((ticks >> 32) as u32, ticks as u32);
        self.u32s(&[6, 36, interface, high, low, 4, 4])
            .raw(&frame)
            .u32(36)
    }
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub(crate) fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}
