//! Two hosts side by side, to see that they keep to RFC 9293.

use std::collections::VecDeque;

use flowscope_fixtures::MILLISECOND;

use super::endpoint::{Control, Host, Segment};
use super::tcb::{State, Tcb};

/// Two hosts between which segments take no time, and what passed.
pub(crate) struct Pair {
    pub(crate) hosts: [Host; 2],
    pub(crate) now: u64,
    pub(crate) passed: Vec<(usize, Segment)>,
}

impl Pair {
    pub(crate) fn new() -> Self {
        let mut pair = Self {
            hosts: Default::default(),
            now: 0,
            passed: Vec::new(),
        };
        pair.hosts[1].listens = true;
        pair.hosts[1].next_isn = 5_000;
        pair
    }

    pub(crate) fn connected() -> Self {
        let mut pair = Self::new();
        pair.does(0, |host, out| host.open(u32::MAX, 0, out));
        assert_eq!(pair.states(), [Some(State::Established); 2]);
        pair
    }

    /// A host does something, and both answer until there is nothing to say.
    pub(crate) fn does(&mut self, host: usize, act: impl FnOnce(&mut Host, &mut Vec<Segment>)) {
        let mut out = Vec::new();
        act(&mut self.hosts[host], &mut out);
        self.deliver(host, out);
    }

    pub(crate) fn deliver(&mut self, from: usize, segments: Vec<Segment>) {
        let mut queue: VecDeque<_> = segments.into_iter().map(|it| (from, it)).collect();
        while let Some((from, segment)) = queue.pop_front() {
            let mut out = Vec::new();
            self.hosts[1 - from].receive(&segment, self.now, &mut out);
            queue.extend(out.into_iter().map(|it| (1 - from, it)));
            self.passed.push((from, segment));
        }
    }

    /// What a host does without being heard.
    pub(crate) fn in_vain(&mut self, host: usize, act: impl FnOnce(&mut Host, &mut Vec<Segment>)) {
        act(&mut self.hosts[host], &mut Vec::new());
    }

    /// What a segment that is said to be of `from` is answered with.
    pub(crate) fn forge(&mut self, from: usize, segment: &Segment) -> Vec<Segment> {
        let mut out = Vec::new();
        self.hosts[1 - from].receive(segment, self.now, &mut out);
        out
    }

    pub(crate) fn wait(&mut self, millis: u64) {
        for _ in 0..millis {
            self.now += MILLISECOND;
            for host in 0..2 {
                let now = self.now;
                self.does(host, |host, out| host.tick(now, out));
            }
        }
    }

    pub(crate) fn say(&mut self, host: usize, data: &[u8]) {
        let now = self.now;
        self.does(host, |host, out| host.say(data, now, out));
    }

    pub(crate) fn close(&mut self, host: usize) {
        let now = self.now;
        self.does(host, |host, out| host.close(now, out));
    }

    pub(crate) fn states(&self) -> [Option<State>; 2] {
        self.hosts
            .each_ref()
            .map(|host| Some(host.live.as_ref()?.state))
    }

    pub(crate) fn tcb(&self, host: usize) -> &Tcb {
        self.hosts[host].live.as_ref().expect("it is connected")
    }

    /// A segment at the number that its receiver wants next, or so far ahead.
    pub(crate) fn segment(
        &self,
        from: usize,
        control: Control,
        ahead: i32,
        data: &[u8],
    ) -> Segment {
        let receiver = self.tcb(1 - from);
        Segment {
            seq: receiver.awaits().wrapping_add_signed(ahead),
            ack: Some(receiver.next()),
            control,
            data: data.to_vec(),
        }
    }
}
