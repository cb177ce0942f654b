//! What is kept of a flow between its messages.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io;

use flowscope_core::FlowSide;
use flowscope_core::track::FlowId;
use flowscope_core::wire::IpProtocol;
use flowscope_detect::Protocol;
use flowscope_record::{ConnectionRecord, Endpoints, Record};

use super::protocols::{KnownCertificates, Protocols, Services, Talk};
use super::{Context, Lines, uid};

/// The flows that have said something.
#[derive(Debug, Default)]
pub(super) struct Flows {
    flows: HashMap<u64, Flow>,
    known: KnownCertificates,
}

#[derive(Debug)]
struct Flow {
    context: Context,
    services: Services,
    protocols: Protocols,
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
            services: Services::default(),
            protocols: Protocols::default(),
        }
    }

    /// What is kept for the logs of protocols, and where their records are taken.
    fn talk<'a, L>(
        &'a mut self,
        known: &'a mut KnownCertificates,
        lines: &'a mut L,
    ) -> (&'a mut Protocols, Talk<'a, L>) {
        let talk = Talk {
            context: &self.context,
            services: &mut self.services,
            known,
            lines,
        };
        (&mut self.protocols, talk)
    }

    fn finish(&mut self, known: &mut KnownCertificates, lines: &mut impl Lines) -> io::Result<()> {
        let (protocols, mut talk) = self.talk(known, lines);
        protocols.finish(&mut talk)
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
    /// Takes the record of a message, if it is one that is logged.
    pub(super) fn take_message(
        &mut self,
        record: &Record,
        lines: &mut impl Lines,
    ) -> io::Result<()> {
        let Some((flow, endpoints)) = record.flow().filter(|_| Protocols::take_any(record)) else {
            return Ok(());
        };
        let new = || Flow::new(flow, 0, *endpoints, FlowSide::Initiator);
        let flow = self.flows.entry(flow.number()).or_insert_with(new);
        let (protocols, mut talk) = flow.talk(&mut self.known, lines);
        protocols.take(record, &mut talk)
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
                (known.context.uid, joined(known.services.as_slice()))
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
}
