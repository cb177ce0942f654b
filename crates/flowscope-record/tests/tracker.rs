//! Records of packets that are handed in one by one.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::{Arc, Mutex};

use flowscope_core::track::{EndReason, FlowState};
use flowscope_core::{FlowSide, LinkType, PacketView, Timestamp};
use flowscope_detect::Protocol;
use flowscope_fixtures::{Close, Conversation, Frame, START, Side, address};
use flowscope_record::{
    EventKind, FlowKey, Goal, PacketSource, Record, RecordConfig, RecordTracker, Records, StreamId,
    StreamWriter, json,
};

#[test]
fn all_has_messages_before_the_flow_that_they_are_of() {
    let records = records(Goal::All, &conversation().frames());
    let kinds: Vec<_> = records.iter().map(Record::kind).collect();
    assert_eq!(kinds, ["http_request", "http_response", "flow"]);
    let Some(Record::Flow(flow)) = records.last() else {
        panic!("the flow comes last");
    };
    assert_eq!(flow.app, Some(Protocol::Http));
    assert_eq!(flow.reason, EndReason::Fin);
    assert_eq!(flow.stats.payload_bytes.initiator, REQUEST.len() as u64);
    assert_eq!((flow.first_frame, flow.last_frame), (1, 10));
    let mut numbers = records.iter().map(|it| it.flow().unwrap().0.number());
    assert!(numbers.all(|number| number == 1));
}

#[test]
fn events_say_whose_they_are_while_the_flow_lives() {
    let mut records = Vec::new();
    let mut tracker = tracker(Goal::Events);
    let frames = conversation().frames();
    tracker.track(packet(&frames[0]), &mut records);
    let [Record::Event(started)] = &records[..] else {
        panic!("one event");
    };
    assert_eq!(started.kind, EventKind::Started(FlowState::SynSent));
    assert_eq!(started.endpoints.source(), "10.0.0.1:40000");

    tracker.track_batch(frames[1..].iter().map(packet), &mut records);
    tracker.finish(&mut records);
    assert!(matches!(records.last(), Some(Record::Ended(_))));
    let flows = records.iter().filter(|it| it.kind() == "flow").count();
    assert_eq!(flows, 0);
}

#[test]
fn a_goal_of_one_protocol_has_no_records_of_another() {
    let frames = conversation().frames();
    assert_eq!(records(Goal::Http, &frames).len(), 2);
    assert_eq!(records(Goal::Tls, &frames).len(), 0);
    assert_eq!(records(Goal::Dns, &frames).len(), 0);
}

#[test]
fn a_live_source_is_told_when_to_come_back() {
    let mut records = Vec::new();
    let mut tracker = tracker(Goal::Flows);
    tracker.track(packet(&conversation().frames()[0]), &mut records);
    let mut now = Timestamp::from_nanos(START);
    while let Some(due) = tracker.next_expiry() {
        now = due;
        tracker.expire(now, &mut records);
    }
    let [Record::Flow(flow)] = &records[..] else {
        panic!("one flow");
    };
    assert_eq!((flow.reason, flow.at), (EndReason::IdleTimeout, now));
    assert_eq!(tracker.stats().packets, 1);
}

#[test]
fn pairs_of_hosts_have_no_ports() {
    let config = RecordConfig {
        goal: Goal::Flows,
        key: FlowKey::IpPair,
        ..RecordConfig::default()
    };
    let mut records = Vec::new();
    let mut tracker = RecordTracker::new(config);
    let frames = conversation().frames();
    tracker.track_batch(frames.iter().map(packet), &mut records);
    tracker.finish(&mut records);
    let [Record::Flow(flow)] = &records[..] else {
        panic!("one flow");
    };
    assert_eq!(flow.endpoints.source(), "10.0.0.1");
    assert_eq!(flow.community_id(), None);
}

#[test]
fn a_summary_is_about_everything_and_comes_once() {
    let mut records = Vec::new();
    let mut tracker = tracker(Goal::Summary);
    let frames = conversation().frames();
    tracker.track_batch(frames.iter().map(packet), &mut records);
    assert!(records.is_empty());
    tracker.finish(&mut records);
    let [Record::Summary(summary), Record::Skipped(skipped)] = &records[..] else {
        panic!("two records");
    };
    assert_eq!((summary.totals.packets, skipped.skipped()), (10, 0));
    assert_eq!(summary.span.unwrap().start, Timestamp::from_nanos(START));
    assert_eq!(summary.apps[0].0, "http");
    assert_eq!(summary.names[0].name, b"example.org");
    assert_eq!(summary.names[0].counts.http, 1);
    assert_eq!(summary.hosts.len(), 2);
}

