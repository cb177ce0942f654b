//! Every dialect of pcap and pcapng gives the packets that are in it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{Bytes, ORDERS, Packet, classic, gzip, ordinary, packets, read_all, section, zstd};
use flowscope_core::{LinkType, PacketView, Timestamp};
use flowscope_pcap::{
    ByteOrder, Compression, Format, InterfaceConfig, PcapFlowSource, PcapngWriter, Resolution,
    SectionConfig,
};

/// Two records with `extra` bytes behind the common part of each header.
fn two_records(file: Bytes, extra: usize) -> Vec<u8> {
    file.u32s(&[10, 250, 4, 60])
        .raw(&vec![0; extra])
        .raw(b"abcd")
        .u32s(&[11, 999_999, 6, 6])
        .raw(&vec![0; extra])
        .raw(b"efghij")
        .1
}

fn assert_two(bytes: &[u8], nanos_per_unit: u32) {
    let expected = [
        (&b"abcd"[..], Timestamp::new(10, 250 * nanos_per_unit), 60),
        (b"efghij", Timestamp::new(11, 999_999 * nanos_per_unit), 6),
    ]
    .map(|(frame, timestamp, wire_len)| Packet {
        frame: frame.to_vec(),
        link: LinkType::ETHERNET,
        timestamp,
        wire_len,
    });
    assert_eq!(packets(bytes), expected);
}

#[test]
fn classic_magic_numbers_name_unit_and_headers() {
    for order in ORDERS {
        // Magic, bytes after the file header, bytes after a record's, unit.
        for (magic, file_extra, record_extra, nanos) in [
            (0xa1b2_c3d4, 0, 0, 1_000),
            (0xa1b2_3c4d, 0, 0, 1),
            (0x1c00_01ab, 4, 0, 1_000),
            (0x1c00_01ac, 4, 0, 1),
            (0xa1b2_cd34, 0, 8, 1_000),
        ] {
            let file = classic(order, magic, (2, 4), 1).raw(&vec![0; file_extra]);
            assert_two(&two_records(file, record_extra), nanos);
        }
    }
}

#[test]
fn longer_record_headers_are_found_out_by_the_records() {
    for order in ORDERS {
        // Nokia, Kuznetzov's first patch; his last one as SuSE had it.
        for (magic, extra) in [(0xa1b2_c3d4, 4), (0xa1b2_c3d4, 8), (0xa1b2_cd34, 12)] {
            let file = classic(order, magic, (2, 4), 1);
            assert_two(&two_records(file, extra), 1_000);
        }
    }
}

#[test]
fn one_record_of_a_longer_header_is_not_guessed() {
    let file = ordinary().u32s(&[1, 0, 4, 4, 0x0403_0201]).1;
    assert_eq!(packets(&file)[0].frame, [1, 2, 3, 4]);
}

#[test]
fn old_versions_have_the_lengths_the_other_way_round() {
    for (version, lengths) in [
        ((2, 2), [60, 3]),
        ((2, 3), [60, 3]),
        ((2, 3), [3, 60]),
        ((543, 0), [60, 3]),
        ((2, 4), [3, 60]),
    ] {
        let file = classic(ByteOrder::Big, 0xa1b2_c3d4, version, 1)
            .u32s(&[1, 2])
            .u32s(&lengths)
            .raw(b"abc");
        let packet = &packets(&file.1)[0];
        assert_eq!(
            (packet.frame.len(), packet.wire_len),
            (3, 60),
            "{version:?}"
        );
    }
}

#[test]
fn aix_names_interface_types_and_counts_nanoseconds() {
    for (network, link) in [(6, LinkType::ETHERNET), (15, LinkType(10))] {
        let file = classic(ByteOrder::Big, 0xa1b2_c3d4, (2, 2), network)
            .u32s(&[1, 2, 3, 3])
            .raw(b"abc");
        let packet = &packets(&file.1)[0];
        assert_eq!(packet.link, link);
        assert_eq!(packet.timestamp, Timestamp::new(1, 2));
    }
}

