//! A parser that fails is reported once, whenever that is.

mod common;
#[path = "common/picky.rs"]
mod picky;

use common::{talk, view};
use flowscope_core::SessionEvent;
use flowscope_core::track::{AnomalyKind, EndReason};
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
    let closed = events.iter().filter(|event| {
        let reason = EndReason::ParseError;
        matches!(event, SessionEvent::Closed { reason: it, .. } if *it == reason)
    });
    (odd.count(), closed.count())
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
