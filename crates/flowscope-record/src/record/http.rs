//! The fields of HTTP messages.

use std::borrow::Cow;

use flowscope_http::{Headers, HttpMessage, HttpRequest, HttpResponse, HttpVersion};

use crate::visit::{FieldVisitor, nanos};

pub(super) fn kind(message: &HttpMessage) -> &'static str {
    match message {
        HttpMessage::Request(_) => "http_request",
        HttpMessage::Response(_) => "http_response",
        _ => "http",
    }
}

pub(super) fn visit(message: &HttpMessage, fields: &mut impl FieldVisitor) {
    match message {
        HttpMessage::Request(request) => {
            fields.plain_text("side", Some(request.side.as_str()));
            visit_request(request, fields);
        }
        HttpMessage::Response(response) => {
            fields.plain_text("side", Some(response.side.as_str()));
            visit_response(response, fields);
        }
        _ => {}
    }
}

fn visit_request(request: &HttpRequest, fields: &mut impl FieldVisitor) {
    fields.text("method", Some(request.method()));
    fields.text("target", Some(request.target().as_bytes()));
    let known = request.version != HttpVersion::UNKNOWN;
    fields.text("version", known.then(|| version(request.version)));
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
    fields.text("version", Some(version(response.version)));
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

fn version(version: HttpVersion) -> Cow<'static, [u8]> {
    match version {
        HttpVersion::HTTP_11 => b"HTTP/1.1".into(),
        HttpVersion::HTTP_10 => b"HTTP/1.0".into(),
        other => other.to_string().into_bytes().into(),
    }
}

fn pairs(headers: Headers<'_>) -> impl Iterator<Item = (&[u8], &[u8])> {
    headers.map(|header| (header.name.as_bytes(), header.value.as_bytes()))
}
