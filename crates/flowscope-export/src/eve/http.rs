//! `http` events: one for each request and its response.

use std::collections::VecDeque;

use flowscope_core::Timestamp;
use flowscope_http::{HttpMessage, HttpRequest, HttpResponse};
use flowscope_record::HttpRecord;

use super::protocols::{FlowFacts, ProtocolEvents, TakesRecord};
use super::{Head, event};
use crate::body;

/// Requests without a response.
#[derive(Debug, Default)]
pub(super) struct HttpState {
    pending: VecDeque<Pending>,
}

/// A request that waits for its response.
#[derive(Debug)]
struct Pending {
    at: Timestamp,
    frame: u64,
    client: flowscope_core::FlowSide,
    request: HttpRequest,
}

impl TakesRecord<HttpRecord> for HttpState {
    fn take(&mut self, record: &HttpRecord, flow: &mut FlowFacts, text: &mut Vec<u8>) {
        let community_id = flow.community_id(&record.endpoints);
        let head = |sender| Head {
            at: record.at,
            frame: Some(record.frame),
            flow: record.flow,
            endpoints: &record.endpoints,
            sender,
            kind: "http",
            community_id,
        };
        match &record.message {
            HttpMessage::Request(request) => {
                if self.pending.len() >= MAX_PENDING
                    && let Some(oldest) = self.pending.pop_front()
                {
                    write(
                        flow,
                        &head(oldest.client),
                        Some(&oldest.request),
                        None,
                        text,
                    );
                }
                self.pending.push_back(Pending {
                    at: record.at,
                    frame: record.frame,
                    client: request.side,
                    request: request.clone(),
                });
            }
            HttpMessage::Response(response) if !response.is_interim() => {
                let request = self.pending.pop_front().map(|it| it.request);
                let head = head(response.side.peer());
                write(flow, &head, request.as_ref(), Some(response), text);
            }
            _ => {}
        }
    }
}

impl ProtocolEvents for HttpState {
    /// Writes requests that nobody answered.
    fn finish(&mut self, of: &Head<'_>, flow: &mut FlowFacts, text: &mut Vec<u8>) {
        while let Some(pending) = self.pending.pop_front() {
            let head = Head {
                at: pending.at,
                frame: Some(pending.frame),
                sender: pending.client,
                kind: "http",
                ..*of
            };
            write(flow, &head, Some(&pending.request), None, text);
        }
    }
}

fn write(
    flow: &mut FlowFacts,
    head: &Head<'_>,
    request: Option<&HttpRequest>,
    response: Option<&HttpResponse>,
    text: &mut Vec<u8>,
) {
    let transaction = flow.next_transaction();
    event(text, head, |object| {
        head.write_community_id(object);
        object.number("tx_id", transaction);
        object.object("http", |object| {
            let host = request.and_then(HttpRequest::host);
            let (name, port) = split_port(host.map_or(b"", |host| host.as_bytes()));
            object.text("hostname", host.map(|_| name));
            object.number("http_port", port.map(u64::from));
            object.text("url", request.map(|it| it.target().as_bytes()));
            let agent = request.and_then(HttpRequest::user_agent);
            object.text("http_user_agent", agent.map(|it| it.as_bytes()));
            let kind = response.and_then(HttpResponse::content_type);
            object.text("http_content_type", kind.map(|it| it.as_bytes()));
            let refer = request.and_then(|it| it.header("referer"));
            object.text("http_refer", refer.map(|it| it.as_bytes()));
            object.text("http_method", request.map(HttpRequest::method));
            let version = request
                .map(|it| it.version)
                .or(response.map(|it| it.version));
            object.text("protocol", version.map(|it| it.to_string()));
            object.number("status", response.map(|it| it.status.into()));
            let location = response.and_then(|it| it.header("location"));
            object.text("redirect", location.map(|it| it.as_bytes()));
            let length = response.map_or(0, |response| {
                let encoding = response.header("content-encoding");
                body::decoded_len(&response.transfer, encoding.map(|it| it.as_bytes()))
            });
            object.number("length", length);
        });
    });
}

/// A host's name, and the port behind it.
fn split_port(host: &[u8]) -> (&[u8], Option<u16>) {
    let Some(colon) = host.iter().rposition(|byte| *byte == b':') else {
        return (host, None);
    };
    let (name, port) = host.split_at(colon);
    let port = port
        .get(1..)
        .and_then(|port| core::str::from_utf8(port).ok());
    match port.and_then(|port| port.parse().ok()) {
        Some(port) => (name, Some(port)),
        None => (host, None),
    }
}

const MAX_PENDING: usize = 100;
