//! Fragments, from the frames that come to what a flow is told in the end.

mod common;

use core::net::{IpAddr, SocketAddr};
use core::time::Duration;

use allocation_counter::measure;
use common::{Event, ended, tracker, view};
use flowscope_core::defrag::{FragmentConfig, FragmentPolicy, Loss};
use flowscope_core::engine::{Consumer, Engine, FlowEnd, FlowRef, OuterFlows, Reaction};
use flowscope_core::extract::{
    AutoDetectEncap, Extracted, FiveTuple, FiveTupleKey, FlowExtractor, InnerVxlan,
};
use flowscope_core::track::{Anomalies, AnomalyKind, EndReason, FlowState, FlowStats};
use flowscope_core::wire::{Cause, Layer as Kind, Skip};
use flowscope_core::{EngineConfig, FlowEvent, FlowSide, Sink, Timestamp};
use flowscope_fixtures::{
    Close, Conversation, Ethernet, Fragmented, Frame, Ipv4, Ipv6, Layer, MILLISECOND,
    MoreFragments, SECOND, START, Side, Tcp, Udp, Vlan, Vxlan, address, link_type,
};
use proptest::prelude::*;

type Key = FiveTupleKey;

/// Keeps what its flows carry.
#[derive(Default)]
struct Keeper(Vec<(String, FlowSide, Vec<u8>)>);

impl Consumer<Key> for Keeper {
    type Flow = ();
    type Event = Event;
    type Pending = ();

    fn open(&mut self, _: FlowRef<'_, Key>, _: &Extracted<'_, Key>, _: &mut impl Sink<Event>) {}

    fn packet(
        &mut self,
        (): &mut (),
        flow: FlowRef<'_, Key>,
        side: FlowSide,
        packet: &Extracted<'_, Key>,
        _: &mut impl Sink<Event>,
    ) -> Reaction {
        let kept = (flow.key.to_string(), side, packet.payload.bytes.to_vec());
        self.0.push(kept);
        Reaction::default()
    }

    fn close(
        &mut self,
        (): &mut (),
        _: FlowRef<'_, Key>,
        _: FlowEnd<'_>,
        _: &mut impl Sink<Event>,
    ) -> Anomalies {
        Anomalies::default()
    }
}

type Keeping<E> = Engine<E, Keeper>;

fn keeping(config: EngineConfig) -> Keeping<AutoDetectEncap<FiveTuple>> {
    let extractor = AutoDetectEncap::new(FiveTuple::bidirectional());
    Engine::with_consumer(extractor, Keeper::default(), config)
}

/// What comes of frames, to the end of the input.
struct Outcome {
    events: Vec<Event>,
    carried: Vec<(String, FlowSide, Vec<u8>)>,
    skipped: Vec<(Skip, u64)>,
    lost: Vec<Loss>,
}

impl Outcome {
    fn of<E: FlowExtractor<Key = Key>>(mut engine: Keeping<E>, frames: &[Frame]) -> Self {
        let mut events = Vec::new();
        for frame in frames {
            engine.track(view(frame), &mut events);
        }
        engine.finish(&mut events);
        let stats = engine.stats();
        let counted: u64 = flows(&events)
            .map(|(.., stats)| stats.packets.total())
            .sum();
        assert_eq!(counted + stats.packets_skipped(), frames.len() as u64);
        assert_eq!(stats.packets_held, 0);
        let lost = |why: &&Loss| stats.datagrams_lost(**why) > 0;
        Self {
            skipped: stats.skipped().collect(),
            lost: Loss::ALL.iter().filter(lost).copied().collect(),
            carried: core::mem::take(&mut engine.consumer_mut().0),
            events,
        }
    }

    fn usual(frames: &[Frame]) -> Self {
        Self::of(keeping(EngineConfig::default()), frames)
    }

    /// The only flow there is.
    fn flow(&self) -> FlowStats {
        match flows(&self.events).collect::<Vec<_>>()[..] {
            [(.., stats)] => *stats,
            ref others => panic!("one flow was expected, not {others:?}"),
        }
    }

