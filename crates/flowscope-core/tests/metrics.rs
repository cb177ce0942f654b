//! What a recorder of metrics is told, against what is known of the traffic.
#![cfg(feature = "metrics")]

mod common;
#[path = "common/picky.rs"]
mod picky;

use core::sync::atomic::{AtomicU64, Ordering};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use common::{lookup, talk, view};
use flowscope_core::Timestamp;
use flowscope_core::observe;
use flowscope_fixtures::{
    Close, Conversation, Disturbance, Ethernet, Fragmented, Frame, Ipv4, Layer, MILLISECOND,
    Resend, SECOND, START, Side, Udp, address, link_type,
};
use metrics::{Counter, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, SharedString, Unit};
use picky::driver;

use Side::{Client, Server};

/// Keeps what it is told, by names and labels.
#[derive(Default)]
struct Book {
    counters: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
    gauges: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
    histograms: Mutex<BTreeMap<String, Arc<Values>>>,
    described: Mutex<Vec<String>>,
}

#[derive(Default)]
struct Values(Mutex<Vec<f64>>);

impl HistogramFn for Values {
    fn record(&self, value: f64) {
        self.0.lock().expect("no test panicked").push(value);
    }
}

impl Book {
    /// The counters, those that were never told left out.
    fn counters(&self) -> BTreeMap<String, u64> {
        let counters = self.counters.lock().expect("no test panicked");
        let read = |(name, value): (&String, &Arc<AtomicU64>)| {
            (name.clone(), value.load(Ordering::Relaxed))
        };
        counters.iter().map(read).collect()
    }

    fn counter(&self, name: &str) -> u64 {
        self.counters().get(name).copied().unwrap_or_default()
    }

    fn gauge(&self, name: &str) -> Option<f64> {
        let gauges = self.gauges.lock().expect("no test panicked");
        Some(f64::from_bits(gauges.get(name)?.load(Ordering::Relaxed)))
    }

    fn histogram(&self, name: &str) -> Vec<f64> {
        let histograms = self.histograms.lock().expect("no test panicked");
        let values = histograms.get(name).map(|values| values.0.lock());
        values.map_or_else(Vec::new, |values| values.expect("no test panicked").clone())
    }

    fn describe(&self, name: &KeyName, unit: Option<Unit>, says: &str) {
        let unit = unit.expect("all have a unit").as_str();
        let row = format!("{} {unit} {says}", name.as_str());
        self.described.lock().expect("no test panicked").push(row);
    }
}

/// As `name{label=value}`.
fn told(key: &Key) -> String {
    let labels: Vec<_> = key
        .labels()
        .map(|label| format!("{}={}", label.key(), label.value()))
        .collect();
    match labels[..] {
        [] => key.name().to_owned(),
        _ => format!("{}{{{}}}", key.name(), labels.join(",")),
    }
}

fn entry<T: Default>(all: &Mutex<BTreeMap<String, Arc<T>>>, key: &Key) -> Arc<T> {
    let mut all = all.lock().expect("no test panicked");
    Arc::clone(all.entry(told(key)).or_default())
}

impl metrics::Recorder for Book {
    fn describe_counter(&self, name: KeyName, unit: Option<Unit>, says: SharedString) {
        self.describe(&name, unit, &says);
    }

    fn describe_gauge(&self, name: KeyName, unit: Option<Unit>, says: SharedString) {
        self.describe(&name, unit, &says);
    }

    fn describe_histogram(&self, name: KeyName, unit: Option<Unit>, says: SharedString) {
        self.describe(&name, unit, &says);
    }

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(entry(&self.counters, key))
    }

    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(entry(&self.gauges, key))
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(entry(&self.histograms, key))
    }
}

/// What is told of these frames, to the end of the input.
fn watch(frames: &[Frame]) -> Book {
    let book = Book::default();
    metrics::with_local_recorder(&book, || {
        let mut driver = driver();
        for frame in frames {
            driver.track(view(frame), &mut |_| {});
        }
        driver.finish(&mut |_| {});
    });
    book
}

