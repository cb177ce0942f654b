//! One end of a TCP connection, as known from its sequence numbers.

use super::history::Letter;
use crate::SeqNumber;
use crate::wire::{TcpFlags, TcpHeader};

/// One end of a TCP connection, as known from what it sent.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sender {
    /// The sequence number of its SYN, or one before the first number seen.
    isn: SeqNumber,
    /// One past the last sequence number it used.
    next: SeqNumber,
    /// The last number it acknowledged, and the window it then offered.
    acked: SeqNumber,
    window: u32,
    /// The first and one past the last sequence number of a hole before `next`.
    hole: [SeqNumber; 2],
    /// The letters of the history that were noted for it.
    noted: u16,
    known: Known,
}

/// Which fields of a [`Sender`] are set, what is confirmed about it, and the
/// shift of its window, which is at most 14 (RFC 7323, section 2.3).
#[derive(Clone, Copy, Debug, Default)]
struct Known(u16);

impl Known {
    /// The number of its SYN.
    const ISN: u16 = 1;
    const NEXT: u16 = 1 << 1;
    const ACKED: u16 = 1 << 2;
    const HOLE: u16 = 1 << 3;
    /// The other side confirmed that the stream begins behind `isn`.
    const ISN_CONFIRMED: u16 = 1 << 4;
    /// It sent a FIN in sequence, whose number is the one before `next`.
    const FIN: u16 = 1 << 5;
    /// The other side acknowledged the FIN.
    const FIN_ACKED: u16 = 1 << 6;
    /// Its SYN had no signature.
    const UNSIGNED: u16 = 1 << 7;
    /// Its SYN was seen.
    const SYN: u16 = 1 << 8;
    /// It sent a byte with the number of its FIN, too.
    const FIN_AMBIGUOUS: u16 = 1 << 9;
    /// There were SYNs with two numbers.
    const TWO_ISNS: u16 = 1 << 10;
    /// Where the shift of the window begins.
    const SHIFT: u32 = 12;

    const fn has(self, field: u16) -> bool {
        self.0 & field != 0
    }

    fn set_window_shift(&mut self, shift: u8) {
        self.0 = self.0 & !(!0 << Self::SHIFT) | u16::from(shift.min(14)) << Self::SHIFT;
    }
}

/// How the sequence numbers of a segment relate to those sent before.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sequence {
    /// They follow those sent before.
    Expected,
    /// All of them were sent before.
    Retransmission,
    /// They were late, and fill a hole.
    OutOfOrder,
}

/// How the number of an RST relates to what its receiver expects (RFC 9293,
/// section 3.10.7.4).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum RstPosition {
    /// At the next number: it resets the connection.
    Exact,
    /// In the window: it is answered by an ACK.
    InWindow,
    /// It is dropped.
    Outside,
}

impl Sender {
    /// Whether none of its numbers is known.
    pub(super) const fn is_unseen(&self) -> bool {
        !self.known.has(Known::NEXT)
    }

    /// Whether no segment of it was captured. Its first number may be known from
    /// an ACK of its peer all the same.
    pub(super) const fn has_sent_nothing(&self) -> bool {
        self.noted == 0
    }

    /// Whether the number of its SYN is known.
    pub(super) const fn has_isn(&self) -> bool {
        self.known.has(Known::ISN)
    }

    /// Whether the other side confirmed where its stream begins.
    pub(super) const fn has_confirmed_isn(&self) -> bool {
        self.known.has(Known::ISN_CONFIRMED)
    }

    /// Whether its SYN was seen.
    pub(super) const fn has_sent_syn(&self) -> bool {
        self.known.has(Known::SYN)
    }

    /// Whether it acknowledged everything before `number`, and no more.
    pub(super) fn has_acked_exactly(&self, number: SeqNumber) -> bool {
        self.known.has(Known::ACKED) && self.acked == number
    }

    /// The number of its SYN, if that is known.
    pub(super) const fn isn(&self) -> SeqNumber {
        self.isn
    }

    /// The first number of its stream, if that is known.
    pub(super) fn first(&self) -> SeqNumber {
        self.isn + 1
    }

    /// One past the last sequence number it used.
    pub(super) const fn next(&self) -> SeqNumber {
        self.next
    }

    /// Whether a SYN numbered `seq` is its own: it, or the first number that
    /// was seen of it, says so.
    pub(super) fn is_own_syn(&self, seq: SeqNumber) -> bool {
        !self.is_unseen() && self.isn == seq
    }

