//! Packets that came before their connection was known.

use flowscope_core::FlowSide;

use crate::header::InitialPacket;

/// Initial packets that no keys were known for.
///
/// A capture may have a server's answer before what it answers, and a client's
/// later packets, which go to an ID that the server chose, before its first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Early {
    /// In the order in which they came.
    packets: Vec<(FlowSide, Box<[u8]>)>,
}

impl Early {
    /// Keeps a packet, and no more than `max` bytes of all.
    pub(crate) fn push(&mut self, side: FlowSide, packet: &InitialPacket<'_>, max: u32) {
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        if packet.bytes.len() > max {
            return;
        }
        self.packets.push((side, packet.bytes.into()));
        while self.bytes() > max || self.packets.len() > MAX_PACKETS {
            self.packets.remove(0);
        }
    }

    /// Takes them out.
    pub(crate) fn take(&mut self) -> Vec<(FlowSide, Box<[u8]>)> {
        core::mem::take(&mut self.packets)
    }

    /// Puts one back that is still of no connection.
    pub(crate) fn put_back(&mut self, side: FlowSide, packet: Box<[u8]>) {
        self.packets.push((side, packet));
    }

    fn bytes(&self) -> usize {
        self.packets.iter().map(|(_, packet)| packet.len()).sum()
    }

    /// How many bytes of memory it has taken, besides itself.
    pub(crate) fn memory(&self) -> usize {
        self.bytes() + self.packets.capacity() * size_of::<(FlowSide, Box<[u8]>)>()
    }
}

/// How many are kept at most. Each is tried with the keys of each connection
/// that begins.
const MAX_PACKETS: usize = 8;
