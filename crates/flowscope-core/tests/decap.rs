//! Whose flow a wrapped packet is.

mod common;

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::collections::BTreeMap;

use common::{Event, events, view};
use flowscope_core::extract::{
    AutoDetectEncap, FiveTuple, FiveTupleKey, FlowExtractor, FlowLabel, InnerGre, InnerGtpU,
    InnerVxlan, InnerVxlanOn, IpPair, MacPair, Scoped, StripMpls, StripVlan,
};
use flowscope_core::wire::{Cause, Layer as Kind, Skip};
use flowscope_core::{FlowEvent, FlowSide, FlowTracker, PacketView};
use flowscope_fixtures::{
    Carries, Close, Conversation, Datagrams, Encapsulation, Ethernet, Frame, GtpU, Ipv4, Layer,
    Mpls, Side, Tcp, Udp, Vlan, Vxlan, address, encapsulations, wrap,
};
use proptest::prelude::*;

const AUTO: AutoDetectEncap<FiveTuple> = AutoDetectEncap::new(FiveTuple::bidirectional());

/// The innermost addresses that an encapsulation may carry.
fn ends(carries: Carries) -> Vec<(SocketAddr, SocketAddr)> {
    let v4 = || (address("10.0.0.1:40000"), address("10.0.0.2:80"));
    let v6 = || (address("[2001:db8::1]:40000"), address("[2001:db8::2]:80"));
    match carries {
        Carries::Any => vec![v4(), v6()],
        Carries::Ipv4 => vec![v4()],
        Carries::Ipv6 => vec![v6()],
    }
}

/// A frame with TCP and one with UDP inside.
fn frames(way: &Encapsulation) -> Vec<Frame> {
    let talks = ends(way.carries).into_iter().flat_map(|(client, server)| {
        let tcp = Conversation::new(client, server).over(&way.layers);
        let udp = Datagrams::new(client, server).over(&way.layers);
        [
            tcp.segment(Side::Client, Tcp::ACK, PAYLOAD).frames(),
            udp.send(Side::Client, PAYLOAD).frames(),
        ]
    });
    talks.flatten().collect()
}

const PAYLOAD: &[u8] = b"the same bytes at any depth";

fn is_inner(key: &FiveTupleKey) -> bool {
    key.port(FlowSide::Initiator) == Some(40000) && key.port(FlowSide::Responder) == Some(80)
}

#[test]
fn every_encapsulation_is_opened_and_tells_what_it_is() {
    for way in encapsulations() {
        for frame in frames(&way) {
            let extracted = AUTO.extract(view(&frame)).unwrap();
            assert!(is_inner(&extracted.key), "{way:?}");
            assert_eq!(extracted.payload.bytes, PAYLOAD, "{way:?}");
            let (frame, payload) = (frame.bytes.as_ptr_range(), extracted.payload.bytes);
            assert!(frame.contains(&payload.as_ptr()), "a slice of the frame");
            assert_eq!(
                extracted.packet.wire_len as usize,
                extracted.packet.frame.len()
            );

            let layers = extracted.layers();
            let told: Vec<_> = layers.iter().map(|it| (it.layer.as_str(), it.id)).collect();
            assert_eq!(told, way.tells);
            assert_eq!(layers.unopened_tunnel(), None);
        }
    }
}

/// The packets of a frame in each other, by the keys that they have.
fn levels(frame: &Frame) -> Vec<FiveTupleKey> {
    let mut keys = Vec::new();
    // A capture that ends earlier and earlier shows one level after another.
    for len in 0..=frame.bytes.len() {
        if let Ok(extracted) = AUTO.extract(view(&frame.clone().cut(len)))
            && keys.last() != Some(&extracted.key)
        {
            keys.push(extracted.key);
        }
    }
    keys
}

