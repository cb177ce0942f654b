//! The engine by the names it is used by.

use crate::engine::{
    Datagrams, Engine, EngineConfig, Lifecycle, Parsers, PayloadConsumer, PayloadReader,
    ReassemblerFactory, Reassembly, Sessions, StreamCallbacks,
};
use crate::extract::FlowExtractor;
use crate::session::{
    DatagramParser, FlowFactory, OnlyDatagrams, OnlySessions, SessionParser, StreamFactory,
};
use crate::track::FlowId;

/// Follows flows: packets in, [`FlowEvent`](crate::FlowEvent)s out.
///
/// ```
/// use flowscope_core::extract::{FiveTuple, FiveTupleKey};
/// use flowscope_core::{FlowEvent, FlowTracker, LinkType, PacketView, Timestamp};
///
/// let packet = [
///     0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, // IPv4
///     0x30, 0x39, 0, 53, 0, 10, 0, 0, b'h', b'i', // UDP, 12345 to 53
/// ];
/// let mut tracker = FlowTracker::new(FiveTuple::bidirectional());
/// let mut ended = Vec::new();
/// let mut keep = |event: FlowEvent<FiveTupleKey>| {
///     if let FlowEvent::Ended { key, stats, .. } = event {
///         ended.push((key.to_string(), stats.payload_bytes.total()));
///     }
/// };
/// for second in [1, 2, 3] {
///     let view = PacketView::new(&packet, Timestamp::new(second, 0));
///     tracker.track(view.with_link(LinkType::RAW), &mut keep);
/// }
/// tracker.finish(&mut keep);
///
/// assert_eq!(ended, [("10.0.0.1:12345 → 10.0.0.2:53 udp".to_string(), 6)]);
/// ```
///
/// `S` is a state of the user's own for each flow:
///
/// ```
/// use flowscope_core::extract::FiveTuple;
/// use flowscope_core::{FlowEvent, FlowTracker, LinkType, PacketView, Timestamp};
///
/// # let packet = [
/// #     0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
/// #     0x30, 0x39, 0, 53, 0, 10, 0, 0, b'h', b'i',
/// # ];
/// # let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
/// let extractor = FiveTuple::bidirectional();
/// let mut tracker = FlowTracker::new(extractor).with_state::<u32>();
/// let mut seen = Vec::new();
/// for _ in 0..3 {
///     tracker.track(view, &mut seen);
///     for event in seen.drain(..) {
///         if let FlowEvent::Packet { flow, .. } = event {
///             *tracker.flow_state_mut(flow).expect("the flow lives") += 1;
///         }
///     }
/// }
/// # let flow = {
/// #     tracker.track(view, &mut seen);
/// #     seen[0].flow()
/// # };
/// assert_eq!(tracker.flow_state(flow), Some(&3));
/// assert!(tracker.flow_key(flow).is_some_and(|key| key.either_port(53)));
/// ```
pub type FlowTracker<E, S = ()> = Engine<E, Lifecycle<S>>;

impl<E: FlowExtractor> Engine<E, Lifecycle<()>> {
    /// A tracker for flows as `extractor` tells them apart.
    pub fn new(extractor: E) -> Self {
        Self::with_consumer(extractor, Lifecycle::default(), EngineConfig::default())
    }

    /// Begins anew with an `S` kept for each flow.
    #[must_use]
    pub fn with_state<S: Default>(self) -> FlowTracker<E, S> {
        self.with_consumer_of(Lifecycle::default())
    }
}

