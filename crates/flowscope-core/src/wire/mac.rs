//! Link-layer addresses.

/// The two link-layer addresses of a frame.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct MacAddresses {
    /// The sender's.
    pub src: [u8; 6],
    /// The receiver's.
    pub dst: [u8; 6],
}
