//! Reading what flows say.

use flowscope::detect::{DetectConfig, Detector, Message, Protocol, Protocols};
use flowscope::dns::Matching;
use flowscope::engine::{FlowRef, PayloadReader, ReadResult};
use flowscope::session::{Datagram, DatagramParser, Input, Interest, SessionParser, StreamEnd};
use flowscope::tls::{Report, TlsMessage};
use flowscope::wire::Transport;
use flowscope::{Sink, Timestamp};

use crate::names::Asked;
use crate::observing::{Observer, Read, Until};
use crate::record::{HasEnds, MessageRecord};
use crate::tracking::{Recorder, Tracked};

/// Gives each flow a detector.
#[derive(Debug)]
pub(crate) struct Listener {
    /// The one that flows get a copy of.
    detector: Detector,
    aim: Aim,
    protocols: Protocols,
    /// What the flow spoke that ended last: it is asked for at once.
    app: Option<Protocol>,
}

/// What is listened for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Aim {
    /// Every message.
    Everything,
    /// The messages of one protocol.
    Only(Protocol),
    /// Names that are asked for.
    Names,
}

impl Aim {
    /// What follows the flows to this end.
    pub(crate) fn observer(self) -> Observer<Listener> {
        let protocols = match self {
            Self::Everything | Self::Names => Protocols::ALL,
            Self::Only(protocol) => Protocols::only(protocol),
        };
        let mut config = DetectConfig {
            protocols,
            ..DetectConfig::default()
        };
        config.tls.report = Report::Messages;
        if self == Self::Names {
            // Names come early: in a first request, or in a ClientHello, perhaps
            // behind STARTTLS or SOCKS. Where there are none, looking for them
            // should not cost much.
            config.max_search = 0;
            config.http.max_prelude = 16 << 10;
            config.tls.max_prelude = 512;
            config.dns.matching = Matching::Nothing;
        }
        let detector = Detector::new(config);
        let until = match self {
            Self::Everything => Until::End,
            Self::Only(_) | Self::Names => Until::Understood,
        };
        let listener = Listener {
            detector,
            aim: self,
            protocols,
            app: None,
        };
        Observer::new(Recorder::default(), listener, until)
    }
}

/// What reads a flow.
#[derive(Debug)]
pub(crate) struct Listening {
    ear: Ear,
    carries: Carries,
    app: Option<Protocol>,
}

/// How far it has got.
#[derive(Debug)]
enum Ear {
    /// Most flows of a scan never say a word.
    Silence {
        ports: [u16; 2],
    },
    Open(Box<Detector>),
    Closed,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Carries {
    Streams,
    Datagrams,
}

impl Listener {
    /// What is to take the next of what a flow says, if there is interest in it.
    #[inline]
    fn detector<'a>(&self, listening: &'a mut Listening) -> Option<&'a mut Detector> {
        if let Ear::Silence { ports } = listening.ear {
            let detector = self.detector.clone().with_ports(ports);
            listening.ear = Ear::Open(Box::new(detector));
        }
        listening.detector()
    }

    /// What a detector said comes to.
    fn outcome<E>(&self, listening: &mut Listening, said: Result<Interest, E>) -> ReadResult {
        let Some(detector) = listening.detector() else {
            return ReadResult::More;
        };
        let is_poisoned = SessionParser::is_poisoned(detector);
        listening.app = detector.protocol();
        match said {
            Ok(_) if is_poisoned => ReadResult::Failed,
            Ok(Interest::More) => ReadResult::More,
            Ok(Interest::Done) => {
                listening.ear = Ear::Closed;
                match (self.aim, listening.carries) {
                    // All holes are to be known.
                    (Aim::Everything, Carries::Streams) => ReadResult::More,
                    _ => ReadResult::Done,
                }
            }
            Err(_) => ReadResult::Failed,
        }
    }
}

impl Listening {
    fn detector(&mut self) -> Option<&mut Detector> {
        match &mut self.ear {
            Ear::Open(detector) => Some(detector),
            Ear::Silence { .. } | Ear::Closed => None,
        }
    }
}

/// Where a flow's messages go.
struct Messages<'a, K, O> {
    aim: Aim,
    flow: FlowRef<'a, K>,
    out: &'a mut O,
    /// Whether nothing more is to be learnt.
    is_enough: bool,
}

impl<'a, K, O> Messages<'a, K, O> {
    fn new(aim: Aim, flow: FlowRef<'a, K>, out: &'a mut O) -> Self {
        Self {
            aim,
            flow,
            out,
            is_enough: false,
        }
    }

