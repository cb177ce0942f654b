//! IPFIX (RFC 7011), to a file (RFC 5655) or a collector.
//!
//! A record is a flow in both directions (RFC 5103): what the responder sent is
//! in the reverse elements. Start at [`IpfixWriter`].

use core::net::IpAddr;
use std::io::{self, Write};

use flowscope_core::Timestamp;
use flowscope_core::track::EndReason;
use flowscope_core::wire::IpProtocol;
use flowscope_detect::Protocol;
use flowscope_record::{FlowRecord, Host, Record};

/// How messages are made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct IpfixConfig {
    /// The most bytes that a message has. What is smaller than 512 counts as
    /// that.
    pub max_message: u16,
    /// Templates come anew with every so many messages; with 0 in the first
    /// alone, as in a file.
    pub template_interval: u32,
    /// The observation domain.
    pub domain: u32,
}

impl IpfixConfig {
    /// For a file: large messages, and templates once.
    pub const FILE: Self = Self {
        max_message: 32 << 10,
        template_interval: 0,
        domain: 1,
    };

    /// For a collector over UDP: messages that no link has to fragment, and
    /// templates again and again, as any message may be lost (RFC 7011, section
    /// 8.4).
    pub const UDP: Self = Self {
        max_message: 1232,
        template_interval: 20,
        domain: 1,
    };
}

/// Writes flows as IPFIX messages. Each is given to `out` by one call of
/// [`Write::write_all`], so that it may be a datagram.
///
/// ```
/// use flowscope_export::ipfix::{IpfixConfig, IpfixWriter};
/// use flowscope_pcap::PcapFlowSource;
/// use flowscope_record::{RecordConfig, RecordTracker, Records};
///
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/pcap/recorded/http-1-0.pcap");
/// let config = flowscope_export::record_config(RecordConfig::default());
/// let source = PcapFlowSource::open(path)?;
/// let mut writer = IpfixWriter::new(IpfixConfig::FILE, Vec::new());
/// for record in Records::of(source).with_tracker(RecordTracker::new(config)) {
///     writer.write(&record?)?;
/// }
/// let message = writer.finish()?;
/// assert_eq!(message[..2], [0, 10]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct IpfixWriter<W> {
    out: W,
    config: IpfixConfig,
    /// The message, of which the header is filled in at its end.
    message: Vec<u8>,
    /// Where the open set begins, and of which template it is.
    set: Option<(usize, u16)>,
    /// How many records there were in messages before, and in this one.
    sequence: u32,
    records: u32,
    messages: u32,
    at: Timestamp,
}

impl<W: Write> IpfixWriter<W> {
    /// A writer to `out`.
    pub fn new(config: IpfixConfig, out: W) -> Self {
        Self {
            out,
            config,
            message: Vec::new(),
            set: None,
            sequence: 0,
            records: 0,
            messages: 0,
            at: Timestamp::from_nanos(0),
        }
    }

    /// Takes a record. Only flows between hosts with IP addresses are written.
    ///
    /// # Errors
    ///
    /// A message could not be written.
    pub fn write(&mut self, record: &Record) -> io::Result<()> {
        match record {
            Record::Flow(flow) | Record::Ended(flow) => self.flow(flow),
            _ => Ok(()),
        }
    }

    fn flow(&mut self, flow: &FlowRecord) -> io::Result<()> {
        let mut data = Vec::with_capacity(160);
        let Some(template) = record(flow, &mut data) else {
            return Ok(());
        };
        let room = usize::from(self.config.max_message.max(512));
        if !self.message.is_empty() && self.message.len() + SET_HEADER + data.len() > room {
            self.send()?;
        }
        self.at = self.at.max(flow.at);
        if self.message.is_empty() {
            self.begin();
        }
        if self.set.is_none_or(|(_, of)| of != template) {
            self.end_set();
            self.set = Some((self.message.len(), template));
            self.message.extend(template.to_be_bytes());
            self.message.extend([0, 0]);
        }
        self.message.extend(data);
        self.records = self.records.wrapping_add(1);
        Ok(())
    }

