//! Keys that know in which network a flow runs.

use core::fmt;
use core::hash::{Hash, Hasher};
use core::net::IpAddr;

use super::{Extracted, FiveTuple, FlowExtractor, IpPair, MacPair};
use crate::wire::{Addr, Cause, IpFragment, IpHeader, IpVersion, Layer, LayerVisitor, Skip};
use crate::{Orientation, PacketView};

/// Adds VLANs or tunnels to the key of another extractor, for networks in which
/// addresses mean nothing without them.
///
/// Without it, VLANs and tunnels are no part of a key: a conversation that
/// comes tagged one way and untagged the other is one flow. What the first
/// packet was wrapped in is remembered all the same, by whoever asks for
/// [`Extracted::layers`].
///
/// A tunnel must be the same in both directions to be part of a key:
///
/// - What both ends call by the same number stands for itself: the network of
///   VXLAN and Geneve, a GRE key, a LISP instance, a PPPoE session, an ERSPAN
///   session, the service of IEEE 802.1ah.
/// - Where each end chooses the number that it wants to receive, as with GTP-U,
///   L2TP and PPTP, and where there is none, as with IP in IP, CAPWAP and GRE
///   without a key, the two ends of the tunnel stand for it. Tenants that share
///   addresses and a pair of ends cannot be told apart without what the ends
///   agreed on.
/// - MPLS labels and service paths run one way, and nothing else is known of
///   them: they are left out. So are Teredo and AYIYA, whose inner addresses
///   are unique.
///
/// A VLAN tag of zero is only a priority, and is left out. A packet wrapped in
/// more than eight of these, or in more than two tunnels known by their ends,
/// is skipped: it would be put into another's flow.
///
/// ```
/// use flowscope_core::extract::{FiveTuple, FlowExtractor};
/// use flowscope_core::{PacketView, Timestamp};
///
/// // The same query of DNS in two VLANs.
/// let frame = |vlan| {
///     let mut frame = [0; 12].to_vec();
///     frame.extend([0x81, 0, 0, vlan, 0x08, 0]);
///     frame.extend([0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
///     frame.extend([0x30, 0x39, 0, 53, 0, 8, 0, 0]);
///     frame
/// };
/// let (seven, eight) = (frame(7), frame(8));
/// let [seven, eight] = [&seven, &eight].map(|it| PacketView::new(it, Timestamp::EPOCH));
///
/// let plain = FiveTuple::bidirectional();
/// assert_eq!(plain.extract(seven)?.key, plain.extract(eight)?.key);
/// let scoped = FiveTuple::bidirectional().with_vlan();
/// assert_ne!(scoped.extract(seven)?.key, scoped.extract(eight)?.key);
///
/// let key = scoped.extract(seven)?.key;
/// assert_eq!(key.to_string(), "10.0.0.1:12345 → 10.0.0.2:53 udp vlan 7");
/// # Ok::<(), flowscope_core::wire::Skip>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Scoped<E> {
    inner: E,
    counts: Counts,
}

/// What is part of the key.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    vlan: bool,
    tunnel: bool,
}

impl<E> Scoped<E> {
    /// Adds nothing yet to the key of `inner`.
    pub const fn new(inner: E) -> Self {
        Self {
            inner,
            counts: Counts {
                vlan: false,
                tunnel: false,
            },
        }
    }

    /// Makes VLAN identifiers part of the key.
    #[must_use]
    pub fn with_vlan(mut self) -> Self {
        self.counts.vlan = true;
        self
    }

    /// Makes tunnels part of the key. It takes an extractor that
    /// opens tunnels, such as [`AutoDetectEncap`](super::AutoDetectEncap)
    /// around this.
    #[must_use]
    pub fn with_tunnel(mut self) -> Self {
        self.counts.tunnel = true;
        self
    }
}

/// Declares how extractors get a scope.
macro_rules! can_be_scoped {
    ($($name:ident)*) => {$(
        impl $name {
            /// Makes VLAN identifiers part of the key; see [`Scoped`].
            #[must_use]
            pub fn with_vlan(self) -> Scoped<Self> {
                Scoped::new(self).with_vlan()
            }

            /// Makes tunnels part of the key; see [`Scoped`].
            #[must_use]
            pub fn with_tunnel(self) -> Scoped<Self> {
                Scoped::new(self).with_tunnel()
            }
        }
    )*};
}

can_be_scoped!(FiveTuple IpPair MacPair);

/// The key of [`Scoped`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ScopedKey<K> {
    /// What flows are told apart by otherwise.
    pub key: K,
    /// Where the flow runs.
    pub scope: Scope,
}

impl<K: fmt::Display> fmt::Display for ScopedKey<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)?;
        self.scope.marks().try_for_each(|mark| write!(f, " {mark}"))
    }
}

