//! What is kept of a flow between its messages.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;

use flowscope_core::FlowSide;
use flowscope_core::track::FlowId;
use flowscope_core::wire::IpProtocol;
use flowscope_detect::Protocol;
use flowscope_http::HttpMessage;
use flowscope_quic::QuicMessage;
use flowscope_record::{ConnectionRecord, DnsRecord, Endpoints, HttpRecord, QuicRecord, TlsRecord};
use flowscope_tls::TlsMessage;

use super::dns::DnsState;
use super::http::HttpState;
use super::ssl::SslState;
use super::{Context, Lines, uid};

/// The flows that have said something.
#[derive(Debug, Default)]
pub(super) struct Flows {
    flows: HashMap<u64, Flow>,
    known: KnownCertificates,
}

/// Certificates that were written already.
#[derive(Debug, Default)]
pub(super) struct KnownCertificates {
    pub(super) seen: std::collections::HashSet<[u8; 32]>,
}

#[derive(Debug)]
struct Flow {
    context: Context,
    services: Vec<&'static str>,
    http: HttpState,
    dns: DnsState,
    ssl: SslState,
}

impl Flow {
    fn new(flow: FlowId, number: u32, endpoints: Endpoints, originator: FlowSide) -> Self {
        let uid = uid(flow, number, &endpoints);
        Self {
            context: Context {
                uid,
                endpoints,
                originator,
            },
            services: Vec::new(),
            http: HttpState::default(),
            dns: DnsState::default(),
            ssl: SslState::default(),
        }
    }

    fn speaks(&mut self, service: &'static str) {
        if !self.services.contains(&service) {
            self.services.push(service);
        }
    }

    fn finish(&mut self, known: &mut KnownCertificates, lines: &mut impl Lines) -> io::Result<()> {
        self.http.finish(&self.context, lines)?;
        self.dns.finish(&self.context, lines)?;
        self.ssl.finish(&self.context, known, lines)
    }
}

/// What the tunnel on a port of UDP is called. Whether there is one is not
/// known here: most that comes there is.
fn tunnel(port: u16) -> Option<&'static str> {
    match port {
        2152 | 2123 => Some("gtpv1"),
        3544 => Some("teredo"),
        4789 => Some("vxlan"),
        5072 => Some("ayiya"),
        6081 => Some("geneve"),
        _ => None,
    }
}

/// What a connection is called of which no message told.
fn service(connection: &ConnectionRecord) -> Option<&'static str> {
    let Endpoints {
        ports, protocol, ..
    } = connection.endpoints;
    match connection.app {
        Some(Protocol::Tls | Protocol::Dtls) => Some("ssl"),
        Some(app) => Some(app.as_str()),
        None if protocol == Some(IpProtocol::UDP) => ports.and_then(|(_, resp)| tunnel(resp)),
        None => None,
    }
}

/// Several services as one text.
fn joined(services: &[&'static str]) -> Option<Cow<'static, str>> {
    match services {
        [] => None,
        [service] => Some((*service).into()),
        services => Some(services.join(",").into()),
    }
}

impl Flows {
    fn flow(&mut self, flow: FlowId, endpoints: &Endpoints) -> &mut Flow {
        let new = || Flow::new(flow, 0, *endpoints, FlowSide::Initiator);
        self.flows.entry(flow.number()).or_insert_with(new)
    }

    fn take(&mut self, flow: FlowId) -> Option<Flow> {
        match self.flows.is_empty() {
            true => None,
            false => self.flows.remove(&flow.number()),
        }
    }

    /// Who talks on a flow.
    pub(super) fn context(&self, flow: FlowId, endpoints: &Endpoints) -> Context {
        match self.flows.get(&flow.number()) {
            Some(flow) => flow.context.clone(),
            None => Context {
                uid: uid(flow, 0, endpoints),
                endpoints: *endpoints,
                originator: FlowSide::Initiator,
            },
        }
    }

    /// Another connection of a flow begins, or one the other way round.
    pub(super) fn begin(&mut self, connection: &ConnectionRecord) {
        let ConnectionRecord { flow, number, .. } = *connection;
        let new = Flow::new(flow, number, connection.endpoints, connection.originator);
        self.flows.insert(flow.number(), new);
    }

    /// A connection is over: its name, and what it spoke.
    pub(super) fn end_connection(
        &mut self,
        connection: &ConnectionRecord,
        lines: &mut impl Lines,
    ) -> io::Result<(String, Option<Cow<'static, str>>)> {
        let ConnectionRecord { flow, number, .. } = *connection;
        let known = self.take(flow);
        let (uid, spoken) = match known {
            Some(mut known) => {
                known.finish(&mut self.known, lines)?;
                (known.context.uid, joined(&known.services))
            }
            None => (uid(flow, number, &connection.endpoints), None),
        };
        let service = spoken.or_else(|| service(connection).map(Cow::Borrowed));
        Ok((uid, service))
    }

    /// A flow is over.
    pub(super) fn end(&mut self, flow: FlowId, lines: &mut impl Lines) -> io::Result<()> {
        match self.take(flow) {
            Some(mut known) => known.finish(&mut self.known, lines),
            None => Ok(()),
        }
    }

    pub(super) fn finish(&mut self, lines: &mut impl Lines) -> io::Result<()> {
        let mut left: Vec<_> = self.flows.drain().collect();
        left.sort_by_key(|(number, _)| *number);
        for (_, mut flow) in left {
            flow.finish(&mut self.known, lines)?;
        }
        Ok(())
    }

    pub(super) fn http(&mut self, record: &HttpRecord, lines: &mut impl Lines) -> io::Result<()> {
        let flow = self.flow(record.flow, &record.endpoints);
        let is_confirmed = match &record.message {
            HttpMessage::Response(response) => response.request.is_some(),
            _ => true,
        };
        if is_confirmed {
            flow.speaks("http");
        }
        flow.http.message(&record.message, &flow.context, lines)
    }

    pub(super) fn dns(&mut self, record: &DnsRecord, lines: &mut impl Lines) -> io::Result<()> {
        let flow = self.flow(record.flow, &record.endpoints);
        flow.speaks("dns");
        flow.dns
            .message(record.at, &record.message, &flow.context, lines)
    }

    pub(super) fn tls(&mut self, record: &TlsRecord, lines: &mut impl Lines) -> io::Result<()> {
        let flow = self.flow(record.flow, &record.endpoints);
        if matches!(record.message, TlsMessage::ServerHello(_)) {
            flow.speaks("ssl");
        }
        flow.ssl.message(record.at, &record.message);
        match (&record.message, self.flows.get_mut(&record.flow.number())) {
            (TlsMessage::Handshake(_), Some(flow)) => {
                flow.ssl.finish(&flow.context, &mut self.known, lines)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn quic(&mut self, record: &QuicRecord) -> io::Result<()> {
        let flow = self.flow(record.flow, &record.endpoints);
        flow.speaks("quic");
        match &record.message {
            QuicMessage::ClientHello(hello) => {
                flow.speaks("ssl");
                flow.ssl.client_hello(record.at, &hello.hello);
            }
            QuicMessage::ServerHello(hello) => flow.ssl.server_hello(record.at, &hello.hello),
            _ => {}
        }
        Ok(())
    }
}
