//! Names of hosts, from what they said.

use core::net::IpAddr;
use std::collections::BTreeMap;

use flowscope::FlowSide;
use flowscope::dns::DnsMessage;
use flowscope::http::HttpMessage;
use flowscope::quic::QuicMessage;
use flowscope::tls::{ClientHello, TlsMessage};
use flowscope_record::{Endpoints, Host, Record};

/// The names that a message asks for, in lower case.
pub(super) fn asked(record: &Record) -> impl Iterator<Item = String> {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).to_ascii_lowercase();
    let names: Vec<String> = match record {
        Record::Http(record) => match &record.message {
            HttpMessage::Request(request) => {
                let host = request.host().map(|host| text(host.as_bytes()));
                let name = host.map(|host| match host.rsplit_once(':') {
                    Some((name, port)) if port.parse::<u16>().is_ok() => name.to_owned(),
                    _ => host,
                });
                name.into_iter().collect()
            }
            _ => Vec::new(),
        },
        Record::Tls(record) => match &record.message {
            TlsMessage::ClientHello(hello) => hello.sni_bytes().map(text).into_iter().collect(),
            _ => Vec::new(),
        },
        Record::Quic(record) => match &record.message {
            QuicMessage::ClientHello(hello) => {
                hello.hello.sni_bytes().map(text).into_iter().collect()
            }
            _ => Vec::new(),
        },
        Record::Dns(record) => match record.message.packet() {
            Some(packet) => packet
                .questions()
                .map(|question| text(&question.name.readable().to_bytes()))
                .collect(),
            None => Vec::new(),
        },
        _ => Vec::new(),
    };
    names.into_iter()
}

/// Which address has which names.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<IpAddr, Vec<String>>);

impl Names {
    pub(super) fn learn(&mut self, record: &Record) {
        match record {
            Record::Dns(record) => {
                let DnsMessage::Response(response) = &record.message else {
                    return;
                };
                let Some(question) = response.packet.question() else {
                    return;
                };
                let name =
                    String::from_utf8_lossy(&question.name.readable().to_bytes()).into_owned();
                for answer in response.packet.answers() {
                    if let Some(addr) = answer.data.address() {
                        self.add(addr, &name);
                    }
                }
            }
            Record::Tls(record) => {
                if let TlsMessage::ClientHello(hello) = &record.message {
                    self.learn_hello(hello, &record.endpoints);
                }
            }
            Record::Quic(record) => {
                if let QuicMessage::ClientHello(hello) = &record.message {
                    self.learn_hello(&hello.hello, &record.endpoints);
                }
            }
            _ => {}
        }
    }

    fn learn_hello(&mut self, hello: &ClientHello, endpoints: &Endpoints) {
        let server = match hello.side() {
            FlowSide::Initiator => endpoints.dst,
            FlowSide::Responder => endpoints.src,
        };
        if let (Host::Ip(addr), Some(name)) = (server, hello.sni()) {
            self.add(addr, &name);
        }
    }

    fn add(&mut self, addr: IpAddr, name: &str) {
        let is_sound = !name.is_empty()
            && name.len() <= LONGEST
            && name.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_sound || self.0.len() >= MOST && !self.0.contains_key(&addr) {
            return;
        }
        let names = self.0.entry(addr).or_default();
        if names.len() < MOST_OF_ONE && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }

    /// The body of a Name Resolution Block, if there are names.
    pub(super) fn block(&self) -> Option<Vec<u8>> {
        if self.0.is_empty() {
            return None;
        }
        let mut body = Vec::new();
        for (addr, names) in &self.0 {
            let (kind, mut value) = match addr {
                IpAddr::V4(addr) => (1_u16, addr.octets().to_vec()),
                IpAddr::V6(addr) => (2, addr.octets().to_vec()),
            };
            for name in names {
                value.extend(name.bytes());
                value.push(0);
            }
            // At most eight names of at most 255 bytes.
            let len = value.len() as u16;
            body.extend(kind.to_le_bytes());
            body.extend(len.to_le_bytes());
            body.extend(value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        body.extend([0; 4]);
        Some(body)
    }
}

const LONGEST: usize = 255;
const MOST: usize = 65_536;
const MOST_OF_ONE: usize = 8;
