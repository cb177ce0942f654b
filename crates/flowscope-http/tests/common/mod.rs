//! Conversations for the tests.
#![allow(dead_code, reason = "each test uses some of it")]

use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Close, Input, Interest, SessionParser, StreamEnd};
use flowscope_core::{FlowSide, Timestamp};
use flowscope_http::{HttpAnomalyKind, HttpConfig, HttpMessage, HttpParser};

pub(crate) const CLIENT: FlowSide = FlowSide::Initiator;
pub(crate) const SERVER: FlowSide = FlowSide::Responder;

/// What happens on a connection.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    Data(FlowSide, Vec<u8>),
    Gap(FlowSide, u64),
    End(FlowSide, Close),
}

pub(crate) fn client(bytes: impl AsRef<[u8]>) -> Step {
    Step::Data(CLIENT, bytes.as_ref().to_vec())
}

pub(crate) fn server(bytes: impl AsRef<[u8]>) -> Step {
    Step::Data(SERVER, bytes.as_ref().to_vec())
}

/// A parser that is fed steps, a second apart.
#[derive(Default)]
pub(crate) struct Talk {
    pub(crate) parser: HttpParser,
    pub(crate) messages: Vec<HttpMessage>,
    pub(crate) second: u64,
    pub(crate) done: bool,
    pub(crate) most_memory: usize,
}

impl Talk {
    pub(crate) fn new(config: HttpConfig) -> Self {
        Self {
            parser: HttpParser::new(config),
            ..Self::default()
        }
    }

    pub(crate) fn step(&mut self, step: &Step) {
        let at = Timestamp::new(self.second, 0);
        let input = match step {
            Step::Data(_, bytes) if bytes.is_empty() => return,
            Step::Data(side, bytes) => Input::new(*side, at, Chunk::Data(bytes)),
            Step::Gap(side, missing) => Input::new(*side, at, Chunk::Gap(*missing)),
            Step::End(side, how) => {
                if !self.done {
                    let end = StreamEnd::new(*side, at, *how);
                    self.parser.close(end, &mut self.messages);
                }
                return;
            }
        };
        if !self.done {
            let fed = self.parser.feed(input, &mut self.messages);
            self.done = fed != Ok(Interest::More);
            self.most_memory = self.most_memory.max(self.parser.memory());
        }
    }

    pub(crate) fn steps(mut self, steps: &[Step]) -> Self {
        for step in steps {
            self.second += 1;
            self.step(step);
        }
        self
    }

    pub(crate) fn finish(mut self) -> Self {
        self.second += 1;
        for side in FlowSide::BOTH {
            self.step(&Step::End(side, Close::Fin));
        }
        self
    }

    /// Each message in a few words.
    pub(crate) fn said(&self) -> Vec<String> {
        self.messages.iter().map(words).collect()
    }

    pub(crate) fn anomalies(&self) -> Vec<HttpAnomalyKind> {
        let kind = |message: &HttpMessage| match message {
            HttpMessage::Anomaly(anomaly) => Some(anomaly.kind),
            _ => None,
        };
        self.messages.iter().filter_map(kind).collect()
    }
}

pub(crate) fn said(steps: &[Step]) -> Vec<String> {
    Talk::default().steps(steps).finish().said()
}

fn words(message: &HttpMessage) -> String {
    match message {
        HttpMessage::Request(request) => format!(
            "{} {} {}{}",
            request.method(),
            request.target(),
            request.body_bytes,
            cut(request.incomplete, request.missing_bytes),
        ),
        HttpMessage::Response(response) => format!(
            "{} to {} {}{}",
            response.status,
            match &response.request {
                Some(request) => request.target().to_string(),
                None => "?".into(),
            },
            response.body_bytes,
            cut(response.incomplete, response.missing_bytes),
        ),
        HttpMessage::Tunnel(tunnel) => format!(
            "{:?} {}",
            tunnel.kind,
            tunnel.protocol().or(tunnel.target()).unwrap_or_default()
        ),
        HttpMessage::Anomaly(anomaly) => anomaly.kind.to_string(),
        other => format!("{other:?}"),
    }
}

fn cut(incomplete: bool, missing: u64) -> String {
    let mut words = String::new();
    if missing > 0 {
        words += &format!(" less {missing}");
    }
    if incomplete {
        words += " cut";
    }
    words
}