impl<E: FlowExtractor> Scoped<E> {
    fn add<'a>(
        &self,
        extracted: Extracted<'a, E::Key>,
        trace: impl FnOnce(&mut dyn LayerVisitor) -> Result<(), Skip>,
    ) -> Result<Extracted<'a, ScopedKey<E::Key>>, Skip> {
        let mut survey = Survey::new(self.counts);
        if self.counts.vlan || self.counts.tunnel {
            // The packet has a flow, so this walk ends where that one did.
            let _ = trace(&mut survey);
        }
        match survey.overflow {
            None => Ok(extracted.with_key(|key| ScopedKey {
                key,
                scope: survey.scope,
            })),
            Some(layer) => Err(Skip::new(layer, Cause::TooDeep)),
        }
    }

    fn listen<'p>(&self, visitor: &'p mut dyn LayerVisitor) -> Listening<'p> {
        Listening {
            survey: Survey::new(self.counts),
            visitor,
        }
    }
}

impl<E: FlowExtractor> FlowExtractor for Scoped<E> {
    type Key = ScopedKey<E::Key>;

    fn extract<'a>(&self, packet: PacketView<'a>) -> Result<Extracted<'a, Self::Key>, Skip> {
        let extracted = self.inner.extract(packet)?;
        self.add(extracted, |visitor| self.inner.trace(packet, visitor))
    }

    fn extract_innermost<'a>(
        &self,
        packet: PacketView<'a>,
    ) -> Result<Extracted<'a, Self::Key>, Skip> {
        let extracted = self.inner.extract_innermost(packet)?;
        self.add(extracted, |visitor| {
            self.inner.trace_innermost(packet, visitor)
        })
    }

    fn trace(&self, packet: PacketView<'_>, visitor: &mut dyn LayerVisitor) -> Result<(), Skip> {
        self.inner.trace(packet, &mut self.listen(visitor))
    }

    fn trace_innermost(
        &self,
        packet: PacketView<'_>,
        visitor: &mut dyn LayerVisitor,
    ) -> Result<(), Skip> {
        self.inner
            .trace_innermost(packet, &mut self.listen(visitor))
    }

    fn seen_from(key: Self::Key, orientation: Orientation) -> Self::Key {
        ScopedKey {
            key: E::seen_from(key.key, orientation),
            ..key
        }
    }
}

/// The VLANs and tunnels that are part of a key, outermost first.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Scope {
    /// Layers with their identifiers; `None` where the next of `ends` stands
    /// for it.
    marks: [(Layer, Option<u32>); MAX_MARKS],
    ends: [Ends; MAX_ENDS],
    marks_len: u8,
    ends_len: u8,
}

/// One thing in a [`Scope`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Mark {
    /// A layer with an identifier that both directions share.
    Id(Layer, u32),
    /// A tunnel known by its two ends, in order of their addresses.
    Between(Layer, [IpAddr; 2]),
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(layer, id) => write!(f, "{} {id}", layer.as_str()),
            Self::Between(layer, [a, b]) => write!(f, "{} {a} {b}", layer.as_str()),
        }
    }
}

/// The ends of a tunnel, the lower one first.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
struct Ends {
    addrs: [Addr; 2],
    version: IpVersion,
}

impl Scope {
    const EMPTY: Self = Self {
        marks: [(Layer::Link, None); MAX_MARKS],
        ends: [Ends {
            addrs: [Addr { high: 0, low: 0 }; 2],
            version: IpVersion::V4,
        }; MAX_ENDS],
        marks_len: 0,
        ends_len: 0,
    };

    /// What it consists of, outermost first.
    pub fn marks(&self) -> impl Iterator<Item = Mark> {
        let mut ends = self.ends.iter();
        let marks = self.marks.iter().take(self.marks_len.into());
        marks.filter_map(move |&(layer, id)| match id {
            Some(id) => Some(Mark::Id(layer, id)),
            None => {
                let Ends { addrs, version } = ends.next()?;
                let ends = addrs.map(|addr| addr.read_as(*version));
                Some(Mark::Between(layer, ends))
            }
        })
    }

    fn push(&mut self, layer: Layer, id: Option<u32>) -> Option<()> {
        *self.marks.get_mut(usize::from(self.marks_len))? = (layer, id);
        self.marks_len += 1;
        Some(())
    }

    fn push_ends(&mut self, layer: Layer, ip: &IpHeader) -> Option<()> {
        let [src, dst] = ip.addrs;
        let place = self.ends.get_mut(usize::from(self.ends_len))?;
        *place = Ends {
            addrs: [src.min(dst), src.max(dst)],
            version: ip.version,
        };
        self.ends_len += 1;
        self.push(layer, None)
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.marks()).finish()
    }
}