/// Follows flows and calls a [`StreamFactory`] with what they carry.
///
/// ```
/// use flowscope_core::extract::{FiveTuple, FiveTupleKey};
/// use flowscope_core::reassemble::Chunk;
/// use flowscope_core::session::{Input, Interest, StreamFactory};
/// use flowscope_core::wire::Transport;
/// use flowscope_core::{FlowDriver, LinkType, PacketView, Timestamp};
///
/// /// The first bytes of each connection.
/// #[derive(Default)]
/// struct FirstBytes(Vec<(String, Vec<u8>)>);
///
/// impl StreamFactory<FiveTupleKey> for FirstBytes {
///     type Stream = ();
///
///     fn open(&mut self, _: &FiveTupleKey, _: &Transport) -> Option<()> {
///         Some(())
///     }
///
///     fn feed(&mut self, _: &mut (), key: &FiveTupleKey, input: Input<'_>) -> Interest {
///         if let Chunk::Data(bytes) = input.chunk {
///             self.0.push((key.to_string(), bytes.into()));
///         }
///         Interest::Done
///     }
/// }
///
/// let mut driver = FlowDriver::new(FiveTuple::bidirectional(), FirstBytes::default());
/// # let segment = |seq: u8, flags: u8, data: &[u8]| {
/// #     let mut packet = vec![
/// #         0x45, 0, 0, 40 + data.len() as u8, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
/// #         0x30, 0x39, 0, 80, 0, 0, 0, seq, 0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0,
/// #     ];
/// #     packet.extend(data);
/// #     packet
/// # };
/// for packet in [segment(0, 2, b""), segment(3, 0x10, b"lo"), segment(1, 0x10, b"hel")] {
///     let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
///     driver.track(view, &mut |_| {});
/// }
/// let key = "10.0.0.1:12345 → 10.0.0.2:80 tcp".to_string();
/// assert_eq!(driver.factory().0, [(key, b"he".to_vec())]);
/// ```
pub type FlowDriver<E, F> = Engine<E, PayloadConsumer<StreamCallbacks<F>>>;

/// Follows flows and shows the segments of TCP connections to reassemblers of
/// your own, made by a [`ReassemblerFactory`].
///
/// For whoever wants to put streams in order otherwise than
/// [`BufferedReassembler`](crate::reassemble::BufferedReassembler) does, which
/// the other drivers use.
pub type FlowReassemblyDriver<E, F> = Engine<E, Reassembly<F>>;

/// Follows flows and gives each TCP connection a [`SessionParser`].
///
/// Every flow is tracked, whether it has a parser or not. That a parser fails is
/// reported at once, as [`SessionEvent::ParserFailed`](crate::SessionEvent); its
/// flow lives on, and ends with `EndReason::ParseError`.
///
/// ```
/// use flowscope_core::extract::FiveTuple;
/// use flowscope_core::reassemble::Chunk;
/// use flowscope_core::session::{ByteBuffer, Input, Interest, ParseError, SessionParser};
/// use flowscope_core::{
///     BySide, FlowSessionDriver, LinkType, PacketView, SessionEvent, Sink, Timestamp,
/// };
///
/// #[derive(Clone, Default)]
/// struct Lines {
///     unread: BySide<ByteBuffer>,
/// }
///
/// impl SessionParser for Lines {
///     type Message = String;
///     type Error = ParseError;
///
///     fn feed(&mut self, input: Input<'_>, out: &mut dyn Sink<String>) -> Result<Interest, ParseError> {
///         let buffer = &mut self.unread[input.side];
///         match input.chunk {
///             Chunk::Data(bytes) => buffer.extend(bytes)?,
///             Chunk::Gap(_) => buffer.skip_past(b'\n'),
///         }
///         while let Some(line) = buffer.take_until(b'\n') {
///             out.push(String::from_utf8_lossy(line).into_owned());
///         }
///         Ok(Interest::More)
///     }
/// }
///
/// let mut driver = FlowSessionDriver::new(FiveTuple::bidirectional(), Lines::default());
/// # let segment = |seq: u8, flags: u8, data: &[u8]| {
/// #     let mut packet = vec![
/// #         0x45, 0, 0, 40 + data.len() as u8, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
/// #         0x30, 0x39, 0, 80, 0, 0, 0, seq, 0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0,
/// #     ];
/// #     packet.extend(data);
/// #     packet
/// # };
/// let mut lines = Vec::new();
/// for packet in [segment(0, 2, b""), segment(4, 0x10, b"lo\n"), segment(1, 0x10, b"hel")] {
///     let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
///     driver.track(view, &mut |event| {
///         if let SessionEvent::Application { key, message, .. } = event {
///             lines.push(format!("{key}: {message}"));
///         }
///     });
/// }
/// assert_eq!(lines, ["10.0.0.1:12345 → 10.0.0.2:80 tcp: hello"]);
/// ```
pub type FlowSessionDriver<E, F> = Engine<
    E,
    Sessions<F, <<F as FlowFactory<<E as FlowExtractor>::Key>>::Parser as SessionParser>::Message>,
>;

