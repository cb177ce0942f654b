//! Flows by protocol, addresses and ports.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::net::IpAddr;

use super::KeyOfHeaders;
use crate::wire::{Addr, Headers, IpProtocol, IpVersion};
use crate::{FlowSide, Orientation};

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
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct FiveTuple {
    direction: Direction,
}

#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
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
            Direction::Both => key.in_order(),
            Direction::One => (key, Orientation::Forward),
        }
    }

    fn seen_from(key: FiveTupleKey, orientation: Orientation) -> FiveTupleKey {
        FiveTupleKey {
            tail: key.tail.seen_from(orientation),
            ..key
        }
    }
}

/// The key of [`FiveTuple`].
///
/// It compares equal for both directions of a conversation. In events it is
/// seen from the flow's initiator: `src` opened the flow. It prints as
/// `10.0.0.1:51234 → 93.184.216.34:443 tcp`. Keys are in order of their
/// addresses, the lower one first, whoever opened the flow.
#[derive(Clone, Copy)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(
    feature = "serde",
    serde(
        from = "super::serialized::FiveTuple",
        into = "super::serialized::FiveTuple"
    )
)]
pub struct FiveTupleKey {
    addrs: [Addr; 2],
    /// Everything else in one word, which is quick to compare and to hash.
    tail: PackedPorts,
}

impl FiveTupleKey {
    #[inline]
    fn of(headers: &Headers<'_>) -> Self {
        Self {
            addrs: headers.ip.addrs,
            tail: PackedPorts::new(headers),
        }
    }

    /// The address of one side.
    #[inline]
    #[must_use]
    pub fn addr(&self, side: FlowSide) -> IpAddr {
        self.addr_at(self.end(side))
    }

    /// The port of one side, if the protocol has ports.
    #[inline]
    #[must_use]
    pub fn port(&self, side: FlowSide) -> Option<u16> {
        let has_ports = self.protocol().has_ports();
        has_ports.then(|| self.tail.port(self.end(side)))
    }

    /// Whether one of the two ports is `port`.
    #[must_use]
    pub fn either_port(&self, port: u16) -> bool {
        FlowSide::BOTH
            .into_iter()
            .any(|side| self.port(side) == Some(port))
    }

    /// The IP protocol.
    #[inline]
    #[must_use]
    pub fn protocol(&self) -> IpProtocol {
        self.tail.protocol()
    }

    /// Which end of the key a side is.
    #[inline]
    fn end(&self, side: FlowSide) -> Orientation {
        match side {
            FlowSide::Initiator => self.tail.view(),
            FlowSide::Responder => self.tail.view().reversed(),
        }
    }

    #[cfg(feature = "serde")]
    pub(super) fn to_serialized(self) -> super::serialized::FiveTuple {
        let view = self.tail.view();
        super::serialized::FiveTuple {
            src: self.addr_at(view),
            dst: self.addr_at(view.reversed()),
            src_port: self.tail.port(view),
            dst_port: self.tail.port(view.reversed()),
            protocol: self.protocol(),
            orientation: view,
        }
    }

    #[cfg(feature = "serde")]
    pub(super) fn from_serialized(key: &super::serialized::FiveTuple) -> Self {
        let (src, version) = Addr::of_ip(key.src);
        let (dst, _) = Addr::of_ip(key.dst);
        let (addrs, [first, second]) = match key.orientation {
            Orientation::Forward => ([src, dst], [key.src_port, key.dst_port]),
            Orientation::Reverse => ([dst, src], [key.dst_port, key.src_port]),
        };
        let tail = PackedPorts::pack([first, second], version, key.protocol);
        Self {
            addrs,
            tail: tail.seen_from(key.orientation),
        }
    }

    #[inline]
    fn addr_at(&self, end: Orientation) -> IpAddr {
        let [first, second] = self.addrs;
        let addr = match end {
            Orientation::Forward => first,
            Orientation::Reverse => second,
        };
        addr.read_as(self.tail.version())
    }

    /// The key with its lesser end first, and which way it ran before.
    ///
    /// Packets run either way about as often, in no order that a processor
    /// could foresee: there is no branch here to guess wrong.
    #[inline]
    fn in_order(self) -> (Self, Orientation) {
        let [src, dst] = self.addrs;
        let port = |end| self.tail.port(end);
        let (src_port, dst_port) = (port(Orientation::Forward), port(Orientation::Reverse));
        // One subtraction of numbers of three words, of which the borrow counts.
        let (_, is_descending) = dst_port.overflowing_sub(src_port);
        let (_, is_descending) = dst.low.borrowing_sub(src.low, is_descending);
        let (_, is_descending) = dst.high.borrowing_sub(src.high, is_descending);
        // Nothing or everything in which the two ends differ.
        let mask = u64::from(is_descending).wrapping_neg();
        let (high, low) = ((src.high ^ dst.high) & mask, (src.low ^ dst.low) & mask);
        let flip = |addr: Addr| Addr {
            high: addr.high ^ high,
            low: addr.low ^ low,
        };
        let ports = u64::from(src_port ^ dst_port) & mask;
        let key = Self {
            addrs: [flip(src), flip(dst)],
            tail: PackedPorts(self.tail.0 ^ (ports << 48 | ports << 32)),
        };
        let orientation = match is_descending {
            false => Orientation::Forward,
            true => Orientation::Reverse,
        };
        (key, orientation)
    }
}

