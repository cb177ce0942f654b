//! How much of QUIC is kept.

use flowscope::quic::QuicConfig;
use flowscope_fixtures::Frame;

use crate::captures::recorded;
use crate::limit::{Limit, Told, size};

/// A connection whose first two packets are captured the wrong way round.
fn backwards() -> Vec<Frame> {
    let mut frames = recorded("quic-v1.pcap");
    frames.swap(0, 1);
    frames[0].nanos = frames[1].nanos;
    frames
}

/// A connection, and the first packet of another on its ports before it is
/// answered.
fn two_at_once() -> Vec<Frame> {
    let mut frames = recorded("quic-v1.pcap");
    let mut other = recorded("quic-hello-retry.pcap").remove(0);
    // Addresses and ports of IPv4 and UDP over Ethernet.
    let place = 26..38;
    other.bytes[place.clone()].copy_from_slice(&frames[0].bytes[place]);
    other.nanos = frames[0].nanos;
    frames.insert(1, other);
    frames
}

pub(crate) fn limits() -> Vec<Limit> {
    let config = QuicConfig::default();
    vec![
        Limit {
            name: "QuicConfig::max_crypto",
            default: size(config.max_crypto),
            what: "what of CRYPTO frames is held for each side until a hello is whole; a longer one is not read",
            told: Told::Without("ClientHello"),
            base: |_| {},
            lower: |settings| settings.detect.quic.max_crypto = 100,
            frames: || recorded("quic-v1.pcap"),
        },
        Limit {
            name: "QuicConfig::max_early",
            default: size(config.max_early),
            what: "Initial packets that came before the one whose keys they need; the oldest goes first",
            told: Told::Without("ServerHello"),
            base: |_| {},
            lower: |settings| settings.detect.quic.max_early = 10,
            frames: backwards,
        },
        Limit {
            name: "QuicConfig::max_packets",
            default: config.max_packets.to_string(),
            what: "packets that are looked at until the hellos are read; then the flow is read no further",
            told: Told::Without("ClientHello"),
            base: |_| {},
            lower: |settings| settings.detect.quic.max_packets = 1,
            frames: backwards,
        },
        Limit {
            name: "QuicConfig::max_connections",
            default: config.max_connections.to_string(),
            what: "connections of a flow that are followed at a time; the oldest gives way",
            told: Told::Without("ServerHello"),
            base: |_| {},
            lower: |settings| settings.detect.quic.max_connections = 1,
            frames: two_at_once,
        },
    ]
}
