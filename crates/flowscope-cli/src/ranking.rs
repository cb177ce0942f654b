//! Who sent and received the most.

use core::cmp::Reverse;
use core::ops::AddAssign;
use std::collections::HashMap;

use crate::record::Host;

/// What each host sent and received, in bounded memory.
///
/// When too many hosts are known, those with the least data are folded into
/// one. A host that comes back after that begins anew, so at the very bottom
/// of the list counts may be too low; nothing is lost from the sum.
#[derive(Debug, Default)]
pub(crate) struct Hosts {
    known: HashMap<Host, Talk>,
    folded: Talk,
}

/// How much a host took part.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Talk {
    pub(crate) flows: u64,
    pub(crate) sent: u64,
    pub(crate) received: u64,
}

impl Hosts {
    /// Counts a host's part in a flow.
    pub(crate) fn count(&mut self, host: Host, sent: u64, received: u64) {
        *self.known.entry(host).or_default() += Talk {
            flows: 1,
            sent,
            received,
        };
        if self.known.len() > MOST_KNOWN {
            self.fold();
        }
    }

    /// The hosts with the most data, and what all others amount to, if there
    /// are any.
    pub(crate) fn top(&self, most: usize) -> (Vec<(Host, Talk)>, Option<Talk>) {
        let mut top = self.busiest_first(most);
        let rest = top.split_off(most.min(top.len()));
        top.sort_unstable_by_key(rank);
        let mut others = self.folded;
        rest.iter().for_each(|(_, talk)| others += *talk);
        (top, (others != Talk::default()).then_some(others))
    }

    /// Forgets the half of the hosts that has the least data.
    fn fold(&mut self) {
        let kept = MOST_KNOWN / 2;
        for (host, talk) in self.busiest_first(kept).split_off(kept) {
            self.known.remove(&host);
            self.folded += talk;
        }
    }

    /// All hosts, so many of the busiest before all others.
    fn busiest_first(&self, most: usize) -> Vec<(Host, Talk)> {
        let hosts = self.known.iter();
        let mut hosts: Vec<_> = hosts.map(|(host, talk)| (*host, *talk)).collect();
        if most < hosts.len() {
            hosts.select_nth_unstable_by_key(most, rank);
        }
        hosts
    }
}

/// Sorts by data, and where that is equal by address, so that the same input
/// always gives the same order.
fn rank((host, talk): &(Host, Talk)) -> (Reverse<u64>, Host) {
    (Reverse(talk.bytes()), *host)
}

impl Talk {
    /// Sent and received.
    pub(crate) fn bytes(self) -> u64 {
        self.sent + self.received
    }
}

impl AddAssign for Talk {
    fn add_assign(&mut self, other: Self) {
        self.flows += other.flows;
        self.sent += other.sent;
        self.received += other.received;
    }
}

const MOST_KNOWN: usize = 1 << 17;

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;

    fn host(number: u32) -> Host {
        Host::Ip(Ipv4Addr::from_bits(number).into())
    }

    #[test]
    fn the_busiest_come_first_and_the_rest_is_summed() {
        let mut hosts = Hosts::default();
        for (number, sent, received) in [(1, 5, 5), (2, 100, 0), (3, 0, 1), (1, 200, 0), (4, 1, 0)]
        {
            hosts.count(host(number), sent, received);
        }
        let (top, others) = hosts.top(2);
        let talk = |flows, sent, received| Talk {
            flows,
            sent,
            received,
        };
        assert_eq!(
            top,
            [(host(1), talk(2, 205, 5)), (host(2), talk(1, 100, 0))]
        );
        assert_eq!(others, Some(talk(2, 1, 1)));
    }

    #[test]
    fn memory_is_bounded_and_nothing_is_lost() {
        let mut hosts = Hosts::default();
        let many = 3 * MOST_KNOWN as u32;
        for number in 0..many {
            hosts.count(host(number), 1, 0);
            hosts.count(host(u32::MAX), 10, 0);
        }
        assert!(hosts.known.len() <= MOST_KNOWN);
        let (top, others) = hosts.top(1);
        assert_eq!(top[0].0, host(u32::MAX));
        assert_eq!(top[0].1.sent, 10 * u64::from(many));
        assert_eq!(others.unwrap().sent, u64::from(many));
    }
}
