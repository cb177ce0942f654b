//! A parser that fails is reported once, whenever that is.

mod common;
#[path = "common/picky.rs"]
mod picky;

use common::{talk, view};
use flowscope_core::extract::FiveTuple;
use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Input, Interest, ParseError, SessionParser};
use flowscope_core::track::{AnomalyKind, EndReason};
use flowscope_core::{FlowSessionDriver, SessionEvent, Sink};
use flowscope_fixtures::{Close, Conversation, Disturbance, Side};

use Side::Client;

/// How often the conversation is told to be odd for its parser, and how often
/// its session is told to end for that.
fn reports(talk: &Conversation) -> (usize, usize) {
    let mut driver = picky::driver();
    let mut events = Vec::new();
    for frame in &talk.frames() {
        driver.track(view(frame), &mut events);
    }
    driver.finish(&mut events);
    let odd = events.iter().filter(|event| {
        let kind = AnomalyKind::ParseError;
        matches!(event, SessionEvent::Anomaly { kind: it, .. } if *it == kind)
    });
    let failed = events
        .iter()
        .filter(|event| matches!(event, SessionEvent::ParserFailed { .. }));
    let Some(SessionEvent::Closed { reason, .. }) = events.last() else {
        panic!("the end of the flow comes last");
    };
    assert_eq!(*reason, EndReason::ParseError);
    (odd.count(), failed.count())
}

#[test]
fn as_the_bytes_come() {
    let talk = talk().handshake().send(Client, b"no!").send(Client, b"no!");
    assert_eq!(reports(&talk), (1, 1));
}

/// Behind a hole, bytes are read when there is nothing more to wait for.
#[test]
fn as_the_flow_ends() {
    let talk = talk()
        .handshake()
        .send(Client, b"lost")
        .send(Client, b"no!")
        .disturb(Disturbance::Lose(3));
    assert_eq!(reports(&talk), (1, 1));
    assert_eq!(reports(&talk.close(Close::Reset(Client))), (1, 1));
}

/// Gives each byte, up to the first that is no letter.
#[derive(Clone)]
struct Letters;

impl SessionParser for Letters {
    type Message = u8;
    type Error = ParseError;

    fn feed(&mut self, input: Input<'_>, out: &mut dyn Sink<u8>) -> Result<Interest, ParseError> {
        let Chunk::Data(bytes) = input.chunk else {
            return Ok(Interest::Done);
        };
        for byte in bytes {
            if !byte.is_ascii_alphabetic() {
                return Err(ParseError::Malformed);
            }
            out.push(*byte);
        }
        Ok(Interest::More)
    }
}

#[test]
fn an_error_is_reported_behind_what_was_read_before_it() {
    let mut driver = FlowSessionDriver::new(FiveTuple::bidirectional(), Letters);
    let mut told = Vec::new();
    let mut on_event = |event| match event {
        SessionEvent::Application { message, .. } => told.push(char::from(message).to_string()),
        SessionEvent::ParserFailed { error, .. } => {
            let error = error.expect("it returned an error");
            assert_eq!(error.downcast_ref(), Some(&ParseError::Malformed));
            told.push(format!("{error:?}"));
        }
        _ => {}
    };
    for frame in &talk().handshake().send(Client, b"ab1c").frames() {
        driver.track(view(frame), &mut on_event);
    }
    driver.finish(&mut on_event);
    assert_eq!(told, ["a", "b", "malformed message"]);
}

/// The bytes that come after a failure count, too.
#[test]
fn the_end_of_a_flow_comes_once_with_its_last_statistics() {
    let talk = talk()
        .handshake()
        .send(Client, b"no!")
        .send(Client, b"and so on");
    let mut driver = picky::driver();
    let mut ends = Vec::new();
    let mut on_event = |event| {
        if let SessionEvent::Closed { stats, .. } = event {
            ends.push(stats.payload_bytes.total());
        }
    };
    for frame in &talk.frames() {
        driver.track(view(frame), &mut on_event);
    }
    driver.finish(&mut on_event);
    assert_eq!(ends, [12]);
}
