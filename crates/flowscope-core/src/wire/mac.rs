//! Link-layer addresses.

/// The two link-layer addresses of a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct MacAddresses {
    /// The sender's.
    pub(crate) src: [u8; 6],
    /// The receiver's.
    pub(crate) dst: [u8; 6],
}
