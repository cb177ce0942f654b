//! What the benchmarks share: frames as the library takes them, and packets of
//! many flows in random order.

pub mod cost;

use flowscope::{LinkType, PacketView, Timestamp};
use flowscope_fixtures::{Conversation, Frame, START, Side, Tcp, address};

/// A frame as the library takes it.
#[must_use]
pub fn view(frame: &Frame) -> PacketView<'_> {
    PacketView::new(&frame.bytes, Timestamp::from_nanos(frame.nanos))
        .with_link(LinkType(frame.link))
        .with_wire_len(frame.wire_len)
}

/// TCP segments of many flows, written over one frame each time.
#[derive(Clone, Debug)]
pub struct Flows {
    frame: Vec<u8>,
    count: u32,
    state: u32,
    nanos: u64,
}

impl Flows {
    /// Flows between as many clients and one server, all in their middle.
    ///
    /// # Panics
    ///
    /// Without any flow.
    #[must_use]
    pub fn new(count: u32) -> Self {
        assert!(count > 0, "there are flows to choose from");
        let talk = Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:80"));
        let segment = talk.segment(Side::Client, Tcp::ACK, &[7; 100]);
        Self {
            frame: segment.frames().remove(0).bytes,
            count,
            state: 1,
            nanos: START,
        }
    }

    /// A segment of the flow with this number.
    pub fn segment(&mut self, flow: u32) -> PacketView<'_> {
        self.frame[CLIENT..CLIENT + 4].copy_from_slice(&(0x0a00_0000 + flow).to_be_bytes());
        self.nanos += 100;
        PacketView::new(&self.frame, Timestamp::from_nanos(self.nanos))
    }

    /// Several segments of flows at random, as if they had been captured.
    #[must_use]
    pub fn batch(&mut self, len: usize) -> Vec<Frame> {
        (0..len)
            .map(|_| {
                let flow = self.random();
                let segment = self.segment(flow);
                Frame::new(segment.timestamp.as_nanos(), 1, segment.frame.to_vec())
            })
            .collect()
    }

    /// Some flow's number; the same ones on each run.
    fn random(&mut self) -> u32 {
        // Xorshift: which flow matters little, that it is no neighbour does.
        self.state ^= self.state << 13;
        self.state ^= self.state >> 17;
        self.state ^= self.state << 5;
        self.state % self.count
    }
}

/// Where the client's address is in an Ethernet frame.
const CLIENT: usize = 26;