/// Collects a scope on the way through a packet.
struct Survey {
    counts: Counts,
    scope: Scope,
    /// The first layer for which there was no room.
    overflow: Option<Layer>,
}

impl Survey {
    fn new(counts: Counts) -> Self {
        Self {
            counts,
            scope: Scope::EMPTY,
            overflow: None,
        }
    }

    fn note(&mut self, layer: Layer, id: Option<u32>, carrier: Option<&IpHeader>) {
        let is_wanted = match layer {
            Layer::Vlan => self.counts.vlan && id != Some(0),
            _ => self.counts.tunnel,
        };
        if !is_wanted {
            return;
        }
        let noted = match (identity(layer), id, carrier) {
            (Identity::Number, Some(_), _) => self.scope.push(layer, id),
            (Identity::Number | Identity::Ends, _, Some(ip)) => self.scope.push_ends(layer, ip),
            _ => Some(()),
        };
        if noted.is_none() {
            self.overflow = self.overflow.or(Some(layer));
        }
    }
}

impl LayerVisitor for Survey {
    fn layer(&mut self, layer: Layer, id: Option<u32>) {
        self.note(layer, id, None);
    }

    fn tunnel(&mut self, layer: Layer, id: Option<u32>, carrier: &IpHeader) {
        self.note(layer, id, Some(carrier));
    }
}

/// Tells what it is told, and fragments in which scope they are: those of
/// different scopes do not belong together.
struct Listening<'p> {
    survey: Survey,
    visitor: &'p mut dyn LayerVisitor,
}

impl LayerVisitor for Listening<'_> {
    fn layer(&mut self, layer: Layer, id: Option<u32>) {
        self.survey.layer(layer, id);
        self.visitor.layer(layer, id);
    }

    fn tunnel(&mut self, layer: Layer, id: Option<u32>, carrier: &IpHeader) {
        self.survey.tunnel(layer, id, carrier);
        self.visitor.tunnel(layer, id, carrier);
    }

    fn unopened_tunnel(&mut self, why: Skip) {
        self.visitor.unopened_tunnel(why);
    }

    fn ip_packet(&mut self, packet: &[u8]) {
        self.visitor.ip_packet(packet);
    }

    fn fragment(&mut self, fragment: &IpFragment<'_>) {
        let mut scope = Fnv::new(fragment.scope);
        self.survey.scope.hash(&mut scope);
        self.visitor.fragment(&fragment.in_scope(scope.finish()));
    }

    fn is_active(&self) -> bool {
        self.visitor.is_active()
    }
}

/// The hash of Fowler, Noll and Vo. Scopes are short.
struct Fnv(u64);

impl Fnv {
    fn new(seed: u64) -> Self {
        Self(0xcbf2_9ce4_8422_2325 ^ seed)
    }
}

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// What a layer is known by in both directions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Identity {
    /// Its identifier, or its ends if it has none.
    Number,
    /// Its ends.
    Ends,
    /// Nothing that both directions have.
    Nothing,
}

const fn identity(layer: Layer) -> Identity {
    match layer {
        Layer::Vlan
        | Layer::Pbb
        | Layer::Pppoe
        | Layer::Vxlan
        | Layer::Geneve
        | Layer::Gre
        | Layer::Lisp
        | Layer::Erspan => Identity::Number,
        Layer::Ipv4
        | Layer::Ipv6
        | Layer::Udp
        | Layer::GtpU
        | Layer::L2tp
        | Layer::Pptp
        | Layer::EtherIp
        | Layer::Capwap => Identity::Ends,
        // Labels and paths that run one way, tunnels whose inner addresses are
        // unique, copies on the way to who looks at them, and no tunnels.
        Layer::Mpls
        | Layer::Nsh
        | Layer::Teredo
        | Layer::Ayiya
        | Layer::Pim
        | Layer::Tzsp
        | Layer::PortExtension
        | Layer::Trill
        | Layer::FabricPath
        | Layer::MacSecurity
        | Layer::Link
        | Layer::Ethernet
        | Layer::Llc
        | Layer::Loopback
        | Layer::Sll
        | Layer::Ppp
        | Layer::Hdlc
        | Layer::FrameRelay
        | Layer::Radio
        | Layer::Ieee80211
        | Layer::Log
        | Layer::Arp
        | Layer::Ah
        | Layer::Tcp
        | Layer::UdpLite
        | Layer::Sctp
        | Layer::Icmp
        | Layer::Icmp6 => Identity::Nothing,
    }
}

/// More than networks stack.
const MAX_MARKS: usize = 8;
const MAX_ENDS: usize = 2;