    fn anomalies(&self) -> Vec<AnomalyKind> {
        let kind = |event: &Event| match event {
            FlowEvent::Anomaly { kind, .. } => Some(*kind),
            _ => None,
        };
        self.events.iter().filter_map(kind).collect()
    }

    fn payloads(&self) -> Vec<&[u8]> {
        self.carried.iter().map(|(.., bytes)| &bytes[..]).collect()
    }
}

fn flows(events: &[Event]) -> impl Iterator<Item = (String, EndReason, &FlowStats)> {
    ended(events).into_iter().filter_map(|event| match event {
        FlowEvent::Ended {
            key, reason, stats, ..
        } => Some((key.to_string(), *reason, stats)),
        _ => None,
    })
}

fn ethernet() -> Layer {
    Layer::Ethernet(Ethernet::default())
}

fn ipv4(src: u8, dst: u8) -> Layer {
    Layer::Ipv4(Ipv4::new([10, 0, 0, src].into(), [10, 0, 0, dst].into()))
}

fn ipv6(src: u16, dst: u16) -> Layer {
    let host = |n| [0x2001, 0xdb8, 0, 0, 0, 0, 0, n].into();
    Layer::Ipv6(Ipv6::new(host(src), host(dst)))
}

fn udp() -> Layer {
    Layer::Udp(Udp::new(4000, 53))
}

/// A datagram of 40 bytes payload: 48 bytes to be cut.
fn datagram(ip: Layer) -> Fragmented {
    Fragmented::new(&[ethernet(), ip, udp()], 1, &[7; 40])
}

/// Frames a millisecond apart.
fn in_turn(frames: impl IntoIterator<Item = Vec<u8>>) -> Vec<Frame> {
    let at = (0..).map(|n| START + n * MILLISECOND);
    let frame = |(at, bytes)| Frame::new(at, link_type::ETHERNET, bytes);
    at.zip(frames).map(frame).collect()
}

#[test]
fn fragments_count_on_the_flow_that_the_first_one_names() {
    for ip in [ipv4(1, 2), ipv6(1, 2)] {
        let parts = datagram(ip).every(16);
        for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 1, 0]] {
            let frames = in_turn(order.map(|n| parts[n].clone()));
            let seen = Outcome::usual(&frames);
            let stats = seen.flow();
            assert_eq!(stats.packets.initiator, 3);
            let bytes: usize = parts.iter().map(Vec::len).sum();
            assert_eq!(stats.bytes.initiator, bytes as u64);
            assert_eq!(stats.ip_bytes.initiator, bytes as u64 - 3 * 14);
            assert_eq!(stats.payload_bytes.initiator, 40);
            assert_eq!(stats.fragments.initiator, 3);
            assert_eq!(stats.reassembled.initiator, 1);
            assert_eq!(stats.first_seen.as_nanos(), START);
            assert_eq!(stats.last_seen.as_nanos(), START + 2 * MILLISECOND);
            assert_eq!(seen.payloads(), [[7; 40]]);

            let told: Vec<(u64, u32)> = seen
                .events
                .iter()
                .filter_map(|event| match event {
                    FlowEvent::Packet {
                        at, payload_len, ..
                    } => Some((at.as_nanos(), *payload_len)),
                    _ => None,
                })
                .collect();
            let times = [0, 1, 2].map(|n| START + n * MILLISECOND);
            let expected = [(times[0], 0), (times[1], 0), (times[2], 40)];
            assert_eq!(told, expected, "each at its own time");
        }
    }
}