/// Checks all counters that begin with one of these names.
#[track_caller]
fn assert_counters(book: &Book, of: &[&str], expected: &[(&str, u64)]) {
    let counters = book.counters();
    let is_asked_for = |(name, _): &(&String, &u64)| {
        of.contains(&name.split('{').next().expect("there is a first part"))
    };
    let found: Vec<_> = counters
        .iter()
        .filter(is_asked_for)
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    assert_eq!(found, expected);
}

/// Ten bytes one way, and three segments of 4, 4 and 2 bytes the other: the
/// handshake, then packets 3 and 4, then 5 to 9, of which 5, 6 and 8 carry data.
fn exchange() -> Conversation {
    talk()
        .handshake()
        .send(Client, b"ten bytes.")
        .with_segment_size(4)
        .send(Server, b"0123456789")
}

#[test]
fn packets_and_bytes_are_counted_by_side() {
    let talk = exchange().close(Close::Fin(Client));
    let frames = talk.frames();
    let book = watch(&frames);
    let of = |side| {
        let own = talk.segments().iter().zip(&frames);
        let lens = own.filter(|(segment, _)| segment.from == side);
        let lens: Vec<_> = lens.map(|(_, frame)| u64::from(frame.wire_len)).collect();
        (lens.len() as u64, lens.iter().sum::<u64>())
    };
    let (client, server) = (of(Client), of(Server));
    assert_counters(
        &book,
        &[
            "flowscope_packets_total",
            "flowscope_bytes_total",
            "flowscope_flow_packets_total",
            "flowscope_flow_bytes_total",
            "flowscope_flow_payload_bytes_total",
            "flowscope_stream_delivered_bytes_total",
        ],
        &[
            ("flowscope_bytes_total", client.1 + server.1),
            ("flowscope_flow_bytes_total{side=initiator}", client.1),
            ("flowscope_flow_bytes_total{side=responder}", server.1),
            ("flowscope_flow_packets_total{side=initiator}", client.0),
            ("flowscope_flow_packets_total{side=responder}", server.0),
            ("flowscope_flow_payload_bytes_total{side=initiator}", 10),
            ("flowscope_flow_payload_bytes_total{side=responder}", 10),
            ("flowscope_packets_total", frames.len() as u64),
            ("flowscope_stream_delivered_bytes_total{side=initiator}", 10),
            ("flowscope_stream_delivered_bytes_total{side=responder}", 10),
        ],
    );
}

#[test]
fn flows_are_counted_as_they_start_and_by_why_they_end() {
    let from = |port: u16, talk: fn(Conversation) -> Conversation| {
        let client = format!("10.0.0.1:{port}");
        talk(Conversation::new(address(&client), address("10.0.0.2:80"))).frames()
    };
    let late = START + 3600 * SECOND;
    let frames = [
        from(1, |talk| talk.handshake().close(Close::Fin(Client))),
        from(2, |talk| talk.handshake().close(Close::Fin(Server))),
        from(3, |talk| talk.handshake().close(Close::Reset(Server))),
        from(4, |talk| talk.handshake()),
        lookup(5000, late),
        lookup(5001, late),
    ]
    .concat();
    assert_counters(
        &watch(&frames),
        &[
            "flowscope_flows_created_total",
            "flowscope_flows_ended_total",
        ],
        &[
            ("flowscope_flows_created_total", 6),
            ("flowscope_flows_ended_total{reason=end_of_input}", 2),
            ("flowscope_flows_ended_total{reason=fin}", 2),
            ("flowscope_flows_ended_total{reason=idle_timeout}", 1),
            ("flowscope_flows_ended_total{reason=rst}", 1),
        ],
    );
}

#[test]
fn skipped_packets_are_counted_by_layer_and_cause() {
    let cut = |len| {
        let whole = lookup(5000, START).swap_remove(0);
        whole.cut(len)
    };
    assert_counters(
        &watch(&[cut(13), cut(20), cut(13), cut(60)]),
        &[
            "flowscope_packets_total",
            "flowscope_packets_skipped_total",
            "flowscope_flow_packets_total",
        ],
        &[
            ("flowscope_flow_packets_total{side=initiator}", 1),
            (
                "flowscope_packets_skipped_total{layer=ethernet,cause=header cut by the capture}",
                2,
            ),
            (
                "flowscope_packets_skipped_total{layer=ipv4,cause=header cut by the capture}",
                1,
            ),
            ("flowscope_packets_total", 4),
        ],
    );
}

