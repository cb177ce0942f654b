//! From flows to what they say.

use flowscope::detect::{ByPorts, Detector, HasPorts};
use flowscope::extract::FlowExtractor;
use flowscope::session::{DatagramParser, FlowFactory, SessionParser};
use flowscope::{
    EngineConfig, FlowDatagramDriver, FlowMessageDriver, FlowSessionDriver, FlowTracker,
};

use crate::conversation::ConversationParser;
use crate::{Conversations, EventStream, FrameSource};

/// What becomes of flows: [`FlowEvent`](flowscope::FlowEvent)s.
pub type FlowStream<S, E> = EventStream<S, FlowTracker<E>>;

/// What a [`FlowSessionDriver`] reports:
/// [`SessionEvent`](flowscope::SessionEvent)s.
pub type SessionStream<S, E, F> = EventStream<S, FlowSessionDriver<E, F>>;

/// What a [`FlowDatagramDriver`] reports.
pub type DatagramStream<S, E, F> = EventStream<S, FlowDatagramDriver<E, F>>;

/// What a [`FlowMessageDriver`] reports.
pub type MessageStream<S, E, F> = EventStream<S, FlowMessageDriver<E, F>>;

impl<S: FrameSource, E: FlowExtractor> FlowStream<S, E> {
    /// The same with other settings. For what is no setting, such as an idle
    /// timeout of your own, set a driver up and use
    /// [`with_driver`](crate::AsyncCapture::with_driver).
    #[must_use]
    pub fn with_config(self, config: EngineConfig) -> Self {
        let (source, tracker) = self.into_parts();
        Self::new(source, tracker.with_config(config))
    }

    /// What TCP connections say, read with the parsers that `factory` makes; a
    /// parser that is `Clone` is its own factory.
    pub fn session_stream<F, M>(self, factory: F) -> SessionStream<S, E, F>
    where
        F: FlowFactory<E::Key, Parser: SessionParser<Message = M>>,
    {
        let (source, extractor, config) = self.into_source();
        let driver: FlowSessionDriver<E, F> = FlowSessionDriver::new(extractor, factory);
        EventStream::new(source, driver.with_config(config))
    }

    /// What other flows say, such as UDP's, read with the parsers that `factory`
    /// makes.
    pub fn datagram_stream<F, M>(self, factory: F) -> DatagramStream<S, E, F>
    where
        F: FlowFactory<E::Key, Parser: DatagramParser<Message = M>>,
    {
        let (source, extractor, config) = self.into_source();
        let driver: FlowDatagramDriver<E, F> = FlowDatagramDriver::new(extractor, factory);
        EventStream::new(source, driver.with_config(config))
    }

    /// What both say, read in one pass with parsers that are for both;
    /// [`Both`](flowscope::session::Both) makes one of two.
    pub fn message_stream<F, M>(self, factory: F) -> MessageStream<S, E, F>
    where
        F: FlowFactory<E::Key, Parser: SessionParser<Message = M> + DatagramParser<Message = M>>,
    {
        let (source, extractor, config) = self.into_source();
        let driver: FlowMessageDriver<E, F> = FlowMessageDriver::with_factory(extractor, factory);
        EventStream::new(source, driver.with_config(config))
    }

    /// HTTP, TLS, QUIC, DTLS and DNS on any port, as far as the features of
    /// `flowscope` have them.
    pub fn detect(self) -> MessageStream<S, E, ByPorts>
    where
        E: FlowExtractor<Key: HasPorts>,
    {
        self.detect_with(Detector::default())
    }

    /// The same with a detector that was set up before.
    pub fn detect_with(self, detector: Detector) -> MessageStream<S, E, ByPorts>
    where
        E: FlowExtractor<Key: HasPorts>,
    {
        self.message_stream(detector.by_ports())
    }

    /// Each flow as a stream of its own: the bytes of both directions, in the
    /// order in which they came. To have all flows in one stream, give a
    /// [`ConversationParser`] to [`message_stream`](Self::message_stream).
    ///
    /// ```
    /// use flowscope::extract::FiveTuple;
    /// use flowscope_tokio::{AsyncCapture, ConversationPart, Speed};
    /// use futures::StreamExt;
    ///
    /// # let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    /// # runtime.block_on(async {
    /// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/pcap/recorded/http-1-0.pcap");
    /// let capture = AsyncCapture::replay(path, Speed::Unpaced)?;
    /// let mut conversations = capture.flow_stream(FiveTuple::bidirectional()).conversation();
    /// let mut readers = Vec::new();
    /// while let Some(conversation) = conversations.next().await {
    ///     let mut conversation = conversation?;
    ///     readers.push(tokio::spawn(async move {
    ///         let mut len = 0;
    ///         while let Some(part) = conversation.next().await {
    ///             if let ConversationPart::Data { bytes, .. } = part {
    ///                 len += bytes.len();
    ///             }
    ///         }
    ///         (conversation.key().to_string(), len)
    ///     }));
    /// }
    /// for reader in readers {
    ///     let (key, len) = reader.await?;
    ///     assert!(len > 0, "{key}");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn conversation(self) -> Conversations<S, E> {
        Conversations::new(self.message_stream(ConversationParser::default()))
    }

    fn into_source(self) -> (S, E, EngineConfig) {
        let (source, tracker) = self.into_parts();
        let (extractor, _, config) = tracker.into_parts();
        (source, extractor, config)
    }
}
