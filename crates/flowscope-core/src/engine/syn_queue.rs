//! SYNs that wait for an answer, because a flow has their ports already.
//!
//! Such a SYN counts nowhere until it is known which connection it is of: on a
//! new flow once something proves it, on the flow that has its ports if nothing
//! does. The whole packet is kept, and is then tracked like any other.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use crate::track::{FlowId, NewConnection};
use crate::{FlowSide, LinkType, PacketView, SeqNumber, Timestamp};

/// SYNs, and SYN-ACKs to a SYN that was not seen, that wait for a proof.
#[derive(Debug, Default)]
pub(super) struct SynQueue {
    /// Those that came while the flow's connection was in use, in the order in
    /// which they came.
    in_connection: VecDeque<HeldPacket>,
    /// Those that came after it had ended, in the same order. They begin another
    /// flow when that one is gone, whatever comes.
    after_close: VecDeque<HeldPacket>,
    /// How many of them have lost their flow, and are due at once.
    orphans: usize,
}

/// A packet in the queue.
#[derive(Debug)]
pub(super) struct HeldPacket {
    /// The flow that has its ports.
    pub(super) flow: FlowId,
    /// Which of the frames that the engine was given it came in, counted from 1.
    pub(super) number: u64,
    /// What becomes of it if nobody answers.
    pub(super) unanswered: Unanswered,
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
pub(super) enum Unanswered {
    /// The flow's connection was in use, and refuses it.
    Refused,
    /// The flow's connection was over, so the SYN begins a new flow.
    NewFlow,
}

impl HeldPacket {
    /// The packet as it came.
    pub(super) fn view(&self) -> PacketView<'_> {
        PacketView::new(&self.frame, self.timestamp)
            .with_link(self.link)
            .with_wire_len(self.wire_len)
    }
}

impl SynQueue {
    /// Whether a packet is of a size that can be kept.
    pub(super) const fn accepts(packet: &PacketView<'_>) -> bool {
        packet.frame.len() <= MAX_FRAME
    }

    /// Keeps a packet that came when the clock was at `now`.
    pub(super) fn hold(
        &mut self,
        flow: FlowId,
        connection: NewConnection,
        unanswered: Unanswered,
        packet: &PacketView<'_>,
        number: u64,
        now: Timestamp,
    ) {
        let queue = match unanswered {
            Unanswered::Refused => &mut self.in_connection,
            Unanswered::NewFlow => &mut self.after_close,
        };
        queue.push_back(HeldPacket {
            flow,
            number,
            unanswered,
            due: now + ANSWER_TIMEOUT,
            syn: (connection.opener, connection.isn),
            is_orphan: false,
            frame: packet.frame.into(),
            link: packet.link,
            timestamp: packet.timestamp,
            wire_len: packet.wire_len,
        });
    }

    /// Whether a SYN of a flow is held.
    pub(super) fn holds(&self, flow: FlowId, syn: (FlowSide, SeqNumber)) -> bool {
        let mut all = self.in_connection.iter().chain(&self.after_close);
        all.any(|held| held.flow == flow && held.syn == syn)
    }

    /// Removes all packets of a flow: those of one of the `proven` SYNs, and the
    /// others.
    pub(super) fn take_all(
        &mut self,
        flow: FlowId,
        proven: &[(FlowSide, SeqNumber)],
    ) -> (Vec<HeldPacket>, Vec<HeldPacket>) {
        let mut taken = Vec::new();
        for queue in [&mut self.in_connection, &mut self.after_close] {
            for held in core::mem::take(queue) {
                if held.flow == flow {
                    taken.push(held);
                } else {
                    queue.push_back(held);
                }
            }
        }
        // The two queues are each in order of arrival, but not together.
        taken.sort_unstable_by_key(|held| held.number);
        taken
            .into_iter()
            .partition(|held| proven.contains(&held.syn))
    }

    /// Notes that the flow has ended: what waits on its ports is due at once.
    pub(super) fn orphan(&mut self, flow: FlowId) {
        let all = self.in_connection.iter_mut().chain(&mut self.after_close);
        for held in all.filter(|held| held.flow == flow) {
            held.is_orphan = true;
            self.orphans += 1;
        }
    }

    /// Removes a packet that has waited long enough, or for which there is no
    /// room.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<HeldPacket> {
        if self.orphans > 0 {
            self.orphans -= 1;
            let place = |queue: &VecDeque<HeldPacket>| queue.iter().position(|it| it.is_orphan);
            return match place(&self.in_connection) {
                Some(at) => self.in_connection.remove(at),
                None => self.after_close.remove(place(&self.after_close)?),
            };
        }
        let is_due = self
            .in_connection
            .front()
            .is_some_and(|held| held.due <= now);
        // A flood of SYNs drives out the oldest of them, and no flow: whoever sends them
        // cannot make this forget a connection.
        if is_due || self.is_crowded() && self.in_connection.len() >= self.after_close.len() {
            self.in_connection.pop_front()
        } else if self.is_crowded() {
            self.after_close.pop_front()
        } else {
            None
        }
    }

    /// Removes a packet at the end of the input.
    pub(super) fn drain(&mut self) -> Option<HeldPacket> {
        self.in_connection
            .pop_front()
            .or_else(|| self.after_close.pop_front())
    }

    /// When the next packet has waited long enough.
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        if self.orphans > 0 || self.is_crowded() {
            // Something is due now, whatever the clock says.
            return Some(Timestamp::EPOCH);
        }
        self.in_connection.front().map(|held| held.due)
    }

    fn is_crowded(&self) -> bool {
        self.in_connection.len() + self.after_close.len() > MAX_PACKETS
    }
}

/// How long a SYN waits for an answer, in packet time. If the answer comes
/// later it is believed, but the SYN has been counted on the old flow.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// The most packets that wait: with the largest frames, 2.2 MB.
const MAX_PACKETS: usize = 1024;

/// The largest frame that is kept: a SYN with as much data as fits.
const MAX_FRAME: usize = 2048;
