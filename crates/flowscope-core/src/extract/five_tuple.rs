//! Flows by protocol, addresses and ports.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::KeyOfHeaders;
use crate::Orientation;
use crate::wire::{Headers, Protocol};

/// Keys flows by IP protocol, the two addresses and the two ports.
///
/// ICMP echo messages are keyed by their identifier in place of ports, other
/// ICMP messages by the pair of addresses, as is every protocol without ports.
///
/// ```
/// use flowscope_core::extract::{FiveTuple, FlowExtractor};
/// use flowscope_core::{LinkType, Orientation, PacketView, Timestamp};
///
/// let ask = [
///     0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 9, 10, 0, 0, 1, // IPv4
///     0x30, 0x39, 0, 53, 0, 8, 0, 0, // UDP, 12345 to 53
/// ];
/// let answer = [
///     0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 9, // IPv4
///     0, 53, 0x30, 0x39, 0, 8, 0, 0, // UDP, 53 to 12345
/// ];
/// let [ask, answer] = [&ask, &answer].map(|packet| {
///     let view = PacketView::new(packet, Timestamp::EPOCH).with_link(LinkType::RAW);
///     FiveTuple::bidirectional().extract(view)
/// });
/// let (ask, answer) = (ask?, answer?);
///
/// assert_eq!(ask.key, answer.key);
/// assert_ne!(ask.orientation, answer.orientation);
/// # Ok::<(), flowscope_core::wire::Skip>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct FiveTuple {
    direction: Direction,
}

#[derive(Clone, Copy, Debug)]
enum Direction {
    Both,
    One,
}

impl FiveTuple {
    /// Both directions of a conversation are one flow.
    #[must_use]
    pub const fn bidirectional() -> Self {
        Self {
            direction: Direction::Both,
        }
    }

    /// Each direction of a conversation is a flow of its own.
    #[must_use]
    pub const fn unidirectional() -> Self {
        Self {
            direction: Direction::One,
        }
    }
}

/// As [`FiveTuple::bidirectional`].
impl Default for FiveTuple {
    fn default() -> Self {
        Self::bidirectional()
    }
}

impl KeyOfHeaders for FiveTuple {
    type Key = FiveTupleKey;

    #[inline]
    fn key(&self, headers: &Headers<'_>) -> (FiveTupleKey, Orientation) {
        let key = FiveTupleKey::of(headers);
        match self.direction {
            Direction::Both if key.is_descending() => (key.swapped(), Orientation::Reverse),
            _ => (key, Orientation::Forward),
        }
    }

    fn seen_from(key: FiveTupleKey, orientation: Orientation) -> FiveTupleKey {
        FiveTupleKey {
            view: orientation,
            ..key
        }
    }
}

/// The key of [`FiveTuple`].
///
/// It compares equal for both directions of a conversation. In events it is
/// seen from the flow's initiator: `src` opened the flow. It prints as
/// `10.0.0.1:51234 → 93.184.216.34:443 tcp`.
#[derive(Clone, Copy)]
pub struct FiveTupleKey {
    /// Addresses as 128-bit numbers, in two halves to keep the key's alignment
    /// at eight bytes; an IPv4 address is the low 32 bits.
    addrs: [[u64; 2]; 2],
    ports: [u16; 2],
    protocol: Protocol,
    version: Version,
    /// Which end is shown as `src`; not part of the key's identity.
    view: Orientation,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
enum Version {
    V4 = 4,
    V6 = 6,
}

impl FiveTupleKey {
    #[inline]
    fn of(headers: &Headers<'_>) -> Self {
        let (addrs, version) = match (headers.ip.src, headers.ip.dst) {
            (IpAddr::V4(src), IpAddr::V4(dst)) => (
                [src, dst].map(|addr| [0, u64::from(addr.to_bits())]),
                Version::V4,
            ),
            (src, dst) => ([src, dst].map(halves), Version::V6),
        };
        Self {
            addrs,
            ports: [headers.ports.src, headers.ports.dst],
            protocol: headers.ip.protocol,
            version,
            view: Orientation::Forward,
        }
    }

