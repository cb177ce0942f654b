//! How the memory for fragments is shared out.

use super::FragmentConfig;

/// How memory is shared out.
#[derive(Clone, Copy, Debug)]
pub(super) struct Budget {
    /// Datagrams at the most.
    pub(super) datagrams: usize,
    /// Bytes for what they hold.
    pub(super) memory: usize,
    /// The least that one is charged for.
    pub(super) least: usize,
}

impl Budget {
    /// `slabs_memory` says how many bytes the slabs of so many datagrams need.
    pub(super) fn new(config: &FragmentConfig, slabs_memory: impl FnOnce(usize) -> usize) -> Self {
        let whole = config.max_memory.clamp(LEAST, MOST);
        let datagrams = whole / PER_DATAGRAM;
        let room = datagrams + 1;
        let table = (INDEX_ROOM * room * 8 / 7).next_power_of_two() * (size_of::<u32>() + 1);
        let bookkeeping = slabs_memory(room) + 2 * table;
        let memory = whole - SCRATCH - bookkeeping;
        Self {
            datagrams,
            memory,
            least: memory.div_ceil(datagrams),
        }
    }
}

/// The least memory that there is any use in.
pub(super) const LEAST: usize = 1 << 20;
/// The most. A part of it is allocated at once for bookkeeping, so a limit that nobody
/// means to reach must not ask for all that a machine has.
const MOST: usize = 2 << 30;
pub(super) const LEAST_PER_SOURCE: usize = 256 << 10;

/// What a datagram is reckoned at, bookkeeping included. Fragments are rarely
/// much shorter.
const PER_DATAGRAM: usize = 2048;

/// An index that is never more than half full is cleaned up in place and does
/// not grow.
pub(super) const INDEX_ROOM: usize = 2;

/// For packets put together, and for buffers while they grow.
const SCRATCH: usize = 4 * 65_536;
