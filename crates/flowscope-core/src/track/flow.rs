//! What is kept of a live flow.
//!
//! A million of these are in memory at once, so counters are 48 bits wide and
//! fields are packed; [`FlowStats`] is the roomy form that users see.
//!
//! Each cache line that a packet touches may be a wait for memory. With a key
//! of 40 bytes a [`Flow`] and its key fill three lines: one that every packet
//! and every look at a deadline needs, then one for each side. [`Rest`] is what
//! a usual packet leaves alone.

use super::history::{Code, History, Letter, Word};
use super::state::Control;
use super::tcp::{Sender, Verdict};
use super::{FlowState, FlowStats, IdleTimeouts};
use crate::wire::{TcpFlags, TcpHeader, Transport};
use crate::{BySide, FlowSide, Orientation, Timestamp};
use alloc::boxed::Box;
use core::time::Duration;

/// A live flow, without its key: what its packets touch.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Flow {
    /// The tracker's clock at the latest packet, which never runs backwards.
    touched: Timestamp,
    number: Number,
    pub(crate) state: FlowState,
    traits: Traits,
    /// The first letters of its history; more are in [`Rest`].
    history: Word,
    sides: [Side; 2],
    /// Packets that were captured shorter than they were on the wire.
    cut: [u32; 2],
}

/// The rest of a live flow, aligned so as to lie in one cache line.
#[derive(Debug)]
#[repr(align(32))]
pub(crate) struct Rest {
    /// Packet times, which may run backwards.
    first: Timestamp,
    /// The latest one, unless the flow says that it was touched then.
    last: Timestamp,
    /// Letters that found no room in the flow.
    history: Word,
    /// Few flows have any of it.
    rare: Option<Box<Rare>>,
}

/// What is counted of few flows, by side.
#[derive(Clone, Copy, Debug, Default)]
struct Rare {
    /// Late TCP segments that filled a hole.
    out_of_order: [u32; 2],
    /// Packets that were fragments.
    pieces: [u32; 2],
    /// Datagrams put together from them.
    wholes: [u32; 2],
}

/// What is kept of one side: with 8 bytes of the flow's a cache line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
struct Side {
    sender: Sender,
    counters: Counters,
}

/// Which of the idle timeouts applies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Class {
    Tcp,
    Udp,
    Other,
}

/// What one packet adds to its flow.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Observed {
    pub(crate) at: Timestamp,
    pub(crate) orientation: Orientation,
    pub(crate) transport: Transport,
    pub(crate) wire_len: u32,
    pub(crate) ip_len: u32,
    pub(crate) payload_len: u32,
    /// Whether the capture is shorter than the wire.
    pub(crate) is_cut: bool,
}

impl Flow {
    /// A flow that begins with `packet`, which is yet to be counted.
    pub(crate) fn new(number: u64, packet: &Observed, now: Timestamp) -> (Self, Rest) {
        let (class, state, control) = match packet.transport {
            Transport::Tcp(header) => {
                let control = Control::of(header.flags);
                (Class::Tcp, FlowState::first(control), Some(control))
            }
            Transport::TcpCut => (Class::Tcp, FlowState::Established, None),
            Transport::Udp | Transport::UdpLite => (Class::Udp, FlowState::Active, None),
            _ => (Class::Other, FlowState::Active, None),
        };
        // A SYN-ACK answers somebody, who is the initiator.
        let answers = control == Some(Control::SynAck);
        let mut initiator = packet.orientation;
        if answers {
            initiator = initiator.reversed();
        }
        let mut flow = Self {
            touched: now,
            number: Number::new(number),
            state,
            traits: Traits::new(class, initiator),
            history: Word::default(),
            sides: [Side::default(); 2],
            cut: [0; 2],
        };
        let mut rest = Rest {
            first: packet.at,
            last: packet.at,
            history: Word::default(),
            rare: None,
        };
        if answers {
            push(&mut flow.history, &mut rest, Code::FLIPPED);
        }
        (flow, rest)
    }

