//! What flows are told apart by, as chosen while running.

use flowscope_core::extract::{
    AutoDetectEncap, Extracted, FiveTuple, FiveTupleKey, FlowExtractor, IpPair, IpPairKey, MacPair,
    MacPairKey, ScopedKey,
};
use flowscope_core::wire::{LayerVisitor, Skip};
use flowscope_core::{Orientation, PacketView};

use crate::config::{Encapsulation, FlowKey};
use crate::record::{Endpoints, KeyEndpoints};

/// Any of the extractors: one engine is compiled for all choices but the usual
/// ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ChosenExtractor {
    pub(crate) key: FlowKey,
    pub(crate) encapsulation: Encapsulation,
}

/// The key that a [`ChosenExtractor`] gives.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) enum ChosenKey {
    FiveTuple(FiveTupleKey),
    IpPair(IpPairKey),
    MacPair(MacPairKey),
}

impl FlowExtractor for ChosenExtractor {
    type Key = ChosenKey;

    fn extract<'a>(&self, packet: PacketView<'a>) -> Result<Extracted<'a, ChosenKey>, Skip> {
        match self.key {
            FlowKey::FiveTuple => {
                self.apply(FiveTuple::bidirectional(), packet, ChosenKey::FiveTuple)
            }
            FlowKey::IpPair => self.apply(IpPair, packet, ChosenKey::IpPair),
            FlowKey::MacPair => self.apply(MacPair, packet, ChosenKey::MacPair),
        }
    }

    fn trace(&self, packet: PacketView<'_>, passed: &mut dyn LayerVisitor) -> Result<(), Skip> {
        match self.key {
            FlowKey::FiveTuple => self.follow(FiveTuple::bidirectional(), packet, passed),
            FlowKey::IpPair => self.follow(IpPair, packet, passed),
            FlowKey::MacPair => self.follow(MacPair, packet, passed),
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

impl ChosenExtractor {
    fn apply<'a, E: FlowExtractor>(
        self,
        extractor: E,
        packet: PacketView<'a>,
        key: fn(E::Key) -> ChosenKey,
    ) -> Result<Extracted<'a, ChosenKey>, Skip> {
        let extracted = match self.encapsulation {
            Encapsulation::Innermost => AutoDetectEncap::new(extractor).extract(packet),
            Encapsulation::Outermost => extractor.extract(packet),
        };
        extracted.map(|extracted| extracted.with_key(key))
    }

    fn follow(
        self,
        extractor: impl FlowExtractor,
        packet: PacketView<'_>,
        passed: &mut dyn LayerVisitor,
    ) -> Result<(), Skip> {
        match self.encapsulation {
            Encapsulation::Innermost => AutoDetectEncap::new(extractor).trace(packet, passed),
            Encapsulation::Outermost => extractor.trace(packet, passed),
        }
    }
}

impl KeyEndpoints for ScopedKey<ChosenKey> {
    fn endpoints(&self) -> Endpoints {
        match &self.key {
            ChosenKey::FiveTuple(key) => key.endpoints(),
            ChosenKey::IpPair(key) => key.endpoints(),
            ChosenKey::MacPair(key) => key.endpoints(),
        }
    }
}