#[test]
fn streams_go_to_their_writer_before_their_records() {
    /// What each side sent, and how many sides are over.
    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<(Vec<u8>, Vec<FlowSide>)>>);

    impl StreamWriter for Kept {
        fn write(&mut self, stream: StreamId, bytes: &[u8]) {
            if stream.side == FlowSide::Initiator {
                self.0.lock().unwrap().0.extend_from_slice(bytes);
            }
        }

        fn close(&mut self, stream: StreamId) {
            self.0.lock().unwrap().1.push(stream.side);
        }
    }

    let kept = Kept::default();
    let mut tracker = tracker(Goal::Streams).with_stream_writer(kept.clone());
    let mut closed_before = Vec::new();
    let mut sink = |_: Record| closed_before.push(kept.0.lock().unwrap().1.len());
    let frames = conversation().frames();
    tracker.track_batch(frames.iter().map(packet), &mut sink);
    tracker.finish(&mut sink);
    assert_eq!(closed_before, [1, 2]);
    let (bytes, sides) = &*kept.0.lock().unwrap();
    assert_eq!(bytes, REQUEST);
    assert_eq!(sides, &[FlowSide::Initiator, FlowSide::Responder]);
}

#[test]
fn an_error_comes_after_the_records_of_what_could_be_read() {
    struct Broken(Vec<Frame>);

    impl PacketSource for Broken {
        type Error = &'static str;

        fn next_packet(&mut self) -> Result<Option<PacketView<'_>>, &'static str> {
            // The last frame has to live until it was tracked.
            match self.0.len() {
                ..=1 => Err("broken"),
                _ => {
                    self.0.remove(0);
                    Ok(Some(packet(&self.0[0])))
                }
            }
        }
    }

    let results: Vec<_> = Records::of(Broken(conversation().frames())).collect();
    assert!(matches!(results.last(), Some(Err("broken"))));
    assert!(matches!(results[results.len() - 2], Ok(Record::Flow(_))));
    assert_eq!(results.iter().filter(|it| it.is_err()).count(), 1);
}

/// From so many flows on, packets are looked up ahead of the one that is tracked.
#[test]
fn packets_at_once_give_the_records_that_they_give_one_by_one() {
    let conversation = conversation().frames();
    let with_client = |frame: &Frame, number: u32| {
        let mut frame = frame.clone();
        let address = (10 << 24 | number).to_be_bytes();
        let at = if frame.bytes[26..30] == [10, 0, 0, 2] {
            30
        } else {
            26
        };
        frame.bytes[at..at + 4].copy_from_slice(&address);
        frame
    };
    let opened = (0..66_000).map(|number| with_client(&conversation[0], 100 + number));
    let read = (0..50).flat_map(|number| {
        let frames = conversation.iter();
        // Some are known by now, others are new.
        frames.map(move |frame| with_client(frame, 75 + number))
    });
    let frames: Vec<Frame> = opened.chain(read).collect();
    for goal in [Goal::All, Goal::Events, Goal::Flows, Goal::Summary] {
        let written = |track: fn(&mut RecordTracker, &[Frame], &mut dyn FnMut(Record))| {
            let mut text = Vec::new();
            let mut write = |record: Record| {
                match &record {
                    Record::Flow(flow) | Record::Ended(flow) => {
                        let ended = (flow.at, flow.flow, flow.reason, flow.stats.packets);
                        text.extend(format!("{ended:?}").bytes());
                    }
                    _ => json::append(&mut text, &record),
                }
                text.push(b'\n');
            };
            let mut tracker = tracker(goal);
            track(&mut tracker, &frames, &mut write);
            tracker.finish(&mut write);
            text
        };
        let one_by_one = written(|tracker, frames, mut out| {
            for frame in frames {
                tracker.track(packet(frame), &mut out);
            }
        });
        let at_once = written(|tracker, frames, mut out| {
            tracker.track_batch(frames.iter().map(packet), &mut out);
        });
        assert!(at_once == one_by_one, "{goal:?}");
        assert!(one_by_one.len() > 1000);
    }
}

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";

fn conversation() -> Conversation {
    Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:80"))
        .handshake()
        .send(Side::Client, REQUEST)
        .send(Side::Server, RESPONSE)
        .close(Close::Fin(Side::Client))
}

fn records(goal: Goal, frames: &[Frame]) -> Vec<Record> {
    let mut records = Vec::new();
    let mut tracker = tracker(goal);
    tracker.track_batch(frames.iter().map(packet), &mut records);
    tracker.finish(&mut records);
    records
}

fn tracker(goal: Goal) -> RecordTracker {
    RecordTracker::new(RecordConfig {
        goal,
        ..RecordConfig::default()
    })
}

fn packet(frame: &Frame) -> PacketView<'_> {
    PacketView::new(&frame.bytes, Timestamp::from_nanos(frame.nanos))
        .with_link(LinkType(frame.link))
        .with_wire_len(frame.wire_len)
}
