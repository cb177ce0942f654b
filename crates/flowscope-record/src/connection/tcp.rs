//! What became of a TCP connection, by the rules of Zeek's connection log.
//!
//! These rules are not the core's. The core says whose a segment is and whether
//! its receiver takes it; here every segment counts as it was sent, and what is
//! to be known is how the connection looks in the log: its state, its letters,
//! and how many bytes went each way by the sequence numbers.

use core::time::Duration;

use flowscope_core::wire::{TcpFlags, TcpHeader};
use flowscope_core::{FlowSide, Timestamp};

use super::ConnectionState;
use super::endpoint::{End, EndState, are_clean, distance};
use super::history::{Letters, Role};

/// What is kept of a TCP connection.
#[derive(Clone, Debug)]
pub(super) struct Tcp {
    /// The ends of the flow, its initiator first.
    ends: [End; 2],
    pub(super) missed_bytes: u64,
    /// Whether its beginning was not seen.
    is_partial: bool,
    /// Which roles have sent something.
    heard: [bool; 2],
    /// Whether nothing ended it yet.
    is_active: bool,
    /// A close waits for the rest of a stream.
    is_close_deferred: bool,
    has_seen_eof: [bool; 2],
    /// When an unanswered attempt is over.
    attempt: Option<Timestamp>,
    /// When it is looked whether it is over.
    check: Option<Timestamp>,
    /// When it is over, as it was closed.
    removal: Option<Timestamp>,
    idle: Duration,
}

/// A segment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment {
    pub(super) header: TcpHeader,
    pub(super) len: u32,
    /// Whether all of its payload was captured.
    pub(super) is_whole: bool,
}

/// What a segment belongs to besides the connection itself.
pub(super) struct Context<'a> {
    pub(super) at: Timestamp,
    pub(super) originator: &'a mut FlowSide,
    pub(super) letters: &'a mut Letters,
    pub(super) last: &'a mut Timestamp,
}

impl Tcp {
    pub(super) fn new(start: Timestamp) -> Self {
        Self {
            ends: [End::default(), End::default()],
            missed_bytes: 0,
            is_partial: false,
            heard: [false; 2],
            is_active: true,
            is_close_deferred: false,
            has_seen_eof: [false; 2],
            attempt: None,
            check: Some(start + ATTEMPT),
            removal: None,
            idle: HANDSHAKE_IDLE,
        }
    }

    /// Whether it was over before `now`, as nothing came since `last`.
    pub(super) fn is_over(
        &mut self,
        now: Timestamp,
        last: Timestamp,
        originator: FlowSide,
    ) -> bool {
        let [orig, resp] = self.by_role(originator);
        if self.removal.is_some_and(|at| at <= now) || now >= last + self.idle {
            return true;
        }
        let is_attempt = matches!(orig.state, EndState::SynSent | EndState::SynAckSent)
            && resp.state == EndState::Inactive;
        if is_attempt && self.is_active && self.attempt.is_some_and(|at| at <= now) {
            return true;
        }
        while let Some(at) = self.check.filter(|at| *at <= now) {
            if !self.is_active {
                self.check = None;
                break;
            }
            if last + LINGER < at && self.has_died(originator) {
                return true;
            }
            self.check = Some(at + CHECK);
        }
        false
    }

    fn has_died(&self, originator: FlowSide) -> bool {
        let [orig, resp] = self.by_role(originator);
        let is_any = |state| orig.state == state || resp.state == state;
        let has_close = orig.is_closed || resp.is_closed;
        let is_dead = orig.is_closed && resp.is_closed
            || is_any(EndState::Reset)
            || is_any(EndState::Inactive);
        has_close && is_dead || orig.state == EndState::Inactive && resp.state == EndState::Inactive
    }

    /// Whether a segment begins another connection on the same ports.
    pub(super) fn is_reused_by(&self, segment: &Segment, originator: FlowSide) -> bool {
        let TcpHeader { flags, seq, .. } = segment.header;
        if !flags.contains(TcpFlags::SYN) {
            return false;
        }
        let [orig, resp] = self.by_role(originator);
        let has_ack = flags.contains(TcpFlags::ACK);
        if has_ack && orig.state != EndState::Inactive {
            return false;
        }
        let begun = if has_ack { resp } else { orig };
        if orig.is_closed || resp.is_closed {
            // Closed means that both are, or that one was reset.
            let is_closed = orig.is_closed && resp.is_closed
                || orig.state == EndState::Reset
                || resp.state == EndState::Reset;
            if is_closed {
                return true;
            }
        }
        if seq.0 == begun.start {
            return false;
        }
        !(!has_ack
            && orig.state == EndState::SynAckSent
            && resp.state == EndState::Inactive
            && seq.0 == resp.start)
    }

