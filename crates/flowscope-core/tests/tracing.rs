//! What a subscriber of tracing is told.
#![cfg(feature = "tracing")]

mod common;
#[path = "common/picky.rs"]
mod picky;

use core::fmt::{self, Write};
use std::sync::{Arc, Mutex};

use common::{lookup, talk, view};
use flowscope_fixtures::{Close, Disturbance, Frame, START, Side};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use Side::{Client, Server};

/// Writes down every event in a line, but for its time, which is the packet's.
#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<(String, String)>>>);

impl Subscriber for Diary {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let metadata = event.metadata();
        let mut line = Line(metadata.level().to_string());
        event.record(&mut line);
        let entry = (metadata.target().to_owned(), line.0);
        self.0.lock().expect("no test panicked").push(entry);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let written = match field.name() {
            "message" => write!(self.0, " {value:?}"),
            "at" => {
                assert!(format!("{value:?}").starts_with("1767225600."));
                Ok(())
            }
            name => write!(self.0, " {name}={value:?}"),
        };
        written.expect("a string takes it");
    }
}

/// The events with this target of these frames, to the end of the input.
fn told(target: &str, frames: &[Frame]) -> Vec<String> {
    let diary = Diary::default();
    tracing::subscriber::with_default(diary.clone(), || {
        let mut driver = picky::driver();
        for frame in frames {
            driver.track(view(frame), &mut |_| {});
        }
        driver.finish(&mut |_| {});
    });
    let all = diary.0.lock().expect("no test panicked").clone();
    let targeted = all.into_iter().filter(|(it, _)| it == target);
    targeted.map(|(_, line)| line).collect()
}

#[test]
fn a_flow_is_told_of_as_it_starts_and_ends() {
    let frames = [
        talk().handshake().close(Close::Fin(Client)).frames(),
        lookup(5000, START),
    ]
    .concat();
    assert_eq!(
        told("flowscope::flow", &frames),
        [
            "DEBUG flow started flow=1",
            "DEBUG flow started flow=2",
            "DEBUG flow ended flow=1 reason=\"fin\" packets_initiator=4 packets_responder=2 \
             bytes_initiator=228 bytes_responder=120 missing_bytes=0",
            "DEBUG flow ended flow=2 reason=\"end_of_input\" packets_initiator=1 \
             packets_responder=1 bytes_initiator=45 bytes_responder=44 missing_bytes=0",
        ]
    );
    assert_eq!(told("flowscope::anomaly", &frames), [""; 0]);
}

#[test]
fn anomalies_are_told_at_the_level_of_their_kind() {
    let talk = talk()
        .handshake()
        .blind_reset(Server, 1 << 30)
        .send(Client, b"lost")
        .send(Client, b"found!")
        .disturb(Disturbance::Lose(4));
    assert_eq!(
        told("flowscope::anomaly", &talk.frames()),
        [
            "WARN anomaly flow=1 side=\"responder\" kind=\"rst_out_of_window\"",
            "INFO anomaly flow=1 side=\"initiator\" kind=\"stream_gap\"",
            "INFO anomaly flow=1 side=\"initiator\" kind=\"parse_error\"",
        ]
    );
}

#[test]
fn messages_are_told_where_that_is_asked_for() {
    let talk = talk()
        .handshake()
        .send(Client, b"ask")
        .send(Server, b"tell");
    let expected: &[&str] = if cfg!(feature = "tracing-messages") {
        &[
            "DEBUG message flow=1 side=\"initiator\" message_type=\"usize\"",
            "DEBUG message flow=1 side=\"responder\" message_type=\"usize\"",
        ]
    } else {
        &[]
    };
    assert_eq!(told("flowscope::message", &talk.frames()), expected);
}