    /// Counts a packet that arrives when the tracker's clock is at `now`, and
    /// returns the state it leads to, if that is another.
    #[inline]
    pub(crate) fn count(
        &mut self,
        packet: &Observed,
        now: Timestamp,
        rest: &mut Rest,
    ) -> (Option<FlowState>, Verdict) {
        let side = self.count_lengths(packet, now, rest);
        self.step(side, &packet.transport, packet.payload_len, rest)
    }

    /// Counts a fragment: what it carries is known when its datagram is whole.
    #[cold]
    pub(crate) fn count_fragment(
        &mut self,
        packet: &Observed,
        now: Timestamp,
        rest: &mut Rest,
    ) -> FlowSide {
        let side = self.count_lengths(packet, now, rest);
        rest.count_fragment(side);
        side
    }

    /// Counts the payload of a datagram whose fragments are counted.
    #[cold]
    pub(crate) fn count_whole(
        &mut self,
        side: FlowSide,
        transport: &Transport,
        payload_len: u32,
        rest: &mut Rest,
    ) -> (Option<FlowState>, Verdict) {
        rest.count(side, |rare| &mut rare.wholes);
        let counters = &mut self.sides[side as usize].counters;
        counters.add([0, 0, 0, payload_len]);
        self.step(side, transport, payload_len, rest)
    }

    #[inline(always)]
    fn count_lengths(&mut self, packet: &Observed, now: Timestamp, rest: &mut Rest) -> FlowSide {
        let side = self.side_of(packet.orientation);
        if packet.at < now {
            self.touch_late(packet.at, now, rest);
        } else {
            self.touched = now;
            self.traits.set_last_is_touched(true);
        }
        self.sides[side as usize].counters.add([
            1,
            packet.wire_len,
            packet.ip_len,
            packet.payload_len,
        ]);
        if packet.is_cut {
            let count = &mut self.cut[side as usize];
            *count = count.saturating_add(1);
        }
        side
    }

    /// What a packet's transport header does to the flow.
    #[inline(always)]
    fn step(
        &mut self,
        side: FlowSide,
        transport: &Transport,
        payload_len: u32,
        rest: &mut Rest,
    ) -> (Option<FlowState>, Verdict) {
        match transport {
            Transport::Tcp(header) => self.count_segment(side, header, payload_len, rest),
            Transport::Udp | Transport::UdpLite if payload_len > 0 => {
                self.note(side, Letter::Data, rest);
                (None, Verdict::Expected)
            }
            _ => (None, Verdict::Expected),
        }
    }

    /// Notes the time of a packet that is older than one before it.
    #[cold]
    fn touch_late(&mut self, at: Timestamp, now: Timestamp, rest: &mut Rest) {
        rest.first = rest.first.min(at);
        rest.last = self.last(rest).max(at);
        self.touched = now;
        self.traits.set_last_is_touched(false);
    }

    /// The latest packet time.
    fn last(&self, rest: &Rest) -> Timestamp {
        if self.traits.last_is_touched() {
            self.touched
        } else {
            rest.last
        }
    }

    #[inline(always)]
    fn count_segment(
        &mut self,
        side: FlowSide,
        header: &TcpHeader,
        payload_len: u32,
        rest: &mut Rest,
    ) -> (Option<FlowState>, Verdict) {
        let [initiator, responder] = &mut self.sides;
        let (own, peer) = match side {
            FlowSide::Initiator => (initiator, &*responder),
            FlowSide::Responder => (responder, &*initiator),
        };
        let (next, verdict) = own
            .sender
            .step(&peer.sender, self.state, side, header, payload_len);
        if let Some(next) = next {
            self.state = next;
        }
        let history = &mut self.history;
        own.sender.note(header, payload_len, |letter| {
            push(history, rest, Code::new(side, letter));
        });
        match verdict {
            Verdict::Expected | Verdict::RstOutOfWindow | Verdict::SynInConnection => {}
            Verdict::Retransmission => {
                let count = &mut own.counters.retransmissions;
                *count = count.saturating_add(1);
                if is_power_of_ten(*count) {
                    push(history, rest, Code::new(side, Letter::Retransmission));
                }
            }
            Verdict::OutOfOrder => rest.count(side, |rare| &mut rare.out_of_order),
        }
        (next, verdict)
    }

