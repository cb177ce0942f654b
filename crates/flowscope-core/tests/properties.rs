//! What holds for any traffic.

mod common;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::collections::BTreeMap;

use common::{Event, ended, events, tracker, view};
use flowscope_core::extract::{AutoDetectEncap, FiveTuple, FlowExtractor, IpPair, MacPair};
use flowscope_core::track::EndReason;
use flowscope_core::{EngineConfig, FlowEvent, FlowSide, PacketView, Timestamp};
use flowscope_fixtures::{
    Close, Conversation, Datagrams, Disturbance, Ethernet, Frame, Icmp, Ipv4, Ipv6, Layer,
    MILLISECOND, Mpls, Path, Pppoe, Resend, SECOND, START, Sctp, SctpChunk, Side, Tcp, Udp,
    UdpLite, Vlan, merge, wrap,
};
use proptest::prelude::*;

fn host() -> impl Strategy<Value = u8> {
    1..6u8
}

fn ends() -> impl Strategy<Value = (IpAddr, IpAddr)> {
    (host(), host(), any::<bool>()).prop_map(|(a, b, is_v4)| {
        let addr = |n: u8| match is_v4 {
            true => Ipv4Addr::new(10, 0, 0, n).into(),
            false => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n.into()).into(),
        };
        (addr(a), addr(b))
    })
}

fn ip(src: IpAddr, dst: IpAddr) -> Layer {
    match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => Layer::Ipv4(Ipv4::new(src, dst)),
        (IpAddr::V6(src), IpAddr::V6(dst)) => Layer::Ipv6(Ipv6::new(src, dst)),
        _ => unreachable!("both ends are of one version"),
    }
}

/// A transport header, and what may answer it.
fn question_and_answer() -> impl Strategy<Value = (Layer, Layer)> {
    let ports = || (any::<u16>(), any::<u16>());
    let with_ports = prop_oneof![
        (ports(), any::<u8>()).prop_map(|((a, b), flags)| Layer::Tcp(Tcp::new(a, b, flags & 0x3f))),
        ports().prop_map(|(a, b)| Layer::Udp(Udp::new(a, b))),
        ports().prop_map(|(a, b)| Layer::UdpLite(UdpLite::new(a, b))),
        ports().prop_map(|(source, destination)| Layer::Sctp(Sctp {
            source,
            destination,
            tag: 1,
            chunk: SctpChunk::CookieEcho,
        })),
        (140..250u8).prop_map(Layer::Protocol),
    ];
    let echo = (any::<u16>(), any::<bool>()).prop_map(|(identifier, is_v4)| {
        let sequence = 1;
        let layer = if is_v4 { Layer::Icmp } else { Layer::Icmpv6 };
        let answer = Icmp::EchoReply {
            identifier,
            sequence,
        };
        (
            layer(Icmp::EchoRequest {
                identifier,
                sequence,
            }),
            layer(answer),
        )
    });
    prop_oneof![
        3 => with_ports.prop_map(|layer| (layer.clone(), layer.reversed())),
        1 => echo,
    ]
}

fn outer() -> impl Strategy<Value = Vec<Layer>> {
    let tag = prop_oneof![
        (1..4095u16).prop_map(|id| vec![Layer::Vlan(Vlan::new(id))]),
        (1..4095u16).prop_map(|id| vec![Layer::Vlan(Vlan::service(id)), Layer::Vlan(Vlan::new(7))]),
        (16..9999u32).prop_map(|label| vec![Layer::Mpls(Mpls::new(label))]),
        (1..999u16).prop_map(|session| vec![Layer::Pppoe(Pppoe::new(session))]),
        Just(vec![]),
    ];
    let tunnels = prop::collection::vec(
        any::<bool>().prop_map(|is_v4| match is_v4 {
            true => ip(
                Ipv4Addr::new(192, 0, 2, 1).into(),
                Ipv4Addr::new(192, 0, 2, 2).into(),
            ),
            false => ip(
                Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1).into(),
                Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 2).into(),
            ),
        }),
        0..3,
    );
    (tag, tunnels).prop_map(|(tag, tunnels)| {
        let link = vec![Layer::Ethernet(Ethernet::default())];
        [link, tag, tunnels].concat()
    })
}

fn disturbance() -> impl Strategy<Value = Disturbance> {
    let what = prop_oneof![
        Just(Resend::Whole),
        (0..20usize).prop_map(Resend::Head),
        (0..20usize).prop_map(Resend::Tail),
        Just(Resend::Conflicting),
    ];
    prop_oneof![
        (0..12usize).prop_map(Disturbance::Lose),
        (0..6usize).prop_map(Disturbance::StartAt),
        (0..12usize, 0..4usize).prop_map(|(packet, behind)| Disturbance::Delay { packet, behind }),
        (0..12usize, 0..4usize, what).prop_map(|(packet, behind, what)| Disturbance::Resend {
            packet,
            behind,
            what
        }),
    ]
}

