//! Packets out of a capture, by format, size and compression.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use std::io::Write;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flowscope::pcap::{
    InterfaceConfig, PcapConfig, PcapFlowSource, PcapWriter, PcapngWriter, SectionConfig,
};
use flowscope::{PacketView, Timestamp};

fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read");
    group.throughput(Throughput::Elements(PACKETS));
    for len in [100, 1400] {
        let (pcap, pcapng) = (pcap(len), pcapng(len));
        for (name, capture) in [("pcap", &pcap), ("pcapng", &pcapng)] {
            group.bench_function(format!("{name}, one by one/{len} bytes"), |bencher| {
                bencher.iter(|| {
                    let mut source =
                        PcapFlowSource::from_reader(&capture[..]).expect("it is whole");
                    let mut bytes = 0;
                    while let Some(packet) = source.next_packet().expect("it is whole") {
                        bytes += packet.frame.len();
                    }
                    bytes
                });
            });
            group.bench_function(format!("{name}, in batches/{len} bytes"), |bencher| {
                bencher.iter(|| count(capture));
            });
        }
        let gzip = gzip(&pcap);
        group.bench_function(format!("gzip/{len} bytes"), |bencher| {
            bencher.iter(|| count(&gzip));
        });
        let zstd = zstd::encode_all(&pcap[..], 3).expect("memory takes everything");
        group.bench_function(format!("zstd/{len} bytes"), |bencher| {
            bencher.iter(|| count(&zstd));
        });
    }
    group.finish();
}

fn count(capture: &[u8]) -> usize {
    let mut source = PcapFlowSource::from_reader(capture).expect("it is whole");
    let mut bytes = 0;
    loop {
        let batch = source.next_batch().expect("it is whole");
        if batch.len() == 0 {
            return bytes;
        }
        bytes += batch.map(|packet| packet.frame.len()).sum::<usize>();
    }
}

/// A frame of which no two bytes in a row are alike, and its time.
fn frames(len: usize) -> impl Iterator<Item = (Vec<u8>, Timestamp)> {
    (0..PACKETS).map(move |n| {
        let bytes = (0..len as u64).map(|at| ((at * 7) ^ n) as u8).collect();
        (bytes, Timestamp::new(1_700_000_000 + n, 0))
    })
}

fn pcap(len: usize) -> Vec<u8> {
    let mut writer = PcapWriter::new(Vec::new(), PcapConfig::default()).expect("memory takes it");
    for (bytes, at) in frames(len) {
        writer
            .write(PacketView::new(&bytes, at))
            .expect("memory takes it");
    }
    writer.finish().expect("memory takes it")
}

fn pcapng(len: usize) -> Vec<u8> {
    let mut writer =
        PcapngWriter::new(Vec::new(), SectionConfig::default()).expect("memory takes it");
    let interface = writer
        .add_interface(InterfaceConfig::default())
        .expect("memory takes it");
    for (bytes, at) in frames(len) {
        writer
            .write(interface, PacketView::new(&bytes, at), &[])
            .expect("memory takes it");
    }
    writer.finish().expect("memory takes it")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

const PACKETS: u64 = 10_000;

criterion_group!(benches, read);
criterion_main!(benches);