    /// Whether its SYN had no signature.
    pub(super) const fn is_unsigned(&self) -> bool {
        self.known.has(Known::UNSIGNED)
    }

    /// Takes note of a SYN: where the numbers begin, and how the window is
    /// scaled. Returns whether it is the first SYN.
    pub(super) fn note_syn(&mut self, header: &TcpHeader) -> bool {
        let is_first = !self.known.has(Known::SYN);
        if !self.is_own_syn(header.seq) {
            // The numbers seen before were of something else.
            // A host that was restarted uses its ports again with other numbers.
            self.next = header.seq;
            self.known.0 &= !(Known::ISN_CONFIRMED | Known::HOLE);
        }
        self.isn = header.seq;
        self.known
            .set_window_shift(header.window_scale.unwrap_or(0));
        self.known.0 |= Known::ISN | Known::NEXT | Known::SYN;
        if !header.is_signed {
            self.known.0 |= Known::UNSIGNED;
        }
        is_first
    }

    /// Takes note of the number that a SYN uses, which is the first.
    pub(super) fn note_syn_number(&mut self) {
        self.next = self.first();
    }

    /// Takes note of numbers that follow those it used.
    pub(super) fn note_numbers(&mut self, len: u32) {
        self.next = self.next + len;
    }

    /// Whether it sent a FIN in sequence, and no byte with the same number.
    pub(super) const fn has_unambiguous_fin(&self) -> bool {
        self.known.has(Known::FIN) && !self.known.has(Known::FIN_AMBIGUOUS)
    }

    /// Whether its SYN, and nothing else, was seen, with one number.
    pub(super) fn has_one_isn(&self) -> bool {
        const OTHERS: u16 = Known::HOLE | Known::FIN | Known::TWO_ISNS;
        self.known.has(Known::SYN) && !self.known.has(OTHERS) && self.next == self.first()
    }

    /// Another SYN of it had another number.
    pub(super) fn note_second_isn(&mut self) {
        self.known.0 |= Known::TWO_ISNS;
    }

    /// Forgets its SYN, which was not of this connection.
    pub(super) fn forget_isn(&mut self) {
        self.known.0 &= !(Known::ISN | Known::NEXT | Known::SYN | Known::ISN_CONFIRMED);
    }

    /// Returns to another SYN that it sent, which is yet to be answered.
    pub(super) fn return_to_syn(&mut self, isn: SeqNumber) {
        (self.isn, self.next) = (isn, isn + 1);
        self.known.0 &= !(Known::ISN_CONFIRMED | Known::HOLE | Known::FIN);
    }

    /// Forgets all its numbers: they were of an attempt to connect that failed.
    pub(super) fn forget_numbers(&mut self) {
        self.forget_isn();
        self.known.0 &= !(Known::ACKED | Known::HOLE | Known::FIN);
    }

    /// How far ahead of its SYN a number lies.
    pub(super) fn ahead_of_syn(&self, number: SeqNumber) -> i32 {
        number.distance_from(self.first())
    }

    /// How much of what it sent behind its SYN was seen.
    pub(super) fn sent_since_syn(&self) -> i32 {
        self.next.distance_from(self.first())
    }

    /// Notes that the number of its SYN was confirmed.
    pub(super) fn confirm_isn(&mut self) {
        self.known.0 |= Known::ISN | Known::ISN_CONFIRMED;
    }

    /// Notes that its SYN was confirmed to have the number `isn`, whatever number
    /// was seen first.
    pub(super) fn confirm_isn_as(&mut self, isn: SeqNumber) {
        if self.is_unseen() || self.known.has(Known::ISN) {
            self.next = isn + 1;
            self.known.0 &= !Known::HOLE;
        }
        self.isn = isn;
        self.known.0 |= Known::ISN | Known::NEXT | Known::ISN_CONFIRMED;
    }

    /// Whether it has acknowledged all that `peer` is known to have sent.
    pub(super) fn has_acked_all_of(&self, peer: &Self) -> bool {
        peer.is_unseen() || self.known.has(Known::ACKED) && !self.acked.is_before(peer.next)
    }

