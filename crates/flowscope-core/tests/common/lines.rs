//! A parser of lines, some of which tell it what to do, and a way to write
//! down what a driver reports.

use core::fmt;
use core::time::Duration;

use flowscope_core::extract::FiveTupleKey;
use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{ByteBuffer, Close, Input, Interest, SessionParser, StreamEnd};
use flowscope_core::{BySide, FlowSide, SessionEvent, Sink, Timestamp};

pub(crate) type LineEvent = SessionEvent<FiveTupleKey, String>;

/// Reads lines, and obeys those that are an order:
///
/// - `bad` is an error, `quit` the end of its interest;
/// - `wait N` asks for a tick N milliseconds later, `past` for one in the past,
///   for ever;
/// - `doom` poisons it when a stream ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lines {
    unread: BySide<ByteBuffer>,
    pub(crate) tick: Option<Timestamp>,
    keeps_asking: bool,
    is_doomed: bool,
    is_poisoned: bool,
}

impl Lines {
    /// Asks for a tick before it has seen anything.
    pub(crate) fn waiting_until(at: Timestamp) -> Self {
        Self {
            tick: Some(at),
            ..Self::default()
        }
    }
}

#[derive(Debug)]
pub(crate) struct Bad;

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a bad line")
    }
}

impl core::error::Error for Bad {}

impl SessionParser for Lines {
    type Message = String;
    type Error = Bad;

    fn feed(&mut self, input: Input<'_>, out: &mut dyn Sink<String>) -> Result<Interest, Bad> {
        assert!(!self.is_poisoned, "called after an error");
        let buffer = &mut self.unread[input.side];
        match input.chunk {
            Chunk::Data(bytes) => buffer.extend(bytes).map_err(|_| Bad)?,
            Chunk::Gap(len) => {
                buffer.clear();
                out.push(format!("gap {len}"));
            }
        }
        while let Some(line) = buffer.take_until(b'\n') {
            let line = String::from_utf8_lossy(line).into_owned();
            match line.split_once(' ').unwrap_or((&line, "")) {
                ("bad", _) => {
                    self.is_poisoned = true;
                    return Err(Bad);
                }
                ("quit", _) => return Ok(Interest::Done),
                ("doom", _) => self.is_doomed = true,
                ("past", _) => {
                    self.tick = Some(Timestamp::EPOCH);
                    self.keeps_asking = true;
                }
                ("wait", millis) => {
                    let millis = millis.parse().map_err(|_| Bad)?;
                    self.tick = Some(input.at + Duration::from_millis(millis));
                }
                _ => {}
            }
            out.push(line);
        }
        Ok(Interest::More)
    }

    fn close(&mut self, end: StreamEnd, out: &mut dyn Sink<String>) {
        assert!(!self.is_poisoned, "called after an error");
        let how = match end.how {
            Close::Fin => "fin",
            Close::Reset => "reset",
            Close::Lost => "lost",
            _ => "otherwise",
        };
        let stats = end.stats;
        out.push(format!("{how} {}+{}", stats.delivered, stats.missing));
        self.is_poisoned = self.is_doomed;
    }

    fn next_tick(&self) -> Option<Timestamp> {
        self.tick
    }

    fn tick(&mut self, at: Timestamp, out: &mut dyn Sink<String>) {
        assert!(self.tick.is_some_and(|tick| tick <= at), "too early");
        if !self.keeps_asking {
            self.tick = None;
        }
        out.push("tick".to_owned());
    }

    fn is_poisoned(&self) -> bool {
        self.is_poisoned
    }
}

/// An event in a word or two, if it is more than a packet: `C: hello` is a
/// message of the client, `S! stream_gap` an anomaly of the server.
pub(crate) fn word<K>(event: &SessionEvent<K, String>) -> Option<String> {
    let letter = |side: &FlowSide| match side {
        FlowSide::Initiator => 'C',
        FlowSide::Responder => 'S',
    };
    Some(match event {
        SessionEvent::Application { side, message, .. } => {
            format!("{}: {message}", letter(side))
        }
        SessionEvent::Anomaly { side, kind, .. } => format!("{}! {}", letter(side), kind.as_str()),
        SessionEvent::ParserFailed { .. } => "failed".to_owned(),
        SessionEvent::Closed { reason, .. } => format!("closed {}", reason.as_str()),
        _ => return None,
    })
}

pub(crate) fn words<K>(events: &[SessionEvent<K, String>]) -> Vec<String> {
    events.iter().filter_map(word).collect()
}