#[test]
fn network_field_may_hold_bsd_numbers_and_checksum_lengths() {
    for (network, link) in [
        (0, LinkType::NULL),
        (1, LinkType::ETHERNET),
        (12, LinkType::RAW),
        (14, LinkType::RAW),
        (108, LinkType(108)),
        (0x2400_0001, LinkType::ETHERNET),
        (276, LinkType::LINUX_SLL2),
        (65_535, LinkType(65_535)),
    ] {
        let file = classic(ByteOrder::Little, 0xa1b2_c3d4, (2, 4), network).u32s(&[1, 2, 0, 0]);
        assert_eq!(packets(&file.1)[0].link, link, "{network:#x}");
    }
}

#[test]
fn odd_times_are_passed_on() {
    let file = ordinary()
        .u32s(&[0, 0, 0, 0])
        .u32s(&[9, 2_500_000, 0, 0])
        .u32s(&[8, 0, 0, 0])
        .u32s(&[u32::MAX, u32::MAX, 0, 0]);
    let times: Vec<_> = packets(&file.1).iter().map(|p| p.timestamp).collect();
    let last = Timestamp::new(u64::from(u32::MAX) + 4_294, 967_295_000);
    assert_eq!(
        times,
        [
            Timestamp::EPOCH,
            Timestamp::new(11, 500_000_000),
            Timestamp::new(8, 0),
            last
        ]
    );
}

#[test]
fn captured_beyond_wire_or_snap_length_is_kept() {
    let mut file = classic(ByteOrder::Little, 0xa1b2_3c4d, (2, 4), 1);
    file.1[16..20].copy_from_slice(&3_u32.to_le_bytes());
    let file = file.u32s(&[1, 0, 5, 2]).raw(b"abcde");
    let packet = &packets(&file.1)[0];
    assert_eq!((&packet.frame[..], packet.wire_len), (&b"abcde"[..], 5));

    let file = section(ByteOrder::Little)
        .interface(1, 3, &[])
        .u32s(&[6, 40, 0, 0, 0, 5, 2])
        .raw(b"abcde\0\0\0")
        .u32(40);
    let packet = &packets(&file.1)[0];
    assert_eq!((&packet.frame[..], packet.wire_len), (&b"abcde"[..], 5));
}

#[test]
fn header_alone_is_an_empty_capture() {
    assert_eq!(packets(&ordinary().1), []);
    assert_eq!(packets(&section(ByteOrder::Big).1), []);
}

#[test]
fn sections_have_their_own_order_and_interfaces() {
    let first = section(ByteOrder::Little)
        .interface(1, 0, &[])
        .interface(101, 0, &[])
        .packet(1, 5, *b"1234")
        .packet(0, 6, *b"5678");
    let file = Bytes(ByteOrder::Big, first.1)
        .section_header()
        .interface(113, 0, &[])
        .packet(0, 7, *b"9abc");
    let read: Vec<_> = packets(&file.1)
        .iter()
        .map(|p| (p.link, p.timestamp.as_nanos(), p.frame[0]))
        .collect();
    assert_eq!(
        read,
        [
            (LinkType::RAW, 5_000, b'1'),
            (LinkType::ETHERNET, 6_000, b'5'),
            (LinkType::LINUX_SLL, 7_000, b'9')
        ]
    );
}

