//! The consumer of a dealer's engine.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::num::NonZeroU32;

use super::batch::{Attachments, COPIED};
use super::route::Route;
use super::step::{BlockNumber, Dealt, DealtPacket, DealtStep, PacketNote, PacketStep, StepKind};
use crate::engine::flow_ref::ConnectionNote;
use crate::engine::{Advance, Consumer, FlowEnd, FlowRef, Fragment, Reaction};
use crate::extract::Extracted;
use crate::track::{Anomalies, Effect, FlowId};
use crate::wire::{TcpFlags, Transport};
use crate::{FlowSide, Sink, Timestamp};

/// Makes steps of what an engine has its consumer do, and notes down where the
/// bytes of packets lie, or copies them.
#[derive(Debug)]
pub(super) struct DealingConsumer<K> {
    pub(super) route: Route,
    /// What goes beside the steps of each worker.
    pub(super) attached: Vec<Attachments<K>>,
    /// The blocks that were lent.
    blocks: Vec<LentBlock>,
    lent: Lent,
    /// The frame that a flow was opened with, and where it was copied to: the packet
    /// itself comes next.
    opened: Option<(usize, (u32, u32))>,
}

/// The block in which packets lie that are not copied.
#[derive(Debug, Default)]
struct Lent {
    address: usize,
    len: usize,
    number: BlockNumber,
    is_used: bool,
}

#[derive(Debug)]
struct LentBlock {
    address: usize,
    len: usize,
    /// Whether a worker needs a packet in it.
    is_used: bool,
}

/// What a dealer keeps of a flow for its worker.
#[derive(Debug, Default)]
pub(super) struct DealtFlow {
    /// Whether the worker needs no more of its packets.
    pub(super) passes: bool,
    /// The latest frame of which the worker was not told.
    passed: u64,
}

impl<K> DealingConsumer<K> {
    pub(super) fn new(route: Route) -> Self {
        Self {
            attached: (0..route.workers())
                .map(|_| Attachments::default())
                .collect(),
            route,
            blocks: Vec::new(),
            lent: Lent::default(),
            opened: None,
        }
    }

    /// Packets that lie in this block are not copied for now.
    #[inline]
    pub(super) fn lend(&mut self, block: &[u8]) {
        let lent = (block.as_ptr().addr(), block.len());
        if (self.lent.address, self.lent.len) != lent {
            self.lend_another(block);
        }
    }

    #[inline(never)]
    fn lend_another(&mut self, block: &[u8]) {
        self.note_use();
        let (address, len) = (block.as_ptr().addr(), block.len());
        if block.is_empty() {
            self.lent = Lent::default();
            return;
        }
        let latest = self.blocks.last();
        if latest.is_none_or(|latest| (latest.address, latest.len) != (address, len)) {
            self.blocks.push(LentBlock {
                address,
                len,
                is_used: false,
            });
        }
        // There may be more than can be told apart.
        let number = BlockNumber::try_from(self.blocks.len());
        self.lent = number.map_or_else(
            |_| Lent::default(),
            |number| Lent {
                address,
                len,
                number,
                is_used: false,
            },
        );
    }

    /// Notes down whether the block that is lent now is of use.
    fn note_use(&mut self) {
        let place = usize::from(self.lent.number).checked_sub(1);
        if let Some(block) = place.and_then(|place| self.blocks.get_mut(place)) {
            block.is_used |= self.lent.is_used;
        }
    }

    /// The blocks are taken. Says of each whether a worker needs it.
    pub(super) fn end_lending(&mut self) -> impl ExactSizeIterator<Item = bool> {
        self.note_use();
        self.lent = Lent::default();
        self.blocks.drain(..).map(|block| block.is_used)
    }

    /// Notes down where a packet lies, for the worker of a flow.
    #[inline]
    fn keep(&mut self, flow: FlowId, at: Timestamp, packet: &Extracted<'_, K>) -> DealtPacket {
        let bytes = packet.packet.frame;
        let place = bytes.as_ptr().addr().wrapping_sub(self.lent.address);
        let (block, frame) = match place.checked_add(bytes.len()) {
            Some(end) if end <= self.lent.len => {
                self.lent.is_used = true;
                (self.lent.number, (place as u32, end as u32))
            }
            _ => (COPIED, self.copy(flow, bytes)),
        };
        let payload = packet.payload.bytes;
        // The payload is a slice of the frame, unless an extractor has made one.
        let inside = (payload.as_ptr().addr()).wrapping_sub(bytes.as_ptr().addr());
        let (block, frame, payload) = match inside.checked_add(payload.len()) {
            _ if payload.is_empty() => (block, frame, (0, 0)),
            Some(end) if end <= bytes.len() => {
                let start = frame.0 + inside as u32;
                (block, frame, (start, start + payload.len() as u32))
            }
            _ => (
                COPIED,
                self.copy(flow, bytes),
                append(&mut self.attached_to(flow).copied, payload),
            ),
        };
        let note = match (packet.packet.timestamp == at, packet.decaps()) {
            (true, None) => None,
            (is_then, decaps) => self.attach(
                flow,
                PacketNote {
                    connection: None,
                    timestamp: (!is_then).then_some(packet.packet.timestamp),
                    decaps: decaps.map(|decaps| Box::new(*decaps)),
                },
            ),
        };
        DealtPacket {
            headers: packet.detach(),
            frame,
            payload,
            note,
            block,
        }
    }

