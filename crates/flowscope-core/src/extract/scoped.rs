//! Keys that know in which network a flow runs.

use alloc::vec::Vec;
use core::fmt;

use super::scope::Scope;
use super::{Extracted, FiveTuple, FlowExtractor};
use crate::wire::{Cause, IpFragment, IpHeader, Layer, LayerVisitor, Skip};
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
    parts: ScopeParts,
}

/// What is part of the key.
#[derive(Clone, Copy, Debug, Default)]
struct ScopeParts {
    vlan: bool,
    tunnel: bool,
}

impl<E> Scoped<E> {
    /// Adds nothing yet to the key of `inner`.
    pub const fn new(inner: E) -> Self {
        Self {
            inner,
            parts: ScopeParts {
                vlan: false,
                tunnel: false,
            },
        }
    }

    /// Makes VLAN identifiers part of the key.
    #[must_use]
    pub fn with_vlan(mut self) -> Self {
        self.parts.vlan = true;
        self
    }

    /// Makes tunnels part of the key. It takes an extractor that
    /// opens tunnels, such as [`AutoDetectEncap`](super::AutoDetectEncap)
    /// around this.
    #[must_use]
    pub fn with_tunnel(mut self) -> Self {
        self.parts.tunnel = true;
        self
    }
}

impl FiveTuple {
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

/// The key of [`Scoped`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct ScopedKey<K> {
    /// The key without the scope.
    pub key: K,
    /// Where the flow runs.
    pub scope: Scope,
}

impl<K: fmt::Display> fmt::Display for ScopedKey<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.key.fmt(f)?;
        self.scope
            .layers()
            .try_for_each(|layer| write!(f, " {layer}"))
    }
}

impl<E: FlowExtractor> Scoped<E> {
    fn add<'a>(
        &self,
        extracted: Extracted<'a, E::Key>,
        trace: impl FnOnce(&mut dyn LayerVisitor) -> Result<(), Skip>,
    ) -> Result<Extracted<'a, ScopedKey<E::Key>>, Skip> {
        let mut collector = ScopeCollector::new(self.parts);
        if self.parts.vlan || self.parts.tunnel {
            // The packet has a flow, so this walk ends where that one did.
            let _ = trace(&mut collector);
        }
        match collector.overflow {
            // A key that leaves a layer out would put two tenants on one flow, so a packet
            // with more layers than fit has no flow at all.
            None => Ok(extracted.with_key(|key| ScopedKey {
                key,
                scope: collector.scope,
            })),
            Some(layer) => Err(Skip::new(layer, Cause::TooDeep)),
        }
    }

    fn scoped_visitor<'p>(&self, visitor: &'p mut dyn LayerVisitor) -> ScopedVisitor<'p> {
        ScopedVisitor {
            collector: ScopeCollector::new(self.parts),
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
        self.inner.trace(packet, &mut self.scoped_visitor(visitor))
    }

    fn trace_innermost(
        &self,
        packet: PacketView<'_>,
        visitor: &mut dyn LayerVisitor,
    ) -> Result<(), Skip> {
        self.inner
            .trace_innermost(packet, &mut self.scoped_visitor(visitor))
    }

    fn seen_from(key: Self::Key, orientation: Orientation) -> Self::Key {
        ScopedKey {
            key: E::seen_from(key.key, orientation),
            ..key
        }
    }
}

/// Collects a scope on the way through a packet.
struct ScopeCollector {
    parts: ScopeParts,
    scope: Scope,
    /// The first layer for which there was no room.
    overflow: Option<Layer>,
}

impl ScopeCollector {
    fn new(parts: ScopeParts) -> Self {
        Self {
            parts,
            scope: Scope::EMPTY,
            overflow: None,
        }
    }

    fn note(&mut self, layer: Layer, id: Option<u32>, carrier: Option<&IpHeader>) {
        // A tag with VLAN 0 carries a priority and names no network (IEEE 802.1Q, 6.9).
        let is_wanted = match layer {
            Layer::Vlan => self.parts.vlan && id != Some(0),
            _ => self.parts.tunnel,
        };
        if !is_wanted {
            return;
        }
        let pushed = match (identity(layer), id, carrier) {
            (Identity::Number, Some(_), _) => self.scope.push(layer, id),
            (Identity::Number | Identity::Ends, _, Some(ip)) => {
                self.scope.push_ends(layer, ip.addrs, ip.version)
            }
            _ => Some(()),
        };
        if pushed.is_none() {
            self.overflow = self.overflow.or(Some(layer));
        }
    }
}

impl LayerVisitor for ScopeCollector {
    fn layer(&mut self, layer: Layer, id: Option<u32>) {
        self.note(layer, id, None);
    }

    fn tunnel(&mut self, layer: Layer, id: Option<u32>, carrier: &IpHeader) {
        self.note(layer, id, Some(carrier));
    }
}

/// Passes everything on to a visitor, and fragments with their scope: those of
/// different scopes do not belong together.
struct ScopedVisitor<'p> {
    collector: ScopeCollector,
    visitor: &'p mut dyn LayerVisitor,
}