#[test]
fn fragments_without_the_first_are_skipped_and_open_no_flow() {
    let parts = datagram(ipv4(1, 2)).every(16);
    let frames = in_turn(parts.into_iter().skip(1));
    let mut engine = keeping(EngineConfig::default());
    let mut events = Vec::new();
    for frame in &frames {
        engine.track(view(frame), &mut events);
    }
    assert_eq!(engine.stats().packets_held, 2);
    assert_eq!(engine.stats().packets_skipped(), 0);

    // From the first that came on.
    let deadline = Timestamp::from_nanos(START + 30 * SECOND);
    assert_eq!(engine.next_expiry(), Some(deadline));
    engine.expire(Timestamp::from_nanos(deadline.as_nanos() - 1), &mut events);
    assert_eq!(engine.stats().packets_held, 2);
    engine.expire(deadline, &mut events);
    assert_eq!(engine.stats().packets_held, 0);
    assert_eq!(engine.next_expiry(), None);
    assert_eq!(engine.stats().datagrams_lost(Loss::Timeout), 1);
    let skipped: Vec<_> = engine.stats().skipped().collect();
    assert_eq!(skipped, [(Skip::new(Kind::Ipv4, Cause::Fragment), 2)]);
    assert!(events.is_empty());
}

#[test]
fn a_datagram_that_never_gets_whole_is_counted_but_not_delivered() {
    let parts = datagram(ipv6(1, 2)).every(16);
    let frames = in_turn([parts[2].clone(), parts[0].clone()]);
    let seen = Outcome::usual(&frames);
    let stats = seen.flow();
    assert_eq!((stats.packets.initiator, stats.fragments.initiator), (2, 2));
    assert_eq!(stats.reassembled.total(), 0);
    assert_eq!(stats.payload_bytes.total(), 0);
    assert_eq!(seen.anomalies(), [AnomalyKind::IncompleteDatagram]);
    assert_eq!(seen.lost, [Loss::EndOfInput]);
    assert!(seen.carried.is_empty());
}

#[test]
fn overlapping_fragments_are_an_anomaly_and_over_ipv6_the_end_of_their_datagram() {
    // What comes last over IPv4 comes after the datagram was whole.
    for (ip, delivered, counted) in [(ipv4(1, 2), 1, 3), (ipv6(1, 2), 0, 4)] {
        let packet = datagram(ip);
        let frames = in_turn([
            packet.part(0..16),
            packet.other(8, &[9; 16], MoreFragments::Follow),
            packet.part(24..48),
            packet.part(16..32),
        ]);
        let seen = Outcome::usual(&frames);
        assert_eq!(seen.carried.len(), delivered);
        assert_eq!(seen.flow().packets.initiator, counted);
        let kinds = seen.anomalies();
        assert_eq!(kinds[0], AnomalyKind::OverlappingFragments);
        let is_lost = kinds.contains(&AnomalyKind::IncompleteDatagram);
        assert_eq!(is_lost, delivered == 0);
    }
}

#[test]
fn fragments_that_are_ignored_are_not_held() {
    let config = EngineConfig {
        fragments: FragmentPolicy::Ignore,
        ..EngineConfig::default()
    };
    let frames = in_turn(datagram(ipv4(1, 2)).every(16));
    let seen = Outcome::of(keeping(config), &frames);
    let stats = seen.flow();
    assert_eq!((stats.packets.initiator, stats.fragments.initiator), (1, 1));
    assert_eq!(stats.reassembled.total(), 0);
    assert_eq!(seen.skipped, [(Skip::new(Kind::Ipv4, Cause::Fragment), 2)]);
    assert_eq!(seen.payloads(), [[7; 8]]);
}

#[test]
fn a_segment_in_fragments_is_one_step_of_its_connection() {
    let talk = Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:80"))
        .handshake()
        .send(Side::Client, b"question")
        .close(Close::Fin(Side::Client));
    let whole = Outcome::usual(&talk.frames());
    let parts = fragmented(&talk, &[], 0, 8);
    let seen = Outcome::usual(&parts);
    let (expected, stats) = (whole.flow(), seen.flow());
    assert_eq!(stats.state, FlowState::Closed);
    assert_eq!(stats.history, expected.history);
    assert_eq!(stats.payload_bytes, expected.payload_bytes);
    assert_eq!(stats.retransmissions.total(), 0);
    assert_eq!(seen.carried, whole.carried);
    assert!(seen.anomalies().is_empty());
}

