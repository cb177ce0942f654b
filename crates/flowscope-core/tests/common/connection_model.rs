//! Both streams of connections, each kept byte by byte.

use flowscope_core::reassemble::{StreamConfig, StreamState, StreamStats};
use flowscope_core::session::Close;
use flowscope_core::track::{EndReason, FlowState};
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
}

impl Models {
    pub(crate) fn start(&mut self, config: StreamConfig) {
        self.flows.push(Expected {
            sides: [Model::new(config), Model::new(config)],
            is_blank: [false; 2],
            closed: [None; 2],
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

    /// A packet that led to `state`, when the latest was of `clock`.
    pub(crate) fn packet(
        &mut self,
        from: usize,
        part: &Part,
        ack: Option<i64>,
        state: FlowState,
        clock: u64,
    ) {
        let flow = self.flows.last_mut().expect("it was started");
        for side in &mut flow.sides {
            side.expire(clock);
        }
        flow.close_finished();
        if part.has(TcpFlags::RST) {
            // Whether it is plausible is not the streams' business.
            if state == FlowState::Reset {
                // The other side may have sent more before it heard of this.
                flow.finish_side(from, Close::Reset);
            }
            return;
        }
        if let Some(ack) = ack {
            flow.sides[1 - from].acknowledge(ack, part.flags, part.at);
        }
        flow.sides[from].push(part);
        flow.close_finished();
    }
}

impl Expected {
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
