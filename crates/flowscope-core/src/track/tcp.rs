//! What a connection's sequence numbers say about its segments.

use super::FlowState;
use super::history::{History, Letter};
use super::state::Control;
use crate::wire::{TcpFlags, TcpHeader};
use crate::{FlowSide, SeqNumber};

/// Both directions of a TCP connection.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Connection {
    sides: [Direction; 2],
}

/// What is known of one side's numbers.
#[derive(Clone, Copy, Debug, Default)]
struct Direction {
    /// The sequence number of its SYN.
    isn: SeqNumber,
    /// One past the last sequence number it used.
    next: SeqNumber,
    /// The last number it acknowledged, and the window it then offered.
    acked: SeqNumber,
    window: u32,
    /// Numbers passed over on the way to `next`: from, to.
    hole: [SeqNumber; 2],
    window_scale: u8,
    known: Known,
}

/// Which fields of a [`Direction`] hold something.
#[derive(Clone, Copy, Debug, Default)]
struct Known(u8);

impl Known {
    const ISN: u8 = 1;
    const NEXT: u8 = 1 << 1;
    const ACKED: u8 = 1 << 2;
    const HOLE: u8 = 1 << 3;

    const fn has(self, field: u8) -> bool {
        self.0 & field != 0
    }
}

/// What a segment is to its connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// It goes on from what was sent before.
    Expected,
    /// All its numbers were sent before.
    Retransmission,
    /// It is late and fills a hole.
    OutOfOrder,
    /// An RST that its receiver would refuse.
    RstOutOfWindow,
    /// A SYN with a new number on a connection in use.
    SynInConnection,
}

impl Connection {
    /// Whether a segment with a SYN is the beginning of another connection
    /// rather than a copy of this one's.
    pub(crate) fn is_new_syn(&self, side: FlowSide, header: &TcpHeader) -> bool {
        let known = self.side(side);
        header.flags.contains(TcpFlags::SYN)
            && (!known.known.has(Known::ISN) || known.isn != header.seq)
    }

    /// Takes note of a segment of `side` with `payload_len` bytes of data, and
    /// returns the state it leads to.
    #[inline]
    pub(crate) fn step(
        &mut self,
        state: FlowState,
        side: FlowSide,
        header: &TcpHeader,
        payload_len: u32,
    ) -> (FlowState, Verdict) {
        let control = Control::of(header.flags);
        match control {
            Control::Rst => {
                if !self.accepts_rst(state, side, header) {
                    return (state, Verdict::RstOutOfWindow);
                }
                return (state.next(side, Control::Rst), Verdict::Expected);
            }
            Control::Syn | Control::SynAck if self.contradicts(state, side, header) => {
                return (state, Verdict::SynInConnection);
            }
            Control::Syn | Control::SynAck | Control::Ack | Control::Fin => {}
        }

        let verdict = self.side_mut(side).send(header, payload_len);
        if header.flags.contains(TcpFlags::ACK) {
            self.side_mut(side).acknowledge(header);
        }
        let next = match control {
            Control::Ack if state == FlowState::Established => state,
            Control::Ack if !self.acks_everything(side) => state,
            _ => state.next(side, control),
        };
        (next, verdict)
    }

    /// A SYN that neither begins this connection nor repeats its beginning.
    fn contradicts(&self, state: FlowState, side: FlowSide, header: &TcpHeader) -> bool {
        match state {
            // Nobody has answered yet: another attempt takes the place.
            FlowState::SynSent => false,
            FlowState::SynReceived if !self.side(side).known.has(Known::ISN) => false,
            _ => self.is_new_syn(side, header) && self.side(side).known.has(Known::NEXT),
        }
    }

    /// Whether `side` has acknowledged all that the other side is known to
    /// have sent.
    fn acks_everything(&self, side: FlowSide) -> bool {
        let (own, peer) = (self.side(side), self.side(side.peer()));
        !peer.known.has(Known::NEXT)
            || own.known.has(Known::ACKED) && !own.acked.is_before(peer.next)
    }

    /// Whether the other side would take this RST (RFC 9293, section 3.5.3):
    /// inside its window, or an answer to its SYN.
    fn accepts_rst(&self, state: FlowState, side: FlowSide, header: &TcpHeader) -> bool {
        let (own, peer) = (self.side(side), self.side(side.peer()));
        let answers_syn = state == FlowState::SynSent && side == FlowSide::Responder;
        if answers_syn && header.flags.contains(TcpFlags::ACK) {
            let unanswered = header.ack.distance_from(peer.isn);
            return unanswered > 0 && !peer.next.is_before(header.ack);
        }
        let from = match (own.known.has(Known::NEXT), peer.known.has(Known::ACKED)) {
            (_, true) => peer.acked,
            (true, false) => own.next,
            (false, false) => return true,
        };
        let window = if peer.known.has(Known::ACKED) {
            peer.window
        } else {
            u16::MAX.into()
        };
        let mut to = from + window;
        if own.known.has(Known::NEXT) {
            to = to.later(own.next);
        }
        !header.seq.is_before(from) && !to.is_before(header.seq)
    }