    /// Whether `ack` is a number that its peer may acknowledge: of its SYN, or
    /// of what it sent lately.
    pub(super) fn may_be_acked(&self, peer: &Self, ack: SeqNumber) -> bool {
        if self.is_unseen() || ack == self.isn + 1 {
            return true;
        }
        let behind = self.next.distance_from(ack);
        let unacked = if peer.known.has(Known::ACKED) {
            self.next.distance_from(peer.acked).max(0)
        } else {
            0
        };
        (0..=unacked.saturating_add(MAX_ACK_LAG)).contains(&behind)
    }

    /// Compares the number of an RST that it sent with what `peer` expects: the
    /// number that the peer acknowledged last, or the next one if the peer has
    /// received everything.
    pub(super) fn classify_rst(&self, peer: &Self, seq: SeqNumber) -> RstPosition {
        let acked = peer.known.has(Known::ACKED).then_some(peer.acked);
        let next = (!self.is_unseen()).then_some(self.next);
        if acked.or(next).is_none() || [acked, next].contains(&Some(seq)) {
            return RstPosition::Exact;
        }
        let from = acked.or(next).unwrap_or(seq);
        let window = match acked {
            Some(_) => peer.window,
            None => u16::MAX.into(),
        };
        let until = next
            .map_or(from, |next| from.later(next))
            .later(from + window);
        match next {
            _ if seq.is_before(from) || until.is_before(seq) => RstPosition::Outside,
            Some(_) => RstPosition::InWindow,
            // Which number comes next is not known.
            None => RstPosition::Exact,
        }
    }

    /// Whether it sent a FIN in sequence.
    pub(super) const fn has_fin(&self) -> bool {
        self.known.has(Known::FIN)
    }

    /// Whether it sent a FIN that is not acknowledged.
    pub(super) const fn has_unacked_fin(&self) -> bool {
        self.known.has(Known::FIN) && !self.known.has(Known::FIN_ACKED)
    }

    /// Whether an ACK will show that its FIN was accepted, and none has.
    pub(super) const fn awaits_ack_of_fin(&self) -> bool {
        self.has_unacked_fin() && self.has_unambiguous_fin()
    }

    /// The number of its FIN.
    pub(super) fn fin(&self) -> Option<SeqNumber> {
        self.has_fin().then(|| self.next + u32::MAX)
    }

    /// Takes note of a FIN at `number`, at or behind the end of what was sent.
    pub(super) fn note_fin(&mut self, number: SeqNumber) {
        if !self.is_unseen() && self.next.is_before(number) {
            self.note_hole(number);
        }
        self.next = number + 1;
        self.known.0 |= Known::NEXT | Known::FIN;
    }

    /// Notes a segment up to `end` whose last byte has the number of the FIN, so
    /// that an ACK of one is an ACK of the other.
    pub(super) fn mark_fin_ambiguous(&mut self, end: SeqNumber) {
        if self.has_unacked_fin() && end == self.next {
            self.known.0 |= Known::FIN_AMBIGUOUS;
        }
    }

    /// Notes an ACK of its FIN, unless a byte had the same number.
    pub(super) fn confirm_fin(&mut self) {
        if !self.known.has(Known::FIN_AMBIGUOUS) {
            self.known.0 |= Known::FIN_ACKED;
        }
    }

    /// Forgets its FIN, because the other side accepted data in its place, up to
    /// `next`.
    pub(super) fn retract_fin(&mut self, next: SeqNumber) {
        self.next = next;
        self.known.0 &= !(Known::FIN | Known::FIN_ACKED | Known::FIN_AMBIGUOUS);
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

    /// Takes note of a segment that [is plain](is_plain), and gives its letters.
    #[inline(always)]
    pub(super) fn note_plain(
        &mut self,
        header: &TcpHeader,
        payload_len: u32,
        mut letter: impl FnMut(Letter),
    ) -> Sequence {
        let sequence = self.note_sent(header, payload_len, payload_len);
        self.note_acknowledged(header, self.known.0 >> Known::SHIFT);
        if payload_len > 0 {
            self.note_once(Letter::Data, &mut letter);
        } else {
            self.note_once(Letter::Ack, &mut letter);
        }
        if header.window == Some(0) {
            self.note_once(Letter::ZeroWindow, &mut letter);
        }
        sequence
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
            // Zeek notes each letter once for a side, so that the history of a long
            // connection is as short as that of a short one.
            self.noted |= letter.bit();
            give(letter);
        }
    }