#[test]
fn holes_and_what_was_sent_again_are_counted_when_the_flow_ends() {
    let lost = exchange().disturb(Disturbance::Lose(6)).frames();
    assert_counters(
        &watch(&lost),
        &[
            "flowscope_stream_holes_total",
            "flowscope_stream_missing_bytes_total",
            "flowscope_stream_delivered_bytes_total",
            "flowscope_anomalies_total",
        ],
        &[
            ("flowscope_anomalies_total{kind=stream_gap}", 1),
            ("flowscope_stream_delivered_bytes_total{side=initiator}", 10),
            ("flowscope_stream_delivered_bytes_total{side=responder}", 6),
            ("flowscope_stream_holes_total{side=responder}", 1),
            ("flowscope_stream_missing_bytes_total{side=responder}", 4),
        ],
    );
    let again = Disturbance::Resend {
        packet: 3,
        behind: 0,
        what: Resend::Whole,
    };
    assert_counters(
        &watch(&exchange().disturb(again).frames()),
        &[
            "flowscope_stream_retransmitted_bytes_total",
            "flowscope_anomalies_total",
        ],
        &[(
            "flowscope_stream_retransmitted_bytes_total{side=initiator}",
            10,
        )],
    );
}

#[test]
fn copies_that_differ_are_counted() {
    let conflicting = Disturbance::Resend {
        packet: 6,
        behind: 0,
        what: Resend::Conflicting,
    };
    // Both copies wait for the bytes before them.
    let late = Disturbance::Delay {
        packet: 5,
        behind: 2,
    };
    assert_counters(
        &watch(&exchange().disturb(conflicting).disturb(late).frames()),
        &[
            "flowscope_stream_conflict_bytes_total",
            "flowscope_anomalies_total",
        ],
        &[
            ("flowscope_anomalies_total{kind=overlap_conflict}", 1),
            ("flowscope_stream_conflict_bytes_total{side=responder}", 4),
        ],
    );
}

#[test]
fn a_stream_that_held_bytes_tells_how_many() {
    let late = Disturbance::Delay {
        packet: 5,
        behind: 1,
    };
    let book = watch(&exchange().disturb(late).frames());
    let peak = "flowscope_stream_held_peak_bytes{side=responder}";
    assert_eq!(book.histogram(peak), [4.0]);
    let other = "flowscope_stream_held_peak_bytes{side=initiator}";
    assert_eq!(book.histogram(other), [0.0; 0]);
    // The driver is gone, and with it its share of the gauges.
    let memory = "flowscope_memory_peak_bytes{of=streams}";
    assert_eq!(book.gauge(memory), Some(0.0));
}

#[test]
fn a_parser_that_fails_is_counted_once() {
    let talk = exchange()
        .send(Client, b"no!")
        .send(Client, b"neither!")
        .close(Close::Fin(Client));
    assert_counters(
        &watch(&talk.frames()),
        &[
            "flowscope_parser_errors_total",
            "flowscope_anomalies_total",
            "flowscope_flows_ended_total",
        ],
        &[
            ("flowscope_anomalies_total{kind=parse_error}", 1),
            ("flowscope_flows_ended_total{reason=fin}", 1),
            ("flowscope_parser_errors_total", 1),
        ],
    );
}

/// A datagram of 40 bytes from the port, in fragments of 24, 16 and 8.
fn fragments(port: u16, identification: u32) -> Vec<Frame> {
    let layers = [
        Layer::Ethernet(Ethernet::default()),
        Layer::Ipv4(Ipv4::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into())),
        Layer::Udp(Udp::new(port, 53)),
    ];
    let packet = Fragmented::new(&layers, 1, &[7; 40]).numbered(identification);
    let frames = packet.every(16).into_iter().zip(0..);
    frames
        .map(|(bytes, n)| Frame::new(START + n * MILLISECOND, link_type::ETHERNET, bytes))
        .collect()
}

