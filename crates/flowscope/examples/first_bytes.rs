//! A reassembler of one's own: the first bytes of each side of a connection,
//! without any memory for what comes out of order.
//!
//! ```sh
//! cargo run --release --features pcap --example first_bytes -- trace.pcap
//! ```
#![allow(clippy::print_stdout, reason = "examples show what they found")]

use flowscope::engine::ReassemblerFactory;
use flowscope::extract::{FiveTuple, FiveTupleKey};
use flowscope::pcap::PcapFlowSource;
use flowscope::reassemble::{Chunk, Reassembler, Segment, StreamNotes, StreamState, StreamStats};
use flowscope::wire::TcpFlags;
use flowscope::{FlowReassemblyDriver, FlowSide, SeqNumber, Sink, Timestamp};

/// Hands on what comes next, up to [`MOST`] bytes, and drops everything else.
#[derive(Default)]
struct FirstBytes {
    /// The number of the next byte, once the SYN was seen.
    next: Option<SeqNumber>,
    stats: StreamStats,
}

/// So many bytes of each side are of interest.
const MOST: u64 = 32;

impl Reassembler for FirstBytes {
    fn push(
        &mut self,
        segment: &Segment<'_>,
        out: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        if segment.flags.contains(TcpFlags::SYN) {
            self.next = Some(segment.seq + 1);
        }
        let bytes = segment.payload.bytes;
        let room = MOST - self.stats.delivered;
        if self.next == Some(segment.seq) && !bytes.is_empty() && room > 0 {
            let len = bytes.len().min(room as usize);
            out.push(Chunk::Data(&bytes[..len]));
            self.stats.delivered += len as u64;
            self.next = Some(segment.seq + bytes.len() as u32);
        }
        StreamNotes::default()
    }

    fn acknowledge(
        &mut self,
        _: &Segment<'_>,
        _: &mut impl for<'c> Sink<Chunk<'c>>,
    ) -> StreamNotes {
        StreamNotes::default()
    }

    fn expire(&mut self, _: Timestamp, _: &mut impl for<'c> Sink<Chunk<'c>>) -> StreamNotes {
        StreamNotes::default()
    }

    fn next_expiry(&self) -> Option<Timestamp> {
        None
    }

    fn shed(&mut self, _: Timestamp, _: &mut impl for<'c> Sink<Chunk<'c>>) -> StreamNotes {
        StreamNotes::default()
    }

    fn finish(&mut self, _: &mut impl for<'c> Sink<Chunk<'c>>) -> StreamNotes {
        StreamNotes::default()
    }

    fn stop(&mut self) {
        self.stats.delivered = MOST;
    }

    fn state(&self) -> StreamState {
        StreamState::Open
    }

    fn stats(&self) -> StreamStats {
        self.stats
    }

    fn memory(&self) -> usize {
        0
    }
}

/// Prints what comes out.
struct Print;

impl ReassemblerFactory<FiveTupleKey> for Print {
    type Reassembler = FirstBytes;

    fn open(&mut self, _: &FiveTupleKey, _: FlowSide) -> FirstBytes {
        FirstBytes::default()
    }

    fn chunk(&mut self, key: &FiveTupleKey, side: FlowSide, _: Timestamp, chunk: Chunk<'_>) {
        if let Chunk::Data(bytes) = chunk {
            let text = String::from_utf8_lossy(bytes);
            println!("{key} {}: {text:?}", side.as_str());
        }
    }
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let capture = std::env::args().nth(1);
    let capture = capture.unwrap_or_else(|| "fixtures/pcap/tcp-loss.pcap".to_owned());
    let mut source = PcapFlowSource::open(capture)?;
    let mut driver = FlowReassemblyDriver::new(FiveTuple::bidirectional(), Print);
    while let Some(packet) = source.next_packet()? {
        driver.track(packet, &mut |_| {});
    }
    driver.finish(&mut |_| {});
    Ok(())
}
