//! What is read and reported of a case.

use std::collections::BTreeMap;

use flowscope::defrag::Loss;
use flowscope::detect::{DetectConfig, Detector, Message};
use flowscope::extract::{AutoDetectEncap, FiveTuple, FiveTupleKey};
use flowscope::http::HttpMessage;
use flowscope::reassemble::Chunk;
use flowscope::session::{Datagram, Input, Interest, StreamFactory};
use flowscope::tls::TlsMessage;
use flowscope::track::{AnomalyKind, EndReason, FlowId, FlowStats, TrackerStats};
use flowscope::wire::Transport;
use flowscope::{FlowDriver, FlowEvent, FlowSide, LinkType, PacketView, SessionEvent, Timestamp};
use flowscope_fixtures::Frame;

use crate::case::{As, Case};

const EXTRACTOR: AutoDetectEncap<FiveTuple> = AutoDetectEncap::new(FiveTuple::bidirectional());

#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) read: Vec<String>,
    /// Each once, in the order of its first occurrence.
    pub(crate) reported: Vec<String>,
}

pub(crate) fn outcome(case: &Case) -> Outcome {
    match case.as_what {
        As::Bytes => bytes(case),
        As::Messages => messages(case),
    }
}

fn view(frame: &Frame) -> PacketView<'_> {
    PacketView::new(&frame.bytes, Timestamp::from_nanos(frame.nanos))
        .with_link(LinkType(frame.link))
        .with_wire_len(frame.wire_len)
}

/// Who a side is, whoever was taken for the initiator.
fn name(key: &FiveTupleKey, side: FlowSide) -> &'static str {
    match key.addr(side).to_string().ends_with('1') {
        true => "client",
        false => "server",
    }
}

/// What each side of each flow says.
#[derive(Default)]
struct Said {
    flows: Vec<BTreeMap<&'static str, Vec<u8>>>,
}

impl StreamFactory<FiveTupleKey> for Said {
    type Stream = usize;

    fn open(&mut self, _: &FiveTupleKey, _: &Transport) -> Option<usize> {
        self.flows.push(BTreeMap::new());
        Some(self.flows.len() - 1)
    }

    fn feed(&mut self, flow: &mut usize, key: &FiveTupleKey, input: Input<'_>) -> Interest {
        let said = self.flows[*flow].entry(name(key, input.side)).or_default();
        match input.chunk {
            Chunk::Data(bytes) => said.extend(bytes),
            Chunk::Gap(len) => said.extend(format!("[{len} missing]").bytes()),
        }
        Interest::More
    }

    fn datagram(
        &mut self,
        flow: &mut usize,
        key: &FiveTupleKey,
        datagram: Datagram<'_>,
    ) -> Interest {
        let said = self.flows[*flow]
            .entry(name(key, datagram.side))
            .or_default();
        said.extend(datagram.payload);
        Interest::More
    }
}

impl Said {
    fn lines(&self) -> Vec<String> {
        let flows = self.flows.iter().filter(|said| !said.is_empty());
        let lines = flows.flat_map(|said| {
            said.iter()
                .map(|(who, bytes)| format!("{who}: {}", String::from_utf8_lossy(bytes)))
        });
        lines.collect()
    }
}

/// What was reported.
#[derive(Default)]
struct Reported {
    names: BTreeMap<FlowId, FiveTupleKey>,
    lines: Vec<String>,
}

impl Reported {
    fn push(&mut self, line: String) {
        if !self.lines.contains(&line) {
            self.lines.push(line);
        }
    }

    fn started(&mut self, flow: FlowId, key: FiveTupleKey) {
        self.names.insert(flow, key);
    }

    fn anomaly(&mut self, flow: FlowId, side: FlowSide, kind: AnomalyKind) {
        let who = name(&self.names[&flow], side);
        self.push(format!("{who} {kind}"));
    }

    fn ended(&mut self, key: &FiveTupleKey, reason: EndReason, stats: &FlowStats) {
        if reason == EndReason::Rst {
            self.push(format!("ended by {reason}"));
        }
        for side in FlowSide::BOTH {
            let dropped = stats.dropped_bytes[side];
            if dropped > 0 {
                self.push(format!("{} {dropped} bytes dropped", name(key, side)));
            }
        }
    }

