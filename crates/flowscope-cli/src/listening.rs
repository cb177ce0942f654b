//! Following flows and reading what they say.

use flowscope::detect::{DetectConfig, Detector, Message, Protocol};
use flowscope::engine::{
    Consumer, FlowRef, Fragment, Outcome, Payload, PayloadConfig, PayloadFlow, Pending, Reaction,
    Reader,
};
use flowscope::extract::Extracted;
use flowscope::session::{Datagram, DatagramParser, Input, Interest, SessionParser, StreamEnd};
use flowscope::tls::{Report, TlsConfig};
use flowscope::track::{Anomalies, EndReason, FlowEvent, FlowStats};
use flowscope::wire::Transport;
use flowscope::{FlowSide, Sink, Timestamp};

use crate::record::{HasEnds, MessageRecord};
use crate::tracking::{EndedFlow, Follow, Notes, Recorder, Tracked};

/// Notes what records need of each flow, and reads what it says.
#[derive(Debug)]
pub(crate) struct Observer {
    recorder: Recorder,
    payload: Payload<Listener>,
}

/// How long the streams of a connection are put together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Until {
    /// To their end, so that all holes are known.
    End,
    /// As long as there may be messages in them.
    Understood,
}

/// What is kept of a flow.
#[derive(Debug)]
pub(crate) struct Observed {
    notes: Notes,
    payload: PayloadFlow<Listening>,
    app: Option<Protocol>,
}

impl Observer {
    pub(crate) fn new(until: Until) -> Self {
        let detector = Detector::with_config(DetectConfig {
            tls: TlsConfig {
                report: Report::Messages,
                ..TlsConfig::default()
            },
            ..DetectConfig::default()
        });
        let listener = Listener {
            detector,
            until,
            app: None,
        };
        Self {
            recorder: Recorder::default(),
            payload: Payload::new(listener, PayloadConfig::default()),
        }
    }
}

impl<K: HasEnds> Follow<K> for Observer {
    #[inline]
    fn next_frame(&mut self) {
        Follow::<K>::next_frame(&mut self.recorder);
    }

    fn notes(state: &Observed) -> &Notes {
        &state.notes
    }
}

impl<K: HasEnds> Consumer<K> for Observer {
    type Flow = Observed;
    type Event = Tracked<K>;

    fn open(&mut self, flow: FlowRef<'_, K>, packet: &Extracted<'_, K>) -> Observed {
        Observed {
            notes: self.recorder.open(flow, packet),
            payload: self.payload.open(flow, packet),
            app: None,
        }
    }

    #[inline]
    fn packet(
        &mut self,
        state: &mut Observed,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        packet: &Extracted<'_, K>,
        out: &mut impl Sink<Tracked<K>>,
    ) -> Reaction {
        let _ = (self.recorder).packet(&mut state.notes, flow, side, packet, out);
        (self.payload).packet(&mut state.payload, flow, side, packet, out)
    }

    fn fragment(
        &mut self,
        state: &mut Observed,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        fragment: &Fragment<'_, K>,
    ) {
        (self.recorder).fragment(&mut state.notes, flow, side, fragment);
    }

    fn close(
        &mut self,
        state: &mut Observed,
        flow: FlowRef<'_, K>,
        reason: EndReason,
        out: &mut impl Sink<Tracked<K>>,
    ) -> Anomalies {
        let found = (self.payload).close(&mut state.payload, flow, reason, out);
        state.app = self.payload.reader_mut().app.take();
        found
    }

    fn ended(&mut self, state: Observed, event: FlowEvent<K>) -> Tracked<K> {
        match event {
            FlowEvent::Ended {
                flow,
                key,
                at,
                reason,
                stats,
                ..
            } => Tracked::Ended(EndedFlow {
                id: flow,
                ends: key.ends(),
                notes: state.notes,
                stats,
                at,
                reason,
                app: state.app,
            }),
            other => Tracked::Event(other),
        }
    }

    #[inline]
    fn pending(&self, state: &Observed) -> Pending {
        Consumer::<K>::pending(&self.payload, &state.payload)
    }

    fn wake(
        &mut self,
        state: &mut Observed,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Tracked<K>>,
    ) -> Anomalies {
        self.payload.wake(&mut state.payload, flow, out)
    }

    #[inline]
    fn is_pressed(&self) -> bool {
        Consumer::<K>::is_pressed(&self.payload)
    }

    fn shed(
        &mut self,
        state: &mut Observed,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Tracked<K>>,
    ) -> Anomalies {
        self.payload.shed(&mut state.payload, flow, out)
    }