fn conversation() -> impl Strategy<Value = Conversation> {
    let close = prop_oneof![
        Just(None),
        Just(Some(Close::Fin(Side::Client))),
        Just(Some(Close::Fin(Side::Server))),
        Just(Some(Close::Simultaneous)),
        Just(Some(Close::Reset(Side::Server))),
    ];
    let shape = (
        ends(),
        1..4u16,
        0..400u64,
        any::<u32>(),
        0..3000usize,
        close,
    );
    (shape, prop::collection::vec(disturbance(), 0..3), outer()).prop_map(
        |(((a, b), port, start, seq, len, close), disturbances, outer)| {
            let mut talk =
                Conversation::new(SocketAddr::new(a, 40_000 + port), SocketAddr::new(b, 80))
                    .over(&outer)
                    .starting_at(START + start * SECOND)
                    .with_initial_seq(Side::Client, seq)
                    .handshake()
                    .send(Side::Client, &vec![1; len / 7])
                    .send(Side::Server, &vec![2; len]);
            if let Some(close) = close {
                talk = talk.close(close);
            }
            disturbances.into_iter().fold(talk, Conversation::disturb)
        },
    )
}

/// A question, and perhaps its answer.
fn lookup() -> impl Strategy<Value = Vec<Frame>> {
    (ends(), 1..4u16, 0..400u64, outer(), any::<bool>()).prop_map(
        |((a, b), port, start, outer, is_answered)| {
            let asked = Datagrams::new(SocketAddr::new(a, 50_000 + port), SocketAddr::new(b, 53))
                .over(&outer)
                .starting_at(START + start * SECOND)
                .send(Side::Client, b"who");
            let lookup = if is_answered {
                asked.send(Side::Server, b"me")
            } else {
                asked
            };
            lookup.frames()
        },
    )
}

/// Bytes that mean nothing.
fn garbage() -> impl Strategy<Value = Vec<Frame>> {
    let bytes = prop::collection::vec(any::<u8>(), 0..80);
    (
        bytes,
        0..400u64,
        prop::sample::select(vec![1, 101, 105, 113, 147]),
    )
        .prop_map(|(bytes, at, link)| vec![Frame::new(START + at * SECOND, link, bytes)])
}

/// Conversations at the same time, and frames that are none; some captures
/// keep the beginning of each frame only.
fn traffic() -> impl Strategy<Value = Vec<Frame>> {
    let talks = prop_oneof![
        3 => conversation().prop_map(|talk| talk.frames()),
        2 => lookup(),
        1 => garbage(),
    ];
    let snap_len = prop_oneof![3 => Just(usize::MAX), 1 => 14..120usize];
    (prop::collection::vec(talks, 1..9), snap_len).prop_map(|(talks, snap_len)| {
        merge(talks)
            .into_iter()
            .map(|frame| frame.cut(snap_len))
            .collect()
    })
}

fn shown(events: &[Event]) -> Vec<String> {
    events.iter().map(|event| format!("{event:?}")).collect()
}

