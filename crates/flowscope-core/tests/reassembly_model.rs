//! The reassembler against one that keeps every byte by itself.
//!
//! `PROPTEST_CASES=1000000 cargo test --release --test reassembly_model` runs
//! more of them.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use flowscope_core::reassemble::{
    BufferedReassembler, Chunk, OverflowPolicy, OverlapPolicy, Reassembler, Segment, StreamConfig,
    StreamNotes, StreamState, StreamStats,
};
use flowscope_core::wire::{Payload, TcpFlags, TcpHeader};
use flowscope_core::{SeqNumber, Timestamp};
use proptest::prelude::*;

fn cases() -> ProptestConfig {
    let modest = ProptestConfig::with_cases(4_000);
    match std::env::var_os("PROPTEST_CASES") {
        Some(_) => ProptestConfig::default(),
        None => modest,
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn a_stream_is_what_its_bytes_make_it(
        config in config(),
        isn in prop_oneof![any::<u32>(), (0..400u32).prop_map(|n| u32::MAX - n)],
        opening in opening(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut stream = BufferedReassembler::new(Arc::new(config));
        // One that is looked after at other moments too.
        let mut watched = BufferedReassembler::new(Arc::new(config));
        let mut model = Model::new(config);
        let mut seen = Vec::new();
        // A moment that leaves room for going back.
        let mut now = 1_000_000;
        let mut cursor = 0;
        for step in opening.into_iter().chain(steps) {
            for _ in 0..3 {
                now += step.pause / 3;
                watched.expire(at(now), &mut |_: Chunk<'_>| {});
            }
            let before = (stream.stats(), stream.state(), model.out.len());
            let mut keep = |chunk: Chunk<'_>| match chunk {
                Chunk::Data(bytes) => seen.extend(bytes.iter().map(|byte| Some(*byte))),
                Chunk::Gap(len) => seen.extend((0..len).map(|_| None)),
            };
            let notes = match step.action.clone() {
                Action::Send(send) => {
                    let part = send.part(now, &mut cursor);
                    model.push(&part);
                    watched.push(&part.segment(isn), &mut |_: Chunk<'_>| {});
                    stream.push(&part.segment(isn), &mut keep)
                }
                Action::Ack { place, flags } => {
                    let ack = place.from(cursor);
                    model.acknowledge(ack, flags, now);
                    let segment = Segment::data(0, b"", at(now))
                        .with_ack(number(isn, ack))
                        .with_flags(flags);
                    watched.acknowledge(&segment, &mut |_: Chunk<'_>| {});
                    stream.acknowledge(&segment, &mut keep)
                }
                Action::Expire => {
                    model.expire(now);
                    stream.expire(at(now), &mut keep)
                }
                Action::Shed => {
                    model.shed(now);
                    watched.shed(at(now), &mut |_: Chunk<'_>| {});
                    stream.shed(at(now), &mut keep)
                }
            };
            // Fast or slow, it looks the same at the next segment.
            if let Action::Send(_) | Action::Shed = step.action {
                prop_assert_eq!(watched.stats(), stream.stats());
                prop_assert_eq!(watched.next_expiry(), stream.next_expiry());
            }
            prop_assert_eq!(seen.get(before.2..), model.out.get(before.2..), "at {:?}", step);
            prop_assert_eq!(stream.stats(), model.stats(), "at {:?}", step);
            prop_assert_eq!(stream.state(), model.state(), "at {:?}", step);
            prop_assert_eq!(stream.next_expiry().map(Timestamp::as_nanos), model.due());
            let after = stream.stats();
            let told = |note| notes.contains(note);
            prop_assert_eq!(told(StreamNotes::GAP), after.holes > before.0.holes);
            prop_assert_eq!(told(StreamNotes::CONFLICT), after.conflicts > before.0.conflicts);
            prop_assert_eq!(told(StreamNotes::STRAY), after.strays > before.0.strays);
            let finishes = before.1 != StreamState::Finished
                && stream.state() == StreamState::Finished;
            prop_assert_eq!(told(StreamNotes::FINISHED), finishes);
        }
        stream.finish(&mut |chunk: Chunk<'_>| match chunk {
            Chunk::Data(bytes) => seen.extend(bytes.iter().map(|byte| Some(*byte))),
            Chunk::Gap(len) => seen.extend((0..len).map(|_| None)),
        });
        model.finish();
        prop_assert_eq!(&seen, &model.out);
        prop_assert_eq!(stream.stats(), model.stats());
        prop_assert_eq!(stream.state(), model.state());
        let stats = stream.stats();
        prop_assert_eq!(stats.held, 0);
        prop_assert_eq!(stats.delivered + stats.missing, seen.len() as u64);
    }

    /// Ranges are counted as they lie in memory, of which the model knows
    /// nothing; but bytes stay where they belong.
    #[test]
    fn whatever_the_caps_bytes_are_where_they_belong(
        config in config(),
        max_ranges in 0..12usize,
        steps in prop::collection::vec(send(), 1..100),
    ) {
        let config = StreamConfig { max_ranges, ..config };
        let mut stream = BufferedReassembler::new(Arc::new(config));
        let mut seen = Vec::new();
        let mut keep = |chunk: Chunk<'_>| match chunk {
            Chunk::Data(bytes) => seen.extend(bytes.iter().map(|byte| Some(*byte))),
            Chunk::Gap(len) => seen.extend((0..len).map(|_| None)),
        };
        let syn = Segment::data(0, b"", at(0)).with_flags(TcpFlags::SYN);
        stream.push(&syn, &mut keep);
        let mut cursor = 0;
        for (send, now) in steps.into_iter().zip(0..) {
            if send.flags.contains(TcpFlags::SYN) {
                continue;
            }
            let part = Send { edition: 0, ..send }.part(now, &mut cursor);
            stream.push(&part.segment(0), &mut keep);
            prop_assert!(stream.memory() <= config.max_memory());
        }
        stream.finish(&mut keep);
        for (place, byte) in (0..).zip(&seen) {
            prop_assert!(byte.is_none_or(|byte| byte == content(place, 0)), "at {place}");
        }
        let stats = stream.stats();
        prop_assert_eq!(stats.conflicts, 0);
        prop_assert_eq!(stats.delivered + stats.missing, seen.len() as u64);
    }
}

/// A segment by the places of its bytes: the first behind the SYN is place 0.
#[derive(Clone, Debug)]
struct Part {
    /// The place of its sequence number.
    place: i64,
    bytes: Vec<u8>,
    cut: u32,
    flags: TcpFlags,
    at: u64,
}

impl Part {
    fn has(&self, flags: TcpFlags) -> bool {
        self.flags.contains(flags)
    }

    fn segment(&self, isn: u32) -> Segment<'_> {
        let header = TcpHeader {
            seq: SeqNumber(number(isn, self.place)),
            ack: SeqNumber(0),
            window: None,
            flags: self.flags,
            window_scale: None,
        };
        let payload = Payload {
            bytes: &self.bytes,
            missing: self.cut,
        };
        Segment::new(&header, payload, at(self.at))
    }

    /// The place of its first byte.
    fn start(&self) -> i64 {
        self.place + i64::from(self.has(TcpFlags::SYN))
    }

    fn len(&self) -> i64 {
        self.bytes.len() as i64 + i64::from(self.cut)
    }

    fn end(&self) -> i64 {
        self.start() + self.len()
    }
}

fn number(isn: u32, place: i64) -> u32 {
    isn.wrapping_add(1).wrapping_add(place as u32)
}

fn at(nanos: u64) -> Timestamp {
    Timestamp::from_nanos(nanos)
}

// The model.

#[derive(Clone, Copy, Debug)]
struct Byte {
    /// None that the capture has.
    value: Option<u8>,
    since: u64,
    segment: (i64, i64),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Phase {
    Waiting,
    Acked,
    Settling,
    Open,
    Finished,
    Stopped,
}

struct Model {
    config: StreamConfig,
    phase: Phase,
    /// Nothing before this place can be part of the stream.
    zero: i64,
    base: i64,
    next: i64,
    acked: i64,
    held: BTreeMap<i64, Byte>,
    since: u64,
    fin: Option<(i64, u64)>,
    noted: Option<(i64, u64)>,
    suspect: Option<Part>,
    counts: StreamStats,
    out: Vec<Option<u8>>,
}

impl Model {
    fn new(config: StreamConfig) -> Self {
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
        }
    }

    fn push(&mut self, part: &Part) {
        self.expire(part.at);
        self.take(part);
        self.expire(part.at);
    }

    fn take(&mut self, part: &Part) {
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
            return;
        }
        if self.phase == Phase::Settling && part.end() < self.zero {
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
            Phase::Waiting => self.settle(start, None),
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

    fn acknowledge(&mut self, ack: i64, flags: TcpFlags, now: u64) {
        self.expire(now);
        self.take_ack(ack, flags);
        self.expire(now);
    }

    fn take_ack(&mut self, ack: i64, flags: TcpFlags) {
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
                        self.admit(&part);
                    } else {
                        self.suspect = Some(part);
                    }
                }
                if ack > self.acked && ack <= self.horizon() {
                    self.acked = ack;
                }
            }
            Phase::Finished | Phase::Stopped => {}
        }
    }

    fn begin(&mut self, start: i64) -> bool {
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

    fn open(&mut self, start: i64, acked: i64) {
        (self.zero, self.base, self.next) = (start, start, start);
        self.acked = acked;
        self.phase = Phase::Open;
    }

    fn settle(&mut self, start: i64, acked: Option<i64>) {
        let room = self.reach().min(64 << 10);
        self.open(start - room, start - room);
        let near = acked.filter(|acked| (self.zero..start).contains(acked));
        self.acked = near.unwrap_or(self.zero);
        self.phase = Phase::Settling;
    }

    fn suspect(&mut self, part: &Part) {
        self.counts.strays += 1;
        if let Some(other) = self.suspect.take() {
            let reach = self.reach();
            let is_copy = (other.start(), other.end()) == (part.start(), part.end());
            let is_near = part.start() <= other.end() + reach
                && other.start() <= part.end() + reach
                && other.start() >= self.known_end();
            if is_near && !is_copy {
                self.admit(&other);
                self.admit(part);
                return;
            }
            self.counts.dropped += other.len() as u64;
        }
        self.suspect = Some(part.clone());
    }

    fn admit(&mut self, part: &Part) {
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
        {
            self.skip_to(first);
        }
        self.end_if_due();
    }

    /// Bytes in a row that the capture has, or that it lacks.
    fn put(&mut self, bytes: &[(i64, Byte)]) {
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

    fn hold(&mut self, bytes: &[(i64, Byte)]) {
        let (start, first) = bytes[0];
        let has_byte = |held: &BTreeMap<i64, Byte>, place| {
            held.get(place).is_some_and(|held| held.value.is_some())
        };
        let new = bytes
            .iter()
            .filter(|(place, byte)| byte.value.is_some() && !has_byte(&self.held, place));
        if self.bytes_held() + new.count() > self.config.max_held && first.value.is_some() {
            if self.config.overflow == OverflowPolicy::DropFlow {
                self.counts.dropped += bytes.len() as u64;
                return self.stop();
            }
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

    fn keep(&mut self, place: i64, new: Byte) {
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
                if prefers_new(self.config.overlap, new.segment, old.segment) {
                    *old = new;
                }
            }
        }
    }

    fn expire(&mut self, now: u64) {
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
            self.skip_to(end);
        }
    }

    /// When the first hole is to be given up.
    fn due(&self) -> Option<u64> {
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

    fn shed(&mut self, now: u64) {
        self.expire(now);
        if let Some(first) = self.held.keys().next().copied() {
            self.skip_to(first);
            self.expire(now);
        } else {
            self.drop_suspect();
        }
    }

    fn finish(&mut self) {
        while let Some(end) = self.hole_end() {
            self.skip_to(end);
        }
        self.stop();
    }

    fn skip_to(&mut self, end: i64) {
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

    fn drain(&mut self) {
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

    fn end_if_due(&mut self) {
        if self.phase == Phase::Open && self.fin.is_some_and(|(fin, _)| fin == self.next) {
            self.end();
        }
    }

    fn end(&mut self) {
        self.drop_suspect();
        self.fin = None;
        self.noted = None;
        self.phase = Phase::Finished;
    }

    fn stop(&mut self) {
        self.drop_suspect();
        self.counts.dropped += self.bytes_held() as u64;
        self.held.clear();
        (self.fin, self.noted) = (None, None);
        if self.phase != Phase::Finished {
            self.phase = Phase::Stopped;
        }
    }

    fn drop_suspect(&mut self) {
        let suspect = self.suspect.take();
        self.counts.dropped += suspect.map_or(0, |part| part.len() as u64);
    }

    fn is_open(&self) -> bool {
        matches!(self.phase, Phase::Settling | Phase::Open)
    }

    fn is_clear(&self) -> bool {
        self.held.is_empty() && self.fin.is_none() && self.suspect.is_none()
    }

    fn bytes_held(&self) -> usize {
        self.held
            .values()
            .filter(|byte| byte.value.is_some())
            .count()
    }

    /// Where the first hole ends.
    fn hole_end(&self) -> Option<i64> {
        let first = self.held.keys().next().copied();
        first.or(self.fin.map(|(fin, _)| fin))
    }

    fn known_end(&self) -> i64 {
        self.held
            .keys()
            .next_back()
            .map_or(self.next, |last| last + 1)
    }

    fn horizon(&self) -> i64 {
        self.known_end().max(self.acked) + self.reach()
    }

    fn reach(&self) -> i64 {
        self.config.reach.into()
    }

    fn state(&self) -> StreamState {
        match self.phase {
            Phase::Finished => StreamState::Finished,
            Phase::Stopped => StreamState::Stopped,
            _ => StreamState::Open,
        }
    }

    fn stats(&self) -> StreamStats {
        let mut stats = self.counts;
        stats.delivered = self.out.iter().flatten().count() as u64;
        stats.held = self.bytes_held() as u64;
        stats
    }
}

/// The rules of Novak and Sturges, case by case.
fn prefers_new(policy: OverlapPolicy, new: (i64, i64), old: (i64, i64)) -> bool {
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

// What happens.

#[derive(Clone, Debug)]
struct Step {
    pause: u64,
    action: Action,
}

#[derive(Clone, Debug)]
enum Action {
    Send(Send),
    Ack { place: Place, flags: TcpFlags },
    Expire,
    Shed,
}

#[derive(Clone, Debug)]
struct Send {
    place: Place,
    len: i64,
    cut: u32,
    flags: TcpFlags,
    /// Which of several contents the stream is said to have.
    edition: u8,
}

/// A place in the stream, as seen from where the sender has got to.
#[derive(Clone, Copy, Debug)]
enum Place {
    Here,
    Off(i64),
    At(i64),
}

impl Place {
    fn from(self, cursor: i64) -> i64 {
        match self {
            Self::Here => cursor,
            Self::Off(by) => cursor + by,
            Self::At(place) => place,
        }
    }
}

impl Send {
    fn part(&self, now: u64, cursor: &mut i64) -> Part {
        let place = self.place.from(*cursor);
        let start = place + i64::from(self.flags.contains(TcpFlags::SYN));
        let content = |place| content(place, self.edition);
        let part = Part {
            place,
            bytes: (start..start + self.len).map(content).collect(),
            cut: self.cut,
            flags: self.flags,
            at: now,
        };
        // Strays and repetitions do not move the sender.
        if part.end() < *cursor + 200 {
            *cursor = part.end().max(*cursor);
        }
        part
    }
}

fn content(place: i64, edition: u8) -> u8 {
    (place.wrapping_mul(31) as u8).wrapping_add(edition)
}

fn step() -> impl Strategy<Value = Step> {
    let action = prop_oneof![
        20 => send().prop_map(Action::Send),
        5 => (place(), ack_flags()).prop_map(|(place, flags)| Action::Ack { place, flags }),
        1 => Just(Action::Expire),
        1 => Just(Action::Shed),
    ];
    let pause = prop_oneof![3 => Just(0), 3 => 0..5_000u64, 1 => 0..60_000u64];
    (pause, action).prop_map(|(pause, action)| Step { pause, action })
}

fn send() -> impl Strategy<Value = Send> {
    let len = prop_oneof![1 => Just(0), 2 => Just(1), 10 => 1..30i64];
    let cut = prop_oneof![8 => Just(0), 1 => 1..20u32];
    let flags = prop_oneof![
        60 => Just(TcpFlags::ACK),
        2 => Just(TcpFlags::FIN),
        1 => Just(TcpFlags::RST),
        1 => Just(TcpFlags::SYN),
        1 => Just(TcpFlags::URG),
    ];
    let edition = prop_oneof![3 => Just(0), 1 => 1..3u8];
    (place(), len, cut, flags, edition).prop_map(|(place, len, cut, flags, edition)| Send {
        place,
        len,
        cut,
        flags,
        edition,
    })
}

fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        10 => Just(Place::Here),
        6 => (-40..40i64).prop_map(Place::Off),
        1 => Just(Place::Off(-1)),
        5 => (0..80i64).prop_map(Place::At),
        // As far back as a stream joined in its middle may begin.
        1 => (-55..-45i64).prop_map(Place::Off),
        1 => (-300..3000i64).prop_map(Place::Off),
    ]
}

fn ack_flags() -> impl Strategy<Value = TcpFlags> {
    prop_oneof![15 => Just(TcpFlags::ACK), 1 => Just(TcpFlags::SYN)]
}

fn opening() -> impl Strategy<Value = Option<Step>> {
    let syn = |len| {
        Action::Send(Send {
            place: Place::At(-1),
            len,
            cut: 0,
            flags: TcpFlags::SYN,
            edition: 0,
        })
    };
    let ack = |flags| Action::Ack {
        place: Place::Here,
        flags,
    };
    let action = prop_oneof![
        4 => Just(Some(syn(0))),
        1 => Just(Some(syn(7))),
        1 => Just(Some(ack(TcpFlags::SYN))),
        1 => Just(Some(ack(TcpFlags::ACK))),
        2 => Just(None),
    ];
    action.prop_map(|action| action.map(|action| Step { pause: 0, action }))
}

fn config() -> impl Strategy<Value = StreamConfig> {
    let overlap = prop::sample::select(OverlapPolicy::ALL);
    let overflow = prop_oneof![
        5 => Just(OverflowPolicy::SlidingWindow),
        1 => Just(OverflowPolicy::DropFlow),
    ];
    let nanos = |nanos: u64| Duration::from_nanos(nanos);
    (
        overlap,
        overflow,
        prop::sample::select(vec![0, 8, 30, 100, 1 << 20]),
        prop::sample::select(vec![10_000, 100_000, 10_000_000]),
        prop::sample::select(vec![0, 1_000, 20_000]),
        prop::sample::select(vec![50, 300, 1 << 20]),
    )
        .prop_map(
            move |(overlap, overflow, max_held, timeout, grace, reach)| {
                StreamConfig {
                    overlap,
                    overflow,
                    max_held,
                    // Ranges depend on how bytes are put together in memory.
                    max_ranges: usize::MAX,
                    hole_timeout: nanos(timeout),
                    ack_grace: nanos(grace),
                    reach,
                }
            },
        )
}
