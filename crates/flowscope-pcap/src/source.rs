//! The packets of a capture, one after the other.
//!
//! Start from [`PcapFlowSource::open`].

use alloc::sync::Arc;
use core::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use flowscope_core::{LinkType, PacketView, Timestamp};

use crate::buffer::{Buffer, Consumed};
use crate::classic::Classic;
use crate::input::Input;
use crate::pcapng::{Pcapng, packet_details};
use crate::{Compression, Interface, Options, PcapError, Section};

/// Lends the packets of a pcap or pcapng capture, in the order of the file.
///
/// Format and compression are found out by content, whatever the file is
/// called. The capture is read as a stream through one buffer, of which each
/// packet is a slice; memory does not grow with the file, nor with what a
/// damaged file claims.
///
/// # What an odd capture gives
///
/// - **Damage.** All packets before it, then one error with its place, then
///   `None` for good. A last record that is cut short is damage, and so are
///   bytes after the last record that begin no other; of the cut record
///   nothing is given out. Damage to compressed data, unlike their early end,
///   can take the last 4 KiB before it along.
/// - **No packets.** A file with a header alone gives `None`; a file without
///   a byte gives [`PcapError::Empty`] when it is opened.
/// - **Lengths.** A frame may be longer than the snap length. One that claims
///   to have been shorter on the wire than what was captured gets the captured
///   length for both. One longer than the format's limits (256 KiB for
///   ordinary link types, as in libpcap and Wireshark) is damage.
/// - **Times.** Zero is a time like any other, times may go back, and a
///   fraction of a second or more carries. A simple packet block has no time:
///   it gets zero. Times before 1970 become zero.
/// - **Link types.** Each packet has that of its interface. In a classic
///   header the bits that tell the length of a frame check sequence are
///   masked; the sequence itself, if captured, stays at the end of the frame.
///   So it does where pcapng's `if_fcslen` announces one.
///
/// ```
/// use flowscope_core::{PacketView, Timestamp};
/// use flowscope_pcap::{Format, PcapConfig, PcapFlowSource, PcapWriter};
///
/// let mut file = PcapWriter::new(Vec::new(), PcapConfig::default())?;
/// file.write(PacketView::new(&[0; 60], Timestamp::new(7, 0)))?;
/// let bytes = file.finish()?;
///
/// let mut source = PcapFlowSource::from_reader(&bytes[..])?;
/// assert_eq!(source.format(), Format::Pcap);
///
/// let packet = source.next_packet()?.expect("one was written");
/// assert_eq!(packet.frame, [0; 60]);
/// assert_eq!(packet.timestamp, Timestamp::new(7, 0));
/// assert!(source.next_packet()?.is_none());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PcapFlowSource<R: Read = File> {
    buffer: Buffer<R>,
    records: Records,
    /// The block of the packet given out last.
    block: Consumed,
    batch: [Record; BATCH],
    size: Option<u64>,
    path: Option<Arc<Path>>,
    state: State,
}

impl PcapFlowSource {
    /// Opens a capture file. Its errors, now and later, name it.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, PcapError> {
        let path: Arc<Path> = path.as_ref().into();
        Self::open_unnamed(&path)
            .map_err(|error| in_file(&path, error))
            .map(|source| Self {
                path: Some(path.clone()),
                ..source
            })
    }

    fn open_unnamed(path: &Path) -> Result<Self, PcapError> {
        let failed = |source| PcapError::Io { offset: 0, source };
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        let source = Self::from_reader(file)?;
        Ok(Self {
            // A pipe or a device has no size to speak of.
            size: metadata.is_file().then_some(metadata.len()),
            ..source
        })
    }
}

impl<R: Read> PcapFlowSource<R> {
    /// Reads a capture from anything that reads, such as a slice or standard
    /// input; there is no need to buffer it.
    ///
    /// It waits for the capture's header. From a live pipe, the first packet of
    /// a classic capture is given out when the second one has begun: some old
    /// variants can be told by that one only.
    pub fn from_reader(reader: R) -> Result<Self, PcapError> {
        Self::from_input(Input::new(reader)?)
    }

    /// Reads a capture that is not compressed, or no longer: see
    /// [`Decompressed`](crate::Decompressed).
    pub fn from_decompressed(reader: R) -> Result<Self, PcapError> {
        Self::from_input(Input::plain(reader)?)
    }

    fn from_input(input: Input<R>) -> Result<Self, PcapError> {
        let mut buffer = Buffer::new(input);
        Ok(Self {
            records: Records::open(&mut buffer)?,
            buffer,
            block: Consumed::default(),
            batch: [Record::default(); BATCH],
            size: None,
            path: None,
            state: State::Reading,
        })
    }

