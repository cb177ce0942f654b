//! Flows by protocol, addresses and ports.

use core::cmp::Ordering;
use core::fmt;
use core::hash::{Hash, Hasher};
use core::net::IpAddr;

use super::KeyOfHeaders;
use crate::Orientation;
use crate::wire::{Addr, Headers, IpProtocol, IpVersion};

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
/// `10.0.0.1:51234 → 93.184.216.34:443 tcp`.
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
    tail: Tail,
}

impl FiveTupleKey {
    #[inline]
    fn of(headers: &Headers<'_>) -> Self {
        Self {
            addrs: headers.ip.addrs,
            tail: Tail::new(headers),
        }
    }

    /// The initiator's address.
    #[must_use]
    pub fn src_addr(&self) -> IpAddr {
        self.addr(self.tail.view())
    }

    /// The responder's address.
    #[must_use]
    pub fn dst_addr(&self) -> IpAddr {
        self.addr(self.tail.view().reversed())
    }

    /// The initiator's port, if the protocol has ports.
    #[must_use]
    pub fn src_port(&self) -> Option<u16> {
        let has_ports = self.protocol().has_ports();
        has_ports.then(|| self.tail.port(self.tail.view()))
    }

    /// The responder's port, if the protocol has ports.
    #[must_use]
    pub fn dst_port(&self) -> Option<u16> {
        let has_ports = self.protocol().has_ports();
        has_ports.then(|| self.tail.port(self.tail.view().reversed()))
    }

    /// Whether one of the two ports is `port`.
    #[must_use]
    pub fn either_port(&self, port: u16) -> bool {
        [self.src_port(), self.dst_port()].contains(&Some(port))
    }

    /// The identifier of an ICMP echo flow, zero for other ICMP messages.
    #[must_use]
    pub fn icmp_identifier(&self) -> Option<u16> {
        let is_icmp = matches!(self.protocol(), IpProtocol::ICMP | IpProtocol::ICMP6);
        is_icmp.then(|| self.tail.port(Orientation::Forward))
    }

    /// The IP protocol.
    #[must_use]
    pub fn protocol(&self) -> IpProtocol {
        self.tail.protocol()
    }

    #[cfg(feature = "serde")]
    pub(super) fn to_serialized(self) -> super::serialized::FiveTuple {
        let view = self.tail.view();
        super::serialized::FiveTuple {
            src: self.addr(view),
            dst: self.addr(view.reversed()),
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
        let tail = Tail::pack([first, second], version, key.protocol);
        Self {
            addrs,
            tail: tail.seen_from(key.orientation),
        }
    }

    fn addr(&self, end: Orientation) -> IpAddr {
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
            tail: Tail(self.tail.0 ^ (ports << 48 | ports << 32)),
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
struct Tail(u64);

impl Tail {
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

    fn protocol(self) -> IpProtocol {
        IpProtocol((self.0 >> 8) as u8)
    }

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

/// By the addresses in the order of the key, then by protocol and ports, which
/// is the same for every view.
impl Ord for FiveTupleKey {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = |key: &Self| (key.addrs, key.protocol(), key.tail.identity());
        order(self).cmp(&order(other))
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
        self.write_end(f, self.tail.view())?;
        f.write_str(" → ")?;
        self.write_end(f, self.tail.view().reversed())?;
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
    fn write_end(&self, f: &mut fmt::Formatter<'_>, end: Orientation) -> fmt::Result {
        let addr = self.addr(end);
        match (addr, self.protocol().has_ports()) {
            (IpAddr::V4(_), true) => write!(f, "{addr}:{}", self.tail.port(end)),
            (IpAddr::V6(_), true) => write!(f, "[{addr}]:{}", self.tail.port(end)),
            (_, false) => write!(f, "{addr}"),
        }
    }
}
