//! Connections as Zeek's log has them.
//!
//! A flow of the core may be several of these connections: Zeek forgets one
//! five seconds after it closed, or a SYN that nobody answered, and tells ICMP
//! apart by its types. Their originator may be the flow's responder: where no
//! SYN was seen, the ports decide. Not for what flows are: that is the core's.
//!
//! Start at [`Connections`], which is kept for each flow where
//! [`RecordConfig::connections`](crate::RecordConfig::connections) asks for it.

mod content;
mod endpoint;
mod history;
mod parents;
mod ports;
mod tcp;

use core::time::Duration;

use flowscope_core::track::FlowId;
use flowscope_core::wire::{IcmpHeader, IpProtocol, TcpFlags, Transport};
use flowscope_core::{BySide, FlowSide, Timestamp};

use self::history::{Letters, Role};
use self::tcp::{Context, Segment, Tcp};
use crate::host::Host;
use crate::record::{ConnectionRecord, Endpoints};

pub(crate) use parents::{Parents, Place};

/// How a connection looks at its end, in the words of Zeek's `conn_state`.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ConnectionState {
    /// `S0`: an attempt that nobody answered.
    Attempt,
    /// `S1`: established and not ended.
    Established,
    /// `SF`: established, and ended as usual.
    Finished,
    /// `REJ`: an attempt that was rejected.
    Rejected,
    /// `S2`: established, and closed by the originator alone.
    ClosedByOriginator,
    /// `S3`: established, and closed by the responder alone.
    ClosedByResponder,
    /// `RSTO`: established, and reset by the originator.
    ResetByOriginator,
    /// `RSTR`: reset by the responder.
    ResetByResponder,
    /// `RSTOS0`: the originator sent a SYN and then an RST.
    AbandonedAttempt,
    /// `RSTRH`: the responder sent a SYN-ACK and then an RST; there was no SYN.
    ResetAfterSynAck,
    /// `SH`: the originator sent a SYN and then a FIN.
    HalfOpen,
    /// `SHR`: the responder sent a SYN-ACK and then a FIN; there was no SYN.
    HalfOpenResponder,
    /// `OTH`: none of these.
    Other,
}

impl ConnectionState {
    /// Zeek's word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Attempt => "S0",
            Self::Established => "S1",
            Self::Finished => "SF",
            Self::Rejected => "REJ",
            Self::ClosedByOriginator => "S2",
            Self::ClosedByResponder => "S3",
            Self::ResetByOriginator => "RSTO",
            Self::ResetByResponder => "RSTR",
            Self::AbandonedAttempt => "RSTOS0",
            Self::ResetAfterSynAck => "RSTRH",
            Self::HalfOpen => "SH",
            Self::HalfOpenResponder => "SHR",
            Self::Other => "OTH",
        }
    }
}

/// The connections of a flow.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connections {
    live: Vec<Connection>,
    /// How many there were.
    count: u32,
}

/// A packet, as far as it matters here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen {
    pub(crate) at: Timestamp,
    pub(crate) side: FlowSide,
    pub(crate) transport: Transport,
    pub(crate) ip_len: u32,
    pub(crate) payload_len: u32,
    pub(crate) is_whole: bool,
}

#[derive(Clone, Debug)]
struct Connection {
    number: u32,
    originator: FlowSide,
    start: Timestamp,
    last: Timestamp,
    /// By role.
    packets: [u64; 2],
    ip_bytes: [u64; 2],
    letters: Letters,
    /// All flags of TCP that were seen, by role.
    flags: [u8; 2],
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Tcp(Box<Tcp>),
    /// Whether each role sent something, and how much.
    Udp {
        sizes: [Option<u64>; 2],
        check: Option<Timestamp>,
    },
    Icmp {
        ports: IcmpPorts,
        sizes: [u64; 2],
    },
    Other,
}

/// What Zeek has in place of the ports of ICMP.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct IcmpPorts {
    kind: u16,
    /// The type of the answer, or the code where there is none.
    other: u16,
    has_answer: bool,
}

impl Connections {
    /// Takes a packet of the flow between `flow_ends`, which are only asked for
    /// where a connection begins or ends, and gives the number of the connection
    /// that it is of. Connections that are over by its time, or that it ends, go
    /// to `over`.
    pub(crate) fn packet(
        &mut self,
        flow: FlowId,
        flow_ends: impl Fn() -> Endpoints,
        seen: &Seen,
        mut over: impl FnMut(ConnectionRecord),
    ) -> u32 {
        let mut at = self.live.iter().position(|it| it.is_of(seen));
        if let Some(index) = at
            && self.live[index].is_over(seen)
        {
            over(self.live.remove(index).record(flow, &flow_ends()));
            at = None;
        }
        let index = at.unwrap_or_else(|| {
            if self.live.len() >= MAX_LIVE {
                over(self.live.remove(0).record(flow, &flow_ends()));
            }
            self.live
                .push(Connection::new(self.count, &flow_ends(), seen));
            self.count = self.count.saturating_add(1);
            self.live.len() - 1
        });
        let Some(connection) = self.live.get_mut(index) else {
            return self.count;
        };
        let was = (connection.packets == [0, 0]).then_some(FlowSide::Initiator);
        let was = was.unwrap_or(connection.originator);
        let is_another = connection.number > 0 && connection.packets == [0, 0];
        connection.packet(seen);
        if (is_another || connection.originator != was)
            && !matches!(connection.kind, Kind::Icmp { .. })
        {
            over(ConnectionRecord {
                is_over: false,
                ..connection.record(flow, &flow_ends())
            });
        }
        connection.number
    }

