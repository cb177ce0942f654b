//! From a frame to the flow it belongs to.
//!
//! A [`FlowExtractor`] names the flow of a packet by a key of its choice.
//! [`FiveTuple`] is the usual one; [`IpPair`] and [`MacPair`] are coarser.
//! Around any of them, [`AutoDetectEncap`] looks through tunnels first; who
//! knows what is there takes it off by [`StripVlan`], [`StripMpls`],
//! [`InnerVxlan`], [`InnerGtpU`] and [`InnerGre`]. [`FlowLabel`] and [`Scoped`]
//! put more into the key.

mod auto;
mod decap;
mod five_tuple;
mod flow_label;
mod ip_pair;
mod mac_pair;
mod outer;
mod scope;
mod scoped;
#[cfg(feature = "serde")]
mod serialized;

pub use auto::AutoDetectEncap;
pub use decap::{InnerGre, InnerGtpU, InnerVxlan, InnerVxlanOn, StripMpls, StripVlan};
pub use five_tuple::{FiveTuple, FiveTupleKey};
pub use flow_label::{FlowLabel, FlowLabelKey};
pub use ip_pair::{IpPair, IpPairKey};
pub use mac_pair::{MacPair, MacPairKey};
pub(crate) use outer::OuterPackets;
pub use scope::{Scope, ScopeLayer};
pub use scoped::{Scoped, ScopedKey};

use core::hash::Hash;

use crate::wire::{
    Cause, Decap, Depth, Headers, LayerVisitor, Layers, Payload, Skip, Transport, nested_frames,
};
use crate::{LinkType, Orientation, PacketView, Timestamp};

/// Names the flow a packet belongs to.
pub trait FlowExtractor {
    /// The type of keys. Both directions of a flow have the same key.
    type Key: Clone + Eq + Hash;

    /// Reads the packet's headers.
    ///
    /// # Errors
    ///
    /// A [`Skip`] says why the packet belongs to no flow.
    fn extract<'a>(&self, packet: PacketView<'a>) -> Result<Extracted<'a, Self::Key>, Skip>;

    /// Walks the packet as [`extract`](Self::extract) does, and calls `visitor`
    /// for every encapsulation on the way.
    ///
    /// It is called for packets of which more must be known than their flow. An
    /// extractor that knows no encapsulations does not implement it.
    ///
    /// # Errors
    ///
    /// The [`Skip`] that `extract` gives. The visitor gets what was passed until
    /// then.
    fn trace(&self, packet: PacketView<'_>, visitor: &mut dyn LayerVisitor) -> Result<(), Skip> {
        let _ = visitor;
        self.extract(packet).map(|_| ())
    }

    /// What [`AutoDetectEncap`] gives around this extractor: the flow of the
    /// innermost frame or packet that it can read.
    ///
    /// # Errors
    ///
    /// A [`Skip`] says why the packet belongs to no flow.
    fn extract_innermost<'a>(
        &self,
        packet: PacketView<'a>,
    ) -> Result<Extracted<'a, Self::Key>, Skip> {
        for inside in nested_frames(packet).rev() {
            match self.extract(inside) {
                Ok(extracted) => return Ok(extracted.innermost_of(packet)),
                // It holds, but has no flow before its datagram is whole.
                Err(skip) if skip.cause == Cause::Fragment => return Err(skip),
                Err(_) => {}
            }
        }
        self.extract(packet)
    }

    /// [`trace`](Self::trace) for [`extract_innermost`](Self::extract_innermost).
    ///
    /// # Errors
    ///
    /// The [`Skip`] that `extract_innermost` gives.
    fn trace_innermost(
        &self,
        packet: PacketView<'_>,
        visitor: &mut dyn LayerVisitor,
    ) -> Result<(), Skip> {
        Headers::trace(packet, Depth::Innermost, visitor)
    }

    /// The key as seen by the sender of a packet that ran along `orientation`.
    ///
    /// Equal to `key` in every comparison: only what it shows changes, such as
    /// which end is printed first. Keys without such a view stay as they are.
    #[must_use]
    fn seen_from(key: Self::Key, orientation: Orientation) -> Self::Key {
        let _ = orientation;
        key
    }
}

/// Makes keys of the headers of one IP packet.
///
/// An extractor that needs no more than [`Headers`] implements this, and is a
/// [`FlowExtractor`] over the outermost IP header, and over the innermost one
/// inside [`AutoDetectEncap`].
pub trait KeyOfHeaders {
    /// The type of keys.
    type Key: Clone + Eq + Hash;

    /// How much a flow covers; unless said otherwise, one connection.
    const GRANULARITY: Granularity = Granularity::Connection;

