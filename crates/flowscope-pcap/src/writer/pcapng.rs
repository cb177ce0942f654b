//! Writes pcapng.

use std::io::{self, Write};

use flowscope_core::{LinkType, PacketView, Timestamp};

use super::{DEFAULT_SNAP_LEN, cut, refused};
use crate::interface::{
    IF_DESCRIPTION, IF_NAME, IF_TSOFFSET, IF_TSRESOL, SHB_HARDWARE, SHB_OS, SHB_USERAPPL,
};
use crate::options::COMMENT;
use crate::pcapng::{
    BYTE_ORDER_MAGIC, ENHANCED_PACKET, INTERFACE_DESCRIPTION, SECTION_HEADER, SIMPLE_PACKET,
};
use crate::{ByteOrder, Resolution};

/// Writes a pcapng file.
///
/// ```
/// use flowscope_core::{LinkType, PacketView, Timestamp};
/// use flowscope_pcap::{InterfaceConfig, PcapFlowSource, PcapngWriter, SectionConfig};
///
/// let mut file = PcapngWriter::new(Vec::new(), SectionConfig::default())?;
/// let lan = file.add_interface(InterfaceConfig::default())?;
/// let tunnel = file.add_interface(InterfaceConfig {
///     link: LinkType::RAW,
///     name: Some("tun0".to_owned()),
///     ..InterfaceConfig::default()
/// })?;
/// let packet = PacketView::new(&[0; 60], Timestamp::new(1, 0));
/// file.write(lan, packet, &["first of all"])?;
/// file.write(tunnel, packet.with_link(LinkType::RAW), &[])?;
/// let bytes = file.finish()?;
///
/// let mut source = PcapFlowSource::from_reader(&bytes[..])?;
/// assert_eq!(source.next_packet()?.expect("the first").link, LinkType::ETHERNET);
/// let (_, mut options) = source.packet_details();
/// assert_eq!(options.next().expect("a comment").value, b"first of all");
/// assert_eq!(source.next_packet()?.expect("the second").link, LinkType::RAW);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PcapngWriter<W: Write> {
    out: W,
    order: ByteOrder,
    interfaces: Vec<InterfaceConfig>,
    /// The block being put together.
    block: Vec<u8>,
}

/// What a section of a pcapng file says about itself.
#[derive(Clone, Debug, Default)]
pub struct SectionConfig {
    /// The byte order of its numbers.
    pub order: ByteOrder,
    /// The hardware it was captured on.
    pub hardware: Option<String>,
    /// The operating system it was captured on.
    pub system: Option<String>,
    /// The program that writes it.
    pub application: Option<String>,
    /// Comments on the section as a whole.
    pub comments: Vec<String>,
}

/// What a pcapng file says about an interface.
#[derive(Clone, Debug)]
pub struct InterfaceConfig {
    /// The link type of its packets.
    pub link: LinkType,
    /// Frames are cut to this many bytes; 0 leaves them whole.
    pub snap_len: u32,
    /// The unit of its packet times. Finer times are cut.
    pub resolution: Resolution,
    /// Seconds to take off its packet times as written.
    pub offset_seconds: i64,
    /// Its name on the capturing host.
    pub name: Option<String>,
    /// A description of it.
    pub description: Option<String>,
    /// Comments on it.
    pub comments: Vec<String>,
}

impl Default for InterfaceConfig {
    fn default() -> Self {
        Self {
            link: LinkType::ETHERNET,
            snap_len: DEFAULT_SNAP_LEN,
            resolution: Resolution::NANOSECONDS,
            offset_seconds: 0,
            name: None,
            description: None,
            comments: Vec::new(),
        }
    }
}

/// An interface of the section that a [`PcapngWriter`] is writing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct InterfaceId(u32);

impl<W: Write> PcapngWriter<W> {
    /// Begins the file, and with it the first section.
    pub fn new(out: W, section: SectionConfig) -> io::Result<Self> {
        let mut writer = Self {
            out,
            order: section.order,
            interfaces: Vec::new(),
            block: Vec::new(),
        };
        writer.begin_section(section)?;
        Ok(writer)
    }

    /// Begins another section, which has no interfaces yet.
    pub fn begin_section(&mut self, section: SectionConfig) -> io::Result<()> {
        self.order = section.order;
        self.interfaces.clear();
        self.begin_block(SECTION_HEADER);
        self.put_u32(BYTE_ORDER_MAGIC);
        // Version 1.0.
        self.put_u16(1);
        self.put_u16(0);
        // The length of the section: unknown, as it is with a stream.
        self.block.extend([0xff; 8]);
        self.put_comments(&section.comments)?;
        self.put_text(SHB_HARDWARE, section.hardware.as_deref())?;
        self.put_text(SHB_OS, section.system.as_deref())?;
        self.put_text(SHB_USERAPPL, section.application.as_deref())?;
        self.end_block()
    }