#[test]
fn a_frame_cut_anywhere_gives_a_level_that_holds_and_says_why_no_deeper() {
    for way in encapsulations() {
        let ip_headers = 1 + way
            .layers
            .iter()
            .filter(|layer| matches!(layer, Layer::Ipv4(_) | Layer::Ipv6(_)))
            .count();
        for frame in frames(&way) {
            let starts = starts(&way, &frame);
            let levels = levels(&frame);
            // Each level is there once, from the outermost to the innermost:
            // with more bytes a flow is never less deep.
            assert_eq!(levels.len(), ip_headers, "{way:?}");
            assert!(is_inner(levels.last().unwrap()));
            for len in 0..frame.bytes.len() {
                let cut = frame.clone().cut(len);
                let cut_in = starts.iter().rev().find(|(at, _)| *at <= len);
                let (_, names) = cut_in.expect("the first starts at zero");
                match AUTO.extract(view(&cut)) {
                    Ok(extracted) if is_inner(&extracted.key) => {
                        assert_eq!(extracted.layers().unopened_tunnel(), None);
                    }
                    Ok(extracted) => {
                        let closed = extracted.layers().unopened_tunnel();
                        // Ports may be there before the header is.
                        let is_early = extracted.payload.bytes.is_empty();
                        match closed {
                            Some(skip) => assert_true(skip, names, len, &way),
                            None => assert!(is_early, "{len} {way:?}"),
                        }
                    }
                    Err(skip) => assert_true(skip, names, len, &way),
                }
            }
        }
    }
}

/// What is cut is what is named.
fn assert_true(skip: Skip, names: &[&str], len: usize, way: &Encapsulation) {
    assert_eq!(skip.cause, Cause::Truncated, "{skip} at {len} of {way:?}");
    let is_named = names.contains(&skip.layer.as_str());
    assert!(is_named, "{skip} at {len}, not {names:?}, of {way:?}");
}

/// Where each layer of a frame begins, and by which names it may be called.
fn starts(way: &Encapsulation, frame: &Frame) -> Vec<(usize, Vec<&'static str>)> {
    let mut starts = Vec::new();
    let mut at = 0;
    for (n, layer) in way.layers.iter().enumerate() {
        starts.push((at, names(layer)));
        // How long a header is shows when it is put around nothing.
        let rest = wrap(&way.layers[n..], b"").len() - wrap(&way.layers[n + 1..], b"").len();
        at += rest;
    }
    starts.push((at, vec!["ipv4", "ipv6"]));
    let transport = frame.bytes.len() - PAYLOAD.len();
    starts.push((at + 20, vec!["ipv4", "ipv6", "tcp", "udp"]));
    starts.push((transport, vec![]));
    // Of a header without a byte, which one it is cannot always be told: the
    // one before it may be where the walk ends.
    let mut before = vec!["link"];
    for (at, names) in starts.clone() {
        starts.push((at, [&names[..], &before, &["link"]].concat()));
        starts.push((at + 1, names.clone()));
        before = names;
    }
    starts.sort_by_key(|(at, _)| *at);
    // What follows these is told by what it looks like, so they are where the
    // walk ends if too little of it is there.
    for untold in ["mpls", "l2tp"] {
        if let Some(n) = starts
            .iter()
            .rposition(|(_, names)| names.contains(&untold))
        {
            for (_, names) in starts.iter_mut().skip(n).take(8) {
                names.push(untold);
            }
        }
    }
    starts
}

fn names(layer: &Layer) -> Vec<&'static str> {
    match layer {
        Layer::Ethernet(_) => vec!["ethernet"],
        Layer::Vlan(_) => vec!["vlan"],
        Layer::Mpls(_) => vec!["mpls"],
        Layer::Pppoe(_) => vec!["pppoe", "ppp"],
        Layer::Ipv4(_) => vec!["ipv4"],
        Layer::Ipv6(_) => vec!["ipv6"],
        Layer::Gre(_) | Layer::Wccp => vec!["gre"],
        Layer::Pptp(_) => vec!["gre", "ppp"],
        Layer::Erspan(_) => vec!["erspan"],
        Layer::Vxlan(_) => vec!["udp", "vxlan"],
        Layer::Geneve(_) => vec!["udp", "geneve"],
        Layer::GtpU(_) => vec!["udp", "gtpu"],
        Layer::Teredo(_) => vec!["udp", "teredo"],
        Layer::L2tp(_) | Layer::L2tpV3(_) => vec!["udp", "l2tp", "ppp"],
        Layer::Nsh(_) => vec!["nsh"],
        Layer::Wifi(_) => vec!["ieee802_11", "llc"],
        Layer::Tzsp => vec!["udp", "tzsp"],
        Layer::Overlay(_) => vec!["udp", "etherip", "lisp", "ayiya", "capwap", "pim"],
        other => unreachable!("no encapsulation has {other:?}"),
    }
}