    fn amend(&self, state: &Observed, stats: &mut FlowStats) {
        Consumer::<K>::amend(&self.payload, &state.payload, stats);
    }
}

/// Gives each flow a detector.
#[derive(Debug)]
struct Listener {
    /// The one that flows get a copy of.
    detector: Detector,
    until: Until,
    /// What the flow spoke that ended last: it is asked for at once.
    app: Option<Protocol>,
}

/// What reads a flow.
#[derive(Debug)]
struct Listening {
    /// Until it is done.
    detector: Option<Box<Detector>>,
    carries: Carries,
    app: Option<Protocol>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Carries {
    Streams,
    Datagrams,
}

impl Listener {
    /// What a detector said comes to.
    fn outcome<E>(&self, listening: &mut Listening, said: Result<Interest, E>) -> Outcome {
        let Some(detector) = &listening.detector else {
            return Outcome::More;
        };
        listening.app = detector.protocol();
        match said {
            Ok(_) if SessionParser::is_poisoned(&**detector) => Outcome::Failed,
            Ok(Interest::More) => Outcome::More,
            Ok(Interest::Done) => {
                listening.detector = None;
                match (self.until, listening.carries) {
                    (Until::End, Carries::Streams) => Outcome::More,
                    _ => Outcome::Done,
                }
            }
            Err(_) => Outcome::Failed,
        }
    }
}

/// Where a flow's messages go.
fn messages<'a, K: HasEnds>(
    flow: FlowRef<'a, K>,
    out: &'a mut impl Sink<Tracked<K>>,
) -> impl FnMut(Message) + 'a {
    move |message| {
        if let Some(record) = MessageRecord::new(flow.id, flow.at, flow.key.ends(), message) {
            out.push(Tracked::Message(Box::new(record)));
        }
    }
}

impl<K: HasEnds> Reader<K> for Listener {
    type Stream = Listening;
    type Event = Tracked<K>;

    fn open(&mut self, flow: FlowRef<'_, K>, transport: &Transport) -> Option<Listening> {
        let carries = match transport {
            Transport::Tcp(_) | Transport::TcpCut => Carries::Streams,
            Transport::Udp | Transport::UdpLite => Carries::Datagrams,
            _ => return None,
        };
        let (src, dst) = flow.key.ends().ports.unwrap_or_default();
        let detector = self.detector.clone().with_ports([src, dst]);
        Some(Listening {
            detector: Some(Box::new(detector)),
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
    ) -> Outcome {
        let Some(detector) = &mut listening.detector else {
            return Outcome::More;
        };
        let said = SessionParser::feed(&mut **detector, input, &mut messages(flow, out));
        self.outcome(listening, said)
    }

    fn datagram(
        &mut self,
        listening: &mut Listening,
        flow: FlowRef<'_, K>,
        datagram: Datagram<'_>,
        out: &mut impl Sink<Tracked<K>>,
    ) -> Outcome {
        let Some(detector) = &mut listening.detector else {
            return Outcome::Done;
        };
        let said = detector.parse(datagram, &mut messages(flow, out));
        self.outcome(listening, said)
    }

    fn close(
        &mut self,
        listening: &mut Listening,
        flow: FlowRef<'_, K>,
        end: StreamEnd,
        out: &mut impl Sink<Tracked<K>>,
    ) -> Outcome {
        if let Some(detector) = &mut listening.detector {
            SessionParser::close(&mut **detector, end, &mut messages(flow, out));
        }
        self.outcome(
            listening,
            Ok::<_, core::convert::Infallible>(Interest::More),
        )
    }

    #[inline]
    fn next_tick(&self, listening: &Listening) -> Option<Timestamp> {
        SessionParser::next_tick(&**listening.detector.as_ref()?)
    }

    fn tick(
        &mut self,
        listening: &mut Listening,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Tracked<K>>,
    ) -> Outcome {
        if let Some(detector) = &mut listening.detector {
            SessionParser::tick(&mut **detector, flow.at, &mut messages(flow, out));
        }
        Outcome::More
    }

    /// What it spoke stays until the flow ends.
    fn leave(&mut self, listening: &mut Option<Listening>) {
        if let Some(listening) = listening {
            listening.detector = None;
        }
    }

    fn end(
        &mut self,
        mut listening: Listening,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Tracked<K>>,
    ) {
        if let Some(detector) = &mut listening.detector
            && listening.carries == Carries::Datagrams
        {
            DatagramParser::close(&mut **detector, flow.at, &mut messages(flow, out));
        }
        self.app = listening.app;
    }
}