/// Follows flows and gives each that is no TCP connection a [`DatagramParser`].
///
/// ```
/// use flowscope_core::extract::FiveTuple;
/// use flowscope_core::session::{Datagram, DatagramParser, Interest};
/// use flowscope_core::{
///     FlowDatagramDriver, LinkType, PacketView, SessionEvent, Sink, Timestamp,
/// };
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
/// let packet = [
///     0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, // IPv4
///     0x30, 0x39, 0, 53, 0, 10, 0, 0, b'h', b'i', // UDP, 12345 to 53
/// ];
/// let mut driver = FlowDatagramDriver::new(FiveTuple::bidirectional(), Text);
/// let mut events = Vec::new();
/// let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
/// driver.track(view, &mut events);
///
/// let said = events.iter().find_map(|event| match event {
///     SessionEvent::Application { message, .. } => Some(message.as_str()),
///     _ => None,
/// });
/// assert_eq!(said, Some("hi"));
/// ```
pub type FlowDatagramDriver<E, F> = Engine<
    E,
    Datagrams<
        F,
        <<F as FlowFactory<<E as FlowExtractor>::Key>>::Parser as DatagramParser>::Message,
    >,
>;

/// Follows flows and gives each a parser that is a [`SessionParser`] for TCP
/// connections and a [`DatagramParser`] for everything else, with one type of
/// message: several protocols in one pass over one flow table.
///
/// [`Both`](crate::session::Both) makes one of two parsers.
///
/// ```
/// use flowscope_core::extract::FiveTuple;
/// use flowscope_core::session::{Both, Datagram, DatagramParser, Input, Interest, SessionParser};
/// use flowscope_core::{
///     FlowMessageDriver, LinkType, PacketView, SessionEvent, Sink, Timestamp,
/// };
///
/// /// Says how long a datagram is, or that there is a stream.
/// #[derive(Clone)]
/// struct Lengths;
///
/// impl DatagramParser for Lengths {
///     type Message = usize;
///     type Error = core::convert::Infallible;
///
///     fn parse(&mut self, datagram: Datagram<'_>, out: &mut dyn Sink<usize>) -> Result<Interest, Self::Error> {
///         out.push(datagram.payload.len());
///         Ok(Interest::More)
///     }
/// }
///
/// impl SessionParser for Lengths {
///     type Message = &'static str;
///     type Error = core::convert::Infallible;
///
///     fn feed(&mut self, _: Input<'_>, out: &mut dyn Sink<&'static str>) -> Result<Interest, Self::Error> {
///         out.push("a stream");
///         Ok(Interest::Done)
///     }
/// }
///
/// #[derive(Debug, PartialEq)]
/// enum Message {
///     Datagram(usize),
///     Stream(&'static str),
/// }
/// # impl From<usize> for Message { fn from(len: usize) -> Self { Self::Datagram(len) } }
/// # impl From<&'static str> for Message { fn from(text: &'static str) -> Self { Self::Stream(text) } }
///
/// let datagram = [
///     0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, // IPv4
///     0x30, 0x39, 0, 53, 0, 10, 0, 0, b'h', b'i', // UDP, 12345 to 53
/// ];
/// let parsers = Both::<_, _, Message>::new(Lengths, Lengths);
/// let extractor = FiveTuple::bidirectional();
/// let mut driver = FlowMessageDriver::with_factory(extractor, parsers);
/// let mut read = Vec::new();
/// let view = PacketView::new(&datagram, Timestamp::EPOCH).with_link(LinkType::RAW);
/// driver.track(view, &mut |event| {
///     if let SessionEvent::Application { message, .. } = event {
///         read.push(message);
///     }
/// });
/// assert_eq!(read, [Message::Datagram(2)]);
/// ```
pub type FlowMessageDriver<E, F> = Engine<E, PayloadConsumer<Parsers<F>>>;

impl<E, F> Engine<E, PayloadConsumer<StreamCallbacks<F>>>
where
    E: FlowExtractor,
    F: StreamFactory<E::Key>,
{
    /// A driver that calls `factory`.
    pub fn new(extractor: E, factory: F) -> Self {
        Self::of_reader(extractor, StreamCallbacks::new(factory))
    }

    /// What is called for the streams.
    #[must_use]
    pub fn factory(&self) -> &F {
        self.consumer().reader().factory()
    }

    /// What is called for the streams.
    #[must_use]
    pub fn factory_mut(&mut self) -> &mut F {
        self.consumer_mut().reader_mut().factory_mut()
    }
}

