//! One end of a connection that keeps to RFC 9293.

use std::collections::BTreeMap;

use flowscope_fixtures::{MILLISECOND, SECOND};

use super::endpoint::{Control, Segment, is_after};

/// The state of a connection. Without one a host is in LISTEN or CLOSED.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum State {
    SynSent,
    SynReceived,
    Established,
    FinWait1,
    FinWait2,
    CloseWait,
    Closing,
    LastAck,
    TimeWait,
}

/// What a host keeps of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Tcb {
    pub(crate) state: State,
    /// The initial sequence numbers: its own, and the other's if it is known.
    pub(crate) iss: u32,
    pub(crate) irs: u32,
    pub(crate) was_established: bool,
    /// What its application has read: without holes.
    pub(crate) read: Vec<u8>,
    pub(crate) has_read_fin: bool,
    opened: Opened,
    unacked: u32,
    next: u32,
    to_say: Vec<u8>,
    wants_close: bool,
    /// The number of its FIN, if that was sent.
    fin: Option<u32>,
    /// What came early, by its place in the stream.
    early: BTreeMap<usize, u8>,
    early_fin: Option<usize>,
    timer: Option<u64>,
    tries: u32,
    /// When it last answered a bare segment that it did not want.
    complained: Option<u64>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Opened {
    Actively,
    Passively,
}

/// What a segment does to its connection.
pub(crate) enum Then {
    Stays,
    Ends,
    /// It was in TIME-WAIT, and another begins.
    Reopens,
}

impl Tcb {
    /// Asks for a connection, or answers who asks for one, with numbers of its
    /// own and of the other.
    pub(crate) fn open(
        opened: Opened,
        [iss, irs]: [u32; 2],
        now: u64,
        out: &mut Vec<Segment>,
    ) -> Self {
        let mut tcb = Self {
            state: match opened {
                Opened::Actively => State::SynSent,
                Opened::Passively => State::SynReceived,
            },
            iss,
            irs,
            was_established: false,
            read: Vec::new(),
            has_read_fin: false,
            opened,
            unacked: iss,
            next: iss.wrapping_add(1),
            to_say: Vec::new(),
            wants_close: false,
            fin: None,
            early: BTreeMap::new(),
            early_fin: None,
            timer: None,
            tries: 0,
            complained: None,
        };
        out.push(tcb.front());
        tcb.wait(SYN_TIMEOUT, now);
        tcb
    }

    pub(crate) fn say(&mut self, data: &[u8], now: u64, out: &mut Vec<Segment>) {
        if !self.wants_close {
            self.to_say.extend(data);
            self.flush(now, out);
        }
    }

    pub(crate) fn close(&mut self, now: u64, out: &mut Vec<Segment>) {
        self.wants_close = true;
        self.flush(now, out);
    }

    /// What it says when it is aborted.
    pub(crate) fn last_word(&self) -> Option<Segment> {
        match self.state {
            State::SynSent | State::Closing | State::LastAck | State::TimeWait => None,
            State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait => Some(Segment {
                control: Control::Rst,
                ..self.acknowledgment()
            }),
        }
    }

    pub(crate) fn timer(&self) -> Option<u64> {
        self.timer
    }

    pub(crate) fn tick(&mut self, now: u64, out: &mut Vec<Segment>) -> Then {
        if self.timer.is_none_or(|timer| now < timer) {
            return Then::Stays;
        }
        self.tries += 1;
        if self.state == State::TimeWait || self.tries > MAX_TRIES {
            return Then::Ends;
        }
        out.push(self.front());
        let timeout = match self.state {
            State::SynSent | State::SynReceived => SYN_TIMEOUT,
            _ => TIMEOUT,
        };
        self.wait(timeout << self.tries, now);
        Then::Stays
    }

    /// Whether this is what a host kept of the connection with these numbers.
    pub(crate) fn is_of(&self, host: usize, isns: [u32; 2]) -> bool {
        match self.opened {
            Opened::Actively => self.iss == isns[host],
            // It may have been accepted twice, with another number each time.
            Opened::Passively => self.irs == isns[1 - host],
        }
    }

    /// RCV.NXT, once the other's SYN came.
    pub(crate) fn awaits(&self) -> u32 {
        let read = self.read.len() as u32 + u32::from(self.has_read_fin);
        self.irs.wrapping_add(1).wrapping_add(read)
    }

    /// SND.NXT.
    pub(crate) fn next(&self) -> u32 {
        self.next
    }

