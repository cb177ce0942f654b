//! Conversations, played by the thousand at a time.
//!
//! What a conversation says is written down when it starts. Then each packet is
//! of a random one of those that are under way, and when one ends, the next
//! takes its place. So a capture of any length takes the memory of those alone.

use std::io;

use super::frame::{ACK, Endpoint, FIN, FrameBuffer, PSH, SYN, Segment};
use super::pcap_file::{PcapFile, Written};
use super::random::SplitMix64;

/// Plays conversations until there are no more, and finishes the file.
pub(super) fn play(
    mut file: PcapFile,
    random: &mut SplitMix64,
    conversations: &mut impl Iterator<Item = Conversation>,
    at_once: usize,
) -> io::Result<Written> {
    let mut frame = FrameBuffer::default();
    let mut at = START;
    let mut live: Vec<Conversation> = conversations.take(at_once).collect();
    while !live.is_empty() {
        let turn = random.below(live.len());
        let conversation = &mut live[turn];
        file.write(at, conversation.next_frame(&mut frame))?;
        at += BETWEEN_PACKETS;
        if conversation.is_over() {
            match conversations.next() {
                Some(next) => *conversation = next,
                None => drop(live.swap_remove(turn)),
            }
        }
    }
    file.finish()
}

/// Two hosts, what they say in turn, and how far they are.
#[derive(Debug)]
pub(super) struct Conversation {
    ends: [Endpoint; 2],
    said: Vec<(Sender, Vec<u8>)>,
    over: Over,
    steps_done: usize,
    /// The next sequence number of the client and of the server.
    next_seq: [u32; 2],
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sender {
    Client,
    Server,
}

/// What carries a conversation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Over {
    /// Segments that begin with a handshake and end with two FINs.
    ClosedTcp,
    /// The same without an end.
    OpenTcp,
    Udp,
}

impl Conversation {
    /// The conversation of this number with a server at `port`. It says at least
    /// something.
    pub(super) fn new(
        number: u32,
        port: u16,
        over: Over,
        said: Vec<(Sender, Vec<u8>)>,
        random: &mut SplitMix64,
    ) -> Self {
        Self {
            ends: ends(number, port),
            said,
            over,
            steps_done: 0,
            next_seq: [random.next() as u32, random.next() as u32],
        }
    }

    fn is_over(&self) -> bool {
        let around = match self.over {
            Over::ClosedTcp => HANDSHAKE.len() + CLOSE.len(),
            Over::OpenTcp => HANDSHAKE.len(),
            Over::Udp => 0,
        };
        self.steps_done == self.said.len() + around
    }

    /// The next packet. There is one unless it is over.
    fn next_frame<'f>(&mut self, frame: &'f mut FrameBuffer) -> &'f [u8] {
        let step = self.steps_done;
        self.steps_done += 1;
        if self.over == Over::Udp {
            let (sender, payload) = &self.said[step];
            let (from, to) = self.sender_and_receiver(*sender);
            return frame.udp(from, to, payload);
        }
        if let Some((sender, flags)) = HANDSHAKE.get(step) {
            return self.segment(*sender, *flags, &[], frame);
        }
        let step = step - HANDSHAKE.len();
        match self.said.get_mut(step) {
            Some((sender, payload)) => {
                let (sender, payload) = (*sender, core::mem::take(payload));
                self.segment(sender, PSH | ACK, &payload, frame)
            }
            None => {
                let (sender, flags) = CLOSE[step - self.said.len()];
                self.segment(sender, flags, &[], frame)
            }
        }
    }

    fn segment<'f>(
        &mut self,
        sender: Sender,
        flags: u8,
        payload: &[u8],
        frame: &'f mut FrameBuffer,
    ) -> &'f [u8] {
        let (from, to) = self.sender_and_receiver(sender);
        let mut seqs = self.next_seq;
        if sender == Sender::Server {
            seqs.reverse();
        }
        let [seq, acked] = seqs;
        let ack = if flags & ACK == 0 { 0 } else { acked };
        let occupied = payload.len() as u32 + u32::from(flags & (SYN | FIN) != 0);
        self.next_seq[sender as usize] = seq.wrapping_add(occupied);
        frame.tcp(&Segment {
            from,
            to,
            seq,
            ack,
            flags,
            options: &[],
            payload,
        })
    }

    const fn sender_and_receiver(&self, sender: Sender) -> (Endpoint, Endpoint) {
        let [client, server] = self.ends;
        match sender {
            Sender::Client => (client, server),
            Sender::Server => (server, client),
        }
    }
}

