//! EVE, the JSON Lines of Suricata 8: `flow`, `http`, `tls`, `dns` (version 3),
//! `anomaly` and `stats`.
//!
//! Start at [`EveWriter`]. Names and types are those of Suricata's schema.
//! What flowscope does not do, such as alerts and files, has no events.

mod dns;
mod flow;
mod http;
mod protocols;
mod stats;
mod tls;

use std::collections::HashMap;
use std::io::{self, Write};

use flowscope_core::track::FlowId;
use flowscope_core::wire::IpProtocol;
use flowscope_core::{FlowSide, Timestamp};
use flowscope_record::{
    Anomaly, CommunityId, Endpoints, EventKind, Hex, Host, PlainText, Ports, Record,
};

use crate::object::Object;
use crate::{civil, digits, names};
use protocols::{FlowFacts, Protocols};
use stats::Stats;

/// Writes records as EVE.
///
/// ```
/// use flowscope_export::eve::EveWriter;
/// use flowscope_pcap::PcapFlowSource;
/// use flowscope_record::{RecordConfig, RecordTracker, Records};
///
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/pcap/recorded/http-1-0.pcap");
/// let config = flowscope_export::record_config(RecordConfig::default());
/// let source = PcapFlowSource::open(path)?;
/// let mut writer = EveWriter::new(Vec::new());
/// for record in Records::of(source).with_tracker(RecordTracker::new(config)) {
///     writer.write(&record?)?;
/// }
/// let text = String::from_utf8(writer.finish()?)?;
/// let events = text.matches("\"event_type\":\"http\"").count();
/// assert_eq!(events, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct EveWriter<W> {
    out: W,
    text: Vec<u8>,
    flows: HashMap<u64, Flow>,
    stats: Stats,
    latest: Timestamp,
}

/// What is kept of a flow.
#[derive(Debug, Default)]
struct Flow {
    facts: FlowFacts,
    protocols: Protocols,
}

/// What every event begins with.
pub(crate) struct Head<'a> {
    at: Timestamp,
    frame: Option<u64>,
    flow: FlowId,
    endpoints: &'a Endpoints,
    /// Who sent what it is about.
    sender: FlowSide,
    kind: &'static str,
    community_id: Option<CommunityId>,
}

impl Head<'_> {
    fn write(&self, object: &mut Object<'_>) {
        object.quoted("timestamp", |out| civil::zoned_micros(out, self.at));
        object.number("flow_id", flow_id(self.flow, self.endpoints));
        object.number("pcap_cnt", self.frame);
        object.word("event_type", Some(self.kind));
    }

    fn write_ends(&self, object: &mut Object<'_>) {
        let Endpoints { src, dst, .. } = *self.endpoints;
        let ports = self.endpoints.ports;
        let (src, dst, ports) = match self.sender {
            FlowSide::Initiator => (src, dst, ports),
            FlowSide::Responder => (dst, src, ports.map(|(src, dst)| (dst, src))),
        };
        object.quoted("src_ip", |out| write_long(out, src));
        object.number("src_port", ports.map(|(src, _)| src.into()));
        object.quoted("dest_ip", |out| write_long(out, dst));
        object.number("dest_port", ports.map(|(_, dst)| dst.into()));
        if let Some(protocol) = self.endpoints.protocol {
            object.quoted("proto", |out| write_protocol(out, protocol));
        }
    }

    fn write_community_id(&self, object: &mut Object<'_>) {
        if let Some(id) = self.community_id {
            object.plain("community_id", id);
        }
    }
}

fn community_id(endpoints: &Endpoints) -> Option<CommunityId> {
    let (Host::Ip(src), Host::Ip(dst)) = (endpoints.src, endpoints.dst) else {
        return None;
    };
    let (from, to) = endpoints.ports?;
    let ports = Ports::Numbers(from, to);
    Some(CommunityId::new(endpoints.protocol?, src, dst, ports))
}

impl<W: Write> EveWriter<W> {
    /// A writer to `out`, which is given large pieces.
    pub fn new(out: W) -> Self {
        Self {
            out,
            text: Vec::new(),
            flows: HashMap::new(),
            stats: Stats::default(),
            latest: Timestamp::from_nanos(0),
        }
    }

