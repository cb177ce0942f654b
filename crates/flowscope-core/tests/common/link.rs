//! Two hosts, the link between them, somebody who watches it and somebody who
//! forges packets.
//!
//! The watcher and the forger sit at the same place on the link. Packets pass
//! it in order, but for those that a [`Mishap`](super::link_story::Mishap)
//! befalls.

use core::cmp::Reverse;
use std::collections::BinaryHeap;

use flowscope_fixtures::MILLISECOND;

use super::endpoint::{Control, Host, Segment, is_after};
use super::link_story::{
    Arrival, ForgedAck, ForgedSeq, Isn, Kind, LateTime, Opening, Packet, Script, Step, Story, What,
};
use super::tcb::{State, Tcb};

/// Lets a script happen. `content` says what the hosts say.
pub(crate) fn run(script: &Script, content: &dyn Fn(usize, usize, usize) -> u8) -> Story {
    let mut link = Link {
        script,
        content,
        hosts: Default::default(),
        events: Vec::new(),
        queue: BinaryHeap::new(),
        timers: [None; 2],
        packets: Vec::new(),
        passed: vec![0; script.connections.len()],
        kinds: vec![Vec::new(); script.connections.len()],
        forged: vec![false; script.forgeries.len()],
        waiting: Vec::new(),
        now: 0,
        current: None,
        isns: Vec::new(),
    };
    link.schedule(script.start, Event::Open(0));
    while let Some(Reverse((at, index))) = link.queue.pop() {
        link.now = at;
        let event = link.events[index];
        link.happen(event);
        link.set_timers();
    }
    link.tell()
}

struct Link<'a> {
    script: &'a Script,
    content: &'a dyn Fn(usize, usize, usize) -> u8,
    hosts: [Host; 2],
    events: Vec<Event>,
    /// Events in order of time, then of their making.
    queue: BinaryHeap<Reverse<(u64, usize)>>,
    timers: [Option<u64>; 2],
    packets: Vec<Packet>,
    /// Packets of each connection that passed.
    passed: Vec<usize>,
    kinds: Vec<Vec<Kind>>,
    forged: Vec<bool>,
    /// Steps of a server that is not connected yet.
    waiting: Vec<Step>,
    now: u64,
    current: Option<usize>,
    isns: Vec<[u32; 2]>,
}

#[derive(Clone, Copy, Debug)]
enum Event {
    Open(usize),
    Step(usize, usize),
    Done(usize),
    Timer(usize),
    Forge(usize),
    /// The packet passes the watcher.
    Pass(usize),
    /// The packet reaches its receiver.
    Reach(usize),
}