    pub(super) fn segment(&mut self, side: FlowSide, segment: &Segment, context: Context<'_>) {
        let TcpHeader {
            seq, ack, flags, ..
        } = segment.header;
        let (seq, ack, len) = (seq.0, ack.0, segment.len);
        let has_syn = flags.contains(TcpFlags::SYN);
        let has_fin = flags.contains(TcpFlags::FIN);
        let has_rst = flags.contains(TcpFlags::RST);
        let has_ack = flags.contains(TcpFlags::ACK);
        let Context {
            at,
            originator,
            letters,
            last,
        } = context;
        let role = Role::of(side, *originator);
        self.note_partial(role, has_syn, has_ack);

        let used = if has_rst { 0 } else { len };
        let occupied = used + u32::from(has_syn) + u32::from(has_fin);
        let behind = seq.wrapping_add(occupied);
        let own = &mut self.ends[side as usize];
        begin_end(own, seq, behind, has_syn);
        let relative = own.relative(seq, own.last);
        let is_before = relative.is_err();
        let relative = relative.unwrap_or_else(|before| before);

        self.note_letters(side, role, flags, relative, len, letters);
        self.note_window(side, role, &segment.header, letters);
        if !self.ends.iter().all(|end| end.is_closed) {
            *last = at;
        }
        let own = &mut self.ends[side as usize];
        if has_fin {
            own.fins = own.fins.saturating_add(1);
            own.fin_at = relative.wrapping_add(occupied.into());
        }
        let acked = has_ack.then(|| self.acknowledge(side.peer(), ack, has_rst));
        self.advance(side, behind, flags, len, role, letters);

        // Nothing else changes a state.
        let may_step =
            has_syn || has_fin || has_rst || self.ends[side as usize].state == EndState::Inactive;
        let closes = may_step && self.step(side, segment, at, originator, letters);
        let role = Role::of(side, *originator);
        if let Some(acked) = acked {
            self.acknowledge_content(side.peer(), acked, *originator, *last, letters);
        }
        let is_content = len > 0 && segment.is_whole && !has_rst && !is_before;
        if is_content {
            let from = relative.wrapping_add(u64::from(has_syn));
            let peer = self.ends[side.peer() as usize].state;
            let own = &mut self.ends[side as usize];
            let acked = own.relative_ack();
            own.content.push(from, from.wrapping_add(len.into()), acked);
            let (has_no_ack, size) = (own.has_no_ack(), own.size(peer));
            own.content.bound(has_no_ack, size);
        }
        self.heard[role as usize] = true;
        self.check_end(side, *last);
        if closes {
            self.close(side, *last);
        }
    }

    /// The end of that side, and the other one.
    fn by_role(&self, originator: FlowSide) -> [&End; 2] {
        let [first, second] = &self.ends;
        match originator {
            FlowSide::Initiator => [first, second],
            FlowSide::Responder => [second, first],
        }
    }

    fn note_partial(&mut self, role: Role, has_syn: bool, has_ack: bool) {
        if self.heard[role as usize] {
            return;
        }
        match role {
            Role::Originator => self.is_partial = !has_syn || has_ack,
            Role::Responder if !self.is_partial => self.is_partial = !has_syn,
            Role::Responder => {}
        }
    }

    fn note_letters(
        &mut self,
        side: FlowSide,
        role: Role,
        flags: TcpFlags,
        relative: u64,
        len: u32,
        letters: &mut Letters,
    ) {
        let own = &mut self.ends[side as usize];
        let has = |flag| flags.contains(flag);
        let mut again = |letter, last: &mut u64, number| {
            if letters.note(role, letter) && number != *last {
                letters.push(role, letter);
            }
            *last = number;
        };
        match [has(TcpFlags::SYN), has(TcpFlags::FIN), has(TcpFlags::RST)] {
            [_, true, true] => _ = letters.note(role, 'I'),
            [true, true, _] | [true, _, true] => _ = letters.note(role, 'Q'),
            [true, ..] => {
                let letter = if has(TcpFlags::ACK) { 'H' } else { 'S' };
                again(letter, &mut own.last_syn, relative);
            }
            [_, true, _] => again('F', &mut own.last_fin, relative.wrapping_add(len.into())),
            [_, _, true] => again('R', &mut own.last_rst, relative),
            _ if len > 0 => _ = letters.note(role, 'D'),
            _ if has(TcpFlags::ACK) => _ = letters.note(role, 'A'),
            _ => {}
        }
    }