/// Ports, protocol and version, and which end of the key is shown as `src`:
///
/// ```text
///  63        48 47        32 31       16 15       8 7       1  0
/// ┌────────────┬────────────┬───────────┬──────────┬─────────┬──┐
/// │ first port │second port │     0     │ protocol │ version │ ▸│
/// └────────────┴────────────┴───────────┴──────────┴─────────┴──┘
/// ```
///
/// The last bit is no part of the key's identity.
#[derive(Clone, Copy)]
struct PackedPorts(u64);

impl PackedPorts {
    const VIEW: u64 = 1;

    #[inline]
    fn new(headers: &Headers<'_>) -> Self {
        let ports = [headers.ports.src, headers.ports.dst];
        Self::pack(ports, headers.ip.version, headers.ip.protocol)
    }

    #[inline(always)]
    fn pack([first, second]: [u16; 2], version: IpVersion, protocol: IpProtocol) -> Self {
        let version = match version {
            IpVersion::V4 => 4,
            IpVersion::V6 => 6,
        };
        Self(
            u64::from(first) << 48
                | u64::from(second) << 32
                | u64::from(protocol.0) << 8
                | version << 1,
        )
    }

    fn seen_from(self, view: Orientation) -> Self {
        Self(match view {
            Orientation::Forward => self.identity(),
            Orientation::Reverse => self.identity() | Self::VIEW,
        })
    }

    fn view(self) -> Orientation {
        match self.0 & Self::VIEW {
            0 => Orientation::Forward,
            _ => Orientation::Reverse,
        }
    }

    #[inline]
    fn port(self, end: Orientation) -> u16 {
        // The low 16 bits are meant.
        (match end {
            Orientation::Forward => self.0 >> 48,
            Orientation::Reverse => self.0 >> 32,
        }) as u16
    }

    #[inline]
    fn protocol(self) -> IpProtocol {
        IpProtocol((self.0 >> 8) as u8)
    }

    #[inline]
    fn version(self) -> IpVersion {
        match self.0 as u8 >> 1 {
            4 => IpVersion::V4,
            _ => IpVersion::V6,
        }
    }

    #[inline]
    fn identity(self) -> u64 {
        self.0 & !Self::VIEW
    }
}

impl PartialEq for FiveTupleKey {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.addrs == other.addrs && self.tail.identity() == other.tail.identity()
    }
}

impl Eq for FiveTupleKey {}

/// IPv4 before IPv6, then by addresses, ports and protocol, whichever side is
/// shown first.
impl Ord for FiveTupleKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let parts = |key: &Self| (key.tail.version(), key.addrs, key.tail.identity());
        parts(self).cmp(&parts(other))
    }
}

impl PartialOrd for FiveTupleKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Hash for FiveTupleKey {
    #[inline(always)]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [src, dst] = self.addrs;
        // Zero in both for IPv4.
        if src.high | dst.high != 0 {
            state.write_u64(src.high);
            state.write_u64(dst.high);
        }
        state.write_u64(src.low);
        state.write_u64(dst.low);
        state.write_u64(self.tail.identity());
    }
}

impl fmt::Display for FiveTupleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_end(f, FlowSide::Initiator)?;
        f.write_str(" → ")?;
        self.write_end(f, FlowSide::Responder)?;
        write!(f, " {}", self.protocol())
    }
}

/// As it prints: the parts are of no use to a reader.
impl fmt::Debug for FiveTupleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FiveTupleKey {
    fn write_end(&self, f: &mut fmt::Formatter<'_>, side: FlowSide) -> fmt::Result {
        let addr = self.addr(side);
        match (addr, self.port(side)) {
            (IpAddr::V4(_), Some(port)) => write!(f, "{addr}:{port}"),
            (IpAddr::V6(_), Some(port)) => write!(f, "[{addr}]:{port}"),
            (_, None) => write!(f, "{addr}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;
    use crate::extract::FlowExtractor;
    use crate::{LinkType, PacketView, Timestamp};

    /// The key of a UDP datagram from 10.0.0.`from` to 10.0.0.`to`, as its
    /// sender sees it.
    fn key(from: u8, from_port: u8, to: u8, to_port: u8) -> FiveTupleKey {
        let packet = [
            0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, from, 10, 0, 0, to, // IPv4
            0, from_port, 0, to_port, 0, 8, 0, 0, // UDP
        ];
        let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
        let extracted = FiveTuple::bidirectional().extract(view);
        let extracted = extracted.expect("it is a datagram");
        <FiveTuple as FlowExtractor>::seen_from(extracted.key, extracted.orientation)
    }

    #[test]
    fn a_side_has_its_address_and_port_whichever_end_is_lower() {
        for (from, to) in [(1, 2), (2, 1)] {
            let key = key(from, 9, to, 53);
            let of = |side| (key.addr(side), key.port(side));
            let host = |last| IpAddr::from([10, 0, 0, last]);
            assert_eq!(of(FlowSide::Initiator), (host(from), Some(9)));
            assert_eq!(of(FlowSide::Responder), (host(to), Some(53)));
        }
    }

    #[test]
    fn keys_are_in_order_of_addresses_and_as_equal_as_they_are_ordered() {
        let mut keys = [key(3, 1, 2, 1), key(2, 2, 1, 1), key(1, 1, 2, 1)];
        keys.sort();
        let printed: Vec<_> = keys.iter().map(|key| std::format!("{key}")).collect();
        let expected = [
            "10.0.0.1:1 → 10.0.0.2:1 udp",
            "10.0.0.2:2 → 10.0.0.1:1 udp",
            "10.0.0.3:1 → 10.0.0.2:1 udp",
        ];
        assert_eq!(printed, expected);
        let (there, back) = (key(1, 9, 2, 53), key(2, 53, 1, 9));
        assert_eq!(there.cmp(&back), Ordering::Equal);
        assert_eq!(there, back);
    }
}