    /// The flow is over.
    pub(crate) fn end(
        &mut self,
        flow: FlowId,
        flow_ends: &Endpoints,
        mut over: impl FnMut(ConnectionRecord),
    ) {
        for connection in self.live.drain(..) {
            over(connection.record(flow, flow_ends));
        }
    }
}

impl Connection {
    fn new(number: u32, flow_ends: &Endpoints, seen: &Seen) -> Self {
        let protocol = flow_ends.protocol.unwrap_or(IpProtocol(0));
        let mut letters = Letters::default();
        let mut originator = seen.side;
        if is_flipped(protocol, flow_ends, seen) {
            originator = originator.peer();
            letters.flip();
        }
        let kind = match seen.transport {
            Transport::Tcp(_) | Transport::TcpCut => Kind::Tcp(Box::new(Tcp::new(seen.at))),
            Transport::Udp => Kind::Udp {
                sizes: [None; 2],
                check: (ports_of(flow_ends, originator).1)
                    .filter(|port| ports::is_dns(*port))
                    .map(|_| seen.at + DNS_CHECK),
            },
            Transport::Icmp(header) => Kind::icmp(IcmpPorts::of(header, IpProtocol::ICMP)),
            Transport::Icmp6(header) => Kind::icmp(IcmpPorts::of(header, IpProtocol::ICMP6)),
            _ => Kind::Other,
        };
        Self {
            number,
            originator,
            start: seen.at,
            last: seen.at,
            packets: [0; 2],
            ip_bytes: [0; 2],
            letters,
            flags: [0; 2],
            kind,
        }
    }

    /// Whether a packet of its flow is one of it.
    fn is_of(&self, seen: &Seen) -> bool {
        let Kind::Icmp { ports, .. } = &self.kind else {
            return true;
        };
        let (header, protocol) = match seen.transport {
            Transport::Icmp(header) => (header, IpProtocol::ICMP),
            Transport::Icmp6(header) => (header, IpProtocol::ICMP6),
            _ => return false,
        };
        let found = IcmpPorts::of(header, protocol);
        if seen.side == self.originator {
            found == *ports
        } else {
            ports.has_answer && (found.kind, found.other) == (ports.other, ports.kind)
        }
    }

    fn is_over(&mut self, seen: &Seen) -> bool {
        let Self {
            kind,
            last,
            originator,
            ..
        } = self;
        match kind {
            Kind::Tcp(tcp) => {
                tcp.is_over(seen.at, *last, *originator)
                    || segment_of(seen).is_some_and(|it| tcp.is_reused_by(&it, *originator))
            }
            Kind::Udp { check, .. } => {
                while let Some(at) = check.filter(|at| *at <= seen.at) {
                    if at >= *last + DNS_IDLE {
                        return true;
                    }
                    *check = Some(at + DNS_CHECK);
                }
                seen.at >= *last + IDLE
            }
            Kind::Icmp { .. } | Kind::Other => seen.at >= *last + IDLE,
        }
    }

    fn packet(&mut self, seen: &Seen) {
        let role = Role::of(seen.side, self.originator);
        let size = u64::from(seen.payload_len);
        let was = self.originator;
        match &mut self.kind {
            Kind::Tcp(tcp) => match segment_of(seen) {
                Some(segment) => {
                    let context = Context {
                        at: seen.at,
                        originator: &mut self.originator,
                        letters: &mut self.letters,
                        last: &mut self.last,
                    };
                    tcp.segment(seen.side, &segment, context);
                    self.flags[role as usize] |= segment.header.flags.0;
                    if self.originator != was {
                        self.flags.reverse();
                        self.packets.reverse();
                        self.ip_bytes.reverse();
                    }
                }
                None => self.last = seen.at,
            },
            Kind::Udp { sizes, .. } => {
                let own = &mut sizes[role as usize];
                *own = Some(own.unwrap_or(0) + size);
                self.letters.note(role, 'D');
                self.last = seen.at;
            }
            Kind::Icmp { sizes, .. } => {
                sizes[role as usize] += size;
                self.last = seen.at;
            }
            Kind::Other => self.last = seen.at,
        }
        let role = Role::of(seen.side, self.originator);
        self.packets[role as usize] += 1;
        self.ip_bytes[role as usize] += u64::from(seen.ip_len);
    }

