//! Flows by protocol, addresses and ports.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::net::IpAddr;

use super::KeyOfHeaders;
use crate::Orientation;
use crate::wire::{Addr, Headers, IpVersion, Protocol};

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
    addrs: [Addr; 2],
    ports: [u16; 2],
    protocol: Protocol,
    version: IpVersion,
    /// Which end is shown as `src`; not part of the key's identity.
    view: Orientation,
}

impl FiveTupleKey {
    #[inline]
    fn of(headers: &Headers<'_>) -> Self {
        Self {
            addrs: headers.ip.addrs,
            ports: [headers.ports.src, headers.ports.dst],
            protocol: headers.ip.protocol,
            version: headers.ip.version,
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
        self.addrs[index(end)].read_as(self.version)
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
        let [src, dst] = self.addrs;
        if self.version == IpVersion::V6 {
            state.write_u64(src.high);
            state.write_u64(dst.high);
        }
        state.write_u64(src.low);
        state.write_u64(dst.low);
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
