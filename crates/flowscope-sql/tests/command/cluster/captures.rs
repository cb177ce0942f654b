//! Captures to ask a cluster about.

use std::fs::File;
use std::path::{Path, PathBuf};

use flowscope_core::{PacketView, Timestamp};
use flowscope_pcap::{PcapConfig, PcapFlowSource, PcapWriter};

use crate::support::fixture;

/// A packet of a capture.
pub(super) struct Packet {
    at: u64,
    frame: Vec<u8>,
    wire_len: u32,
}

/// The packets of recorded captures of Ethernet in order of time, each capture
/// some milliseconds behind the last.
pub(super) fn mix(captures: &[&str]) -> Vec<Packet> {
    let mut packets = Vec::new();
    for (late, name) in (0..).zip(captures) {
        let mut source = PcapFlowSource::open(fixture(&format!("recorded/{name}.pcap"))).unwrap();
        let mut first = None;
        while let Some(packet) = source.next_packet().unwrap() {
            let at = packet.timestamp.as_nanos();
            let first = *first.get_or_insert(at);
            packets.push(Packet {
                at: START + late * 3_000_000 + at.saturating_sub(first),
                frame: packet.frame.to_vec(),
                wire_len: packet.wire_len,
            });
        }
    }
    packets.sort_by_key(|packet| packet.at);
    packets
}

/// One capture in pieces of odd sizes, one of which has nothing. Gives the
/// pattern that finds them.
pub(super) fn cut(packets: &[Packet], folder: &Path) -> String {
    let mut from = 0;
    for (number, share) in [1, 7, 0, 3, 11, 2, 5].into_iter().enumerate() {
        let to = (from + packets.len() * share / 29).min(packets.len());
        let to = if number == 6 { packets.len() } else { to };
        assert!(share == 0 || to > from, "{} packets", packets.len());
        write(
            &packets[from..to],
            0,
            &folder.join(format!("{number}.pcap")),
        );
        from = to;
    }
    folder.join("?.pcap").display().to_string()
}

/// A capture with packets again and again, each time later by this many seconds.
pub(super) fn repeated(packets: &[Packet], times: u64, path: &Path) {
    let mut writer = writer(path);
    for turn in 0..times {
        add(&mut writer, packets, turn * 3_600_000_000_000);
    }
    writer.finish().unwrap();
}

fn write(packets: &[Packet], late: u64, path: &Path) {
    let mut writer = writer(path);
    add(&mut writer, packets, late);
    writer.finish().unwrap();
}

fn writer(path: &Path) -> PcapWriter<File> {
    let path = PathBuf::from(path);
    PcapWriter::new(File::create(path).unwrap(), PcapConfig::default()).unwrap()
}

fn add(writer: &mut PcapWriter<File>, packets: &[Packet], late: u64) {
    for packet in packets {
        let at = Timestamp::from_nanos(packet.at + late);
        let view = PacketView {
            wire_len: packet.wire_len,
            ..PacketView::new(&packet.frame, at)
        };
        writer.write(view).unwrap();
    }
}

/// When captures begin.
const START: u64 = 1_800_000_000_000_000_000;
