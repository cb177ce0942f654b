//! What a connection's sequence numbers say about its segments.

use super::FlowState;
use super::history::Letter;
use super::state::Control;
use crate::wire::{TcpFlags, TcpHeader};
use crate::{FlowSide, SeqNumber};

/// What is known of one end of a TCP connection by what it sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sender {
    /// The sequence number of its SYN.
    isn: SeqNumber,
    /// One past the last sequence number it used.
    next: SeqNumber,
    /// The last number it acknowledged, and the window it then offered.
    acked: SeqNumber,
    window: u32,
    /// Numbers passed over on the way to `next`: from, to.
    hole: [SeqNumber; 2],
    /// The letters of the history that were noted for it.
    noted: u16,
    window_scale: u8,
    known: Known,
}

/// Which fields of a [`Sender`] hold something.
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

impl Sender {
    /// Whether a segment with a SYN is the beginning of another connection
    /// rather than a copy of this one's.
    pub(super) fn is_new_syn(&self, header: &TcpHeader) -> bool {
        header.flags.contains(TcpFlags::SYN)
            && (!self.known.has(Known::ISN) || self.isn != header.seq)
    }

    /// Takes note of a segment of `side`, which this is, with `payload_len`
    /// bytes of data, and returns the state it leads to, if that is another.
    #[inline(always)]
    pub(super) fn step(
        &mut self,
        peer: &Self,
        state: FlowState,
        side: FlowSide,
        header: &TcpHeader,
        payload_len: u32,
    ) -> (Option<FlowState>, Verdict) {
        // What most segments of most connections are.
        if matches!(state, FlowState::Established) && !header.flags.intersects(CONTROL) {
            let verdict = self.send(header, payload_len, payload_len);
            self.acknowledge(header);
            return (None, verdict);
        }
        // A copy, so that the header itself is never written to memory.
        let (next, verdict) = self.step_control(peer, state, side, *header, payload_len);
        ((next != state).then_some(next), verdict)
    }

    #[inline(never)]
    fn step_control(
        &mut self,
        peer: &Self,
        state: FlowState,
        side: FlowSide,
        header: TcpHeader,
        payload_len: u32,
    ) -> (FlowState, Verdict) {
        let header = &header;
        let control = Control::of(header.flags);
        match control {
            Control::Rst => {
                if !self.accepts_rst(peer, state, side, header) {
                    return (state, Verdict::RstOutOfWindow);
                }
                return (state.next(side, Control::Rst), Verdict::Expected);
            }
            Control::Syn | Control::SynAck if self.contradicts(state, header) => {
                return (state, Verdict::SynInConnection);
            }
            Control::Syn | Control::SynAck => self.begin(header),
            Control::Ack | Control::Fin => {}
        }
        let uses = |flag| u32::from(header.flags.contains(flag));
        let len = payload_len + uses(TcpFlags::SYN) + uses(TcpFlags::FIN);
        let verdict = self.send(header, payload_len, len);
        self.acknowledge(header);
        let next = match control {
            Control::Ack if !self.acks_everything(peer) => state,
            _ => state.next(side, control),
        };
        (next, verdict)
    }

    /// A SYN that neither begins this connection nor repeats its beginning.
    fn contradicts(&self, state: FlowState, header: &TcpHeader) -> bool {
        match state {
            // Nobody has answered yet: another attempt takes the place.
            FlowState::SynSent => false,
            FlowState::SynReceived if !self.known.has(Known::ISN) => false,
            _ => self.is_new_syn(header) && self.known.has(Known::NEXT),
        }
    }

    /// Whether it has acknowledged all that `peer` is known to have sent.
    fn acks_everything(&self, peer: &Self) -> bool {
        !peer.known.has(Known::NEXT)
            || self.known.has(Known::ACKED) && !self.acked.is_before(peer.next)
    }

