//! The records of a whole capture.

use core::ops::AddAssign;

use flowscope_core::track::{EndReason, FlowId, TrackerStats};
use flowscope_core::wire::{IpProtocol, Skip};
use flowscope_core::{PacketView, Timestamp};

use super::RecordKind;
use super::endpoints::Endpoints;
use crate::host::Host;
use crate::schema::{self, Schema};
use crate::visit::{FieldVisitor, Visit, if_any};

/// A whole capture.
#[derive(Clone, Debug)]
pub struct SummaryRecord {
    /// What the flow table counted.
    pub totals: TrackerStats,
    /// The time it covers; `None` for a capture without packets.
    pub span: Option<TimeSpan>,
    /// TCP segments that were sent again.
    pub retransmitted: u64,
    /// TCP segments that came out of order.
    pub out_of_order: u64,
    /// Packets that were captured shorter than they were.
    pub cut_packets: u64,
    /// What each IP protocol carried, the one with the most bytes first. `None`
    /// stands for all, where flows are not told apart by it.
    pub protocols: Vec<(Option<IpProtocol>, Traffic)>,
    /// What was recognised, by the name of the protocol, the one with the most
    /// bytes first.
    pub apps: Vec<(&'static str, Traffic)>,
    /// The hosts that sent and received the most bytes, the first one first.
    pub hosts: Vec<(Host, HostTraffic)>,
    /// All other hosts.
    pub other_hosts: Option<HostTraffic>,
    /// The names asked for most often, the first one first.
    pub names: Vec<NameRequests>,
    /// All other names.
    pub other_names: Option<NameCounts>,
}

/// The time a capture covers: its earliest and its latest packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct TimeSpan {
    /// The earliest.
    pub start: Timestamp,
    /// The latest.
    pub end: Timestamp,
}

/// What flows amount to together.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Traffic {
    /// How many flows.
    pub flows: u64,
    /// Their packets.
    pub packets: u64,
    /// Their bytes on the wire, from the link layer on.
    pub bytes: u64,
}

/// What the flows of a host amount to together.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct HostTraffic {
    /// How many flows it took part in.
    pub flows: u64,
    /// Bytes that it sent.
    pub sent: u64,
    /// Bytes that it received.
    pub received: u64,
}

/// A name, and how often it was asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NameRequests {
    /// The name as records write names of DNS, in lower case, without a port or
    /// a dot at its end.
    pub name: Vec<u8>,
    /// How often.
    pub counts: NameCounts,
}

/// How often a name was asked for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct NameCounts {
    /// In requests of HTTP, as their host.
    pub http: u64,
    /// In ClientHellos, as the name of the server.
    pub tls: u64,
    /// In questions of DNS.
    pub dns: u64,
}

/// What of a capture belongs to no flow.
#[derive(Clone, Debug)]
pub struct SkippedRecord {
    /// The time of the latest packet; `None` for a capture without packets.
    pub at: Option<Timestamp>,
    /// All packets of the capture.
    pub packets: u64,
    /// How many of them were skipped for which reason.
    pub reasons: Vec<(Skip, u64)>,
}

impl SummaryRecord {
    /// How many flows ended for which reason, without those for which none did.
    pub fn reasons(&self) -> impl Iterator<Item = (EndReason, u64)> {
        EndReason::ALL
            .iter()
            .map(|reason| (*reason, self.totals.ended(*reason)))
            .filter(|(_, flows)| *flows > 0)
    }
}

impl SkippedRecord {
    /// How many packets belong to no flow.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.reasons.iter().map(|(_, packets)| packets).sum()
    }
}

impl TimeSpan {
    /// The span with one more packet in it.
    #[inline]
    pub(crate) fn including(span: Option<Self>, packet: &PacketView<'_>) -> Self {
        let at = packet.timestamp;
        let Self { start, end } = span.unwrap_or(Self { start: at, end: at });
        Self {
            start: start.min(at),
            end: end.max(at),
        }
    }

    /// Its length in nanoseconds.
    #[must_use]
    pub fn nanos(self) -> u64 {
        self.end.as_nanos() - self.start.as_nanos()
    }
}

impl AddAssign for Traffic {
    fn add_assign(&mut self, other: Self) {
        self.flows += other.flows;
        self.packets += other.packets;
        self.bytes += other.bytes;
    }
}

