//! SYNs that may begin another connection on the ports of one that lives.
//!
//! Such a SYN counts nowhere until it is known whose it is: on a new flow once
//! something proves it, on the flow that it met if nothing does. The packet is
//! kept whole, and tracked then as any other.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use crate::track::{FlowId, NewConnection};
use crate::{FlowSide, LinkType, PacketView, SeqNumber, Timestamp};

/// The packets that wait for a proof.
#[derive(Debug, Default)]
pub(super) struct Contenders {
    /// Those that met a connection in use, in the order in which they came.
    refusable: VecDeque<HeldPacket>,
    /// Those that met one that was over, likewise: they begin another when it is
    /// gone, whatever comes.
    following: VecDeque<HeldPacket>,
    /// How many are of flows that have ended, and are due at once.
    orphans: usize,
}

/// A packet that waits for a proof.
#[derive(Debug)]
pub(super) struct HeldPacket {
    /// The flow that it met.
    pub(super) flow: FlowId,
    /// Which of the frames that the engine was given it came in, counted from 1.
    pub(super) number: u64,
    /// What becomes of it if nothing proves it.
    pub(super) unproven: Unproven,
    /// When it is waited for no more.
    due: Timestamp,
    /// The SYN that it is, or answers: who sent it, and its number.
    syn: (FlowSide, SeqNumber),
    is_orphan: bool,
    frame: Box<[u8]>,
    link: LinkType,
    timestamp: Timestamp,
    wire_len: u32,
}

/// What becomes of a SYN that nobody answers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unproven {
    /// The connection that it met was in use, and refuses it.
    Refused,
    /// That was over: it is the first of another.
    Begins,
}

impl HeldPacket {
    /// The packet as it came.
    pub(super) fn view(&self) -> PacketView<'_> {
        PacketView::new(&self.frame, self.timestamp)
            .with_link(self.link)
            .with_wire_len(self.wire_len)
    }
}

impl Contenders {
    /// Whether a packet is of a size that can be kept.
    pub(super) const fn accepts(packet: &PacketView<'_>) -> bool {
        packet.frame.len() <= MAX_FRAME
    }

    /// Keeps a packet that came when the clock was at `now`.
    pub(super) fn hold(
        &mut self,
        flow: FlowId,
        contender: NewConnection,
        unproven: Unproven,
        packet: &PacketView<'_>,
        number: u64,
        now: Timestamp,
    ) {
        let queue = match unproven {
            Unproven::Refused => &mut self.refusable,
            Unproven::Begins => &mut self.following,
        };
        queue.push_back(HeldPacket {
            flow,
            number,
            unproven,
            due: now + PATIENCE,
            syn: (contender.opener, contender.isn),
            is_orphan: false,
            frame: packet.frame.into(),
            link: packet.link,
            timestamp: packet.timestamp,
            wire_len: packet.wire_len,
        });
    }

    /// Whether a SYN of a flow is held.
    pub(super) fn holds(&self, flow: FlowId, syn: (FlowSide, SeqNumber)) -> bool {
        let mut all = self.refusable.iter().chain(&self.following);
        all.any(|held| held.flow == flow && held.syn == syn)
    }

    /// Takes all that met a flow: what is of one of the `proven` SYNs, and the
    /// rest.
    pub(super) fn take_all(
        &mut self,
        flow: FlowId,
        proven: &[(FlowSide, SeqNumber)],
    ) -> (Vec<HeldPacket>, Vec<HeldPacket>) {
        let mut taken = Vec::new();
        for queue in [&mut self.refusable, &mut self.following] {
            for held in core::mem::take(queue) {
                if held.flow == flow {
                    taken.push(held);
                } else {
                    queue.push_back(held);
                }
            }
        }
        taken.sort_unstable_by_key(|held| held.number);
        taken
            .into_iter()
            .partition(|held| proven.contains(&held.syn))
    }

    /// The flow has ended: what met it waits for nothing any more.
    pub(super) fn orphan(&mut self, flow: FlowId) {
        let all = self.refusable.iter_mut().chain(&mut self.following);
        for held in all.filter(|held| held.flow == flow) {
            held.is_orphan = true;
            self.orphans += 1;
        }
    }

    /// Takes a packet that is waited for no longer, or for which there is no
    /// room.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<HeldPacket> {
        if self.orphans > 0 {
            self.orphans -= 1;
            let place = |queue: &VecDeque<HeldPacket>| queue.iter().position(|it| it.is_orphan);
            return match place(&self.refusable) {
                Some(at) => self.refusable.remove(at),
                None => self.following.remove(place(&self.following)?),
            };
        }
        let is_due = self.refusable.front().is_some_and(|held| held.due <= now);
        if is_due || self.is_crowded() && self.refusable.len() >= self.following.len() {
            self.refusable.pop_front()
        } else if self.is_crowded() {
            self.following.pop_front()
        } else {
            None
        }
    }

    /// Takes a packet, at the end of the input.
    pub(super) fn drain(&mut self) -> Option<HeldPacket> {
        self.refusable
            .pop_front()
            .or_else(|| self.following.pop_front())
    }

    /// When the next packet is waited for no longer.
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        if self.orphans > 0 || self.is_crowded() {
            return Some(Timestamp::EPOCH);
        }
        self.refusable.front().map(|held| held.due)
    }

    fn is_crowded(&self) -> bool {
        self.refusable.len() + self.following.len() > MAX_PACKETS
    }
}

/// How long a SYN waits for an answer, in packet time. One that is answered
/// later has been counted on the flow that it met; the answer is believed.
const PATIENCE: Duration = Duration::from_secs(5);

/// The most packets that wait: with the largest frames, 2.2 MB.
const MAX_PACKETS: usize = 1024;

/// The largest frame that is kept: a SYN with as much data as fits.
const MAX_FRAME: usize = 2048;