    /// How many bytes its application has said.
    pub(crate) fn said(&self) -> usize {
        self.to_say.len()
    }

    /// SND.UNA.
    pub(crate) fn unacked(&self) -> u32 {
        self.unacked
    }

    fn acknowledgment(&self) -> Segment {
        Segment::bare(self.next, Some(self.awaits()), Control::None)
    }

    /// Answers what it does not want, and bare ACKs not too often, lest two
    /// that disagree go on for ever (RFC 5961, section 7).
    fn complain(&mut self, segment: &Segment, now: u64, out: &mut Vec<Segment>) {
        let is_bare = segment.len() == 0;
        if is_bare && self.complained.is_some_and(|at| now < at + PATIENCE) {
            return;
        }
        self.complained = Some(now);
        out.push(self.acknowledgment());
    }

    /// Takes a segment (section 3.10.7.4).
    pub(crate) fn receive(
        &mut self,
        segment: &Segment,
        listens: bool,
        now: u64,
        out: &mut Vec<Segment>,
    ) -> Then {
        if self.state == State::SynSent {
            return self.receive_syn_sent(segment, now, out);
        }
        // It may begin anew behind all the numbers of the old one (RFC 1122,
        // section 4.2.2.13).
        if self.state == State::TimeWait
            && listens
            && (segment.control, segment.ack) == (Control::Syn, None)
            && is_after(segment.seq, self.awaits())
        {
            return Then::Reopens;
        }
        if !self.is_in_window(segment) {
            if segment.control != Control::Rst {
                self.complain(segment, now, out);
            }
            return Then::Stays;
        }
        match segment.control {
            Control::Rst if segment.seq == self.awaits() => return Then::Ends,
            // RFC 9293, section 3.10.7.4: back to LISTEN.
            Control::Syn
                if self.state == State::SynReceived && self.opened == Opened::Passively =>
            {
                return Then::Ends;
            }
            // The challenges of RFC 5961, sections 3.2 and 4.2.
            Control::Rst | Control::Syn => {
                out.push(self.acknowledgment());
                return Then::Stays;
            }
            Control::None | Control::Fin => {}
        }
        let Some(ack) = segment.ack else {
            return Then::Stays;
        };
        if self.state == State::SynReceived {
            if !is_after(ack, self.unacked) || is_after(ack, self.next) {
                out.push(Segment::bare(ack, None, Control::Rst));
                return Then::Stays;
            }
            self.establish();
        }
        // RFC 5961, section 5.2, too: one that is too old is no better than one
        // of what was never sent.
        if is_after(ack, self.next) || is_after(self.unacked.wrapping_sub(WINDOW), ack) {
            self.complain(segment, now, out);
            return Then::Stays;
        }
        if let Then::Ends = self.take_ack(ack, now) {
            return Then::Ends;
        }
        self.take_data(segment, now, out);
        self.flush(now, out);
        Then::Stays
    }

    /// Section 3.10.7.3.
    fn receive_syn_sent(&mut self, segment: &Segment, now: u64, out: &mut Vec<Segment>) -> Then {
        let acks_syn = segment.ack == Some(self.next);
        if let Some(ack) = segment.ack
            && !acks_syn
        {
            if segment.control != Control::Rst {
                out.push(Segment::bare(ack, None, Control::Rst));
            }
            return Then::Stays;
        }
        match segment.control {
            Control::Rst if acks_syn => return Then::Ends,
            Control::Rst | Control::None | Control::Fin => return Then::Stays,
            Control::Syn => {}
        }
        self.irs = segment.seq;
        if acks_syn {
            self.unacked = self.next;
            self.establish();
            out.push(self.acknowledgment());
            self.flush(now, out);
        } else {
            self.state = State::SynReceived;
            out.push(self.front());
            self.wait(SYN_TIMEOUT, now);
        }
        Then::Stays
    }

    fn establish(&mut self) {
        self.state = State::Established;
        self.was_established = true;
        (self.timer, self.tries) = (None, 0);
    }

    /// The first check: whether the segment has a number that is wanted.
    fn is_in_window(&self, segment: &Segment) -> bool {
        let within = |seq: u32| seq.wrapping_sub(self.awaits()) < WINDOW;
        let last = segment.seq.wrapping_add(segment.len().saturating_sub(1));
        within(segment.seq) || within(last)
    }