    fn note_window(
        &mut self,
        side: FlowSide,
        role: Role,
        header: &TcpHeader,
        letters: &mut Letters,
    ) {
        let peer = self.ends[side.peer() as usize].state;
        let own = &mut self.ends[side as usize];
        let is_boring = header.flags.contains(TcpFlags::RST)
            || peer == EndState::Closed
            || own.state == EndState::Reset;
        if header.window == Some(0) && !is_boring {
            letters.note_scaled(role, 'W', &mut own.zero_windows);
        }
    }

    /// Takes an acknowledgment of what `side` sent; gives its relative number.
    fn acknowledge(&mut self, side: FlowSide, ack: u32, has_rst: bool) -> u64 {
        let end = &mut self.ends[side as usize];
        if end.state == EndState::Inactive {
            // As if it had sent a SYN, so that its numbers count alike.
            let before = ack.wrapping_sub(1);
            end.begin(before, before);
            return 1;
        }
        let Ok(relative) = end.relative(ack, end.acked) else {
            return 0;
        };
        let delta = distance(ack, end.acked.seq);
        let is_broken = ack == 0 && delta > TOO_FAR;
        if !has_rst && delta > 0 && !is_broken {
            end.acked.advance(ack);
        }
        relative
    }

    fn advance(
        &mut self,
        side: FlowSide,
        behind: u32,
        flags: TcpFlags,
        len: u32,
        role: Role,
        letters: &mut Letters,
    ) {
        let own = &mut self.ends[side as usize];
        let delta = distance(behind, own.last.seq);
        let has = |flag| flags.contains(flag);
        let is_far = !(-TOO_FAR..=TOO_FAR).contains(&delta);
        if (has(TcpFlags::SYN) || has(TcpFlags::RST)) && is_far {
            // Not to be trusted.
        } else if has(TcpFlags::FIN) && own.last.seq == own.start.wrapping_add(1) {
            // Also where it is beyond two gigabytes.
            own.last.advance(behind);
        } else if own.state == EndState::Reset {
        } else if delta > 0 {
            own.last.advance(behind);
        } else if len > 0 {
            letters.note_scaled(role, 'T', &mut own.retransmissions);
        }
    }

    /// What a segment does to the states of the ends; whether its sender closes.
    fn step(
        &mut self,
        side: FlowSide,
        segment: &Segment,
        at: Timestamp,
        originator: &mut FlowSide,
        letters: &mut Letters,
    ) -> bool {
        let flags = segment.header.flags;
        let has = |flag| flags.contains(flag);
        let was_handshake = self.ends.iter().all(|end| end.state.is_handshake());
        let [own, peer] = match &mut self.ends {
            [first, second] if side == FlowSide::Initiator => [first, second],
            [first, second] => [second, first],
        };
        let mut closes = false;
        match own.state {
            EndState::Inactive => {
                closes = begin_state(
                    own,
                    peer,
                    segment,
                    side,
                    originator,
                    letters,
                    &mut self.is_partial,
                    &mut self.heard,
                );
                if matches!(own.state, EndState::SynSent | EndState::SynAckSent) {
                    self.attempt = Some(at + ATTEMPT);
                }
            }
            EndState::SynSent | EndState::SynAckSent => {
                if has(TcpFlags::FIN) {
                    own.set_state(EndState::Closed);
                    closes = true;
                }
                if has(TcpFlags::RST) {
                    own.set_state(EndState::Reset);
                    self.is_active = false;
                    closes = true;
                }
            }
            EndState::Established | EndState::Partial => {
                let is_late_syn = own.state == EndState::Partial
                    && peer.state == EndState::Inactive
                    && !has(TcpFlags::ACK);
                if has(TcpFlags::SYN) && is_late_syn {
                    own.set_state(EndState::SynSent);
                }
                if has(TcpFlags::FIN) && !has(TcpFlags::RST) {
                    own.set_state(EndState::Closed);
                    if peer.state == EndState::Reset && peer.before == EndState::Closed {
                        // A FIN and then an RST end a connection as usual.
                        peer.set_state(EndState::Closed);
                    }
                    closes = true;
                }
                if has(TcpFlags::RST) {
                    own.set_state(EndState::Reset);
                    closes = true;
                    if peer.state != EndState::Reset || peer.before != EndState::Established {
                        self.is_active = false;
                    }
                }
            }
            EndState::Closed => {
                if has(TcpFlags::RST) && peer.state != EndState::Closed {
                    own.set_state(EndState::Reset);
                    closes = !own.is_closed;
                }
            }
            EndState::Reset => {}
        }
        let is_handshake = self.ends.iter().all(|end| end.state.is_handshake());
        if was_handshake && !is_handshake {
            self.idle = IDLE;
        }
        closes
    }

