//! Taking off encapsulations that a user knows are there.
//!
//! Each type here takes one kind of encapsulation off a frame and hands the
//! smaller frame, which is of the same bytes, to the extractor it is around.
//! They compose: the outermost type takes off the outermost encapsulation. A
//! frame without the encapsulation, or of which nothing holds inside, is
//! handed on as it is.

use super::{Extracted, FlowExtractor};
use crate::wire::{Cause, Decap, IpFragment, Layer, LayerVisitor, Skip};
use crate::{Orientation, PacketView};

/// Declares the types that take off one encapsulation each.
macro_rules! combinators {
    ($($(#[$doc:meta])* $name:ident: $decap:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default)]
        pub struct $name<E>(
            /// What reads the frame inside.
            pub E,
        );

        impl<E: FlowExtractor> FlowExtractor for $name<E> {
            type Key = E::Key;

            fn extract<'a>(&self, packet: PacketView<'a>) -> Result<Extracted<'a, E::Key>, Skip> {
                extract(&self.0, Decap::$decap, packet)
            }

            fn trace(&self, packet: PacketView<'_>, visitor: &mut dyn LayerVisitor) -> Result<(), Skip> {
                trace(&self.0, Decap::$decap, packet, visitor)
            }

            fn seen_from(key: E::Key, orientation: Orientation) -> E::Key {
                E::seen_from(key, orientation)
            }
        }
    )*};
}