    /// Describes an interface, from here on to the end of the section.
    pub fn add_interface(&mut self, interface: InterfaceConfig) -> io::Result<InterfaceId> {
        let id = u32::try_from(self.interfaces.len())
            .map_err(|_| refused("a section has fewer than 2^32 interfaces"))?;
        self.begin_block(INTERFACE_DESCRIPTION);
        self.put_u16(interface.link.0);
        self.put_u16(0);
        self.put_u32(interface.snap_len);
        self.put_comments(&interface.comments)?;
        self.put_text(IF_NAME, interface.name.as_deref())?;
        self.put_text(IF_DESCRIPTION, interface.description.as_deref())?;
        if interface.resolution != Resolution::MICROSECONDS {
            self.put_option(IF_TSRESOL, &[interface.resolution.to_byte()])?;
        }
        if interface.offset_seconds != 0 {
            let offset = interface.offset_seconds.cast_unsigned();
            self.put_option(IF_TSOFFSET, &self.order.bytes_of_u64(offset))?;
        }
        self.end_block()?;
        self.interfaces.push(interface);
        Ok(InterfaceId(id))
    }

    /// Writes a packet, which must have its interface's link type.
    pub fn write(
        &mut self,
        interface: InterfaceId,
        packet: PacketView<'_>,
        comments: &[&str],
    ) -> io::Result<()> {
        let config = self.checked(interface, packet)?;
        let ticks = ticks(config, packet.timestamp);
        let (frame, captured, original) = cut(packet, config.snap_len)?;
        self.begin_block(ENHANCED_PACKET);
        self.put_u32(interface.0);
        self.put_u32((ticks >> 32) as u32);
        self.put_u32(ticks as u32);
        self.put_u32(captured);
        self.put_u32(original);
        self.put_padded(frame);
        self.put_comments(comments)?;
        self.end_block()
    }

    /// Writes a packet of the section's first interface without its time.
    ///
    /// Nothing but a snap length can cut such a packet: one that is shorter
    /// than on the wire for another reason is refused.
    pub fn write_simple(&mut self, packet: PacketView<'_>) -> io::Result<()> {
        let config = self.checked(InterfaceId(0), packet)?;
        let (frame, captured, original) = cut(packet, config.snap_len)?;
        if captured < original && captured != config.snap_len {
            return Err(refused("a simple packet is cut by its snap length only"));
        }
        self.begin_block(SIMPLE_PACKET);
        self.put_u32(original);
        self.put_padded(frame);
        self.end_block()
    }

    /// Writes a block of any other type.
    pub fn write_block(&mut self, block_type: u32, body: &[u8]) -> io::Result<()> {
        self.begin_block(block_type);
        self.put_padded(body);
        self.end_block()
    }

    /// Flushes the file and gives it back.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }

    fn checked(
        &self,
        interface: InterfaceId,
        packet: PacketView<'_>,
    ) -> io::Result<&InterfaceConfig> {
        let config = self
            .interfaces
            .get(interface.0 as usize)
            .ok_or_else(|| refused("the interface is not of this section"))?;
        if packet.link != config.link {
            return Err(refused("the packet's link type is not its interface's"));
        }
        Ok(config)
    }

    fn begin_block(&mut self, block_type: u32) {
        self.block.clear();
        self.put_u32(block_type);
        // The length, once it is known.
        self.put_u32(0);
    }

    fn end_block(&mut self) -> io::Result<()> {
        let len = u32::try_from(self.block.len() + 4)
            .map_err(|_| refused("a block must be shorter than 4 GiB"))?;
        let len = self.order.bytes_of_u32(len);
        self.block[4..8].copy_from_slice(&len);
        self.block.extend(len);
        self.out.write_all(&self.block)
    }

    fn put_u32(&mut self, number: u32) {
        self.block.extend(self.order.bytes_of_u32(number));
    }

    fn put_u16(&mut self, number: u16) {
        self.block.extend(self.order.bytes_of_u16(number));
    }

    fn put_padded(&mut self, bytes: &[u8]) {
        self.block.extend_from_slice(bytes);
        self.block.resize(self.block.len().next_multiple_of(4), 0);
    }

    fn put_option(&mut self, code: u16, value: &[u8]) -> io::Result<()> {
        let len = u16::try_from(value.len())
            .map_err(|_| refused("an option must be shorter than 64 KiB"))?;
        self.put_u16(code);
        self.put_u16(len);
        self.put_padded(value);
        Ok(())
    }

    fn put_text(&mut self, code: u16, text: Option<&str>) -> io::Result<()> {
        match text {
            Some(text) => self.put_option(code, text.as_bytes()),
            None => Ok(()),
        }
    }

    fn put_comments(&mut self, comments: &[impl AsRef<str>]) -> io::Result<()> {
        comments
            .iter()
            .try_for_each(|comment| self.put_option(COMMENT, comment.as_ref().as_bytes()))
    }
}

/// A moment as an interface counts it, as near as it can.
fn ticks(interface: &InterfaceConfig, moment: Timestamp) -> u64 {
    let offset = i128::from(interface.offset_seconds) * 1_000_000_000;
    let nanos = (i128::from(moment.as_nanos()) - offset).max(0);
    let nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
    interface.resolution.ticks_in(nanos)
}
