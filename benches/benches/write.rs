//! Writing records, by bytes of output: those of recorded conversations, as the
//! command writes them.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use core::error::Error;
use std::io;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flowscope::pcap::PcapFlowSource;
use flowscope_record::csv::CsvWriter;
use flowscope_record::json::JsonWriter;
use flowscope_record::{Goal, Record, RecordConfig, RecordTracker, schema};

/// Kinds of records, and a capture that has them.
const KINDS: [(&str, &str); 4] = [
    ("http", "chromium-http"),
    ("tls", "chromium-https"),
    ("dns", "dns-types"),
    ("flow", "http-keep-alive"),
];

fn records(kind: &str, capture: &str) -> Result<Vec<Record>, Box<dyn Error>> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../fixtures/pcap/recorded");
    let mut source = PcapFlowSource::open(format!("{path}/{capture}.pcap"))?;
    let mut records = Vec::new();
    let mut keep = |record: Record| {
        if record.schema().name == kind {
            records.push(record);
        }
    };
    let mut tracker = RecordTracker::new(RecordConfig {
        goal: Goal::All,
        ..RecordConfig::default()
    });
    while let Some(packet) = source.next_packet()? {
        tracker.track(packet, &mut keep);
    }
    tracker.finish(&mut keep);
    match records.is_empty() {
        true => Err(format!("no record of {kind}").into()),
        false => Ok(records),
    }
}

fn write(criterion: &mut Criterion) -> Result<(), Box<dyn Error>> {
    let mut group = criterion.benchmark_group("write");
    for (kind, capture) in KINDS {
        let records = records(kind, capture)?;
        let mut text = JsonWriter::new(Vec::new());
        for record in &records {
            text.write(record)?;
        }
        group.throughput(Throughput::Bytes(text.into_inner()?.len() as u64));
        let mut writer = JsonWriter::new(io::sink());
        group.bench_function(format!("json/{kind}"), |bencher| {
            bencher.iter(|| records.iter().try_for_each(|record| writer.write(record)));
        });

        let columns = schema::columns(Goal::All);
        let mut text = Vec::new();
        let mut writer = CsvWriter::new(columns.clone(), &mut text)?;
        for record in &records {
            writer.write(record)?;
        }
        drop(writer);
        group.throughput(Throughput::Bytes(text.len() as u64));
        let mut writer = CsvWriter::new(columns, io::sink())?;
        group.bench_function(format!("csv/{kind}"), |bencher| {
            bencher.iter(|| records.iter().try_for_each(|record| writer.write(record)));
        });
    }
    group.finish();
    Ok(())
}

fn all(criterion: &mut Criterion) {
    write(criterion).expect("the recorded captures are there");
}

criterion_group!(benches, all);
criterion_main!(benches);
