//! What records need of each flow beyond the statistics of the core.

use flowscope_core::engine::{Consumer, FlowEnd, FlowRef, Fragment, OuterFlows, Reaction};
use flowscope_core::extract::Extracted;
use flowscope_core::track::{Anomalies, EndReason, FlowId, FlowStats};
use flowscope_core::wire::{Encapsulation, IcmpHeader, Transport};
use flowscope_core::{BySide, FlowSide, Sink, Timestamp};
use flowscope_detect::{Protocol, quick_probe, quick_probe_datagram};

use super::observer::Observer;
use crate::config::RecordConfig;
use crate::connection::{Connections, Parents, Place, Seen};
use crate::observation::Observation;
use crate::record::{ConnectionRecord, Endpoints, FlowRecord, KeyEndpoints, PacketRecord, Record};

/// Keeps notes of each flow: its frames, its layers and what it spoke.
#[derive(Debug, Default)]
pub(crate) struct NoteTaker {
    /// How many payloads of a flow it looks at to recognise its protocol.
    probes: u8,
    /// What is wanted beyond that.
    wanted: Details,
    /// Whether flows say how Wireshark finds them.
    display_filter: bool,
    /// Whether flows say which flags of TCP were seen.
    tcp_flags: bool,
    /// What carries the connections in tunnels, where that is counted.
    parents: Option<Parents>,
}

impl NoteTaker {
    /// One that also keeps the details that the settings ask for.
    pub(crate) fn with_details(self, config: &RecordConfig) -> Self {
        let wanted = Details {
            connections: config.connections.then(Connections::default),
            fragments: config.frames.then(Vec::new),
        };
        Self {
            wanted,
            display_filter: config.display_filter,
            tcp_flags: config.tcp_flags,
            parents: (config.engine.outer_flows == OuterFlows::Counted).then(Parents::default),
            ..self
        }
    }

    /// Reports the details of a flow that are left, as it has ended.
    pub(super) fn end_details<K: KeyEndpoints>(
        &mut self,
        notes: &mut FlowNotes,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Observation<K>>,
    ) {
        notes.end_details(flow, &mut self.parents, out);
    }

    /// One that also looks at the first payloads of each flow, by which most
    /// protocols are recognised.
    pub(crate) fn with_probes() -> Self {
        Self {
            probes: PROBES,
            ..Self::default()
        }
    }
}

/// What is kept of a flow.
#[derive(Debug, Default)]
pub(crate) struct FlowNotes {
    /// The number of its first packet, counted from 1 over all captures; zero
    /// before that packet was noted.
    pub(crate) first_frame: u64,
    /// The number of its latest packet.
    pub(crate) last_frame: u64,
    /// Type and code, where the first packet is of ICMP.
    pub(crate) icmp: Option<IcmpHeader>,
    /// The encapsulations around the first packet, outermost first. Most flows
    /// have none, and allocate nothing here.
    pub(crate) layers: Box<[Encapsulation]>,
    /// Its protocol, where that was looked for and recognised.
    pub(crate) app: Option<Protocol>,
    /// Whether a name that is wanted was asked for.
    pub(crate) has_name: bool,
    /// How many more payloads are to be looked at.
    probes: u8,
    /// Whether the record says how Wireshark finds the flow.
    display_filter: bool,
    /// Whether more is looked at of each packet than where the flow begins.
    looks_closer: bool,
    /// Flags of TCP that were seen, where they are wanted.
    tcp_flags: Option<BySide<u8>>,
    /// What is kept only where it is wanted.
    details: Option<Box<Details>>,
}

/// What is kept of a flow only where it is wanted.
#[derive(Clone, Debug, Default)]
struct Details {
    /// Its connections by Zeek's rules.
    connections: Option<Connections>,
    /// Frames that are yet to be reported, as fragments are counted where
    /// nothing can be.
    fragments: Option<Vec<(u64, u32)>>,
}

impl Details {
    fn is_empty(&self) -> bool {
        self.connections.is_none() && self.fragments.is_none()
    }

