//! What can be told of connections by the evidence alone.
//!
//! It shows that what is asked of the engine can be known, and how. Connections
//! are told apart packet by packet; only what they said is put together when
//! all is over, by somebody who never forgets and never waits.

use super::endpoint::{Control, is_after};
use super::link_story::{Packet, Story};
use super::tcb::WINDOW;

/// A connection, by what was seen of it.
#[derive(Debug, Default)]
pub(crate) struct Proven {
    /// Packets, in order, the first of them when it began.
    pub(crate) packets: Vec<usize>,
    pub(crate) initiator: usize,
    isns: [Option<u32>; 2],
    /// Whether the client has acknowledged the server's number.
    is_chosen: bool,
    /// Whether that was before any SYN-ACK was seen.
    is_named: bool,
    /// Whether both asked for it.
    is_simultaneous: bool,
    /// Behind the furthest number that each host used.
    used: [u32; 2],
}

/// Tells connections apart. What proves nothing stays with the one before.
pub(crate) fn tell_apart(story: &Story) -> Vec<Proven> {
    let mut evidence = Evidence {
        flows: Vec::new(),
        syns: [Vec::new(), Vec::new()],
        answers: [Vec::new(), Vec::new()],
    };
    for (index, packet) in story.packets.iter().enumerate() {
        if packet.is_seen() {
            evidence.take(packet);
            let flow = evidence.current();
            flow.packets.push(index);
            let is_plain = matches!(packet.segment.control, Control::None | Control::Fin);
            if is_plain && flow.is_near(packet) {
                let end = packet.segment.seq.wrapping_add(packet.segment.len());
                let used = &mut flow.used[packet.from];
                if is_after(end, *used) {
                    *used = end;
                }
            }
        }
    }
    evidence.flows
}

struct Evidence {
    flows: Vec<Proven>,
    /// The numbers of SYNs, by host.
    syns: [Vec<u32>; 2],
    /// Those of SYN-ACKs, and the numbers they answer.
    answers: [Vec<(u32, u32)>; 2],
}

impl Evidence {
    fn current(&mut self) -> &mut Proven {
        if self.flows.is_empty() {
            self.flows.push(Proven::default());
        }
        self.flows.last_mut().expect("there is one")
    }

    fn take(&mut self, packet: &Packet) {
        let (from, segment) = (packet.from, &packet.segment);
        let peer = 1 - from;
        match (segment.control, segment.ack) {
            // Alone it changes nothing, whatever its number.
            (Control::Syn, None) => {
                self.syns[from].push(segment.seq);
                // Unless it was written down behind its answer.
                let answer = self.answers[peer].iter().rev();
                let answer = answer.copied().find(|(_, asked)| *asked == segment.seq);
                if let Some((isn, _)) = answer {
                    self.ask(from, segment.seq, isn);
                }
            }
            (Control::Syn, Some(ack)) => {
                let asked = ack.wrapping_sub(1);
                self.answers[from].push((segment.seq, asked));
                if self.syns[peer].contains(&asked) {
                    self.ask(peer, asked, segment.seq);
                }
            }
            (Control::None | Control::Fin, Some(ack)) => {
                self.choose(from, segment.seq.wrapping_sub(1), ack.wrapping_sub(1));
            }
            (Control::None | Control::Fin, None) | (Control::Rst, _) => {}
        }
    }

    /// `client` asked for a connection with one number, and was answered with
    /// another.
    fn ask(&mut self, client: usize, asked: u32, answer: u32) {
        let flow = self.current();
        let is_this = [client, 1 - client].map(|host| flow.isns[host]);
        if is_this == [asked, answer].map(Some) {
            // Both asked, and both were answered.
            flow.is_simultaneous |= flow.initiator != client;
        } else if is_this[0] == Some(asked) {
            // Of two answers to one SYN the client will choose.
            flow.is_chosen &= !flow.is_named;
        } else if is_this[1] == Some(answer) && flow.is_named {
            // Both asked, and what named a number said nothing.
            flow.isns[client] = Some(asked);
            (flow.is_chosen, flow.is_simultaneous) = (false, true);
        } else {
            self.begin(client, asked, answer);
        }
    }