combinators! {
    /// Takes off VLAN tags (IEEE 802.1Q and 802.1ad), however many follow each
    /// other.
    ///
    /// ```
    /// use flowscope_core::extract::{FiveTuple, FlowExtractor, InnerVxlan, StripVlan};
    /// # use flowscope_core::wire::Layer;
    /// # use flowscope_core::{PacketView, Timestamp};
    /// # let ipv4 = |len, protocol, host| [
    /// #     0x45, 0, 0, len, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, host, 10, 0, 0, 2,
    /// # ];
    /// # let mut frame = [0; 12].to_vec();
    /// # frame.extend([0x81, 0, 0, 7, 0x08, 0]);
    /// # frame.extend(ipv4(78, 17, 1));
    /// # frame.extend([0xc0, 0, 0x12, 0xb5, 0, 58, 0, 0, 0x08, 0, 0, 0, 0, 0, 42, 0]);
    /// # frame.extend([0; 12]);
    /// # frame.extend([0x08, 0]);
    /// # frame.extend(ipv4(28, 17, 9));
    /// # frame.extend([0x30, 0x39, 0, 53, 0, 8, 0, 0]);
    ///
    /// // The frame: Ethernet, VLAN 7, IP, VXLAN 42, and in it a query of DNS.
    /// let view = PacketView::new(&frame, Timestamp::EPOCH);
    /// let known = StripVlan(InnerVxlan(FiveTuple::bidirectional()));
    /// let extracted = known.extract(view)?;
    ///
    /// assert!(extracted.key.either_port(53));
    /// let layers = extracted.layers();
    /// assert_eq!((layers[0].layer, layers[0].id), (Layer::Vlan, Some(7)));
    /// assert_eq!((layers[1].layer, layers[1].id), (Layer::Vxlan, Some(42)));
    /// # Ok::<(), flowscope_core::wire::Skip>(())
    /// ```
    StripVlan: Vlan,

    /// Takes off a stack of MPLS labels. What is under it is known by its first
    /// bits: IPv4, IPv6, or the Ethernet frame of a pseudowire, with or without
    /// a control word.
    ///
    /// ```
    /// use flowscope_core::extract::{FlowExtractor, MacPair, StripMpls};
    /// use flowscope_core::{PacketView, Timestamp};
    ///
    /// let mut frame = [1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 0x88, 0x47].to_vec();
    /// frame.extend([0, 1, 0x01, 64]); // label 16, the last one
    /// frame.extend([0, 0, 0, 0]); // a control word
    /// frame.extend([3, 3, 3, 3, 3, 3, 4, 4, 4, 4, 4, 4, 0x08, 0x06]);
    /// frame.extend([0, 1, 0x08, 0]); // the rest is of no concern here
    ///
    /// let view = PacketView::new(&frame, Timestamp::EPOCH);
    /// let outside = MacPair.extract(view)?;
    /// assert_eq!(outside.key.to_string(), "01:01:01:01:01:01 → 02:02:02:02:02:02");
    /// let inside = StripMpls(MacPair).extract(view)?;
    /// assert_eq!(inside.key.to_string(), "03:03:03:03:03:03 → 04:04:04:04:04:04");
    /// # Ok::<(), flowscope_core::wire::Skip>(())
    /// ```
    StripMpls: Mpls,

    /// Opens VXLAN and VXLAN-GPE: datagrams from or to UDP port 4789, 8472 or
    /// 4790 with a VXLAN header that names a network. For other ports there is
    /// [`InnerVxlanOn`].
    ///
    /// ```
    /// use flowscope_core::extract::{FiveTuple, FlowExtractor, InnerVxlan, InnerVxlanOn};
    /// # use flowscope_core::{LinkType, PacketView, Timestamp};
    /// # let ipv4 = |len, protocol, host| [
    /// #     0x45, 0, 0, len, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, host, 10, 0, 0, 2,
    /// # ];
    /// # let mut packet = ipv4(78, 17, 1).to_vec();
    /// # packet.extend([0xc0, 0, 0x27, 0x0f, 0, 58, 0, 0, 0x08, 0, 0, 0, 0, 0, 42, 0]);
    /// # packet.extend([0; 12]);
    /// # packet.extend([0x08, 0]);
    /// # packet.extend(ipv4(28, 17, 9));
    /// # packet.extend([0x30, 0x39, 0, 53, 0, 8, 0, 0]);
    ///
    /// // VXLAN on port 9999.
    /// let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
    /// let inner = FiveTuple::bidirectional();
    /// assert!(InnerVxlan(inner).extract(view)?.key.either_port(9999));
    /// let here = InnerVxlanOn { port: 9999, inner };
    /// assert!(here.extract(view)?.key.either_port(53));
    /// # Ok::<(), flowscope_core::wire::Skip>(())
    /// ```
    InnerVxlan: Vxlan,

    /// Opens GTP-U, on UDP port 2152, and GTP of version 0, on port 3386: user
    /// data only, past all options and extension headers.
    ///
    /// ```
    /// use flowscope_core::extract::{FiveTuple, FlowExtractor, InnerGtpU};
    /// # use flowscope_core::{LinkType, PacketView, Timestamp};
    /// # let ipv4 = |len, protocol, host| [
    /// #     0x45, 0, 0, len, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, host, 10, 0, 0, 2,
    /// # ];
    /// # let mut packet = ipv4(64, 17, 1).to_vec();
    /// # packet.extend([0x08, 0x68, 0x08, 0x68, 0, 44, 0, 0, 0x30, 0xff, 0, 28, 0, 0, 0x50, 1]);
    /// # packet.extend(ipv4(28, 17, 9));
    /// # packet.extend([0x30, 0x39, 0, 53, 0, 8, 0, 0]);
    ///
    /// // IP, UDP, GTP-U of tunnel endpoint 0x5001, and in it a query of DNS.
    /// let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
    /// let extracted = InnerGtpU(FiveTuple::bidirectional()).extract(view)?;
    /// assert!(extracted.key.either_port(53));
    /// assert_eq!(extracted.layers()[0].id, Some(0x5001));
    /// # Ok::<(), flowscope_core::wire::Skip>(())
    /// ```
    InnerGtpU: GtpU,

    /// Opens GRE, of version 0 and 1, with whatever options, around IP, Ethernet,
    /// MPLS, PPP, mirrored frames (ERSPAN I, II and III) and IEEE 802.11.
    ///
    /// ```
    /// use flowscope_core::extract::{FiveTuple, FlowExtractor, InnerGre};
    /// # use flowscope_core::{LinkType, PacketView, Timestamp};
    /// # let ipv4 = |len, protocol, host| [
    /// #     0x45, 0, 0, len, 0, 0, 0, 0, 64, protocol, 0, 0, 10, 0, 0, host, 10, 0, 0, 2,
    /// # ];
    /// # let mut packet = ipv4(56, 47, 1).to_vec();
    /// # packet.extend([0x20, 0, 0x08, 0, 0, 0, 0, 42]);
    /// # packet.extend(ipv4(28, 17, 9));
    /// # packet.extend([0x30, 0x39, 0, 53, 0, 8, 0, 0]);
    ///
    /// // IP, GRE with the key 42, and in it a query of DNS.
    /// let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
    /// let extracted = InnerGre(FiveTuple::bidirectional()).extract(view)?;
    /// assert!(extracted.key.either_port(53));
    /// assert_eq!(extracted.layers()[0].id, Some(42));
    /// # Ok::<(), flowscope_core::wire::Skip>(())
    /// ```
    InnerGre: Gre,
}

