//! What flows are told apart by, as the command line chose.

use flowscope::extract::{
    AutoDetectEncap, Extracted, FiveTuple, FiveTupleKey, FlowExtractor, IpPair, IpPairKey, MacPair,
    MacPairKey, ScopedKey,
};
use flowscope::wire::{LayerVisitor, Skip};
use flowscope::{Orientation, PacketView};

use crate::args::{Encap, Key};
use crate::record::{Ends, HasEnds};

/// Any of the extractors, chosen while running: one engine is compiled for all
/// choices but the usual ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Choice {
    pub(crate) key: Key,
    pub(crate) encap: Encap,
}

/// The key that a [`Choice`] gives.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum ChosenKey {
    FiveTuple(FiveTupleKey),
    IpPair(IpPairKey),
    MacPair(MacPairKey),
}

impl FlowExtractor for Choice {
    type Key = ChosenKey;

    fn extract<'a>(&self, packet: PacketView<'a>) -> Result<Extracted<'a, ChosenKey>, Skip> {
        match self.key {
            Key::FiveTuple => self.apply(FiveTuple::bidirectional(), packet, ChosenKey::FiveTuple),
            Key::IpPair => self.apply(IpPair, packet, ChosenKey::IpPair),
            Key::MacPair => self.apply(MacPair, packet, ChosenKey::MacPair),
        }
    }

    fn trace(&self, packet: PacketView<'_>, visitor: &mut dyn LayerVisitor) -> Result<(), Skip> {
        match self.key {
            Key::FiveTuple => self.follow(FiveTuple::bidirectional(), packet, visitor),
            Key::IpPair => self.follow(IpPair, packet, visitor),
            Key::MacPair => self.follow(MacPair, packet, visitor),
        }
    }

    fn seen_from(key: ChosenKey, orientation: Orientation) -> ChosenKey {
        match key {
            ChosenKey::FiveTuple(key) => {
                ChosenKey::FiveTuple(<FiveTuple as FlowExtractor>::seen_from(key, orientation))
            }
            ChosenKey::IpPair(key) => {
                ChosenKey::IpPair(<IpPair as FlowExtractor>::seen_from(key, orientation))
            }
            ChosenKey::MacPair(key) => ChosenKey::MacPair(MacPair::seen_from(key, orientation)),
        }
    }
}

impl Choice {
    fn apply<'a, E: FlowExtractor>(
        self,
        extractor: E,
        packet: PacketView<'a>,
        key: fn(E::Key) -> ChosenKey,
    ) -> Result<Extracted<'a, ChosenKey>, Skip> {
        let extracted = match self.encap {
            Encap::Auto => AutoDetectEncap::new(extractor).extract(packet),
            Encap::None => extractor.extract(packet),
        };
        extracted.map(|extracted| extracted.with_key(key))
    }

    fn follow(
        self,
        extractor: impl FlowExtractor,
        packet: PacketView<'_>,
        visitor: &mut dyn LayerVisitor,
    ) -> Result<(), Skip> {
        match self.encap {
            Encap::Auto => AutoDetectEncap::new(extractor).trace(packet, visitor),
            Encap::None => extractor.trace(packet, visitor),
        }
    }
}

impl HasEnds for ScopedKey<ChosenKey> {
    fn ends(&self) -> Ends {
        match &self.key {
            ChosenKey::FiveTuple(key) => key.ends(),
            ChosenKey::IpPair(key) => key.ends(),
            ChosenKey::MacPair(key) => key.ends(),
        }
    }
}