#[test]
fn fragments_and_their_datagrams_are_counted() {
    let mut frames = fragments(5000, 1);
    frames.extend_from_slice(&fragments(5001, 2)[..2]);
    frames.extend_from_slice(&fragments(5002, 3)[1..]);
    assert_counters(
        &watch(&frames),
        &[
            "flowscope_packets_total",
            "flowscope_packets_skipped_total",
            "flowscope_flow_packets_total",
            "flowscope_flow_payload_bytes_total",
            "flowscope_datagrams_reassembled_total",
            "flowscope_datagrams_lost_total",
            "flowscope_anomalies_total",
        ],
        &[
            ("flowscope_anomalies_total{kind=incomplete_datagram}", 1),
            ("flowscope_datagrams_lost_total{reason=end_of_input}", 2),
            ("flowscope_datagrams_reassembled_total", 1),
            ("flowscope_flow_packets_total{side=initiator}", 5),
            ("flowscope_flow_payload_bytes_total{side=initiator}", 40),
            (
                "flowscope_packets_skipped_total{layer=ipv4,cause=fragment without ports}",
                2,
            ),
            ("flowscope_packets_total", 7),
        ],
    );
}

#[test]
fn counts_are_published_now_and_then_and_gauges_hold_for_all_engines() {
    let book = Book::default();
    metrics::with_local_recorder(&book, || {
        let mut sink = |_| {};
        let mut many = driver();
        for n in 0..1024 {
            assert_eq!(book.counter("flowscope_packets_total"), 0);
            let port = 10_000 + n as u16;
            many.track(view(&lookup(port, START + n)[0]), &mut sink);
        }
        // It is published before the last of them is looked at.
        assert_eq!(book.counter("flowscope_packets_total"), 1024);
        assert_eq!(book.counter("flowscope_flows_created_total"), 1023);
        assert_eq!(book.gauge("flowscope_flows_active"), Some(1023.0));

        let mut few = driver();
        few.track(view(&lookup(1, START)[0]), &mut sink);
        few.track(view(&fragments(2, 1)[1]), &mut sink);
        few.expire(Timestamp::from_nanos(START), &mut sink);
        let now = |name| book.gauge(name).expect("it was told");
        assert_eq!(now("flowscope_fragments_held"), 1.0);
        assert_eq!(now("flowscope_flows_active"), 1024.0);
        assert!(now("flowscope_memory_bytes{of=fragments}") > 0.0);
        drop(few);
        assert_eq!(now("flowscope_fragments_held"), 0.0);
        assert_eq!(now("flowscope_memory_bytes{of=fragments}"), 0.0);
        assert_eq!(now("flowscope_flows_active"), 1023.0);
        assert_eq!(now("flowscope_flows_peak"), 1023.0);

        many.finish(&mut sink);
        assert_eq!(now("flowscope_flows_active"), 0.0);
        assert_eq!(now("flowscope_flows_peak"), 1024.0);
        assert_eq!(book.counter("flowscope_flows_created_total"), 1025);
    });
}

#[test]
fn every_metric_is_described_and_none_is_told_that_is_not() {
    let book = Book::default();
    metrics::with_local_recorder(&book, observe::describe);
    let described = book.described.lock().expect("no test panicked");
    assert_eq!(described.len(), documented().count());
    assert!(described.contains(&"flowscope_flows_active count Flows that are live.".to_owned()));

    let told = watch(&[exchange().frames(), fragments(1, 1)].concat());
    for name in told.counters().keys() {
        let (name, labels) = name.split_once('{').unwrap_or((name, ""));
        let found = documented().find(|(metric, _)| *metric == name);
        let (_, labels_of) = found.unwrap_or_else(|| panic!("{name} is in no list"));
        for label in labels.split_terminator(',') {
            let (label, _) = label.split_once('=').expect("a label has a value");
            let label = format!("`{label}`");
            assert!(labels_of.contains(&label), "{name} has no {label}");
        }
    }
}

/// Names and labels, as the documentation has them.
fn documented() -> impl Iterator<Item = (&'static str, &'static str)> {
    let text = include_str!("../../../docs/OBSERVABILITY.md");
    text.lines().filter_map(|line| {
        let row = line.strip_prefix("| `flowscope_")?;
        let name = &line[3..3 + "flowscope_".len() + row.find('`')?];
        Some((name, row.split('|').nth(3)?))
    })
}