    #[inline(always)]
    fn note(&mut self, side: FlowSide, letter: Letter, rest: &mut Rest) {
        let history = &mut self.history;
        self.sides[side as usize]
            .sender
            .note_once(letter, |letter| {
                push(history, rest, Code::new(side, letter))
            });
    }

    /// Whether `packet` is the first of another connection between the same
    /// two ends: a new SYN after this one is over or has long been silent.
    #[inline]
    pub(crate) fn is_replaced_by(
        &self,
        packet: &Observed,
        now: Timestamp,
        reuse_after: Duration,
    ) -> bool {
        let Transport::Tcp(header) = &packet.transport else {
            return false;
        };
        header.flags.contains(TcpFlags::SYN)
            && !header.flags.contains(TcpFlags::RST)
            && (self.state.is_over() || now - self.touched >= reuse_after)
            && self.sides[self.side_of(packet.orientation) as usize]
                .sender
                .is_new_syn(header)
    }

    /// Something of each side's cache line.
    #[inline]
    pub(super) fn warmth(&self) -> u32 {
        let [a, b] = &self.sides;
        a.counters.low[0] ^ b.counters.low[0]
    }

    /// The flow's place in the order of first packets.
    #[inline]
    pub(crate) fn number(&self) -> u64 {
        self.number.get()
    }

    /// Who sent a packet that runs along `orientation`.
    #[inline]
    pub(crate) fn side_of(&self, orientation: Orientation) -> FlowSide {
        if orientation == self.initiator() {
            FlowSide::Initiator
        } else {
            FlowSide::Responder
        }
    }

    /// Which way the initiator's packets run along the key.
    #[inline]
    pub(crate) fn initiator(&self) -> Orientation {
        self.traits.initiator()
    }

    /// When it expires if nothing more is seen of it.
    #[inline]
    pub(crate) fn deadline(&self, timeout: Duration) -> Timestamp {
        self.touched + timeout
    }

    /// The idle timeout for what it is doing.
    #[inline]
    pub(crate) fn timeout(&self, idle: &IdleTimeouts) -> Duration {
        match self.traits.class() {
            Class::Udp => idle.udp,
            Class::Other => idle.other,
            Class::Tcp => idle.of_tcp(self.state),
        }
    }

    /// The roomy form.
    pub(crate) fn stats(&self, rest: &Rest) -> FlowStats {
        let by_side = |read: fn(&Counters) -> u64| {
            BySide::from_fn(|side| read(&self.sides[side as usize].counters))
        };
        let each = |counts: [u32; 2]| BySide::from_fn(|side| counts[side as usize]);
        let rare = rest.rare.as_deref().copied().unwrap_or_default();
        FlowStats {
            first_seen: rest.first,
            last_seen: self.last(rest),
            packets: by_side(|c| c.value(0)),
            bytes: by_side(|c| c.value(1)),
            ip_bytes: by_side(|c| c.value(2)),
            payload_bytes: by_side(|c| c.value(3)),
            retransmissions: each(self.sides.map(|side| side.counters.retransmissions)),
            out_of_order: each(rare.out_of_order),
            cut_packets: each(self.cut),
            fragments: each(rare.pieces),
            reassembled: each(rare.wholes),
            missing_bytes: BySide::default(),
            held_peak: BySide::default(),
            state: self.state,
            history: History::of([self.history, rest.history]),
        }
    }
}

impl Rest {
    /// Counts a packet that is counted otherwise as a fragment.
    pub(crate) fn count_fragment(&mut self, side: FlowSide) {
        self.count(side, |rare| &mut rare.pieces);
    }

    /// Counts one more of something rare.
    #[cold]
    #[inline(never)]
    fn count(&mut self, side: FlowSide, of: fn(&mut Rare) -> &mut [u32; 2]) {
        let counts = of(self.rare.get_or_insert_default());
        let count = &mut counts[side as usize];
        *count = count.saturating_add(1);
    }

