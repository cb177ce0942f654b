//! The parser.

mod second;

use alloc::boxed::Box;
use alloc::sync::Arc;

use flowscope_core::FlowMessageDriver;
use flowscope_core::extract::FlowExtractor;
use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{
    Datagram, DatagramParser, Input, Interest, SessionParser, StreamEnd,
};
use flowscope_core::{BySide, Sink, Timestamp};

use second::Second;

use crate::held::{Event, Held};
use crate::likeness::{Ports, Verdict, begins, is_plain_http, verdict};
use crate::reader::{BoxedReader, Reader};
use crate::seek::Seek;
use crate::shared::Shared;
use crate::{ByPorts, DetectConfig, DetectError, HasPorts, Message, Protocol};

/// Finds out what a flow is by its first bytes, and reads it.
///
/// ```
/// use flowscope_core::reassemble::Chunk;
/// use flowscope_core::session::{Input, Interest, SessionParser};
/// use flowscope_core::{FlowSide, Timestamp};
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
/// use flowscope_core::FlowMessageDriver;
/// use flowscope_core::extract::FiveTuple;
/// use flowscope_core::engine::EngineConfig;
/// use flowscope_detect::Detector;
///
/// let config = EngineConfig { max_flows: 1000, ..EngineConfig::default() };
/// let detectors = Detector::default().by_ports();
/// let driver = FlowMessageDriver::with_factory(FiveTuple::bidirectional(), detectors).with_config(config);
/// assert_eq!(driver.stats().packets, 0);
/// ```
///
/// **Connections.** What both sides say is held until one of them has said
/// enough, which a few bytes are, and then handed to the right parser with the
/// times at which it came. A connection that begins as something else is
/// searched for what it may become: TLS behind STARTTLS or SOCKS, HTTP behind
/// SOCKS. A tunnel that HTTP opens is looked into in the same way. Where one
/// side speaks TLS and the other HTTP, each is read for what it says.
///
/// **Datagrams.** DNS is told by its form; on its own ports, a header is enough.
///
/// **Memory.** Up to [`max_held`](DetectConfig::max_held) bytes a side, and then
/// what the chosen parser takes.
#[derive(Clone, Debug, Default)]
pub struct Detector {
    shared: Arc<Shared>,
    ports: Ports,
    state: State,
    protocol: Option<Protocol>,
    /// In how many tunnels it is.
    depth: u8,
    /// What is known of the side that did not tell what the connection is.
    second: Second,
    /// Sides that are over.
    closed: BySide<bool>,
    /// Whether the chosen parser asked for a tick when it was last called:
    /// most never do, and need not be looked at to know.
    ticks: bool,
}

#[derive(Clone, Debug, Default)]
enum State {
    /// Nothing was said.
    #[default]
    New,
    /// What was said is not enough.
    Held(Box<Held>),
    /// So many datagrams were none of DNS.
    Passed(u8),
    Reading(BoxedReader),
    /// It is of a protocol that is not looked for, and its answer perhaps of
    /// one that is.
    Unwanted,
    Done,
    Failed,
}

impl Detector {
    /// A detector within the limits of `config`.
    #[must_use]
    pub fn with_config(config: DetectConfig) -> Self {
        Self {
            shared: Arc::new(Shared::new(config)),
            ..Self::default()
        }
    }