#[test]
fn interfaces_count_time_in_their_own_unit() {
    let second = 1_000_000_000;
    for order in ORDERS {
        // if_tsresol, ticks, nanoseconds.
        for (resolution, ticks, nanos) in [
            (0, 3, 3 * second),
            (3, 1_500, 1_500_000_000),
            (6, 7, 7_000),
            (9, 7, 7),
            (12, 7_999, 7),
            (19, 10_000_000_000, 1),
            (28, 10_000_000_000_000_000_000, 1),
            (29, u64::MAX, 1),
            (0x7f, u64::MAX, 1),
            (0x80, 3, 3 * second),
            (0x80 | 10, 1_536, 1_500_000_000),
            (0x80 | 63, 1 << 62, second / 2),
            (0x80 | 64, 1 << 63, second / 2),
            (0xff, u64::MAX, 0),
            (0, u64::MAX, u64::MAX),
        ] {
            let options = Bytes(order, Vec::new())
                .u16(9)
                .u16(1)
                .raw(&[resolution, 0, 0, 0]);
            let file = section(order)
                .interface(1, 0, &options.1)
                .packet(0, ticks, *b"abcd");
            let timestamp = packets(&file.1)[0].timestamp;
            assert_eq!(timestamp.as_nanos(), nanos, "{resolution:#x}, {ticks}");
        }
    }
}

#[test]
fn interfaces_may_add_seconds() {
    for order in ORDERS {
        for (offset, ticks, expected) in [
            (10_i64, 5_000_000, Timestamp::new(15, 0)),
            (-4, 5_000_000, Timestamp::new(1, 0)),
            (-6, 5_000_000, Timestamp::EPOCH),
            (i64::MIN, u64::MAX, Timestamp::EPOCH),
            (i64::MAX, 1, Timestamp::MAX),
        ] {
            let bytes = match order {
                ByteOrder::Little => offset.to_le_bytes(),
                ByteOrder::Big => offset.to_be_bytes(),
            };
            let options = Bytes(order, Vec::new()).u16(14).u16(8).raw(&bytes);
            let file = section(order)
                .interface(1, 0, &options.1)
                .packet(0, ticks, *b"abcd");
            assert_eq!(packets(&file.1)[0].timestamp, expected, "{offset}");
        }
    }
}

#[test]
fn simple_packets_are_cut_at_the_snap_length() {
    for order in ORDERS {
        let file = section(order)
            .interface(1, 6, &[])
            .u32s(&[3, 24, 60])
            .raw(b"abcdef\0\0")
            .u32s(&[24, 3, 20, 4])
            .raw(b"wxyz")
            .u32(20);
        let read = packets(&file.1);
        assert_eq!((&read[0].frame[..], read[0].wire_len), (&b"abcdef"[..], 60));
        assert_eq!((&read[1].frame[..], read[1].wire_len), (&b"wxyz"[..], 4));
        assert_eq!(read[0].timestamp, Timestamp::EPOCH);
    }
}

#[test]
fn obsolete_packets_have_a_narrower_interface_field() {
    for order in ORDERS {
        let file = section(order)
            .interface(1, 0, &[])
            .interface(101, 0, &[])
            .u32s(&[2, 36])
            .u16(1)
            .u16(77)
            .u32s(&[0, 9, 3, 40])
            .raw(b"abc\0")
            .u32(36);
        let packet = &packets(&file.1)[0];
        assert_eq!((packet.link, packet.wire_len), (LinkType::RAW, 40));
        assert_eq!(packet.timestamp, Timestamp::from_nanos(9_000));
        assert_eq!(packet.frame, b"abc");
    }
}

#[test]
fn unknown_blocks_are_passed_over_whatever_their_size() {
    let mut file = PcapngWriter::new(Vec::new(), SectionConfig::default()).unwrap();
    let interface = file.add_interface(InterfaceConfig::default()).unwrap();
    file.write_block(4, b"names").unwrap();
    file.write_block(0x8000_0bad, &[]).unwrap();
    file.write_block(0x1234_5678, &vec![7; 5 << 20]).unwrap();
    file.write(
        interface,
        PacketView::new(b"abc", Timestamp::new(1, 0)),
        &[],
    )
    .unwrap();
    file.write_block(5, &[0; 8]).unwrap();
    let bytes = file.finish().unwrap();

    let mut read = Vec::new();
    let memory = allocation_counter::measure(|| read = packets(&bytes));
    assert_eq!(read.len(), 1);
    assert_eq!(read[0].frame, b"abc");
    assert!(memory.bytes_max < 2 << 20, "{memory:?}");
}