#[test]
fn a_port_alone_opens_nothing() {
    let outer = [
        Layer::Ethernet(Ethernet::default()),
        Layer::Ipv4(Ipv4::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into())),
    ];
    let payloads = [
        vec![],
        b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\nno tunnel at all, but so long".to_vec(),
        vec![0; 80],
        vec![0xff; 80],
        // The headers of tunnels around what is no packet.
        [&[0x08, 0, 0, 0, 0, 0, 42, 0][..], &[0x55; 60]].concat(),
        [&[0x30, 0xff, 0, 60, 0, 0, 0, 1][..], &[0x41; 60]].concat(),
        [
            &[0x00, 0x02, 0, 1, 0, 1, 0xff, 0x03, 0, 0x21][..],
            &[0x31; 60],
        ]
        .concat(),
        [&[0x00, 0x00, 0x65, 0x58, 0, 0, 1, 0][..], &[0x77; 60]].concat(),
    ];
    let ports = [
        1701, 2152, 3386, 3544, 4341, 4754, 4789, 4790, 5072, 5247, 6081, 6635, 8472, 37008,
    ];
    for port in ports {
        for payload in &payloads {
            for (source, destination) in [(port, 5000), (5000, port), (port, port)] {
                let udp = Layer::Udp(Udp::new(source, destination));
                let frame = wrap(&[&outer[..], &[udp]].concat(), payload);
                let packet = PacketView::new(&frame, Default::default());
                let extracted = AUTO.extract(packet).unwrap();
                assert!(extracted.key.either_port(port), "{port} {payload:x?}");
                assert_eq!(extracted.payload.bytes, payload);
                assert!(extracted.layers().is_empty());
            }
        }
    }
}

#[test]
fn what_is_inside_a_tunnel_decides_and_is_said() {
    let vxlan = |inside: &[Layer], payload: &[u8]| {
        let outer = [
            Layer::Ethernet(Ethernet::default()),
            Layer::Ipv4(Ipv4::new([192, 0, 2, 1].into(), [192, 0, 2, 2].into())),
            Layer::Vxlan(Vxlan::new(42)),
            Layer::Ethernet(Ethernet::default()),
        ];
        wrap(&[&outer[..], inside].concat(), payload)
    };
    let ip = Layer::Ipv4(Ipv4::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into()));
    let sound = vxlan(&[ip.clone(), Layer::Udp(Udp::new(40000, 80))], b"");
    let at = sound.len() - 28;
    let broken = |byte: usize, value: u8| {
        let mut frame = sound.clone();
        frame[at + byte] = value;
        frame
    };
    let skip = |layer, cause| Some(Skip::new(layer, cause));
    let cases = [
        (broken(0, 0x65), skip(Kind::Ipv4, Cause::BadVersion)),
        (broken(0, 0x44), skip(Kind::Ipv4, Cause::BadLength)),
        (broken(3, 19), skip(Kind::Ipv4, Cause::BadLength)),
        (broken(3, 23), skip(Kind::Udp, Cause::BadLength)),
        (vxlan(&[], b"no packet"), skip(Kind::Link, Cause::NotIp)),
    ];
    for (frame, why) in cases {
        let packet = PacketView::new(&frame, Default::default());
        let extracted = AUTO.extract(packet).unwrap();
        assert!(extracted.key.either_port(4789));
        let layers = extracted.layers();
        assert!(layers.is_empty(), "what is not opened is not passed");
        assert_eq!(layers.unopened_tunnel(), why);
    }
    // A later fragment holds, but has no ports: it is no packet of the tunnel.
    let fragment = broken(7, 1);
    let packet = PacketView::new(&fragment, Default::default());
    let skip = AUTO.extract(packet).expect_err("it has no ports");
    assert_eq!(skip, Skip::new(Kind::Ipv4, Cause::Fragment));
    assert!(FiveTuple::bidirectional().extract(packet).is_ok());
}