impl LayerVisitor for ScopedVisitor<'_> {
    fn layer(&mut self, layer: Layer, id: Option<u32>) {
        self.collector.layer(layer, id);
        self.visitor.layer(layer, id);
    }

    fn tunnel(&mut self, layer: Layer, id: Option<u32>, carrier: &IpHeader) {
        self.collector.tunnel(layer, id, carrier);
        self.visitor.tunnel(layer, id, carrier);
    }

    fn unopened_tunnel(&mut self, why: Skip) {
        self.visitor.unopened_tunnel(why);
    }

    fn ip_packet(&mut self, packet: &[u8]) {
        self.visitor.ip_packet(packet);
    }

    fn fragment(&mut self, fragment: &IpFragment<'_>) {
        if self.collector.scope.is_empty() && fragment.scope.is_empty() {
            return self.visitor.fragment(fragment);
        }
        let mut scope = Vec::from(fragment.scope);
        self.collector.scope.encode(&mut scope);
        self.visitor.fragment(&fragment.in_scope(&scope));
    }

    fn is_active(&self) -> bool {
        self.visitor.is_active()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::wire::{Addr, IpVersion};

    fn ip(last: u8) -> IpHeader {
        let addr = |low| Addr { high: 0, low };
        IpHeader {
            addrs: [addr(1), addr(last.into())],
            version: IpVersion::V4,
            protocol: crate::wire::IpProtocol::UDP,
            len: 20,
        }
    }

    /// Scopes that differ in one thing each.
    fn scopes() -> Vec<Scope> {
        let mut scopes = Vec::from([Scope::EMPTY; 8]);
        let layers: [&[(Layer, Result<u32, u8>)]; 8] = [
            &[],
            &[(Layer::Vlan, Ok(7))],
            &[(Layer::Vlan, Ok(8))],
            &[(Layer::Vxlan, Ok(7))],
            &[(Layer::Vlan, Ok(7)), (Layer::Vlan, Ok(8))],
            &[(Layer::Vlan, Ok(8)), (Layer::Vlan, Ok(7))],
            &[(Layer::Ipv4, Err(2))],
            &[(Layer::Ipv4, Err(3))],
        ];
        for (scope, layers) in scopes.iter_mut().zip(layers) {
            for (layer, known_by) in layers {
                let pushed = match known_by {
                    Ok(id) => scope.push(*layer, Some(*id)),
                    Err(end) => {
                        let ip = ip(*end);
                        scope.push_ends(*layer, ip.addrs, ip.version)
                    }
                };
                assert_eq!(pushed, Some(()));
            }
        }
        scopes
    }

    /// The scope in which extractors around each other leave a fragment.
    fn scope_of_fragment(scopes: &[Scope]) -> Vec<u8> {
        struct Seen(Vec<u8>);
        impl LayerVisitor for Seen {
            fn layer(&mut self, _: Layer, _: Option<u32>) {}
            fn fragment(&mut self, fragment: &IpFragment<'_>) {
                self.0 = fragment.scope.into();
            }
        }
        fn trace_scopes(
            scopes: &[Scope],
            visitor: &mut dyn LayerVisitor,
            fragment: &IpFragment<'_>,
        ) {
            let [scope, rest @ ..] = scopes else {
                return visitor.fragment(fragment);
            };
            let collector = ScopeCollector {
                parts: ScopeParts::default(),
                scope: *scope,
                overflow: None,
            };
            trace_scopes(rest, &mut ScopedVisitor { collector, visitor }, fragment);
        }
        struct Fragments<'s>(&'s [Scope], Seen);
        impl LayerVisitor for Fragments<'_> {
            fn layer(&mut self, _: Layer, _: Option<u32>) {}
            fn fragment(&mut self, fragment: &IpFragment<'_>) {
                trace_scopes(self.0, &mut self.1, fragment);
            }
        }
        let packet = [
            0x45, 0, 0, 28, 0, 77, 0x20, 1, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, 1, 2, 3, 4, 5,
            6, 7, 8,
        ];
        let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(crate::LinkType::RAW);
        let mut fragments = Fragments(scopes, Seen(Vec::new()));
        let walk = FiveTuple::bidirectional().trace(view, &mut fragments);
        assert_eq!(walk, Err(Skip::new(Layer::Ipv4, Cause::Fragment)));
        fragments.1.0
    }

    #[test]
    fn fragments_of_different_scopes_are_told_apart() {
        let lists: Vec<[Scope; 2]> = scopes()
            .iter()
            .flat_map(|one| scopes().into_iter().map(|other| [*one, other]))
            .collect();
        let encoded: Vec<_> = lists.iter().map(|list| scope_of_fragment(list)).collect();
        for (n, one) in encoded.iter().enumerate() {
            for (m, other) in encoded.iter().enumerate() {
                assert_eq!(one == other, n == m, "{:?} {:?}", lists[n], lists[m]);
            }
        }
    }

    #[test]
    fn without_a_scope_a_fragment_has_no_bytes_of_one() {
        assert!(scope_of_fragment(&[Scope::EMPTY; 2]).is_empty());
    }
}