    /// Notes the letters of Zeek's history that a segment stands for.
    pub(crate) fn note(header: &TcpHeader, payload_len: u32, mut letter: impl FnMut(Letter)) {
        let has = |flags| header.flags.contains(flags);
        let (syn, fin, rst) = (has(TcpFlags::SYN), has(TcpFlags::FIN), has(TcpFlags::RST));
        if rst && (syn || fin) {
            letter(Letter::Inconsistent);
        } else if syn && fin {
            letter(Letter::MultiFlag);
        } else if syn {
            letter(if has(TcpFlags::ACK) {
                Letter::SynAck
            } else {
                Letter::Syn
            });
        }
        if payload_len > 0 {
            letter(Letter::Data);
        } else if !syn && !fin && !rst && has(TcpFlags::ACK) {
            letter(Letter::Ack);
        }
        if fin && !syn && !rst {
            letter(Letter::Fin);
        }
        if rst && !syn && !fin {
            letter(Letter::Rst);
        }
        if header.window == Some(0) && !rst && !syn {
            letter(Letter::ZeroWindow);
        }
    }

    /// Something of every cache line it lies in.
    #[inline]
    pub(super) fn warmth(&self) -> u32 {
        let [a, b] = &self.sides;
        a.next.0 ^ b.next.0
    }

    fn side(&self, side: FlowSide) -> &Direction {
        &self.sides[side as usize]
    }

    fn side_mut(&mut self, side: FlowSide) -> &mut Direction {
        &mut self.sides[side as usize]
    }
}

impl Direction {
    /// Takes note of the sequence numbers a segment uses.
    #[inline]
    fn send(&mut self, header: &TcpHeader, payload_len: u32) -> Verdict {
        let syn = header.flags.contains(TcpFlags::SYN);
        let fin = header.flags.contains(TcpFlags::FIN);
        let has_ack = header.flags.contains(TcpFlags::ACK);
        let len = payload_len + u32::from(syn) + u32::from(fin);
        if syn {
            self.begin(header);
        }
        if len == 0 {
            // A pure ACK uses no number; its own is the next one to be used.
            if !self.known.has(Known::NEXT) {
                self.next = header.seq;
                self.known.0 |= Known::NEXT;
            }
            return Verdict::Expected;
        }
        let (from, to) = (header.seq, header.seq + len);
        if !self.known.has(Known::NEXT) {
            self.next = to;
            self.known.0 |= Known::NEXT;
            return Verdict::Expected;
        }
        match from.distance_from(self.next) {
            0 => {
                self.next = to;
                Verdict::Expected
            }
            1.. => {
                self.pass_over(from);
                self.next = to;
                Verdict::Expected
            }
            // A keep-alive repeats the last number on purpose (RFC 9293,
            // section 3.8.4).
            -1 if payload_len <= 1 && !syn && !fin => Verdict::Expected,
            // The second SYN of a simultaneous open, which answers the peer's.
            _ if syn && has_ack && !self.known.has(Known::ACKED) => Verdict::Expected,
            _ => {
                let verdict = if self.fill(from, to) {
                    Verdict::OutOfOrder
                } else if self.next.is_before(to) {
                    Verdict::Expected
                } else {
                    Verdict::Retransmission
                };
                self.next = self.next.later(to);
                verdict
            }
        }
    }

    /// A SYN: where the numbers begin, and how the window is to be read.
    fn begin(&mut self, header: &TcpHeader) {
        if !self.known.has(Known::ISN) || self.isn != header.seq {
            self.isn = header.seq;
            self.next = header.seq;
            self.known.0 |= Known::ISN | Known::NEXT;
        }
        self.window_scale = header.window_scale.unwrap_or(0);
    }

    fn acknowledge(&mut self, header: &TcpHeader) {
        // The window of a SYN itself is never scaled (RFC 7323, section 2.2).
        let shift = if header.flags.contains(TcpFlags::SYN) {
            0
        } else {
            self.window_scale
        };
        if !self.known.has(Known::ACKED) || !header.ack.is_before(self.acked) {
            self.acked = header.ack;
            self.window = u32::from(header.window.unwrap_or(u16::MAX)) << shift;
            self.known.0 |= Known::ACKED;
        }
    }

    /// Notes that the numbers from `next` up to `until` were passed over. A
    /// hole before them is joined to them.
    fn pass_over(&mut self, until: SeqNumber) {
        if !self.known.has(Known::HOLE) {
            self.hole[0] = self.next;
            self.known.0 |= Known::HOLE;
        }
        self.hole[1] = until;
    }

    /// Whether the numbers `from..to` lie in the hole, which they then close
    /// from whichever end they touch.
    fn fill(&mut self, from: SeqNumber, to: SeqNumber) -> bool {
        if !self.known.has(Known::HOLE) {
            return false;
        }
        let [start, end] = self.hole;
        if !from.is_before(end) || !start.is_before(to) {
            return false;
        }
        let touches_start = !start.is_before(from);
        let touches_end = !to.is_before(end);
        match (touches_start, touches_end) {
            (true, true) => self.known.0 &= !Known::HOLE,
            (true, false) => self.hole[0] = to,
            (false, true) => self.hole[1] = from,
            (false, false) => {}
        }
        true
    }
}

/// Adds `letter` unless `seen` has it for this side.
#[inline]
pub(super) fn note_once(history: &mut History, seen: &mut u16, side: FlowSide, letter: Letter) {
    if *seen & letter.bit() == 0 {
        *seen |= letter.bit();
        history.push(side, letter);
    }
}
