//! What tools like this one are known to have got wrong, where no other test
//! is named after it.

mod common;

use core::cell::Cell;
use core::convert::Infallible;

use common::lines::{LineEvent, Lines, words};
use common::{Event, ended, events, talk, view};
use flowscope_core::engine::{Consumer, Engine, FlowEnd, FlowRef, Pending, PendingEntry, Reaction};
use flowscope_core::extract::{AutoDetectEncap, Extracted, FiveTuple, FiveTupleKey};
use flowscope_core::session::{Both, Datagram, DatagramParser, Interest};
use flowscope_core::track::Anomalies;
use flowscope_core::{
    EngineConfig, FlowEvent, FlowMessageDriver, FlowSessionDriver, FlowSide, LinkType, PacketView,
    Sink, Timestamp,
};
use flowscope_fixtures::{
    Carries, Conversation, Datagrams, Disturbance, Ethernet, Frame, Ipv4, Layer, MILLISECOND,
    START, Side, Tcp, Udp, Vxlan, address, encapsulations, wrap,
};

const AUTO: AutoDetectEncap<FiveTuple> = AutoDetectEncap::new(FiveTuple::bidirectional());

/// Says what a datagram says.
#[derive(Clone, Debug)]
struct Text;

impl DatagramParser for Text {
    type Message = String;
    type Error = Infallible;

    fn parse(
        &mut self,
        datagram: Datagram<'_>,
        out: &mut dyn Sink<String>,
    ) -> Result<Interest, Infallible> {
        out.push(String::from_utf8_lossy(datagram.payload).into_owned());
        Ok(Interest::More)
    }
}

/// Not those of a header further out, and not of another length.
#[test]
fn parsers_in_a_tunnel_are_given_the_bytes_inside() {
    let (client, server) = (address("10.0.0.1:40000"), address("10.0.0.2:53"));
    for way in encapsulations() {
        if way.carries == Carries::Ipv6 {
            continue;
        }
        let asked = Datagrams::new(client, server)
            .over(&way.layers)
            .send(Side::Client, b"who is a.example?")
            .send(Side::Server, b"192.0.2.1");
        let said = Conversation::new(client, server)
            .over(&way.layers)
            .starting_at(START + 100 * MILLISECOND)
            .handshake()
            .segment(Side::Client, Tcp::ACK, b"hel")
            .segment(Side::Client, Tcp::ACK, b"lo\n")
            .segment(Side::Server, Tcp::ACK, b"yes\n")
            .disturb(Disturbance::Delay {
                packet: 3,
                behind: 1,
            });
        let parsers = Both::<_, _, String>::new(Lines::default(), Text);
        let mut driver = FlowMessageDriver::with_factory(AUTO, parsers);
        let mut events: Vec<LineEvent> = Vec::new();
        for frame in [asked.frames(), said.frames()].concat() {
            driver.track(view(&frame), &mut events);
        }
        assert_eq!(driver.stats().active, 2, "{way:?}");
        let expected = ["C: who is a.example?", "S: 192.0.2.1", "C: hello", "S: yes"];
        assert_eq!(words(&events), expected, "{way:?}");
    }
}

