//! Parsers, called as the engine calls them.

use core::fmt::Debug;

use flowscope::reassemble::Chunk;
use flowscope::session::{
    Close, Datagram, DatagramParser, Input, Interest, SessionParser, StreamEnd,
};
use flowscope::{BySide, FlowSide, Sink, Timestamp};

use crate::digest::Digest;
use crate::held::Held;
use crate::script::{Script, Step};

/// Feeds a parser of connections: whole, and cut into pieces. What it reads must
/// be the same, and it must hold no more than it says.
pub(crate) fn session<P>(parser: &P, script: &Script<'_>)
where
    P: SessionParser<Message: Debug> + Clone,
{
    let read = |piece| {
        let mut digest = Digest::default();
        messages(parser, script, piece, &mut |message| digest.push(&message));
        digest.finish()
    };
    if read(usize::MAX) != read(script.piece) {
        let read = |piece| {
            let mut read = Vec::new();
            let mut out = |message| read.push(format!("{message:?}"));
            messages(parser, script, piece, &mut out);
            read.join("\n")
        };
        let (whole, cut) = (read(usize::MAX), read(script.piece));
        panic!(
            "whole:\n{whole}\nin pieces of {} bytes:\n{cut}",
            script.piece
        );
    }
    let mut held = Held::default();
    let mut parser = held.during(|| parser.clone());
    let mut run = SessionRun::new(&mut parser, script.piece);
    for step in script.steps() {
        held.during(|| run.step(step, &mut |_| {}));
        held.check(run.parser.memory());
    }
}

/// What a parser reads of a script.
fn messages<P>(parser: &P, script: &Script<'_>, piece: usize, out: &mut dyn Sink<P::Message>)
where
    P: SessionParser + Clone,
{
    let mut parser = parser.clone();
    let mut run = SessionRun::new(&mut parser, piece);
    for step in script.steps() {
        run.step(step, out);
    }
    for side in FlowSide::BOTH {
        run.step(Step::End(side, Close::Lost), out);
    }
}

/// A parser of connections and the clock of its flow.
struct SessionRun<'a, P> {
    parser: &'a mut P,
    clock: Clock,
    piece: usize,
    has_ended: BySide<bool>,
    is_over: bool,
}

impl<'a, P: SessionParser> SessionRun<'a, P> {
    fn new(parser: &'a mut P, piece: usize) -> Self {
        Self {
            parser,
            clock: Clock::default(),
            piece,
            has_ended: BySide::default(),
            is_over: false,
        }
    }

    fn step(&mut self, step: Step<'_>, out: &mut dyn Sink<P::Message>) {
        match step {
            Step::Wait(time) => self.clock.now = self.clock.now + time,
            Step::Data(side, bytes) => {
                for piece in bytes.chunks(self.piece) {
                    self.feed(side, Chunk::Data(piece), out);
                }
            }
            Step::Gap(side, len) => self.feed(side, Chunk::Gap(len), out),
            Step::End(side, how) => {
                if !self.is_over && !self.has_ended[side] {
                    self.has_ended[side] = true;
                    let end = StreamEnd::new(side, self.clock.now, how);
                    self.parser.close(end, out);
                }
            }
        }
        while !self.is_over
            && let Some(due) = self.clock.due(self.parser.next_tick())
        {
            self.parser.tick(due, out);
        }
        self.is_over |= self.parser.is_poisoned();
    }

    fn feed(&mut self, side: FlowSide, chunk: Chunk<'_>, out: &mut dyn Sink<P::Message>) {
        if self.is_over || self.has_ended[side] {
            return;
        }
        let input = Input::new(side, self.clock.now, chunk);
        let fed = self.parser.feed(input, out);
        self.is_over = !matches!(fed, Ok(Interest::More)) || self.parser.is_poisoned();
    }
}

/// Feeds a parser of datagrams, which must hold no more than it says.
pub(crate) fn datagrams<P: DatagramParser + Clone>(parser: &P, script: &Script<'_>) {
    let mut held = Held::default();
    let mut parser = held.during(|| parser.clone());
    let mut clock = Clock::default();
    let out: &mut dyn Sink<P::Message> = &mut |_| {};
    for step in script.steps() {
        let mut is_over = false;
        held.during(|| match step {
            Step::Wait(time) => clock.now = clock.now + time,
            Step::Data(side, bytes) => {
                let datagram = Datagram::new(side, clock.now, bytes);
                let parsed = parser.parse(datagram, out);
                is_over = !matches!(parsed, Ok(Interest::More));
            }
            Step::Gap(..) | Step::End(..) => {}
        });
        held.check(parser.memory());
        if is_over || parser.is_poisoned() {
            return;
        }
        held.during(|| {
            while let Some(due) = clock.due(parser.next_tick()) {
                parser.tick(due, out);
            }
        });
    }
    parser.close(clock.now, out);
}

/// The time of a flow, and when its parser was called last.
struct Clock {
    now: Timestamp,
    called: Option<Timestamp>,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            now: Timestamp::new(1_700_000_000, 0),
            called: None,
        }
    }
}

impl Clock {
    /// The moment that a parser asks for, if it has come and was not asked for
    /// before.
    fn due(&mut self, asked: Option<Timestamp>) -> Option<Timestamp> {
        let due = asked.filter(|asked| *asked <= self.now)?;
        if self.called.is_some_and(|called| called >= due) {
            return None;
        }
        self.called = Some(due);
        Some(due)
    }
}
