//! What is kept of a live flow.
//!
//! A million of these are in memory at once, so counters are 48 bits wide and
//! fields are packed; [`FlowStats`] is the roomy form that users see.
//!
//! Each cache line that a packet touches may be a wait for memory. With a key
//! of 40 bytes a [`Flow`] and its key fill three lines: one that every packet
//! and every look at a deadline needs, then one for each side. [`ColdState`] is what
//! a usual packet leaves alone.

use super::cold_state::ColdState;
use super::connection::{Unconfirmed, Verdict};
use super::counters::{Counters, SerialNumber};
use super::flow_flags::{FlowFlags, TimeoutClass};
use super::history::{History, Letter, LetterCode, PackedLetters};
use super::sender::{Sender, Sequence, is_plain};
use super::state::Control;
use super::{FlowState, FlowStats, IdleTimeouts};
use crate::wire::{TcpHeader, Transport};
use crate::{BySide, FlowSide, Orientation, SeqNumber, Timestamp};
use core::time::Duration;

/// A live flow, without its key: what its packets touch.
#[derive(Clone, Copy, Debug)]
#[repr(C)]
pub(crate) struct Flow {
    /// The tracker's clock at the latest packet, which never runs backwards.
    last_active: Timestamp,
    number: SerialNumber,
    pub(crate) state: FlowState,
    pub(super) flags: FlowFlags,
    /// The state before a reset, which counts if the receiver refused the RST.
    pub(super) state_before_reset: FlowState,
    /// The first letters of its history; more are in [`ColdState`].
    history: PackedLetters,
    pub(super) sides: [Side; 2],
    /// The number of the reset.
    pub(super) reset_at: SeqNumber,
    /// Packets that were captured shorter than they were on the wire, modulo
    /// 2^16; the rest is in [`RareState`].
    cut: [u16; 2],
}