    /// Reports the packets of a flow.
    fn report_frames<K: KeyEndpoints>(
        &mut self,
        flow: FlowRef<'_, K>,
        own: Option<(u64, u32)>,
        out: &mut impl Sink<Observation<K>>,
    ) {
        let Some(fragments) = &mut self.fragments else {
            return;
        };
        let endpoints = flow.key.endpoints();
        let mut report = |(frame, wire_len)| {
            out.push(Observation::Record(Record::Packet(PacketRecord {
                at: flow.at,
                frame,
                wire_len,
                flow: flow.id,
                endpoints,
            })));
        };
        if !fragments.is_empty() {
            fragments.drain(..).for_each(&mut report);
        }
        own.into_iter().for_each(report);
    }
}

impl FlowNotes {
    /// Whether nothing more is noted of packets than which is the latest.
    #[inline]
    pub(super) fn pass_packets(&self) -> bool {
        self.first_frame != 0 && self.probes == 0 && self.details.is_none()
    }

    /// Takes a packet for the details.
    #[inline(never)]
    fn detail<K: KeyEndpoints>(
        &mut self,
        flow: FlowRef<'_, K>,
        wire_len: u32,
        seen: &Seen,
        parents: &mut Option<Parents>,
        out: &mut impl Sink<Observation<K>>,
    ) {
        let Some(details) = &mut self.details else {
            return;
        };
        // One that was put together is there already, in its fragments.
        let is_whole = details.fragments.as_ref().is_none_or(Vec::is_empty);
        let own = (flow.packet, wire_len);
        details.report_frames(flow, is_whole.then_some(own), out);
        let Some(connections) = &mut details.connections else {
            return;
        };
        let endpoints = || flow.key.endpoints();
        let number = connections.packet(flow.id, endpoints, seen, |record| {
            out.push(with_parents(record, parents));
        });
        let depth = self.layers.len();
        if let Some(parents) = parents
            && parents.wants(flow.packet, depth)
        {
            parents.packet(Place {
                frame: flow.packet,
                depth,
                flow: flow.id,
                number,
                endpoints: endpoints(),
            });
        }
    }

    /// Reports the details that are left, as the flow has ended.
    fn end_details<K: KeyEndpoints>(
        &mut self,
        flow: FlowRef<'_, K>,
        parents: &mut Option<Parents>,
        out: &mut impl Sink<Observation<K>>,
    ) {
        let Some(mut details) = self.details.take() else {
            return;
        };
        details.report_frames(flow, None, out);
        if let Some(mut connections) = details.connections.take() {
            let app = self.app;
            connections.end(flow.id, &flow.key.endpoints(), |record| {
                out.push(with_parents(ConnectionRecord { app, ..record }, parents));
            });
        }
    }

    /// The record of the flow that they are about.
    ///
    /// It is large: inlined, it is written where it is to be and not moved.
    #[inline(always)]
    pub(super) fn into_record(
        self,
        flow: FlowId,
        endpoints: Endpoints,
        at: Timestamp,
        reason: EndReason,
        stats: FlowStats,
    ) -> FlowRecord {
        FlowRecord {
            at,
            flow,
            endpoints,
            reason,
            stats,
            first_frame: self.first_frame,
            last_frame: self.last_frame,
            app: self.app,
            icmp: self.icmp,
            layers: self.layers,
            tcp_flags: self.tcp_flags.unwrap_or_default(),
            has_display_filter: self.display_filter,
            has_name: self.has_name,
        }
    }
}

impl<K: KeyEndpoints> Observer<K> for NoteTaker {
    fn icmp(state: &FlowNotes) -> Option<IcmpHeader> {
        state.icmp
    }
}

impl<K: KeyEndpoints> Consumer<K> for NoteTaker {
    type Flow = FlowNotes;
    type Event = Observation<K>;
    type Pending = ();

    fn open(
        &mut self,
        _: FlowRef<'_, K>,
        _: &Extracted<'_, K>,
        _: &mut impl Sink<Observation<K>>,
    ) -> FlowNotes {
        let has_details = !self.wanted.is_empty();
        FlowNotes {
            probes: self.probes,
            display_filter: self.display_filter,
            looks_closer: has_details || self.tcp_flags,
            tcp_flags: self.tcp_flags.then(BySide::default),
            details: has_details.then(|| Box::new(self.wanted.clone())),
            ..FlowNotes::default()
        }
    }

