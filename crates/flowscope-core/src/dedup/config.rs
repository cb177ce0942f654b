//! What counts as a copy, and how many packets are remembered.

use core::time::Duration;

/// How copies of packets are known.
///
/// ```
/// use core::time::Duration;
/// use flowscope_core::Dedup;
/// use flowscope_core::dedup::{Compare, DedupConfig};
///
/// // A switch that mirrors both sides of a router.
/// let dedup = Dedup::new(DedupConfig {
///     window: Duration::from_millis(3),
///     compare: Compare::Routed,
///     ..DedupConfig::default()
/// });
/// assert_eq!(dedup.memory(), 4096 * 16);
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct DedupConfig {
    /// A copy is less than this away from the packet, in packet time and to
    /// either side: 1 ms by default.
    ///
    /// Copies come microseconds apart on a host and less than a millisecond
    /// apart from a switch, except where queues are long. A host that sends
    /// the same again takes longer: TCP waits for a round trip at least, and
    /// for 200 ms without a sign of loss. A longer window drops more of what
    /// was truly sent twice.
    pub window: Duration,
    /// How many packets are remembered, 16 bytes each: 4,096 by default. Taken
    /// down to a power of two, which is four at least.
    ///
    /// A copy is missed if so many packets come between it and the first, and
    /// seldom before. It should be what a window holds: at a million packets a
    /// second, a thousand in a millisecond.
    pub max_entries: usize,
    /// What has to be the same.
    pub compare: Compare,
    /// After how many packets without a copy the payload of large frames is no
    /// longer read, until there is a sign of copies again: 65,536 by default.
    /// `u32::MAX` is as good as never. See [`Dedup`](crate::Dedup).
    pub patience: u32,
}

impl Default for DedupConfig {
    fn default() -> Self {
        Self {
            window: Duration::from_millis(1),
            max_entries: 4096,
            compare: Compare::Frame,
            patience: 1 << 16,
        }
    }
}

/// What two sightings of a packet have to have in common.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Compare {
    /// The whole frame, but for the "cooked" header that Linux puts in front
    /// and that says whether the packet came or went.
    ///
    /// For loopback, for `-i any`, and for a port that is mirrored as it sends
    /// and as it receives.
    #[default]
    Frame,
    /// The IP packet, whatever is around it: link-layer addresses, VLAN tags,
    /// MPLS labels and padding may differ.
    ///
    /// For mirrors of several ports or VLANs of a switch.
    Packet,
    /// The IP packet, but for its time to live or hop limit and the checksum
    /// that covers it.
    ///
    /// For mirrors of both sides of a router. A packet that runs in circles is
    /// then seen once.
    Routed,
}