    fn finish(&mut self, stats: &TrackerStats) {
        for (skip, _) in stats.skipped() {
            self.push(format!("skipped, {skip}"));
        }
        for why in Loss::ALL {
            if stats.datagrams_lost(*why) > 0 {
                self.push(format!("datagram lost, {why}"));
            }
        }
        if stats.fragments_refused > 0 {
            self.push("fragment refused".to_owned());
        }
    }
}

fn bytes(case: &Case) -> Outcome {
    let mut driver = FlowDriver::new(EXTRACTOR, Said::default()).with_config(case.config);
    let mut reported = Reported::default();
    let mut on_event = |event: FlowEvent<FiveTupleKey>| match event {
        FlowEvent::Started { flow, key, .. } => reported.started(flow, key),
        FlowEvent::Anomaly {
            flow, side, kind, ..
        } => reported.anomaly(flow, side, kind),
        FlowEvent::Ended {
            key, reason, stats, ..
        } => reported.ended(&key, reason, &stats),
        _ => {}
    };
    for frame in &case.frames {
        driver.track(view(frame), &mut on_event);
    }
    driver.finish(&mut on_event);
    reported.finish(driver.stats());
    Outcome {
        read: driver.factory().lines(),
        reported: reported.lines,
    }
}

fn messages(case: &Case) -> Outcome {
    let detector = Detector::new(DetectConfig::default());
    let mut driver = detector.driver(EXTRACTOR).with_config(case.config);
    let mut reported = Reported::default();
    let mut read = Vec::new();
    let mut on_event = |event: SessionEvent<FiveTupleKey, Message>| match event {
        SessionEvent::Started { flow, key, .. } => reported.started(flow, key),
        SessionEvent::Anomaly {
            flow, side, kind, ..
        } => reported.anomaly(flow, side, kind),
        SessionEvent::Application {
            key, side, message, ..
        } => match text(&message) {
            Text::Message(text) => read.push(format!("{}: {text}", name(&key, side))),
            Text::Odd(text) => reported.push(format!("{} {text}", name(&key, side))),
            Text::Nothing => {}
        },
        SessionEvent::Closed {
            key, reason, stats, ..
        } => reported.ended(&key, reason, &stats),
        _ => {}
    };
    for frame in &case.frames {
        driver.track(view(frame), &mut on_event);
    }
    driver.finish(&mut on_event);
    reported.finish(driver.stats());
    Outcome {
        read,
        reported: reported.lines,
    }
}

enum Text {
    Message(String),
    /// Something odd about what was read.
    Odd(String),
    /// Said elsewhere.
    Nothing,
}

fn text(message: &Message) -> Text {
    match message {
        Message::Http(message) => http(message),
        Message::Tls(message) => tls(message),
        Message::Dns(message) => Text::Message(message.to_string()),
        _ => Text::Nothing,
    }
}

fn http(message: &HttpMessage) -> Text {
    match message {
        HttpMessage::Request(request) => {
            let end = if request.incomplete {
                " (incomplete)"
            } else {
                ""
            };
            let (method, target) = (request.method(), request.target());
            let body = request.body_bytes;
            Text::Message(format!("{method} {target}, body of {body}{end}"))
        }
        HttpMessage::Response(response) => {
            let end = if response.incomplete {
                " (incomplete)"
            } else {
                ""
            };
            let to = response.request.as_ref();
            let to = to.map_or_else(String::new, |it| format!(" to {}", it.target()));
            let (status, body) = (response.status, response.body_bytes);
            Text::Message(format!("{status}{to}, body of {body}{end}"))
        }
        HttpMessage::Anomaly(anomaly) => Text::Odd(anomaly.kind.as_str().to_owned()),
        _ => Text::Nothing,
    }
}

fn tls(message: &TlsMessage) -> Text {
    match message {
        TlsMessage::ClientHello(hello) => Text::Message(format!(
            "ClientHello for {}",
            hello.sni().unwrap_or("no name".into())
        )),
        TlsMessage::ServerHello(_) => Text::Message("ServerHello".to_owned()),
        TlsMessage::Alert(_) => Text::Message("alert".to_owned()),
        TlsMessage::Anomaly(anomaly) => Text::Odd(anomaly.error.to_string()),
        _ => Text::Nothing,
    }
}