impl<E, F> Engine<E, Reassembly<F>>
where
    E: FlowExtractor,
    F: ReassemblerFactory<E::Key>,
{
    /// A driver that shows segments to the reassemblers that `factory` makes.
    pub fn new(extractor: E, factory: F) -> Self {
        Self::with_consumer(extractor, Reassembly::new(factory), EngineConfig::default())
    }

    /// What makes the reassemblers.
    #[must_use]
    pub fn factory(&self) -> &F {
        self.consumer().factory()
    }
}

impl<E, F, M> Engine<E, Sessions<F, M>>
where
    E: FlowExtractor,
    F: FlowFactory<E::Key, Parser: SessionParser<Message = M>>,
{
    /// A driver that gives TCP connections the parsers that `factory` makes; a
    /// parser that is `Clone` is its own factory.
    pub fn new(extractor: E, factory: F) -> Self {
        Self::of_reader(extractor, Parsers::new(OnlySessions::new(factory)))
    }

    /// The parser of a flow, while the flow lives and its parser has not failed
    /// or asked for no more.
    #[must_use]
    pub fn parser(&self, flow: FlowId) -> Option<&F::Parser> {
        self.flow_state(flow)?.stream()?.parser().as_session()
    }
}

impl<E, F, M> Engine<E, Datagrams<F, M>>
where
    E: FlowExtractor,
    F: FlowFactory<E::Key, Parser: DatagramParser<Message = M>>,
{
    /// A driver that gives flows that are no TCP connections the parsers that
    /// `factory` makes; a parser that is `Clone` is its own factory.
    pub fn new(extractor: E, factory: F) -> Self {
        Self::of_reader(extractor, Parsers::new(OnlyDatagrams::new(factory)))
    }

    /// The parser of a flow, while the flow lives and its parser has not failed
    /// or asked for no more.
    ///
    /// ```
    /// # use flowscope_core::extract::FiveTuple;
    /// # use flowscope_core::session::{Datagram, DatagramParser, Interest};
    /// # use flowscope_core::{FlowDatagramDriver, LinkType, PacketView, Sink, Timestamp};
    /// #[derive(Clone, Default)]
    /// struct Count(usize);
    ///
    /// impl DatagramParser for Count {
    ///     // As in the examples above, but for
    /// #     type Message = ();
    /// #     type Error = core::convert::Infallible;
    /// #     fn parse(&mut self, datagram: Datagram<'_>, _: &mut dyn Sink<()>) -> Result<Interest, Self::Error> {
    ///         self.0 += datagram.payload.len();
    /// #         Ok(Interest::More)
    /// #     }
    /// }
    ///
    /// # let packet = [
    /// #     0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    /// #     0x30, 0x39, 0, 53, 0, 10, 0, 0, b'h', b'i',
    /// # ];
    /// # let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
    /// let mut driver = FlowDatagramDriver::new(FiveTuple::bidirectional(), Count::default());
    /// let mut events = Vec::new();
    /// driver.track(view, &mut events);
    /// let flow = events[0].flow();
    /// assert_eq!(driver.parser(flow).map(|parser| parser.0), Some(2));
    /// ```
    #[must_use]
    pub fn parser(&self, flow: FlowId) -> Option<&F::Parser> {
        self.flow_state(flow)?.stream()?.parser().as_datagrams()
    }
}

impl<E, F, M> Engine<E, PayloadConsumer<Parsers<F>>>
where
    E: FlowExtractor,
    F: FlowFactory<E::Key, Parser: SessionParser<Message = M> + DatagramParser<Message = M>>,
{
    /// A driver for both kinds of flow, with the parsers that `factory` makes.
    pub fn with_factory(extractor: E, factory: F) -> Self {
        Self::of_reader(extractor, Parsers::new(factory))
    }
}

impl<E: FlowExtractor, R: PayloadReader<E::Key>> Engine<E, PayloadConsumer<R>> {
    /// A driver that gives the payload of flows to a reader.
    fn of_reader(extractor: E, reader: R) -> Self {
        let consumer = PayloadConsumer::new(reader);
        Self::with_consumer(extractor, consumer, EngineConfig::default())
    }
}
