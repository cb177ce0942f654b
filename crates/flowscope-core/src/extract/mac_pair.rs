//! Flows by the two stations of a link.

use core::fmt;

use super::ip_pair::KeyView;
use super::{Extracted, FlowExtractor, Granularity, WalkPath};
use crate::wire::{Depth, Headers, LayerVisitor, MacAddresses, Payload, Skip, Transport};
use crate::{FlowSide, Orientation, PacketView};

/// Keys flows by the two link-layer addresses, whatever they carry.
///
/// Works on Ethernet and IEEE 802.11; other link types have no two addresses.
#[derive(Clone, Copy, Debug, Default)]
pub struct MacPair;

impl FlowExtractor for MacPair {
    type Key = MacPairKey;

    fn extract<'a>(&self, packet: PacketView<'a>) -> Result<Extracted<'a, MacPairKey>, Skip> {
        let MacAddresses { src, dst } = MacAddresses::of(packet)?;
        let (ends, orientation) = if src <= dst {
            ([src, dst], Orientation::Forward)
        } else {
            ([dst, src], Orientation::Reverse)
        };
        Ok(Extracted {
            key: MacPairKey {
                ends,
                view: KeyView(Orientation::Forward),
            },
            orientation,
            granularity: Granularity::AddressPair,
            transport: Transport::None,
            payload: Payload {
                bytes: packet.frame,
                missing: packet.missing(),
            },
            ip_len: 0,
            is_fragment: false,
            packet,
            path: WalkPath::to(Some(Depth::Outermost)),
        })
    }

    fn trace(&self, packet: PacketView<'_>, visitor: &mut dyn LayerVisitor) -> Result<(), Skip> {
        // Whether there is IP does not matter to who only wants the stations.
        let _ = Headers::trace(packet, Depth::Outermost, visitor);
        MacAddresses::of(packet).map(|_| ())
    }

    fn seen_from(key: MacPairKey, orientation: Orientation) -> MacPairKey {
        MacPairKey {
            view: KeyView(orientation),
            ..key
        }
    }
}

/// The key of [`MacPair`]. In events `src` is the flow's initiator.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(
    feature = "serde",
    serde(
        from = "super::serialized::Pair<[u8; 6]>",
        into = "super::serialized::Pair<[u8; 6]>"
    )
)]
pub struct MacPairKey {
    pub(super) ends: [[u8; 6]; 2],
    pub(super) view: KeyView,
}

impl MacPairKey {
    /// The address of one side.
    #[must_use]
    pub fn addr(&self, side: FlowSide) -> [u8; 6] {
        self.view.of_side(self.ends, side)
    }
}

/// Both addresses as they are usually written, in hex with colons.
impl fmt::Display for MacPairKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (src, dst) = self.view.in_order(self.ends);
        write_mac(f, src)?;
        f.write_str(" → ")?;
        write_mac(f, dst)
    }
}

fn write_mac(f: &mut fmt::Formatter<'_>, [first, rest @ ..]: [u8; 6]) -> fmt::Result {
    write!(f, "{first:02x}")?;
    rest.iter().try_for_each(|byte| write!(f, ":{byte:02x}"))
}
