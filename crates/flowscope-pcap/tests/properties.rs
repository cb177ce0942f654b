//! What is written is read; what is damaged ends; how it arrives is all one.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::io::Read;

use common::{Dribble, Packet, gzip, packets, read_all, zstd};
use flowscope_core::{LinkType, PacketView, Timestamp};
use flowscope_pcap::{
    ByteOrder, Decompressed, InterfaceConfig, PcapConfig, PcapFlowSource, PcapWriter, PcapngWriter,
    Precision, Resolution, SectionConfig,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// Frames of one link type, with any times that a classic file can hold.
fn frames(link: LinkType) -> impl Strategy<Value = Vec<Packet>> {
    let packet = (
        vec(any::<u8>(), 0..200),
        0..u64::from(u32::MAX),
        0..1_000_000_000_u32,
        prop_oneof![Just(0), 0..2_000_u32],
    );
    let packet = packet.prop_map(move |(frame, seconds, nanos, missing)| Packet {
        link,
        timestamp: Timestamp::new(seconds, nanos),
        wire_len: frame.len() as u32 + missing,
        frame,
    });
    vec(packet, 0..20)
}

fn view(packet: &Packet) -> PacketView<'_> {
    PacketView::new(&packet.frame, packet.timestamp)
        .with_link(packet.link)
        .with_wire_len(packet.wire_len)
}

fn order() -> impl Strategy<Value = ByteOrder> {
    prop_oneof![Just(ByteOrder::Little), Just(ByteOrder::Big)]
}

/// An interface with packets of it.
fn interface() -> impl Strategy<Value = (InterfaceConfig, Vec<Packet>)> {
    let link = prop_oneof![Just(1), Just(101), Just(113), Just(276), 200..65_535_u16];
    let resolution = prop_oneof![
        Just(Resolution::MICROSECONDS),
        Just(Resolution::NANOSECONDS),
        (0..=9_u8).prop_map(Resolution::Decimal),
        (0..=30_u8).prop_map(Resolution::Binary),
    ];
    let snap_len = prop_oneof![Just(0), 1..300_u32];
    let offset = prop_oneof![Just(0), -1_000_000..0_i64];
    (link, resolution, snap_len, offset).prop_flat_map(
        |(link, resolution, snap_len, offset_seconds)| {
            let config = InterfaceConfig {
                link: LinkType(link),
                snap_len,
                resolution,
                offset_seconds,
                name: Some("any".to_owned()),
                comments: vec!["a comment".to_owned()],
                ..InterfaceConfig::default()
            };
            (Just(config), frames(LinkType(link)))
        },
    )
}

/// One of the sections of a file.
type Content = (ByteOrder, Vec<(InterfaceConfig, Vec<Packet>)>);

fn sections() -> impl Strategy<Value = Vec<Content>> {
    vec((order(), vec(interface(), 1..4)), 1..4)
}

fn write_pcapng(sections: &[Content]) -> Vec<u8> {
    let mut file = None;
    for (order, interfaces) in sections {
        let config = SectionConfig {
            order: *order,
            comments: vec!["odd".to_owned()],
            ..SectionConfig::default()
        };
        let file = match &mut file {
            None => file.insert(PcapngWriter::new(Vec::new(), config).unwrap()),
            Some(file) => {
                file.begin_section(config).unwrap();
                file
            }
        };
        for (config, packets) in interfaces {
            let id = file.add_interface(config.clone()).unwrap();
            for (number, packet) in packets.iter().enumerate() {
                let comments = ["a comment, and another"; 2];
                file.write(id, view(packet), &comments[..number % 3 % 2 + number % 2])
                    .unwrap();
            }
            file.write_block(0x0bad, b"custom").unwrap();
        }
    }
    file.expect("one section at least").finish().unwrap()
}

fn write_pcap(config: PcapConfig, packets: &[Packet]) -> Vec<u8> {
    let mut file = PcapWriter::new(Vec::new(), config).unwrap();
    for packet in packets {
        file.write(view(packet)).unwrap();
    }
    file.finish().unwrap()
}

/// A good capture of either format.
fn capture() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        sections().prop_map(|sections| write_pcapng(&sections)),
        (frames(LinkType::RAW), order()).prop_map(|(frames, order)| {
            let link = LinkType::RAW;
            write_pcap(
                PcapConfig {
                    link,
                    order,
                    ..PcapConfig::default()
                },
                &frames,
            )
        }),
    ]
}

/// A capture cut somewhere and with some bytes changed.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let changes = vec((any::<Index>(), any::<u8>()), 0..8);
    (capture(), any::<Index>(), changes).prop_map(|(mut file, len, changes)| {
        for (at, byte) in changes {
            let at = at.index(file.len());
            file[at] = byte;
        }
        file.truncate(len.index(file.len() + 1));
        file
    })
}

