//! The parser of a flow whose protocol is not known beforehand.
//!
//! [`state`] has what is known of the flow; [`parsers`] makes the parsers,
//! [`reply`] finds out what the second side of a connection speaks, and
//! [`searching`] what a connection becomes that begins with no protocol.

mod parsers;
mod reply;
mod searching;
mod state;

use alloc::boxed::Box;
use alloc::sync::Arc;

use flowscope_core::FlowMessageDriver;
use flowscope_core::extract::FlowExtractor;
use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{
    Datagram, DatagramParser, Input, Interest, SessionParser, StreamEnd,
};
use flowscope_core::{BySide, Sink, Timestamp};

use state::{Parsing, State};

use crate::probe::{
    PortHint, Verdict, may_precede_dtls, probe_connection, probe_side, requests_path,
};
use crate::prototypes::Prototypes;
use crate::replay::{ReplayBuffer, Replayed};
use crate::{ByPorts, DetectConfig, DetectError, HasPorts, Message, Protocol};

/// Finds out what a flow is by its first bytes, and reads it.
///
/// ```
/// use flowscope_core::reassemble::Chunk;
/// use flowscope_core::session::{Input, Interest, SessionParser};
/// use flowscope_core::{EngineConfig, FlowSide, Timestamp};
/// use flowscope_detect::{Detector, Message, Protocol};
///
/// let mut detector = Detector::default();
/// let mut found = Vec::new();
/// for bytes in [&b"GE"[..], b"T /robots.txt HTTP/1.1\r\nHost: example.org\r\n\r\n"] {
///     let input = Input::new(FlowSide::Initiator, Timestamp::EPOCH, Chunk::Data(bytes));
///     assert_eq!(SessionParser::feed(&mut detector, input, &mut found)?, Interest::More);
/// }
/// assert_eq!(detector.protocol(), Some(Protocol::Http));
/// assert!(matches!(&found[..], [Message::Http(_)]));
/// # Ok::<(), flowscope_detect::DetectError>(())
/// ```
///
/// [`driver`](Self::driver) gives one to every flow, and so does
/// [`by_ports`](Self::by_ports) to any other driver:
///
/// ```
/// use flowscope_core::extract::FiveTuple;
/// use flowscope_core::{EngineConfig, FlowMessageDriver};
/// use flowscope_detect::Detector;
///
/// let config = EngineConfig { max_flows: 1000, ..EngineConfig::default() };
/// let detectors = Detector::default().by_ports();
/// let driver = FlowMessageDriver::with_factory(FiveTuple::bidirectional(), detectors).with_config(config);
/// assert_eq!(driver.stats().packets, 0);
/// ```
///
/// **Connections.** The first bytes of both sides are kept until those of one
/// tell the protocol, for which a few are enough. Then the parser of that
/// protocol is fed with them, with the times at which they came. A connection
/// that begins as something else is searched for what it may become: TLS behind
/// STARTTLS or SOCKS, HTTP behind SOCKS. A tunnel that HTTP opens is read in the
/// same way. Where one side speaks TLS and the other HTTP, each side is read by
/// a parser of its own.
///
/// **Datagrams.** DNS, QUIC and DTLS are told by their form; on ports of DNS, a
/// header of it is enough. DTLS may come behind STUN, as in WebRTC.
///
/// **Memory.** Up to [`max_probe`](DetectConfig::max_probe) bytes a side, and
/// then what the chosen parser takes.
#[derive(Clone, Debug, Default)]
pub struct Detector {
    prototypes: Arc<Prototypes>,
    hint: PortHint,
    state: State,
    /// What the flow was found to be, which stays when it is no longer read.
    protocol: Option<Protocol>,
    /// How many tunnels this one is inside of.
    depth: u8,
}

impl Detector {
    /// A detector within the limits of `config`.
    #[must_use]
    pub fn new(config: DetectConfig) -> Self {
        Self {
            prototypes: Arc::new(Prototypes::new(config)),
            ..Self::default()
        }
    }

    /// The same detector, for a flow between these ports, which decide where
    /// the bytes do not.
    #[must_use]
    pub fn with_ports(self, ports: [u16; 2]) -> Self {
        Self {
            hint: PortHint::of(ports),
            ..self
        }
    }

    /// A factory that gives every flow a copy of this detector, with the flow's
    /// ports where its key has any.
    #[must_use]
    pub fn by_ports(self) -> ByPorts {
        ByPorts(self)
    }

    /// A driver that gives every flow a copy of this detector, with the flow's
    /// ports.
    ///
    /// ```
    /// use flowscope_core::extract::FiveTuple;
    /// use flowscope_core::{LinkType, PacketView, SessionEvent, Timestamp};
    /// use flowscope_detect::{Detector, Message};
    ///
    /// let mut driver = Detector::default().driver(FiveTuple::bidirectional());
    /// let mut asked = Vec::new();
    /// # let mut packet = vec![
    /// #     0x45, 0, 0, 53, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    /// #     0x30, 0x39, 0x30, 0, 0, 33, 0, 0,
    /// # ];
    /// # packet.extend(b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\0\0\x01\0\x01");
    /// let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
    /// driver.track(view, &mut |event| {
    ///     if let SessionEvent::Application { message: Message::Dns(dns), .. } = event {
    ///         asked.push(dns.to_string());
    ///     }
    /// });
    /// assert_eq!(asked, ["query 4660 example A"]);
    /// ```
    pub fn driver<E>(self, extractor: E) -> FlowMessageDriver<E, ByPorts>
    where
        E: FlowExtractor<Key: HasPorts>,
    {
        FlowMessageDriver::with_factory(extractor, self.by_ports())
    }