    /// The initiator's address.
    #[must_use]
    pub fn src_addr(&self) -> IpAddr {
        self.addr(self.view)
    }

    /// The responder's address.
    #[must_use]
    pub fn dst_addr(&self) -> IpAddr {
        self.addr(self.view.reversed())
    }

    /// The initiator's port, if the protocol has ports.
    #[must_use]
    pub fn src_port(&self) -> Option<u16> {
        self.protocol.has_ports().then(|| self.port(self.view))
    }

    /// The responder's port, if the protocol has ports.
    #[must_use]
    pub fn dst_port(&self) -> Option<u16> {
        self.protocol
            .has_ports()
            .then(|| self.port(self.view.reversed()))
    }

    /// Whether one of the two ports is `port`.
    #[must_use]
    pub fn either_port(&self, port: u16) -> bool {
        self.protocol.has_ports() && self.ports.contains(&port)
    }

    /// The identifier of an ICMP echo flow, zero for other ICMP messages.
    #[must_use]
    pub fn icmp_identifier(&self) -> Option<u16> {
        let is_icmp = matches!(self.protocol, Protocol::ICMP | Protocol::ICMP6);
        is_icmp.then_some(self.ports[0])
    }

    /// The IP protocol.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    fn addr(&self, end: Orientation) -> IpAddr {
        let [high, low] = self.addrs[index(end)];
        match self.version {
            // The high bits of the low half are zero by construction.
            Version::V4 => Ipv4Addr::from_bits(low as u32).into(),
            Version::V6 => Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low)).into(),
        }
    }

    fn port(&self, end: Orientation) -> u16 {
        self.ports[index(end)]
    }

    #[inline]
    fn is_descending(&self) -> bool {
        let [src, dst] = self.addrs;
        (src, self.ports[0]) > (dst, self.ports[1])
    }

    #[inline]
    fn swapped(self) -> Self {
        let ([src, dst], [src_port, dst_port]) = (self.addrs, self.ports);
        Self {
            addrs: [dst, src],
            ports: [dst_port, src_port],
            ..self
        }
    }

    /// Everything but the addresses, in one word.
    #[inline]
    fn tail(&self) -> u64 {
        u64::from(self.ports[0]) << 48
            | u64::from(self.ports[1]) << 32
            | u64::from(self.protocol.0) << 8
            | self.version as u64
    }
}

#[inline]
const fn index(end: Orientation) -> usize {
    match end {
        Orientation::Forward => 0,
        Orientation::Reverse => 1,
    }
}

#[inline]
fn halves(addr: IpAddr) -> [u64; 2] {
    let bits = match addr {
        IpAddr::V4(addr) => addr.to_ipv6_mapped().to_bits(),
        IpAddr::V6(addr) => addr.to_bits(),
    };
    // The two halves of the number, each of which fits.
    [(bits >> 64) as u64, bits as u64]
}

impl PartialEq for FiveTupleKey {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.addrs == other.addrs && self.tail() == other.tail()
    }
}

impl Eq for FiveTupleKey {}

impl Hash for FiveTupleKey {
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        if self.version == Version::V6 {
            state.write_u64(self.addrs[0][0]);
            state.write_u64(self.addrs[1][0]);
        }
        state.write_u64(self.addrs[0][1]);
        state.write_u64(self.addrs[1][1]);
        state.write_u64(self.tail());
    }
}

impl fmt::Display for FiveTupleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_end(f, self.view)?;
        f.write_str(" → ")?;
        self.write_end(f, self.view.reversed())?;
        write!(f, " {}", self.protocol)
    }
}

/// As it prints: the parts are of no use to a reader.
impl fmt::Debug for FiveTupleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FiveTupleKey {
    fn write_end(&self, f: &mut fmt::Formatter<'_>, end: Orientation) -> fmt::Result {
        let addr = self.addr(end);
        match (addr, self.protocol.has_ports()) {
            (IpAddr::V4(_), true) => write!(f, "{addr}:{}", self.port(end)),
            (IpAddr::V6(_), true) => write!(f, "[{addr}]:{}", self.port(end)),
            (_, false) => write!(f, "{addr}"),
        }
    }
}
