//! The fragments that an engine holds.

use crate::defrag::{Defragmenter, FragmentPolicy};
use crate::track::FlowId;
use crate::wire::ReassembledHeader;
use crate::{Orientation, Timestamp};

/// The fragments that an engine holds.
#[derive(Debug)]
pub(super) struct FragmentStore {
    /// None if they are ignored.
    pub(super) held: Option<Defragmenter<Owner, Arrival>>,
    pub(super) link: ReassembledHeader,
}

/// The flow that a datagram belongs to, and which way it runs along its key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner {
    pub(super) flow: FlowId,
    pub(super) orientation: Orientation,
}

/// What is counted of a fragment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) at: Timestamp,
    pub(super) number: u64,
    pub(super) wire_len: u32,
    /// Zero before its IP header was found.
    pub(super) ip_len: u32,
    pub(super) is_cut: bool,
}

impl FragmentStore {
    pub(super) fn new(policy: FragmentPolicy) -> Self {
        Self {
            held: match policy {
                FragmentPolicy::Reassemble(config) => Some(Defragmenter::new(config)),
                FragmentPolicy::Ignore => None,
            },
            link: ReassembledHeader::default(),
        }
    }

    /// Bytes of memory that datagrams hold now.
    pub(super) fn memory(&self) -> usize {
        self.held.as_ref().map_or(0, Defragmenter::memory)
    }

    /// Before this moment nothing is given up.
    ///
    /// Not inlined: it is called once a fragment, from loops that every packet
    /// goes through.
    #[inline(never)]
    pub(super) fn check_at(&self) -> Timestamp {
        self.next_deadline().unwrap_or(Timestamp::MAX)
    }

    /// When something is given up.
    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.held.as_ref()?.next_deadline()
    }
}