#[test]
fn lengths_without_their_padding_are_rounded_up() {
    for order in ORDERS {
        let file = section(order)
            .u32s(&[1, 26])
            .u16(1)
            .u16(0)
            .u32(0)
            .u16(9)
            .u16(1)
            .raw(&[9, 0, 0, 0])
            .u32(26)
            .u32s(&[6, 35, 0, 0, 9, 3, 3])
            .raw(b"abc\0")
            .u32(35)
            .u32s(&[0x77, 13])
            .raw(b"x\0\0\0")
            .u32(16)
            .packet(0, 10, *b"defg");
        let read = packets(&file.1);
        assert_eq!(read[0].frame, b"abc");
        assert_eq!(read[0].timestamp, Timestamp::from_nanos(9));
        assert_eq!(read[1].frame, b"defg");
    }
}

#[test]
fn comments_and_names_can_be_had() {
    for order in ORDERS {
        let mut file = PcapngWriter::new(
            Vec::new(),
            SectionConfig {
                order,
                application: Some("a test".to_owned()),
                comments: vec!["one".to_owned(), "two".to_owned()],
                ..SectionConfig::default()
            },
        )
        .unwrap();
        let interface = file
            .add_interface(InterfaceConfig {
                name: Some("eth0".to_owned()),
                resolution: Resolution::Binary(20),
                ..InterfaceConfig::default()
            })
            .unwrap();
        let packet = PacketView::new(b"abcde", Timestamp::new(1, 0));
        file.write(interface, packet, &["early", "and good"])
            .unwrap();
        file.write_simple(packet).unwrap();
        let bytes = file.finish().unwrap();

        let mut source = PcapFlowSource::from_reader(&bytes[..]).unwrap();
        assert_eq!(source.format(), Format::Pcapng);
        let section = source.section().unwrap();
        assert_eq!(section.application().unwrap(), "a test");
        assert_eq!(section.hardware(), None);
        let comments: Vec<_> = section.options().comments().collect();
        assert_eq!(comments, ["one", "two"]);
        assert!(source.packet_details().0.is_none());

        source.next_packet().unwrap().unwrap();
        let (interface, options) = source.packet_details();
        let comments: Vec<_> = options.comments().collect();
        assert_eq!(comments, ["early", "and good"]);
        let interface = interface.unwrap();
        assert_eq!(interface.name().unwrap(), "eth0");
        assert_eq!(interface.description(), None);
        assert_eq!(interface.resolution, Resolution::Binary(20));
        assert_eq!(interface.snap_len, Some(262_144));

        source.next_packet().unwrap().unwrap();
        let (interface, mut options) = source.packet_details();
        assert_eq!(interface.unwrap().name().unwrap(), "eth0");
        assert_eq!(options.next(), None);
        assert_eq!(source.interfaces().len(), 1);
    }
}

#[test]
fn a_classic_file_has_one_interface_and_no_section() {
    let file = two_records(ordinary(), 0);
    let mut source = PcapFlowSource::from_reader(&file[..]).unwrap();
    assert_eq!(source.format(), Format::Pcap);
    assert!(source.section().is_none());
    assert_eq!(source.interfaces().len(), 1);
    assert_eq!(source.interfaces()[0].snap_len, Some(65_535));
    assert!(source.packet_details().0.is_none());

    source.next_packet().unwrap().unwrap();
    let (interface, mut options) = source.packet_details();
    assert_eq!(interface.unwrap().link, LinkType::ETHERNET);
    assert_eq!(options.next(), None);
}