#[test]
fn vlans_keep_fragments_apart_where_they_keep_flows_apart() {
    let parts = |vlan, filling: &[u8]| {
        let layers = [ethernet(), Layer::Vlan(Vlan::new(vlan)), ipv4(1, 2), udp()];
        Fragmented::new(&layers, 2, filling).every(24)
    };
    let (seven, eight) = (parts(7, &[7; 40]), parts(8, &[8; 40]));
    let mixed = [&seven[0], &eight[0], &seven[1], &eight[1]];
    let frames = in_turn(mixed.map(Clone::clone));

    let scoped = AutoDetectEncap::new(FiveTuple::bidirectional().with_vlan());
    let mut tracker = flowscope_core::FlowTracker::new(scoped);
    let mut events = Vec::new();
    for frame in &frames {
        tracker.track(view(frame), &mut events);
    }
    tracker.finish(&mut events);
    assert_eq!(tracker.stats().flows, 2);
    assert_eq!(tracker.stats().reassembled, 2);
    assert_eq!(tracker.stats().anomalies(), 0);

    // Without, they are of one datagram, which is whole before the last comes.
    let seen = Outcome::usual(&frames);
    assert_eq!(seen.flow().packets.initiator, 3);
    assert!(
        seen.anomalies()
            .contains(&AnomalyKind::OverlappingFragments)
    );
}

/// VXLAN in a datagram, around another one.
fn tunnelled() -> Vec<Layer> {
    vec![
        ethernet(),
        ipv4(8, 9),
        Layer::Vxlan(Vxlan::new(42)),
        ethernet(),
        ipv4(1, 2),
        udp(),
    ]
}

#[test]
fn a_tunnel_in_fragments_belongs_to_the_flow_inside() {
    // The first fragment ends in the outer header, in the tunnel's, in the
    // inner ones, and behind them.
    for size in [8, 16, 32, 40, 56, 64] {
        let parts = Fragmented::new(&tunnelled(), 1, &[7; 40]).every(size);
        let frames = in_turn(parts.into_iter().rev());
        let auto = Outcome::usual(&frames);
        let named = InnerVxlan(FiveTuple::bidirectional());
        let named = Engine::with_consumer(named, Keeper::default(), EngineConfig::default());
        for seen in [auto, Outcome::of(named, &frames)] {
            let stats = seen.flow();
            assert_eq!(stats.packets.initiator, frames.len() as u64, "{size}");
            assert_eq!(stats.payload_bytes.initiator, 40);
            assert_eq!(seen.payloads(), [[7; 40]]);
            assert_eq!(seen.carried[0].0, "10.0.0.1:4000 → 10.0.0.2:53 udp");
        }
    }
}

#[test]
fn both_layers_of_a_tunnel_have_a_flow_where_both_are_wanted() {
    let config = EngineConfig {
        outer_flows: OuterFlows::Counted,
        ..EngineConfig::default()
    };
    let packet = |at| Fragmented::new(&tunnelled(), at, &[7; 40]);
    // Whole, the packet outside in fragments, the packet inside.
    let cases = [
        (packet(1).every(2000), 1, [1, 1]),
        (packet(1).every(48), 3, [3, 1]),
        (packet(4).every(24), 2, [2, 2]),
    ];
    for (parts, frames, [inside, outside]) in cases {
        let mut engine = keeping(config);
        let mut events = Vec::new();
        let parts = in_turn(parts);
        assert_eq!(parts.len(), frames);
        for frame in &parts {
            engine.track(view(frame), &mut events);
        }
        engine.finish(&mut events);
        let mut packets: Vec<(bool, u64)> = flows(&events)
            .map(|(key, _, stats)| (key.contains("4789"), stats.packets.total()))
            .collect();
        packets.sort_unstable();
        assert_eq!(packets, [(false, inside), (true, outside)]);

        let stats = engine.stats();
        assert_eq!(stats.packets, frames as u64);
        assert_eq!(stats.packets_outer, outside);
        let counted: u64 = packets.iter().map(|(_, packets)| packets).sum();
        assert_eq!(counted, stats.packets + stats.packets_outer);
        let carried = &engine.consumer().0;
        let inner = |(key, ..): &&(String, FlowSide, Vec<u8>)| !key.contains("4789");
        assert_eq!(carried.iter().filter(inner).count(), 1);
    }
}

