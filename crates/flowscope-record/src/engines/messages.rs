//! Reading the messages that flows carry.

use core::mem;

use flowscope_core::engine::{FlowRef, PayloadReader, ReadResult};
use flowscope_core::session::{
    Datagram, DatagramParser, Input, Interest, SessionParser, StreamEnd,
};
use flowscope_core::wire::Transport;
use flowscope_core::{FlowSide, Sink, Timestamp};
use flowscope_detect::{DetectConfig, Detector, Message, Protocol, Protocols};
use flowscope_dns::Matching;
use flowscope_http::Bodies;
use flowscope_tls::{ReadUntil, Report, TlsMessage};

use super::notes::NoteTaker;
use super::payload::{Findings, FlowReader, PayloadObserver, StreamsUntil};
use crate::config::{Depth, NameFilter, RecordConfig};
use crate::observation::Observation;
use crate::record::{
    Anomaly, EventKind, EventRecord, KeyEndpoints, MessageRecord, MessageTaker, Record,
    RecordedMessage, is_about, name_asked_for, with_message,
};

/// Gives each flow a detector.
#[derive(Debug)]
pub(crate) struct MessageReader {
    /// The one that flows get a copy of.
    detector: Detector,
    wanted: Wanted,
    until: StreamsUntil,
    protocols: Protocols,
    /// The names that are wanted.
    names: Option<NameFilter>,
    /// What was found out of the flow that ended last. It is fetched before another
    /// ends.
    findings: Findings,
}

/// What is read for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Wanted {
    /// Every message.
    Everything,
    /// The messages of one protocol.
    Only(Protocol),
    /// Names that are asked for.
    Names,
    /// Which protocol a flow speaks.
    Apps,
    /// That, and whether a name that is wanted was asked for.
    Asked,
}

impl Wanted {
    /// The observer that reads for it.
    pub(crate) fn observer(self, settings: &RecordConfig) -> PayloadObserver<MessageReader> {
        let protocols = match self {
            Self::Everything | Self::Names | Self::Apps | Self::Asked => Protocols::ALL,
            // Hellos of TLS, whatever carries them.
            Self::Only(Protocol::Tls) => Protocols::only(Protocol::Tls)
                .with(Protocol::Quic)
                .with(Protocol::Dtls),
            Self::Only(protocol) => Protocols::only(protocol),
        };
        let mut config = DetectConfig {
            protocols,
            ..DetectConfig::default()
        };
        config.quic.until = ReadUntil::FlowEnd;
        config.tls.dtls_until = ReadUntil::FlowEnd;
        if !settings.handshakes {
            config.tls.report = Report::Messages;
        }
        if settings.bodies > 0 {
            let limit = settings.bodies;
            config.http.bodies = Bodies::Collected { limit };
        }
        if self == Self::Names {
            // Names come early: in a first request, or in a ClientHello, perhaps
            // behind STARTTLS or SOCKS. Where there are none, looking for them
            // should not cost much.
            config.max_search = 0;
            config.http.max_prelude = 16 << 10;
            config.tls.max_prelude = 512;
        }
        if matches!(self, Self::Names | Self::Asked) {
            // A name is known by its message alone.
            config.dns.matching = Matching::Nothing;
        }
        let detector = Detector::new(config);
        let until = match (self, settings.depth) {
            (Self::Everything, Depth::ByGoal) => StreamsUntil::End,
            _ => StreamsUntil::Understood,
        };
        let reader = MessageReader {
            detector,
            wanted: self,
            until,
            protocols,
            names: settings.names.clone(),
            findings: Findings::default(),
        };
        let notes = NoteTaker::default().with_details(settings);
        PayloadObserver::new(notes, reader, until)
    }
}

/// What is kept of a flow.
#[derive(Debug)]
pub(crate) struct FlowDetector {
    detector: DetectorState,
    carries: Carries,
    found: Findings,
    /// Whether no other name is asked for.
    has_all_names: bool,
}