/// [`InnerVxlan`] on this UDP port instead of the usual ones.
#[derive(Clone, Copy, Debug)]
pub struct InnerVxlanOn<E> {
    /// The UDP port, of either side.
    pub port: u16,
    /// What reads the frame inside.
    pub inner: E,
}

impl<E: FlowExtractor> FlowExtractor for InnerVxlanOn<E> {
    type Key = E::Key;

    fn extract<'a>(&self, packet: PacketView<'a>) -> Result<Extracted<'a, E::Key>, Skip> {
        extract(&self.inner, Decap::VxlanOn(self.port), packet)
    }

    fn trace(&self, packet: PacketView<'_>, visitor: &mut dyn LayerVisitor) -> Result<(), Skip> {
        trace(&self.inner, Decap::VxlanOn(self.port), packet, visitor)
    }

    fn seen_from(key: E::Key, orientation: Orientation) -> E::Key {
        E::seen_from(key, orientation)
    }
}

fn extract<'a, E: FlowExtractor>(
    inner: &E,
    decap: Decap,
    packet: PacketView<'a>,
) -> Result<Extracted<'a, E::Key>, Skip> {
    let mut carrier = Carrier::default();
    let Some(inside) = decap.decapsulate(packet, &mut carrier) else {
        return inner.extract(packet);
    };
    match inner.extract(inside) {
        Ok(mut extracted) => {
            extracted.is_fragment |= carrier.is_fragment;
            Ok(extracted.inside(packet, decap))
        }
        // It holds, but has no flow before its datagram is whole.
        Err(skip) if skip.cause == Cause::Fragment => Err(skip),
        Err(skip) => inner.extract(packet).map_err(|_| skip),
    }
}

fn trace<E: FlowExtractor>(
    inner: &E,
    decap: Decap,
    packet: PacketView<'_>,
    visitor: &mut dyn LayerVisitor,
) -> Result<(), Skip> {
    let mut carrier = Carrier::default();
    let inside = decap.decapsulate(packet, &mut carrier);
    let why = match inside.map(|inside| inner.trace(inside, &mut ())) {
        Some(Err(skip)) if skip.cause != Cause::Fragment => Some(skip),
        Some(_) => None,
        None => carrier.unopened_tunnel,
    };
    match (inside, why) {
        (Some(inside), None) => {
            // A second walk: the visitor only gets what could be read.
            let _ = decap.decapsulate(packet, visitor);
            inner.trace(inside, visitor)
        }
        (_, why) => {
            let traced = inner.trace(packet, visitor);
            why.into_iter().for_each(|why| visitor.unopened_tunnel(why));
            traced
        }
    }
}

/// What must be known of a packet that carries another.
#[derive(Debug, Default)]
struct Carrier {
    is_fragment: bool,
    unopened_tunnel: Option<Skip>,
}

impl LayerVisitor for Carrier {
    fn layer(&mut self, _: Layer, _: Option<u32>) {}

    fn unopened_tunnel(&mut self, why: Skip) {
        self.unopened_tunnel = Some(why);
    }

    fn fragment(&mut self, _: &IpFragment<'_>) {
        self.is_fragment = true;
    }
}