    /// Takes note of the `len` sequence numbers a segment uses.
    #[inline(always)]
    pub(super) fn note_sent(&mut self, header: &TcpHeader, payload_len: u32, len: u32) -> Sequence {
        if len == 0 {
            // A pure ACK uses no number; its own is the next one to be used.
            if !self.known.has(Known::NEXT) {
                self.note_first_segment(header.seq, header.seq);
            }
            return Sequence::Expected;
        }
        let (from, to) = (header.seq, header.seq + len);
        if !self.known.has(Known::NEXT) {
            self.note_first_segment(from, to);
            return Sequence::Expected;
        }
        match from.distance_from(self.next) {
            0 => {
                self.next = to;
                Sequence::Expected
            }
            1.. => {
                self.note_hole(from);
                self.next = to;
                Sequence::Expected
            }
            _ => self.note_sent_again(header, payload_len, [from, to]),
        }
    }

    /// Notes the first segment that was seen, which is no SYN.
    #[cold]
    fn note_first_segment(&mut self, from: SeqNumber, to: SeqNumber) {
        self.isn = from + u32::MAX;
        self.next = to;
        self.known.0 |= Known::NEXT;
    }

    /// Notes a segment that begins before what was sent last.
    #[cold]
    fn note_sent_again(
        &mut self,
        header: &TcpHeader,
        payload_len: u32,
        [from, to]: [SeqNumber; 2],
    ) -> Sequence {
        let has = |flags| header.flags.contains(flags);
        let (syn, fin) = (has(TcpFlags::SYN), has(TcpFlags::FIN));
        match from.distance_from(self.next) {
            // A keep-alive repeats the last number on purpose (RFC 9293,
            // section 3.8.4).
            -1 if payload_len <= 1 && !syn && !fin => Sequence::Expected,
            // The second SYN of a simultaneous open, which answers the peer's.
            _ if syn && has(TcpFlags::ACK) && !self.known.has(Known::ACKED) => Sequence::Expected,
            _ => {
                let sequence = if self.fill_hole(from, to) {
                    Sequence::OutOfOrder
                } else if self.next.is_before(to) {
                    Sequence::Expected
                } else {
                    Sequence::Retransmission
                };
                self.next = self.next.later(to);
                if !self.known.has(Known::ISN) && from.is_before(self.isn + 1) {
                    self.isn = from + u32::MAX;
                }
                sequence
            }
        }
    }

    /// Takes note of what a segment acknowledges, if it does.
    #[inline(always)]
    pub(super) fn acknowledge(&mut self, header: &TcpHeader) {
        if !header.flags.contains(TcpFlags::ACK) {
            return;
        }
        // The window of a SYN itself is never scaled (RFC 7323, section 2.2).
        let shift = if header.flags.contains(TcpFlags::SYN) {
            0
        } else {
            self.known.0 >> Known::SHIFT
        };
        self.note_acknowledged(header, shift);
    }

    #[inline(always)]
    fn note_acknowledged(&mut self, header: &TcpHeader, shift: u16) {
        if !self.known.has(Known::ACKED) || !header.ack.is_before(self.acked) {
            self.acked = header.ack;
            self.window = u32::from(header.window.unwrap_or(u16::MAX)) << shift;
            self.known.0 |= Known::ACKED;
        }
    }

    /// Notes that the numbers from `next` up to `until` were not seen. There is one
    /// hole: an earlier one is extended up to there.
    fn note_hole(&mut self, until: SeqNumber) {
        if !self.known.has(Known::HOLE) {
            self.hole[0] = self.next;
            self.known.0 |= Known::HOLE;
        }
        self.hole[1] = until;
    }

    /// Whether the numbers `from..to` lie in the hole, which they then close
    /// from whichever end they touch.
    fn fill_hole(&mut self, from: SeqNumber, to: SeqNumber) -> bool {
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

/// Whether a segment begins and ends nothing, is one that its receiver takes,
/// and has nothing urgent.
#[inline(always)]
pub(super) fn is_plain(header: &TcpHeader) -> bool {
    const ASKED: u8 = CONTROL.0 | TcpFlags::ACK.0 | TcpFlags::URG.0;
    header.flags.0 & ASKED == TcpFlags::ACK.0
}

/// How many bytes before what is unacknowledged a late ACK may lie.
const MAX_ACK_LAG: i32 = 64 << 10;

/// The bits of segments that are more than data and acknowledgments.
pub(super) const CONTROL: TcpFlags = TcpFlags(TcpFlags::SYN.0 | TcpFlags::FIN.0 | TcpFlags::RST.0);
