//! What is told of frames.

use flowscope::defrag::Loss;
use flowscope::detect::{Detector, Message};
use flowscope::dns::DnsMessage;
use flowscope::extract::{AutoDetectEncap, FiveTuple, FiveTupleKey};
use flowscope::http::HttpMessage;
use flowscope::quic::QuicMessage;
use flowscope::tls::TlsMessage;
use flowscope::track::EndReason;
use flowscope::{LinkType, PacketView, SessionEvent, Timestamp};
use flowscope_fixtures::Frame;

use crate::limit::Settings;

/// Lines, each once.
#[derive(Default)]
struct Lines(Vec<String>);

impl Lines {
    fn push(&mut self, line: impl Into<String>) {
        let line = line.into();
        if !self.0.contains(&line) {
            self.0.push(line);
        }
    }
}

/// What is read and reported of frames.
pub(crate) fn lines(settings: Settings, frames: &[Frame]) -> Vec<String> {
    let extractor = AutoDetectEncap::new(FiveTuple::bidirectional());
    let detector = Detector::new(settings.detect);
    let mut driver = detector.driver(extractor).with_config(settings.engine);
    let mut lines = Lines::default();
    let mut flows = 0;
    let mut on_event = |event: SessionEvent<FiveTupleKey, Message>| match event {
        SessionEvent::Anomaly { kind, .. } => lines.push(kind.as_str()),
        SessionEvent::Application { message, .. } => describe(&message, &mut lines),
        SessionEvent::Closed { reason, .. } => {
            flows += 1;
            if !matches!(reason, EndReason::EndOfInput | EndReason::Fin) {
                lines.push(format!("ended by {reason}"));
            }
        }
        _ => {}
    };
    for frame in frames {
        let at = Timestamp::from_nanos(frame.nanos);
        let packet = PacketView::new(&frame.bytes, at)
            .with_link(LinkType(frame.link))
            .with_wire_len(frame.wire_len);
        driver.track(packet, &mut on_event);
    }
    driver.finish(&mut on_event);
    let stats = driver.stats();
    for why in Loss::ALL {
        if stats.datagrams_lost(*why) > 0 {
            lines.push(format!("datagram lost: {why}"));
        }
    }
    if stats.fragments_refused > 0 {
        lines.push("fragment refused");
    }
    for (skip, _) in stats.skipped() {
        lines.push(format!("skipped: {}", skip.cause));
    }
    lines.push(format!("{flows} flows"));
    lines.0
}

fn describe(message: &Message, lines: &mut Lines) {
    match message {
        Message::Http(HttpMessage::Request(request)) => {
            lines.push(format!("request, {} bytes kept", request.body.len()));
        }
        Message::Http(HttpMessage::Response(response)) => {
            let answers = response.request.is_some();
            lines.push(if answers {
                "response to a request"
            } else {
                "response"
            });
        }
        Message::Http(HttpMessage::Anomaly(anomaly)) => lines.push(anomaly.kind.as_str()),
        Message::Tls(TlsMessage::ClientHello(_)) => lines.push("ClientHello"),
        Message::Tls(TlsMessage::Anomaly(anomaly)) => lines.push(anomaly.error.to_string()),
        Message::Quic(QuicMessage::ClientHello(_)) => lines.push("ClientHello"),
        Message::Quic(QuicMessage::ServerHello(_)) => lines.push("ServerHello"),
        Message::Quic(QuicMessage::Anomaly(anomaly)) => lines.push(anomaly.error.to_string()),
        Message::Dns(DnsMessage::Query(_)) => lines.push("query"),
        Message::Dns(DnsMessage::Response(response)) => {
            lines.push("response");
            if let Some(problem) = response.packet.problem() {
                lines.push(problem.to_string());
            }
            if response.packet.max_text() < response.packet.bytes().len() * 3 {
                lines.push("text is cut");
            }
        }
        Message::Dns(DnsMessage::Unanswered(unanswered)) => {
            lines.push(format!("unanswered: {}", unanswered.why));
        }
        _ => {}
    }
}
