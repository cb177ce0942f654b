//! `flows-random`: a great many flows at once, each packet on another of them.
//!
//! No flow ends and the whole file lasts a few seconds, so a tracker has to
//! hold every flow until the last packet.

use core::ops::RangeInclusive;
use std::io;
use std::path::Path;

use super::frame::{
    ACK, ETHERNET_LEN, Endpoint, FrameBuffer, IPV4_HEADER_LEN, PSH, SYN, Segment, UDP_HEADER_LEN,
};
use super::options::{Options, Proto};
use super::pcap_file::{PcapFile, Written, describe};
use super::random::{Filler, SplitMix64};

/// Writes flows whose frames are of these lengths, if the options name none.
pub(super) fn write(
    path: &Path,
    usual_frame: RangeInclusive<usize>,
    options: &Options,
) -> Result<Written, String> {
    let frame = options.frame.as_ref().unwrap_or(&usual_frame);
    write_packets(path, frame, options).map_err(|error| describe(path, error))
}

fn write_packets(
    path: &Path,
    frame_lens: &RangeInclusive<usize>,
    options: &Options,
) -> io::Result<Written> {
    let mut random = SplitMix64::new(options.seed);
    let filler = Filler::new(&mut random);
    let mut file = PcapFile::create(path)?;
    let mut frame = FrameBuffer::default();

    let count = options.flows.unwrap_or(FLOWS);
    let total = u64::from(count) * u64::from(options.packets);
    let mut flows: Vec<Flow> = (0..count).map(|_| Flow::new(&mut random)).collect();
    let mut unfinished: Vec<u32> = (0..count).collect();
    if options.packets == 0 {
        unfinished.clear();
    }

    while !unfinished.is_empty() {
        let at = START + file.written().packets * DURATION / total;
        let turn = random.below(unfinished.len());
        let number = unfinished[turn];
        let flow = &mut flows[number as usize];
        let frame_len = random.within(frame_lens);
        let frame = match options.proto {
            Proto::Tcp => {
                let segment = flow.next_segment(&mut random, frame_len);
                segment.frame(
                    number,
                    at,
                    filler.bytes(&mut random, segment.len),
                    &mut frame,
                )
            }
            Proto::Udp => {
                let (from, to) = ends(number, flow.next_sender(&mut random));
                let len = frame_len.saturating_sub(ETHERNET_LEN + IPV4_HEADER_LEN + UDP_HEADER_LEN);
                flow.sent += 1;
                frame.udp(from, to, filler.bytes(&mut random, len))
            }
        };
        file.write(at, frame)?;
        if flow.sent == options.packets {
            unfinished.swap_remove(turn);
        }
    }
    file.finish()
}

/// What a flow must remember between its packets.
struct Flow {
    sent: u32,
    /// The next sequence number of the client and of the server.
    next_seq: [u32; 2],
}

/// A segment's numbers, without its bytes.
#[derive(Clone, Copy)]
struct Numbers {
    sender: Sender,
    seq: u32,
    ack: u32,
    flags: u8,
    len: usize,
}

#[derive(Clone, Copy)]
enum Sender {
    Client,
    Server,
}

impl Flow {
    const fn new(random: &mut SplitMix64) -> Self {
        Self {
            sent: 0,
            next_seq: [random.next() as u32, random.next() as u32],
        }
    }

    /// The client opens; later on either may speak.
    fn next_sender(&self, random: &mut SplitMix64) -> Sender {
        match self.sent {
            0 => Sender::Client,
            1 => Sender::Server,
            _ if random.below(2) == 0 => Sender::Client,
            _ => Sender::Server,
        }
    }