    /// Whether `peer` would take this RST (RFC 9293, section 3.5.3): inside
    /// its window, or an answer to its SYN.
    fn accepts_rst(
        &self,
        peer: &Self,
        state: FlowState,
        side: FlowSide,
        header: &TcpHeader,
    ) -> bool {
        let answers_syn = state == FlowState::SynSent && side == FlowSide::Responder;
        if answers_syn && header.flags.contains(TcpFlags::ACK) {
            let unanswered = header.ack.distance_from(peer.isn);
            return unanswered > 0 && !peer.next.is_before(header.ack);
        }
        let from = match (self.known.has(Known::NEXT), peer.known.has(Known::ACKED)) {
            (_, true) => peer.acked,
            (true, false) => self.next,
            (false, false) => return true,
        };
        let window = if peer.known.has(Known::ACKED) {
            peer.window
        } else {
            u16::MAX.into()
        };
        let mut to = from + window;
        if self.known.has(Known::NEXT) {
            to = to.later(self.next);
        }
        !header.seq.is_before(from) && !to.is_before(header.seq)
    }

    /// Gives the letters of Zeek's history that a segment stands for, each the
    /// first time.
    #[inline(always)]
    pub(super) fn note(
        &mut self,
        header: &TcpHeader,
        payload_len: u32,
        mut letter: impl FnMut(Letter),
    ) {
        if header.flags.intersects(CONTROL) {
            self.note_control(header.flags, payload_len, &mut letter);
        } else if payload_len > 0 {
            self.note_once(Letter::Data, &mut letter);
        } else if header.flags.contains(TcpFlags::ACK) {
            self.note_once(Letter::Ack, &mut letter);
        }
        let window_counts = !header
            .flags
            .intersects(TcpFlags(TcpFlags::RST.0 | TcpFlags::SYN.0));
        if header.window == Some(0) && window_counts {
            self.note_once(Letter::ZeroWindow, &mut letter);
        }
    }

    /// Of the control bits only one combination is noted, so that there are two
    /// letters at most.
    fn note_control(&mut self, flags: TcpFlags, payload_len: u32, letter: &mut impl FnMut(Letter)) {
        const FIN: u8 = TcpFlags::FIN.0;
        const SYN: u8 = TcpFlags::SYN.0;
        const RST: u8 = TcpFlags::RST.0;
        const BOTH: u8 = SYN | FIN;
        let has_data = payload_len > 0;
        let control = match flags.0 & CONTROL.0 {
            SYN if flags.contains(TcpFlags::ACK) => Letter::SynAck,
            SYN => Letter::Syn,
            BOTH => Letter::MultiFlag,
            FIN | RST => {
                if has_data {
                    self.note_once(Letter::Data, &mut *letter);
                }
                let end = if flags.contains(TcpFlags::FIN) {
                    Letter::Fin
                } else {
                    Letter::Rst
                };
                return self.note_once(end, letter);
            }
            _ => Letter::Inconsistent,
        };
        self.note_once(control, &mut *letter);
        if has_data {
            self.note_once(Letter::Data, letter);
        }
    }

    /// Gives a letter the first time.
    #[inline(always)]
    pub(super) fn note_once(&mut self, letter: Letter, mut give: impl FnMut(Letter)) {
        if self.noted & letter.bit() == 0 {
            self.noted |= letter.bit();
            give(letter);
        }
    }

    /// Takes note of the `len` sequence numbers a segment uses.
    #[inline(always)]
    fn send(&mut self, header: &TcpHeader, payload_len: u32, len: u32) -> Verdict {
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
            _ => self.send_again(header, payload_len, [from, to]),
        }
    }

    /// Takes note of a segment that begins before what was sent last.
    #[cold]
    fn send_again(
        &mut self,
        header: &TcpHeader,
        payload_len: u32,
        [from, to]: [SeqNumber; 2],
    ) -> Verdict {
        let has = |flags| header.flags.contains(flags);
        let (syn, fin) = (has(TcpFlags::SYN), has(TcpFlags::FIN));
        match from.distance_from(self.next) {
            // A keep-alive repeats the last number on purpose (RFC 9293,
            // section 3.8.4).
            -1 if payload_len <= 1 && !syn && !fin => Verdict::Expected,
            // The second SYN of a simultaneous open, which answers the peer's.
            _ if syn && has(TcpFlags::ACK) && !self.known.has(Known::ACKED) => Verdict::Expected,
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

    #[inline(always)]
    fn acknowledge(&mut self, header: &TcpHeader) {
        if !header.flags.contains(TcpFlags::ACK) {
            return;
        }
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

/// The bits of segments that are more than data and acknowledgments.
const CONTROL: TcpFlags = TcpFlags(TcpFlags::SYN.0 | TcpFlags::FIN.0 | TcpFlags::RST.0);