impl AddAssign for HostTraffic {
    fn add_assign(&mut self, other: Self) {
        self.flows += other.flows;
        self.sent += other.sent;
        self.received += other.received;
    }
}

impl AddAssign for NameCounts {
    fn add_assign(&mut self, other: Self) {
        self.http += other.http;
        self.tls += other.tls;
        self.dns += other.dns;
    }
}

impl RecordKind for SummaryRecord {
    fn schema(&self) -> &'static Schema {
        &schema::SUMMARY
    }

    fn at(&self) -> Option<Timestamp> {
        self.span.map(|span| span.end)
    }

    fn flow(&self) -> Option<(FlowId, &Endpoints)> {
        None
    }
}

impl Visit for SummaryRecord {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        let (totals, span) = (&self.totals, self.span);
        fields.plain_text("type", Some("summary"));
        fields.time("ts", span.map(|span| span.end));
        fields.number("packets", Some(totals.packets));
        fields.number("bytes", Some(totals.bytes));
        fields.time("start", span.map(|span| span.start));
        fields.time("end", span.map(|span| span.end));
        fields.duration("duration", span.map(TimeSpan::nanos));
        fields.number("packets_skipped", Some(totals.packets_skipped()));
        fields.number("flows", Some(totals.flows));
        fields.number("flows_peak", Some(totals.peak));
        fields.number("anomalies", if_any(totals.anomalies()));
        fields.number("retransmitted", if_any(self.retransmitted));
        fields.number("out_of_order", if_any(self.out_of_order));
        fields.number("cut_packets", if_any(self.cut_packets));
        fields.structures(
            "protocols",
            self.protocols.iter().copied().map(ProtocolFields),
        );
        fields.structures("apps", self.apps.iter().copied().map(AppFields));
        fields.structures("reasons", self.reasons().map(ReasonFields));
        fields.structures("hosts", self.hosts.iter().copied().map(HostFields));
        fields.structures("names", self.names.iter().map(NameFields));
    }
}

struct ProtocolFields((Option<IpProtocol>, Traffic));

impl Visit for ProtocolFields {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        let Self((protocol, traffic)) = *self;
        fields.plain_text("proto", protocol);
        traffic.visit(fields);
    }
}

struct AppFields((&'static str, Traffic));

impl Visit for AppFields {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        let Self((app, traffic)) = *self;
        fields.plain_text("app", Some(app));
        traffic.visit(fields);
    }
}

impl Visit for Traffic {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        fields.number("flows", Some(self.flows));
        fields.number("packets", Some(self.packets));
        fields.number("bytes", Some(self.bytes));
    }
}

struct ReasonFields((EndReason, u64));

impl Visit for ReasonFields {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        let Self((reason, flows)) = *self;
        fields.plain_text("reason", Some(reason.as_str()));
        fields.number("flows", Some(flows));
    }
}

struct HostFields((Host, HostTraffic));

impl Visit for HostFields {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        let Self((host, traffic)) = *self;
        fields.plain_text("host", Some(host));
        fields.number("flows", Some(traffic.flows));
        fields.number("bytes_sent", Some(traffic.sent));
        fields.number("bytes_received", Some(traffic.received));
    }
}

struct NameFields<'a>(&'a NameRequests);

impl Visit for NameFields<'_> {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        let Self(NameRequests { name, counts }) = self;
        fields.text("name", Some(name));
        fields.number("http", Some(counts.http));
        fields.number("tls", Some(counts.tls));
        fields.number("dns", Some(counts.dns));
    }
}

impl RecordKind for SkippedRecord {
    fn schema(&self) -> &'static Schema {
        &schema::SKIPPED
    }

    fn at(&self) -> Option<Timestamp> {
        self.at
    }

    fn flow(&self) -> Option<(FlowId, &Endpoints)> {
        None
    }
}

impl Visit for SkippedRecord {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        fields.plain_text("type", Some("skipped"));
        fields.time("ts", self.at);
        fields.number("packets", Some(self.skipped()));
        fields.structures("reasons", self.reasons.iter().copied().map(SkipFields));
    }
}

struct SkipFields((Skip, u64));

impl Visit for SkipFields {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        let Self((skip, packets)) = *self;
        fields.plain_text("layer", Some(skip.layer.as_str()));
        fields.plain_text("cause", Some(skip.cause.as_str()));
        fields.number("packets", Some(packets));
    }
}