    /// Copies a frame, unless it was the last that was.
    #[cold]
    fn copy(&mut self, flow: FlowId, frame: &[u8]) -> (u32, u32) {
        let address = frame.as_ptr().addr();
        match self.opened.take() {
            Some((of, copied))
                if of == address && (copied.1 - copied.0) as usize == frame.len() =>
            {
                copied
            }
            _ => append(&mut self.attached_to(flow).copied, frame),
        }
    }

    #[inline]
    fn attached_to(&mut self, flow: FlowId) -> &mut Attachments<K> {
        &mut self.attached[self.route.worker(flow)]
    }

    #[cold]
    fn attach(&mut self, flow: FlowId, note: PacketNote) -> Option<NonZeroU32> {
        let notes = &mut self.attached_to(flow).notes;
        notes.push(note);
        NonZeroU32::new(notes.len() as u32)
    }

    /// Adds what a packet that may begin or end something leaves of its connection.
    #[cold]
    fn note_connection(
        &mut self,
        flow: FlowId,
        packet: &mut DealtPacket,
        connection: ConnectionNote,
    ) {
        let notes = &mut self.attached_to(flow).notes;
        match packet.note {
            Some(number) => {
                if let Some(note) = notes.get_mut(number.get() as usize - 1) {
                    note.connection = Some(connection);
                }
            }
            None => {
                packet.note = self.attach(
                    flow,
                    PacketNote {
                        connection: Some(connection),
                        timestamp: None,
                        decaps: None,
                    },
                );
            }
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
#[inline(always)]
fn step<K>(flow: FlowRef<'_, K>, kind: StepKind) -> Dealt<K> {
    Dealt::Step(DealtStep {
        flow: flow.id,
        at: flow.at,
        packet: flow.packet,
        kind,
    })
}

impl<K: Clone> Consumer<K> for DealingConsumer<K> {
    type Flow = DealtFlow;
    type Event = Dealt<K>;
    type Pending = ();

    #[inline]
    fn advance(&mut self, to: Advance, out: &mut impl Sink<Dealt<K>>) {
        self.opened = None;
        out.push(Dealt::Advance(to));
    }

    fn open(
        &mut self,
        flow: FlowRef<'_, K>,
        packet: &Extracted<'_, K>,
        out: &mut impl Sink<Dealt<K>>,
    ) -> DealtFlow {
        let kept = self.keep(flow.id, flow.at, packet);
        let copied = (kept.block == COPIED).then_some(kept.frame);
        self.opened = copied.map(|frame| (packet.packet.frame.as_ptr().addr(), frame));
        let keys = &mut self.attached_to(flow.id).keys;
        keys.push(flow.key.clone());
        let kind = StepKind::Open {
            state: flow.state(),
            key: keys.len() as u32 - 1,
            packet: kept,
        };
        out.push(step(flow, kind));
        DealtFlow::default()
    }

    #[inline]
    fn packet(
        &mut self,
        state: &mut DealtFlow,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        packet: &Extracted<'_, K>,
        out: &mut impl Sink<Dealt<K>>,
    ) -> Reaction {
        if state.passes {
            state.passed = state.passed.max(flow.packet);
            out.push(Dealt::Passed);
            return Reaction::NONE;
        }
        let effect = flow.effect();
        let mut kept = self.keep(flow.id, flow.at, packet);
        if let Transport::Tcp(header) = &packet.transport
            && (effect == Effect::Confirming || header.flags.contains(TcpFlags::SYN))
        {
            let note = ConnectionNote::of(flow, side, header.seq);
            self.note_connection(flow.id, &mut kept, note);
        }
        let kind = StepKind::Packet(PacketStep {
            side,
            state: flow.state(),
            effect,
            is_counted: false,
            odd: None,
            packet: kept,
        });
        out.push(step(flow, kind));
        Reaction::NONE
    }

    fn fragment(
        &mut self,
        _: &mut DealtFlow,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        fragment: &Fragment<'_, K>,
        out: &mut impl Sink<Dealt<K>>,
    ) {
        let first = fragment.first;
        let kind = StepKind::Fragment {
            side,
            wire_len: fragment.wire_len,
            payload_len: 0,
            first: first.map(|first| self.keep(flow.id, flow.at, first)),
        };
        out.push(step(flow, kind));
    }

    fn close(
        &mut self,
        state: &mut DealtFlow,
        flow: FlowRef<'_, K>,
        end: FlowEnd<'_>,
        out: &mut impl Sink<Dealt<K>>,
    ) -> Anomalies {
        let stats = &mut self.attached_to(flow.id).stats;
        stats.push(*end.stats);
        let kind = StepKind::Close {
            reason: end.reason,
            cause: end.cause,
            state: flow.state(),
            passed: state.passed,
            stats: stats.len() as u32 - 1,
        };
        out.push(step(flow, kind));
        Anomalies::NONE
    }
}
