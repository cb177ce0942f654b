//! The messages of a capture, as an iterator.

use std::io::Read;

use flowscope_core::engine::{Parsers, PayloadConsumer};
use flowscope_core::extract::FlowExtractor;
use flowscope_core::session::{
    DatagramParser, FlowFactory, OnlyDatagrams, OnlySessions, SessionParser,
};
use flowscope_core::{FlowDatagramDriver, FlowMessageDriver, FlowSessionDriver};

use crate::{DriverEvents, PcapFlowSource};

/// What a [`FlowSessionDriver`] reports of a capture: a `SessionEvent` with a
/// message of type `M` for each that was read.
pub type SessionEvents<R, E, F, M> =
    DriverEvents<R, E, PayloadConsumer<Parsers<OnlySessions<F, M>>>>;

/// What a [`FlowDatagramDriver`] reports of a capture.
pub type DatagramEvents<R, E, F, M> =
    DriverEvents<R, E, PayloadConsumer<Parsers<OnlyDatagrams<F, M>>>>;

/// What a [`FlowMessageDriver`] reports of a capture.
pub type MessageEvents<R, E, F> = DriverEvents<R, E, PayloadConsumer<Parsers<F>>>;

impl<R: Read> PcapFlowSource<R> {
    /// Reads the capture's TCP connections with the parsers that `factory`
    /// makes; a parser that is `Clone` is its own factory.
    ///
    /// ```
    /// use flowscope_core::extract::FiveTuple;
    /// use flowscope_core::reassemble::Chunk;
    /// use flowscope_core::session::{Input, Interest, SessionParser};
    /// use flowscope_core::{LinkType, PacketView, SessionEvent, Sink, Timestamp};
    /// use flowscope_pcap::{PcapConfig, PcapFlowSource, PcapWriter};
    ///
    /// /// Says how many bytes came in a row.
    /// #[derive(Clone)]
    /// struct Lengths;
    ///
    /// impl SessionParser for Lengths {
    ///     type Message = usize;
    ///     type Error = core::convert::Infallible;
    ///
    ///     fn feed(&mut self, input: Input<'_>, out: &mut dyn Sink<usize>) -> Result<Interest, Self::Error> {
    ///         if let Chunk::Data(bytes) = input.chunk {
    ///             out.push(bytes.len());
    ///         }
    ///         Ok(Interest::More)
    ///     }
    /// }
    ///
    /// # let segment = |seq: u8, flags: u8, data: &[u8]| {
    /// #     let mut packet = vec![
    /// #         0x45, 0, 0, 40 + data.len() as u8, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    /// #         0x30, 0x39, 0, 80, 0, 0, 0, seq, 0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0,
    /// #     ];
    /// #     packet.extend(data);
    /// #     packet
    /// # };
    /// # let config = PcapConfig { link: LinkType::RAW, ..PcapConfig::default() };
    /// # let mut file = PcapWriter::new(Vec::new(), config)?;
    /// # for packet in [segment(0, 2, b""), segment(6, 0x10, b"world"), segment(1, 0x10, b"hello")] {
    /// #     file.write(PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW))?;
    /// # }
    /// # let capture = file.finish()?;
    /// let source = PcapFlowSource::from_reader(&capture[..])?;
    /// let mut lengths = Vec::new();
    /// for event in source.sessions(FiveTuple::bidirectional(), Lengths) {
    ///     if let SessionEvent::Application { message, .. } = event? {
    ///         lengths.push(message);
    ///     }
    /// }
    /// assert_eq!(lengths, [5, 5]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn sessions<E, F, M>(self, extractor: E, factory: F) -> SessionEvents<R, E, F, M>
    where
        E: FlowExtractor,
        F: FlowFactory<E::Key, Parser: SessionParser<Message = M>>,
    {
        let driver: FlowSessionDriver<E, F> = FlowSessionDriver::new(extractor, factory);
        self.with_driver(driver)
    }

    /// Reads the capture's other flows, such as UDP's, with the parsers that
    /// `factory` makes.
    ///
    /// ```
    /// use flowscope_core::extract::FiveTuple;
    /// use flowscope_core::session::{Datagram, DatagramParser, Interest};
    /// use flowscope_core::{LinkType, PacketView, SessionEvent, Sink, Timestamp};
    /// use flowscope_pcap::{PcapConfig, PcapFlowSource, PcapWriter};
    ///
    /// #[derive(Clone)]
    /// struct Text;
    ///
    /// impl DatagramParser for Text {
    ///     type Message = String;
    ///     type Error = core::convert::Infallible;
    ///
    ///     fn parse(&mut self, datagram: Datagram<'_>, out: &mut dyn Sink<String>) -> Result<Interest, Self::Error> {
    ///         out.push(String::from_utf8_lossy(datagram.payload).into_owned());
    ///         Ok(Interest::More)
    ///     }
    /// }
    ///
    /// # let datagram = [
    /// #     0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    /// #     0x30, 0x39, 0, 53, 0, 10, 0, 0, b'h', b'i',
    /// # ];
    /// # let config = PcapConfig { link: LinkType::RAW, ..PcapConfig::default() };
    /// # let mut file = PcapWriter::new(Vec::new(), config)?;
    /// # file.write(PacketView::new(&datagram, Timestamp::EPOCH).with_link(LinkType::RAW))?;
    /// # let capture = file.finish()?;
    /// let source = PcapFlowSource::from_reader(&capture[..])?;
    /// let mut said = Vec::new();
    /// for event in source.datagrams(FiveTuple::bidirectional(), Text) {
    ///     if let SessionEvent::Application { message, .. } = event? {
    ///         said.push(message);
    ///     }
    /// }
    /// assert_eq!(said, ["hi"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn datagrams<E, F, M>(self, extractor: E, factory: F) -> DatagramEvents<R, E, F, M>
    where
        E: FlowExtractor,
        F: FlowFactory<E::Key, Parser: DatagramParser<Message = M>>,
    {
        let driver: FlowDatagramDriver<E, F> = FlowDatagramDriver::new(extractor, factory);
        self.with_driver(driver)
    }

    /// Reads TCP connections and other flows in one pass, with parsers that are
    /// for both; [`Both`](flowscope_core::session::Both) makes one of two.
    pub fn messages<E, F, M>(self, extractor: E, factory: F) -> MessageEvents<R, E, F>
    where
        E: FlowExtractor,
        F: FlowFactory<E::Key, Parser: SessionParser<Message = M> + DatagramParser<Message = M>>,
    {
        let driver: FlowMessageDriver<E, F> = FlowMessageDriver::with_factory(extractor, factory);
        self.with_driver(driver)
    }
}
