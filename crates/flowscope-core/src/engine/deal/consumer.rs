//! The consumer of a dealer's engine.

use alloc::vec::Vec;

use super::route::Route;
use super::step::{Dealt, DealtPacket, DealtStep, StepKind};
use crate::engine::flow_ref::ConnectionNote;
use crate::engine::{Advance, Consumer, FlowEnd, FlowRef, Fragment, Reaction};
use crate::extract::Extracted;
use crate::track::{Anomalies, Effect, FlowId};
use crate::wire::{TcpFlags, Transport};
use crate::{FlowSide, Sink};

/// Makes steps of what an engine has its consumer do, and copies the bytes of
/// packets into the blocks of their workers.
#[derive(Debug)]
pub(super) struct DealingConsumer {
    pub(super) route: Route,
    /// A block of bytes for each worker.
    pub(super) blocks: Vec<Vec<u8>>,
    /// Where the frame that a flow was opened with lay, and lies now: the packet
    /// itself comes next.
    opened: Option<(usize, (u32, u32))>,
}

impl DealingConsumer {
    pub(super) fn new(route: Route) -> Self {
        Self {
            blocks: (0..route.workers()).map(|_| Vec::new()).collect(),
            route,
            opened: None,
        }
    }

    /// Copies a packet for the worker of a flow.
    #[inline]
    fn keep<K>(&mut self, flow: FlowId, packet: &Extracted<'_, K>) -> DealtPacket {
        let block = &mut self.blocks[self.route.worker(flow)];
        let (bytes, payload) = (packet.packet.frame, packet.payload.bytes);
        let address = bytes.as_ptr().addr();
        let frame = match self.opened.take() {
            Some((of, frame)) if of == address && (frame.1 - frame.0) as usize == bytes.len() => {
                frame
            }
            _ => append(block, bytes),
        };
        // The payload is a slice of the frame, unless an extractor has made one.
        let inside = payload.as_ptr().addr().wrapping_sub(address);
        let payload = match inside.checked_add(payload.len()) {
            _ if payload.is_empty() => (0, 0),
            Some(end) if end <= bytes.len() => {
                let start = frame.0 + inside as u32;
                (start, start + payload.len() as u32)
            }
            _ => append(block, payload),
        };
        DealtPacket {
            headers: packet.detach(),
            frame,
            payload,
        }
    }
}

/// Copies bytes to the end of a block.
#[inline]
fn append(block: &mut Vec<u8>, bytes: &[u8]) -> (u32, u32) {
    let start = block.len() as u32;
    block.extend_from_slice(bytes);
    (start, block.len() as u32)
}

/// A step of a flow.
fn step<K>(flow: FlowRef<'_, K>, kind: StepKind) -> DealtStep<K> {
    DealtStep {
        flow: flow.id,
        at: flow.at,
        packet: flow.packet,
        kind,
        key: None,
        note: None,
        stats: None,
    }
}

impl<K: Clone> Consumer<K> for DealingConsumer {
    type Flow = ();
    type Event = Dealt<K>;
    type Pending = ();

    #[inline]
    fn advance(&mut self, to: Advance, out: &mut impl Sink<Dealt<K>>) {
        out.push(Dealt::Advance(to));
    }

    fn open(
        &mut self,
        flow: FlowRef<'_, K>,
        packet: &Extracted<'_, K>,
        out: &mut impl Sink<Dealt<K>>,
    ) {
        let kept = self.keep(flow.id, packet);
        self.opened = Some((packet.packet.frame.as_ptr().addr(), kept.frame));
        let kind = StepKind::Open {
            state: flow.state(),
            key: 0,
            packet: kept,
        };
        out.push(Dealt::Step(DealtStep {
            key: Some(flow.key.clone()),
            ..step(flow, kind)
        }));
    }

    #[inline]
    fn packet(
        &mut self,
        (): &mut (),
        flow: FlowRef<'_, K>,
        side: FlowSide,
        packet: &Extracted<'_, K>,
        out: &mut impl Sink<Dealt<K>>,
    ) -> Reaction {
        let effect = flow.effect();
        let note = match &packet.transport {
            Transport::Tcp(header)
                if effect == Effect::Confirming || header.flags.contains(TcpFlags::SYN) =>
            {
                Some(ConnectionNote::of(flow, side, header.seq))
            }
            _ => None,
        };
        let kind = StepKind::Packet {
            side,
            state: flow.state(),
            effect,
            note: None,
            is_counted: false,
            found: Anomalies::NONE,
            changed: None,
            packet: self.keep(flow.id, packet),
        };
        out.push(Dealt::Step(DealtStep {
            note,
            ..step(flow, kind)
        }));
        Reaction::NONE
    }

    fn fragment(
        &mut self,
        (): &mut (),
        flow: FlowRef<'_, K>,
        side: FlowSide,
        fragment: &Fragment<'_, K>,
        out: &mut impl Sink<Dealt<K>>,
    ) {
        let kind = StepKind::Fragment {
            side,
            wire_len: fragment.wire_len,
            payload_len: 0,
            first: fragment.first.map(|first| self.keep(flow.id, first)),
        };
        out.push(Dealt::Step(step(flow, kind)));
    }

    fn close(
        &mut self,
        (): &mut (),
        flow: FlowRef<'_, K>,
        end: FlowEnd<'_>,
        out: &mut impl Sink<Dealt<K>>,
    ) -> Anomalies {
        let kind = StepKind::Close {
            reason: end.reason,
            cause: end.cause,
            state: flow.state(),
            stats: 0,
        };
        out.push(Dealt::Step(DealtStep {
            stats: Some(*end.stats),
            ..step(flow, kind)
        }));
        Anomalies::NONE
    }
}