#[test]
fn tunnels_are_followed_to_a_depth_that_a_frame_cannot_set() {
    let ip = |n| Layer::Ipv4(Ipv4::new([10, 0, n, 1].into(), [10, 0, n, 2].into()));
    let layers: Vec<_> = (0..60).map(ip).collect();
    let packet = wrap(&layers, b"");
    let packet = PacketView::new(&packet, Default::default());
    let packet = packet.with_link(flowscope_core::LinkType::RAW);
    let extracted = AUTO.extract(packet).unwrap();
    assert_eq!(
        extracted.key.addr(FlowSide::Initiator),
        IpAddr::from([10, 0, 8, 1])
    );
    let why = extracted.layers().unopened_tunnel();
    assert_eq!(why.map(|skip| skip.cause), Some(Cause::TooDeep));
}

/// Whatever is said about a wrapped frame by name is what is found by itself.
fn assert_same<E: FlowExtractor<Key = FiveTupleKey>>(known: &E, layers: &[Layer]) {
    let way = Encapsulation {
        group: "",
        layers: layers.to_vec(),
        tells: vec![],
        carries: Carries::Any,
    };
    let short = frames(&way).into_iter().map(|frame| {
        let len = frame.bytes.len();
        frame.cut(len - 5)
    });
    for frame in frames(&way).into_iter().chain(short) {
        let (auto, known) = (AUTO.extract(view(&frame)), known.extract(view(&frame)));
        let (auto, known) = (auto.expect("it is whole"), known.expect("it is whole"));
        assert_eq!(known.key, auto.key);
        assert_eq!(known.payload, auto.payload);
        assert_eq!(known.packet.frame, &frame.bytes[..]);
        assert_eq!(known.packet.wire_len, frame.wire_len);
        assert_eq!(known.layers(), auto.layers());
    }
}

#[test]
fn combinators_find_what_they_are_told_to_find() {
    let five = FiveTuple::bidirectional();
    let ethernet = Layer::Ethernet(Ethernet::default());
    let ip = |n| Layer::Ipv4(Ipv4::new([192, 0, n, 1].into(), [192, 0, n, 2].into()));
    let (vlan, mpls) = (Layer::Vlan(Vlan::new(7)), Layer::Mpls(Mpls::new(16)));
    let (gre, gtpu) = (
        Layer::Gre(flowscope_fixtures::Gre::default()),
        Layer::GtpU(GtpU::new(5)),
    );
    let vxlan = |port| {
        Layer::Vxlan(Vxlan {
            port,
            ..Vxlan::new(42)
        })
    };
    let plain = vec![ethernet.clone()];
    assert_same(&StripVlan(InnerVxlan(five)), &plain);
    assert_same(&StripMpls(InnerGtpU(InnerGre(five))), &plain);

    let tagged = vec![
        ethernet.clone(),
        Layer::Vlan(Vlan::service(9)),
        vlan.clone(),
    ];
    assert_same(&StripVlan(five), &tagged);
    assert_same(&StripMpls(StripVlan(five)), &tagged);
    let labelled = [tagged, vec![mpls.clone(), mpls, ethernet.clone()]].concat();
    assert_same(&StripVlan(StripMpls(five)), &labelled);
    assert_same(&StripMpls(StripVlan(five)), &labelled);

    let overlay = [ethernet.clone(), vlan, ip(1), vxlan(4789), ethernet.clone()];
    assert_same(&StripVlan(InnerVxlan(five)), &overlay);
    assert_same(&StripVlan(InnerVxlan(five)), &overlay);
    assert_same(&InnerVxlan(five), &overlay);
    let mobile = [ethernet.clone(), ip(1), gtpu];
    assert_same(&InnerGtpU(five), &mobile);
    let stacked = [&overlay[..], &[ip(2), gre]].concat();
    assert_same(&StripVlan(InnerVxlan(InnerGre(five))), &stacked);

    let elsewhere = [ethernet.clone(), ip(1), vxlan(9999), ethernet];
    let frame = Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:80"))
        .over(&elsewhere)
        .handshake()
        .frames()
        .remove(0);
    assert!(!is_inner(
        &InnerVxlan(five).extract(view(&frame)).unwrap().key
    ));
    let found = InnerVxlanOn {
        port: 9999,
        inner: five,
    }
    .extract(view(&frame))
    .unwrap();
    assert!(is_inner(&found.key));
    assert_eq!(found.layers()[0].id, Some(42));
}