    /// A segment at the number behind `asked`, which acknowledges the one
    /// behind `answer`.
    fn choose(&mut self, client: usize, asked: u32, answer: u32) {
        let server = 1 - client;
        let is_answer = self.answers[server].contains(&(answer, asked));
        // A number that was used before begins nothing again.
        let is_old = self.flows.iter().any(|it| it.isns[client] == Some(asked));
        let is_known = !is_old && (is_answer || self.syns[client].contains(&asked));
        let flow = self.current();
        if let Some(isn) = flow.isns[client]
            && (isn == asked || !is_known || flow.is_chosen && flow.goes_on(client, asked, answer))
        {
            let asks = flow.initiator == client || flow.is_simultaneous;
            if asks && !flow.is_chosen && asked.wrapping_sub(isn) <= WINDOW {
                self.choose_of(client, isn, asked, answer);
            }
        } else if is_known {
            // The SYN was not seen, or its answer was not.
            self.begin(client, asked, answer);
            let flow = self.current();
            flow.choose(server, answer);
            flow.is_named = !is_answer;
        }
    }

    /// Of the answers to the SYN with `isn` the client means that which its ACK
    /// goes on from.
    fn choose_of(&mut self, client: usize, isn: u32, asked: u32, answer: u32) {
        let server = 1 - client;
        let answers = self.answers[server].iter().filter(|(_, of)| *of == isn);
        let ahead = answers.map(|(seq, _)| answer.wrapping_sub(*seq)).min();
        let flow = self.current();
        match ahead {
            Some(ahead) if ahead <= WINDOW => flow.choose(server, answer.wrapping_sub(ahead)),
            // It names the server's number, as no SYN-ACK did.
            None if asked == isn => {
                flow.choose(server, answer);
                flow.is_named = true;
            }
            _ => {}
        }
    }

    fn begin(&mut self, client: usize, asked: u32, answer: u32) {
        // Where nothing was connected before, this is what comes of it.
        if self.current().is_chosen {
            self.flows.push(Proven::default());
        }
        let flow = self.current();
        flow.initiator = client;
        flow.isns[client] = Some(asked);
        flow.isns[1 - client] = Some(answer);
    }
}

impl Proven {
    /// The client has said which answer it took.
    fn choose(&mut self, server: usize, answer: u32) {
        self.isns[server] = Some(answer);
        (self.is_chosen, self.is_named) = (true, false);
        self.used = self.isns.map(|isn| isn.unwrap_or(0).wrapping_add(1));
    }

    /// Whether numbers go on from those of this connection.
    fn goes_on(&self, from: usize, seq: u32, ack: u32) -> bool {
        let is_near = |host: usize, number: u32, ahead: u32| {
            let behind = self.used[host].wrapping_sub(WINDOW);
            number.wrapping_sub(behind) <= WINDOW + ahead
        };
        is_near(from, seq, WINDOW) && is_near(1 - from, ack, 0)
    }

    fn is_near(&self, packet: &Packet) -> bool {
        self.isns[packet.from].is_some_and(|isn| packet.segment.seq.wrapping_sub(isn) <= WINDOW)
    }

    /// What a host said, as far as that was seen: each byte, or that it is
    /// missing.
    pub(crate) fn told(&self, story: &Story, host: usize) -> Vec<Option<u8>> {
        let Some(isn) = self.isns[host] else {
            return Vec::new();
        };
        let mut out: Vec<Option<u8>> = Vec::new();
        let packets = || self.packets.iter().map(|index| &story.packets[*index]);
        let place = |number: u32| number.wrapping_sub(isn).wrapping_sub(1);
        // No FIN counts that was not acknowledged.
        let acks = packets().filter(|it| it.from != host && it.segment.control != Control::Rst);
        let acks = acks.filter_map(|it| Some(place(it.segment.ack?)));
        let acked = acks.filter(|it| *it <= WINDOW).max().unwrap_or(0);
        for packet in packets().filter(|packet| packet.from == host) {
            let (segment, start) = (&packet.segment, place(packet.segment.seq));
            let says = segment.control == Control::Fin || !segment.data.is_empty();
            if !says || segment.control == Control::Syn || start > WINDOW {
                continue;
            }
            let end = start + segment.data.len() as u32;
            if segment.control == Control::Fin && end >= acked && segment.data.is_empty() {
                continue;
            }
            if out.len() < end as usize {
                out.resize(end as usize, None);
            }
            for (place, byte) in (start..).zip(&segment.data) {
                out[place as usize].get_or_insert(*byte);
            }
        }
        out
    }
}
