//! Captures read in parts have the rows of one pass, whatever they were cut into.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod rows;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use flowscope_core::{LinkType, PacketView, Timestamp};
use flowscope_pcap::{PcapConfig, PcapFlowSource, PcapWriter};
use flowscope_table::{Input, Partitions, Table, TableConfig, TableReader};
use proptest::prelude::*;
use proptest::sample::Index;
use rows::values;

/// A packet of a capture.
#[derive(Clone)]
struct Packet {
    at: u64,
    frame: Vec<u8>,
    wire_len: u32,
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn all_parts_together_are_one_pass(
        mixed in prop::collection::vec((any::<Index>(), 0_u64..3_000), 1..5),
        cuts in prop::collection::vec(any::<Index>(), 0..6),
        sizes in prop::collection::vec(1_usize..4, 1..5),
    ) {
        let recorded = recorded();
        let mixed: Vec<_> = mixed
            .iter()
            .map(|(which, late)| (which.get(&recorded).as_path(), *late))
            .collect();
        let packets = mix(&mixed);
        let folder = tempfile::tempdir().unwrap();
        let captures = cut(&packets, &cuts, folder.path());
        let partitions = Partitions::of(captures.clone(), &sizes, &TableConfig::default());
        for table in Table::ALL {
            let whole = rows_of(
                TableReader::new(captures.iter().map(Input::file).collect(), &[table])
            );
            let mut parts = Vec::new();
            for part in 0..partitions.len() {
                let reader = partitions.reader(part, &[table], TableConfig::default());
                parts.extend(rows_of(reader));
            }
            parts.sort();
            prop_assert_eq!(parts, whole, "{} of {:?}", table, mixed);
        }
    }
}

#[test]
fn connections_that_follow_each_other_on_the_same_ports_are_cut_as_well() {
    let reused = recorded_as("../tcp-port-reuse.pcap");
    let packets = mix(&[(&reused, 0)]);
    for at in 1..packets.len() {
        let folder = tempfile::tempdir().unwrap();
        let captures = write(&[&packets[..at], &packets[at..]], folder.path());
        let partitions = Partitions::of(captures.clone(), &[1, 1], &TableConfig::default());
        assert_eq!(partitions.len(), 2);
        for table in Table::ALL {
            let inputs = captures.iter().map(Input::file).collect();
            let whole = rows_of(TableReader::new(inputs, &[table]));
            let readers =
                (0..2).map(|part| partitions.reader(part, &[table], TableConfig::default()));
            let mut parts: Vec<_> = readers.flat_map(rows_of).collect();
            parts.sort();
            assert_eq!(parts, whole, "{table}, cut at {at}");
            if table == Table::Flows {
                assert_eq!(whole.len(), 3, "connections between the same ports");
            }
        }
    }
}

#[test]
fn a_full_table_makes_one_part() {
    let packets = mix(&[
        (&recorded_as("dns-lookup.pcap"), 0),
        (&recorded_as("http-1-0.pcap"), 0),
    ]);
    let folder = tempfile::tempdir().unwrap();
    let half = packets.len() / 2;
    let captures = write(&[&packets[..half], &packets[half..]], folder.path());
    let mut config = TableConfig::default();
    config.records.engine.max_flows = 1;
    let partitions = Partitions::of(captures.clone(), &[1, 1], &config);
    assert_eq!(partitions.len(), 1);
    let inputs = captures.into_iter().map(Input::file).collect();
    let whole = TableReader::new(inputs, &[Table::Flows]).with_config(config.clone());
    let part = partitions.reader(0, &[Table::Flows], config);
    assert_eq!(rows_of(part), rows_of(whole));
}

#[test]
fn damage_is_told_by_the_part_that_has_it() {
    let folder = tempfile::tempdir().unwrap();
    let packets = mix(&[(&recorded_as("http-1-0.pcap"), 0)]);
    let third = packets.len() / 3;
    let pieces = [
        &packets[..third],
        &packets[third..2 * third],
        &packets[2 * third..],
    ];
    let captures = write(&pieces, folder.path());
    let whole = fs::read(&captures[1]).unwrap();
    fs::write(&captures[1], &whole[..whole.len() - 1]).unwrap();
    let partitions = Partitions::of(captures, &[1, 1, 1], &TableConfig::default());
    let errors = |part| {
        let reader = partitions.reader(part, &[Table::Flows], TableConfig::default());
        let errors = reader.into_iter().filter_map(Result::err);
        errors.map(|error| error.to_string()).collect::<Vec<_>>()
    };
    assert_eq!((errors(0).len(), errors(2).len()), (0, 0));
    assert!(errors(1)[0].contains("1.pcap"), "{:?}", errors(1));
}

/// The rows of a table as text, in order of that.
fn rows_of(reader: TableReader) -> Vec<String> {
    let batches = reader.into_iter().map(Result::unwrap);
    let rows = batches.flat_map(|(_, batch)| values(&batch));
    let mut rows: Vec<_> = rows.map(|row| row.to_string()).collect();
    rows.sort();
    rows
}

/// The packets of some captures in order of time, each capture so many
/// milliseconds late.
fn mix(captures: &[(&Path, u64)]) -> Vec<Packet> {
    let mut packets = Vec::new();
    for (path, late) in captures {
        let mut source = PcapFlowSource::open(path).unwrap();
        let mut first = None;
        while let Some(packet) = source.next_packet().unwrap() {
            let at = packet.timestamp.as_nanos();
            let first = *first.get_or_insert(at);
            packets.push(Packet {
                at: START + late * 1_000_000 + at.saturating_sub(first),
                frame: packet.frame.to_vec(),
                wire_len: packet.wire_len,
            });
        }
    }
    packets.sort_by_key(|packet| packet.at);
    packets
}

fn cut(packets: &[Packet], cuts: &[Index], folder: &Path) -> Vec<PathBuf> {
    let mut cuts: Vec<_> = cuts.iter().map(|it| it.index(packets.len())).collect();
    cuts.sort_unstable();
    let mut pieces = Vec::new();
    let mut from = 0;
    for to in cuts.into_iter().chain([packets.len()]) {
        pieces.push(&packets[from..to]);
        from = to;
    }
    write(&pieces, folder)
}

/// A capture of each piece. Some may have no packets.
fn write(pieces: &[&[Packet]], folder: &Path) -> Vec<PathBuf> {
    let mut captures = Vec::new();
    for (number, piece) in pieces.iter().enumerate() {
        let path = folder.join(format!("{number}.pcap"));
        let mut writer =
            PcapWriter::new(File::create(&path).unwrap(), PcapConfig::default()).unwrap();
        for packet in *piece {
            let at = Timestamp::from_nanos(packet.at);
            let view = PacketView {
                wire_len: packet.wire_len,
                ..PacketView::new(&packet.frame, at)
            };
            writer.write(view).unwrap();
        }
        writer.finish().unwrap();
        captures.push(path);
    }
    captures
}

/// The recorded captures of Ethernet.
fn recorded() -> Vec<PathBuf> {
    let folder = recorded_as("");
    let files = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path());
    let is_ethernet = |path: &PathBuf| {
        PcapFlowSource::open(path).is_ok_and(|mut source| {
            let first = source.next_packet();
            matches!(first, Ok(Some(packet)) if packet.link == LinkType::ETHERNET)
        })
    };
    let mut captures: Vec<_> = files.filter(is_ethernet).collect();
    captures.sort();
    assert!(captures.len() > 40, "{}", captures.len());
    captures
}

fn recorded_as(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/pcap/recorded");
    folder.join(name)
}

/// When captures begin.
const START: u64 = 1_800_000_000_000_000_000;