/// An extractor that knows nothing of headers.
struct FirstBytes;

impl FlowExtractor for FirstBytes {
    type Key = [u8; 6];

    fn extract<'a>(
        &self,
        packet: PacketView<'a>,
    ) -> Result<flowscope_core::extract::Extracted<'a, [u8; 6]>, Skip> {
        let first = packet.frame.first_chunk().copied();
        let key = first.ok_or(Skip::new(Kind::Link, Cause::Truncated))?;
        Ok(MacPair.extract(packet)?.with_key(|_| key))
    }
}

#[test]
fn any_extractor_sees_the_frame_inside() {
    let station = |n| Ethernet {
        source: [2, 0, 0, 0, 0, n],
        destination: [2, 0, 0, 0, 0, n + 1],
        ..Ethernet::default()
    };
    let layers = [
        Layer::Ethernet(station(1)),
        Layer::Vlan(Vlan::new(7)),
        Layer::Ipv4(Ipv4::new([192, 0, 2, 1].into(), [192, 0, 2, 2].into())),
        Layer::Vxlan(Vxlan::new(42)),
        Layer::Ethernet(station(3)),
        Layer::Ipv4(Ipv4::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into())),
        Layer::Udp(Udp::new(1, 2)),
    ];
    let frame = wrap(&layers, b"");
    let packet = PacketView::new(&frame, Default::default());
    let outside = MacPair.extract(packet).unwrap();
    assert_eq!(outside.key.addr(FlowSide::Initiator), station(1).source);
    let auto = AutoDetectEncap::new(MacPair).extract(packet).unwrap();
    let known = StripVlan(InnerVxlan(MacPair)).extract(packet).unwrap();
    for inside in [auto, known] {
        assert_eq!(inside.key.addr(FlowSide::Initiator), station(3).source);
        assert_eq!(inside.packet.frame.len(), frame.len());
        let layers = inside.layers();
        let told: Vec<_> = layers.iter().map(|it| (it.layer, it.id)).collect();
        assert_eq!(told, [(Kind::Vlan, Some(7)), (Kind::Vxlan, Some(42))]);
    }
    // Tags leave no stations behind, so the frame stays as it is.
    let tagged = StripVlan(MacPair).extract(packet).unwrap();
    assert_eq!(tagged.key.addr(FlowSide::Initiator), station(1).source);

    let own = AutoDetectEncap::new(FirstBytes).extract(packet).unwrap();
    assert_eq!(own.key, station(3).destination);
    let own = InnerVxlan(FirstBytes).extract(packet).unwrap();
    assert_eq!(own.key, station(3).destination);
}

fn flows<E: FlowExtractor>(extractor: E, frames: &[Frame]) -> Vec<(E::Key, u64)> {
    let mut tracker = FlowTracker::new(extractor);
    let mut ended = Vec::new();
    let mut keep = |event: FlowEvent<E::Key>| {
        if let FlowEvent::Ended { key, stats, .. } = event {
            ended.push((key, stats.packets.total()));
        }
    };
    for frame in frames {
        tracker.track(view(frame), &mut keep);
    }
    tracker.finish(&mut keep);
    ended
}

/// A datagram each way, each wrapped in its own layers.
fn exchange(there: &[Layer], back: &[Layer]) -> Vec<Frame> {
    let talk = |outer: &[Layer]| {
        Datagrams::new(address("10.0.0.1:40000"), address("10.0.0.2:53"))
            .over(outer)
            .send(Side::Client, b"who")
            .send(Side::Server, b"me")
            .frames()
    };
    vec![talk(there).remove(0), talk(back).remove(1)]
}

