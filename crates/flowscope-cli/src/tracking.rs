//! Following the flows of a capture, with what the library does not keep.

use flowscope::detect::{Protocol, quick_probe, quick_probe_datagram};
use flowscope::engine::{Consumer, FlowRef, Fragment, Reaction};
use flowscope::extract::Extracted;
use flowscope::track::{Anomalies, EndReason, FlowEvent, FlowId, FlowStats};
use flowscope::wire::{Encapsulation, IcmpHeader, Transport};
use flowscope::{FlowSide, Sink, Timestamp};

use crate::names::Asked;
use crate::record::{Ends, HasEnds, MessageRecord};

/// Notes what records need of each flow beyond the library's statistics.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    /// How many payloads of a flow it looks at to tell what it speaks.
    glances: u8,
}

impl Recorder {
    /// One that also looks at the first payloads of each flow, which tell in
    /// most cases what it speaks.
    pub(crate) fn with_glances() -> Self {
        Self { glances: GLANCES }
    }
}

/// What is kept of a flow.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// The number of its first packet, counted from 1 over all inputs; zero
    /// before that packet was noted.
    pub(crate) first_frame: u64,
    /// The number of its latest packet.
    pub(crate) last_frame: u64,
    /// Type and code, where the first packet is of ICMP.
    pub(crate) icmp: Option<IcmpHeader>,
    /// The encapsulations around the first packet, outermost first. Most flows
    /// have none, and allocate nothing here.
    pub(crate) layers: Box<[Encapsulation]>,
    /// What it spoke, where that was looked for and found.
    pub(crate) app: Option<Protocol>,
    /// How many more payloads are to be looked at.
    glances: u8,
}

/// A consumer that keeps notes of its flows.
pub(crate) trait Follow<K>: Consumer<K, Event = Tracked<K>> {
    /// What was noted.
    fn notes(state: &Self::Flow) -> &Notes;
}

impl<K: HasEnds> Follow<K> for Recorder {
    fn notes(state: &Notes) -> &Notes {
        state
    }
}

/// What comes out of tracking.
#[derive(Debug)]
pub(crate) enum Tracked<K> {
    /// Something happened to a flow.
    Event(FlowEvent<K>),
    /// A flow ended; the library's own event follows.
    Ended(EndedFlow),
    /// Something was said on a flow.
    Message(Box<MessageRecord>),
    /// A name was asked for on a flow.
    Asked(Asked),
}

/// All there is to say about a flow that ended.
#[derive(Debug)]
pub(crate) struct EndedFlow {
    pub(crate) id: FlowId,
    pub(crate) ends: Ends,
    pub(crate) notes: Notes,
    pub(crate) stats: FlowStats,
    pub(crate) at: Timestamp,
    pub(crate) reason: EndReason,
}

impl<K> From<FlowEvent<K>> for Tracked<K> {
    #[inline]
    fn from(event: FlowEvent<K>) -> Self {
        Self::Event(event)
    }
}

impl<K: HasEnds> Consumer<K> for Recorder {
    type Flow = Notes;
    type Event = Tracked<K>;
    type Pending = ();

    fn open(&mut self, _: FlowRef<'_, K>, _: &Extracted<'_, K>) -> Notes {
        Notes {
            glances: self.glances,
            ..Notes::default()
        }
    }

    #[inline]
    fn packet(
        &mut self,
        notes: &mut Notes,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        packet: &Extracted<'_, K>,
        _: &mut impl Sink<Tracked<K>>,
    ) -> Reaction {
        notes.last_frame = notes.last_frame.max(flow.packet);
        if notes.first_frame == 0 {
            // A copy, as below: so most packets are never written to memory.
            notes.begin(flow.packet, &packet.clone());
        }
        if notes.glances > 0 && !packet.payload.bytes.is_empty() {
            notes.glance(flow.key, side, packet.transport, packet.payload.bytes);
        }
        Reaction::NONE
    }

    fn fragment(
        &mut self,
        notes: &mut Notes,
        _: FlowRef<'_, K>,
        _: FlowSide,
        fragment: &Fragment<'_, K>,
    ) {
        notes.last_frame = notes.last_frame.max(fragment.number);
        match fragment.first {
            Some(packet) if notes.first_frame == 0 => notes.begin(fragment.number, packet),
            // It may have waited, while others were counted.
            _ => notes.first_frame = notes.first_frame.min(fragment.number),
        }
    }

    fn close(
        &mut self,
        notes: &mut Notes,
        flow: FlowRef<'_, K>,
        reason: EndReason,
        out: &mut impl Sink<Tracked<K>>,
    ) -> Anomalies {
        out.push(Tracked::Ended(EndedFlow {
            id: flow.id,
            ends: flow.key.ends(),
            notes: core::mem::take(notes),
            stats: flow.stats(),
            at: flow.at,
            reason,
        }));
        Anomalies::NONE
    }
}

impl Notes {
    #[cold]
    fn begin<K>(&mut self, frame: u64, packet: &Extracted<'_, K>) {
        self.first_frame = frame;
        self.layers = packet.layers().as_ref().into();
        self.icmp = match packet.transport {
            Transport::Icmp(header) | Transport::Icmp6(header) => Some(header),
            _ => None,
        };
    }

    /// Looks at a payload by itself, as nothing is put in order here.
    #[cold]
    fn glance<K: HasEnds>(
        &mut self,
        key: &K,
        side: FlowSide,
        transport: Transport,
        payload: &[u8],
    ) {
        let Some((src, dst)) = key.ends().ports else {
            self.glances = 0;
            return;
        };
        self.app = match transport {
            Transport::Tcp(_) => quick_probe(payload, side, [src, dst]),
            Transport::Udp | Transport::UdpLite => quick_probe_datagram(payload, [src, dst]),
            _ => None,
        };
        self.glances = match self.app {
            Some(_) => 0,
            None => self.glances - 1,
        };
    }
}

/// Payloads of a flow that are looked at: enough for TLS to begin behind SOCKS
/// or the greeting of a mail server.
const GLANCES: u8 = 6;