    /// Begins a message, with the templates where they are due.
    fn begin(&mut self) {
        self.message.extend([0; HEADER]);
        let interval = self.config.template_interval;
        let is_due = match interval {
            0 => self.messages == 0,
            interval => self.messages.is_multiple_of(interval),
        };
        if is_due {
            let begin = self.message.len();
            self.message.extend(TEMPLATE_SET.to_be_bytes());
            self.message.extend([0, 0]);
            for (template, version) in [(TEMPLATE_IPV4, 4), (TEMPLATE_IPV6, 6)] {
                let elements = elements(version);
                self.message.extend(template.to_be_bytes());
                self.message.extend((elements.len() as u16).to_be_bytes());
                for Element {
                    id,
                    len,
                    is_reverse,
                } in elements
                {
                    let id = if is_reverse { id | ENTERPRISE } else { id };
                    self.message.extend(id.to_be_bytes());
                    self.message.extend(len.to_be_bytes());
                    if is_reverse {
                        self.message.extend(REVERSE.to_be_bytes());
                    }
                }
            }
            self.set_len(begin);
        }
    }

    fn end_set(&mut self) {
        if let Some((begin, _)) = self.set.take() {
            self.set_len(begin);
        }
    }

    fn set_len(&mut self, begin: usize) {
        let len = (self.message.len() - begin) as u16;
        self.put(begin + 2, &len.to_be_bytes());
    }

    fn put(&mut self, at: usize, bytes: &[u8]) {
        if let Some(place) = self.message.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
    }

    fn send(&mut self) -> io::Result<()> {
        self.end_set();
        let len = self.message.len() as u16;
        let time = u32::try_from(self.at.as_secs()).unwrap_or(u32::MAX);
        self.put(0, &VERSION.to_be_bytes());
        self.put(2, &len.to_be_bytes());
        self.put(4, &time.to_be_bytes());
        self.put(8, &self.sequence.to_be_bytes());
        let domain = self.config.domain.to_be_bytes();
        self.put(12, &domain);
        let written = self.out.write_all(&self.message);
        self.message.clear();
        self.sequence = self.sequence.wrapping_add(self.records);
        self.records = 0;
        self.messages = self.messages.wrapping_add(1);
        written
    }

    /// Sends what was written so far.
    ///
    /// # Errors
    ///
    /// A message could not be written.
    pub fn flush(&mut self) -> io::Result<()> {
        if !self.message.is_empty() {
            self.send()?;
        }
        self.out.flush()
    }

    /// Sends what is left, and gives back what was written to.
    ///
    /// # Errors
    ///
    /// A message could not be written.
    pub fn finish(mut self) -> io::Result<W> {
        if self.messages == 0 && self.message.is_empty() {
            // A file without flows has its templates.
            self.begin();
        }
        self.flush()?;
        Ok(self.out)
    }
}

/// An element of a template (IANA's registry of IPFIX entities).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Element {
    id: u16,
    len: u16,
    is_reverse: bool,
}

const fn element(id: u16, len: u16) -> Element {
    Element {
        id,
        len,
        is_reverse: false,
    }
}

const fn reverse(id: u16, len: u16) -> Element {
    Element {
        id,
        len,
        is_reverse: true,
    }
}

/// What a record has, in order: [`record`] writes it.
fn elements(version: u8) -> [Element; 21] {
    let [src, dst, icmp] = match version {
        4 => [element(8, 4), element(12, 4), element(32, 2)],
        _ => [element(27, 16), element(28, 16), element(139, 2)],
    };
    [
        element(148, 8), // flowId
        element(156, 8), // flowStartNanoseconds
        element(157, 8), // flowEndNanoseconds
        element(152, 8), // flowStartMilliseconds
        element(153, 8), // flowEndMilliseconds
        src,
        dst,
        element(7, 2),  // sourceTransportPort
        element(11, 2), // destinationTransportPort
        element(4, 1),  // protocolIdentifier
        icmp,
        element(58, 2), // vlanId
        element(6, 2),  // tcpControlBits
        element(1, 8),  // octetDeltaCount
        element(2, 8),  // packetDeltaCount
        reverse(6, 2),
        reverse(1, 8),
        reverse(2, 8),
        element(239, 1),       // biflowDirection
        element(136, 1),       // flowEndReason
        element(96, VARIABLE), // applicationName
    ]
}

