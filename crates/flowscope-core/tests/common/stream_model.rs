//! A stream put together by keeping every byte by itself.

use std::collections::BTreeMap;

use flowscope_core::reassemble::{
    Chunk, OverflowPolicy, OverlapPolicy, Segment, StreamConfig, StreamState, StreamStats,
};
use flowscope_core::wire::{Payload, TcpFlags, TcpHeader};
use flowscope_core::{SeqNumber, Timestamp};

/// A segment by the places of its bytes: the first behind the SYN is place 0.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    /// The place of its sequence number.
    pub(crate) place: i64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) cut: u32,
    pub(crate) flags: TcpFlags,
    pub(crate) at: u64,
}

impl Part {
    pub(crate) fn has(&self, flags: TcpFlags) -> bool {
        self.flags.contains(flags)
    }

    pub(crate) fn segment(&self, isn: u32) -> Segment<'_> {
        let header = TcpHeader {
            seq: SeqNumber(number(isn, self.place)),
            ack: SeqNumber(0),
            window: None,
            flags: self.flags,
            window_scale: None,
            is_signed: false,
        };
        let payload = Payload {
            bytes: &self.bytes,
            missing: self.cut,
        };
        Segment::new(&header, payload, at(self.at))
    }

    /// The place of its first byte.
    pub(crate) fn start(&self) -> i64 {
        self.place + i64::from(self.has(TcpFlags::SYN))
    }

    pub(crate) fn len(&self) -> i64 {
        self.bytes.len() as i64 + i64::from(self.cut)
    }

    pub(crate) fn end(&self) -> i64 {
        self.start() + self.len()
    }
}

pub(crate) fn number(isn: u32, place: i64) -> u32 {
    isn.wrapping_add(1).wrapping_add(place as u32)
}

pub(crate) fn at(nanos: u64) -> Timestamp {
    Timestamp::from_nanos(nanos)
}

