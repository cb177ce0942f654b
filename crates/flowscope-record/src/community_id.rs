//! Community ID, version 1 with seed 0: a name for a flow that every tool
//! computes alike.
//!
//! The specification is at <https://github.com/corelight/community-id-spec>.

use core::fmt;
use core::net::IpAddr;

use data_encoding::BASE64;
use flowscope_core::wire::{IcmpHeader, IpProtocol};
use sha1::{Digest, Sha1};

use crate::plain_text::PlainText;

/// A flow's Community ID, such as `1:LQU9qZlK+B5F3KDmev6m5PMibrg=`.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct CommunityId([u8; 30]);

/// What tells the flow apart besides its protocol and addresses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ports {
    /// The source's and the destination's.
    Numbers(u16, u16),
    /// Type and code of an ICMP message take their place.
    Icmp(IcmpHeader),
    /// The protocol has none, or none that count.
    Absent,
}

impl CommunityId {
    /// The name of the flow from `src` to `dst`, which is also that of the flow
    /// from `dst` to `src`.
    #[must_use]
    pub fn new(protocol: IpProtocol, src: IpAddr, dst: IpAddr, ports: Ports) -> Self {
        let (ports, is_one_way) = match ports {
            Ports::Numbers(src, dst) => (Some((src, dst)), false),
            Ports::Icmp(header) => match answer_to(protocol, header.kind) {
                Some(answer) => (Some((header.kind.into(), answer.into())), false),
                None => (Some((header.kind.into(), header.code.into())), true),
            },
            Ports::Absent => (None, false),
        };
        let (src_port, dst_port) = ports.unwrap_or_default();
        let ends = if is_one_way || (src, src_port) <= (dst, dst_port) {
            [(src, src_port), (dst, dst_port)]
        } else {
            [(dst, dst_port), (src, src_port)]
        };

        let mut hash = Sha1::new();
        hash.update(SEED.to_be_bytes());
        for (addr, _) in ends {
            match addr {
                IpAddr::V4(addr) => hash.update(addr.octets()),
                IpAddr::V6(addr) => hash.update(addr.octets()),
            }
        }
        hash.update([protocol.0, 0]);
        if ports.is_some() {
            for (_, port) in ends {
                hash.update(port.to_be_bytes());
            }
        }
        let mut text = *b"1:0000000000000000000000000000";
        // 20 bytes are 28 letters.
        let (_, letters) = text.split_at_mut(2);
        BASE64.encode_mut(&hash.finalize(), letters);
        Self(text)
    }
}

impl fmt::Display for CommunityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // It is made of ASCII letters alone.
        f.pad(str::from_utf8(&self.0).unwrap_or_default())
    }
}

impl fmt::Debug for CommunityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PlainText for CommunityId {
    fn append_to(&self, text: &mut Vec<u8>) {
        text.extend_from_slice(&self.0);
    }

    #[inline]
    fn at_hand(&self) -> Option<&[u8]> {
        Some(&self.0)
    }
}

/// The type that messages of type `kind` are answered with, or answer.
///
/// The other types go one way, and their two directions have two names.
fn answer_to(protocol: IpProtocol, kind: u8) -> Option<u8> {
    let pairs: &[(u8, u8)] = match protocol {
        // Echo, router discovery, timestamp, information, address mask.
        IpProtocol::ICMP => &[(8, 0), (10, 9), (13, 14), (15, 16), (17, 18)],
        // Echo, multicast listeners, routers, neighbours, node information,
        // home agents.
        _ => &[
            (128, 129),
            (130, 131),
            (133, 134),
            (135, 136),
            (139, 140),
            (144, 145),
        ],
    };
    pairs.iter().find_map(|(ask, answer)| match kind {
        kind if kind == *ask => Some(*answer),
        kind if kind == *answer => Some(*ask),
        _ => None,
    })
}