#[test]
fn networks_are_in_the_key_only_if_asked_for() {
    let ethernet = || Layer::Ethernet(Ethernet::default());
    let vlan = |id| [ethernet(), Layer::Vlan(Vlan::new(id))];
    let ip = |n| Layer::Ipv4(Ipv4::new([192, 0, 2, n].into(), [192, 0, 2, n + 1].into()));
    let vxlan = |vni| [ethernet(), ip(1), Layer::Vxlan(Vxlan::new(vni)), ethernet()];
    let gtpu = |n, teid| [ethernet(), ip(n), Layer::GtpU(GtpU::new(teid))];
    let tenants = |a: &[Layer], b: &[Layer]| [exchange(a, a), exchange(b, b)].concat();

    let remembered = AUTO;
    let by_vlan = AutoDetectEncap::new(FiveTuple::bidirectional().with_vlan());
    let by_tunnel = AutoDetectEncap::new(FiveTuple::bidirectional().with_tunnel());
    let by_both = AutoDetectEncap::new(FiveTuple::bidirectional().with_vlan().with_tunnel());
    let count = |frames: &[Frame]| {
        [
            flows(remembered, frames).len(),
            flows(by_vlan, frames).len(),
            flows(by_tunnel, frames).len(),
            flows(by_both, frames).len(),
        ]
    };
    // Plain traffic is the same whatever is asked for.
    assert_eq!(count(&exchange(&[ethernet()], &[ethernet()])), [1; 4]);
    // Asymmetric tags split a flow only where tags are asked for.
    assert_eq!(count(&exchange(&vlan(7), &vlan(8))), [1, 2, 1, 2]);
    assert_eq!(count(&exchange(&vlan(7), &[ethernet()])), [1, 2, 1, 2]);
    // A tag of zero is only a priority.
    assert_eq!(count(&exchange(&vlan(0), &[ethernet()])), [1; 4]);
    assert_eq!(count(&tenants(&vlan(7), &vlan(8))), [1, 2, 1, 2]);
    assert_eq!(count(&tenants(&vxlan(42), &vxlan(43))), [1, 1, 2, 2]);
    // Each end of a GTP-U tunnel has an identifier of its own.
    assert_eq!(count(&exchange(&gtpu(1, 5), &gtpu(1, 6))), [1; 4]);
    assert_eq!(count(&tenants(&gtpu(1, 5), &gtpu(3, 5))), [1, 1, 2, 2]);

    let both = flows(by_both, &tenants(&vxlan(42), &vxlan(43)));
    let shown: Vec<_> = both.iter().map(|(key, n)| (key.to_string(), *n)).collect();
    let key = "10.0.0.1:40000 → 10.0.0.2:53 udp vxlan";
    assert_eq!(shown, [(format!("{key} 42"), 2), (format!("{key} 43"), 2)]);

    let pairs = AutoDetectEncap::new(Scoped::new(IpPair).with_tunnel());
    assert_eq!(flows(pairs, &tenants(&vxlan(42), &vxlan(43))).len(), 2);
    let known = InnerVxlan(FiveTuple::bidirectional());
    let known = Scoped::new(known).with_tunnel();
    assert_eq!(flows(known, &tenants(&vxlan(42), &vxlan(43))).len(), 2);
    // The order of the two matters: a tag outside is not a tag inside.
    let outside = [&vlan(42)[..], &vxlan(7)[1..]].concat();
    let inside = [&vxlan(7)[..], &vlan(42)[1..]].concat();
    assert_eq!(count(&tenants(&outside, &inside)), [1, 1, 1, 2]);
}

#[test]
fn too_many_networks_for_a_key_are_no_flow_of_another() {
    let tags: Vec<_> = (1..10).map(|id| Layer::Vlan(Vlan::new(id))).collect();
    let layers = [&[Layer::Ethernet(Ethernet::default())][..], &tags].concat();
    let frames = exchange(&layers, &layers);
    let plain = FiveTuple::bidirectional();
    assert!(plain.extract(view(&frames[0])).is_ok());
    let skip = plain.with_vlan().extract(view(&frames[0]));
    let skip = skip.map(|it| it.key).expect_err("it does not fit");
    assert_eq!(skip, Skip::new(Kind::Vlan, Cause::TooDeep));
}

#[test]
fn a_label_is_that_of_the_packet_whose_flow_it_is() {
    let client = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    let ip = |label| {
        Layer::Ipv6(flowscope_fixtures::Ipv6 {
            flow_label: label,
            ..flowscope_fixtures::Ipv6::new(client, client)
        })
    };
    let layers = [
        Layer::Ethernet(Ethernet::default()),
        ip(0x11111),
        ip(0xabcde),
        Layer::Udp(Udp::new(1, 2)),
    ];
    let frame = wrap(&layers, b"");
    let packet = PacketView::new(&frame, Default::default());
    let five = FiveTuple::bidirectional();
    let label = |key: flowscope_core::extract::FlowLabelKey<_>| -> (u32, FiveTupleKey) {
        (key.label, key.key)
    };
    let outer = FlowLabel(five).extract(packet).unwrap();
    assert_eq!(label(outer.key).0, 0x11111);
    let inner = AutoDetectEncap::new(FlowLabel(five))
        .extract(packet)
        .unwrap();
    assert_eq!(label(inner.key).0, 0xabcde);
    let inner = FlowLabel(AutoDetectEncap::new(five))
        .extract(packet)
        .unwrap();
    assert_eq!(label(inner.key).0, 0xabcde);
}

