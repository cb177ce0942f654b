//! A damaged capture gives what comes before the damage, then one true error.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use core::error::Error;
use std::io::{self, Read};

use common::{Bytes, ORDERS, classic, gzip, ordinary, read_all, section, zstd};
use flowscope_core::{PacketView, Timestamp};
use flowscope_pcap::{ByteOrder, Compression, PcapConfig, PcapError, PcapFlowSource, PcapWriter};

/// Reads a damaged capture: how many packets came out, and what the error
/// says.
fn damaged(bytes: &[u8]) -> (usize, String) {
    let (packets, error) = read_all(bytes);
    (
        packets.len(),
        error.expect("the damage is seen").to_string(),
    )
}

fn one_record() -> Bytes {
    ordinary().u32s(&[1, 0, 4, 4]).raw(b"abcd")
}

fn one_packet(order: ByteOrder) -> Bytes {
    section(order).interface(1, 0, &[]).packet(0, 1, *b"abcd")
}

#[test]
fn no_capture_at_all() {
    assert!(matches!(read_all(&b""[..]).1, Some(PcapError::Empty)));
    for (bytes, says) in [
        (&b""[..], "the file is empty"),
        (b"\xd4\xc3", "truncated: 4 bytes needed at byte 0, 2 left"),
        (b"hello, world", "not a capture: it begins with 68 65 6c 6c"),
        (
            &one_record().1[..20],
            "truncated: 24 bytes needed at byte 0, 20 left",
        ),
        (
            &section(ByteOrder::Big).1[..27],
            "truncated: 28 bytes needed at byte 0, 27 left",
        ),
        (
            &classic(ByteOrder::Big, 0xa1b2_c3d4, (1, 9), 1).1,
            "unsupported version 1.9 at byte 0",
        ),
    ] {
        assert_eq!(damaged(bytes), (0, says.to_owned()));
    }
}

#[test]
fn classic_records_that_are_cut() {
    let file = one_record().u32s(&[2, 0, 4, 4]).raw(b"efgh").1;
    for (len, says) in [
        (45, "truncated: 16 bytes needed at byte 44, 1 left"),
        (59, "truncated: 16 bytes needed at byte 44, 15 left"),
        (60, "truncated: 20 bytes needed at byte 44, 16 left"),
        (63, "truncated: 20 bytes needed at byte 44, 19 left"),
    ] {
        assert_eq!(damaged(&file[..len]), (1, says.to_owned()));
    }
    let padded = one_record().raw(&[0; 7]).1;
    let says = "truncated: 16 bytes needed at byte 44, 7 left";
    assert_eq!(damaged(&padded), (1, says.to_owned()));
}

#[test]
fn a_claim_of_4_gib_allocates_nothing() {
    let classic = one_record()
        .u32s(&[2, 0, u32::MAX, u32::MAX])
        .raw(&[7; 900]);
    let says = "record at byte 44 claims 4294967295 captured bytes, more than 262144";
    let ng = one_packet(ByteOrder::Little).u32s(&[6, u32::MAX - 3, 0, 0, 0, u32::MAX - 40, 9]);
    let ng_says = "record at byte 84 claims 4294967255 captured bytes, more than 262144";
    let unknown = one_packet(ByteOrder::Little)
        .u32s(&[0x99, u32::MAX])
        .raw(&[7; 900]);
    let unknown_says = "truncated: 4294967296 bytes needed at byte 84, 908 left";
    let section = one_packet(ByteOrder::Little).u32s(&[0x0a0d_0d0a, u32::MAX, 0x1a2b_3c4d]);
    let section_says =
        "block at byte 84 claims to be 4294967295 bytes long, at most 1048576 expected";
    let options = one_packet(ByteOrder::Little).u32s(&[6, 1 << 31, 0, 0, 0, 4, 4]);
    let options_says =
        "block at byte 84 claims to be 2147483648 bytes long, at most 16777220 expected";
    for (file, says) in [
        (classic.1, says),
        (ng.1, ng_says),
        (unknown.1, unknown_says),
        (section.1, section_says),
        (options.1, options_says),
    ] {
        let mut read = (0, String::new());
        let memory = allocation_counter::measure(|| read = damaged(&file));
        assert_eq!(read, (1, says.to_owned()));
        assert!(memory.bytes_max < 2 << 20, "{memory:?}");
    }
}

