//! What is kept of a live flow.
//!
//! A million of these are in memory at once, so counters are 48 bits wide and
//! fields are packed; [`FlowStats`] is the roomy form that users see.

use super::history::{History, Letter};
use super::state::Control;
use super::tcp::{self, Connection, Verdict};
use super::{FlowState, FlowStats, IdleTimeouts};
use crate::wire::{TcpHeader, Transport};
use crate::{BySide, FlowSide, Orientation, Timestamp};
use core::time::Duration;

/// A live flow, without its key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flow {
    pub(crate) number: u64,
    /// Packet times, which may run backwards.
    first: Timestamp,
    last: Timestamp,
    /// The tracker's clock at the latest packet, which may not.
    touched: Timestamp,
    connection: Connection,
    counters: [Counters; 2],
    history: History,
    noted: [u16; 2],
    /// Which way the initiator's packets run along the key.
    initiator: Orientation,
    pub(crate) state: FlowState,
    class: Class,
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
pub(crate) struct Observed<'a> {
    pub(crate) at: Timestamp,
    pub(crate) orientation: Orientation,
    pub(crate) transport: &'a Transport,
    pub(crate) wire_len: u32,
    pub(crate) ip_len: u32,
    pub(crate) payload_len: u32,
    /// Whether the capture is shorter than the wire.
    pub(crate) is_cut: bool,
}

impl Flow {
    /// A flow that begins with `packet`, which is yet to be counted.
    pub(crate) fn new(number: u64, packet: &Observed<'_>, now: Timestamp) -> Self {
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
        let mut history = History::default();
        if answers {
            history.push_flipped();
        }
        Self {
            number,
            first: packet.at,
            last: packet.at,
            touched: now,
            connection: Connection::default(),
            counters: [Counters::default(); 2],
            history,
            noted: [0; 2],
            initiator: if answers {
                packet.orientation.reversed()
            } else {
                packet.orientation
            },
            state,
            class,
        }
    }

    /// Counts a packet that arrives when the tracker's clock is at `now`.
    #[inline]
    pub(crate) fn count(&mut self, packet: &Observed<'_>, now: Timestamp) -> Verdict {
        let side = self.side_of(packet.orientation);
        self.touched = now;
        self.last = self.last.max(packet.at);
        self.first = self.first.min(packet.at);
        let counters = &mut self.counters[side as usize];
        counters.add([1, packet.wire_len, packet.ip_len, packet.payload_len]);
        if packet.is_cut {
            counters.cut = counters.cut.saturating_add(1);
        }
        match packet.transport {
            Transport::Tcp(header) => self.count_segment(side, header, packet.payload_len),
            Transport::Udp | Transport::UdpLite if packet.payload_len > 0 => {
                self.note(side, Letter::Data);
                Verdict::Expected
            }
            _ => Verdict::Expected,
        }
    }

    #[inline]
    fn count_segment(&mut self, side: FlowSide, header: &TcpHeader, payload_len: u32) -> Verdict {
        let (state, verdict) = self.connection.step(self.state, side, header, payload_len);
        self.state = state;
        let (history, noted) = (&mut self.history, &mut self.noted[side as usize]);
        Connection::note(header, payload_len, |letter| {
            tcp::note_once(history, noted, side, letter);
        });
        let counters = &mut self.counters[side as usize];
        match verdict {
            Verdict::Retransmission => {
                counters.retransmissions = counters.retransmissions.saturating_add(1);
                if is_power_of_ten(counters.retransmissions) {
                    self.history.push(side, Letter::Retransmission);
                }
            }
            Verdict::OutOfOrder => {
                counters.out_of_order = counters.out_of_order.saturating_add(1);
            }
            Verdict::Expected | Verdict::RstOutOfWindow | Verdict::SynInConnection => {}
        }
        verdict
    }

    fn note(&mut self, side: FlowSide, letter: Letter) {
        tcp::note_once(
            &mut self.history,
            &mut self.noted[side as usize],
            side,
            letter,
        );
    }

    /// Whether `packet` is the first of another connection between the same
    /// two ends: a new SYN after this one is over or has long been silent.
    #[inline]
    pub(crate) fn is_replaced_by(
        &self,
        packet: &Observed<'_>,
        now: Timestamp,
        reuse_after: Duration,
    ) -> bool {
        let Transport::Tcp(header) = packet.transport else {
            return false;
        };
        if !matches!(Control::of(header.flags), Control::Syn | Control::SynAck) {
            return false;
        }
        let side = self.side_of(packet.orientation);
        (self.state.is_over() || now - self.touched >= reuse_after)
            && self.connection.is_new_syn(side, header)
    }

    /// Something of every cache line it lies in.
    #[inline]
    pub(super) fn warmth(&self) -> u64 {
        let [a, b] = &self.counters;
        u64::from(a.low[0])
            ^ u64::from(b.low[0])
            ^ self.number
            ^ self.touched.as_nanos()
            ^ u64::from(self.connection.warmth())
    }

    /// Who sent a packet that runs along `orientation`.
    #[inline]
    pub(crate) fn side_of(&self, orientation: Orientation) -> FlowSide {
        if orientation == self.initiator {
            FlowSide::Initiator
        } else {
            FlowSide::Responder
        }
    }

    /// Which way the initiator's packets run along the key.
    pub(crate) fn initiator(&self) -> Orientation {
        self.initiator
    }

    /// When it expires if nothing more is seen of it.
    #[inline]
    pub(crate) fn deadline(&self, timeout: Duration) -> Timestamp {
        self.touched + timeout
    }

    /// The idle timeout for what it is doing.
    #[inline]
    pub(crate) fn timeout(&self, idle: &IdleTimeouts) -> Duration {
        match (self.class, self.state) {
            (Class::Udp, _) => idle.udp,
            (Class::Other, _) => idle.other,
            (Class::Tcp, FlowState::SynSent | FlowState::SynReceived) => idle.handshake,
            (Class::Tcp, state) if state.is_over() => idle.closed,
            (Class::Tcp, _) => idle.tcp,
        }
    }

    /// The roomy form.
    pub(crate) fn stats(&self) -> FlowStats {
        let by_side = |read: fn(&Counters) -> u64| {
            BySide::from_fn(|side| read(&self.counters[side as usize]))
        };
        let rare = |read: fn(&Counters) -> u32| {
            BySide::from_fn(|side| read(&self.counters[side as usize]))
        };
        FlowStats {
            first_seen: self.first,
            last_seen: self.last,
            packets: by_side(|c| c.value(0)),
            bytes: by_side(|c| c.value(1)),
            ip_bytes: by_side(|c| c.value(2)),
            payload_bytes: by_side(|c| c.value(3)),
            retransmissions: rare(|c| c.retransmissions),
            out_of_order: rare(|c| c.out_of_order),
            cut_packets: rare(|c| c.cut),
            state: self.state,
            history: self.history,
        }
    }
}

/// One side's counters. The first four are 48 bits wide: enough for a year at
/// 70 Gbit/s.
#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    low: [u32; 4],
    high: [u16; 4],
    retransmissions: u32,
    out_of_order: u32,
    cut: u32,
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
