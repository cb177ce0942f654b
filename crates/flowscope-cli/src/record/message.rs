//! The records of what is said.

use std::io;

use flowscope::Timestamp;
use flowscope::detect::{Message, Protocol};
use flowscope::http::{HttpAnomaly, HttpMessage};
use flowscope::tls::TlsMessage;
use flowscope::track::FlowId;

use super::{Ends, Fields, Line, Record, dns, http, tls};
use crate::format::{Cell, Table, Tone};
use crate::units;

/// A message of a protocol.
#[derive(Debug)]
pub(crate) struct MessageRecord {
    at: Timestamp,
    id: FlowId,
    ends: Ends,
    message: Message,
}

impl MessageRecord {
    /// `None` for what is no record of its own.
    pub(crate) fn new(id: FlowId, at: Timestamp, ends: Ends, message: Message) -> Option<Self> {
        match &message {
            Message::Http(
                HttpMessage::Request(_) | HttpMessage::Response(_) | HttpMessage::Anomaly(_),
            )
            | Message::Tls(
                TlsMessage::ClientHello(_)
                | TlsMessage::ServerHello(_)
                | TlsMessage::Certificate(_)
                | TlsMessage::Alert(_)
                | TlsMessage::Anomaly(_),
            )
            | Message::Dns(_) => {}
            _ => return None,
        }
        Some(Self {
            at,
            id,
            ends,
            message,
        })
    }

    /// Whether it is a message of `protocol`, and not about one.
    pub(crate) fn is_of(&self, protocol: Protocol) -> bool {
        match &self.message {
            Message::Http(HttpMessage::Anomaly(_)) | Message::Tls(TlsMessage::Anomaly(_)) => false,
            Message::Http(_) => protocol == Protocol::Http,
            Message::Tls(_) => protocol == Protocol::Tls,
            Message::Dns(_) => protocol == Protocol::Dns,
            _ => false,
        }
    }

    fn kind(&self) -> &'static str {
        match &self.message {
            Message::Http(message) => http::kind(message),
            Message::Tls(message) => tls::kind(message),
            Message::Dns(message) => dns::kind(message),
            _ => "message",
        }
    }
}

impl Record for MessageRecord {
    fn tell(&self, fields: &mut impl Fields) {
        fields.word("type", Some(self.kind()));
        fields.time("ts", Some(self.at));
        fields.number("flow", Some(self.id.number()));
        self.ends.tell(None, fields);
        match &self.message {
            Message::Http(message) => http::tell(message, fields),
            Message::Tls(message) => tls::tell(message, fields),
            Message::Dns(message) => dns::tell(message, self.ends.protocol, fields),
            _ => {}
        }
    }
}

impl Line for MessageRecord {
    fn draw(&self, table: &mut Table) -> io::Result<()> {
        let (tone, detail) = match &self.message {
            Message::Http(HttpMessage::Anomaly(HttpAnomaly { kind, side, .. })) => {
                (Tone::Bad, format!("{} by {}", kind.as_str(), side.as_str()))
            }
            Message::Http(message) => (Tone::Plain, http::detail(message)),
            Message::Tls(TlsMessage::Anomaly(odd)) => {
                (Tone::Bad, format!("parse_error by {}", odd.side.as_str()))
            }
            Message::Tls(message @ TlsMessage::Alert(_)) => (Tone::Bad, tls::detail(message)),
            Message::Tls(message) => (Tone::Plain, tls::detail(message)),
            Message::Dns(message) => (Tone::Plain, message.to_string()),
            _ => (Tone::Plain, String::new()),
        };
        table.row(vec![
            Cell::new(units::date_time(self.at)),
            Cell::toned(self.kind(), tone),
            Cell::new(self.id.to_string()),
            Cell::new(self.ends.proto()),
            Cell::new(self.ends.source()),
            Cell::new(self.ends.destination()),
            Cell::new(units::printable(&detail)),
        ])
    }
}

/// What every message has.
pub(super) const FIELDS: &[&str] = &[
    "type",
    "ts",
    "flow",
    "proto",
    "src",
    "src_port",
    "dst",
    "dst_port",
    "icmp_type",
    "icmp_code",
];

/// What a message of any protocol may have at its end.
pub(super) const LAST_FIELDS: &[&str] = &["lossy"];