    /// The same detector, for a flow between these ports, which decide where
    /// the bytes do not.
    #[must_use]
    pub fn with_ports(self, ports: [u16; 2]) -> Self {
        Self {
            ports: Ports::of(ports),
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

    fn wants(&self, protocol: Protocol) -> bool {
        self.shared.config.protocols.contains(protocol)
    }

    /// What a connection is, if its first chunk is enough to tell, as it most
    /// often is: nothing need be held then.
    fn at_once(&self, input: Input<'_>) -> Option<Protocol> {
        let Chunk::Data(bytes) = input.chunk else {
            return None;
        };
        let max_held = usize::from(self.shared.config.max_held);
        match begins(
            bytes.get(..max_held).unwrap_or(bytes),
            input.side,
            self.ports,
        ) {
            Verdict::Is(protocol) if self.wants(protocol) => Some(protocol),
            Verdict::Is(_) | Verdict::Search | Verdict::Wait => None,
        }
    }

    /// Decides what to do with what is held, if that can be told, or if it has
    /// to be.
    fn decide(
        &mut self,
        held: Box<Held>,
        must: bool,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        let (verdict, first) = verdict(&held, self.ports);
        let reader = match verdict {
            Verdict::Is(protocol) if self.wants(protocol) => Some(self.reader(protocol)),
            Verdict::Is(Protocol::Http) if !is_plain_http(&held) => {
                Some(self.reader(Protocol::Http))
            }
            Verdict::Is(_) => None,
            Verdict::Search => self.search(),
            Verdict::Wait if must => self.search(),
            Verdict::Wait => {
                self.state = State::Held(held);
                return Ok(Interest::More);
            }
        };
        self.state = match (reader, verdict) {
            (Some(reader), _) => State::Reading(Box::new(reader)),
            (None, Verdict::Is(protocol)) if self.may_be_answered(protocol) => State::Unwanted,
            (None, _) => {
                self.state = State::Done;
                return Ok(Interest::Done);
            }
        };
        if let Verdict::Is(protocol) = verdict {
            self.await_answer(first.peer(), protocol);
        }
        for event in held.events() {
            match event {
                Event::Input(input) => {
                    if self.read(input, out)? == Interest::Done {
                        return Ok(Interest::Done);
                    }
                }
                Event::Close(end) => self.close_reader(end, out),
            }
        }
        Ok(self.interest())
    }

    /// Lets the chosen parser read on.
    fn read(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        match self.second {
            Second::Silent(side, protocol) | Second::Held(side, protocol, _)
                if side == input.side =>
            {
                self.hear_second(protocol, input, out)
            }
            _ => self.read_on(input, out),
        }
    }

    fn read_on(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        let reader = match &mut self.state {
            State::Reading(reader) => reader,
            State::Unwanted => return Ok(Interest::More),
            _ => return Ok(Interest::Done),
        };
        let fed = reader.feed(input, out);
        self.protocol = self.protocol.or(reader.protocol());
        self.ticks = reader.next_tick().is_some();
        match fed {
            Ok(Interest::More) => {}
            Ok(Interest::Done) => self.state = State::Done,
            Err(_) => self.state = State::Failed,
        }
        fed
    }

    fn interest(&self) -> Interest {
        match self.state {
            State::Done | State::Failed => Interest::Done,
            _ => Interest::More,
        }
    }

    fn close_reader(&mut self, end: StreamEnd, out: &mut dyn Sink<Message>) {
        self.close_second(end, out);
        if let State::Reading(reader) = &mut self.state {
            reader.close(end, out);
            self.protocol = self.protocol.or(reader.protocol());
            self.ticks = reader.next_tick().is_some();
        }
    }

    #[cfg_attr(
        not(all(feature = "http", feature = "tls", feature = "dns")),
        allow(unreachable_patterns)
    )]
    fn reader(&self, protocol: Protocol) -> Reader {
        match protocol {
            #[cfg(feature = "http")]
            Protocol::Http => Reader::Http(self.web(self.shared.config.http)),
            #[cfg(feature = "tls")]
            Protocol::Tls => Reader::Tls(flowscope_tls::TlsParser::with_config(
                self.shared.config.tls,
            )),
            #[cfg(feature = "dns")]
            Protocol::Dns => Reader::Dns {
                parser: Box::new(self.shared.dns.on(self.ports).stream.clone()),
                has_spoken: false,
            },
            #[cfg(not(all(feature = "http", feature = "tls", feature = "dns")))]
            _ => Reader::Seek(Box::default()),
        }
    }

    /// Everything that knows how to find its beginning, if anything does.
    fn search(&self) -> Option<Reader> {
        #[cfg(feature = "http")]
        let http = match self.ports {
            Ports::Http => self.shared.config.http,
            _ => flowscope_http::HttpConfig {
                max_unrecognised: self.shared.config.max_search,
                ..self.shared.config.http
            },
        };
        let seek = Seek {
            #[cfg(feature = "tls")]
            tls: (self.wants(Protocol::Tls) && self.shared.config.tls.max_prelude > 0)
                .then(|| flowscope_tls::TlsParser::with_config(self.shared.config.tls)),
            #[cfg(feature = "http")]
            http: (self.wants(Protocol::Http) && http.max_unrecognised > 0).then(|| self.web(http)),
            #[cfg(feature = "dns")]
            dns: (self.wants(Protocol::Dns) && self.ports.is_dns())
                .then(|| Box::new(self.shared.dns.on(self.ports).stream.clone())),
            ..Seek::default()
        };
        seek.is_on().then(|| Reader::Seek(Box::new(seek)))
    }

    #[cfg(feature = "http")]
    fn web(&self, config: flowscope_http::HttpConfig) -> crate::web::Web {
        use crate::web::{Reports, Web};
        use flowscope_http::HttpParser;
        let inner = (self.depth < MAX_DEPTH).then(|| Self {
            shared: Arc::clone(&self.shared),
            ports: Ports::Any,
            state: State::New,
            protocol: None,
            depth: self.depth + 1,
            second: Second::Known,
            closed: BySide::default(),
            ticks: false,
        });
        let reports = match self.wants(Protocol::Http) {
            true => Reports::Everything,
            false => Reports::Tunnels,
        };
        Web::new(HttpParser::with_config(config), inner, reports)
    }

