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
/// assert_eq!(Protocols::default(), Protocols::ALL);
/// ```
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub struct Protocols(u8);

impl Protocols {
    /// All that there are.
    pub const ALL: Self = Self::only(Protocol::Http)
        .with(Protocol::Tls)
        .with(Protocol::Dns)
        .with(Protocol::Quic)
        .with(Protocol::Dtls);

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
}

impl Default for Protocols {
    fn default() -> Self {
        Self::ALL
    }
}

impl fmt::Debug for Protocols {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chosen = Protocol::ALL.into_iter().filter(|it| self.contains(*it));
        f.debug_set().entries(chosen).finish()
    }
}