    /// What the flow was found to be, if it is one of the protocols.
    #[must_use]
    pub fn protocol(&self) -> Option<Protocol> {
        self.protocol
    }

    /// Whether the flow is one of QUIC or DTLS whose hellos were read, and that is read
    /// on for others: see `ReadUntil::FlowEnd` of these crates. Then it need not be
    /// given a datagram that [begins no connection](Protocol::may_begin).
    #[must_use]
    pub fn is_at_rest(&self) -> bool {
        match &self.state {
            State::Parsing(parsing) => parsing.parser.is_at_rest(),
            _ => false,
        }
    }

    fn max_probe(&self) -> usize {
        self.config().max_probe.into()
    }

    /// What the first chunk of a connection alone tells. That is the usual case,
    /// in which nothing needs to be buffered.
    fn probe_first_chunk(&self, input: Input<'_>) -> Verdict {
        let Chunk::Data(bytes) = input.chunk else {
            return Verdict::NeedMore;
        };
        let first = bytes.get(..self.max_probe()).unwrap_or(bytes);
        match probe_side(first, input.side, self.hint) {
            Verdict::Match(protocol) if !self.selects(protocol) => Verdict::NeedMore,
            verdict => verdict,
        }
    }

    /// Chooses a parser for what is in `buffer`, if its bytes tell which, or if
    /// no more can be waited for, and feeds it with them.
    fn decide(
        &mut self,
        buffer: Box<ReplayBuffer>,
        when: Decide,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        let (verdict, side) = probe_connection(&buffer, self.hint);
        let parser = match (verdict, when) {
            (Verdict::Match(protocol), _) if self.selects(protocol) => self.new_parser(protocol),
            // HTTP itself is not selected, but what its tunnel carries may be.
            (Verdict::Match(Protocol::Http), _) if !requests_path(&buffer) => {
                self.new_parser(Protocol::Http)
            }
            (Verdict::Match(_), _) => None,
            (Verdict::NoMatch, _) if !self.hint.is_dns() => {
                self.state = self.new_search(side);
                return self.replay(&buffer, out);
            }
            (Verdict::NoMatch, _) | (Verdict::NeedMore, Decide::Now) => {
                self.candidates(BySide::default())
            }
            (Verdict::NeedMore, Decide::IfKnown) => {
                self.state = State::Probing(buffer);
                return Ok(Interest::More);
            }
        };
        let reply = match verdict {
            Verdict::Match(protocol) => self.expect_reply(side.peer(), protocol),
            Verdict::NoMatch | Verdict::NeedMore => None,
        };
        self.state = match (parser, reply) {
            (Some(parser), reply) => State::Parsing(Parsing::new(parser, reply)),
            (None, Some(reply)) => State::AwaitingReply {
                reply,
                closed: None,
            },
            (None, None) => State::Done,
        };
        self.replay(&buffer, out)
    }

    /// Feeds what was buffered to what reads the flow now.
    fn replay(
        &mut self,
        buffer: &ReplayBuffer,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        for replayed in buffer.replay() {
            match replayed {
                Replayed::Input(input) => {
                    if self.read(input, out)? == Interest::Done {
                        return Ok(Interest::Done);
                    }
                }
                Replayed::Close(end) => self.close_side(end, out),
            }
        }
        Ok(self.state.interest())
    }

    /// Gives input to what is waiting for it: to the chosen parser, to what finds
    /// out in which protocol the second side replies, or to the search.
    fn read(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        match &self.state {
            State::Searching(_) => self.search(input, out),
            state if state.awaits_reply_of(input.side) => self.read_reply(input, out),
            _ => self.feed_parser(input, out),
        }
    }

    fn feed_parser(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        let Some(parsing) = self.state.parsing() else {
            return Ok(self.state.interest());
        };
        let fed = parsing.parser.feed(input, out);
        parsing.update_tick();
        self.protocol = self.protocol.or(parsing.parser.protocol());
        match fed {
            Ok(Interest::More) => {}
            Ok(Interest::Done) => self.state = State::Done,
            Err(_) => self.state = State::Failed,
        }
        fed
    }

    /// Chooses a parser for a flow of datagrams, if `payload` tells which, and
    /// otherwise says whether more is to come.
    fn choose_datagram_parser(&mut self, payload: &[u8]) -> Option<Interest> {
        if !self.config().protocols.read_datagrams() {
            return Some(Interest::Done);
        }
        let Some(protocol) = Protocol::of_datagram(payload, self.hint) else {
            return Some(self.state.pass_datagram(may_precede_dtls(payload)));
        };
        let parser = self
            .selects(protocol)
            .then(|| self.new_datagram_parser(protocol));
        let Some(parser) = parser.flatten() else {
            self.state = State::Done;
            return Some(Interest::Done);
        };
        self.state = State::Parsing(Parsing::new(parser, None));
        None
    }