    /// The fifth: what of its own the other side has.
    fn take_ack(&mut self, ack: u32, now: u64) -> Then {
        if is_after(ack, self.unacked) {
            self.unacked = ack;
            self.tries = 0;
            self.timer = None;
            if ack != self.next {
                self.wait(TIMEOUT, now);
            }
        }
        if self.fin.is_none_or(|fin| !is_after(self.unacked, fin)) {
            return Then::Stays;
        }
        match self.state {
            State::FinWait1 => self.state = State::FinWait2,
            State::Closing => self.wait_out(now),
            State::LastAck => return Then::Ends,
            _ => {}
        }
        Then::Stays
    }

    /// The seventh and the eighth: data, and then a FIN at its place.
    fn take_data(&mut self, segment: &Segment, now: u64, out: &mut Vec<Segment>) {
        if segment.len() == 0 {
            return;
        }
        if !self.has_read_fin {
            // How far behind or ahead of what is wanted it begins.
            let ahead = segment.seq.wrapping_sub(self.awaits()).cast_signed();
            let start = self.read.len() as i64 + i64::from(ahead);
            for (place, byte) in (start..).zip(&segment.data) {
                if let Ok(place) = usize::try_from(place)
                    && place >= self.read.len()
                {
                    self.early.entry(place).or_insert(*byte);
                }
            }
            let end = usize::try_from(start + segment.data.len() as i64);
            if let (Control::Fin, Ok(end)) = (segment.control, end) {
                self.early_fin.get_or_insert(end);
            }
            while self.early_fin != Some(self.read.len())
                && let Some(byte) = self.early.remove(&self.read.len())
            {
                self.read.push(byte);
            }
            if self.early_fin == Some(self.read.len()) {
                self.take_fin(now);
            }
        }
        out.push(self.acknowledgment());
    }

    fn take_fin(&mut self, now: u64) {
        self.has_read_fin = true;
        self.early.clear();
        match self.state {
            State::Established => self.state = State::CloseWait,
            // Its own FIN is not acknowledged, or it would be in FIN-WAIT-2.
            State::FinWait1 => self.state = State::Closing,
            State::FinWait2 => self.wait_out(now),
            _ => {}
        }
    }

    fn wait_out(&mut self, now: u64) {
        self.state = State::TimeWait;
        self.wait(TIME_WAIT, now);
    }

    /// Sends all that it has to say.
    fn flush(&mut self, now: u64, out: &mut Vec<Segment>) {
        if !matches!(self.state, State::Established | State::CloseWait) {
            return;
        }
        let before = self.next;
        loop {
            let sent = self.next.wrapping_sub(self.iss) as usize - 1;
            let rest = &self.to_say[sent..];
            let data = rest[..rest.len().min(MSS)].to_vec();
            let closes = self.wants_close && data.len() == rest.len();
            if data.is_empty() && !closes {
                break;
            }
            let segment = Segment {
                data,
                control: if closes { Control::Fin } else { Control::None },
                ..self.acknowledgment()
            };
            self.next = self.next.wrapping_add(segment.len());
            out.push(segment);
            if closes {
                self.fin = Some(self.next.wrapping_sub(1));
                self.state = match self.state {
                    State::CloseWait => State::LastAck,
                    _ => State::FinWait1,
                };
                break;
            }
        }
        if self.next != before && self.timer.is_none() {
            self.wait(TIMEOUT, now);
        }
    }

    /// The first segment that is not acknowledged.
    fn front(&self) -> Segment {
        match self.state {
            State::SynSent => Segment::bare(self.iss, None, Control::Syn),
            State::SynReceived => Segment::bare(self.iss, Some(self.awaits()), Control::Syn),
            _ => {
                let sent = self.unacked.wrapping_sub(self.iss) as usize - 1;
                let rest = self.to_say.get(sent..).unwrap_or_default();
                let data = rest[..rest.len().min(MSS)].to_vec();
                let closes = self.fin.is_some() && data.len() == rest.len();
                Segment {
                    seq: self.unacked,
                    control: if closes { Control::Fin } else { Control::None },
                    data,
                    ..self.acknowledgment()
                }
            }
        }
    }

    fn wait(&mut self, timeout: u64, now: u64) {
        self.timer = Some(now + timeout);
    }
}

pub(crate) const WINDOW: u32 = 0xffff;
/// Small, so that little data makes several segments.
const MSS: usize = 100;
const PATIENCE: u64 = 500 * MILLISECOND;
const TIMEOUT: u64 = 200 * MILLISECOND;
const SYN_TIMEOUT: u64 = SECOND;
const TIME_WAIT: u64 = 60 * SECOND;
const MAX_TRIES: u32 = 5;