    /// Lends the next packet, or `None` at the end.
    ///
    /// After an error there are no more packets.
    #[inline]
    pub fn next_packet(&mut self) -> Result<Option<PacketView<'_>>, PcapError> {
        Ok(self.next_record()?.map(|record| self.view(record)))
    }

    /// Lends the next packets that are at hand, or none at the end.
    ///
    /// At least one packet is waited for and at most 32 are given, as many as
    /// lie whole in the buffer: a live pipe is never waited on for company.
    /// After an error there are no more packets.
    ///
    /// Made for [`track_batch`](flowscope_core::FlowTracker::track_batch).
    #[inline]
    pub fn next_batch(
        &mut self,
    ) -> Result<impl ExactSizeIterator<Item = PacketView<'_>>, PcapError> {
        let len = self.fill_batch()?;
        Ok(self.batch[..len].iter().map(|record| self.view(*record)))
    }

    /// Does the same, and lends the block of memory in which the packets lie; an
    /// empty one at the end.
    ///
    /// Such a block is not read into again: whoever wants the packets for longer
    /// notes down where they lie in it, and [takes](Self::take_blocks) it. Until
    /// then all blocks are kept, so they are best taken often.
    ///
    /// ```
    /// # use flowscope_core::{PacketView, Timestamp};
    /// # use flowscope_pcap::{PcapConfig, PcapFlowSource, PcapWriter};
    /// # let mut file = PcapWriter::new(Vec::new(), PcapConfig::default())?;
    /// # file.write(PacketView::new(&[7; 60], Timestamp::new(7, 0)))?;
    /// # let bytes = file.finish()?;
    /// let mut source = PcapFlowSource::from_reader(&bytes[..])?;
    /// let (mut packets, block) = source.next_batch_in_block()?;
    /// let packet = packets.next().expect("one was written");
    /// let place = packet.frame.as_ptr().addr() - block.as_ptr().addr();
    /// drop(packets);
    ///
    /// let blocks = source.take_blocks([]);
    /// assert_eq!(blocks[0][place..][..60], [7; 60]);
    /// assert!(source.next_packet()?.is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn next_batch_in_block(
        &mut self,
    ) -> Result<(impl ExactSizeIterator<Item = PacketView<'_>>, &[u8]), PcapError> {
        let len = self.fill_batch()?;
        if len > 0 {
            self.buffer.lend();
        }
        let block = match len {
            0 => &[],
            _ => self.buffer.window(),
        };
        let packets = self.batch[..len].iter().map(|record| self.view(*record));
        Ok((packets, block))
    }

    /// Takes the blocks that [`next_batch_in_block`](Self::next_batch_in_block)
    /// has lent, in the order in which it first did.
    ///
    /// `spares` are blocks that were taken before and are of no use any more.
    pub fn take_blocks(&mut self, spares: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
        self.block = Consumed::default();
        self.buffer.take_lent(spares)
    }

    /// Finds the packets of a batch, and says how many there are.
    #[inline]
    fn fill_batch(&mut self) -> Result<usize, PcapError> {
        let Some(first) = self.next_record()? else {
            return Ok(0);
        };
        self.batch[0] = first;
        let len = 1 + self.take_at_hand();
        self.block = self.batch[len - 1].block;
        Ok(len)
    }

    /// Fills the batch, but for its first place, with the records that can be
    /// had without waiting for the input, and says how many those are.
    #[inline]
    fn take_at_hand(&mut self) -> usize {
        let [_, batch @ ..] = &mut self.batch;
        match &mut self.records {
            Records::Classic(classic) => classic.take_at_hand(&mut self.buffer, batch),
            Records::Pcapng(pcapng) => {
                let mut taken = 0;
                for place in batch {
                    if !pcapng.is_at_hand(&self.buffer) {
                        break;
                    }
                    match pcapng.next(&mut self.buffer) {
                        Ok(Some(record)) => *place = record,
                        Ok(None) => break,
                        Err(error) => {
                            // The packets before the damage come first.
                            self.state = State::Failed(Some(error));
                            break;
                        }
                    }
                    taken += 1;
                }
                taken
            }
        }
    }

    #[inline]
    fn next_record(&mut self) -> Result<Option<Record>, PcapError> {
        match &mut self.state {
            State::Reading => {}
            State::Failed(error) => {
                let error = error.take();
                return error.map_or(Ok(None), |error| Err(self.fail(error)));
            }
            State::Ended => return Ok(None),
        }
        let record = match &mut self.records {
            Records::Classic(classic) => classic.next(&mut self.buffer),
            Records::Pcapng(pcapng) => pcapng.next(&mut self.buffer),
        };
        match record {
            Ok(Some(record)) => {
                self.block = record.block;
                Ok(Some(record))
            }
            Ok(None) => {
                self.end();
                Ok(None)
            }
            Err(error) => Err(self.fail(error)),
        }
    }

    /// Ends with an error, which names the file.
    #[cold]
    fn fail(&mut self, error: PcapError) -> PcapError {
        self.end();
        match &self.path {
            Some(path) => in_file(path, error),
            None => error,
        }
    }

    #[inline]
    fn view(&self, record: Record) -> PacketView<'_> {
        PacketView {
            frame: self.buffer.consumed(record.frame),
            link: record.link,
            timestamp: record.timestamp,
            wire_len: record.wire_len,
        }
    }

    #[cold]
    fn end(&mut self) {
        self.block = Consumed::default();
        self.state = State::Ended;
    }

    /// The format of the capture.
    #[must_use]
    pub fn format(&self) -> Format {
        match self.records {
            Records::Classic(_) => Format::Pcap,
            Records::Pcapng(_) => Format::Pcapng,
        }
    }

    /// What the capture is compressed with.
    #[must_use]
    pub fn compression(&self) -> Compression {
        self.buffer.input().compression()
    }

    /// The interfaces described up to here in this section of the capture.
    ///
    /// A classic pcap file has exactly one.
    #[must_use]
    pub fn interfaces(&self) -> &[Interface] {
        match &self.records {
            Records::Classic(classic) => core::slice::from_ref(&classic.interface),
            Records::Pcapng(pcapng) => &pcapng.interfaces,
        }
    }

    /// The section being read, which a classic pcap file does not have.
    #[must_use]
    pub fn section(&self) -> Option<&Section> {
        match &self.records {
            Records::Classic(_) => None,
            Records::Pcapng(pcapng) => Some(&pcapng.section),
        }
    }

    /// The interface of the packet given out last, and the options that came
    /// with it.
    ///
    /// The options of classic pcap are none, and so are those of no packet.
    #[must_use]
    pub fn packet_details(&self) -> (Option<&Interface>, Options<'_>) {
        let block = self.buffer.consumed(self.block);
        let (options, interface) = match &self.records {
            Records::Classic(_) => (Options::default(), 0),
            Records::Pcapng(pcapng) => packet_details(pcapng.section.order, block),
        };
        match block {
            [] => (None, Options::default()),
            _ => (self.interfaces().get(interface), options),
        }
    }

    /// Keeps the secrets that come from here on, by which programs read what is
    /// encrypted, for [`take_secrets`](Self::take_secrets).
    pub fn keep_secrets(&mut self) {
        if let Records::Pcapng(pcapng) = &mut self.records {
            pcapng.secrets.get_or_insert_default();
        }
    }

    /// The bodies of the blocks of secrets (pcapng's Decryption Secrets Blocks)
    /// that came up to here, each given once; none of more than a mebibyte.
    /// Their numbers are in the byte order of the section.
    pub fn take_secrets(&mut self) -> Vec<Box<[u8]>> {
        match &mut self.records {
            Records::Pcapng(pcapng) => pcapng.secrets.as_mut().map(core::mem::take),
            Records::Classic(_) => None,
        }
        .unwrap_or_default()
    }

    /// How many bytes were taken from the file or reader, before
    /// decompression.
    ///
    /// They are taken in large pieces: good for a progress bar, not for an
    /// index.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.buffer.input().position()
    }

    /// How many bytes the file has, where that is known.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        self.size
    }
}

