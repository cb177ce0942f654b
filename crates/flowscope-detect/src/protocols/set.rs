//! Which protocols are looked for.

use core::fmt;

use crate::Protocol;

/// A set of protocols.
///
/// ```
/// use flowscope_detect::{Protocol, Protocols};
///
/// let names = Protocols::only(Protocol::Tls).with(Protocol::Dns);
/// assert!(names.contains(Protocol::Tls));
/// assert!(!names.contains(Protocol::Http));
/// assert!(names.read_datagrams());
/// assert!(!Protocols::only(Protocol::Http).read_datagrams());
/// assert_eq!(Protocols::default(), Protocols::ALL);
/// ```
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Protocols(u8);

impl Protocols {
    /// All that there are.
    pub const ALL: Self = Self::of(Protocol::ALL);

    const OVER_DATAGRAMS: Self = Self::of(Protocol::OVER_DATAGRAMS);

    const fn of(protocols: &[Protocol]) -> Self {
        let mut set = Self(0);
        let mut rest = protocols;
        while let [first, others @ ..] = rest {
            set = set.with(*first);
            rest = others;
        }
        set
    }

    /// One.
    #[must_use]
    pub const fn only(protocol: Protocol) -> Self {
        Self(1 << protocol as u8)
    }

    /// These and one more.
    #[must_use]
    pub const fn with(self, protocol: Protocol) -> Self {
        Self(self.0 | Self::only(protocol).0)
    }

    /// Whether a protocol is among them.
    #[must_use]
    pub const fn contains(self, protocol: Protocol) -> bool {
        self.0 & Self::only(protocol).0 != 0
    }

    /// Whether any of them runs over datagrams, so that these are to be read.
    #[must_use]
    pub const fn read_datagrams(self) -> bool {
        self.0 & Self::OVER_DATAGRAMS.0 != 0
    }
}

impl Default for Protocols {
    fn default() -> Self {
        Self::ALL
    }
}

impl fmt::Debug for Protocols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chosen = Protocol::ALL.iter().filter(|it| self.contains(**it));
        f.debug_set().entries(chosen).finish()
    }
}