    /// The key, and which way the packet runs along it.
    fn key(&self, headers: &Headers<'_>) -> (Self::Key, Orientation);

    /// See [`FlowExtractor::seen_from`].
    #[must_use]
    fn seen_from(key: Self::Key, orientation: Orientation) -> Self::Key {
        let _ = orientation;
        key
    }
}

impl<E: KeyOfHeaders> FlowExtractor for E {
    type Key = E::Key;

    /// Compiled into its callers, so that what it finds need not be moved.
    #[inline(always)]
    fn extract<'a>(&self, packet: PacketView<'a>) -> Result<Extracted<'a, E::Key>, Skip> {
        Extracted::parse(self, packet, Depth::Outermost)
    }

    fn trace(&self, packet: PacketView<'_>, visitor: &mut dyn LayerVisitor) -> Result<(), Skip> {
        Headers::trace(packet, Depth::Outermost, visitor)
    }

    #[inline(always)]
    fn extract_innermost<'a>(&self, packet: PacketView<'a>) -> Result<Extracted<'a, E::Key>, Skip> {
        Extracted::parse(self, packet, Depth::Innermost)
    }

    fn seen_from(key: E::Key, orientation: Orientation) -> E::Key {
        E::seen_from(key, orientation)
    }
}

/// How much a flow covers.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Granularity {
    /// What two ports exchange: each TCP connection is a flow of its own, and
    /// its state is the flow's state.
    Connection,
    /// Everything that two addresses exchange. Several connections run through
    /// such a flow at once, so it has the state of none of them.
    AddressPair,
}

/// A packet as its flow sees it.
#[derive(Clone, Copy, Debug)]
pub struct Extracted<'a, K> {
    /// The flow.
    pub key: K,
    /// Which way the packet runs along the key.
    pub orientation: Orientation,
    /// How much the flow covers.
    pub granularity: Granularity,
    /// The transport header.
    pub transport: Transport,
    /// What the transport carries: a slice of the frame at any depth of
    /// encapsulation.
    pub payload: Payload<'a>,
    /// Bytes of IP header and payload on the wire, zero without IP.
    pub ip_len: u32,
    /// Whether it is the first fragment of a packet, or inside one: the payload
    /// ends where the fragment does.
    pub is_fragment: bool,
    /// The packet it was extracted from. One that was put together from
    /// fragments has a link layer of its own.
    pub packet: PacketView<'a>,
    path: WalkPath,
}

/// How a packet's headers were found.
#[derive(Clone, Copy, Debug)]
struct WalkPath {
    decaps: Decaps,
    /// How deep the headers were looked for in what was left, if they were.
    depth: Option<Depth>,
    /// So many tunnels were opened behind that depth: it is a tunnel within others.
    tunnels: u8,
}

impl WalkPath {
    #[inline]
    fn to(depth: Option<Depth>) -> Self {
        Self {
            decaps: [None; MAX_DECAPS],
            depth,
            tunnels: 0,
        }
    }
}

/// How many types that take something off are remembered of those around each
/// other.
const MAX_DECAPS: usize = 4;

/// What an [`Extracted`] says of nearly every packet, without its key, its bytes
/// and its time: small, as many of them are kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DetachedHeaders {
    transport: Transport,
    missing: u32,
    wire_len: u32,
    ip_len: u32,
    link: LinkType,
    orientation: Orientation,
    granularity: Granularity,
    is_fragment: bool,
    depth: Option<Depth>,
    tunnels: u8,
}

/// What was taken off, outermost first.
pub(crate) type Decaps = [Option<Decap>; MAX_DECAPS];

impl DetachedHeaders {
    /// The same with a key and bytes: the frame, and the payload in it.
    #[inline]
    pub(crate) fn attach<'b, K>(
        &self,
        key: K,
        timestamp: Timestamp,
        decaps: Option<&Decaps>,
        frame: &'b [u8],
        payload: &'b [u8],
    ) -> Extracted<'b, K> {
        Extracted {
            key,
            orientation: self.orientation,
            granularity: self.granularity,
            transport: self.transport,
            payload: Payload {
                bytes: payload,
                missing: self.missing,
            },
            ip_len: self.ip_len,
            is_fragment: self.is_fragment,
            packet: PacketView {
                frame,
                link: self.link,
                timestamp,
                wire_len: self.wire_len,
            },
            path: WalkPath {
                decaps: decaps.copied().unwrap_or_default(),
                depth: self.depth,
                tunnels: self.tunnels,
            },
        }
    }

    /// The lengths of the packet and of its payload, which lies there, on the wire.
    #[inline]
    pub(crate) fn lengths(&self, (start, end): (u32, u32)) -> (u32, u32) {
        (self.wire_len, (end - start).saturating_add(self.missing))
    }
}

