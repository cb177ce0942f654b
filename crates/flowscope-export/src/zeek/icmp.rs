//! Messages of ICMP between two hosts, which Zeek takes for one connection
//! whatever their identifiers are.

use core::time::Duration;
use std::collections::BTreeMap;

use flowscope_core::BySide;
use flowscope_record::Host;

use super::Ended;

/// Connections of ICMP that may grow yet, as flows with other identifiers end
/// later.
#[derive(Debug, Default)]
pub(super) struct Messages {
    open: BTreeMap<Key, Ended>,
}

type Key = (Host, Host, Option<(u16, u16)>);

impl Messages {
    /// Takes another connection; gives those that are over.
    pub(super) fn push(&mut self, ended: Ended) -> Vec<Ended> {
        let endpoints = ended.record.endpoints;
        let key = (endpoints.src, endpoints.dst, endpoints.ports);
        let mut over = Vec::new();
        if self.open.len() >= MAX_OPEN {
            over.extend(self.finish());
        }
        match self.open.remove(&key) {
            Some(known) if are_one(&known, &ended) => {
                self.open.insert(key, joined(known, ended));
            }
            Some(known) => {
                over.push(known);
                self.open.insert(key, ended);
            }
            None => _ = self.open.insert(key, ended),
        }
        over
    }

    /// All that are left, in order of time.
    pub(super) fn finish(&mut self) -> Vec<Ended> {
        let mut left: Vec<_> = core::mem::take(&mut self.open).into_values().collect();
        left.sort_by_key(|ended| ended.record.start);
        left
    }
}

/// Whether there is not too much time between two.
fn are_one(one: &Ended, other: &Ended) -> bool {
    let (one, other) = (&one.record, &other.record);
    other.start < one.last + IDLE && one.start < other.last + IDLE
}

/// Both as one, by the name of the first.
fn joined(one: Ended, other: Ended) -> Ended {
    let (mut whole, part) = match other.record.start < one.record.start {
        true => (other, one),
        false => (one, other),
    };
    let add = |whole: &mut BySide<u64>, part: BySide<u64>| {
        whole.initiator += part.initiator;
        whole.responder += part.responder;
    };
    whole.record.last = whole.record.last.max(part.record.last);
    add(&mut whole.record.packets, part.record.packets);
    add(&mut whole.record.ip_bytes, part.record.ip_bytes);
    add(&mut whole.record.payload_bytes, part.record.payload_bytes);
    for parent in part.record.parents {
        if !whole.record.parents.contains(&parent) {
            whole.record.parents.push(parent);
        }
    }
    whole
}

/// How many are kept at the most.
const MAX_OPEN: usize = 65_536;
/// How long there may be silence between two messages.
const IDLE: Duration = Duration::from_secs(60);
