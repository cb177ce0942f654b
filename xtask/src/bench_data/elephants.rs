//! `elephants`: four downloads of full segments, and little else.
//!
//! Segments come in bursts, as a sender's offload makes them, and every second
//! one is acknowledged. The flows open, run as long as the file may grow, and
//! close.

use std::io;
use std::path::Path;

use super::frame::{ACK, Endpoint, FIN, FrameBuffer, PSH, SYN, Segment};
use super::options::Options;
use super::pcap_file::{PcapFile, Written, describe};
use super::random::{Filler, SplitMix64};

pub(super) fn write(path: &Path, size: u64, options: &Options) -> Result<Written, String> {
    write_packets(path, size, options).map_err(|error| describe(path, error))
}

fn write_packets(path: &Path, size: u64, options: &Options) -> io::Result<Written> {
    let mut random = SplitMix64::new(options.seed);
    let filler = Filler::new(&mut random);
    let mut wire = Wire {
        file: PcapFile::create(path)?,
        frame: FrameBuffer::default(),
    };
    let mut downloads = [1, 2, 3, 4].map(|number| Download::new(number, &mut random));

    for download in &mut downloads {
        download.client(&mut wire, SYN)?;
        download.server(&mut wire, SYN | ACK, &[])?;
        download.client(&mut wire, ACK)?;
    }
    while wire.file.written().bytes < size {
        let download = &mut downloads[random.below(4)];
        for _ in 0..random.within(&SEGMENT_PAIRS_IN_A_BURST) {
            download.server(&mut wire, ACK, filler.bytes(&mut random, MSS))?;
            download.server(&mut wire, PSH | ACK, filler.bytes(&mut random, MSS))?;
            download.client(&mut wire, ACK)?;
        }
    }
    for download in &mut downloads {
        download.server(&mut wire, FIN | ACK, &[])?;
        download.client(&mut wire, FIN | ACK)?;
        download.server(&mut wire, ACK, &[])?;
    }
    wire.file.finish()
}

struct Wire {
    file: PcapFile,
    frame: FrameBuffer,
}

impl Wire {
    fn send(&mut self, segment: &Segment<'_>) -> io::Result<()> {
        let at = START + self.file.written().bytes * NANOS_PER_BYTE_TENTHS / 10;
        self.file.write(at, self.frame.tcp(segment))
    }
}

struct Download {
    client: Endpoint,
    server: Endpoint,
    client_seq: u32,
    server_seq: u32,
}

impl Download {
    const fn new(number: u8, random: &mut SplitMix64) -> Self {
        Self {
            client: Endpoint {
                address: [10, 0, 0, number],
                port: 50_000 + number as u16,
            },
            server: Endpoint {
                address: [192, 0, 2, 80],
                port: 80,
            },
            client_seq: random.next() as u32,
            server_seq: random.next() as u32,
        }
    }

    fn client(&mut self, wire: &mut Wire, flags: u8) -> io::Result<()> {
        wire.send(&Segment {
            from: self.client,
            to: self.server,
            seq: self.client_seq,
            ack: if flags & ACK == 0 { 0 } else { self.server_seq },
            flags,
            options: options(flags),
            payload: &[],
        })?;
        self.client_seq = self.client_seq.wrapping_add(occupied(flags, &[]));
        Ok(())
    }

    fn server(&mut self, wire: &mut Wire, flags: u8, payload: &[u8]) -> io::Result<()> {
        wire.send(&Segment {
            from: self.server,
            to: self.client,
            seq: self.server_seq,
            ack: self.client_seq,
            flags,
            options: options(flags),
            payload,
        })?;
        self.server_seq = self.server_seq.wrapping_add(occupied(flags, payload));
        Ok(())
    }
}

/// The maximum segment size, which only a SYN may carry.
const fn options(flags: u8) -> &'static [u8] {
    if flags & SYN == 0 {
        &[]
    } else {
        &[2, 4, 5, 0xb4]
    }
}

/// How far a segment moves the sequence number.
const fn occupied(flags: u8, payload: &[u8]) -> u32 {
    let control = flags & (SYN | FIN) != 0;
    payload.len() as u32 + control as u32
}

const MSS: usize = 1460;
const SEGMENT_PAIRS_IN_A_BURST: core::ops::RangeInclusive<usize> = 1..=8;
/// 2025-01-01, in nanoseconds.
const START: u64 = 1_735_689_600_000_000_000;
/// Ten gigabit per second.
const NANOS_PER_BYTE_TENTHS: u64 = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_count_bytes_and_control() {
        assert_eq!(occupied(SYN, &[]), 1);
        assert_eq!(occupied(FIN | ACK, &[]), 1);
        assert_eq!(occupied(ACK, &[]), 0);
        assert_eq!(occupied(PSH | ACK, &[0; MSS]), 1460);
    }
}
