//! A reassembler of the user's own puts in order what a driver shows it.

mod common;

use common::{talk, view};
use flowscope_core::engine::ReassemblerFactory;
use flowscope_core::extract::{FiveTuple, FiveTupleKey};
use flowscope_core::reassemble::{BufferedReassembler, Chunk};
use flowscope_core::track::AnomalyKind;
use flowscope_core::{BySide, FlowEvent, FlowReassemblyDriver, FlowSide, Timestamp};
use flowscope_fixtures::{Close, Disturbance, Side, Tcp};

/// What came out of each side, a gap as dots.
#[derive(Default)]
struct Text(BySide<String>);

impl ReassemblerFactory<FiveTupleKey> for Text {
    type Reassembler = BufferedReassembler;

    fn open(&mut self, _: &FiveTupleKey, _: FlowSide) -> BufferedReassembler {
        BufferedReassembler::default()
    }

    fn chunk(&mut self, _: &FiveTupleKey, side: FlowSide, _: Timestamp, chunk: Chunk<'_>) {
        let text = &mut self.0[side];
        match chunk {
            Chunk::Data(bytes) => text.push_str(&String::from_utf8_lossy(bytes)),
            Chunk::Gap(len) => (0..len).for_each(|_| text.push('.')),
        }
    }
}

#[test]
fn each_side_of_a_connection_has_one() {
    let talk = talk()
        .handshake()
        .segment(Side::Client, Tcp::ACK, b"one ")
        .segment(Side::Client, Tcp::ACK, b"two ")
        .segment(Side::Client, Tcp::ACK, b"three")
        .segment(Side::Server, Tcp::ACK, b"lost")
        .segment(Side::Server, Tcp::ACK, b" answer")
        .close(Close::Fin(Side::Client))
        .disturb(Disturbance::Delay {
            packet: 3,
            behind: 1,
        })
        .disturb(Disturbance::Lose(6));
    let mut driver = FlowReassemblyDriver::new(FiveTuple::bidirectional(), Text::default());
    let mut events = Vec::new();
    for frame in &talk.frames() {
        driver.track(view(frame), &mut events);
    }
    driver.finish(&mut events);

    let text = &driver.factory().0;
    assert_eq!(text.initiator, "one two three");
    assert_eq!(text.responder, ".... answer");
    let gaps = driver.stats().anomalies_of(AnomalyKind::StreamGap);
    assert_eq!(gaps, 1);
    let Some(FlowEvent::Ended { stats, .. }) = events.last() else {
        panic!("{:?} is no end", events.last());
    };
    assert_eq!(stats.missing_bytes.responder, 4);
    assert_eq!(driver.held_memory(), 0);
}
