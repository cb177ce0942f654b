//! What a [`Witness`] tells of connections, against what their hosts know.

use core::fmt::Write;
use std::collections::BTreeMap;

use flowscope_core::track::FlowState;
use flowscope_fixtures::SECOND;

use super::endpoint::Control;
use super::link_story::{Opening, Packet, Script, Story};
use super::tcb::{State, Tcb};
use super::witness::{Flow, Witness};

/// What is wrong about what the engine told.
#[derive(Clone, Debug)]
pub(crate) struct Wrong {
    pub(crate) what: &'static str,
    pub(crate) detail: String,
    /// The host and the place in what it said, if it is about a byte.
    pub(crate) place: Option<(usize, usize)>,
    /// The flow, if it is about one.
    pub(crate) flow: Option<usize>,
}

/// The connections between one pair of ports, as both know them.
pub(crate) struct Judge<'a> {
    pub(crate) lane: usize,
    pub(crate) script: &'a Script,
    pub(crate) story: &'a Story,
    pub(crate) witness: &'a Witness,
    pub(crate) content: &'a dyn Fn(usize, usize, usize) -> u8,
}

impl Judge<'_> {
    /// What is wrong, and why that may be excused, for each connection first
    /// and then for the flows that are of none.
    pub(crate) fn judge(&self) -> Vec<(Wrong, Option<&'static str>)> {
        let mut found = Vec::new();
        let mut owners = BTreeMap::new();
        for connection in 0..self.story.ends.len() {
            if let Err(wrong) = self.judge_connection(connection, &mut owners) {
                let excuse = self.excuse(connection, &wrong);
                found.push((wrong, excuse));
            }
        }
        if let Err(wrong) = self.judge_other_flows(&owners) {
            let excuse = self.excuse_flow(&wrong);
            found.push((wrong, excuse));
        }
        found
    }

    /// What both hosts kept of a connection that was really made.
    pub(crate) fn made(&self, connection: usize) -> Option<[&Tcb; 2]> {
        let [Some(a), Some(b)] = &self.story.ends[connection] else {
            return None;
        };
        let knows = |a: &Tcb, b: &Tcb| a.was_established && a.irs == b.iss;
        (knows(a, b) && knows(b, a)).then_some([a, b])
    }

    fn judge_connection(
        &self,
        connection: usize,
        owners: &mut BTreeMap<usize, usize>,
    ) -> Result<(), Wrong> {
        let Some(ends) = self.made(connection) else {
            return Ok(());
        };
        let mut flow = None;
        for index in self.relevant(connection) {
            let Some(counted) = self.witness.flow_of[self.lane][index] else {
                return Err(self.wrong("a packet on no flow", connection, Some(index)));
            };
            if flow.is_some_and(|flow| flow != counted) {
                return Err(self.wrong("a connection on two flows", connection, Some(index)));
            }
            if owners
                .insert(counted, connection)
                .is_some_and(|it| it != connection)
            {
                return Err(self.wrong("two connections on a flow", connection, Some(index)));
            }
            flow = Some(counted);
        }
        let Some(flow) = flow else { return Ok(()) };
        if let Some(nonsense) = self.witness.told[flow].nonsense {
            return Err(self.wrong(nonsense, connection, None));
        }
        for host in 0..2 {
            self.judge_stream(connection, host, flow, ends)?;
        }
        let seen = &self.witness.told[flow];
        let asked = self.packets(connection).any(|(_, packet)| {
            packet.segment.control == Control::Syn
                && packet.segment.ack.is_none()
                && packet.what.is_none()
        });
        let is_usual = self.script.connections[connection].opening == Opening::Usual;
        if is_usual && asked && seen.initiator != 0 {
            return Err(self.wrong(INITIATOR, connection, None));
        }
        Ok(())
    }

    /// Packets of a connection that visitor, as far as they were seen.
    pub(crate) fn packets(&self, connection: usize) -> impl Iterator<Item = (usize, &Packet)> {
        let packets = self.story.packets.iter().enumerate();
        packets.filter(move |(_, packet)| packet.is_seen() && packet.connection == Some(connection))
    }

    /// Packets that can be of no other connection: with what its receiver has
    /// read, or after a handshake that was seen.
    fn relevant(&self, connection: usize) -> impl Iterator<Item = usize> {
        let ends = self.made(connection).expect("it was made");
        let mut handshake = [false; 2];
        self.packets(connection).filter_map(move |(index, packet)| {
            let (segment, receiver) = (&packet.segment, ends[1 - packet.from]);
            if segment.control == Control::Syn {
                handshake[usize::from(segment.ack.is_some())] = true;
            }
            let is_relevant = packet.is_awaited
                && match segment.control {
                    Control::Syn | Control::Rst => false,
                    Control::Fin if receiver.has_read_fin => true,
                    Control::None if segment.data.is_empty() => {
                        handshake == [true; 2] && packet.receiver != Some(State::TimeWait)
                    }
                    Control::Fin | Control::None => {
                        place(segment.seq, ends[packet.from]) < receiver.read.len() as i64
                    }
                };
            is_relevant.then_some(index)
        })
    }

    fn judge_stream(
        &self,
        connection: usize,
        host: usize,
        flow: usize,
        ends: [&Tcb; 2],
    ) -> Result<(), Wrong> {
        let read = &ends[1 - host].read;
        let right = |place: usize| (self.content)(connection, host, place);
        if let Some(at) = (0..read.len()).find(|at| read[*at] != right(*at)) {
            return Err(self.wrong("hosts at odds", connection, Some(at)));
        }
        // How far the stream was seen, and which bytes must be there.
        let mut seen_to = read.len();
        let mut must = vec![false; read.len()];
        let mut must_to = 0;
        let relevant: Vec<usize> = self.relevant(connection).collect();
        for (index, packet) in self.packets(connection) {
            let (segment, sender) = (&packet.segment, ends[host]);
            let says = segment.control == Control::Fin || !segment.data.is_empty();
            if packet.from != host || segment.control == Control::Syn || !says {
                continue;
            }
            let Ok(start) = usize::try_from(place(segment.seq, sender)) else {
                continue;
            };
            let end = start + segment.data.len();
            seen_to = seen_to.max(end);
            if relevant.contains(&index) {
                let end = end.min(read.len());
                if start < end {
                    must[start..end].fill(true);
                    must_to = must_to.max(end);
                }
                if segment.control == Control::Fin && ends[1 - host].has_read_fin {
                    must_to = must_to.max(end);
                }
            }
        }
        let out = &self.witness.told[flow].out[host];
        let wrong = |what, place: usize| {
            let mut wrong = self.wrong(what, connection, None);
            wrong.place = Some((host, place));
            wrong.flow = Some(flow);
            let _ = write!(
                wrong.detail,
                ", said by host {host}, at byte {place} of {} read, of which {must_to} must be \
                 and {seen_to} may be told; told {}",
                read.len(),
                out.len()
            );
            Err(wrong)
        };
        for (place, byte) in out.iter().enumerate() {
            match byte {
                Some(byte) if *byte != right(place) => return wrong(WRONG_BYTE, place),
                None if must.get(place) == Some(&true) => {
                    return wrong("a byte lost that was seen", place);
                }
                _ if place >= seen_to => return wrong(TOO_MUCH, place),
                _ => {}
            }
        }
        if out.len() < must_to {
            return wrong(END_LOST, out.len());
        }
        Ok(())
    }

    /// A flow that is of no connection must not have cost another its place.
    fn judge_other_flows(&self, owners: &BTreeMap<usize, usize>) -> Result<(), Wrong> {
        let flows = self.witness.flows.iter().enumerate();
        let mut before: Option<&Flow> = None;
        for (index, flow) in flows.filter(|(_, flow)| flow.lane == self.lane) {
            let predecessor = before.replace(flow);
            if owners.contains_key(&index) {
                continue;
            }
            let first = &self.story.packets[flow.first];
            if let Some(connection) = first.connection
                && self.story.ends[connection]
                    .iter()
                    .flatten()
                    .any(|it| it.was_established)
            {
                let has_flow = owners.values().any(|it| *it == connection);
                if first.segment.control == Control::Syn && has_flow {
                    let mut wrong = self.wrong(BEGINNING, connection, Some(flow.first));
                    wrong.flow = Some(index);
                    return Err(wrong);
                }
                if !has_flow {
                    // Nothing but its handshake was seen.
                    continue;
                }
            }
            let had_expired = predecessor.is_none_or(|before| {
                let timeout = match before.state {
                    Some(state) if state.is_over() => 10,
                    Some(FlowState::SynSent | FlowState::SynReceived) => 60,
                    _ => 300,
                };
                flow.began >= before.last + timeout * SECOND
            });
            if !had_expired && !self.has_answered_syn(index) {
                let mut wrong = self.wrong(NO_PROOF, None, Some(flow.first));
                wrong.flow = Some(index);
                return Err(wrong);
            }
        }
        Ok(())
    }

    /// Whether a SYN that was counted on a flow was answered, if only by an RST
    /// of who knows of no connection, or an answer that was counted there is to
    /// one.
    fn has_answered_syn(&self, flow: usize) -> bool {
        let syns = |is_answer: bool| {
            let packets = self.story.packets.iter().enumerate();
            packets.filter(move |(_, packet)| {
                let segment = &packet.segment;
                let is_of_kind = match segment.control {
                    Control::Syn => true,
                    Control::Rst => is_answer,
                    Control::None | Control::Fin => false,
                };
                packet.is_seen() && is_of_kind && segment.ack.is_some() == is_answer
            })
        };
        let is_here = |index| self.witness.flow_of[self.lane][index] == Some(flow);
        syns(true).any(|(index, answer)| {
            let is_answer = |asked: &Packet| {
                let ack = answer.segment.ack;
                let acked = ack.map(|ack| ack.wrapping_sub(asked.segment.seq));
                let most = asked.segment.data.len() as u32 + 1;
                acked.is_some_and(|it| (1..=most).contains(&it)) && answer.from != asked.from
            };
            // One that is real answers something, seen or not.
            is_here(index) && answer.forged.is_none() && answer.segment.control == Control::Syn
                || syns(false)
                    .any(|(asked, syn)| is_answer(syn) && (is_here(index) || is_here(asked)))
        })
    }

    fn wrong(
        &self,
        what: &'static str,
        connection: impl Into<Option<usize>>,
        packet: Option<usize>,
    ) -> Wrong {
        let mut detail = match connection.into() {
            Some(connection) => format!("connection {connection}"),
            None => "no connection".to_owned(),
        };
        if let Some(packet) = packet {
            let _ = write!(detail, ", packet {packet}");
        }
        Wrong {
            what,
            detail,
            place: None,
            flow: None,
        }
    }
}

/// The place of a number in what a host says: the first byte is at 0.
pub(crate) fn place(seq: u32, sender: &Tcb) -> i64 {
    i64::from(seq.wrapping_sub(sender.iss).wrapping_sub(1).cast_signed())
}

pub(crate) const INITIATOR: &str = "the server as its initiator";
const WRONG_BYTE: &str = "a wrong byte";
pub(crate) const TOO_MUCH: &str = "more than was ever sent";
const END_LOST: &str = "an end lost that was seen";
pub(crate) const BEGINNING: &str = "a beginning on a flow of its own";
const NO_PROOF: &str = "a flow put in another's place without proof";
