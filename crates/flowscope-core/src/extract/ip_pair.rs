//! Flows by the two hosts.

use core::cmp::Ordering;
use core::fmt;
use core::net::IpAddr;

use super::{Granularity, KeyOfHeaders};
use crate::wire::Headers;
use crate::{FlowSide, Orientation};

/// Keys flows by the two IP addresses, whatever they speak.
#[derive(Clone, Copy, Debug, Default)]
pub struct IpPair;

impl KeyOfHeaders for IpPair {
    type Key = IpPairKey;

    const GRANULARITY: Granularity = Granularity::AddressPair;

    #[inline]
    fn key(&self, headers: &Headers<'_>) -> (IpPairKey, Orientation) {
        let (src, dst) = (headers.ip.src(), headers.ip.dst());
        let (ends, orientation) = if src <= dst {
            ([src, dst], Orientation::Forward)
        } else {
            ([dst, src], Orientation::Reverse)
        };
        let key = IpPairKey {
            ends,
            view: KeyView(Orientation::Forward),
        };
        (key, orientation)
    }

    fn seen_from(key: IpPairKey, orientation: Orientation) -> IpPairKey {
        IpPairKey {
            view: KeyView(orientation),
            ..key
        }
    }
}

/// The key of [`IpPair`]. In events `src` is the flow's initiator.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(
    feature = "serde",
    serde(
        from = "super::serialized::Pair<IpAddr>",
        into = "super::serialized::Pair<IpAddr>"
    )
)]
pub struct IpPairKey {
    pub(super) ends: [IpAddr; 2],
    pub(super) view: KeyView,
}

impl IpPairKey {
    /// The address of one side.
    #[must_use]
    pub fn addr(&self, side: FlowSide) -> IpAddr {
        self.view.of_side(self.ends, side)
    }
}

impl fmt::Display for IpPairKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (src, dst) = self.view.in_order(self.ends);
        write!(f, "{src} → {dst}")
    }
}

/// Which end of a key is shown first. Every view of a key is the same key.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyView(pub(super) Orientation);

impl KeyView {
    /// The ends in the order in which they are shown.
    pub(super) fn in_order<T>(self, [first, second]: [T; 2]) -> (T, T) {
        match self.0 {
            Orientation::Forward => (first, second),
            Orientation::Reverse => (second, first),
        }
    }

    /// The end of one side: the initiator's is shown first.
    pub(super) fn of_side<T>(self, ends: [T; 2], side: FlowSide) -> T {
        let (initiator, responder) = self.in_order(ends);
        match side {
            FlowSide::Initiator => initiator,
            FlowSide::Responder => responder,
        }
    }
}

impl PartialEq for KeyView {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for KeyView {}

impl Ord for KeyView {
    fn cmp(&self, _: &Self) -> Ordering {
        Ordering::Equal
    }
}

impl PartialOrd for KeyView {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl core::hash::Hash for KeyView {
    fn hash<H: core::hash::Hasher>(&self, _: &mut H) {}
}

#[cfg(test)]
mod tests {
    use std::string::ToString;
    use std::vec::Vec;

    use super::*;
    use crate::track::FlowState;
    use crate::{FlowEvent, FlowTracker, LinkType, PacketView, Timestamp};

    #[test]
    fn connections_of_two_hosts_are_one_flow_without_their_states() {
        const SYN: u8 = 0x02;
        const RST: u8 = 0x04;
        let mut tracker = FlowTracker::new(IpPair);
        let mut events = Vec::new();
        for (port, flags) in [(1, SYN), (2, SYN), (1, RST), (2, SYN)] {
            let segment = [
                0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, // IPv4
                0, port, 0, 80, 0, 0, 0, port, 0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0,
                0, // TCP
            ];
            let view = PacketView::new(&segment, Timestamp::EPOCH);
            tracker.track(view.with_link(LinkType::RAW), &mut events);
        }
        tracker.finish(&mut events);

        let packets = |event: &&FlowEvent<_>| matches!(event, FlowEvent::Packet { .. });
        assert_eq!(events.iter().filter(packets).count(), 4);
        assert_eq!(events.len(), 6, "and it starts and ends");
        let Some(FlowEvent::Ended { stats, .. }) = events.last() else {
            panic!("the last event is the flow's end");
        };
        assert_eq!(stats.state, FlowState::Active);
        assert_eq!(stats.history.to_string(), "");
    }
}