#[test]
fn a_tunnel_that_never_gets_whole_belongs_to_the_deepest_packet_that_holds() {
    let parts = Fragmented::new(&tunnelled(), 1, &[7; 40]).every(32);
    let seen = Outcome::usual(&in_turn(parts.into_iter().take(1)));
    let names: Vec<String> = flows(&seen.events).map(|(key, ..)| key).collect();
    assert!(names[0].ends_with("10.0.0.9:4789 udp"), "{names:?}");
    assert_eq!(seen.anomalies(), [AnomalyKind::IncompleteDatagram]);
}

#[test]
fn fragments_in_fragments_are_put_together_level_by_level() {
    let inner = Fragmented::new(&[ipv4(1, 2), udp()], 0, &[7; 40]).every(24);
    for reverse in [false, true] {
        let mut frames: Vec<Vec<u8>> = inner
            .iter()
            .zip(1..)
            .flat_map(|(inner, number)| {
                let carried = [ethernet(), ipv4(8, 9), Layer::Protocol(4)];
                Fragmented::new(&carried, 1, inner)
                    .numbered(number)
                    .every(16)
            })
            .collect();
        if reverse {
            frames.reverse();
        }
        let frames = in_turn(frames);
        let seen = Outcome::usual(&frames);
        let stats = seen.flow();
        assert_eq!(stats.packets.initiator, frames.len() as u64);
        assert_eq!(stats.fragments.initiator, frames.len() as u32);
        assert_eq!(stats.reassembled.initiator, 1);
        assert_eq!(seen.payloads(), [[7; 40]]);
    }
}

#[test]
fn a_flow_that_ended_leaves_its_datagram_to_the_next() {
    let parts = datagram(ipv4(1, 2)).every(24);
    let other = Fragmented::new(&[ethernet(), ipv4(5, 6), udp()], 1, b"short");
    let frames = in_turn([parts[0].clone(), other.part(0..13), parts[1].clone()]);
    let config = EngineConfig {
        max_flows: 1,
        ..EngineConfig::default()
    };
    let seen = Outcome::of(keeping(config), &frames);
    let packets: Vec<u64> = flows(&seen.events)
        .map(|(.., stats)| stats.packets.total())
        .collect();
    assert_eq!(packets, [1, 1, 1]);
    assert_eq!(seen.payloads(), [&b"short"[..], &[7; 40]]);
}

/// `FLOWSCOPE_FLOOD` says how many: millions take minutes unoptimised.
#[test]
fn a_flood_of_first_fragments_takes_no_more_memory_than_allowed() {
    let asked = std::env::var("FLOWSCOPE_FLOOD").ok();
    let fragments: u32 = asked.map_or(300_000, |many| many.parse().expect("it is a number"));
    let mut frame = Frame::new(START, link_type::ETHERNET, datagram(ipv4(1, 2)).part(0..16));
    let allocated = measure(|| {
        let config = EngineConfig {
            max_flows: 100,
            fragments: FragmentPolicy::Reassemble(FragmentConfig {
                max_memory: 1 << 20,
                ..FragmentConfig::default()
            }),
            ..EngineConfig::default()
        };
        let mut tracker = tracker(config);
        for n in 0..fragments {
            // Another sender and another number each.
            frame.bytes[26..30].copy_from_slice(&n.to_be_bytes());
            frame.bytes[18..20].copy_from_slice(&(n as u16).to_be_bytes());
            frame.nanos += 1000;
            tracker.track(view(&frame), &mut |_: Event| {});
        }
        assert!(tracker.stats().datagrams_lost(Loss::Memory) > 0);
        assert_eq!(tracker.stats().flows, fragments.into());
    });
    // A table of so few flows is small.
    let cap = (1 << 20) + (1 << 18);
    assert!(allocated.bytes_max <= cap, "{allocated:?}");
}