/// The detector of a flow.
#[derive(Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "a detector takes no memory besides itself until a protocol is known"
)]
enum DetectorState {
    /// It is made when it is needed, as most flows of a scan carry nothing.
    Unopened { ports: [u16; 2] },
    /// It is fed what the flow carries.
    Open(Detector),
    /// It has read the hellos of QUIC or DTLS, and is fed what may begin another
    /// connection. Every other datagram of the flow is told by its first byte,
    /// without a look at the detector.
    AtRest {
        detector: Detector,
        /// Bytes of memory that it holds.
        memory: u32,
    },
    /// There is no more interest in what the flow carries.
    Closed,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Carries {
    Streams,
    Datagrams,
}

impl MessageReader {
    /// Makes the detector of a flow, if the next payload is its first.
    #[inline]
    fn open_detector(&self, state: &mut FlowDetector) {
        if let DetectorState::Unopened { ports } = state.detector {
            let detector = self.detector.clone().with_ports(ports);
            state.detector = DetectorState::Open(detector);
        }
    }

    /// Has the detector of a flow `read`, if it is open, and takes note of what its
    /// messages tell.
    #[inline]
    fn with_detector<K, O, T>(
        &self,
        state: &mut FlowDetector,
        flow: FlowRef<'_, K>,
        out: &mut O,
        read: impl FnOnce(&mut Detector, &mut MessageSink<'_, K, O>) -> T,
    ) -> Option<T> {
        let names = match state.found.has_name {
            true => None,
            false => self.names.as_ref(),
        };
        let detector = state.open_detector()?;
        let mut sink = MessageSink {
            wanted: self.wanted,
            names,
            flow,
            out,
            has_name: false,
            has_hello: false,
        };
        let returned = read(detector, &mut sink);
        state.found.has_name |= sink.has_name;
        // In QUIC and DTLS, other connections may share the flow.
        state.has_all_names |= sink.has_hello && state.carries == Carries::Streams;
        Some(returned)
    }

    /// Whether nothing more is to be found out of a flow.
    fn is_enough(&self, state: &FlowDetector) -> bool {
        let Findings { app, has_name } = state.found;
        match self.wanted {
            Wanted::Apps => app.is_some(),
            Wanted::Asked => app.is_some() && (has_name || state.has_all_names),
            Wanted::Everything | Wanted::Only(_) | Wanted::Names => false,
        }
    }

    /// What the engine is to do after a detector was called.
    fn outcome<E>(&self, state: &mut FlowDetector, returned: Result<Interest, E>) -> ReadResult {
        let Some(detector) = state.open_detector() else {
            return ReadResult::More;
        };
        let is_poisoned = SessionParser::is_poisoned(detector);
        state.found.app = detector.protocol();
        match returned {
            Ok(_) if is_poisoned => ReadResult::Failed,
            // It does not change any more.
            Ok(Interest::More) if self.is_enough(state) => {
                state.detector = DetectorState::Closed;
                ReadResult::Done
            }
            Ok(Interest::More) => ReadResult::More,
            Ok(Interest::Done) => {
                state.detector = DetectorState::Closed;
                match (self.until, state.carries) {
                    // All holes are to be known.
                    (StreamsUntil::End, Carries::Streams) => ReadResult::More,
                    _ => ReadResult::Done,
                }
            }
            Err(_) => ReadResult::Failed,
        }
    }
}

impl FlowDetector {
    fn open_detector(&mut self) -> Option<&mut Detector> {
        match &mut self.detector {
            DetectorState::Open(detector) => Some(detector),
            DetectorState::Unopened { .. }
            | DetectorState::AtRest { .. }
            | DetectorState::Closed => None,
        }
    }

    /// Takes a detector that has no more to read for now out of the way.
    fn rest(&mut self) {
        if let DetectorState::Open(detector) = &self.detector
            && detector.is_at_rest()
            && let DetectorState::Open(detector) =
                mem::replace(&mut self.detector, DetectorState::Closed)
        {
            let memory = SessionParser::memory(&detector);
            let memory = u32::try_from(memory).unwrap_or(u32::MAX);
            self.detector = DetectorState::AtRest { detector, memory };
        }
    }

    /// Has a detector read again, if it is at rest.
    fn wake(&mut self) {
        if let DetectorState::AtRest { .. } = self.detector
            && let DetectorState::AtRest { detector, .. } =
                mem::replace(&mut self.detector, DetectorState::Closed)
        {
            self.detector = DetectorState::Open(detector);
        }
    }
}

/// Makes observations of the messages of a flow.
struct MessageSink<'a, K, O> {
    wanted: Wanted,
    /// The names that are wanted, until one of them was asked for.
    names: Option<&'a NameFilter>,
    flow: FlowRef<'a, K>,
    out: &'a mut O,
    /// Whether a name that is wanted was asked for.
    has_name: bool,
    /// Whether a client of TLS has said which name it asks for.
    has_hello: bool,
}

impl<K, O> MessageSink<'_, K, O> {
    /// Whether there is still interest in the flow.
    fn interest<E>(&self, returned: Result<Interest, E>) -> Result<Interest, E> {
        match self.wanted == Wanted::Names && self.has_hello {
            true => Ok(Interest::Done),
            false => returned,
        }
    }
}