    #[inline]
    fn packet(
        &mut self,
        notes: &mut FlowNotes,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        packet: &Extracted<'_, K>,
        out: &mut impl Sink<Observation<K>>,
    ) -> Reaction {
        notes.last_frame = notes.last_frame.max(flow.packet);
        if notes.first_frame == 0 {
            // A copy, as below: so most packets are never written to memory.
            notes.begin(flow.packet, &packet.clone());
        }
        if notes.probes > 0 && !packet.payload.bytes.is_empty() {
            notes.probe(flow.key, side, packet.transport, packet.payload.bytes);
        }
        if notes.looks_closer {
            notes.note_flags(side, packet.transport);
            if notes.details.is_some() {
                let wire_len = packet.packet.wire_len;
                let seen = Seen {
                    at: packet.packet.timestamp,
                    side,
                    transport: packet.transport,
                    ip_len: packet.ip_len,
                    payload_len: packet.payload.wire_len(),
                    is_whole: packet.payload.missing == 0,
                };
                notes.detail(flow, wire_len, &seen, &mut self.parents, out);
            }
        }
        Reaction::default()
    }

    fn passes(&self, notes: &FlowNotes) -> bool {
        notes.pass_packets()
    }

    fn passed(&mut self, notes: &mut FlowNotes, frame: u64) {
        notes.last_frame = notes.last_frame.max(frame);
    }

    fn fragment(
        &mut self,
        notes: &mut FlowNotes,
        _: FlowRef<'_, K>,
        _: FlowSide,
        fragment: &Fragment<'_, K>,
        _: &mut impl Sink<Observation<K>>,
    ) {
        notes.last_frame = notes.last_frame.max(fragment.number);
        if let Some(details) = &mut notes.details
            && let Some(fragments) = &mut details.fragments
        {
            fragments.push((fragment.number, fragment.wire_len));
        }
        match fragment.first {
            Some(packet) if notes.first_frame == 0 => notes.begin(fragment.number, packet),
            // It may have waited, while others were counted.
            _ => notes.first_frame = notes.first_frame.min(fragment.number),
        }
    }

    fn close(
        &mut self,
        notes: &mut FlowNotes,
        flow: FlowRef<'_, K>,
        end: FlowEnd<'_>,
        out: &mut impl Sink<Observation<K>>,
    ) -> Anomalies {
        self.end_details(notes, flow, out);
        let notes = core::mem::take(notes);
        let endpoints = flow.key.endpoints();
        let record = notes.into_record(flow.id, endpoints, flow.at, end.reason, *end.stats);
        out.push(Observation::Record(Record::Flow(record)));
        Anomalies::default()
    }
}

impl FlowNotes {
    #[cold]
    fn begin<K>(&mut self, frame: u64, packet: &Extracted<'_, K>) {
        self.first_frame = frame;
        self.layers = packet.layers().as_ref().into();
        self.icmp = match packet.transport {
            Transport::Icmp(header) | Transport::Icmp6(header) => Some(header),
            _ => None,
        };
    }

    fn note_flags(&mut self, side: FlowSide, transport: Transport) {
        if let (Some(seen), Transport::Tcp(header)) = (&mut self.tcp_flags, transport) {
            seen[side] |= header.flags.0;
        }
    }

    /// Looks at a payload by itself, as nothing is put in order here.
    #[cold]
    fn probe<K: KeyEndpoints>(
        &mut self,
        key: &K,
        side: FlowSide,
        transport: Transport,
        payload: &[u8],
    ) {
        let Some((src, dst)) = key.endpoints().ports else {
            self.probes = 0;
            return;
        };
        let ports = [src, dst];
        self.app = match transport {
            Transport::Tcp(_) => quick_probe(payload, side, ports),
            Transport::Udp | Transport::UdpLite => quick_probe_datagram(payload, ports),
            _ => None,
        };
        self.probes = match self.app {
            Some(_) => 0,
            None => self.probes - 1,
        };
    }
}

/// A record of a connection, with what carried it if it is over.
fn with_parents<K>(mut record: ConnectionRecord, parents: &mut Option<Parents>) -> Observation<K> {
    if let Some(parents) = parents
        && record.is_over
    {
        record.parents = parents.take(record.flow, record.number);
    }
    Observation::Record(Record::Connection(record))
}

/// Payloads of a flow that are looked at: enough for TLS to begin behind SOCKS
/// or the greeting of a mail server.
const PROBES: u8 = 6;