    /// SYN, SYN-ACK, ACK, then data from either side.
    fn next_segment(&mut self, random: &mut SplitMix64, frame_len: usize) -> Numbers {
        let (sender, flags, len) = match self.sent {
            0 => (Sender::Client, SYN, 0),
            1 => (Sender::Server, SYN | ACK, 0),
            2 => (Sender::Client, ACK, 0),
            _ => {
                let headers = ETHERNET_LEN + IPV4_HEADER_LEN + TCP_HEADER_LEN;
                let len = frame_len.saturating_sub(headers).max(1);
                (self.next_sender(random), PSH | ACK, len)
            }
        };
        let [seq, acked] = match sender {
            Sender::Client => self.next_seq,
            Sender::Server => [self.next_seq[1], self.next_seq[0]],
        };
        let ack = if self.sent == 0 { 0 } else { acked };
        let occupied = if flags & SYN == 0 { len as u32 } else { 1 };
        self.next_seq[sender as usize] = seq.wrapping_add(occupied);
        self.sent += 1;
        Numbers {
            sender,
            seq,
            ack,
            flags,
            len,
        }
    }
}

impl Numbers {
    fn frame<'f>(
        self,
        number: u32,
        at: u64,
        payload: &[u8],
        frame: &'f mut FrameBuffer,
    ) -> &'f [u8] {
        let (from, to) = ends(number, self.sender);
        let millis = (at / 1_000_000) as u32;
        let mut options = SYN_OPTIONS;
        options[12..16].copy_from_slice(&millis.to_be_bytes());
        if self.flags & ACK != 0 {
            options.copy_within(12..16, 16);
        }
        let options = if self.flags & SYN == 0 {
            &options[8..]
        } else {
            &options[..]
        };
        let Self {
            seq, ack, flags, ..
        } = self;
        frame.tcp(&Segment {
            from,
            to,
            seq,
            ack,
            flags,
            options,
            payload,
        })
    }
}

/// Source and destination: some 65,000 clients with many ports each talk to a
/// few thousand servers. No two flow numbers share a client and port.
fn ends(number: u32, sender: Sender) -> (Endpoint, Endpoint) {
    let [.., high, low] = number.to_be_bytes();
    let client = Endpoint {
        address: [10, 20, high, low],
        port: 1024 + (number >> 16) as u16,
    };
    let choice = SplitMix64::new(number.into()).next().to_be_bytes();
    let port = SERVER_PORTS[usize::from(choice[0]) % SERVER_PORTS.len()];
    let server = Endpoint {
        address: [172, 16, choice[1] & 0x0f, choice[2]],
        port,
    };
    match sender {
        Sender::Client => (client, server),
        Sender::Server => (server, client),
    }
}

/// Maximum segment size and window scale; then, from the eighth byte on, the
/// timestamps that every later segment carries too.
const SYN_OPTIONS: [u8; 20] = [
    2, 4, 5, 0xb4, 3, 3, 7, 1, 1, 1, 8, 10, 0, 0, 0, 0, 0, 0, 0, 0,
];
const TCP_HEADER_LEN: usize = 32;
const SERVER_PORTS: [u16; 4] = [443, 80, 8443, 5432];
/// Flows, if the options say nothing of them.
const FLOWS: u32 = 1_000_000;
/// 2025-01-01, in nanoseconds.
const START: u64 = 1_735_689_600_000_000_000;
/// Shorter than any idle timeout.
const DURATION: u64 = 5_000_000_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flow_opens_with_a_handshake_and_its_numbers_add_up() {
        let mut random = SplitMix64::new(3);
        let mut flow = Flow::new(&mut random);
        let [client, server] = flow.next_seq;
        let flags: Vec<u8> = (0..3)
            .map(|_| flow.next_segment(&mut random, 100).flags)
            .collect();
        assert_eq!(flags, [SYN, SYN | ACK, ACK]);
        assert_eq!(
            flow.next_seq,
            [client.wrapping_add(1), server.wrapping_add(1)]
        );

        let data = flow.next_segment(&mut random, 100);
        assert_eq!(data.len, 100 - 66);
        let own = flow.next_seq[data.sender as usize];
        assert_eq!(own, data.seq.wrapping_add(34));
        assert_eq!(data.ack, flow.next_seq[1 - data.sender as usize]);
    }

    #[test]
    fn neighbouring_flows_differ_in_their_client() {
        let mut clients: Vec<_> = (0..200_000)
            .step_by(13)
            .map(|number| ends(number, Sender::Client).0)
            .map(|client| (client.address, client.port))
            .collect();
        let all = clients.len();
        clients.sort_unstable();
        clients.dedup();
        assert_eq!(clients.len(), all);
    }
}