#[test]
fn vxlan_is_opened_though_the_datagram_outside_would_do() {
    let outside = [
        Layer::Ethernet(Ethernet::default()),
        Layer::Ipv4(Ipv4::new([192, 0, 2, 1].into(), [192, 0, 2, 2].into())),
        Layer::Vxlan(Vxlan::new(42)),
        Layer::Ethernet(Ethernet::default()),
    ];
    let frames = talk().over(&outside).handshake().frames();
    let events = events(&frames);
    let keys: Vec<String> = ended(&events)
        .into_iter()
        .filter_map(|event| match event {
            FlowEvent::Ended { key, .. } => Some(key.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(keys, ["10.0.0.1:40000 → 10.0.0.2:80 tcp"]);
}

/// Nine bytes pass for a header of eight, and end before the optional fields.
#[test]
fn gtp_u_of_nine_bytes_or_of_any_other_number_is_survived() {
    let header = |flags: u8| {
        [
            flags, 0xff, 0, 4, 0, 0, 0, 1, 0, 1, 0, 0x85, 1, 0, 9, 0, 0x45,
        ]
    };
    let outside = [
        Layer::Ipv4(Ipv4::new([192, 0, 2, 1].into(), [192, 0, 2, 2].into())),
        Layer::Udp(Udp::new(2152, 2152)),
    ];
    for flags in 0..=0xff {
        for len in 0..=17 {
            let bytes = wrap(&outside, &header(flags)[..len]);
            let frame = PacketView::new(&bytes, Timestamp::EPOCH).with_link(LinkType::RAW);
            let mut tracker = common::tracker(EngineConfig::default());
            tracker.track(frame, &mut |_: Event| {});
            // What cannot be opened is a datagram like any other.
            assert_eq!(tracker.stats().active, 1, "{flags:02x} {len}");
        }
    }
}

#[test]
fn segments_at_100_108_and_104_are_one_stream_and_so_is_what_follows() {
    // Behind a SYN of 99; and some more, in order.
    let said = talk()
        .with_initial_seq(Side::Client, 99)
        .handshake()
        .segment(Side::Client, Tcp::ACK, b"one\n")
        .segment(Side::Client, Tcp::ACK, b"two\n")
        .segment(Side::Client, Tcp::ACK, b"six\n")
        .segment(Side::Client, Tcp::ACK, b"ten\n")
        .disturb(Disturbance::Delay {
            packet: 4,
            behind: 1,
        });
    let mut driver = FlowSessionDriver::new(FiveTuple::bidirectional(), Lines::default());
    let mut events = Vec::new();
    for frame in &said.frames() {
        driver.track(view(frame), &mut events);
    }
    assert_eq!(words(&events), ["C: one", "C: two", "C: six", "C: ten"]);
}

/// Counts how often it is asked about flows, each of which is waiting for
/// something and holds something.
#[derive(Debug, Default)]
struct Counting {
    calls: Cell<u64>,
}

impl Counting {
    fn count(&self) {
        self.calls.set(self.calls.get() + 1);
    }
}

impl<K> Consumer<K> for Counting {
    type Flow = ();
    type Event = FlowEvent<K>;
    type Pending = PendingEntry;

    fn open(&mut self, _: FlowRef<'_, K>, _: &Extracted<'_, K>, _: &mut impl Sink<FlowEvent<K>>) {
        self.count();
    }

    fn packet(
        &mut self,
        (): &mut (),
        _: FlowRef<'_, K>,
        _: FlowSide,
        _: &Extracted<'_, K>,
        _: &mut impl Sink<FlowEvent<K>>,
    ) -> Reaction {
        self.count();
        Reaction::default()
    }

    fn close(
        &mut self,
        (): &mut (),
        _: FlowRef<'_, K>,
        _: FlowEnd<'_>,
        _: &mut impl Sink<FlowEvent<K>>,
    ) -> Anomalies {
        self.count();
        Anomalies::default()
    }

    fn pending(&self, (): &()) -> Pending {
        self.count();
        Pending {
            timer: Some(Timestamp::from_nanos(u64::MAX - 1)),
            held: 1,
        }
    }
}

/// A list of all that wait, gone through for every packet, is cheap among a few
/// flows and the end of it among many.
#[test]
fn a_packet_looks_at_its_own_flow_alone_however_many_wait() {
    let calls = |flows: u32| {
        let consumer = Counting::default();
        let mut engine: Engine<_, Counting> = Engine::with_consumer(
            FiveTuple::bidirectional(),
            consumer,
            EngineConfig::default(),
        );
        let mut events = |_: FlowEvent<FiveTupleKey>| {};
        let mut frame: Frame = talk().handshake().frames().remove(2);
        for n in 0..flows {
            frame.bytes[26..30].copy_from_slice(&(0x0a00_0000 + n).to_be_bytes());
            engine.track(view(&frame), &mut events);
        }
        let before = engine.consumer().calls.get();
        for _ in 0..1000 {
            frame.nanos += MILLISECOND;
            engine.track(view(&frame), &mut events);
        }
        engine.consumer().calls.get() - before
    };
    let few = calls(10);
    assert_eq!(few, calls(10_000));
    assert_eq!(few, 1000);
}