impl<R: Read> fmt::Debug for PcapFlowSource<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PcapFlowSource")
            .field("format", &self.format())
            .field("compression", &self.compression())
            .field("offset", &self.buffer.offset())
            .finish_non_exhaustive()
    }
}

fn in_file(path: &Arc<Path>, error: PcapError) -> PcapError {
    PcapError::File {
        path: path.clone(),
        error: Box::new(error),
    }
}

/// The format of a capture file.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Format {
    /// The classic format of libpcap, in any of its variants.
    Pcap,
    /// The block format of Wireshark.
    Pcapng,
}

/// One packet, as a place in the buffer.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Record {
    pub(crate) block: Consumed,
    pub(crate) frame: Consumed,
    pub(crate) link: LinkType,
    pub(crate) timestamp: Timestamp,
    pub(crate) wire_len: u32,
}

#[derive(Debug)]
enum Records {
    Classic(Classic),
    Pcapng(Pcapng),
}

impl Records {
    fn open<R: Read>(buffer: &mut Buffer<R>) -> Result<Self, PcapError> {
        if !buffer.holds(1)? {
            return Err(PcapError::Empty);
        }
        buffer.require(4)?;
        let magic = *buffer.unread().first_chunk().expect("four bytes are there");
        if let Some(classic) = Classic::open(magic, buffer)? {
            return Ok(Self::Classic(classic));
        }
        if let Some(pcapng) = Pcapng::open(magic, buffer)? {
            return Ok(Self::Pcapng(pcapng));
        }
        Err(PcapError::NotACapture { magic })
    }
}

#[derive(Debug)]
enum State {
    Reading,
    /// With the error, until it is given out.
    Failed(Option<PcapError>),
    Ended,
}

/// Packets in a batch at the most.
const BATCH: usize = 32;