    #[cfg(feature = "dns")]
    fn datagrams(&self, first: &[u8]) -> Option<Reader> {
        use flowscope_dns::Likeness;
        if !self.ports.is_dns() && Likeness::of_datagram(first) != Likeness::Certain {
            return None;
        }
        let parser = self.shared.dns.on(self.ports).datagrams.clone();
        Some(Reader::DnsDatagrams(parser))
    }

    #[cfg(not(feature = "dns"))]
    fn datagrams(&self, _: &[u8]) -> Option<Reader> {
        None
    }
}

impl SessionParser for Detector {
    type Message = Message;
    type Error = DetectError;

    fn feed(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        let mut held = match core::mem::take(&mut self.state) {
            State::New => {
                if let Some(protocol) = self.at_once(input) {
                    self.state = State::Reading(Box::new(self.reader(protocol)));
                    self.await_answer(input.side.peer(), protocol);
                    return self.read(input, out);
                }
                Box::new(Held::default())
            }
            State::Held(held) => held,
            state @ (State::Reading(_)
            | State::Unwanted
            | State::Done
            | State::Failed
            | State::Passed(_)) => {
                self.state = state;
                return self.read(input, out);
            }
        };
        let rest = held.push(input, self.shared.config.max_held.into());
        let must = held.is_full() || !rest.is_empty();
        let interest = self.decide(held, must, out)?;
        if interest == Interest::Done || rest.is_empty() {
            return Ok(interest);
        }
        self.read(Input::new(input.side, input.at, Chunk::Data(rest)), out)
    }

    fn close(&mut self, end: StreamEnd, out: &mut dyn Sink<Message>) {
        self.closed[end.side] = true;
        match core::mem::take(&mut self.state) {
            State::New => {
                let mut held = Box::new(Held::default());
                held.close(end);
                self.state = State::Held(held);
            }
            State::Held(mut held) => {
                held.close(end);
                let must = held.is_over();
                // What is wrong is known by the state.
                let _ = self.decide(held, must, out);
            }
            state => {
                self.state = state;
                self.close_reader(end, out);
            }
        }
        // A flow may be kept for long after its streams.
        if matches!(self.state, State::Reading(_) | State::Unwanted)
            && self.closed.initiator
            && self.closed.responder
        {
            self.state = State::Done;
        }
    }

    fn next_tick(&self) -> Option<Timestamp> {
        match &self.state {
            State::Reading(reader) if self.ticks => reader.next_tick(),
            _ => None,
        }
    }

    fn tick(&mut self, at: Timestamp, out: &mut dyn Sink<Message>) {
        if let State::Reading(reader) = &mut self.state {
            reader.tick(at, out);
            self.ticks = reader.next_tick().is_some();
        }
    }

    fn is_poisoned(&self) -> bool {
        matches!(self.state, State::Failed)
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
        if !self.wants(Protocol::Dns) {
            return Ok(Interest::Done);
        }
        let passed = match &self.state {
            State::New => 0,
            State::Passed(passed) => *passed,
            State::Held(_) | State::Reading(_) | State::Unwanted | State::Done | State::Failed => {
                PATIENCE
            }
        };
        if passed < PATIENCE {
            let Some(reader) = self.datagrams(datagram.payload) else {
                self.state = State::Passed(passed + 1);
                return Ok(match passed + 1 < PATIENCE {
                    true => Interest::More,
                    false => Interest::Done,
                });
            };
            self.state = State::Reading(Box::new(reader));
        }
        let State::Reading(reader) = &mut self.state else {
            return Ok(Interest::Done);
        };
        let mut found = false;
        let parsed = reader.parse(datagram, &mut |message| {
            found = true;
            out.push(message);
        });
        if found {
            self.protocol = self.protocol.or(reader.protocol());
        }
        self.ticks = reader.next_tick().is_some();
        match parsed {
            // On a port of DNS, it was a guess.
            Err(_) if self.protocol.is_none() => Ok(Interest::Done),
            parsed => parsed,
        }
    }

    fn close(&mut self, at: Timestamp, out: &mut dyn Sink<Message>) {
        if let State::Reading(reader) = &mut self.state {
            reader.end(at, out);
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
}

/// Tunnels inside tunnels that are looked into.
const MAX_DEPTH: u8 = 3;

/// Datagrams that are not DNS which a flow may begin with.
const PATIENCE: u8 = 4;