    /// Whether there is still interest in the flow.
    fn interest<E>(&self, said: Result<Interest, E>) -> Result<Interest, E> {
        match self.is_enough {
            true => Ok(Interest::Done),
            false => said,
        }
    }
}

impl<K: HasEnds, O: Sink<Tracked<K>>> Sink<Message> for Messages<'_, K, O> {
    fn push(&mut self, message: Message) {
        if self.aim == Aim::Names {
            let is_hello = matches!(message, Message::Tls(TlsMessage::ClientHello(_)));
            self.is_enough |= is_hello;
            if let Some(asked) = Asked::of(&message) {
                self.out.push(Tracked::Asked(asked));
            }
            return;
        }
        let (id, at, ends) = (self.flow.id, self.flow.at, self.flow.key.ends());
        if let Some(record) = MessageRecord::new(id, at, ends, message) {
            self.out.push(Tracked::Message(Box::new(record)));
        }
    }
}

impl<K: HasEnds> Read<K> for Listener {
    fn take_app(&mut self) -> Option<Protocol> {
        self.app.take()
    }
}

impl<K: HasEnds> PayloadReader<K> for Listener {
    type Stream = Listening;
    type Event = Tracked<K>;

    fn open(&mut self, flow: FlowRef<'_, K>, transport: &Transport) -> Option<Listening> {
        let carries = match transport {
            tcp if tcp.is_tcp() => Carries::Streams,
            Transport::Udp | Transport::UdpLite if self.protocols.contains(Protocol::Dns) => {
                Carries::Datagrams
            }
            _ => return None,
        };
        let (src, dst) = flow.key.ends().ports.unwrap_or_default();
        Some(Listening {
            ear: Ear::Silence { ports: [src, dst] },
            carries,
            app: None,
        })
    }

    #[inline]
    fn feed(
        &mut self,
        listening: &mut Listening,
        flow: FlowRef<'_, K>,
        input: Input<'_>,
        out: &mut impl Sink<Tracked<K>>,
    ) -> ReadResult {
        let Some(detector) = self.detector(listening) else {
            return ReadResult::More;
        };
        let mut messages = Messages::new(self.aim, flow, out);
        let said = SessionParser::feed(detector, input, &mut messages);
        let said = messages.interest(said);
        self.outcome(listening, said)
    }

    fn datagram(
        &mut self,
        listening: &mut Listening,
        flow: FlowRef<'_, K>,
        datagram: Datagram<'_>,
        out: &mut impl Sink<Tracked<K>>,
    ) -> ReadResult {
        let Some(detector) = self.detector(listening) else {
            return ReadResult::Done;
        };
        let said = detector.parse(datagram, &mut Messages::new(self.aim, flow, out));
        self.outcome(listening, said)
    }

    fn close(
        &mut self,
        listening: &mut Listening,
        flow: FlowRef<'_, K>,
        end: StreamEnd,
        out: &mut impl Sink<Tracked<K>>,
    ) -> ReadResult {
        if let Some(detector) = listening.detector() {
            SessionParser::close(detector, end, &mut Messages::new(self.aim, flow, out));
        }
        self.outcome(
            listening,
            Ok::<_, core::convert::Infallible>(Interest::More),
        )
    }

    #[inline]
    fn next_tick(&self, listening: &Listening) -> Option<Timestamp> {
        match &listening.ear {
            Ear::Open(detector) => SessionParser::next_tick(&**detector),
            Ear::Silence { .. } | Ear::Closed => None,
        }
    }

    fn tick(
        &mut self,
        listening: &mut Listening,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Tracked<K>>,
    ) -> ReadResult {
        if let Some(detector) = listening.detector() {
            SessionParser::tick(detector, flow.at, &mut Messages::new(self.aim, flow, out));
        }
        ReadResult::More
    }

    /// What it spoke stays until the flow ends.
    fn leave(&mut self, listening: &mut Option<Listening>) {
        if let Some(listening) = listening {
            listening.ear = Ear::Closed;
        }
    }

    fn end(
        &mut self,
        mut listening: Listening,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Tracked<K>>,
    ) {
        if listening.carries == Carries::Datagrams
            && let Some(detector) = listening.detector()
        {
            DatagramParser::close(detector, flow.at, &mut Messages::new(self.aim, flow, out));
        }
        self.app = listening.app;
    }
}
