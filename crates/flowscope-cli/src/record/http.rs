//! What records say of HTTP.

use flowscope::http::{Headers, HttpMessage, HttpRequest, HttpResponse, HttpVersion};

use super::Fields;
use crate::units;

pub(super) fn kind(message: &HttpMessage) -> &'static str {
    match message {
        HttpMessage::Request(_) => "http_request",
        HttpMessage::Response(_) => "http_response",
        _ => "anomaly",
    }
}

pub(super) fn tell(message: &HttpMessage, fields: &mut impl Fields) {
    match message {
        HttpMessage::Request(request) => {
            fields.word("side", Some(request.side.as_str()));
            tell_request(request, fields);
        }
        HttpMessage::Response(response) => {
            fields.word("side", Some(response.side.as_str()));
            tell_response(response, fields);
        }
        HttpMessage::Anomaly(anomaly) => {
            fields.word("kind", Some(anomaly.kind.as_str()));
            fields.word("side", Some(anomaly.side.as_str()));
        }
        _ => {}
    }
}

fn tell_request(request: &HttpRequest, fields: &mut impl Fields) {
    fields.text("method", Some(request.method()));
    fields.text("target", Some(request.target().as_bytes()));
    let known = request.version != HttpVersion::UNKNOWN;
    fields.text("version", known.then(|| request.version.to_string()));
    fields.text("host", request.host().map(|host| host.as_bytes()));
    fields.text("user_agent", request.user_agent().map(|it| it.as_bytes()));
    fields.pairs("headers", pairs(request.headers()));
    fields.number("body_bytes", Some(request.body_bytes));
    fields.flag("incomplete", request.incomplete.then_some(true));
}

fn tell_response(response: &HttpResponse, fields: &mut impl Fields) {
    let answered = response.request.as_ref();
    let latency = answered.map(|request| units::nanos(request.latency));
    fields.number("status", Some(response.status.into()));
    fields.text("reason", Some(response.reason().as_bytes()));
    fields.text("version", Some(response.version.to_string()));
    fields.text(
        "content_type",
        response.content_type().map(|it| it.as_bytes()),
    );
    fields.pairs("headers", pairs(response.headers()));
    fields.number("body_bytes", Some(response.body_bytes));
    fields.text("request_method", answered.map(|request| request.method()));
    fields.text("request_target", answered.map(|it| it.target().as_bytes()));
    fields.seconds("latency", latency);
    fields.flag("incomplete", response.incomplete.then_some(true));
}

fn pairs(headers: Headers<'_>) -> impl Iterator<Item = (&[u8], &[u8])> {
    headers.map(|header| (header.name.as_bytes(), header.value.as_bytes()))
}

/// What a table says about it.
pub(super) fn detail(message: &HttpMessage) -> String {
    match message {
        HttpMessage::Request(request) => {
            let host = request.host().unwrap_or_default();
            let target = request.target();
            match target.as_bytes().starts_with(b"/") {
                true => format!("{} {host}{target}", request.method()),
                false => format!("{} {target}", request.method()),
            }
        }
        HttpMessage::Response(response) => {
            let mut text = format!("{} {}", response.status, response.reason());
            if let Some(kind) = response.content_type() {
                text.push_str(&format!(" {kind}"));
            }
            text.push_str(&format!(" {}", units::bytes(response.body_bytes)));
            if let Some(request) = &response.request {
                let latency = units::duration(units::nanos(request.latency));
                let target = request.target();
                text.push_str(&format!(
                    " for {} {target} after {latency}",
                    request.method()
                ));
            }
            text
        }
        _ => String::new(),
    }
}

/// Every field, in the order in which records tell them.
pub(super) const FIELDS: &[&str] = &[
    "side",
    "method",
    "target",
    "status",
    "reason",
    "version",
    "host",
    "user_agent",
    "content_type",
    "headers",
    "body_bytes",
    "request_method",
    "request_target",
    "latency",
    "incomplete",
];
