//! The streams of connections, as the engine tells of them.

use flowscope_core::extract::FiveTupleKey;
use flowscope_core::reassemble::StreamStats;
use flowscope_core::session::{Close, Input, Interest, StreamEnd, StreamFactory};
use flowscope_core::wire::Transport;
use flowscope_core::{FlowSide, Timestamp};

use super::stream_model::keep;

#[derive(Debug, Default)]
pub(crate) struct Log {
    pub(crate) flows: Vec<Seen>,
}

#[derive(Debug)]
pub(crate) struct Seen {
    /// The port of its client.
    pub(crate) port: u16,
    /// Which of the two hosts is the initiator.
    initiator: usize,
    /// By host, as is what follows: each byte, or that it is missing.
    pub(crate) out: [Vec<Option<u8>>; 2],
    pub(crate) closed: [Option<(Close, StreamStats)>; 2],
    pub(crate) is_over: bool,
}

impl Seen {
    pub(crate) fn host(&self, side: FlowSide) -> usize {
        match side {
            FlowSide::Initiator => self.initiator,
            FlowSide::Responder => 1 - self.initiator,
        }
    }

    pub(crate) fn side(&self, host: usize) -> FlowSide {
        match host == self.initiator {
            true => FlowSide::Initiator,
            false => FlowSide::Responder,
        }
    }
}

impl StreamFactory<FiveTupleKey> for Log {
    type Stream = usize;

    fn open(&mut self, key: &FiveTupleKey, _: &Transport) -> Option<usize> {
        let ports = [key.port(FlowSide::Initiator), key.port(FlowSide::Responder)]
            .map(|port| port.expect("it is TCP"));
        self.flows.push(Seen {
            port: ports[usize::from(ports[0] == SERVER_PORT)],
            initiator: usize::from(ports[0] == SERVER_PORT),
            out: Default::default(),
            closed: [None; 2],
            is_over: false,
        });
        Some(self.flows.len() - 1)
    }

    fn feed(&mut self, flow: &mut usize, _: &FiveTupleKey, input: Input<'_>) -> Interest {
        let seen = &mut self.flows[*flow];
        let host = seen.host(input.side);
        assert_eq!(seen.closed[host], None, "fed after its end");
        keep(&mut seen.out[host], input.chunk);
        Interest::More
    }

    fn close(&mut self, flow: &mut usize, _: &FiveTupleKey, end: StreamEnd) {
        let seen = &mut self.flows[*flow];
        let host = seen.host(end.side);
        let before = seen.closed[host].replace((end.how, end.stats));
        assert_eq!(before, None, "closed twice");
    }

    fn end(&mut self, flow: usize, _: &FiveTupleKey, _: Timestamp) {
        self.flows[flow].is_over = true;
    }
}

/// What tells the two hosts apart.
pub(crate) const SERVER_PORT: u16 = 80;
