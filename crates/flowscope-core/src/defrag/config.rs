//! Policies and limits for fragments.

use core::time::Duration;

use crate::wire::IpVersion;
use crate::words::words;

/// Whether IP fragments are reassembled.
///
/// ```
/// use flowscope_core::defrag::{FragmentConfig, FragmentPolicy, Overlap};
///
/// let policy = FragmentPolicy::Reassemble(FragmentConfig {
///     overlap: Overlap::Linux,
///     ..FragmentConfig::default()
/// });
/// assert_ne!(policy, FragmentPolicy::default());
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum FragmentPolicy {
    /// They are held until their datagram is whole.
    ///
    /// All fragments count on the flow that the first one names, and the
    /// payload is delivered once, with the datagram.
    Reassemble(FragmentConfig),
    /// None is held. First fragments count as the packets they are, later ones
    /// are skipped: they name no flow.
    Ignore,
}

/// As [`Reassemble`](Self::Reassemble) with the default settings.
impl Default for FragmentPolicy {
    fn default() -> Self {
        Self::Reassemble(FragmentConfig::default())
    }
}

/// How fragments are put together, and how many may wait for that.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct FragmentConfig {
    /// Whose bytes win where IPv4 fragments overlap. [`Overlap::Bsd`] by
    /// default.
    pub overlap: Overlap,
    /// How long fragments of IPv4 wait for the rest of their datagram, from the
    /// first that came: 30 s by default, as most hosts wait.
    pub timeout_ipv4: Duration,
    /// How long those of IPv6 do: 60 s by default, as RFC 8200 demands.
    pub timeout_ipv6: Duration,
    /// Bytes of memory at the most, everything included. At the cap the oldest
    /// datagram is given up. 16 MiB by default; less than 1 MiB is taken as
    /// that, and more than 2 GiB as that.
    pub max_memory: usize,
    /// Bytes of memory for the datagrams of one sender. At the cap its oldest
    /// is given up. 4 MiB by default; less than 256 KiB is taken as that.
    pub max_memory_per_source: usize,
    /// Fragments of one datagram at the most; one of more is given up. 2048 by
    /// default, which is more than the smallest links make of the largest
    /// datagram.
    pub max_fragments: usize,
}

impl Default for FragmentConfig {
    fn default() -> Self {
        Self {
            overlap: Overlap::Bsd,
            timeout_ipv4: Duration::from_secs(30),
            timeout_ipv6: Duration::from_secs(60),
            max_memory: 16 << 20,
            max_memory_per_source: 4 << 20,
            max_fragments: 2048,
        }
    }
}

impl FragmentConfig {
    pub(super) fn timeout(&self, version: IpVersion) -> Duration {
        match version {
            IpVersion::V4 => self.timeout_ipv4,
            IpVersion::V6 => self.timeout_ipv6,
        }
    }
}

words! {
    /// Why an incomplete datagram was given up.
    pub enum Loss {
        /// The rest of it did not come in time.
        Timeout => "timeout",
        /// There was no memory for it any more.
        Memory => "memory",
        /// It was of IPv6, and its fragments overlapped; or it was not the packet
        /// that its first fragment said it was.
        Overlap => "overlap",
        /// It had more fragments than are allowed.
        TooManyFragments => "too_many_fragments",
        /// Its sender has sent so many fragments since that the same identification
        /// is now used by another datagram (RFC 4963).
        Superseded => "superseded",
        /// More tunnels and fragments lay in each other than any network stacks.
        TooDeep => "too_deep",
        /// The input ended.
        EndOfInput => "end_of_input",
    }
}

/// Whose bytes win where IPv4 fragments overlap.
///
/// Hosts differ in this, which attackers use to evade detection. The rules
/// are those of U. Shankar and V. Paxson, "Active Mapping" (2003), and of
/// J. Novak, "Target-Based Fragmentation Reassembly" (2005). They compare a
/// byte's fragment as it was sent with a later one that has the same byte.
///
/// IPv6 leaves no choice: a datagram whose fragments overlap is dropped (RFC
/// 5722), unless they are the same (RFC 8200, section 4.5).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Overlap {
    /// The first to come keeps its bytes.
    First,
    /// The last to come takes them all.
    Last,
    /// The later fragment takes the bytes if it begins before the earlier one.
    #[default]
    Bsd,
    /// The later fragment takes the bytes if it begins before the earlier one
    /// or at the same place.
    ///
    /// As in Linux, a fragment whose length is no multiple of eight loses the
    /// bytes beyond one; under the other policies it is refused whole.
    Linux,
    /// The later fragment takes the bytes if it begins before the earlier one
    /// and ends behind it.
    Windows,
    /// The later fragment takes the bytes if it begins before the earlier one
    /// and ends behind it or at the same place.
    Solaris,
}

impl Overlap {
    /// Every policy.
    pub const ALL: &'static [Self] = &[
        Self::First,
        Self::Last,
        Self::Bsd,
        Self::Linux,
        Self::Windows,
        Self::Solaris,
    ];
}
