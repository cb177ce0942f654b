//! From a frame to its key, by what is around the flow.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use core::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use flowscope::Orientation;
use flowscope::extract::{
    AutoDetectEncap, Extracted, FiveTuple, FlowExtractor, InnerVxlan, StripVlan,
};
use flowscope::wire::{Payload, Skip, Transport};
use flowscope_benches::view;
use flowscope_fixtures::{
    Conversation, Datagrams, Ethernet, Frame, Gre, GtpU, Hop, Ipv4, Layer, Mpls, Pppoe, Service,
    Side, Tcp, Vlan, Vxlan, Wifi, address,
};

fn extract(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("extract");
    group.throughput(Throughput::Elements(1));
    for (name, frame) in frames() {
        let (plain, deep) = (
            FiveTuple::bidirectional(),
            AutoDetectEncap::new(FiveTuple::bidirectional()),
        );
        group.bench_function(format!("five-tuple/{name}"), |bencher| {
            bencher.iter(|| found(plain.extract(black_box(view(&frame)))));
        });
        group.bench_function(format!("innermost/{name}"), |bencher| {
            bencher.iter(|| found(deep.extract(black_box(view(&frame)))));
        });
    }
    // What one knows is there, taken off by name, and keys that say where.
    for (name, frame) in frames() {
        let known = StripVlan(InnerVxlan(FiveTuple::bidirectional()));
        let scoped = AutoDetectEncap::new(FiveTuple::bidirectional().with_vlan().with_tunnel());
        if !["ipv4", "vlan", "vxlan", "stacked"].contains(&name) {
            continue;
        }
        group.bench_function(format!("by-name/{name}"), |bencher| {
            bencher.iter(|| found(known.extract(black_box(view(&frame)))));
        });
        group.bench_function(format!("scoped/{name}"), |bencher| {
            bencher.iter(|| found(scoped.extract(black_box(view(&frame)))));
        });
    }
    group.finish();
}

/// What a tracker needs of a packet: whether there is any is told by less.
fn found<K>(
    extracted: Result<Extracted<'_, K>, Skip>,
) -> Result<(K, Orientation, Transport, Payload<'_>), Skip> {
    extracted.map(|it| (it.key, it.orientation, it.transport, it.payload))
}

/// A segment with 100 bytes of data, wrapped in different ways.
fn frames() -> Vec<(&'static str, Frame)> {
    let ethernet = Layer::Ethernet(Ethernet::default());
    let outer = |src, dst| Layer::Ipv4(Ipv4::new([192, 0, 2, src].into(), [192, 0, 2, dst].into()));
    let frame = |client, server, outer: &[Layer]| {
        let talk = Conversation::new(address(client), address(server)).over(outer);
        talk.segment(Side::Client, Tcp::ACK, &[7; 100])
            .frames()
            .remove(0)
    };
    let v4 = |outer: &[Layer]| frame("10.0.0.1:40000", "10.0.0.2:80", outer);
    vec![
        ("ipv4", v4(core::slice::from_ref(&ethernet))),
        (
            "ipv6",
            frame(
                "[2001:db8::1]:40000",
                "[2001:db8::2]:80",
                core::slice::from_ref(&ethernet),
            ),
        ),
        ("vlan", v4(&[ethernet.clone(), Layer::Vlan(Vlan::new(7))])),
        (
            "qinq",
            v4(&[
                ethernet.clone(),
                Layer::Vlan(Vlan::service(7)),
                Layer::Vlan(Vlan::new(8)),
            ]),
        ),
        ("mpls", v4(&[ethernet.clone(), Layer::Mpls(Mpls::new(16))])),
        (
            "pppoe",
            v4(&[ethernet.clone(), Layer::Pppoe(Pppoe::new(1))]),
        ),
        ("ip-in-ip", v4(&[ethernet.clone(), outer(1, 2)])),
        (
            "gre",
            v4(&[ethernet.clone(), outer(1, 2), Layer::Gre(Gre::default())]),
        ),
        (
            "vxlan",
            v4(&[
                ethernet.clone(),
                outer(1, 2),
                Layer::Vxlan(Vxlan::new(42)),
                ethernet.clone(),
            ]),
        ),
        (
            "gtpu",
            v4(&[ethernet.clone(), outer(1, 2), Layer::GtpU(GtpU::new(5))]),
        ),
        (
            "stacked",
            v4(&[
                ethernet.clone(),
                Layer::Vlan(Vlan::new(7)),
                outer(1, 2),
                Layer::Vxlan(Vxlan::new(42)),
                ethernet.clone(),
                outer(3, 4),
                Layer::Gre(Gre::default()),
            ]),
        ),
        ("udp", datagram(&ethernet)),
        (
            "wifi",
            v4(&[
                Layer::Wifi(Wifi::new(Hop::ToAccessPoint, Service::Qos)),
                Layer::Snap,
            ]),
        ),
    ]
}

/// A datagram of 100 bytes that no tunnel is suspected in.
fn datagram(ethernet: &Layer) -> Frame {
    Datagrams::new(address("10.0.0.1:40000"), address("10.0.0.2:53"))
        .over(core::slice::from_ref(ethernet))
        .send(Side::Client, &[7; 100])
        .frames()
        .remove(0)
}

criterion_group!(benches, extract);
criterion_main!(benches);
