//! Writes classic pcap.

use std::io::{self, Write};

use flowscope_core::{LinkType, PacketView};

use super::{DEFAULT_SNAP_LEN, cut, refused};
use crate::ByteOrder;

/// Writes a classic pcap file.
///
/// ```
/// use flowscope_core::{LinkType, PacketView, Timestamp};
/// use flowscope_pcap::{PcapConfig, PcapFlowSource, PcapWriter};
///
/// let config = PcapConfig { link: LinkType::RAW, snap_len: 20, ..PcapConfig::default() };
/// let mut file = PcapWriter::new(Vec::new(), config)?;
/// let packet = PacketView::new(&[0x45; 40], Timestamp::new(1, 0)).with_link(LinkType::RAW);
/// file.write(packet)?;
/// let bytes = file.finish()?;
///
/// let mut source = PcapFlowSource::from_reader(&bytes[..])?;
/// let packet = source.next_packet()?.expect("one was written");
/// assert_eq!(packet.frame.len(), 20);
/// assert_eq!(packet.wire_len, 40);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PcapWriter<W: Write> {
    out: W,
    config: PcapConfig,
}

/// What a classic pcap file says in its header.
#[derive(Clone, Debug)]
pub struct PcapConfig {
    /// The link type of all packets.
    pub link: LinkType,
    /// Frames are cut to this many bytes; 0 leaves them whole.
    pub snap_len: u32,
    /// The unit of the packet times.
    pub precision: Precision,
    /// The byte order of the file's numbers.
    pub order: ByteOrder,
}

impl Default for PcapConfig {
    fn default() -> Self {
        Self {
            link: LinkType::ETHERNET,
            snap_len: DEFAULT_SNAP_LEN,
            precision: Precision::Microseconds,
            order: ByteOrder::Little,
        }
    }
}

/// The unit in which a classic pcap file counts fractions of a second.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Precision {
    /// Microseconds, which everything can read. Finer times are cut.
    Microseconds,
    /// Nanoseconds.
    Nanoseconds,
}

impl<W: Write> PcapWriter<W> {
    /// Writes the file header.
    pub fn new(mut out: W, config: PcapConfig) -> io::Result<Self> {
        let order = config.order;
        let magic = match config.precision {
            Precision::Microseconds => 0xa1b2_c3d4,
            Precision::Nanoseconds => 0xa1b2_3c4d,
        };
        out.write_all(&order.bytes_of_u32(magic))?;
        out.write_all(&order.bytes_of_u16(2))?;
        out.write_all(&order.bytes_of_u16(4))?;
        // Two fields that nobody uses: time zone and accuracy.
        for word in [0, 0, config.snap_len, config.link.0.into()] {
            out.write_all(&order.bytes_of_u32(word))?;
        }
        Ok(Self { out, config })
    }

    /// Writes a packet, which must have the file's link type and a time before
    /// the year 2106.
    pub fn write(&mut self, packet: PacketView<'_>) -> io::Result<()> {
        if packet.link != self.config.link {
            return Err(refused("a pcap file has packets of one link type only"));
        }
        let seconds = u32::try_from(packet.timestamp.as_secs())
            .map_err(|_| refused("a pcap file has no times after 2106-02-07"))?;
        let fraction = match self.config.precision {
            Precision::Microseconds => packet.timestamp.subsec_nanos() / 1_000,
            Precision::Nanoseconds => packet.timestamp.subsec_nanos(),
        };
        let (frame, captured, original) = cut(packet, self.config.snap_len)?;
        let mut header = [0; 16];
        for (bytes, word) in header
            .chunks_exact_mut(4)
            .zip([seconds, fraction, captured, original])
        {
            bytes.copy_from_slice(&self.config.order.bytes_of_u32(word));
        }
        self.out.write_all(&header)?;
        self.out.write_all(frame)
    }

    /// Flushes the file and gives it back.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}
