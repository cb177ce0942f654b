//! Records in the order in which things happened.
//!
//! The engine reports an event of a flow while it tracks a packet, and can be
//! asked for the flow's two ends only when it is done with the packet. Of a flow
//! that ends with the packet, the report of its end has them. Until the ends
//! are known, the event waits, and so does everything behind it.

use std::collections::{HashMap, VecDeque};

use flowscope_core::track::{FlowId, TrackerStats};
use flowscope_core::wire::IcmpHeader;
use flowscope_core::{FlowEvent, PacketView, Sink, Timestamp};

use crate::config::Goal;
use crate::observation::Observation;
use crate::record::{Endpoints, EventKind, EventRecord, Record};
use crate::tally::Tally;

/// Makes records of observations, as far as they are wanted.
#[derive(Debug)]
pub(crate) struct Collector {
    goal: Goal,
    /// Where a summary is wanted.
    tally: Option<Box<Tally>>,
    waiting: VecDeque<Waiting>,
    /// The identities of flows that ended since anything was waiting.
    ended: HashMap<FlowId, FlowIdentity>,
}

/// The two ends of a flow, and what ICMP has in place of ports.
pub(crate) type FlowIdentity = (Endpoints, Option<IcmpHeader>);

#[derive(Debug)]
enum Waiting {
    Event(FlowId, Timestamp, EventKind),
    Record(Box<Record>),
}

impl Collector {
    pub(crate) fn new(goal: Goal) -> Self {
        Self {
            goal,
            tally: (goal == Goal::Summary).then(Box::default),
            waiting: VecDeque::new(),
            ended: HashMap::new(),
        }
    }

    /// Takes note of a packet.
    #[inline]
    pub(crate) fn count(&mut self, packet: &PacketView<'_>) {
        if let Some(tally) = &mut self.tally {
            tally.count_packet(packet);
        }
    }

    /// Takes what comes next, and hands its record on if nothing is before it.
    #[inline]
    pub(crate) fn collect<K>(&mut self, seen: Observation<K>, out: &mut impl Sink<Record>) {
        if !matches!(seen, Observation::Event(FlowEvent::Packet { .. })) {
            self.collect_other(seen, out);
        }
    }

    /// Takes what is more than one more packet.
    ///
    /// Out of line, as is all that is not done for every packet: what is left
    /// of taking an event is then small enough to become part of tracking.
    #[inline(never)]
    fn collect_other<K>(&mut self, seen: Observation<K>, out: &mut impl Sink<Record>) {
        match seen {
            Observation::Event(event) => {
                if let Some(kind) = self.wanted_event(&event) {
                    let waiting = Waiting::Event(event.flow(), event.at(), kind);
                    self.waiting.push_back(waiting);
                }
            }
            // A record is large. Most are handed on as they are, and not moved.
            Observation::Record(record) if self.waiting.is_empty() && self.is_wanted(&record) => {
                out.push(record);
            }
            Observation::Record(record) => self.collect_record(record, out),
            Observation::Name(request) => {
                if let Some(tally) = &mut self.tally {
                    tally.count_name(&request);
                }
            }
        }
    }

    /// Takes a record that has to wait, or is not handed on as it is.
    #[inline(never)]
    fn collect_record(&mut self, record: Record, out: &mut impl Sink<Record>) {
        if let (Some(tally), Record::Flow(flow)) = (&mut self.tally, &record) {
            tally.count_flow(flow);
        }
        let ended = match &record {
            Record::Flow(flow) => Some((flow.flow, (flow.endpoints, flow.icmp))),
            _ => None,
        };
        let record = match record {
            Record::Flow(flow) if self.goal == Goal::Events => Record::Ended(flow),
            record if self.is_wanted(&record) => record,
            _ => return,
        };
        if self.waiting.is_empty() {
            out.push(record);
            return;
        }
        self.waiting.push_back(Waiting::Record(Box::new(record)));
        if let Some((flow, identity)) = ended {
            self.ended.insert(flow, identity);
            self.hand_on(out, |_| None);
        }
    }

    /// The event of a flow that still lives, if there is to be a record of it.
    fn wanted_event<K>(&self, event: &FlowEvent<K>) -> Option<EventKind> {
        match (self.goal, EventKind::of(event)?) {
            (Goal::Events, kind) => Some(kind),
            (Goal::All, kind @ EventKind::Anomaly { .. }) => Some(kind),
            _ => None,
        }
    }

    /// Whether a record is handed on as it is.
    fn is_wanted(&self, record: &Record) -> bool {
        match self.goal {
            _ if matches!(record, Record::Connection(_) | Record::Packet(_)) => true,
            Goal::All => true,
            // Made of other records, here.
            Goal::Events | Goal::Summary => false,
            goal => record.schema().types_for(goal).is_some(),
        }
    }

    /// Hands on everything that waits: `identify` knows the flows that live.
    #[inline]
    pub(crate) fn flush(
        &mut self,
        out: &mut impl Sink<Record>,
        identify: impl Fn(FlowId) -> Option<FlowIdentity>,
    ) {
        if !self.waiting.is_empty() {
            self.hand_on(out, identify);
        }
    }

    /// Hands on what waits, up to the first event of a flow that is not known.
    fn hand_on(
        &mut self,
        out: &mut impl Sink<Record>,
        identify: impl Fn(FlowId) -> Option<FlowIdentity>,
    ) {
        while let Some(waiting) = self.waiting.pop_front() {
            match waiting {
                Waiting::Event(flow, at, kind) => {
                    let known = self.ended.get(&flow).copied();
                    let Some((endpoints, icmp)) = known.or_else(|| identify(flow)) else {
                        self.waiting.push_front(waiting);
                        return;
                    };
                    out.push(Record::Event(EventRecord {
                        at,
                        flow,
                        endpoints,
                        icmp,
                        kind,
                    }));
                }
                Waiting::Record(record) => out.push(*record),
            }
        }
        self.ended.clear();
    }

    /// Hands on what is known when all packets were tracked and all flows have
    /// ended.
    pub(crate) fn finish(&mut self, totals: &TrackerStats, out: &mut impl Sink<Record>) {
        if let Some(tally) = &mut self.tally {
            out.push(Record::Summary(Box::new(tally.summary(totals))));
            out.push(Record::Skipped(tally.skipped(totals)));
            **tally = Tally::default();
        }
    }
}