    fn acknowledge_content(
        &mut self,
        side: FlowSide,
        acked: u64,
        originator: FlowSide,
        last: Timestamp,
        letters: &mut Letters,
    ) {
        let is_clean = are_clean(&self.ends[0], &self.ends[1]);
        let end = &mut self.ends[side as usize];
        let role = Role::of(side, originator);
        let acked = match end.fins {
            0 => acked,
            _ if acked >= end.fin_at => end.fin_at.wrapping_sub(1),
            _ => acked,
        };
        let missed = &mut self.missed_bytes;
        let gaps = &mut end.gaps;
        (end.content).acknowledge(acked, self.is_partial, |len| {
            if is_clean {
                letters.note_scaled(role, 'G', gaps);
                *missed = missed.saturating_add(len);
            }
        });
        self.check_end(side, last);
    }

    /// Whether everything that a closed end sent has come.
    fn check_end(&mut self, side: FlowSide, last: Timestamp) {
        let [own, peer] = self.by_role(side);
        let is_ended = own.fins > 0 || matches!(own.state, EndState::Closed | EndState::Reset);
        if self.has_seen_eof[side as usize] || !is_ended || own.is_pending(peer) {
            return;
        }
        self.has_seen_eof[side as usize] = true;
        if self.is_close_deferred {
            self.close(side, last);
            self.is_close_deferred = false;
        }
    }

    fn close(&mut self, side: FlowSide, last: Timestamp) {
        let [own, peer] = self.by_role(side);
        let (is_pending, is_known) = (own.is_pending(peer), own.is_closed);
        let is_complete =
            own.state == EndState::Reset || peer.is_closed || peer.state == EndState::Inactive;
        self.is_close_deferred = is_pending;
        if is_pending || is_known {
            return;
        }
        self.ends[side as usize].is_closed = true;
        if is_complete {
            self.attempt = None;
            self.check = None;
            self.removal = Some(last + CLOSED);
        } else if self.check.is_none() {
            self.check = Some(last + CHECK);
        }
    }

    /// Bytes that the originator and the responder sent.
    pub(super) fn sizes(&self, originator: FlowSide) -> [u64; 2] {
        let [orig, resp] = self.by_role(originator);
        [orig.size(resp.state), resp.size(orig.state)]
    }

    pub(super) fn state(&self, originator: FlowSide, letters: &Letters) -> ConnectionState {
        use EndState::{Closed, Established, Inactive, Reset, SynAckSent, SynSent};
        let [orig, resp] = self.by_role(originator);
        let is_empty = self.sizes(originator) == [0, 0];
        match (orig.state, resp.state) {
            (SynSent | SynAckSent, Reset) => ConnectionState::Rejected,
            (Reset, Reset) if is_empty => ConnectionState::Rejected,
            (state, Reset) if state.is_unconfirmed() => ConnectionState::ResetAfterSynAck,
            (_, Reset) => ConnectionState::ResetByResponder,
            (Reset, state) if state.is_unconfirmed() => match is_abandoned(letters.as_str()) {
                true => ConnectionState::AbandonedAttempt,
                false => ConnectionState::Other,
            },
            (Reset, _) => ConnectionState::ResetByOriginator,
            (Closed, Closed) => ConnectionState::Finished,
            (Closed, state) if state.is_unconfirmed() => ConnectionState::HalfOpen,
            (Closed, _) => ConnectionState::ClosedByOriginator,
            (state, Closed) if state.is_unconfirmed() => ConnectionState::HalfOpenResponder,
            (_, Closed) => ConnectionState::ClosedByResponder,
            (SynSent, Inactive) => ConnectionState::Attempt,
            (Established, Established) => ConnectionState::Established,
            _ => ConnectionState::Other,
        }
    }
}