    /// Gives back what memory it holds, as nothing in it is of use any more.
    #[inline]
    pub(super) fn clear(&mut self) {
        self.rare = None;
    }

    /// Something of the cache line it lies in.
    #[inline]
    pub(super) fn warmth(&self) -> u64 {
        self.first.as_nanos()
    }
}

/// Adds a letter to a flow's history, as long as there is room.
#[inline]
fn push(history: &mut Word, rest: &mut Rest, code: Code) {
    if history.push(code).is_err() {
        // Two dozen are the most that is kept.
        let _ = rest.history.push(code);
    }
}

/// A flow's number in 48 bits: a thousand million a second for three days.
#[derive(Clone, Copy, Debug)]
struct Number([u16; 3]);

impl Number {
    const fn new(number: u64) -> Self {
        Self([number as u16, (number >> 16) as u16, (number >> 32) as u16])
    }

    #[inline]
    fn get(self) -> u64 {
        let [low, middle, high] = self.0.map(u64::from);
        high << 32 | middle << 16 | low
    }
}

/// What is always so of a flow, and one thing that is not, in one byte.
#[derive(Clone, Copy, Debug)]
struct Traits(u8);

impl Traits {
    const UDP: u8 = 1;
    const OTHER: u8 = 1 << 1;
    const REVERSE: u8 = 1 << 2;
    const LAST_IS_TOUCHED: u8 = 1 << 3;

    const fn new(class: Class, initiator: Orientation) -> Self {
        let class = match class {
            Class::Tcp => 0,
            Class::Udp => Self::UDP,
            Class::Other => Self::OTHER,
        };
        let initiator = match initiator {
            Orientation::Forward => 0,
            Orientation::Reverse => Self::REVERSE,
        };
        Self(class | initiator)
    }

    #[inline]
    const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }

    #[inline]
    const fn class(self) -> Class {
        if self.has(Self::UDP) {
            Class::Udp
        } else if self.has(Self::OTHER) {
            Class::Other
        } else {
            Class::Tcp
        }
    }

    #[inline]
    const fn initiator(self) -> Orientation {
        if self.has(Self::REVERSE) {
            Orientation::Reverse
        } else {
            Orientation::Forward
        }
    }

    /// Whether the latest packet was not older than the tracker's clock, so
    /// that its time is the flow's latest.
    #[inline]
    const fn last_is_touched(self) -> bool {
        self.has(Self::LAST_IS_TOUCHED)
    }

    #[inline]
    fn set_last_is_touched(&mut self, is: bool) {
        self.0 = self.0 & !Self::LAST_IS_TOUCHED | if is { Self::LAST_IS_TOUCHED } else { 0 };
    }
}

/// One side's counters. The first four are 48 bits wide: enough for a year at
/// 70 Gbit/s.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
struct Counters {
    low: [u32; 4],
    high: [u16; 4],
    retransmissions: u32,
}

impl Counters {
    #[inline]
    fn add(&mut self, amounts: [u32; 4]) {
        for ((low, high), amount) in self.low.iter_mut().zip(&mut self.high).zip(amounts) {
            let (sum, carry) = low.overflowing_add(amount);
            *low = sum;
            if carry {
                *high = high.saturating_add(1);
            }
        }
    }

    fn value(&self, at: usize) -> u64 {
        u64::from(self.high[at]) << 32 | u64::from(self.low[at])
    }
}

fn is_power_of_ten(count: u32) -> bool {
    count
        .checked_ilog10()
        .is_some_and(|digits| count == 10u32.pow(digits))
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn counters_carry_past_32_bits() {
        let mut counters = Counters::default();
        for _ in 0..3 {
            counters.add([1, u32::MAX, 0, 2]);
        }
        assert_eq!(counters.value(0), 3);
        assert_eq!(counters.value(1), 3 * u64::from(u32::MAX));
        assert_eq!(counters.value(2), 0);
        assert_eq!(counters.value(3), 6);
    }

    #[test]
    fn powers_of_ten() {
        let found: Vec<u32> = (0..2000).filter(|n| is_power_of_ten(*n)).collect();
        assert_eq!(found, [1, 10, 100, 1000]);
    }
}