const SEED: u16 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    fn id(protocol: u8, src: &str, dst: &str, ports: Ports) -> String {
        let (src, dst) = (src.parse().unwrap(), dst.parse().unwrap());
        CommunityId::new(IpProtocol(protocol), src, dst, ports).to_string()
    }

    fn ports(src: u16, dst: u16) -> Ports {
        Ports::Numbers(src, dst)
    }

    fn icmp(kind: u8, code: u8) -> Ports {
        Ports::Icmp(IcmpHeader { kind, code })
    }

    #[test]
    fn agrees_with_the_published_vectors() {
        let host = "3ffe:507:0:1:200:86ff:fe05:80da";
        let server = "3ffe:501:0:1001::2";
        for (protocol, src, dst, ports, expected) in [
            (
                6,
                "128.232.110.120",
                "66.35.250.204",
                ports(34855, 80),
                "LQU9qZlK+B5F3KDmev6m5PMibrg",
            ),
            (
                17,
                "192.168.1.52",
                "8.8.8.8",
                ports(54585, 53),
                "d/FP5EW3wiY1vCndhwleRRKHowQ",
            ),
            (
                132,
                "192.168.170.8",
                "192.168.170.56",
                ports(7, 7),
                "MP2EtRCAUIZvTw6MxJHLV7N7JDs",
            ),
            (
                1,
                "192.168.0.89",
                "192.168.0.1",
                icmp(8, 0),
                "X0snYXpgwiv9TZtqg64sgzUn6Dk",
            ),
            (
                1,
                "192.168.0.1",
                "192.168.0.89",
                icmp(0, 0),
                "X0snYXpgwiv9TZtqg64sgzUn6Dk",
            ),
            (
                1,
                "192.168.0.89",
                "192.168.0.1",
                icmp(20, 0),
                "3o2RFccXzUgjl7zDpqmY7yJi8rI",
            ),
            (
                1,
                "192.168.0.89",
                "192.168.0.1",
                icmp(20, 1),
                "tz/fHIDUHs19NkixVVoOZywde+I",
            ),
            (
                58,
                host,
                server,
                icmp(128, 0),
                "+TW+HtLHvV1xnGhV1lv7XoJrqQg",
            ),
            (
                58,
                server,
                host,
                icmp(129, 0),
                "+TW+HtLHvV1xnGhV1lv7XoJrqQg",
            ),
            (
                58,
                "fe80::200:86ff:fe05:80da",
                "ff02::2",
                icmp(133, 0),
                "hO+sN4H+MG5MY/8hIrXPqc4ZQz0",
            ),
            (
                58,
                "fe80::260:97ff:fe07:69ea",
                "ff02::1",
                icmp(134, 0),
                "pkvHqCL88/tg1k4cPigmZXUtL00",
            ),
        ] {
            assert_eq!(id(protocol, src, dst, ports), format!("1:{expected}="));
        }
    }

    #[test]
    fn both_ends_give_the_same_name() {
        for protocol in [6, 17, 132] {
            let there = id(protocol, "192.0.2.9", "192.0.2.10", ports(1000, 80));
            let back = id(protocol, "192.0.2.10", "192.0.2.9", ports(80, 1000));
            assert_eq!(there, back);
        }
    }

    #[test]
    fn one_way_messages_have_a_name_per_direction() {
        let there = id(1, "192.0.2.1", "192.0.2.2", icmp(3, 1));
        let back = id(1, "192.0.2.2", "192.0.2.1", icmp(3, 1));
        assert_ne!(there, back);
    }

    #[test]
    fn protocols_without_ports_go_by_their_addresses() {
        let there = id(47, "192.0.2.1", "192.0.2.2", Ports::Absent);
        let back = id(47, "192.0.2.2", "192.0.2.1", Ports::Absent);
        assert_eq!(there, back);
        assert_ne!(
            there,
            id(47, "192.0.2.1", "192.0.2.2", Ports::Numbers(0, 0))
        );
    }
}
