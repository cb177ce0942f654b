//! Segments of one side to its stream.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use core::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flowscope::Timestamp;
use flowscope::reassemble::{BufferedReassembler, Chunk, Reassembler, Segment};
use flowscope::wire::TcpFlags;

fn reassemble(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("reassemble");
    let bytes = [7; MTU as usize];
    for (name, len, order) in [
        ("in order", MTU, in_order(MTU)),
        ("one in ten late", MTU, late(MTU)),
        ("one in ten lost", MTU, lost(MTU)),
        (
            "bytes backwards",
            1,
            in_order(1).into_iter().rev().collect(),
        ),
    ] {
        group.throughput(Throughput::Elements(order.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut stream = BufferedReassembler::default();
                let mut sum = 0;
                let mut count = |chunk: Chunk<'_>| match chunk {
                    Chunk::Data(bytes) => sum += bytes.len(),
                    Chunk::Gap(_) => {}
                };
                let segment = |seq| {
                    let bytes = bytes.get(..len as usize).unwrap_or_default();
                    Segment::data(seq, bytes, Timestamp::EPOCH)
                };
                let syn = Segment::data(u32::MAX, b"", Timestamp::EPOCH);
                stream.push(&syn.with_flags(TcpFlags::SYN), &mut count);
                for seq in &order {
                    stream.push(&segment(black_box(*seq)), &mut count);
                }
                stream.finish(&mut count);
                sum
            });
        });
    }
    group.finish();
}

fn in_order(len: u32) -> Vec<u32> {
    (0..SEGMENTS).map(|n| n * len).collect()
}

/// Each tenth segment comes three segments later.
fn late(len: u32) -> Vec<u32> {
    let mut order = in_order(len);
    for ten in order.chunks_exact_mut(10) {
        ten.get_mut(3..7).unwrap_or_default().rotate_left(1);
    }
    order
}

/// Each tenth segment never comes, and nobody says so: holes are given up when
/// the buffer is full.
fn lost(len: u32) -> Vec<u32> {
    let order = in_order(len).into_iter();
    order.filter(|seq| seq / len % 10 != 3).collect()
}

const SEGMENTS: u32 = 10_000;
const MTU: u32 = 1460;

criterion_group!(benches, reassemble);
criterion_main!(benches);