#[test]
fn the_window_grows_only_with_bytes_that_arrive() {
    // A D-Bus message may be long; this one ends early.
    let file = classic(ByteOrder::Little, 0xa1b2_3c4d, (2, 4), 231)
        .u32s(&[1, 0, 100 << 20, 100 << 20])
        .raw(&[7; 3 << 20]);
    let mut read = (0, String::new());
    let memory = allocation_counter::measure(|| read = damaged(&file.1));
    let says = "truncated: 104857616 bytes needed at byte 24, 3145744 left";
    assert_eq!(read, (0, says.to_owned()));
    assert!(memory.bytes_max < 8 << 20, "{memory:?}");
}

#[test]
fn pcapng_blocks_that_make_no_sense() {
    for order in ORDERS {
        for (block, says) in [
            (
                vec![0x99, 8, 8],
                "block at byte 84 claims to be 8 bytes long, at least 12 expected",
            ),
            (
                vec![0; 8],
                "block at byte 84 claims to be 0 bytes long, at least 12 expected",
            ),
            (
                vec![6, 28, 0, 0, 0, 0, 28],
                "block at byte 84 claims to be 28 bytes long, at least 32 expected",
            ),
            (
                vec![1, 16, 1, 16],
                "block at byte 84 claims to be 16 bytes long, at least 20 expected",
            ),
            (
                vec![6, 36, 0, 0, 0, 4, 4, 0, 40],
                "block at byte 84 begins with length 36 and ends with 40",
            ),
            (
                vec![0x99, 16, 0, 12],
                "block at byte 84 begins with length 16 and ends with 12",
            ),
            (
                vec![6, 36, 0, 0, 0, 5, 5, 0, 36],
                "packet block at byte 84 claims 5 captured bytes, has room for 4",
            ),
            (
                vec![3, 20, 5, 0, 20],
                "packet block at byte 84 claims 5 captured bytes, has room for 4",
            ),
            (
                vec![6, 36, 1, 0, 0, 4, 4, 0, 36],
                "packet block at byte 84 names interface 1, never described",
            ),
            (
                vec![0x0a0d_0d0a, 28, 0x1a2b_3c4e],
                match order {
                    ByteOrder::Little => {
                        "section header at byte 84 has byte order magic 4e 3c 2b 1a"
                    }
                    ByteOrder::Big => "section header at byte 84 has byte order magic 1a 2b 3c 4e",
                },
            ),
            (
                vec![6, 36, 0, 0, 0, 4, 4, 0],
                "truncated: 36 bytes needed at byte 84, 32 left",
            ),
            (
                vec![0x99, 36, 0, 0],
                "truncated: 36 bytes needed at byte 84, 16 left",
            ),
            (vec![6, 36], "truncated: 12 bytes needed at byte 84, 8 left"),
        ] {
            let file = one_packet(order).u32s(&block).1;
            assert_eq!(damaged(&file), (1, says.to_owned()), "{block:x?}");
        }
    }
}

#[test]
fn a_section_forgets_the_interfaces_of_the_one_before() {
    let file = one_packet(ByteOrder::Little)
        .section_header()
        .packet(0, 1, *b"abcd");
    let says = "packet block at byte 112 names interface 0, never described";
    assert_eq!(damaged(&file.1), (1, says.to_owned()));
}

#[test]
fn pcapng_of_another_version() {
    let file = Bytes(ByteOrder::Big, Vec::new())
        .u32s(&[0x0a0d_0d0a, 28, 0x1a2b_3c4d])
        .u16(2)
        .u16(1)
        .u32s(&[0, 0, 28]);
    assert_eq!(
        damaged(&file.1),
        (0, "unsupported version 2.1 at byte 0".to_owned())
    );
}

#[test]
fn interface_descriptions_are_bounded() {
    let mut file = one_packet(ByteOrder::Little);
    for _ in 0..300_000 {
        file = file.interface(1, 0, &[]);
    }
    let mut read = (Vec::new(), None);
    let memory = allocation_counter::measure(|| read = read_all(&file.1[..]));
    assert_eq!(read.0.len(), 1);
    assert!(matches!(read.1, Some(PcapError::TooManyInterfaces { .. })));
    assert!(memory.bytes_max < 64 << 20, "{memory:?}");
}

/// A capture that does not compress, so that every part of it is spread over
/// the compressed file.
fn noise() -> Vec<u8> {
    let mut file = PcapWriter::new(Vec::new(), PcapConfig::default()).unwrap();
    let mut state = 1_u32;
    for second in 0..2_000 {
        let frame: Vec<u8> = (0..200)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        file.write(PacketView::new(&frame, Timestamp::new(second, 0)))
            .unwrap();
    }
    file.finish().unwrap()
}

