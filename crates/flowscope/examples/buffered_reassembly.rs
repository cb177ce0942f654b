//! The streams of a capture's connections, put together in memory:
//! `buffered_reassembly [CAPTURE]`.
//!
//! For those who want the bytes themselves and would rather be called than
//! read events.
#![allow(clippy::print_stdout, reason = "examples show what they found")]

use flowscope::engine::PayloadConfig;
use flowscope::extract::{FiveTuple, FiveTupleKey};
use flowscope::pcap::PcapFlowSource;
use flowscope::reassemble::{Chunk, OverlapPolicy, StreamConfig};
use flowscope::session::{Input, Interest, StreamEnd, StreamFactory};
use flowscope::wire::Transport;
use flowscope::{BySide, EngineConfig, FlowDriver, FlowSide, Timestamp};

/// Keeps the beginning of each stream.
struct Keep;

/// More than this of one side is only counted.
const ENOUGH: usize = 64 << 10;

impl StreamFactory<FiveTupleKey> for Keep {
    /// The bytes of each side.
    type Stream = BySide<Vec<u8>>;

    fn open(&mut self, _: &FiveTupleKey, transport: &Transport) -> Option<Self::Stream> {
        matches!(transport, Transport::Tcp(_)).then(BySide::default)
    }

    fn feed(&mut self, stream: &mut Self::Stream, _: &FiveTupleKey, input: Input<'_>) -> Interest {
        let kept = &mut stream[input.side];
        let room = ENOUGH.saturating_sub(kept.len());
        match input.chunk {
            Chunk::Data(bytes) => kept.extend(bytes.iter().take(room)),
            // What the capture lacks is shown as blanks.
            Chunk::Gap(len) => kept.extend((0..len).map(|_| b'_').take(room)),
        }
        Interest::More
    }

    fn close(&mut self, stream: &mut Self::Stream, key: &FiveTupleKey, end: StreamEnd) {
        let who = match end.side {
            FlowSide::Initiator => "client",
            FlowSide::Responder => "server",
        };
        let stats = end.stats;
        println!(
            "{key} {who}: {} bytes, {} missing, {} at most held",
            stats.delivered, stats.missing, stats.held_peak
        );
        let text = stream[end.side].escape_ascii().to_string();
        println!("    {text:.60}");
    }

    fn end(&mut self, _: Self::Stream, _: &FiveTupleKey, _: Timestamp) {}
}

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let capture = std::env::args().nth(1);
    let capture = capture.unwrap_or_else(|| "fixtures/pcap/tcp-loss.pcap".to_owned());
    let mut source = PcapFlowSource::open(capture)?;
    // What the hosts would make of conflicting copies, and at most 16 MiB for
    // everything that has to wait.
    let streams = StreamConfig {
        overlap: OverlapPolicy::Linux,
        ..StreamConfig::default()
    };
    let config = EngineConfig {
        max_memory: 16 << 20,
        payload: PayloadConfig {
            streams,
            ..PayloadConfig::default()
        },
        ..EngineConfig::default()
    };
    let mut driver = FlowDriver::new(FiveTuple::bidirectional(), Keep).with_config(config);
    while let Some(packet) = source.next_packet()? {
        driver.track(packet, &mut |_| {});
    }
    driver.finish(&mut |_| {});
    println!("{} bytes held at most", driver.held_memory_peak());
    Ok(())
}