impl<K: KeyEndpoints, O: Sink<Observation<K>>> Sink<Message> for MessageSink<'_, K, O> {
    fn push(&mut self, message: Message) {
        if let Some(names) = self.names
            && !self.has_name
        {
            self.has_name = is_about(&message, names);
        }
        self.has_hello |= matches!(message, Message::Tls(TlsMessage::ClientHello(_)));
        if matches!(self.wanted, Wanted::Apps | Wanted::Asked) {
            return;
        }
        if self.wanted == Wanted::Names {
            if let Some(request) = name_asked_for(&message) {
                self.out.push(Observation::Name(request));
            }
            return;
        }
        with_message(message, self);
    }
}

impl<K: KeyEndpoints, O: Sink<Observation<K>>> MessageTaker for MessageSink<'_, K, O> {
    /// Hands on the record of a message, if it is to have one.
    ///
    /// It is built where it is handed on, so that it is not moved.
    fn take<M: RecordedMessage>(&mut self, message: M)
    where
        Record: From<MessageRecord<M>>,
    {
        if let Some((anomaly, side)) = message.anomaly() {
            return self.push_anomaly(anomaly, side);
        }
        if message.kind().is_none() {
            return;
        }
        let FlowRef {
            id: flow,
            at,
            packet: frame,
            ..
        } = self.flow;
        let endpoints = self.flow.key.endpoints();
        self.out
            .push(Observation::Record(Record::from(MessageRecord {
                at,
                frame,
                flow,
                endpoints,
                message,
            })));
    }
}

impl<K: KeyEndpoints, O: Sink<Observation<K>>> MessageSink<'_, K, O> {
    fn push_anomaly(&mut self, anomaly: Anomaly, side: FlowSide) {
        self.out
            .push(Observation::Record(Record::Event(EventRecord {
                at: self.flow.at,
                flow: self.flow.id,
                endpoints: self.flow.key.endpoints(),
                icmp: None,
                kind: EventKind::Anomaly { anomaly, side },
            })));
    }
}

impl<K: KeyEndpoints> FlowReader<K> for MessageReader {
    fn take_findings(&mut self) -> Findings {
        mem::take(&mut self.findings)
    }
}

impl<K: KeyEndpoints> PayloadReader<K> for MessageReader {
    type Stream = FlowDetector;
    type Event = Observation<K>;

    fn open(&mut self, flow: FlowRef<'_, K>, transport: &Transport) -> Option<FlowDetector> {
        let carries = match transport {
            Transport::Tcp(_) | Transport::TcpCut => Carries::Streams,
            Transport::Udp | Transport::UdpLite if self.protocols.read_datagrams() => {
                Carries::Datagrams
            }
            _ => return None,
        };
        let (src, dst) = flow.key.endpoints().ports.unwrap_or_default();
        Some(FlowDetector {
            detector: DetectorState::Unopened { ports: [src, dst] },
            carries,
            found: Findings::default(),
            has_all_names: false,
        })
    }

    #[inline]
    fn feed(
        &mut self,
        state: &mut FlowDetector,
        flow: FlowRef<'_, K>,
        input: Input<'_>,
        out: &mut impl Sink<Observation<K>>,
    ) -> ReadResult {
        self.open_detector(state);
        let fed = self.with_detector(state, flow, out, |detector, sink| {
            let returned = SessionParser::feed(detector, input, sink);
            sink.interest(returned)
        });
        match fed {
            Some(returned) => self.outcome(state, returned),
            None => ReadResult::More,
        }
    }

    #[inline]
    fn passes(&self, state: &FlowDetector, payload: &[u8]) -> bool {
        match (&state.detector, state.found.app) {
            (DetectorState::AtRest { .. }, Some(app)) => !app.may_begin(payload),
            _ => false,
        }
    }