#[test]
fn fragments_of_flows_that_go_on_expire_by_their_own_time() {
    // The flow lives for longer than its datagram waits.
    let parts = datagram(ipv4(1, 2)).every(24);
    let mut engine = keeping(EngineConfig {
        fragments: FragmentPolicy::Reassemble(FragmentConfig {
            timeout_ipv4: Duration::from_secs(5),
            ..Default::default()
        }),
        ..EngineConfig::default()
    });
    let mut events = Vec::new();
    let frames = in_turn(parts);
    engine.track(view(&frames[0]), &mut events);
    let deadline = Timestamp::from_nanos(START + 5 * SECOND);
    assert_eq!(engine.next_expiry(), Some(deadline));
    let mut late = frames[1].clone();
    late.nanos = START + 6 * SECOND;
    engine.track(view(&late), &mut events);
    let told = events.iter().find_map(|event| match event {
        FlowEvent::Anomaly { at, kind, .. } => Some((*at, *kind)),
        _ => None,
    });
    assert_eq!(told, Some((deadline, AnomalyKind::IncompleteDatagram)));
    assert_eq!(engine.stats().packets_held, 1);
}

/// The frames of a conversation through outer layers, each packet cut at
/// number `at` of the layers that are IP into parts of `size` bytes.
fn fragmented(talk: &Conversation, outer: &[Layer], at: usize, size: usize) -> Vec<Frame> {
    let segments = talk.segments().iter().zip(1u32..);
    segments
        .flat_map(|(segment, number)| {
            let (client, server) = (address("10.0.0.1:40000"), address("10.0.0.2:80"));
            let (src, dst): (SocketAddr, SocketAddr) = match segment.from {
                Side::Client => (client, server),
                Side::Server => (server, client),
            };
            let (IpAddr::V4(src), IpAddr::V4(dst)) = (src.ip(), dst.ip()) else {
                unreachable!("they are written down above");
            };
            let inner = [
                Layer::Ipv4(Ipv4::new(src, dst)),
                Layer::Tcp(segment.tcp.clone()),
            ];
            let layers = [&[ethernet()][..], outer, &inner].concat();
            let is_ip = |layer: &Layer| matches!(layer, Layer::Ipv4(_) | Layer::Ipv6(_));
            let places: Vec<usize> = (0..layers.len()).filter(|n| is_ip(&layers[*n])).collect();
            let at = places[at % places.len()];
            let packet = Fragmented::new(&layers, at, &segment.payload).numbered(number);
            packet
                .every(size)
                .into_iter()
                .map(|bytes| Frame::new(segment.nanos, link_type::ETHERNET, bytes))
                .collect::<Vec<_>>()
        })
        .collect()
}

fn talks() -> impl Strategy<Value = Conversation> {
    let turns = prop::collection::vec((any::<bool>(), 1..3000usize), 0..5);
    let close = prop_oneof![
        Just(Close::Fin(Side::Client)),
        Just(Close::Reset(Side::Server)),
        Just(Close::Simultaneous)
    ];
    (turns, close, any::<u32>()).prop_map(|(turns, close, seq)| {
        let talk = Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:80"))
            .with_initial_seq(Side::Client, seq)
            .handshake();
        let say = |talk: Conversation, (is_client, len): (bool, usize)| {
            let from = if is_client {
                Side::Client
            } else {
                Side::Server
            };
            let bytes: Vec<u8> = (0..len).map(|n| n as u8).collect();
            talk.send(from, &bytes)
        };
        turns.into_iter().fold(talk, say).close(close)
    })
}

fn outers() -> impl Strategy<Value = Vec<Layer>> {
    prop_oneof![
        Just(vec![]),
        Just(vec![Layer::Vlan(Vlan::new(7))]),
        Just(vec![ipv4(8, 9)]),
        Just(vec![ipv6(8, 9), ipv4(8, 9)]),
        Just(tunnelled()[1..4].to_vec()),
    ]
}