/// Some 65,000 clients with many ports each, which talk to a few thousand
/// servers. No two numbers share a client and port.
fn ends(number: u32, port: u16) -> [Endpoint; 2] {
    let [.., high, low] = number.to_be_bytes();
    let [first, second, ..] = SplitMix64::new(number.into()).next().to_be_bytes();
    let client = Endpoint {
        address: [10, 20, high, low],
        port: 1024 + (number >> 16) as u16,
    };
    let server = Endpoint {
        address: [172, 16, first & 0x0f, second],
        port,
    };
    [client, server]
}

const HANDSHAKE: [(Sender, u8); 3] = [
    (Sender::Client, SYN),
    (Sender::Server, SYN | ACK),
    (Sender::Client, ACK),
];
const CLOSE: [(Sender, u8); 3] = [
    (Sender::Client, FIN | ACK),
    (Sender::Server, FIN | ACK),
    (Sender::Client, ACK),
];
/// 2025-01-01, in nanoseconds.
const START: u64 = 1_735_689_600_000_000_000;
const BETWEEN_PACKETS: u64 = 4_000;

#[cfg(test)]
mod tests {
    use super::super::frame::{ETHERNET_LEN, IPV4_HEADER_LEN};
    use super::*;

    fn played(over: Over) -> Vec<Vec<u8>> {
        let said = vec![
            (Sender::Client, b"ask".to_vec()),
            (Sender::Server, b"answer".to_vec()),
        ];
        let mut random = SplitMix64::new(1);
        let mut conversation = Conversation::new(7, 80, over, said, &mut random);
        let mut frame = FrameBuffer::default();
        let mut frames = Vec::new();
        while !conversation.is_over() {
            frames.push(conversation.next_frame(&mut frame).to_vec());
        }
        frames
    }

    fn numbers(frame: &[u8]) -> (u32, u32) {
        let tcp = &frame[ETHERNET_LEN + IPV4_HEADER_LEN..];
        let number = |at: usize| u32::from_be_bytes(tcp[at..at + 4].try_into().unwrap());
        (number(4), number(8))
    }

    #[test]
    fn a_connection_opens_speaks_and_closes_with_numbers_that_add_up() {
        let frames = played(Over::ClosedTcp);
        assert_eq!(frames.len(), 3 + 2 + 3);
        assert_eq!(played(Over::OpenTcp).len(), 3 + 2);
        assert!(frames[3].ends_with(b"ask") && frames[4].ends_with(b"answer"));
        let (client, _) = numbers(&frames[0]);
        let (server, acked) = numbers(&frames[1]);
        assert_eq!(acked, client.wrapping_add(1));
        assert_eq!(
            numbers(&frames[4]),
            (server.wrapping_add(1), client.wrapping_add(4))
        );
        // The client's last ACK is of the server's FIN.
        assert_eq!(
            numbers(&frames[7]),
            (client.wrapping_add(5), server.wrapping_add(8))
        );
    }

    #[test]
    fn a_datagram_is_what_is_said_and_no_more() {
        let frames = played(Over::Udp);
        assert_eq!(frames.len(), 2);
        assert!(frames[0].ends_with(b"ask") && frames[1].ends_with(b"answer"));
    }
}