/// Writes down what comes out: each byte, or that it is missing.
pub(crate) fn keep(seen: &mut Vec<Option<u8>>, chunk: Chunk<'_>) {
    match chunk {
        Chunk::Data(bytes) => seen.extend(bytes.iter().map(|byte| Some(*byte))),
        Chunk::Gap(len) => {
            assert!(
                len < 1 << 20,
                "nothing that was sent lies {len} bytes ahead"
            );
            seen.extend((0..len).map(|_| None));
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Byte {
    /// None that the capture has.
    pub(crate) value: Option<u8>,
    pub(crate) since: u64,
    pub(crate) segment: (i64, i64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Phase {
    Waiting,
    Acked,
    Settling,
    Open,
    Finished,
    Stopped,
}

pub(crate) struct Model {
    pub(crate) config: StreamConfig,
    pub(crate) phase: Phase,
    /// Nothing before this place can be part of the stream.
    pub(crate) zero: i64,
    pub(crate) base: i64,
    pub(crate) next: i64,
    pub(crate) acked: i64,
    pub(crate) held: BTreeMap<i64, Byte>,
    pub(crate) since: u64,
    pub(crate) fin: Option<(i64, u64)>,
    pub(crate) noted: Option<(i64, u64)>,
    pub(crate) suspect: Option<Part>,
    pub(crate) counts: StreamStats,
    pub(crate) out: Vec<Option<u8>>,
    /// What has happened to it: each once, to know that it does happen.
    pub(crate) seen: Vec<&'static str>,
}

impl Model {
    pub(crate) fn new(config: StreamConfig) -> Self {
        Self {
            config,
            phase: Phase::Waiting,
            zero: 0,
            base: 0,
            next: 0,
            acked: 0,
            held: BTreeMap::new(),
            since: 0,
            fin: None,
            noted: None,
            suspect: None,
            counts: StreamStats::default(),
            out: Vec::new(),
            seen: Vec::new(),
        }
    }

    fn saw(&mut self, what: &'static str) {
        if !self.seen.contains(&what) {
            self.seen.push(what);
        }
    }

    pub(crate) fn push(&mut self, part: &Part) {
        self.expire(part.at);
        self.take(part);
        self.expire(part.at);
    }

    pub(crate) fn take(&mut self, part: &Part) {
        if part.has(TcpFlags::RST) || part.has(TcpFlags::SYN) && !self.begin(part.start()) {
            self.counts.dropped += part.len() as u64;
            return;
        }
        let fin = part.has(TcpFlags::FIN);
        let start = part.start();
        if part.len() == 0 && !fin {
            return;
        }
        let last = match self.phase {
            Phase::Waiting => None,
            Phase::Acked => Some(self.acked),
            _ => Some(self.known_end()),
        };
        if part.len() == 1 && !fin && last == Some(start + 1) {
            self.saw("a keep-alive");
            return;
        }
        if self.phase == Phase::Settling && part.end() < self.zero {
            self.saw("a first segment that was a stray");
            self.stop();
            self.phase = Phase::Waiting;
        }
        match self.phase {
            Phase::Finished | Phase::Stopped => {
                let is_old = start >= self.zero && part.end() <= self.next;
                if is_old && !part.has(TcpFlags::SYN) {
                    self.counts.retransmitted += part.len() as u64;
                } else {
                    self.counts.dropped += part.len() as u64;
                }
                return;
            }
            Phase::Waiting => {
                self.saw("joined in the middle");
                self.settle(start, None);
            }
            Phase::Acked if (start..=start + self.reach()).contains(&self.acked) => {
                self.open(start, self.acked);
            }
            Phase::Acked => self.settle(start, Some(self.acked)),
            Phase::Settling | Phase::Open => {}
        }
        if start > self.horizon() {
            self.suspect(part);
        } else {
            self.admit(part);
        }
    }

    pub(crate) fn acknowledge(&mut self, ack: i64, flags: TcpFlags, now: u64) {
        self.expire(now);
        self.take_ack(ack, flags);
        self.expire(now);
    }

    pub(crate) fn take_ack(&mut self, ack: i64, flags: TcpFlags) {
        let syn = flags.contains(TcpFlags::SYN);
        match self.phase {
            Phase::Waiting | Phase::Acked | Phase::Settling if syn => {
                self.begin(ack);
            }
            Phase::Waiting => {
                self.phase = Phase::Acked;
                self.acked = ack;
            }
            Phase::Acked => self.acked = self.acked.max(ack),
            Phase::Settling | Phase::Open => {
                if let Some(part) = self.suspect.take() {
                    let acked = part.start() < ack && ack <= part.end() + self.reach();
                    if acked && part.start() >= self.known_end() {
                        self.saw("a jump confirmed by an ACK");
                        self.admit(&part);
                    } else {
                        self.suspect = Some(part);
                    }
                }
                if ack > self.acked && ack <= self.horizon() {
                    self.acked = ack;
                } else if ack > self.horizon() {
                    self.saw("a stray ACK");
                }
                if self.acked > self.known_end() {
                    self.saw("an ACK before its data");
                }
            }
            Phase::Finished | Phase::Stopped => {}
        }
    }

    pub(crate) fn begin(&mut self, start: i64) -> bool {
        match self.phase {
            Phase::Waiting | Phase::Acked => self.open(start, start),
            Phase::Open if self.next == self.zero && start != self.zero && self.is_clear() => {
                self.open(start, start);
            }
            Phase::Settling => {
                let first = self.hole_end().expect("something is held");
                if !(self.zero..=first).contains(&start) {
                    return false;
                }
                (self.base, self.next) = (start, start);
                self.phase = Phase::Open;
                self.drain();
                self.end_if_due();
            }
            _ => return start == self.base,
        }
        true
    }

    pub(crate) fn open(&mut self, start: i64, acked: i64) {
        (self.zero, self.base, self.next) = (start, start, start);
        self.acked = acked;
        self.phase = Phase::Open;
    }

    pub(crate) fn settle(&mut self, start: i64, acked: Option<i64>) {
        let room = self.reach().min(64 << 10);
        self.open(start - room, start - room);
        let near = acked.filter(|acked| (self.zero..start).contains(acked));
        self.acked = near.unwrap_or(self.zero);
        self.phase = Phase::Settling;
    }

    pub(crate) fn suspect(&mut self, part: &Part) {
        self.counts.strays += 1;
        if let Some(other) = self.suspect.take() {
            let reach = self.reach();
            let is_copy = (other.start(), other.end()) == (part.start(), part.end());
            let is_near = part.start() <= other.end() + reach
                && other.start() <= part.end() + reach
                && other.start() >= self.known_end();
            if is_near && !is_copy {
                self.saw("a jump confirmed by a segment");
                self.admit(&other);
                self.admit(part);
                return;
            }
            self.counts.dropped += other.len() as u64;
        }
        self.suspect = Some(part.clone());
    }

    pub(crate) fn admit(&mut self, part: &Part) {
        let (start, end) = (part.start(), part.end());
        if !self.is_open() || end < self.zero {
            self.counts.dropped += part.len() as u64;
            return;
        }
        self.counts.dropped += (self.zero - start).clamp(0, part.len()) as u64;
        let start = start.max(self.zero);
        let first = self.hole_end();
        let fin = part.has(TcpFlags::FIN);
        let in_order = fin && start <= self.next && end >= self.next && self.is_clear();
        if fin && !in_order && end >= self.next && self.fin.is_none() {
            if self.hole_end().is_none() {
                self.since = part.at;
            }
            self.fin = Some((end, part.at));
            self.saw("a FIN behind a hole");
            let beyond = self.held.split_off(&end);
            self.counts.dropped += beyond.values().filter(|b| b.value.is_some()).count() as u64;
        }
        let limit = self.fin.map_or(end, |(fin, _)| fin.clamp(start, end));
        self.counts.dropped += (end - limit) as u64;
        let captured = (part.start() + part.bytes.len() as i64).max(start);
        let byte = |place: i64| {
            let value = usize::try_from(place - part.start())
                .ok()
                .and_then(|index| part.bytes.get(index).copied());
            let segment = (start, end);
            let since = part.at;
            (
                place,
                Byte {
                    value,
                    since,
                    segment,
                },
            )
        };
        self.put(&(start..captured.min(limit)).map(byte).collect::<Vec<_>>());
        self.put(&(captured..limit).map(byte).collect::<Vec<_>>());
        if in_order {
            self.end();
        }
        if let (Phase::Settling, Some(first)) = (self.phase, first)
            && start >= first
            && !(self.zero + 1..first).contains(&self.acked)
        {
            self.skip_to(first);
        }
        self.end_if_due();
    }

    /// Bytes in a row that the capture has, or that it lacks.
    pub(crate) fn put(&mut self, bytes: &[(i64, Byte)]) {
        let next = self.next;
        if !self.is_open() {
            self.counts.dropped += bytes.len() as u64;
            return;
        }
        let old = bytes.iter().filter(|(place, _)| *place < next).count();
        self.counts.retransmitted += old as u64;
        let Some((place, _)) = bytes.first() else {
            return;
        };
        if *place > next {
            return self.hold(bytes);
        }
        if old < bytes.len() && self.phase == Phase::Settling {
            self.phase = Phase::Open;
        }
        for (place, byte) in &bytes[old..] {
            self.keep(*place, *byte);
        }
        if old < bytes.len() {
            self.drain();
        }
    }

    pub(crate) fn hold(&mut self, bytes: &[(i64, Byte)]) {
        let (start, first) = bytes[0];
        let has_byte = |held: &BTreeMap<i64, Byte>, place| {
            held.get(place).is_some_and(|held| held.value.is_some())
        };
        let new = bytes
            .iter()
            .filter(|(place, byte)| byte.value.is_some() && !has_byte(&self.held, place));
        if self.bytes_held() + new.count() > self.config.max_held && first.value.is_some() {
            if self.config.overflow == OverflowPolicy::DropFlow {
                self.saw("a stream dropped at its cap");
                self.counts.dropped += bytes.len() as u64;
                return self.stop();
            }
            self.saw("a hole given up at the cap");
            let until = self
                .held
                .keys()
                .next()
                .map_or(start, |held| start.min(*held));
            self.skip_to(until);
            return if start <= self.next {
                self.put(bytes)
            } else {
                self.hold(bytes)
            };
        }
        if self.hole_end().is_none() {
            self.since = first.since;
        }
        for (place, byte) in bytes {
            self.keep(*place, *byte);
        }
        if self.phase == Phase::Open {
            self.counts.held_peak = self.counts.held_peak.max(self.bytes_held() as u64);
        }
    }

    pub(crate) fn keep(&mut self, place: i64, new: Byte) {
        let Some(old) = self.held.get_mut(&place) else {
            self.held.insert(place, new);
            return;
        };
        match (old.value, new.value) {
            (_, None) => self.counts.retransmitted += 1,
            (None, Some(_)) => *old = new,
            (Some(was), Some(is)) => {
                self.counts.retransmitted += 1;
                self.counts.conflicts += u64::from(was != is);
                let is_new = prefers_new(self.config.overlap, new.segment, old.segment);
                if is_new {
                    *old = new;
                }
                if was != is {
                    self.saw(match is_new {
                        true => "a conflict won by the new copy",
                        false => "a conflict won by the old copy",
                    });
                }
            }
        }
    }

    pub(crate) fn expire(&mut self, now: u64) {
        let mut moment = now;
        while let Some(end) = self.hole_end() {
            if self.acked >= end && self.noted.is_none_or(|(acked, _)| acked < end) {
                self.noted = Some((self.acked, moment));
            }
            let settled = self.phase == Phase::Settling && self.acked >= end;
            let due = self.due().expect("there is a hole");
            if !settled && now < due {
                break;
            }
            moment = due.min(now);
            let is_old = due == self.since + self.config.hole_timeout.as_nanos() as u64;
            self.saw(match (self.phase, is_old) {
                (Phase::Settling, _) => "a beginning that nothing came before",
                (_, true) => "a hole given up for its age",
                (_, false) => "a hole given up for an ACK",
            });
            self.skip_to(end);
        }
    }

    /// When the first hole is to be given up.
    pub(crate) fn due(&self) -> Option<u64> {
        let end = self.hole_end()?;
        let grace = self.config.ack_grace.as_nanos() as u64;
        let mut due = self.since + self.config.hole_timeout.as_nanos() as u64;
        if let Some((acked, at)) = self.noted
            && acked >= end
        {
            due = due.min(at + grace);
        }
        if self.phase == Phase::Settling {
            due = due.min(self.since + grace);
        }
        Some(due)
    }

    pub(crate) fn shed(&mut self, now: u64) {
        self.expire(now);
        if let Some(first) = self.held.keys().next().copied() {
            self.skip_to(first);
            self.expire(now);
        } else {
            self.drop_suspect();
        }
    }

    pub(crate) fn finish(&mut self) {
        while let Some(end) = self.hole_end() {
            self.skip_to(end);
        }
        self.stop();
    }

    pub(crate) fn skip_to(&mut self, end: i64) {
        if self.phase == Phase::Settling {
            self.base = end;
            self.phase = Phase::Open;
        } else if end > self.next {
            self.counts.holes += 1;
            self.counts.missing += (end - self.next) as u64;
            self.out.extend((self.next..end).map(|_| None));
        }
        self.next = self.next.max(end);
        self.drain();
        self.end_if_due();
    }

    pub(crate) fn drain(&mut self) {
        while let Some(byte) = self.held.remove(&self.next) {
            self.out.push(byte.value);
            if byte.value.is_none() {
                self.counts.missing += 1;
                self.counts.cut += 1;
            }
            self.next += 1;
        }
        match (self.held.values().next(), self.fin) {
            (Some(byte), _) => self.since = byte.since,
            (None, Some((_, since))) => self.since = since,
            (None, None) => self.noted = None,
        }
    }

    pub(crate) fn end_if_due(&mut self) {
        if self.phase == Phase::Open && self.fin.is_some_and(|(fin, _)| fin == self.next) {
            self.end();
        }
    }

    pub(crate) fn end(&mut self) {
        self.saw("a FIN in its place");
        self.drop_suspect();
        self.fin = None;
        self.noted = None;
        self.phase = Phase::Finished;
    }

    pub(crate) fn stop(&mut self) {
        self.drop_suspect();
        self.counts.dropped += self.bytes_held() as u64;
        self.held.clear();
        (self.fin, self.noted) = (None, None);
        if self.phase != Phase::Finished {
            self.phase = Phase::Stopped;
        }
    }

    pub(crate) fn drop_suspect(&mut self) {
        let suspect = self.suspect.take();
        self.counts.dropped += suspect.map_or(0, |part| part.len() as u64);
    }

    pub(crate) fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Settling | Phase::Open)
    }

    pub(crate) fn is_clear(&self) -> bool {
        self.held.is_empty() && self.fin.is_none() && self.suspect.is_none()
    }

    pub(crate) fn bytes_held(&self) -> usize {
        self.held
            .values()
            .filter(|byte| byte.value.is_some())
            .count()
    }

    /// Where the first hole ends.
    pub(crate) fn hole_end(&self) -> Option<i64> {
        let first = self.held.keys().next().copied();
        first.or(self.fin.map(|(fin, _)| fin))
    }

    pub(crate) fn known_end(&self) -> i64 {
        self.held
            .keys()
            .next_back()
            .map_or(self.next, |last| last + 1)
    }

    pub(crate) fn horizon(&self) -> i64 {
        self.known_end().max(self.acked) + self.reach()
    }

    pub(crate) fn reach(&self) -> i64 {
        self.config.reach.into()
    }

    pub(crate) fn state(&self) -> StreamState {
        match self.phase {
            Phase::Finished => StreamState::Finished,
            Phase::Stopped => StreamState::Stopped,
            _ => StreamState::Open,
        }
    }

    pub(crate) fn stats(&self) -> StreamStats {
        let mut stats = self.counts;
        stats.delivered = self.out.iter().flatten().count() as u64;
        stats.held = self.bytes_held() as u64;
        stats
    }
}

/// The rules of Novak and Sturges, case by case.
pub(crate) fn prefers_new(policy: OverlapPolicy, new: (i64, i64), old: (i64, i64)) -> bool {
    use core::cmp::Ordering::{Equal, Greater, Less};
    match (policy, new.0.cmp(&old.0), new.1.cmp(&old.1)) {
        (OverlapPolicy::First, ..) => false,
        (OverlapPolicy::Last, ..) => true,
        (OverlapPolicy::Bsd | OverlapPolicy::Windows, begins, _) => begins == Less,
        (OverlapPolicy::Linux, Less, _) | (OverlapPolicy::Linux, Equal, Greater) => true,
        (OverlapPolicy::Linux, ..) => false,
        (OverlapPolicy::Solaris, Less | Equal, Equal | Greater) => true,
        (OverlapPolicy::Solaris, Greater, Greater) => true,
        (OverlapPolicy::Solaris, ..) => false,
        (other, ..) => panic!("{other:?} has no rules"),
    }
}