    /// One side of a connection that is not probed any more has ended.
    fn close_side(&mut self, end: StreamEnd, out: &mut dyn Sink<Message>) {
        self.close_reply(end, out);
        if let Some(parsing) = self.state.parsing() {
            parsing.parser.close(end, out);
            parsing.update_tick();
            self.protocol = self.protocol.or(parsing.parser.protocol());
        }
        // A flow may be kept for long after its streams have ended, and need
        // not keep the memory of its parser for so long.
        if self.state.note_close(end.side) {
            self.state = State::Done;
        }
    }
}

/// When a parser is to be chosen.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Decide {
    /// If the protocol is known.
    IfKnown,
    /// Now: no more is buffered.
    Now,
}

impl SessionParser for Detector {
    type Message = Message;
    type Error = DetectError;

    fn feed(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        // Nearly all chunks belong to a flow with a parser. Its state is not moved.
        if !self.state.is_probing() {
            return self.read(input, out);
        }
        let mut buffer = match core::mem::take(&mut self.state) {
            State::Probing(buffer) => buffer,
            _ => match self.probe_first_chunk(input) {
                Verdict::Match(protocol) => {
                    let reply = self.expect_reply(input.side.peer(), protocol);
                    self.state = match self.new_parser(protocol) {
                        Some(parser) => State::Parsing(Parsing::new(parser, reply)),
                        None => State::Done,
                    };
                    return self.feed_parser(input, out);
                }
                Verdict::NoMatch if !self.hint.is_dns() => {
                    self.state = self.new_search(input.side);
                    return self.read(input, out);
                }
                Verdict::NoMatch | Verdict::NeedMore => Box::new(ReplayBuffer::default()),
            },
        };
        let rest = buffer.push(input, self.max_probe());
        let when = match buffer.is_full() || !rest.is_empty() {
            true => Decide::Now,
            false => Decide::IfKnown,
        };
        let interest = self.decide(buffer, when, out)?;
        if interest == Interest::Done || rest.is_empty() {
            return Ok(interest);
        }
        self.read(Input::new(input.side, input.at, Chunk::Data(rest)), out)
    }

    fn close(&mut self, end: StreamEnd, out: &mut dyn Sink<Message>) {
        if !self.state.is_probing() {
            return self.close_side(end, out);
        }
        let mut buffer = match core::mem::take(&mut self.state) {
            State::Probing(buffer) => buffer,
            _ => Box::default(),
        };
        buffer.close(end);
        let when = match buffer.is_closed() {
            true => Decide::Now,
            false => Decide::IfKnown,
        };
        // An error cannot be returned here. The state has it, and `is_poisoned`
        // says so.
        let _ = self.decide(buffer, when, out);
    }

    fn next_tick(&self) -> Option<Timestamp> {
        self.state.next_tick()
    }

    fn tick(&mut self, at: Timestamp, out: &mut dyn Sink<Message>) {
        if let Some(parsing) = self.state.parsing() {
            parsing.parser.tick(at, out);
            parsing.update_tick();
        }
    }

    fn is_poisoned(&self) -> bool {
        matches!(self.state, State::Failed)
    }

    fn memory(&self) -> usize {
        self.state.memory()
    }
}

impl DatagramParser for Detector {
    type Message = Message;
    type Error = DetectError;

    fn parse(
        &mut self,
        datagram: Datagram<'_>,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        if self.state.is_unknown_datagrams()
            && let Some(interest) = self.choose_datagram_parser(datagram.payload)
        {
            return Ok(interest);
        }
        let Some(parsing) = self.state.parsing() else {
            return Ok(Interest::Done);
        };
        let mut found = false;
        let parsed = parsing.parser.parse(datagram, &mut |message| {
            found = true;
            out.push(message);
        });
        parsing.update_tick();
        if found {
            self.protocol = self.protocol.or(parsing.parser.protocol());
        }
        match parsed {
            // That it is DNS was a guess by the port. A guess that was wrong is
            // no error of the flow.
            Err(_) if self.protocol.is_none() => Ok(Interest::Done),
            parsed => parsed,
        }
    }

    fn close(&mut self, at: Timestamp, out: &mut dyn Sink<Message>) {
        if let Some(parsing) = self.state.parsing() {
            parsing.parser.end(at, out);
        }
    }

    fn next_tick(&self) -> Option<Timestamp> {
        SessionParser::next_tick(self)
    }

    fn tick(&mut self, at: Timestamp, out: &mut dyn Sink<Message>) {
        SessionParser::tick(self, at, out);
    }

    fn is_poisoned(&self) -> bool {
        SessionParser::is_poisoned(self)
    }

    fn memory(&self) -> usize {
        SessionParser::memory(self)
    }
}