    fn datagram(
        &mut self,
        state: &mut FlowDetector,
        flow: FlowRef<'_, K>,
        datagram: Datagram<'_>,
        out: &mut impl Sink<Observation<K>>,
    ) -> ReadResult {
        state.wake();
        self.open_detector(state);
        let parsed = self.with_detector(state, flow, out, |detector, sink| {
            let returned = detector.parse(datagram, sink);
            sink.interest(returned)
        });
        let Some(returned) = parsed else {
            return ReadResult::Done;
        };
        let result = self.outcome(state, returned);
        state.rest();
        result
    }

    fn close(
        &mut self,
        state: &mut FlowDetector,
        flow: FlowRef<'_, K>,
        end: StreamEnd,
        out: &mut impl Sink<Observation<K>>,
    ) -> ReadResult {
        self.with_detector(state, flow, out, |detector, sink| {
            SessionParser::close(detector, end, sink);
        });
        self.outcome(state, Ok::<_, core::convert::Infallible>(Interest::More))
    }

    #[inline]
    fn next_tick(&self, state: &FlowDetector) -> Option<Timestamp> {
        match &state.detector {
            DetectorState::Open(detector) => SessionParser::next_tick(detector),
            DetectorState::Unopened { .. }
            | DetectorState::AtRest { .. }
            | DetectorState::Closed => None,
        }
    }

    #[inline]
    fn memory(&self, flow: &FlowDetector) -> usize {
        match &flow.detector {
            DetectorState::Open(detector) => SessionParser::memory(detector),
            DetectorState::AtRest { memory, .. } => *memory as usize,
            DetectorState::Unopened { .. } | DetectorState::Closed => 0,
        }
    }

    fn give_up_datagrams(
        &mut self,
        state: &mut FlowDetector,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Observation<K>>,
    ) {
        self.with_detector(state, flow, out, |detector, sink| {
            DatagramParser::close(detector, flow.at, sink);
        });
    }

    fn tick(
        &mut self,
        state: &mut FlowDetector,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Observation<K>>,
    ) -> ReadResult {
        self.with_detector(state, flow, out, |detector, sink| {
            SessionParser::tick(detector, flow.at, sink);
        });
        ReadResult::More
    }

    /// Its protocol stays known until the flow ends.
    fn leave(&mut self, state: &mut Option<FlowDetector>) {
        if let Some(state) = state {
            state.detector = DetectorState::Closed;
        }
    }

    fn end(
        &mut self,
        mut state: FlowDetector,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Observation<K>>,
    ) {
        if state.carries == Carries::Datagrams {
            self.with_detector(&mut state, flow, out, |detector, sink| {
                DatagramParser::close(detector, flow.at, sink);
            });
        }
        self.findings = state.found;
    }
}

#[cfg(test)]
mod tests {
    use flowscope_core::extract::FiveTupleKey;

    use super::*;

    fn passes(state: &FlowDetector, payload: &[u8]) -> bool {
        let reader = MessageReader {
            detector: Detector::default(),
            wanted: Wanted::Everything,
            until: StreamsUntil::End,
            protocols: Protocols::ALL,
            names: None,
            findings: Findings::default(),
        };
        PayloadReader::<FiveTupleKey>::passes(&reader, state, payload)
    }

    fn state(detector: DetectorState, app: Protocol) -> FlowDetector {
        FlowDetector {
            detector,
            carries: Carries::Datagrams,
            found: Findings {
                app: Some(app),
                has_name: false,
            },
            has_all_names: false,
        }
    }

    /// That it does so is all that makes a long flow cost less behind its hellos than
    /// before: no record tells.
    #[test]
    fn a_flow_at_rest_has_datagrams_passed_by() {
        let at_rest = || DetectorState::AtRest {
            detector: Detector::default(),
            memory: 0,
        };
        let quic = state(at_rest(), Protocol::Quic);
        let (short, long) = (
            &[0x41; 40],
            &[0xc3, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0],
        );
        assert!(passes(&quic, short));
        assert!(!passes(&quic, long));
        let dtls = state(at_rest(), Protocol::Dtls);
        let (data, hello) = (&[23, 0xfe, 0xfd, 0, 1], &[22, 0xfe, 0xfd, 0, 0]);
        assert!(passes(&dtls, data));
        assert!(!passes(&dtls, hello));
        // Before it rests, it is given everything.
        let open = state(DetectorState::Open(Detector::default()), Protocol::Quic);
        assert!(!passes(&open, short));
    }
}