impl Link<'_> {
    fn schedule(&mut self, at: u64, event: Event) {
        self.queue.push(Reverse((at, self.events.len())));
        self.events.push(event);
    }

    fn set_timers(&mut self) {
        for host in 0..2 {
            let timer = self.hosts[host].timer();
            if timer != self.timers[host] {
                self.timers[host] = timer;
                if let Some(at) = timer {
                    self.schedule(at, Event::Timer(host));
                }
            }
        }
    }

    fn happen(&mut self, event: Event) {
        let (now, mut out) = (self.now, Vec::new());
        match event {
            Event::Open(connection) => self.open(connection),
            Event::Step(connection, step) => {
                let step = self.script.connections[connection].steps[step].1;
                self.take_step(step);
            }
            Event::Done(connection) => {
                for index in 0..self.forged.len() {
                    if self.script.forgeries[index].connection == connection {
                        self.prepare(index);
                    }
                }
            }
            Event::Timer(host) => {
                self.hosts[host].tick(now, &mut out);
                self.send(host, out);
            }
            Event::Forge(index) => self.forge(index),
            Event::Pass(index) => self.pass(index),
            Event::Reach(index) => {
                let packet = &self.packets[index];
                let to = 1 - packet.from;
                self.hosts[to].receive(&packet.segment, now, &mut out);
                self.send(to, out);
                if to == 1 && self.current.is_some() && self.connection_of(1) == self.current {
                    for step in core::mem::take(&mut self.waiting) {
                        self.take_step(step);
                    }
                }
            }
        }
    }

    fn open(&mut self, index: usize) {
        let (now, connection) = (self.now, &self.script.connections[index]);
        let isns = [0, 1].map(|host| match connection.isns[host] {
            Isn::Any(isn) => isn,
            Isn::Ahead(by) => last_number(&self.hosts[host]).wrapping_add(by),
        });
        self.current = Some(index);
        self.isns.push(isns);
        self.waiting.clear();
        // Whoever asks again must have lost its memory, unless it was done.
        let mut out = Vec::new();
        self.hosts[0].open(isns[0], now, &mut out);
        self.send(0, out);
        self.hosts[1].next_isn = isns[1];
        let is_usual = connection.opening == Opening::Usual;
        self.hosts[1].listens = is_usual;
        if !is_usual {
            let mut out = Vec::new();
            self.hosts[1].open(isns[1], now, &mut out);
            self.send(1, out);
        }
        let mut at = now;
        for (step, (pause, _)) in connection.steps.iter().enumerate() {
            at += pause;
            self.schedule(at, Event::Step(index, step));
        }
        self.schedule(at, Event::Done(index));
        if let Some(next) = self.script.connections.get(index + 1) {
            self.schedule(at + next.pause, Event::Open(index + 1));
        }
        self.prepare_due(index);
    }

    fn take_step(&mut self, step: Step) {
        let (now, host, mut out) = (self.now, step.host(), Vec::new());
        if self.connection_of(host) != self.current {
            // What was connected once need not wait.
            let isns = *self.isns.last().expect("it was opened");
            let mut gone = self.hosts[host].gone.iter();
            if host == 1 && !gone.any(|tcb| tcb.was_established && tcb.is_of(1, isns)) {
                self.waiting.push(step);
            }
            return;
        }
        match step {
            Step::Say(_, len) => {
                let connection = self.current.expect("it was opened");
                let from = self.hosts[host].live.as_ref().map_or(0, Tcb::said);
                let data = (from..from + len).map(|place| (self.content)(connection, host, place));
                self.hosts[host].say(&data.collect::<Vec<_>>(), now, &mut out);
            }
            Step::Close(_) => self.hosts[host].close(now, &mut out),
            Step::Abort(_) => self.hosts[host].abort(&mut out),
            Step::Crash(_) => self.hosts[host].forget(),
        }
        // An RST is the last word of a connection that is gone by now.
        let connection = self.current;
        self.send_of(host, connection, out);
    }

    /// The connection that a host is live on.
    fn connection_of(&self, host: usize) -> Option<usize> {
        let tcb = self.hosts[host].live.as_ref()?;
        let mut isns = self.isns.iter();
        isns.rposition(|isns| tcb.is_of(host, *isns))
    }

    fn send(&mut self, host: usize, segments: Vec<Segment>) {
        self.send_of(host, self.connection_of(host), segments);
    }

    fn send_of(&mut self, from: usize, connection: Option<usize>, segments: Vec<Segment>) {
        for segment in segments {
            let at = self.now + self.script.delays[from];
            let mut packet = self.packet(from, segment, connection, at);
            if let Some(connection) = connection.or(self.current) {
                let kinds = &mut self.kinds[connection];
                let is_first = !kinds.contains(&Kind::HandshakeAck);
                if from == 0 && packet.kind == Kind::Ack && is_first {
                    packet.kind = Kind::HandshakeAck;
                }
                let kind = packet.kind;
                let nth = kinds.iter().filter(|it| **it == kind).count();
                kinds.push(kind);
                let mishaps = self.script.mishaps.iter();
                packet.what = mishaps
                    .filter(|it| (it.connection, it.kind, it.nth) == (connection, kind, nth))
                    .map(|it| it.what)
                    .next();
            }
            if packet.what == Some(What::Twice) {
                let mut copy = packet.clone();
                copy.at += MILLISECOND / 5;
                self.put(copy);
            }
            self.put(packet);
        }
    }

    fn packet(&self, from: usize, segment: Segment, connection: Option<usize>, at: u64) -> Packet {
        Packet {
            from,
            kind: Kind::of(&segment),
            segment,
            connection,
            forged: None,
            at,
            what: None,
            is_awaited: false,
            isns: match connection.or(self.current) {
                Some(connection) => self.isns[connection],
                None => [0; 2],
            },
            receiver: None,
        }
    }

    /// Puts a packet on its way.
    fn put(&mut self, packet: Packet) {
        let index = self.packets.len();
        let arrives = packet.at + self.script.delays[1 - packet.from];
        let dies = packet
            .forged
            .is_some_and(|forgery| forgery.arrival == Arrival::Dies);
        self.schedule(packet.at, Event::Pass(index));
        match packet.what {
            Some(What::Lost | What::LostBehind) => {}
            Some(What::Slow(by)) => self.schedule(arrives + by, Event::Reach(index)),
            _ if dies => {}
            _ => self.schedule(arrives, Event::Reach(index)),
        }
        self.packets.push(packet);
    }

    fn pass(&mut self, index: usize) {
        let receiver = 1 - self.packets[index].from;
        let connection = self.connection_of(receiver);
        let packet = &mut self.packets[index];
        packet.is_awaited = connection.is_some() && connection == packet.connection;
        packet.receiver = self.hosts[receiver].live.as_ref().map(|tcb| tcb.state);
        if let Some(connection) = packet.connection {
            self.passed[connection] += 1;
            self.prepare_due(connection);
        }
    }

    /// Forgeries that wait for the latest packet of a connection.
    fn prepare_due(&mut self, connection: usize) {
        for index in 0..self.forged.len() {
            let forgery = &self.script.forgeries[index];
            if forgery.connection == connection && forgery.after <= self.passed[connection] {
                self.prepare(index);
            }
        }
    }

    fn prepare(&mut self, index: usize) {
        if !self.forged[index] {
            self.forged[index] = true;
            let at = self.now + self.script.forgeries[index].delay;
            self.schedule(at, Event::Forge(index));
        }
    }

    fn forge(&mut self, index: usize) {
        let forgery = self.script.forgeries[index];
        let receiver = &self.hosts[1 - forgery.from];
        let known = receiver.live.as_ref().or(receiver.gone.last());
        let wanted = known
            .filter(|tcb| tcb.state != State::SynSent)
            .map_or(forgery.after as u32, Tcb::awaits);
        let seq = match forgery.seq {
            ForgedSeq::Exact => wanted,
            ForgedSeq::Ahead(by) => wanted.wrapping_add(by),
            ForgedSeq::Behind(by) => wanted.wrapping_sub(by),
            ForgedSeq::Any(seq) => seq,
        };
        let sent = |of: fn(&Tcb) -> u32| known.map_or(forgery.delay as u32, of);
        let ack = match forgery.ack {
            ForgedAck::None => None,
            ForgedAck::Right => Some(sent(Tcb::next)),
            ForgedAck::Old(by) => Some(sent(Tcb::unacked).wrapping_sub(by)),
            ForgedAck::Any(ack) => Some(ack),
        };
        let has_data = (forgery.control, ack) == (Control::Syn, None);
        let segment = Segment {
            seq,
            ack,
            control: forgery.control,
            data: vec![b'!'; if has_data { forgery.data } else { 0 }],
        };
        let mut packet = self.packet(forgery.from, segment, None, self.now);
        packet.forged = Some(forgery);
        self.put(packet);
    }

    fn tell(mut self) -> Story {
        self.packets.sort_by_key(|packet| packet.at);
        for index in (0..self.packets.len()).rev() {
            if let Some(What::Late(by, time)) = self.packets[index].what {
                write_down_late(&mut self.packets, index, by, time);
            }
        }
        let ends = self.isns.iter().map(|isns| {
            [0, 1].map(|host| {
                let Host { live, gone, .. } = &self.hosts[host];
                let all = gone.iter().chain(live);
                let of_this = all.filter(|tcb| tcb.is_of(host, *isns));
                of_this.max_by_key(|tcb| tcb.was_established).cloned()
            })
        });
        Story {
            ends: ends.collect(),
            packets: self.packets,
            isns: self.isns,
        }
    }
}

/// The last number that a host used.
fn last_number(host: &Host) -> u32 {
    let known = host.live.iter().chain(host.gone.last());
    let last = known.map(Tcb::next);
    last.reduce(|a, b| if is_after(a, b) { a } else { b })
        .unwrap_or(0)
}

/// Moves a packet behind `by` later ones.
///
/// Only so far as what lies in between takes less than the time for which an
/// ACK may come before its data; and not into a later connection, of which
/// everything that is older is none of its business.
fn write_down_late(packets: &mut [Packet], index: usize, by: usize, time: LateTime) {
    let (at, connection) = (packets[index].at, packets[index].connection);
    let is_passed = |packet: &&Packet| {
        packet.at <= at + FURTHEST
            && (packet.connection.is_none() || packet.connection <= connection)
    };
    let mut passed = 0;
    let mut steps = 0;
    for packet in packets[index + 1..].iter().take_while(is_passed) {
        if passed == by {
            break;
        }
        steps += 1;
        passed += usize::from(packet.is_seen());
    }
    packets[index..=index + steps].rotate_left(1);
    if time == LateTime::OfTheOther && steps > 0 {
        packets[index + steps].at = packets[index + steps - 1].at;
    }
}

const FURTHEST: u64 = 80 * MILLISECOND;