/// Whether a SYN was followed by an RST and by nothing else that matters.
fn is_abandoned(letters: &str) -> bool {
    let letters = letters.strip_prefix('^').unwrap_or(letters);
    let Some(letters) = letters.strip_prefix('S') else {
        return false;
    };
    letters
        .chars()
        .take_while(|letter| !matches!(letter, 'H' | 'A' | 'F' | 'G' | 'I' | 'Q'))
        .any(|letter| letter == 'R')
}

/// Where the numbers of an end begin.
fn begin_end(end: &mut End, seq: u32, behind: u32, has_syn: bool) {
    match end.state {
        EndState::Inactive if has_syn => end.begin(seq, behind),
        // As if there had been a SYN before. It is not a retransmission.
        EndState::Inactive => end.begin(seq.wrapping_sub(1), seq),
        EndState::SynSent | EndState::SynAckSent if has_syn && seq != end.start => {
            end.begin(seq, behind);
        }
        EndState::Established | EndState::Partial if has_syn => end.begin(seq, behind),
        EndState::Reset if has_syn && end.before == EndState::Inactive => end.begin(seq, behind),
        _ => {}
    }
}

#[allow(
    clippy::too_many_arguments,
    reason = "the parts of a connection that the first segment of an end changes"
)]
fn begin_state(
    own: &mut End,
    peer: &mut End,
    segment: &Segment,
    side: FlowSide,
    originator: &mut FlowSide,
    letters: &mut Letters,
    is_partial: &mut bool,
    heard: &mut [bool; 2],
) -> bool {
    let flags = segment.header.flags;
    let has = |flag| flags.contains(flag);
    let is_originator = side == *originator;
    let mut closes = false;
    if has(TcpFlags::SYN) && is_originator {
        own.set_state(match has(TcpFlags::ACK) {
            true => EndState::SynAckSent,
            false => EndState::SynSent,
        });
    } else if has(TcpFlags::SYN) {
        let is_reversed = !has(TcpFlags::ACK)
            && peer.state == EndState::SynAckSent
            && segment.header.seq.0 == own.start;
        if is_reversed {
            // The SYN-ACK was captured before the SYN.
            *is_partial = false;
            *originator = side;
            *heard = [true, heard[0]];
            letters.flip();
            peer.set_state(EndState::Established);
        } else if peer.state == EndState::SynSent {
            peer.set_state(EndState::Established);
        }
        own.set_state(EndState::Established);
    }
    if has(TcpFlags::FIN) {
        own.set_state(EndState::Closed);
        closes = true;
    }
    if has(TcpFlags::RST) {
        own.set_state(EndState::Reset);
        closes = true;
    }
    if own.state == EndState::Inactive {
        let is_early_ack = !is_originator && segment.len == 0 && peer.state == EndState::SynSent;
        if is_early_ack {
            // Some acknowledge a SYN before they answer it.
        } else if has(TcpFlags::ACK) && peer.state == EndState::Established {
            // Only the SYN was missed.
            own.set_state(EndState::Established);
            *is_partial = false;
            heard[Role::of(side, *originator) as usize] = true;
        } else {
            own.set_state(EndState::Partial);
        }
    }
    closes
}

/// A number so far off that it is not trusted.
const TOO_FAR: i32 = 1 << 20;
/// How long a SYN may wait for an answer.
const ATTEMPT: Duration = Duration::from_secs(5);
/// How often it is looked whether a connection is over.
const CHECK: Duration = Duration::from_secs(6);
/// How long it must have been silent then.
const LINGER: Duration = Duration::from_secs(5);
/// How long a closed connection is remembered.
const CLOSED: Duration = Duration::from_secs(5);
/// How long a connection may be silent before it is established, and then.
const HANDSHAKE_IDLE: Duration = Duration::from_secs(60);
const IDLE: Duration = Duration::from_secs(300);