    /// Takes a record.
    ///
    /// # Errors
    ///
    /// The events could not be written.
    pub fn write(&mut self, record: &Record) -> io::Result<()> {
        if let Some(at) = record.at() {
            self.latest = self.latest.max(at);
        }
        let text = &mut self.text;
        match record {
            Record::Flow(record) | Record::Ended(record) => {
                let mut known = self.flows.remove(&record.flow.number()).unwrap_or_default();
                let head = Head {
                    at: record.at,
                    frame: None,
                    flow: record.flow,
                    endpoints: &record.endpoints,
                    sender: FlowSide::Initiator,
                    kind: "http",
                    community_id: known.facts.known_id(),
                };
                let Flow { facts, protocols } = &mut known;
                protocols.finish(&head, facts, text);
                flow::write(record, text);
                self.stats.count(record);
            }
            Record::Event(event) => {
                if let EventKind::Anomaly { anomaly, side } = event.kind {
                    let head = Head {
                        at: event.at,
                        frame: None,
                        flow: event.flow,
                        endpoints: &event.endpoints,
                        sender: side,
                        kind: "anomaly",
                        community_id: community_id(&event.endpoints),
                    };
                    write_anomaly(&head, anomaly, text);
                    self.stats.anomalies += 1;
                }
            }
            record => self.take_message(record),
        }
        self.hand_on_full()
    }

    /// Takes the record of a message, if it is one that may be an event.
    fn take_message(&mut self, record: &Record) {
        let Some((flow, _)) = record.flow().filter(|_| Protocols::take_any(record)) else {
            return;
        };
        let Flow { facts, protocols } = self.flows.entry(flow.number()).or_default();
        protocols.take(record, facts, &mut self.text);
    }

    fn hand_on_full(&mut self) -> io::Result<()> {
        if self.text.len() < BUFFER {
            return Ok(());
        }
        self.hand_on()
    }

    fn hand_on(&mut self) -> io::Result<()> {
        let written = self.out.write_all(&self.text);
        self.text.clear();
        written
    }

    /// Hands on what was written so far.
    ///
    /// # Errors
    ///
    /// The events could not be written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.hand_on()?;
        self.out.flush()
    }

    /// Writes the last event, which counts, and gives back what was written to.
    ///
    /// # Errors
    ///
    /// The events could not be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.stats.write(self.latest, &mut self.text);
        self.flush()?;
        Ok(self.out)
    }
}

impl<W> core::fmt::Debug for EveWriter<W> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("EveWriter")
            .field("flows", &self.flows.len())
            .field("latest", &self.latest)
            .finish_non_exhaustive()
    }
}

/// Writes an event on a line.
fn event(text: &mut Vec<u8>, head: &Head<'_>, fill: impl FnOnce(&mut Object<'_>)) {
    Object::write(text, |object| {
        head.write(object);
        head.write_ends(object);
        fill(object);
    });
    text.push(b'\n');
}

fn write_anomaly(head: &Head<'_>, anomaly: Anomaly, text: &mut Vec<u8>) {
    event(text, head, |object| {
        head.write_community_id(object);
        object.object("anomaly", |object| match anomaly {
            Anomaly::Http(kind) => {
                object.text("app_proto", Some("http"));
                object.text("type", Some("applayer"));
                object.text("event", Some(kind.as_str()));
                object.text("layer", Some("proto_parser"));
            }
            Anomaly::Flow(kind) => {
                object.text("type", Some("stream"));
                object.quoted("event", |out| {
                    out.extend_from_slice(b"stream.");
                    out.extend_from_slice(kind.as_str().as_bytes());
                });
            }
            _ => object.text("type", Some("unknown")),
        });
    });
}

/// The number by which events of a flow are found: the same for the same input.
fn flow_id(flow: FlowId, endpoints: &Endpoints) -> u64 {
    // Readers take it for a signed number, or for one of JavaScript's.
    names::of(0, flow.number(), 0, endpoints) >> 11
}

/// An address with all digits, as Suricata writes those of IPv6.
fn write_long(out: &mut Vec<u8>, host: Host) {
    match host {
        Host::Ip(core::net::IpAddr::V6(addr)) => {
            for (n, segment) in addr.segments().into_iter().enumerate() {
                if n > 0 {
                    out.push(b':');
                }
                Hex(&segment.to_be_bytes()).append_to(out);
            }
        }
        host => digits::host(out, host),
    }
}

/// Suricata's name of a protocol.
fn write_protocol(out: &mut Vec<u8>, protocol: IpProtocol) {
    let name: &[u8] = match protocol {
        IpProtocol::TCP => b"TCP",
        IpProtocol::UDP => b"UDP",
        IpProtocol::ICMP => b"ICMP",
        IpProtocol::ICMP6 => b"IPv6-ICMP",
        IpProtocol(132) => b"SCTP",
        IpProtocol(47) => b"GRE",
        IpProtocol(50) => b"ESP",
        IpProtocol(number) => return digits::number(out, number.into()),
    };
    out.extend_from_slice(name);
}

const BUFFER: usize = 64 << 10;
