//! Both streams of connections, each kept byte by byte.
//!
//! Connections are opened in their turn, or joined in their middle, and never
//! closed: where a stream begins and ends is told by evidence, and another
//! model's business.

use flowscope_core::reassemble::{StreamConfig, StreamState, StreamStats};
use flowscope_core::session::Close;
use flowscope_core::track::EndReason;
use flowscope_core::wire::TcpFlags;

use super::stream_model::{Model, Part, Phase};

#[derive(Default)]
pub(crate) struct Models {
    pub(crate) flows: Vec<Expected>,
}

pub(crate) struct Expected {
    pub(crate) sides: [Model; 2],
    /// Whether it was over before anything of it was seen: then no number says
    /// which of the segments that follow are keep-alives.
    pub(crate) is_blank: [bool; 2],
    pub(crate) closed: [Option<(Close, StreamStats)>; 2],
    /// Whether a SYN was seen of a side, and where it begins is not settled.
    is_opening: [bool; 2],
    /// Of the bytes that came out, those that are remembered for a while.
    kept: [Vec<bool>; 2],
    /// How many more are, before the other side speaks.
    budget: [usize; 2],
    speaker: usize,
}

impl Models {
    pub(crate) fn start(&mut self, config: StreamConfig) {
        self.flows.push(Expected {
            sides: [Model::new(config), Model::new(config)],
            is_blank: [false; 2],
            closed: [None; 2],
            is_opening: [false; 2],
            kept: Default::default(),
            budget: [KEPT; 2],
            speaker: 0,
        });
    }

    pub(crate) fn end(&mut self, reason: EndReason) {
        if let Some(flow) = self.flows.last_mut() {
            flow.finish(match reason {
                EndReason::Rst => Close::Reset,
                _ => Close::Lost,
            });
        }
    }

    /// A packet that came when the latest was of `clock`.
    pub(crate) fn packet(&mut self, from: usize, part: &Part, ack: Option<i64>, clock: u64) {
        let flow = self.flows.last_mut().expect("it was started");
        for side in &mut flow.sides {
            side.expire(clock);
        }
        flow.remember(0);
        flow.remember(1);
        let to = 1 - from;
        if part.has(TcpFlags::SYN) {
            flow.is_opening[from] = true;
            if ack.is_some() {
                // It answers a SYN, seen or not.
                flow.sides[to].begin(0);
                flow.is_opening[to] = false;
            }
            return;
        }
        if flow.is_opening[to] && ack.is_some() {
            flow.sides[to].begin(0);
            flow.is_opening[to] = false;
        }
        if let Some(ack) = ack {
            flow.sides[to].acknowledge(ack, part.flags, part.at);
            flow.remember(to);
        }
        flow.compare(from, part);
        flow.sides[from].push(part);
        flow.remember(from);
        flow.close_finished();
    }
}

impl Expected {
    /// Notes what has come out of a side's stream.
    fn remember(&mut self, from: usize) {
        let out = &self.sides[from].out;
        for byte in &out[self.kept[from].len()..] {
            if byte.is_some() && self.speaker != from {
                self.speaker = from;
                self.budget[from] = KEPT;
            }
            let is_kept = byte.is_some() && self.budget[from] > 0;
            self.budget[from] -= usize::from(is_kept);
            self.kept[from].push(is_kept);
        }
    }

    /// Counts bytes that say otherwise than what came out in their place.
    fn compare(&mut self, from: usize, part: &Part) {
        let side = &mut self.sides[from];
        let start = part.start();
        let is_probe = part.len() == 1 && start + 1 == side.known_end();
        let is_old = (side.base..side.next).contains(&start);
        if is_probe || !is_old || !matches!(side.phase, Phase::Open | Phase::Finished) {
            return;
        }
        let first = usize::try_from(start - side.base).expect("it is not before the first");
        let before = side.out.iter().zip(&self.kept[from]).skip(first);
        let differing = before
            .zip(&part.bytes)
            .filter(|((was, is_kept), is)| **is_kept && **was != Some(**is));
        let differing = differing.count() as u64;
        side.counts.conflicts += differing;
    }

    pub(crate) fn close_finished(&mut self) {
        for (side, closed) in self.sides.iter().zip(&mut self.closed) {
            if side.state() == StreamState::Finished && closed.is_none() {
                *closed = Some((Close::Fin, side.stats()));
            }
        }
    }

    pub(crate) fn finish(&mut self, how: Close) {
        for side in 0..self.sides.len() {
            self.finish_side(side, how);
        }
    }

    pub(crate) fn finish_side(&mut self, from: usize, how: Close) {
        let side = &mut self.sides[from];
        self.is_blank[from] |= matches!(side.phase, Phase::Waiting | Phase::Acked);
        side.finish();
        self.close_finished();
        self.closed[from].get_or_insert((how, self.sides[from].stats()));
    }
}

/// Bytes that are remembered of what a side says before the other speaks.
const KEPT: usize = 1024;