/// Any bytes behind a beginning that gets them read.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let beginning = prop_oneof![
        Just(Vec::new()),
        any::<[u8; 16]>()
            .prop_map(|rest| [&[0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0], &rest[..]].concat()),
        any::<[u8; 16]>()
            .prop_map(|rest| [&[0xa1, 0xb2, 0xcd, 0x34, 0, 2, 0, 4], &rest[..]].concat()),
        order().prop_map(|order| common::section(order).interface(1, 0, &[]).1),
        Just(vec![0x0a, 0x0d, 0x0d, 0x0a]),
    ];
    // Small numbers are what lengths and block types are made of.
    let word = prop_oneof![0..64_u32, any::<u32>()];
    let words = prop_oneof![
        vec(word.clone(), 0..200)
            .prop_map(|words| words.iter().flat_map(|word| word.to_le_bytes()).collect()),
        vec(word, 0..200)
            .prop_map(|words| words.iter().flat_map(|word| word.to_be_bytes()).collect()),
        vec(any::<u8>(), 0..600),
    ];
    (beginning, words).prop_map(|(beginning, words)| [beginning, words].concat())
}

/// All that a reader can tell about a file.
fn outcome(reader: impl Read) -> (Vec<Packet>, Option<String>) {
    let (packets, error) = read_all(reader);
    (packets, error.map(|e| e.to_string()))
}

/// The frames of a capture, as the blocks have them that were lent, taken after so
/// many batches; and how it ends.
fn in_blocks(reader: impl Read, taken_after: usize) -> (Vec<Vec<u8>>, Option<String>) {
    let mut source = match PcapFlowSource::from_reader(reader) {
        Ok(source) => source,
        Err(error) => return (Vec::new(), Some(error.to_string())),
    };
    let (mut frames, mut places, mut lent) = (Vec::new(), Vec::new(), Vec::new());
    let mut spares = Vec::new();
    for turn in 1.. {
        let ended = match source.next_batch_in_block() {
            Ok((packets, block)) => {
                let address = block.as_ptr().addr();
                if packets.len() > 0 && lent.last() != Some(&address) {
                    lent.push(address);
                }
                let is_last = packets.len() == 0;
                for packet in packets {
                    let start = packet.frame.as_ptr().addr() - address;
                    places.push((lent.len() - 1, start..start + packet.frame.len()));
                }
                is_last.then_some(None)
            }
            Err(error) => Some(Some(error.to_string())),
        };
        if ended.is_some() || turn % taken_after == 0 {
            let blocks = source.take_blocks(spares.drain(..));
            assert_eq!(blocks.len(), lent.len());
            frames.extend(
                places
                    .drain(..)
                    .map(|(n, place): (usize, _)| blocks[n][place].to_vec()),
            );
            spares.extend(blocks);
            lent.clear();
        }
        if let Some(error) = ended {
            return (frames, error);
        }
    }
    unreachable!("a capture ends")
}

/// All packets of a source, and how it ends.
fn rest_of<R: Read>(mut source: PcapFlowSource<R>) -> (Vec<Packet>, Option<String>) {
    let mut packets = Vec::new();
    loop {
        match source.next_packet() {
            Ok(Some(packet)) => packets.push(Packet {
                link: packet.link,
                timestamp: packet.timestamp,
                wire_len: packet.wire_len,
                frame: packet.frame.to_vec(),
            }),
            Ok(None) => return (packets, None),
            Err(error) => return (packets, Some(error.to_string())),
        }
    }
}