proptest! {
    #[test]
    fn keys_are_the_same_in_both_directions(
        (a, b) in ends(),
        (question, answer) in question_and_answer(),
        outer in outer(),
    ) {
        let frame = |src, dst, transport| {
            wrap(&[outer.clone(), vec![ip(src, dst), transport]].concat(), b"payload")
        };
        let (there, back) = (frame(a, b, question), frame(b, a, answer));
        let views = [&there, &back].map(|frame| PacketView::new(frame, Timestamp::EPOCH));

        let deep = AutoDetectEncap::new(FiveTuple::bidirectional());
        let [there, back] = views.map(|view| deep.extract(view).unwrap());
        prop_assert_eq!(there.key, back.key);
        let is_alike = a == b && there.key.port(FlowSide::Initiator) == there.key.port(FlowSide::Responder);
        prop_assert_eq!(there.orientation == back.orientation, is_alike);
        prop_assert_eq!(there.payload.bytes, back.payload.bytes);

        let pair = AutoDetectEncap::new(IpPair);
        let [there, back] = views.map(|view| pair.extract(view).unwrap().key);
        prop_assert_eq!(there, back);

        let one_way = AutoDetectEncap::new(FiveTuple::unidirectional());
        let [there, back] = views.map(|view| one_way.extract(view).unwrap().key);
        prop_assert_eq!(there == back, is_alike);
    }

    #[test]
    fn stations_are_the_same_in_both_directions(a in any::<[u8; 6]>(), b in any::<[u8; 6]>()) {
        let frame = |src: [u8; 6], dst: [u8; 6]| [&dst[..], &src[..], &[8, 0][..]].concat();
        let key = |frame: &[u8]| MacPair.extract(PacketView::new(frame, Timestamp::EPOCH)).unwrap().key;
        prop_assert_eq!(key(&frame(a, b)), key(&frame(b, a)));
    }

    #[test]
    fn every_packet_is_on_a_flow_or_skipped(frames in traffic()) {
        let mut tracker = tracker(EngineConfig::default());
        let mut seen = Vec::new();
        for frame in &frames {
            tracker.track(view(frame), &mut seen);
        }
        tracker.finish(&mut seen);
        let counted: u64 = ended(&seen).iter().map(|event| match event {
            FlowEvent::Ended { stats, .. } => stats.packets.total(),
            _ => 0,
        }).sum();
        let stats = tracker.stats();
        prop_assert_eq!(stats.packets, frames.len() as u64);
        prop_assert_eq!(counted + stats.packets_skipped(), stats.packets);
        prop_assert_eq!(stats.active, 0);
        let ends: u64 = EndReason::ALL.iter().map(|reason| stats.ended(*reason)).sum();
        prop_assert_eq!(ends, stats.flows);
    }

    #[test]
    fn a_flow_starts_first_and_ends_last(frames in traffic()) {
        let mut life: BTreeMap<u64, (bool, u64)> = BTreeMap::new();
        for event in events(&frames) {
            let number = event.flow().number();
            match event {
                FlowEvent::Started { .. } => {
                    prop_assert!(life.insert(number, (false, 0)).is_none());
                }
                FlowEvent::Ended { stats, .. } => {
                    let (is_over, packets) = life.insert(number, (true, 0)).expect("it started");
                    prop_assert!(!is_over);
                    prop_assert_eq!(packets, stats.packets.total());
                }
                FlowEvent::Packet { .. } => {
                    let (is_over, packets) = life.get_mut(&number).expect("it started");
                    prop_assert!(!*is_over);
                    *packets += 1;
                }
                _ => prop_assert_eq!(life.get(&number).map(|it| it.0), Some(false)),
            }
        }
        prop_assert!(life.values().all(|(is_over, _)| *is_over));
        prop_assert!(life.keys().copied().eq(1..=life.len() as u64));
    }

    #[test]
    fn the_same_input_gives_the_same_output_in_batches_or_not(
        frames in traffic(),
        size in 1..80usize,
    ) {
        let singly = shown(&events(&frames));
        prop_assert_eq!(&singly, &shown(&events(&frames)));
        let mut tracker = tracker(EngineConfig::default());
        let mut seen = Vec::new();
        for batch in frames.chunks(size) {
            tracker.track_batch(batch.iter().map(view), &mut seen);
        }
        tracker.finish(&mut seen);
        prop_assert_eq!(singly, shown(&seen));
    }

    #[test]
    fn wrapping_changes_no_flow(talk in conversation(), outer in outer()) {
        let ends = |frames: &[Frame]| -> Vec<String> {
            ended(&events(frames)).iter().map(|event| match event {
                FlowEvent::Ended { key, reason, stats, .. } => {
                    format!("{key} {reason:?} {:?} {:?}", stats.packets, stats.payload_bytes)
                }
                _ => unreachable!("only ends were kept"),
            }).collect()
        };
        let wrapped = talk.clone().over(&outer).frames();
        prop_assert_eq!(ends(&talk.frames()), ends(&wrapped));
    }

    #[test]
    fn flows_expire_as_they_would_have_live(frames in traffic(), moments in prop::collection::vec(0..900_000u64, 0..20)) {
        let replayed = events(&frames);
        let mut moments: Vec<u64> = moments.iter().map(|at| START + at * MILLISECOND).collect();
        moments.sort_unstable();
        let mut moments = moments.into_iter().peekable();
        let mut tracker = tracker(EngineConfig::default());
        let mut live = Vec::new();
        for frame in &frames {
            while let Some(moment) = moments.next_if(|moment| *moment < frame.nanos) {
                tracker.expire(Timestamp::from_nanos(moment), &mut live);
            }
            tracker.track(view(frame), &mut live);
        }
        tracker.finish(&mut live);
        prop_assert_eq!(shown(&replayed), shown(&live));
    }
}

#[test]
fn echoes_are_told_apart_by_their_identifier() {
    let path = Path::new(
        Ipv4Addr::new(10, 0, 0, 1).into(),
        Ipv4Addr::new(10, 0, 0, 2).into(),
    );
    let frames: Vec<Frame> = [1u16, 2, 1]
        .iter()
        .zip(0..)
        .map(|(id, n)| {
            let echo = Layer::Icmp(Icmp::EchoRequest {
                identifier: *id,
                sequence: n,
            });
            path.frame(Side::Client, START + u64::from(n), &echo, b"ping")
        })
        .collect();
    assert_eq!(ended(&events(&frames)).len(), 2);
}
