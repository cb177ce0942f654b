//! Frames of any link type, through all that reads them.

use flowscope::extract::{
    AutoDetectEncap, FiveTuple, FlowExtractor, FlowLabel, InnerGre, InnerGtpU, InnerVxlan, IpPair,
    MacPair, StripMpls, StripVlan,
};
use flowscope::wire::Cause;
use flowscope::{LinkType, PacketView, Timestamp};

use crate::tracking;

/// The link types that a frame may have, by their numbers.
const LINKS: [u16; 28] = [
    1, 0, 6, 9, 10, 50, 51, 100, 101, 104, 105, 107, 108, 109, 113, 117, 119, 127, 163, 166, 192,
    204, 205, 228, 229, 239, 276, 9999,
];

/// Frames of any link type: each through every extractor, all of them through the
/// tracker.
pub fn frames(bytes: &[u8]) {
    let Some((settings, frames)) = read(bytes) else {
        return;
    };
    for frame in &frames {
        extract(*frame);
    }
    tracking::check(settings, &frames);
}

/// The frames that are written in `bytes`, behind a byte of settings.
pub(crate) fn read(bytes: &[u8]) -> Option<(u8, Vec<PacketView<'_>>)> {
    let (settings, mut rest) = bytes.split_first()?;
    let mut at = Timestamp::new(1_700_000_000, 0);
    let mut frames = Vec::new();
    while let Some((&[link, tenths, high, low], behind)) = rest.split_first_chunk::<4>() {
        let len = usize::from(u16::from_be_bytes([high, low]));
        let (frame, behind) = behind.split_at(len.min(behind.len()));
        rest = behind;
        at = at + core::time::Duration::from_millis(100 * u64::from(tenths));
        let link = LINKS[usize::from(link) % LINKS.len()];
        frames.push(PacketView::new(frame, at).with_link(LinkType(link)));
    }
    Some((*settings, frames))
}

/// Writes frames down, for a seed.
pub(crate) fn write<'a>(frames: impl IntoIterator<Item = (u16, &'a [u8])>) -> Vec<u8> {
    let mut bytes = vec![0];
    for (link, frame) in frames {
        let link = LINKS.iter().position(|known| *known == link);
        let Ok(len) = u16::try_from(frame.len()) else {
            continue;
        };
        bytes.extend([link.unwrap_or(0) as u8, 1]);
        bytes.extend(len.to_be_bytes());
        bytes.extend(frame);
    }
    bytes
}

/// Puts a frame through every extractor.
fn extract(packet: PacketView<'_>) {
    let five = FiveTuple::bidirectional();
    let plain = five.extract(packet);
    if let Ok(found) = &plain {
        assert!(found.payload.bytes.len() <= packet.frame.len());
        assert!(found.layers().len() <= packet.frame.len());
    }
    let deep = AutoDetectEncap::new(five).extract(packet);
    // Looking deeper never loses a flow, unless to a later fragment.
    match &deep {
        Ok(_) => assert!(plain.is_ok()),
        Err(skip) => assert!(plain.is_err() || skip.cause == Cause::Fragment),
    }
    let named = StripVlan(StripMpls(InnerVxlan(InnerGtpU(InnerGre(five)))));
    if let Err(skip) = named.extract(packet) {
        assert!(plain.is_err() || skip.cause == Cause::Fragment);
    }
    let scoped = AutoDetectEncap::new(FlowLabel(five.with_vlan().with_tunnel()));
    match (scoped.extract(packet), &deep) {
        (Ok(scoped), Ok(deep)) => assert_eq!(scoped.key.key.key, deep.key),
        (Err(skip), deep) => assert!(deep.is_err() || skip.cause == Cause::TooDeep),
        (Ok(_), Err(skip)) => panic!("only without a scope: {skip}"),
    }
    let addresses = MacPair.extract(packet);
    assert_eq!(
        AutoDetectEncap::new(MacPair).extract(packet).is_ok(),
        addresses.is_ok()
    );
    if IpPair.extract(packet).is_err() {
        assert!(plain.is_err());
    }
}
