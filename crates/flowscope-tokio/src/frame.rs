//! A frame that is owned, on its way from whoever captured it.

use flowscope::{LinkType, PacketView, Timestamp};

/// One captured frame.
///
/// ```
/// use flowscope::{LinkType, Timestamp};
/// use flowscope_tokio::Frame;
///
/// let frame = Frame::new(vec![0; 60], Timestamp::new(7, 0)).with_link(LinkType::RAW);
/// assert_eq!(frame.view().wire_len, 60);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Frame {
    /// The captured bytes.
    pub bytes: Vec<u8>,
    /// What the first byte begins.
    pub link: LinkType,
    /// When it was captured.
    pub timestamp: Timestamp,
    /// Its length on the wire.
    pub wire_len: u32,
}

impl Frame {
    /// An Ethernet frame that was captured whole.
    #[must_use]
    pub fn new(bytes: Vec<u8>, timestamp: Timestamp) -> Self {
        let PacketView { link, wire_len, .. } = PacketView::new(&bytes, timestamp);
        Self {
            bytes,
            link,
            timestamp,
            wire_len,
        }
    }

    /// The same bytes, taken as a frame of another link type.
    #[must_use]
    pub fn with_link(self, link: LinkType) -> Self {
        Self { link, ..self }
    }

    /// It as the library reads it.
    #[must_use]
    pub fn view(&self) -> PacketView<'_> {
        PacketView::new(&self.bytes, self.timestamp)
            .with_link(self.link)
            .with_wire_len(self.wire_len)
    }
}

impl From<PacketView<'_>> for Frame {
    fn from(view: PacketView<'_>) -> Self {
        Self {
            bytes: view.frame.to_vec(),
            link: view.link,
            timestamp: view.timestamp,
            wire_len: view.wire_len,
        }
    }
}