/// Writes a record; gives its template.
fn record(flow: &FlowRecord, data: &mut Vec<u8>) -> Option<u16> {
    let (Host::Ip(src), Host::Ip(dst)) = (flow.endpoints.src, flow.endpoints.dst) else {
        return None;
    };
    let stats = &flow.stats;
    let (start, end) = (stats.first_seen, stats.last_seen);
    let icmp = flow.icmp.filter(|_| flow.endpoints.is_icmp());
    let (src_port, dst_port) = flow.endpoints.ports.unwrap_or_default();
    let protocol = flow.endpoints.protocol.unwrap_or(IpProtocol(255));
    data.extend(flow.flow.number().to_be_bytes());
    data.extend(ntp(start));
    data.extend(ntp(end));
    data.extend((start.as_nanos() / 1_000_000).to_be_bytes());
    data.extend((end.as_nanos() / 1_000_000).to_be_bytes());
    let template = match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            data.extend(src.octets());
            data.extend(dst.octets());
            TEMPLATE_IPV4
        }
        (src, dst) => {
            for addr in [src, dst] {
                data.extend(match addr {
                    IpAddr::V4(addr) => addr.to_ipv6_mapped().octets(),
                    IpAddr::V6(addr) => addr.octets(),
                });
            }
            TEMPLATE_IPV6
        }
    };
    data.extend(src_port.to_be_bytes());
    data.extend(dst_port.to_be_bytes());
    data.push(protocol.0);
    data.extend(icmp.map_or([0, 0], |icmp| [icmp.kind, icmp.code]));
    let vlan = flow.vlans().next().unwrap_or_default();
    data.extend(vlan.to_be_bytes());
    for (flags, bytes, packets) in [
        (
            flow.tcp_flags.initiator,
            stats.ip_bytes.initiator,
            stats.packets.initiator,
        ),
        (
            flow.tcp_flags.responder,
            stats.ip_bytes.responder,
            stats.packets.responder,
        ),
    ] {
        data.extend(u16::from(flags).to_be_bytes());
        data.extend(bytes.to_be_bytes());
        data.extend(packets.to_be_bytes());
    }
    // The initiator is the source (RFC 5103, section 6.3).
    data.push(1);
    data.push(reason(flow.reason));
    let app = flow.app.map_or("", Protocol::as_str);
    // It is shorter than 255 bytes (RFC 7011, section 7).
    data.push(app.len() as u8);
    data.extend(app.as_bytes());
    Some(template)
}

/// Why a flow ended (IANA's element 136).
fn reason(reason: EndReason) -> u8 {
    match reason {
        EndReason::IdleTimeout => 1,
        EndReason::Fin | EndReason::Rst | EndReason::Replaced => 3,
        EndReason::Evicted => 5,
        _ => 4,
    }
}

/// Seconds since 1900 and their fraction (RFC 7011, section 6.1.10).
fn ntp(at: Timestamp) -> [u8; 8] {
    let seconds = at.as_secs().wrapping_add(SECONDS_1900_TO_1970) as u32;
    let fraction = (u64::from(at.subsec_nanos()) << 32).div_ceil(1_000_000_000) as u32;
    (u64::from(seconds) << 32 | u64::from(fraction)).to_be_bytes()
}

const VERSION: u16 = 10;
const HEADER: usize = 16;
const SET_HEADER: usize = 4;
const TEMPLATE_SET: u16 = 2;
const TEMPLATE_IPV4: u16 = 256;
const TEMPLATE_IPV6: u16 = 257;
const ENTERPRISE: u16 = 0x8000;
/// The number under which elements are those of the other direction (RFC 5103,
/// section 6.1).
const REVERSE: u32 = 29305;
const VARIABLE: u16 = 0xffff;
const SECONDS_1900_TO_1970: u64 = 2_208_988_800;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fractions_give_their_nanoseconds_back() {
        for nanos in [0, 1, 2, 499_999_999, 500_000_000, 999_999_999] {
            let [.., a, b, c, d] = ntp(Timestamp::new(0, nanos));
            let fraction = u64::from(u32::from_be_bytes([a, b, c, d]));
            assert_eq!((fraction * 1_000_000_000) >> 32, u64::from(nanos));
        }
    }
}
