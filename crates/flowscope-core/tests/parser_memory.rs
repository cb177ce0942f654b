//! What parsers hold counts against the memory for all flows.

mod common;

use core::convert::Infallible;

use common::view;
use flowscope_core::engine::Pressure;
use flowscope_core::extract::{FiveTuple, FiveTupleKey};
use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{
    Datagram, DatagramParser, Input, Interest, SessionParser, StreamEnd,
};
use flowscope_core::track::AnomalyKind;
use flowscope_core::{EngineConfig, FlowDatagramDriver, FlowSessionDriver, SessionEvent, Sink};
use flowscope_fixtures::{Conversation, Datagrams, Frame, SECOND, START, Side, Tcp, address};

/// Keeps all bytes up to a full stop, and gives their number; at its end that
/// of what is left, negative.
#[derive(Clone, Default)]
struct Sentences {
    bytes: Vec<u8>,
}

impl Sentences {
    fn read(&mut self, bytes: &[u8], out: &mut dyn Sink<i64>) {
        for byte in bytes {
            self.bytes.push(*byte);
            if *byte == b'.' {
                out.push(self.bytes.len() as i64);
                self.bytes = Vec::new();
            }
        }
    }

    fn end(&mut self, out: &mut dyn Sink<i64>) {
        if !self.bytes.is_empty() {
            out.push(-(self.bytes.len() as i64));
            self.bytes = Vec::new();
        }
    }
}

impl SessionParser for Sentences {
    type Message = i64;
    type Error = Infallible;

    fn feed(&mut self, input: Input<'_>, out: &mut dyn Sink<i64>) -> Result<Interest, Infallible> {
        if let Chunk::Data(bytes) = input.chunk {
            self.read(bytes, out);
        }
        Ok(Interest::More)
    }

    fn close(&mut self, _: StreamEnd, out: &mut dyn Sink<i64>) {
        self.end(out);
    }

    fn memory(&self) -> usize {
        self.bytes.capacity()
    }
}

impl DatagramParser for Sentences {
    type Message = i64;
    type Error = Infallible;

    fn parse(
        &mut self,
        datagram: Datagram<'_>,
        out: &mut dyn Sink<i64>,
    ) -> Result<Interest, Infallible> {
        self.read(datagram.payload, out);
        Ok(Interest::More)
    }

    fn close(&mut self, _: flowscope_core::Timestamp, out: &mut dyn Sink<i64>) {
        self.end(out);
    }

    fn memory(&self) -> usize {
        self.bytes.capacity()
    }
}

const MAX: usize = 64 << 10;

fn config(pressure: Pressure) -> EngineConfig {
    EngineConfig {
        max_memory: MAX,
        pressure,
        ..EngineConfig::default()
    }
}

/// A connection that says so many bytes without end.
fn hoarder(number: u64) -> Conversation {
    let client = format!("10.1.{}.{}:40000", number / 250, number % 250 + 1);
    Conversation::new(address(&client), address("10.0.0.2:80"))
        .starting_at(START + SECOND + number * 1000)
        .handshake()
        .segment(Side::Client, Tcp::ACK, &[b'x'; 1000])
}

type Event = SessionEvent<FiveTupleKey, i64>;

#[test]
fn half_messages_of_many_connections_stay_under_the_cap() {
    for pressure in [Pressure::Oldest, Pressure::Current] {
        let mut driver = FlowSessionDriver::new(FiveTuple::bidirectional(), Sentences::default())
            .with_config(config(pressure));
        let mut cut_short = 0;
        let mut on_event = |event: Event| {
            if let SessionEvent::Application { message, .. } = event {
                assert!(message >= -1000, "{message}");
                cut_short += 1;
            }
        };
        for number in 0..500 {
            for frame in hoarder(number).frames() {
                driver.track(view(&frame), &mut on_event);
                assert!(driver.held_memory() <= MAX, "{pressure:?}");
            }
        }
        let given_up = driver.stats().anomalies_of(AnomalyKind::ParserOverflow);
        assert!(given_up > 400, "{pressure:?}: {given_up}");
        driver.finish(&mut on_event);
        // What was half read is told of each.
        assert_eq!(cut_short, 500, "{pressure:?}");
        assert_eq!(driver.held_memory(), 0);
        assert!(driver.held_memory_peak() <= MAX + 2048);
    }
}

#[test]
fn a_connection_that_gets_on_is_kept_among_those_that_do_not() {
    let mut honest = Conversation::new(address("10.9.0.1:40000"), address("10.0.0.2:80"))
        .starting_at(START)
        .handshake();
    for _ in 0..500 {
        honest = honest
            .segment(Side::Client, Tcp::ACK, b"one sentence, and half")
            .segment(Side::Client, Tcp::ACK, b" of the next.")
            .wait(SECOND / 100);
    }
    let mut frames: Vec<Frame> = honest.frames();
    frames.extend((0..500).flat_map(|number| hoarder(number * 10).frames()));
    frames.sort_by_key(|frame| frame.nanos);
    let mut driver = FlowSessionDriver::new(FiveTuple::bidirectional(), Sentences::default())
        .with_config(config(Pressure::Oldest));
    let mut whole = 0;
    let mut on_event = |event: Event| {
        if let SessionEvent::Application { message, .. } = event
            && message > 0
        {
            whole += 1;
        }
    };
    for frame in &frames {
        driver.track(view(frame), &mut on_event);
    }
    driver.finish(&mut on_event);
    assert!(driver.stats().anomalies_of(AnomalyKind::ParserOverflow) > 400);
    assert_eq!(whole, 500);
}

#[test]
fn flows_of_datagrams_give_up_too() {
    let mut driver = FlowDatagramDriver::new(FiveTuple::bidirectional(), Sentences::default())
        .with_config(config(Pressure::Oldest));
    let mut cut_short = 0;
    let mut on_event = |event: Event| {
        if let SessionEvent::Application { message, .. } = event {
            assert_eq!(message, -1000);
            cut_short += 1;
        }
    };
    for number in 0..200u64 {
        let client = format!("10.1.0.{}:40000", number + 1);
        let talk = Datagrams::new(address(&client), address("10.0.0.2:53"))
            .starting_at(START + number * 1000)
            .send(Side::Client, &[b'x'; 1000]);
        for frame in talk.frames() {
            driver.track(view(&frame), &mut on_event);
            assert!(driver.held_memory() <= MAX);
        }
    }
    assert!(driver.stats().anomalies_of(AnomalyKind::ParserOverflow) > 100);
    driver.finish(&mut on_event);
    assert_eq!(cut_short, 200);
}