#[test]
fn compressed_files_that_are_cut_or_damaged() {
    let plain = noise();
    // Zstandard gives out blocks of 128 KiB, and those as a whole.
    for (compression, file, least) in [
        (Compression::Gzip, gzip(&plain), 900),
        (Compression::Zstd, zstd(&plain), 606),
    ] {
        let half = &file[..file.len() / 2];
        let (packets, error) = read_all(half);
        assert!((least..1_000).contains(&packets.len()), "{}", packets.len());
        let error = error.unwrap();
        let PcapError::Decompression {
            compression: found,
            offset,
            source,
        } = &error
        else {
            panic!("{error}");
        };
        assert_eq!(*found, compression);
        assert_eq!(source.kind(), io::ErrorKind::UnexpectedEof);
        // The offset is one of the capture, just behind the last packet.
        let end = 24 + 216 * packets.len() as u64;
        assert!((end..end + 216).contains(offset), "{offset}");
        assert_eq!(error.offset(), *offset);

        let mut flipped = file.clone();
        let tail = flipped.len() / 2;
        flipped[tail..].fill(0x55);
        let (packets, error) = read_all(&flipped[..]);
        assert!(packets.len() >= least, "{}", packets.len());
        assert!(error.is_some());

        let (packets, error) = read_all(&[&file[..], b"rubbish"].concat()[..]);
        assert_eq!(packets.len(), 2_000);
        assert!(matches!(error, Some(PcapError::Decompression { .. })));
    }
}

/// Gives its bytes, then fails once, then ends.
struct Failing<'a>(&'a [u8], Option<io::ErrorKind>);

impl Read for Failing<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.0.read(into)? {
            0 => match self.1.take() {
                Some(kind) => Err(kind.into()),
                None => Ok(0),
            },
            len => Ok(len),
        }
    }
}

#[test]
fn an_error_of_the_reader_comes_after_the_packets_before_it() {
    for file in [one_record().1, one_packet(ByteOrder::Big).1] {
        let (packets, error) = read_all(Failing(&file, Some(io::ErrorKind::TimedOut)));
        assert_eq!(packets.len(), 1);
        let error = error.unwrap();
        let source: &io::Error = error.source().unwrap().downcast_ref().unwrap();
        assert_eq!(source.kind(), io::ErrorKind::TimedOut);
        assert_eq!(error.offset(), file.len() as u64);
    }
    let compressed = zstd(&one_record().1);
    let (_, error) = read_all(Failing(&compressed[..20], Some(io::ErrorKind::TimedOut)));
    assert!(matches!(error, Some(PcapError::Io { .. })), "{error:?}");
}

#[test]
fn an_interrupted_read_is_no_error() {
    let file = one_record().1;
    let (packets, error) = read_all(Failing(&file, Some(io::ErrorKind::Interrupted)));
    assert_eq!(packets.len(), 1);
    assert!(error.is_none());
}

/// Claims to have read more than there was room for.
struct Boasting<'a>(&'a [u8]);

impl Read for Boasting<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let len = self.0.read(into)?;
        Ok(if len < into.len() { len } else { len + 1_000 })
    }
}

#[test]
fn a_reader_that_boasts_is_not_believed() {
    let file = one_record().raw(&[0; 16 << 10]).1;
    let (packets, error) = read_all(Boasting(&file));
    assert_eq!(packets.len(), 1 + (16 << 10) / 16);
    assert!(error.is_none());
}

#[test]
fn a_file_that_is_not_there() {
    let error = PcapFlowSource::open("/nowhere/to/be.found").unwrap_err();
    let source: &io::Error = error.source().unwrap().downcast_ref().unwrap();
    assert_eq!(source.kind(), io::ErrorKind::NotFound);
    assert_eq!(error.to_string(), format!("/nowhere/to/be.found: {source}"));
}

#[test]
fn errors_name_the_file_that_was_opened_in_words_for_a_reader() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.pcap");
    let file = one_record().1;
    std::fs::write(&path, &file[..file.len() - 1]).unwrap();
    let mut source = PcapFlowSource::open(&path).unwrap();
    let error = loop {
        match source.next_packet() {
            Ok(packet) => assert!(packet.is_some(), "the file is damaged"),
            Err(error) => break error,
        }
    };
    assert_eq!(error.path(), Some(path.as_path()));
    let PcapError::File { error: inner, .. } = &error else {
        panic!("{error}");
    };
    assert!(matches!(**inner, PcapError::Truncated { .. }), "{inner}");
    assert_eq!(error.offset(), inner.offset());
    assert_eq!(error.to_string(), format!("{}: {inner}", path.display()));
    assert_eq!(format!("{error:?}"), error.to_string());
}
