//! Detects packets that a capture has twice.
//!
//! [`Dedup`] says of each packet whether it is a copy. It neither keeps packets
//! nor puts them in order, and it knows nothing of retransmissions, which are
//! packets of their own.

use core::fmt;
use core::hash::{BuildHasher, Hasher};
use core::time::Duration;

use hashbrown::DefaultHashBuilder;

use super::recent::Recent;
use super::{Compare, DedupConfig};
use crate::PacketView;
use crate::wire::{Fingerprint, ROUTED};

/// Detects the second copy of a packet in captures that have two of each: of
/// loopback, with `-i any`, of mirrored ports.
///
/// A packet is a copy if one with the same bytes was let through less than a
/// window away in packet time. Which bytes is a matter of [`Compare`]. A third
/// copy is one, too: the window begins at the packet that was let through, so
/// that a steady stream of equal packets is thinned and not lost.
///
/// # What may be dropped
///
/// Of packets that differ in one byte both are let through. The bytes are
/// compared by a hash with a secret key, as that of the flow table is; in a
/// table of the default size a packet is mistaken for another with a chance of
/// about 2⁻⁵⁵, and who does not know the key cannot search for two such.
///
/// What is dropped can be a packet that was sent twice within a window, all
/// bytes the same. A stream of TCP loses nothing by that, because such a
/// segment has no byte that its first copy did not have; its retransmissions
/// and repeated ACKs count less. Most senders number their IPv4 packets, so
/// that it hardly happens there. Equal datagrams in quick succession over IPv6,
/// or over IPv4 without numbers, are taken for one. Where the capture has the
/// interface and the direction ("cooked", version 2), a packet on the
/// same interface as the first is known to have been sent again, and stays.
///
/// # Large frames
///
/// The payload of a frame of more than 256 bytes is not read to tell that it is
/// no copy. Two frames whose first 128 bytes or lengths differ are different,
/// whatever follows; sequence numbers, identifications and checksums are among
/// them. The reverse does not hold, not even with a checksum: exchanging two
/// words of a payload leaves it as it is, and an offloading host has not
/// computed it yet. So nothing is dropped by its headers alone. That the
/// headers have been seen is a sign of copies, at which frames begin to be
/// compared in full; they are from the start, and as long as copies come more
/// often than every [`patience`](DedupConfig::patience) packets. The price is
/// that the large frames that are such a first sign are let through.
///
/// ```
/// use flowscope_core::{Dedup, PacketView, Timestamp};
///
/// let mut dedup = Dedup::loopback();
/// let at = |micros: u32| Timestamp::new(1, 1000 * micros);
/// let mut is_copy = |frame: &[u8], micros| dedup.is_duplicate(&PacketView::new(frame, at(micros)));
///
/// assert!(!is_copy(b"a packet as it leaves", 0));
/// assert!(is_copy(b"a packet as it leaves", 7)); // and as it arrives
/// assert!(!is_copy(b"another packet", 9));
/// assert!(!is_copy(b"a packet as it leaves", 2_000)); // sent again
/// assert_eq!(dedup.dropped(), 1);
/// ```
#[derive(Clone)]
pub struct Dedup {
    recent: Recent,
    hasher: DefaultHashBuilder,
    compare: Compare,
    patience: u32,
    /// For how many packets more large frames are compared in full.
    full_comparisons: u32,
    dropped: u64,
}

impl Dedup {
    /// For captures of a host's loopback interface, alone or among all of its
    /// interfaces: the whole frame within a millisecond, as by default.
    #[must_use]
    pub fn loopback() -> Self {
        Self::default()
    }

    /// A table of the size that `config` says, which does not grow.
    #[must_use]
    pub fn new(config: DedupConfig) -> Self {
        Self {
            recent: Recent::new(config.max_entries, nanos(config.window)),
            hasher: DefaultHashBuilder::default(),
            compare: config.compare,
            patience: config.patience,
            full_comparisons: config.patience,
            dropped: 0,
        }
    }

    /// Whether the packet is a copy of one that was let through, which is then
    /// counted.
    #[inline]
    pub fn is_duplicate(&mut self, packet: &PacketView<'_>) -> bool {
        // Small frames have a path of their own, because most frames are small.
        let is_copy = if self.compare == Compare::Frame
            && packet.frame.len() <= SMALL
            && let Some(fingerprint) = Fingerprint::of_plain_frame(packet)
        {
            self.was_seen(&fingerprint, fingerprint.bytes, packet)
        } else {
            self.is_other_copy(packet)
        };
        if is_copy {
            self.dropped += 1;
            self.full_comparisons = self.patience;
        } else {
            self.full_comparisons = self.full_comparisons.saturating_sub(1);
        }
        is_copy
    }

    /// How many copies there were.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The bytes that the table takes, from the start to the end.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.recent.memory()
    }

    #[inline(never)]
    fn is_other_copy(&mut self, packet: &PacketView<'_>) -> bool {
        let fingerprint = match self.compare {
            Compare::Frame => Fingerprint::of_frame(packet),
            Compare::Packet | Compare::Routed => Fingerprint::of_packet(packet),
        };
        if fingerprint.bytes.len() > SMALL && self.full_comparisons == 0 {
            let head = fingerprint.bytes.get(..HEAD).unwrap_or(fingerprint.bytes);
            if !self.was_seen(&fingerprint, head, packet) {
                return false;
            }
            // One is subtracted for this packet below.
            self.full_comparisons = self.patience.saturating_add(1);
        }
        self.was_seen(&fingerprint, fingerprint.bytes, packet)
    }

    /// Whether a packet of the same first `bytes` was met.
    #[inline]
    fn was_seen(
        &mut self,
        fingerprint: &Fingerprint<'_>,
        bytes: &[u8],
        packet: &PacketView<'_>,
    ) -> bool {
        let hash = self.hash(fingerprint, bytes);
        let at = packet.timestamp.as_nanos();
        self.recent
            .check_and_insert(hash, fingerprint.interface, at)
    }

    /// The hash of the first `bytes` of a fingerprint, and of its lengths.
    #[inline]
    fn hash(&self, fingerprint: &Fingerprint<'_>, bytes: &[u8]) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        if self.compare == Compare::Routed {
            hash_routed(fingerprint, bytes, &mut hasher);
        } else {
            hasher.write(bytes);
        }
        // The lengths need no hashing of their own: with the same bytes they make
        // a difference as they are, with others the hash, which has a secret key,
        // differs by as much with the chance of any other number.
        hasher.finish()
            ^ u64::from(fingerprint.wire_len) << 32
            ^ (fingerprint.bytes.len() as u64) << 16
    }
}

impl Default for Dedup {
    fn default() -> Self {
        Self::new(DedupConfig::default())
    }
}

impl fmt::Debug for Dedup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dedup")
            .field("compare", &self.compare)
            .field("memory", &self.memory())
            .field("dropped", &self.dropped)
            .finish_non_exhaustive()
    }
}

fn hash_routed(fingerprint: &Fingerprint<'_>, bytes: &[u8], hasher: &mut impl Hasher) {
    match (fingerprint.routed(), bytes.get(ROUTED..)) {
        (Some(first), Some(rest)) => {
            hasher.write(&first);
            hasher.write(rest);
        }
        _ => hasher.write(bytes),
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// The longest frame that is always read to its end. More than most headers,
/// and about what it costs to find a large frame new.
const SMALL: usize = 256;
/// How much of a large frame is read first.
const HEAD: usize = 128;