proptest! {
    #[test]
    fn classic_files_give_back_what_was_written(
        packets_in in frames(LinkType::ETHERNET),
        order in order(),
        precision in prop_oneof![Just(Precision::Microseconds), Just(Precision::Nanoseconds)],
        snap_len in prop_oneof![Just(0), 1..300_u32],
    ) {
        let config = PcapConfig { order, precision, snap_len, ..PcapConfig::default() };
        let bytes = write_pcap(config.clone(), &packets_in);
        prop_assert_eq!(&bytes, &write_pcap(config, &packets_in));
        let unit = match precision {
            Precision::Microseconds => 1_000,
            Precision::Nanoseconds => 1,
        };
        let expected: Vec<_> = packets_in.into_iter().map(|mut packet| {
            let nanos = packet.timestamp.as_nanos();
            packet.timestamp = Timestamp::from_nanos(nanos - nanos % unit);
            if snap_len > 0 {
                packet.frame.truncate(snap_len as usize);
            }
            packet
        }).collect();
        prop_assert_eq!(packets(&bytes), expected);
    }

    #[test]
    fn pcapng_files_give_back_what_was_written(sections in sections()) {
        let read = packets(&write_pcapng(&sections));
        let written: Vec<_> = sections.iter()
            .flat_map(|(_, interfaces)| interfaces)
            .flat_map(|(config, packets)| packets.iter().map(move |packet| (config, packet)))
            .collect();
        prop_assert_eq!(read.len(), written.len());
        for (read, (config, written)) in read.iter().zip(written) {
            let kept = match config.snap_len {
                0 => written.frame.len(),
                snap_len => written.frame.len().min(snap_len as usize),
            };
            prop_assert_eq!(&read.frame, &written.frame[..kept]);
            prop_assert_eq!((read.link, read.wire_len), (written.link, written.wire_len));
            // A time is cut to the interface's unit, and a unit of a power of
            // two to a whole nanosecond.
            let unit = match config.resolution {
                Resolution::Decimal(digits) => 10_u64.pow(9 - u32::from(digits)),
                Resolution::Binary(digits) => (1_000_000_000 >> digits) + 2,
            };
            let late = written.timestamp - read.timestamp;
            prop_assert!(read.timestamp <= written.timestamp);
            prop_assert!(late.as_nanos() < unit.into(), "{:?} {:?}", config.resolution, late);
        }
    }

    #[test]
    fn pieces_give_the_same_as_the_whole(
        file in prop_oneof![capture(), damaged(), hostile()],
        len in 1..50_usize,
    ) {
        prop_assert_eq!(outcome(Dribble(&file, len)), outcome(&file[..]));
        prop_assert_eq!(outcome(Dribble(&file, 1)), outcome(&file[..]));
    }

    #[test]
    fn lent_blocks_hold_the_packets(
        file in prop_oneof![capture(), damaged()],
        len in 1..5000_usize,
        taken_after in 1..5_usize,
    ) {
        let (expected, error) = outcome(&file[..]);
        let (found, failed) = in_blocks(Dribble(&file, len), taken_after);
        prop_assert_eq!(found, expected.into_iter().map(|packet| packet.frame).collect::<Vec<_>>());
        prop_assert_eq!(failed, error);
    }

    #[test]
    fn what_is_decompressed_elsewhere_gives_the_same(
        file in prop_oneof![capture(), damaged()],
        how in 0..3,
        (at, bits) in (any::<Index>(), any::<u8>()),
    ) {
        let mut file = match how {
            0 => file,
            1 => gzip(&file),
            _ => zstd(&file),
        };
        if !file.is_empty() {
            let at = at.index(file.len());
            file[at] ^= bits;
        }
        let found = Decompressed::new(&file[..])
            .and_then(PcapFlowSource::from_decompressed)
            .map_or_else(|error| (Vec::new(), Some(error.to_string())), rest_of);
        prop_assert_eq!(found, outcome(&file[..]));
    }

    #[test]
    fn any_bytes_end_without_much_memory(file in prop_oneof![damaged(), hostile()]) {
        let mut found = (Vec::new(), None);
        let memory = allocation_counter::measure(|| found = outcome(&file[..]));
        let captured: usize = found.0.iter().map(|packet| packet.frame.len()).sum();
        prop_assert!(captured <= file.len());
        prop_assert!(memory.bytes_max < 2 << 20, "{:?}", memory);
    }

    #[test]
    fn damage_leaves_the_packets_before_it(
        packets_in in frames(LinkType::ETHERNET),
        len in any::<Index>(),
    ) {
        let config = PcapConfig { precision: Precision::Nanoseconds, ..PcapConfig::default() };
        let file = write_pcap(config, &packets_in);
        let len = 24 + len.index(file.len() - 23);
        let (read, error) = read_all(&file[..len]);
        prop_assert_eq!(&read[..], &packets_in[..read.len()]);
        let whole: usize = read.iter().map(|packet| 16 + packet.frame.len()).sum();
        match error {
            None => prop_assert_eq!(24 + whole, len),
            Some(e) => prop_assert_eq!(e.offset(), 24 + whole as u64),
        }
    }

    #[test]
    fn damaged_compression_ends(
        file in capture(),
        gzipped in any::<bool>(),
        (at, byte) in (any::<Index>(), any::<u8>()),
        len in 1..50_usize,
    ) {
        let whole = packets(&file);
        let mut file = if gzipped { gzip(&file) } else { zstd(&file) };
        prop_assert_eq!(&packets(&file), &whole);
        let at = at.index(file.len());
        file[at] = byte;
        // How much comes out before the damage depends on how it arrives.
        let (some, _) = read_all(&file[..]);
        let (others, _) = read_all(Dribble(&file, len));
        let both = some.len().min(others.len());
        prop_assert_eq!(&some[..both], &others[..both]);
    }

    #[test]
    fn any_bytes_in_a_compressed_frame_end(
        magic in prop_oneof![
            Just([0x1f, 0x8b, 8, 0]),
            Just([0x28, 0xb5, 0x2f, 0xfd]),
            Just([0x50, 0x2a, 0x4d, 0x18]),
        ],
        rest in vec(any::<u8>(), 0..300),
    ) {
        let file = [&magic[..], &rest].concat();
        let (packets, error) = read_all(&file[..]);
        prop_assert!(packets.is_empty() && error.is_some());
    }
}
