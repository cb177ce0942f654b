//! The fields of HTTP messages.

use flowscope_core::FlowSide;
use flowscope_http::{Headers, HttpMessage, HttpRequest, HttpResponse, HttpVersion};

use super::event::Anomaly;
use super::{MessageRecord, RecordedMessage};
use crate::names::{AskedIn, NameRequest};
use crate::schema::{self, Schema};
use crate::visit::{FieldVisitor, nanos};

impl RecordedMessage for HttpMessage {
    const SCHEMA: &'static Schema = &schema::HTTP;

    fn kind(&self) -> Option<&'static str> {
        match self {
            Self::Request(_) => Some("http_request"),
            Self::Response(_) => Some("http_response"),
            _ => None,
        }
    }

    fn visit(record: &MessageRecord<Self>, fields: &mut impl FieldVisitor) {
        match &record.message {
            Self::Request(request) => {
                fields.plain_text("side", Some(request.side.as_str()));
                visit_request(request, fields);
            }
            Self::Response(response) => {
                fields.plain_text("side", Some(response.side.as_str()));
                visit_response(response, fields);
            }
            _ => {}
        }
    }

    fn anomaly(&self) -> Option<(Anomaly, FlowSide)> {
        match self {
            Self::Anomaly(odd) => Some((Anomaly::Http(odd.kind), odd.side)),
            _ => None,
        }
    }

    fn name(&self) -> Option<NameRequest> {
        match self {
            Self::Request(request) => {
                let host = request.host()?.as_bytes();
                NameRequest::of_host(without_port(host), AskedIn::Http)
            }
            _ => None,
        }
    }
}

/// A host without the port behind it (RFC 9110, section 7.2). IPv6 addresses
/// are in brackets.
fn without_port(host: &[u8]) -> &[u8] {
    let host = host.trim_ascii();
    match host.iter().rposition(|byte| *byte == b':') {
        Some(colon) if host[colon + 1..].iter().all(u8::is_ascii_digit) => &host[..colon],
        _ => host,
    }
}

fn visit_request(request: &HttpRequest, fields: &mut impl FieldVisitor) {
    fields.text("method", Some(request.method()));
    fields.text("target", Some(request.target().as_bytes()));
    match request.version {
        HttpVersion::UNKNOWN => fields.text("version", None::<&str>),
        other => visit_version(other, fields),
    }
    fields.text("host", request.host().map(|host| host.as_bytes()));
    fields.text("user_agent", request.user_agent().map(|it| it.as_bytes()));
    fields.pairs("headers", pairs(request.headers()));
    fields.number("body_bytes", Some(request.body_bytes));
    fields.flag("incomplete", request.incomplete.then_some(true));
}

fn visit_response(response: &HttpResponse, fields: &mut impl FieldVisitor) {
    let answered = response.request.as_ref();
    let latency = answered.map(|request| nanos(request.latency));
    fields.number("status", Some(response.status.into()));
    fields.text("reason", Some(response.reason().as_bytes()));
    visit_version(response.version, fields);
    fields.text(
        "content_type",
        response.content_type().map(|it| it.as_bytes()),
    );
    fields.pairs("headers", pairs(response.headers()));
    fields.number("body_bytes", Some(response.body_bytes));
    fields.text("request_method", answered.map(|request| request.method()));
    fields.text("request_target", answered.map(|it| it.target().as_bytes()));
    fields.duration("latency", latency);
    fields.flag("incomplete", response.incomplete.then_some(true));
}

fn visit_version(version: HttpVersion, fields: &mut impl FieldVisitor) {
    match version {
        HttpVersion::HTTP_11 => fields.word("version", "HTTP/1.1"),
        HttpVersion::HTTP_10 => fields.word("version", "HTTP/1.0"),
        other => fields.text("version", Some(other.to_string())),
    }
}

fn pairs(headers: Headers<'_>) -> impl Iterator<Item = (&[u8], &[u8])> {
    headers.map(|header| (header.name.as_bytes(), header.value.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_the_same_with_and_without_its_port() {
        for (sent, host) in [
            ("example.org", "example.org"),
            (" example.org:8080", "example.org"),
            ("example.org:", "example.org"),
            ("[2001:db8::1]:80", "[2001:db8::1]"),
            ("[2001:db8::1]", "[2001:db8::1]"),
            ("a:b", "a:b"),
            ("", ""),
        ] {
            assert_eq!(without_port(sent.as_bytes()), host.as_bytes(), "{sent}");
        }
    }
}