/// What fragments must not change.
fn essence(seen: &Outcome) -> impl PartialEq + core::fmt::Debug {
    let flows: Vec<_> = flows(&seen.events)
        .map(|(key, reason, stats)| {
            // Each datagram is one packet more than its fragments.
            let whole = |packets: u64, parts: u32, wholes: u32| {
                packets - u64::from(parts) + u64::from(wholes)
            };
            let (all, parts, wholes) = (stats.packets, stats.fragments, stats.reassembled);
            let packets = [
                whole(all.initiator, parts.initiator, wholes.initiator),
                whole(all.responder, parts.responder, wholes.responder),
            ];
            let numbers = (
                stats.payload_bytes,
                stats.retransmissions,
                stats.out_of_order,
            );
            let life = (stats.state, stats.history.to_string());
            (key, reason, packets, numbers, life)
        })
        .collect();
    (flows, seen.carried.clone())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn wrapping_and_fragmenting_change_no_flow_and_no_payload(
        talk in talks(),
        outer in outers(),
        at in 0..3usize,
        size in prop_oneof![8..64usize, 64..1400usize],
        swaps in prop::collection::vec(any::<[prop::sample::Index; 2]>(), 0..10),
        copies in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let plain = Outcome::usual(&talk.frames());
        let mut frames = fragmented(&talk, &outer, at, size);
        // Fragments of a datagram come in any order, and some twice. They have
        // the same time.
        for [a, b] in swaps {
            let (a, b) = (a.index(frames.len()), b.index(frames.len()));
            if frames[a].nanos == frames[b].nanos {
                frames.swap(a, b);
            }
        }
        for copy in copies {
            let copy = copy.index(frames.len());
            let is_last = frames.get(copy + 1).is_none_or(|next| next.nanos > frames[copy].nanos);
            if !is_last {
                frames.insert(copy, frames[copy].clone());
            }
        }
        let seen = Outcome::usual(&frames);
        prop_assert_eq!(essence(&plain), essence(&seen));
        prop_assert!(seen.anomalies().is_empty());
    }

    #[test]
    fn fragments_are_the_same_in_batches_and_whenever_it_is_looked(
        talk in talks(),
        outer in outers(),
        at in 0..3usize,
        size in 8..600usize,
        losses in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        pace in prop_oneof![Just(1), Just(9_000)],
        moments in prop::collection::vec(0..200_000u64, 0..10),
        batch in 1..40usize,
    ) {
        let mut frames = fragmented(&talk, &outer, at, size);
        for lost in losses {
            if frames.len() > 1 {
                frames.remove(lost.index(frames.len()));
            }
        }
        for frame in &mut frames {
            frame.nanos = START + (frame.nanos - START) * pace;
        }
        let shown = |events: &[Event]| -> Vec<String> {
            events.iter().map(|event| format!("{event:?}")).collect()
        };
        let singly = shown(&Outcome::usual(&frames).events);

        let mut batches = keeping(EngineConfig::default());
        let mut seen = Vec::new();
        for batch in frames.chunks(batch) {
            batches.track_batch(batch.iter().map(view), &mut seen);
        }
        batches.finish(&mut seen);
        prop_assert_eq!(&singly, &shown(&seen));

        let mut moments: Vec<u64> = moments.iter().map(|at| START + at * MILLISECOND).collect();
        moments.sort_unstable();
        let mut moments = moments.into_iter().peekable();
        let mut live = keeping(EngineConfig::default());
        let mut seen = Vec::new();
        for frame in &frames {
            while let Some(moment) = moments.next_if(|moment| *moment < frame.nanos) {
                live.expire(Timestamp::from_nanos(moment), &mut seen);
            }
            live.track(view(frame), &mut seen);
        }
        live.finish(&mut seen);
        prop_assert_eq!(singly, shown(&seen));
    }
}

#[test]
fn a_syn_in_fragments_opens_a_connection() {
    let talk = Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:80")).segment(
        Side::Client,
        Tcp::SYN,
        b"data that rides with it",
    );
    let seen = Outcome::usual(&fragmented(&talk, &[], 0, 24));
    assert_eq!(seen.flow().state, FlowState::SynSent);
    assert_eq!(seen.flow().history.to_string(), "SD");
}
