//! Connection IDs.

use core::fmt;

/// A connection ID: up to 20 bytes in the versions there are, up to 255 in
/// others (RFC 8999, section 5.3).
///
/// It is shown in hexadecimal digits.
///
/// ```
/// use flowscope_quic::ConnectionId;
///
/// let id = ConnectionId::from(&[0x83, 0x94, 0xc8][..]);
/// assert_eq!(id.to_string(), "8394c8");
/// assert_eq!(id.bytes().len(), 3);
/// ```
#[derive(Clone, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ConnectionId(Box<[u8]>);

impl ConnectionId {
    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<&[u8]> for ConnectionId {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ConnectionId({self})")
    }
}