/// Encapsulations put into each other, as far as each can carry the next.
fn stack() -> impl Strategy<Value = (Vec<Layer>, Carries)> {
    let ways: Vec<_> = encapsulations()
        .into_iter()
        .filter(|way| way.group != "stacked")
        .collect();
    prop::collection::vec(prop::sample::select(ways), 1..5).prop_map(|ways| {
        let mut ways = ways.into_iter();
        let first = ways.next().expect("there is at least one");
        ways.fold((first.layers, first.carries), |(layers, carries), next| {
            // All begin with Ethernet, which IP does not carry.
            let inner = &next.layers[1..];
            let fits = matches!(
                (inner.first(), layers.last(), carries),
                (Some(Layer::Ipv4(_)), _, Carries::Any | Carries::Ipv4)
                    | (Some(Layer::Ipv6(_)), _, Carries::Any | Carries::Ipv6)
                    | (Some(Layer::Vlan(_)), Some(Layer::Ethernet(_)), _)
            );
            match fits {
                true => ([&layers, inner].concat(), next.carries),
                false => (layers, carries),
            }
        })
    })
}

/// What a conversation comes to, whatever it is wrapped in.
fn account(frames: &[Frame]) -> (Vec<String>, BTreeMap<String, Vec<u8>>) {
    let flows = events(frames)
        .into_iter()
        .filter_map(|event: Event| match event {
            FlowEvent::Ended {
                key, reason, stats, ..
            } => Some(format!(
                "{key} {reason:?} {:?} {:?} {:?} {:?} {}",
                stats.packets, stats.payload_bytes, stats.ip_bytes, stats.state, stats.history,
            )),
            _ => None,
        });
    let mut bytes = BTreeMap::<_, Vec<u8>>::new();
    for frame in frames {
        let extracted = AUTO.extract(view(frame)).expect("it is whole");
        let side = format!("{:?} {:?}", extracted.key, extracted.orientation);
        bytes
            .entry(side)
            .or_default()
            .extend(extracted.payload.bytes);
    }
    (flows.collect(), bytes)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn wrapping_changes_neither_flows_nor_payload(
        (layers, carries) in stack(),
        (port, len, seq) in (1..60_000u16, 0..4000usize, any::<u32>()),
        is_v6: bool,
        close in prop::sample::select(vec![
            Close::Fin(Side::Client),
            Close::Simultaneous,
            Close::Reset(Side::Server),
        ]),
    ) {
        let is_v6 = match carries {
            Carries::Any => is_v6,
            Carries::Ipv4 => false,
            Carries::Ipv6 => true,
        };
        let host = |n: u8| -> IpAddr {
            match is_v6 {
                true => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, n.into()).into(),
                false => Ipv4Addr::new(10, 0, 0, n).into(),
            }
        };
        let (client, server) = (SocketAddr::new(host(1), port), SocketAddr::new(host(2), 80));
        let data: Vec<_> = (0..len).map(|n| n as u8).collect();
        let wrapped = |outer: &[Layer]| {
            let tcp = Conversation::new(client, server)
                .over(outer)
                .with_initial_seq(Side::Client, seq)
                .handshake()
                .send(Side::Client, &data[..len / 3])
                .send(Side::Server, &data)
                .close(close);
            let udp = Datagrams::new(client, server)
                .over(outer)
                .send(Side::Client, &data[..len / 9])
                .send(Side::Server, &data[..len / 5]);
            [tcp.frames(), udp.frames()].concat()
        };
        let plain = account(&wrapped(&[Layer::Ethernet(Ethernet::default())]));
        prop_assert_eq!(plain, account(&wrapped(&layers)));
    }
}