    fn record(&self, flow: FlowId, flow_ends: &Endpoints) -> ConnectionRecord {
        let (state, sizes, missed_bytes, icmp) = match &self.kind {
            Kind::Tcp(tcp) => (
                tcp.state(self.originator, &self.letters),
                tcp.sizes(self.originator),
                tcp.missed_bytes,
                None,
            ),
            Kind::Udp { sizes, .. } => {
                let state = match sizes {
                    [Some(_), Some(_)] => ConnectionState::Finished,
                    [Some(_), None] => ConnectionState::Attempt,
                    [None, Some(_)] => ConnectionState::HalfOpenResponder,
                    [None, None] => ConnectionState::Other,
                };
                (state, sizes.map(Option::unwrap_or_default), 0, None)
            }
            Kind::Icmp { ports, sizes } => (ConnectionState::Other, *sizes, 0, Some(*ports)),
            Kind::Other => (ConnectionState::Other, [0; 2], 0, None),
        };
        let by_role = |[initiator, responder]: [u64; 2]| BySide {
            initiator,
            responder,
        };
        let mut endpoints = *flow_ends;
        if self.originator == FlowSide::Responder {
            endpoints = Endpoints {
                src: flow_ends.dst,
                dst: flow_ends.src,
                ports: flow_ends.ports.map(|(src, dst)| (dst, src)),
                protocol: flow_ends.protocol,
            };
        }
        if let Some(ports) = icmp {
            endpoints.ports = Some((ports.kind, ports.other));
        }
        ConnectionRecord {
            flow,
            number: self.number,
            originator: self.originator,
            endpoints,
            start: self.start,
            last: self.last,
            state,
            payload_bytes: by_role(sizes),
            packets: by_role(self.packets),
            ip_bytes: by_role(self.ip_bytes),
            missed_bytes,
            tcp_flags: BySide {
                initiator: self.flags[0],
                responder: self.flags[1],
            },
            history: self.letters.as_str().into(),
            is_over: true,
            app: None,
            parents: Vec::new(),
        }
    }
}

impl Kind {
    fn icmp(ports: IcmpPorts) -> Self {
        Self::Icmp {
            ports,
            sizes: [0; 2],
        }
    }
}

impl IcmpPorts {
    fn of(header: IcmpHeader, protocol: IpProtocol) -> Self {
        let answer = match (protocol, header.kind) {
            (IpProtocol::ICMP, 8) => Some(0),
            (IpProtocol::ICMP, 0) => Some(8),
            (IpProtocol::ICMP, 9) => Some(10),
            (IpProtocol::ICMP, 10) => Some(9),
            (IpProtocol::ICMP, kind @ (13 | 15 | 17)) => Some(kind + 1),
            (IpProtocol::ICMP, kind @ (14 | 16 | 18)) => Some(kind - 1),
            (IpProtocol::ICMP6, kind @ (128 | 130 | 133 | 135 | 139 | 144)) => Some(kind + 1),
            (IpProtocol::ICMP6, kind @ (129 | 131 | 134 | 136 | 140 | 145)) => Some(kind - 1),
            _ => None,
        };
        Self {
            kind: header.kind.into(),
            other: answer.unwrap_or(header.code).into(),
            has_answer: answer.is_some(),
        }
    }
}

fn segment_of(seen: &Seen) -> Option<Segment> {
    let Transport::Tcp(header) = seen.transport else {
        return None;
    };
    Some(Segment {
        header,
        len: seen.payload_len,
        is_whole: seen.is_whole,
    })
}

/// The ports of the originator and the responder.
fn ports_of(flow_ends: &Endpoints, originator: FlowSide) -> (Option<u16>, Option<u16>) {
    match (flow_ends.ports, originator) {
        (Some((src, dst)), FlowSide::Initiator) => (Some(src), Some(dst)),
        (Some((src, dst)), FlowSide::Responder) => (Some(dst), Some(src)),
        (None, _) => (None, None),
    }
}

/// Whether the receiver of the first packet is the originator, by the ports.
fn is_flipped(protocol: IpProtocol, flow_ends: &Endpoints, seen: &Seen) -> bool {
    let (Some(src), Some(dst)) = ports_of(flow_ends, seen.side) else {
        return false;
    };
    let receiver = match seen.side {
        FlowSide::Initiator => flow_ends.dst,
        FlowSide::Responder => flow_ends.src,
    };
    if matches!(receiver, Host::Ip(core::net::IpAddr::V4(addr)) if addr.is_broadcast()) {
        return false;
    }
    let is_src_known = ports::is_likely_server(protocol, src);
    let is_dst_known = ports::is_likely_server(protocol, dst);
    match seen.transport {
        Transport::Tcp(header) => {
            let has_syn = header.flags.contains(TcpFlags::SYN);
            if has_syn && !header.flags.contains(TcpFlags::ACK) {
                return false;
            }
            match (is_src_known, is_dst_known) {
                (true, true) => !has_syn && src < dst,
                (is_src_known, _) => is_src_known,
            }
        }
        Transport::Udp => is_src_known && !is_dst_known,
        _ => false,
    }
}

/// The most connections of ICMP that are told apart within a flow at once.
const MAX_LIVE: usize = 32;
/// How long what is no TCP may be silent.
const IDLE: Duration = Duration::from_secs(60);
/// How often it is looked whether DNS is silent, and for how long it may be.
const DNS_CHECK: Duration = Duration::from_secs(10);
const DNS_IDLE: Duration = Duration::from_secs(9);