/// What is kept of one side: with 8 bytes of the flow's a cache line.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub(super) struct Side {
    pub(super) sender: Sender,
    counters: Counters,
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
    pub(crate) fn new(number: u64, packet: &Observed, now: Timestamp) -> (Self, ColdState) {
        let (class, state, control) = match packet.transport {
            Transport::Tcp(header) => {
                let control = Control::of(header.flags);
                (TimeoutClass::Tcp, FlowState::first(control), Some(control))
            }
            Transport::TcpCut => (TimeoutClass::Tcp, FlowState::Established, None),
            Transport::Udp | Transport::UdpLite => (TimeoutClass::Udp, FlowState::Active, None),
            _ => (TimeoutClass::Other, FlowState::Active, None),
        };
        // The receiver of a SYN-ACK sent the SYN, so it is the initiator.
        // A capture that begins in the middle of a handshake shows the answer first.
        let answers = control == Some(Control::SynAck);
        let mut initiator = packet.orientation;
        if answers {
            initiator = initiator.reversed();
        }
        let mut flow = Self {
            last_active: now,
            number: SerialNumber::new(number),
            state,
            flags: FlowFlags::new(class, initiator),
            state_before_reset: state,
            history: PackedLetters::default(),
            sides: [Side::default(); 2],
            reset_at: SeqNumber(0),
            cut: [0; 2],
        };
        let mut cold = ColdState {
            first: packet.at,
            last: packet.at,
            history: PackedLetters::default(),
            rare: None,
        };
        if answers {
            push(&mut flow.history, &mut cold, LetterCode::FLIPPED);
        }
        (flow, cold)
    }

    /// Whether a segment changes nothing but counters, as most do.
    #[inline(always)]
    pub(crate) fn is_plain(&self, header: &TcpHeader) -> bool {
        self.flags.is_confirmed() && is_plain(header)
    }

    /// Counts a packet that arrives when the tracker's clock is at `now`.
    pub(crate) fn count(
        &mut self,
        packet: &Observed,
        now: Timestamp,
        cold: &mut ColdState,
    ) -> Verdict {
        match &packet.transport {
            Transport::Tcp(header) if self.is_plain(header) => {
                self.count_plain(header, packet, now, cold)
            }
            _ => self.count_other(packet, now, cold),
        }
    }

    /// Counts a segment that [is plain](Self::is_plain).
    #[inline(always)]
    pub(crate) fn count_plain(
        &mut self,
        header: &TcpHeader,
        packet: &Observed,
        now: Timestamp,
        cold: &mut ColdState,
    ) -> Verdict {
        let side = self.count_lengths(packet, now, cold);
        let history = &mut self.history;
        let sender = &mut self.sides[side as usize].sender;
        let sequence = sender.note_plain(header, packet.payload_len, |letter| {
            push(history, cold, LetterCode::new(side, letter));
        });
        self.count_sequence(side, packet.payload_len, sequence, cold);
        Verdict::PLAIN
    }

    /// Counts a packet that is no plain segment.
    ///
    /// The header of a segment is handed on as a copy, so that the packet itself
    /// is never written to memory.
    #[inline(always)]
    pub(crate) fn count_other(
        &mut self,
        packet: &Observed,
        now: Timestamp,
        cold: &mut ColdState,
    ) -> Verdict {
        let side = self.count_lengths(packet, now, cold);
        match &packet.transport {
            Transport::Tcp(header) => {
                return self.count_segment(side, *header, packet.payload_len, cold);
            }
            Transport::Udp | Transport::UdpLite if packet.payload_len > 0 => {
                self.note(side, Letter::Data, cold);
            }
            _ => {}
        }
        Verdict::PLAIN
    }

    /// Counts a fragment: what it carries is known when its datagram is whole.
    #[cold]
    pub(crate) fn count_fragment(
        &mut self,
        packet: &Observed,
        now: Timestamp,
        cold: &mut ColdState,
    ) -> FlowSide {
        let side = self.count_lengths(packet, now, cold);
        cold.count_fragment(side);
        side
    }

    /// Counts the payload of a datagram whose fragments are counted.
    #[cold]
    pub(crate) fn count_whole(
        &mut self,
        side: FlowSide,
        transport: &Transport,
        payload_len: u32,
        cold: &mut ColdState,
    ) -> Verdict {
        cold.count(side, |rare| &mut rare.reassembled);
        let counters = &mut self.sides[side as usize].counters;
        counters.add([0, 0, 0, payload_len]);
        self.step(side, transport, payload_len, cold)
    }

    #[inline(always)]
    fn count_lengths(
        &mut self,
        packet: &Observed,
        now: Timestamp,
        cold: &mut ColdState,
    ) -> FlowSide {
        let side = self.side_of(packet.orientation);
        if packet.at < now {
            self.note_late_packet(packet.at, now, cold);
        } else {
            self.last_active = now;
            self.flags.set_last_in_order(true);
        }
        self.sides[side as usize].counters.add([
            1,
            packet.wire_len,
            packet.ip_len,
            packet.payload_len,
        ]);
        if packet.is_cut {
            // Most captures cut no packet, or all of them: 16 bits are in reach of every
            // packet, and the carry is not.
            let (count, has_wrapped) = self.cut[side as usize].overflowing_add(1);
            self.cut[side as usize] = count;
            if has_wrapped {
                cold.count(side, |rare| &mut rare.cut);
            }
        }
        side
    }

    /// What the transport header of a datagram put together does to the flow.
    fn step(
        &mut self,
        side: FlowSide,
        transport: &Transport,
        payload_len: u32,
        cold: &mut ColdState,
    ) -> Verdict {
        match transport {
            Transport::Tcp(header) => self.count_segment(side, *header, payload_len, cold),
            Transport::Udp | Transport::UdpLite if payload_len > 0 => {
                self.note(side, Letter::Data, cold);
                Verdict::PLAIN
            }
            _ => Verdict::PLAIN,
        }
    }

    /// Notes the time of a packet that is older than one before it.
    #[cold]
    fn note_late_packet(&mut self, at: Timestamp, now: Timestamp, cold: &mut ColdState) {
        cold.first = cold.first.min(at);
        cold.last = self.last(cold).max(at);
        self.last_active = now;
        self.flags.set_last_in_order(false);
    }

    /// The latest packet time.
    fn last(&self, cold: &ColdState) -> Timestamp {
        if self.flags.last_in_order() {
            self.last_active
        } else {
            cold.last
        }
    }

    /// Counts a segment that may begin or end something.
    #[inline(never)]
    fn count_segment(
        &mut self,
        side: FlowSide,
        header: TcpHeader,
        payload_len: u32,
        cold: &mut ColdState,
    ) -> Verdict {
        let (verdict, sequence) = self.process_segment(side, &header, payload_len, cold);
        let history = &mut self.history;
        let own = &mut self.sides[side as usize];
        own.sender.note(&header, payload_len, |letter| {
            push(history, cold, LetterCode::new(side, letter));
        });
        self.count_sequence(side, payload_len, sequence, cold);
        verdict
    }

    /// Counts a segment that repeats numbers, or comes late.
    #[inline(always)]
    fn count_sequence(
        &mut self,
        side: FlowSide,
        payload_len: u32,
        sequence: Sequence,
        cold: &mut ColdState,
    ) {
        match sequence {
            Sequence::Expected => {}
            Sequence::Retransmission => self.count_retransmission(side, payload_len, cold),
            Sequence::OutOfOrder => {
                cold.count(side, |rare| &mut rare.out_of_order);
            }
        }
    }

    /// Zeek notes what carries data alone, the first time and at every tenfold.
    #[cold]
    fn count_retransmission(&mut self, side: FlowSide, payload_len: u32, cold: &mut ColdState) {
        let own = &mut self.sides[side as usize];
        let count = &mut own.counters.retransmissions;
        *count = count.saturating_add(1);
        if payload_len == 0 {
            return;
        }
        let code = LetterCode::new(side, Letter::Retransmission);
        let mut is_first = false;
        (own.sender).note_once(Letter::Retransmission, |_| is_first = true);
        if is_first || *count > 1 && is_power_of_ten(*count) {
            push(&mut self.history, cold, code);
        }
    }

    /// Notes a packet that is not counted because its checksum is wrong: the first
    /// time and at every tenfold, as Zeek does.
    #[cold]
    pub(crate) fn note_bad_checksum(&mut self, orientation: Orientation, cold: &mut ColdState) {
        let side = self.side_of(orientation);
        if is_power_of_ten(cold.count(side, |rare| &mut rare.bad_checksums)) {
            let code = LetterCode::new(side, Letter::BadChecksum);
            push(&mut self.history, cold, code);
        }
    }

    #[inline(always)]
    fn note(&mut self, side: FlowSide, letter: Letter, cold: &mut ColdState) {
        let history = &mut self.history;
        self.sides[side as usize]
            .sender
            .note_once(letter, |letter| {
                push(history, cold, LetterCode::new(side, letter))
            });
    }

    /// The tracker's clock at its latest packet.
    pub(crate) fn last_active(&self) -> Timestamp {
        self.last_active
    }

    /// What is not confirmed of its connection, to be changed.
    pub(super) fn unconfirmed_mut<'c>(&mut self, cold: &'c mut ColdState) -> &'c mut Unconfirmed {
        self.flags.set(FlowFlags::HAS_UNCONFIRMED, true);
        &mut cold.rare.get_or_insert_default().unconfirmed
    }

    /// A word of each side's cache line.
    #[inline]
    pub(super) fn prefetch_word(&self) -> u64 {
        let [a, b] = &self.sides;
        a.counters.prefetch_word() ^ b.counters.prefetch_word()
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
        self.flags.initiator()
    }

    /// When it expires if nothing more is seen of it.
    #[inline]
    pub(crate) fn deadline(&self, timeout: Duration) -> Timestamp {
        self.last_active + timeout
    }

    /// The idle timeout for what it is doing.
    #[inline]
    pub(crate) fn timeout(&self, idle: &IdleTimeouts) -> Duration {
        match self.flags.class() {
            TimeoutClass::Udp => idle.udp,
            TimeoutClass::Other => idle.other,
            TimeoutClass::Tcp => idle.of_tcp(self.state),
        }
    }

    /// The statistics as users see them.
    pub(crate) fn stats(&self, cold: &ColdState) -> FlowStats {
        let by_side = |read: fn(&Counters) -> u64| {
            BySide::from_fn(|side| read(&self.sides[side as usize].counters))
        };
        let each = |counts: [u32; 2]| BySide::from_fn(|side| counts[side as usize]);
        let rare = cold.rare.as_deref().copied().unwrap_or_default();
        FlowStats {
            first_seen: cold.first,
            last_seen: self.last(cold),
            packets: by_side(|c| c.value(0)),
            bytes: by_side(|c| c.value(1)),
            ip_bytes: by_side(|c| c.value(2)),
            payload_bytes: by_side(|c| c.value(3)),
            retransmissions: each(self.sides.map(|side| side.counters.retransmissions)),
            out_of_order: each(rare.out_of_order),
            cut_packets: BySide::from_fn(|side| {
                let [low, high] = [self.cut[side as usize].into(), rare.cut[side as usize]];
                high.saturating_mul(1 << 16).saturating_add(low)
            }),
            fragments: each(rare.fragments),
            reassembled: each(rare.reassembled),
            missing_bytes: BySide::default(),
            dropped_bytes: BySide::default(),
            held_peak: BySide::default(),
            state: self.state,
            history: History::of([self.history, cold.history]),
        }
    }
}

/// Adds a letter to a flow's history, as long as there is room.
#[inline]
fn push(history: &mut PackedLetters, cold: &mut ColdState, code: LetterCode) {
    if history.push(code).is_err() {
        // Two dozen are the most that is kept.
        let _ = cold.history.push(code);
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
    fn a_flow_and_its_key_fill_three_cache_lines() {
        let key = size_of::<crate::extract::FiveTupleKey>();
        assert!(size_of::<Flow>() + key + size_of::<u64>() <= 3 * 64);
    }

    #[test]
    fn powers_of_ten() {
        let found: Vec<u32> = (0..2000).filter(|n| is_power_of_ten(*n)).collect();
        assert_eq!(found, [1, 10, 100, 1000]);
    }
}
