//! What the benchmarks share: frames as the library takes them, and packets of
//! many flows in random order.

pub mod cost;
pub mod recorded;

// The snippets of the documentation, tested in a crate that is not published:
// the facade's own package has no file outside of it.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
mod readme {}
#[cfg(doctest)]
#[doc = include_str!("../../docs/SESSION_GUIDE.md")]
mod session_guide {}

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
        next_random(&mut self.state) % self.count
    }
}

/// Connections whose clients send one full segment after the other, in order,
/// all written over one frame.
#[derive(Clone, Debug)]
pub struct Streams {
    frame: Vec<u8>,
    /// The next sequence number of each.
    next: Vec<u32>,
    payload: u32,
    state: u32,
    nanos: u64,
}

impl Streams {
    /// So many connections, with segments of `payload` bytes.
    #[must_use]
    pub fn new(count: u32, payload: usize) -> Self {
        let talk = Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:80"));
        let segment = talk.segment(Side::Client, Tcp::ACK, &vec![7; payload]);
        Self {
            frame: segment.frames().remove(0).bytes,
            next: vec![0; count as usize],
            payload: payload as u32,
            state: 1,
            nanos: START,
        }
    }

    /// The first packet of a connection: its SYN, with data.
    pub fn syn(&mut self, flow: u32) -> PacketView<'_> {
        // The SYN has a number of its own.
        self.write(flow, Tcp::SYN, 1)
    }

    /// The next segment of a connection.
    pub fn segment(&mut self, flow: u32) -> PacketView<'_> {
        self.write(flow, Tcp::ACK, 0)
    }

    /// The next segments of connections at random, as if they had been captured.
    #[must_use]
    pub fn batch(&mut self, len: usize) -> Vec<Frame> {
        (0..len)
            .map(|_| {
                let flow = next_random(&mut self.state) % self.next.len() as u32;
                let segment = self.segment(flow);
                Frame::new(segment.timestamp.as_nanos(), 1, segment.frame.to_vec())
            })
            .collect()
    }

    fn write(&mut self, flow: u32, flags: u8, extra: u32) -> PacketView<'_> {
        let next = &mut self.next[flow as usize];
        self.frame[CLIENT..CLIENT + 4].copy_from_slice(&(0x0a00_0000 + flow).to_be_bytes());
        self.frame[SEQ..SEQ + 4].copy_from_slice(&next.to_be_bytes());
        self.frame[FLAGS] = flags;
        *next = next.wrapping_add(self.payload + extra);
        self.nanos += 100;
        PacketView::new(&self.frame, Timestamp::from_nanos(self.nanos))
    }
}

/// Xorshift: which flow matters little, that it is no neighbour does.
fn next_random(state: &mut u32) -> u32 {
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    *state
}

/// Where in an Ethernet frame the client's address is, its sequence number and
/// its flags.
const CLIENT: usize = 26;
const SEQ: usize = 38;
const FLAGS: usize = 47;