impl<'a, K> Extracted<'a, K> {
    /// What an extractor of keys out of headers gives for a packet.
    ///
    /// # Errors
    ///
    /// A [`Skip`] says at which layer the walk to the headers ended and why.
    #[inline(always)]
    pub(crate) fn parse<E: KeyOfHeaders<Key = K>>(
        extractor: &E,
        packet: PacketView<'a>,
        depth: Depth,
    ) -> Result<Self, Skip> {
        let headers = match Headers::fast_path(&packet, depth) {
            Some(headers) => headers,
            None => Headers::parse(packet, depth)?,
        };
        Ok(Self::of(extractor, &headers, packet, depth))
    }

    #[inline(always)]
    fn of<E: KeyOfHeaders<Key = K>>(
        extractor: &E,
        headers: &Headers<'a>,
        packet: PacketView<'a>,
        depth: Depth,
    ) -> Self {
        let (key, orientation) = extractor.key(headers);
        Self {
            key,
            orientation,
            granularity: E::GRANULARITY,
            transport: headers.transport,
            payload: headers.payload,
            ip_len: headers.ip.len,
            is_fragment: headers.is_fragment,
            packet,
            path: WalkPath::to(Some(depth)),
        }
    }

    /// The transport header that its flow is stepped by.
    #[inline]
    pub(crate) fn tracked_transport(&self) -> Transport {
        match self.granularity {
            Granularity::Connection => self.transport,
            Granularity::AddressPair => Transport::None,
        }
    }

    /// The same packet with a key of another kind.
    pub fn with_key<L>(self, key: impl FnOnce(K) -> L) -> Extracted<'a, L> {
        Extracted {
            key: key(self.key),
            orientation: self.orientation,
            granularity: self.granularity,
            transport: self.transport,
            payload: self.payload,
            ip_len: self.ip_len,
            is_fragment: self.is_fragment,
            packet: self.packet,
            path: self.path,
        }
    }

    /// What was taken off to find it, if anything was.
    #[inline]
    pub(crate) fn decaps(&self) -> Option<&Decaps> {
        let decaps = &self.path.decaps;
        // The outermost one is first.
        decaps[0].is_some().then_some(decaps)
    }

    /// Whether it is told by a look that the packet is in no tunnel. Of most that are
    /// in none it is.
    #[inline]
    pub(crate) fn is_bare(&self) -> bool {
        self.decaps().is_none() && Headers::fast_path(&self.packet, Depth::Innermost).is_some()
    }

    /// What was found, without key, bytes, time and what was taken off.
    #[inline]
    pub(crate) fn detach(&self) -> DetachedHeaders {
        DetachedHeaders {
            transport: self.transport,
            missing: self.payload.missing,
            wire_len: self.packet.wire_len,
            ip_len: self.ip_len,
            link: self.packet.link,
            orientation: self.orientation,
            granularity: self.granularity,
            is_fragment: self.is_fragment,
            depth: self.path.depth,
            tunnels: self.path.tunnels,
        }
    }

    /// What was found in a frame by removing the encapsulation `decap`.
    fn inside(mut self, packet: PacketView<'a>, decap: Decap) -> Self {
        let WalkPath { decaps, depth, .. } = &mut self.path;
        decaps.rotate_right(1);
        if let Some(innermost) = decaps.first_mut()
            && innermost.replace(decap).is_some()
        {
            // That one is forgotten, and with it the way on.
            *depth = None;
        }
        Self { packet, ..self }
    }

    /// What was found in the innermost frame of `packet`.
    fn innermost_of(self, packet: PacketView<'a>) -> Self {
        Self {
            packet,
            path: WalkPath::to(Some(Depth::Innermost)),
            ..self
        }
    }

    /// The encapsulations around the packet, outermost first.
    ///
    /// Found by another walk over the frame: nothing is kept for packets of
    /// which nobody asks.
    #[must_use]
    pub fn layers(&self) -> Layers {
        let mut layers = Layers::default();
        let mut rest = self.packet;
        for decap in self.path.decaps.iter().flatten() {
            let Some(inside) = decap.decapsulate(rest, &mut layers) else {
                return layers;
            };
            rest = inside;
        }
        let Some(depth) = self.path.depth else {
            return layers;
        };
        // The walk for the headers has returned the same error already.
        let _ = match self.path.tunnels {
            0 if Headers::are_bare(&rest, depth) => Ok(()),
            0 => Headers::trace(rest, depth, &mut layers),
            tunnels => Headers::trace_into(rest, tunnels, &mut layers),
        };
        layers
    }
}
