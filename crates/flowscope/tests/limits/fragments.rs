//! How many fragments wait, and for how long.

use core::time::Duration;

use flowscope::defrag::{FragmentConfig, FragmentPolicy};
use flowscope_fixtures::{
    Ethernet, Fragmented, Frame, Ipv4, Ipv6, Layer, SECOND, START, Udp, link_type,
};

use crate::limit::{Limit, Settings, Told, size, time};

fn set(settings: &mut Settings, change: impl FnOnce(&mut FragmentConfig)) {
    let mut config = FragmentConfig::default();
    change(&mut config);
    settings.engine.fragments = FragmentPolicy::Reassemble(config);
}

fn datagram(ip: Layer, payload: &[u8]) -> Fragmented {
    let layers = [
        Layer::Ethernet(Ethernet::default()),
        ip,
        Layer::Udp(Udp::new(4000, 9)),
    ];
    Fragmented::new(&layers, 1, payload)
}

fn ipv4(sender: u8) -> Layer {
    Layer::Ipv4(Ipv4::new([10, 0, 1, sender].into(), [10, 0, 0, 2].into()))
}

fn ipv6() -> Layer {
    Layer::Ipv6(Ipv6::new([1; 16].into(), [2; 16].into()))
}

/// All fragments of a datagram, some time apart.
fn apart(ip: Layer, nanos: u64) -> Vec<Frame> {
    let frames = datagram(ip, &[b'a'; 160]).every(56).into_iter().enumerate();
    frames
        .map(|(number, bytes)| {
            Frame::new(START + number as u64 * nanos, link_type::ETHERNET, bytes)
        })
        .collect()
}

/// The first fragments of datagrams of 60,000 bytes, from several senders, and the
/// last ones behind all of them.
fn large(senders: u8, each: u32) -> Vec<Frame> {
    let mut datagrams = Vec::new();
    for sender in 0..senders {
        for number in 0..each {
            datagrams.push(datagram(ipv4(sender), &[b'a'; 60_000]).numbered(number));
        }
    }
    let first = datagrams.iter().map(|it| it.part(0..56_000));
    let last = datagrams.iter().map(|it| it.part(56_000..it.len()));
    let frames = first.chain(last).enumerate();
    frames
        .map(|(number, bytes)| Frame::new(START + number as u64, link_type::ETHERNET, bytes))
        .collect()
}

pub(crate) fn limits() -> Vec<Limit> {
    let config = FragmentConfig::default();
    vec![
        Limit {
            name: "FragmentConfig::max_memory",
            default: size(config.max_memory),
            what: "what all fragments hold that wait; the oldest datagram is given up",
            told: Told::By("datagram lost: memory"),
            base: |_| {},
            lower: |settings| set(settings, |config| config.max_memory = 1 << 20),
            frames: || large(30, 1),
        },
        Limit {
            name: "FragmentConfig::max_memory_per_source",
            default: size(config.max_memory_per_source),
            what: "what those of one sender hold; its oldest is given up",
            told: Told::By("datagram lost: memory"),
            base: |_| {},
            lower: |settings| set(settings, |config| config.max_memory_per_source = 256 << 10),
            frames: || large(1, 8),
        },
        Limit {
            name: "FragmentConfig::max_fragments",
            default: config.max_fragments.to_string(),
            what: "fragments of one datagram; one of more is given up",
            told: Told::By("datagram lost: too_many_fragments"),
            base: |_| {},
            lower: |settings| set(settings, |config| config.max_fragments = 2),
            frames: || apart(ipv4(1), 1),
        },
        Limit {
            name: "FragmentConfig::timeout_ipv4",
            default: time(config.timeout_ipv4),
            what: "how long the fragments of a datagram wait for the rest",
            told: Told::By("datagram lost: timeout"),
            base: |_| {},
            lower: |settings| {
                set(settings, |config| {
                    config.timeout_ipv4 = Duration::from_secs(1);
                });
            },
            frames: || apart(ipv4(1), 10 * SECOND),
        },
        Limit {
            name: "FragmentConfig::timeout_ipv6",
            default: time(config.timeout_ipv6),
            what: "the same for IPv6 (RFC 8200, section 4.5)",
            told: Told::By("datagram lost: timeout"),
            base: |_| {},
            lower: |settings| {
                set(settings, |config| {
                    config.timeout_ipv6 = Duration::from_secs(1);
                });
            },
            frames: || apart(ipv6(), 10 * SECOND),
        },
    ]
}