#[test]
fn options_end_where_they_say_so_or_stop_fitting() {
    let cut = Bytes(ByteOrder::Little, Vec::new())
        .u16(1)
        .u16(2)
        .raw(b"ok\0\0")
        .u16(1)
        .u16(500)
        .raw(b"not");
    let ended = Bytes(ByteOrder::Little, Vec::new())
        .u16(1)
        .u16(2)
        .raw(b"ok\0\0")
        .u32(0)
        .u16(1)
        .u16(3)
        .raw(b"not\0");
    for options in [cut.1, ended.1] {
        let mut options = options;
        options.resize(options.len().next_multiple_of(4), 0);
        let file = section(ByteOrder::Little).interface(1, 0, &options);
        let mut source = PcapFlowSource::from_reader(&file.1[..]).unwrap();
        assert!(source.next_packet().unwrap().is_none());
        let interface = &source.interfaces()[0];
        let comments: Vec<_> = interface.options().comments().collect();
        assert_eq!(comments, ["ok"]);
        assert_eq!(interface.resolution, Resolution::MICROSECONDS);
    }
}

#[test]
fn compression_is_seen_by_content() {
    let plain = two_records(ordinary(), 0);
    let (head, tail) = plain.split_at(40);
    let skippable = [0x53, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 9, 9, 9];

    for (compression, file) in [
        (Compression::None, plain.clone()),
        (Compression::Gzip, gzip(&plain)),
        (
            Compression::Gzip,
            [gzip(head), gzip(b""), gzip(tail)].concat(),
        ),
        (Compression::Zstd, zstd(&plain)),
        (
            Compression::Zstd,
            [&skippable[..], &zstd(head), &skippable, &zstd(tail)].concat(),
        ),
    ] {
        assert_two(&file, 1_000);
        let source = PcapFlowSource::from_reader(&file[..]).unwrap();
        assert_eq!(source.compression(), compression);
    }
}

#[test]
fn files_know_their_size_and_how_far_they_were_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a capture by no telling name");
    let plain = two_records(ordinary(), 0);
    for file in [gzip(&plain), plain] {
        std::fs::write(&path, &file).unwrap();
        let mut source = PcapFlowSource::open(&path).unwrap();
        assert_eq!(source.size(), Some(file.len() as u64));
        while source.next_packet().unwrap().is_some() {}
        assert_eq!(source.position(), file.len() as u64);
    }
}

#[test]
fn packets_are_lent_without_allocating() {
    for order in ORDERS {
        let mut ng = section(order).interface(1, 0, &[]);
        let mut old = classic(order, 0xa1b2_c3d4, (2, 4), 1);
        for _ in 0..200_000 {
            ng = ng.packet(0, 5, *b"abcd");
            old = old.u32s(&[1, 0, 4, 4]).raw(b"abcd");
        }
        for file in [ng.1, old.1] {
            let mut source = PcapFlowSource::from_reader(&file[..]).unwrap();
            assert!(source.next_packet().unwrap().is_some());
            let mut count = 1;
            let memory = allocation_counter::measure(|| {
                while source.next_packet().unwrap().is_some() {
                    count += 1;
                }
            });
            assert_eq!((count, memory.count_total), (200_000, 0));
        }
    }
}

#[test]
fn a_packet_longer_than_the_window_is_read_whole() {
    // D-Bus is the link type of the longest packets.
    let long = vec![7; 3 << 20];
    let file = classic(ByteOrder::Little, 0xa1b2_3c4d, (2, 4), 231)
        .u32s(&[1, 0, 2, 2])
        .raw(b"ab")
        .u32s(&[1, 0, 3 << 20, 3 << 20])
        .raw(&long)
        .u32s(&[1, 0, 2, 2])
        .raw(b"cd");
    let (read, error) = read_all(&file.1[..]);
    assert!(error.is_none());
    assert_eq!(read.len(), 3);
    assert!(read[1].frame == long);
    assert_eq!(read[2].frame, b"cd");
}
