//! Flows are asked whether a name was asked for on them.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use flowscope_detect::Protocol;
use flowscope_http::HttpMessage;
use flowscope_pcap::PcapFlowSource;
use flowscope_quic::QuicMessage;
use flowscope_record::{Goal, NameFilter, Record, RecordConfig, RecordTracker, Records};
use flowscope_tls::TlsMessage;

/// What is known of a flow: its protocol, and whether a name was asked for.
type Known = BTreeMap<u64, (Option<Protocol>, bool)>;

/// To ask for any name finds the flows that have a message with one, and their
/// protocols, as reading everything does.
#[test]
fn flows_are_known_as_if_all_of_them_was_read() {
    let (mut flows, mut named) = (0, 0);
    for capture in captures() {
        let asked = known(
            &capture,
            Goal::Flows,
            |record| matches!(record, Record::Flow(flow) if flow.has_name),
        );
        let read = known(&capture, Goal::All, has_name);
        assert_eq!(asked, read, "{}", capture.display());
        flows += asked.len();
        named += asked.values().filter(|(_, has_name)| *has_name).count();
    }
    assert!(flows > named && named > 50, "{named} of {flows}");
}

#[test]
fn a_name_that_is_not_wanted_is_no_name() {
    let path = folder().join("chromium-https.pcap");
    let with = |filter| RecordConfig {
        goal: Goal::Flows,
        names: Some(filter),
        ..RecordConfig::default()
    };
    let count = |filter| {
        let tracker = RecordTracker::new(with(filter));
        let source = PcapFlowSource::open(&path).unwrap();
        let records = Records::of(source).with_tracker(tracker);
        let mut flows = records.map(Result::unwrap);
        flows
            .by_ref()
            .filter(|it| matches!(it, Record::Flow(flow) if flow.has_name))
            .count()
    };
    assert!(count(NameFilter::new(|_| true)) > 0);
    assert_eq!(count(NameFilter::new(|name| name == b"no.such.name")), 0);
}

fn known(capture: &Path, goal: Goal, has_name: impl Fn(&Record) -> bool) -> Known {
    let config = RecordConfig {
        goal,
        names: (goal == Goal::Flows).then(|| NameFilter::new(|_| true)),
        ..RecordConfig::default()
    };
    let source = PcapFlowSource::open(capture).unwrap();
    let mut known = Known::new();
    // A capture that is cut short has records before its end.
    for record in Records::of(source)
        .with_tracker(RecordTracker::new(config))
        .flatten()
    {
        let Some((flow, _)) = record.flow() else {
            continue;
        };
        let entry = known.entry(flow.number()).or_default();
        entry.1 |= has_name(&record);
        if let Record::Flow(flow) = &record {
            entry.0 = flow.app;
        }
    }
    known
}

/// Whether a message names somebody.
fn has_name(record: &Record) -> bool {
    let is_some = |name: Option<&[u8]>| name.is_some_and(|name| !name.is_empty());
    match record {
        Record::Http(record) => match &record.message {
            HttpMessage::Request(request) => is_some(request.host().map(|host| host.as_bytes())),
            _ => false,
        },
        Record::Tls(record) => match &record.message {
            TlsMessage::ClientHello(hello) => is_some(hello.sni_bytes()),
            _ => false,
        },
        Record::Quic(record) => match &record.message {
            QuicMessage::ClientHello(hello) => is_some(hello.hello.sni_bytes()),
            QuicMessage::GoogleHello(hello) => is_some(hello.server_name.as_deref()),
            _ => false,
        },
        Record::Dns(record) => {
            let packet = record.message.packet();
            packet.is_some_and(|packet| packet.questions().next().is_some())
        }
        _ => false,
    }
}

fn captures() -> Vec<PathBuf> {
    let mut captures: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|it| it == "pcap" || it == "pcapng")
        })
        .collect();
    captures.sort();
    captures
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/pcap/recorded")
}
