//! From a frame to the flow it belongs to.
//!
//! A [`FlowExtractor`] names the flow of a packet by a key of its choice.
//! [`FiveTuple`] is the usual one; [`IpPair`] and [`MacPair`] are coarser.
//! [`AutoDetectEncap`] around any of them looks through tunnels first.

mod auto;
mod five_tuple;
mod ip_pair;
mod mac_pair;

pub use auto::AutoDetectEncap;
pub use five_tuple::{FiveTuple, FiveTupleKey};
pub use ip_pair::{IpPair, IpPairKey};
pub use mac_pair::{MacPair, MacPairKey};

use core::hash::Hash;

use crate::wire::{Depth, Headers, Layers, Passed, Payload, Skip, Transport};
use crate::{Orientation, PacketView};

/// Names the flow a packet belongs to.
pub trait FlowExtractor {
    /// What flows are told apart by. Both directions of a flow have the same.
    type Key: Clone + Eq + Hash;

    /// Reads the packet's headers.
    ///
    /// # Errors
    ///
    /// A [`Skip`] says why the packet belongs to no flow.
    fn extract<'a>(&self, packet: PacketView<'a>) -> Result<Extracted<'a, Self::Key>, Skip>;

    /// Reads the packet's headers and hands what they say to `take`.
    ///
    /// The same as [`extract`](Self::extract), without moving the outcome,
    /// which is large.
    ///
    /// # Errors
    ///
    /// As `extract`.
    #[inline]
    fn extract_to<'a, R>(
        &self,
        packet: PacketView<'a>,
        take: impl FnOnce(&Extracted<'a, Self::Key>) -> R,
    ) -> Result<R, Skip> {
        self.extract(packet).map(|extracted| take(&extracted))
    }

    /// Walks the packet as [`extract`](Self::extract) does, and tells `passed`
    /// every encapsulation on the way.
    ///
    /// For packets of which more must be known than their flow; an extractor
    /// that has nothing to tell leaves it as it is.
    ///
    /// # Errors
    ///
    /// The [`Skip`] that `extract` gives. What was passed until then is told.
    fn trace(&self, packet: PacketView<'_>, passed: &mut dyn Passed) -> Result<(), Skip> {
        let _ = passed;
        self.extract(packet).map(|_| ())
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
    /// What flows are told apart by.
    type Key: Clone + Eq + Hash;

    /// What falls together in a flow; unless said otherwise, no more than one
    /// connection.
    const GRAIN: Grain = Grain::Connection;

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

    #[inline]
    fn extract<'a>(&self, packet: PacketView<'a>) -> Result<Extracted<'a, E::Key>, Skip> {
        Extracted::parse(self, packet, Depth::Outermost)
    }

    #[inline]
    fn extract_to<'a, R>(
        &self,
        packet: PacketView<'a>,
        take: impl FnOnce(&Extracted<'a, Self::Key>) -> R,
    ) -> Result<R, Skip> {
        let mut headers = Headers::none();
        headers.walk(packet, Depth::Outermost, &mut ())?;
        Ok(take(&Extracted::of(
            self,
            &headers,
            packet,
            Depth::Outermost,
        )))
    }

    fn trace(&self, packet: PacketView<'_>, passed: &mut dyn Passed) -> Result<(), Skip> {
        Headers::trace(packet, Depth::Outermost, passed)
    }

    fn seen_from(key: E::Key, orientation: Orientation) -> E::Key {
        E::seen_from(key, orientation)
    }
}

/// What falls together in a flow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Grain {
    /// What goes between two ports: a TCP connection is a flow of its own, and
    /// its states are the flow's.
    Connection,
    /// Whatever goes between two ends. Several connections run through such a
    /// flow at once, so it has the states of none.
    Ends,
}

/// A packet as its flow sees it.
#[derive(Clone, Copy, Debug)]
pub struct Extracted<'a, K> {
    /// The flow.
    pub key: K,
    /// Which way the packet runs along the key.
    pub orientation: Orientation,
    /// What falls together in the flow.
    pub grain: Grain,
    /// The transport header.
    pub transport: Transport,
    /// What the transport carries: a slice of the frame at any depth of
    /// encapsulation.
    pub payload: Payload<'a>,
    /// Bytes of IP header and payload on the wire, zero without IP.
    pub ip_len: u32,
    /// The packet it was extracted from.
    pub packet: PacketView<'a>,
    /// How deep the headers were looked for, if they were.
    depth: Option<Depth>,
}

impl<'a, K> Extracted<'a, K> {
    /// What an extractor of keys out of headers gives for a packet.
    ///
    /// # Errors
    ///
    /// A [`Skip`] says at which layer the walk to the headers ended and why.
    #[inline(always)]
    pub fn parse<E: KeyOfHeaders<Key = K>>(
        extractor: &E,
        packet: PacketView<'a>,
        depth: Depth,
    ) -> Result<Self, Skip> {
        let mut headers = Headers::none();
        headers.walk(packet, depth, &mut ())?;
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
            grain: E::GRAIN,
            transport: headers.transport,
            payload: headers.payload,
            ip_len: headers.ip.len,
            packet,
            depth: Some(depth),
        }
    }

    /// The encapsulations around the packet, outermost first.
    ///
    /// Found by another walk over the frame: nothing is kept for packets of
    /// which nobody asks.
    #[must_use]
    pub fn layers(&self) -> Layers {
        self.depth
            .map(|depth| Layers::around(self.packet, depth))
            .unwrap_or_default()
    }
}
