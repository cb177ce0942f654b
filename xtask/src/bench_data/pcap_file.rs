//! The captures that `bench-data` writes and those it replicates.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use flowscope_core::{LinkType, PacketView, Timestamp};
use flowscope_pcap::{PcapConfig, PcapError, PcapFlowSource, PcapWriter};

/// An Ethernet capture being written.
#[derive(Debug)]
pub(super) struct PcapFile {
    writer: PcapWriter<BufWriter<File>>,
    written: Written,
}

/// How much went into a capture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    pub(super) packets: u64,
    pub(super) bytes: u64,
}

impl PcapFile {
    pub(super) fn create(path: &Path) -> io::Result<Self> {
        let out = BufWriter::with_capacity(1 << 20, File::create(path)?);
        let writer = PcapWriter::new(out, PcapConfig::default())?;
        let written = Written {
            packets: 0,
            bytes: FILE_HEADER_LEN,
        };
        Ok(Self { writer, written })
    }

    /// Writes a whole frame that was seen `at` nanoseconds after the epoch.
    pub(super) fn write(&mut self, at: u64, frame: &[u8]) -> io::Result<()> {
        self.write_packet(PacketView::new(frame, Timestamp::from_nanos(at)))
    }

    pub(super) fn write_packet(&mut self, packet: PacketView<'_>) -> io::Result<()> {
        self.writer.write(packet)?;
        self.written.packets += 1;
        self.written.bytes += RECORD_HEADER_LEN + packet.frame.len() as u64;
        Ok(())
    }

    pub(super) const fn written(&self) -> Written {
        self.written
    }

    pub(super) fn finish(self) -> io::Result<Written> {
        self.writer.finish()?;
        Ok(self.written)
    }
}

/// One packet of a capture to replicate.
#[derive(Clone, Debug)]
pub(super) struct Record {
    /// Nanoseconds since the first packet of its capture.
    pub(super) after: u64,
    pub(super) wire_len: u32,
    pub(super) frame: Vec<u8>,
}

/// The Ethernet packets of a capture, up to its first damage. Pauses of more
/// than a second last one, so that no flow of a replica ends by idling.
pub(super) fn ethernet(path: &Path) -> Vec<Record> {
    let mut records = Vec::new();
    if let Ok(mut source) = PcapFlowSource::open(path) {
        // A damaged fixture gives what comes before the damage, as it should.
        let _: Result<(), PcapError> = read(&mut source, &mut records);
    }
    records
}

fn read(source: &mut PcapFlowSource, records: &mut Vec<Record>) -> Result<(), PcapError> {
    let mut after = 0;
    let mut before = None;
    while let Some(packet) = source.next_packet()? {
        let at = packet.timestamp.as_nanos();
        after += at.saturating_sub(before.unwrap_or(at)).min(LONGEST_PAUSE);
        before = Some(at);
        if packet.link == LinkType::ETHERNET {
            records.push(Record {
                after,
                wire_len: packet.wire_len,
                frame: packet.frame.to_vec(),
            });
        }
    }
    Ok(())
}

/// Says which file an error is about.
pub(super) fn describe(path: &Path, error: impl core::fmt::Display) -> String {
    format!("{}: {error}", path.display())
}

const FILE_HEADER_LEN: u64 = 24;
const RECORD_HEADER_LEN: u64 = 16;
const LONGEST_PAUSE: u64 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_with_shorter_pauses() {
        let path = std::env::temp_dir().join(format!("bench-data-{}.pcap", std::process::id()));
        let mut file = PcapFile::create(&path).unwrap();
        file.write(5_000_001_000, b"first").unwrap();
        file.write(5_500_001_000, b"second").unwrap();
        let cut = PacketView::new(b"cut", Timestamp::from_nanos(90_000_000_000));
        file.write_packet(cut.with_wire_len(60)).unwrap();
        let written = file.finish().unwrap();
        let records = ethernet(&path);
        let len = std::fs::metadata(&path).unwrap().len();
        std::fs::remove_file(&path).unwrap();

        assert_eq!((written.packets, written.bytes), (3, len));
        let times: Vec<u64> = records.iter().map(|record| record.after).collect();
        assert_eq!(times, [0, 500_000_000, 1_500_000_000]);
        assert_eq!(records[2].wire_len, 60);
        assert_eq!(records[0].frame, b"first");
    }

    #[test]
    fn what_is_no_capture_has_no_packets() {
        assert!(ethernet(Path::new(file!())).is_empty());
    }
}
