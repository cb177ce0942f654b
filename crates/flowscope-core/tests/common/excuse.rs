//! What nobody could tell from what was seen: here either outcome is right.

use flowscope_fixtures::{MILLISECOND, SECOND};

use super::endpoint::{Control, is_after};
use super::link_story::ForgedSeq;
use super::tcb::Tcb;
use super::verdict::{BEGINNING, INITIATOR, Judge, TOO_MUCH, Wrong, place};

impl Judge<'_> {
    /// Why either outcome would be right.
    pub(crate) fn excuse(&self, connection: usize, wrong: &Wrong) -> Option<&'static str> {
        let ends = self.made(connection)?;
        if self.is_silent_after_end(connection) {
            return Some(SILENT);
        }
        if wrong.what == INITIATOR && self.has_forged_syn_of_its_own(connection, 1) {
            return Some(OWN_NUMBER);
        }
        let (host, place) = wrong.place?;
        if self.has_data_of_syn_waited_in_vain(wrong.flow?, host) {
            return Some(SYN_DATA);
        }
        let read = ends[1 - host].read.len();
        // Only one that its sender's own end did not contradict.
        let fin = self.standing_fin(connection, host, ends[host])?;
        match wrong.what {
            // The capture may as well have lost what lies before it.
            TOO_MUCH if fin > read => {
                let out = &self.witness.told[wrong.flow?].out[host];
                let is_hole = out.len() <= fin && out[place..].iter().all(Option::is_none);
                is_hole.then_some(BEFORE_FIN)
            }
            _ => None,
        }
    }

    /// The same of a flow that is of no connection.
    pub(crate) fn excuse_flow(&self, wrong: &Wrong) -> Option<&'static str> {
        let (packets, flow) = (&self.story.packets, wrong.flow?);
        match wrong.what {
            // The same SYN, sent again, may have come to somebody else.
            BEGINNING => {
                let mut counted = packets.iter().zip(&self.witness.flow_of[self.lane]);
                let is_refused = counted.any(|(packet, of)| {
                    *of == Some(flow)
                        && (packet.from, packet.segment.control) == (1, Control::Rst)
                        && packet.forged.is_none()
                });
                is_refused.then_some(REFUSED)
            }
            _ => None,
        }
    }

    /// What is over is forgotten after `IdleTimeouts::closed`, and a hole given
    /// up after `StreamConfig::hole_timeout`, ten seconds both. What is said
    /// after so long a silence comes too late, though it may show that the RST
    /// or FIN seen before was forged.
    pub(crate) fn is_silent_after_end(&self, connection: usize) -> bool {
        let begins = self.packets(connection).next().map(|(index, _)| index);
        // The numbers at which each host seems to have ended.
        let (mut rsts, mut fins, mut early) = ([None; 2], [None; 2], [None; 2]);
        let mut before = u64::MAX;
        for packet in self.story.packets.iter().skip(begins.unwrap_or(0)) {
            if !packet.is_seen() {
                continue;
            }
            let (segment, from) = (&packet.segment, packet.from);
            let ends = [rsts, early].concat().iter().flatten().count()
                + usize::from(fins.iter().all(Option::is_some));
            if packet.connection == Some(connection) {
                if ends > 0 && packet.at.saturating_sub(before) >= LONG {
                    return true;
                }
                // It has gone on behind an end.
                for end in [
                    &mut rsts[1 - from],
                    &mut fins[1 - from],
                    &mut early[1 - from],
                ] {
                    let is_behind = |end| segment.ack.is_some_and(|ack| is_after(ack, end));
                    *end = end.filter(|end| !is_behind(*end));
                }
                if segment.control == Control::Syn {
                    rsts = [None; 2];
                }
            }
            before = packet.at;
            let end = segment.seq.wrapping_add(segment.data.len() as u32);
            match (segment.control, packet.forged.map(|forgery| forgery.seq)) {
                // Nobody believes an RST from far away.
                (Control::Rst, Some(ForgedSeq::Any(_))) => {}
                (Control::Rst, _) => rsts[from] = Some(end),
                (Control::Fin, Some(ForgedSeq::Ahead(_))) => {
                    early[from] = Some(end.wrapping_add(1));
                }
                (Control::Fin, _) => fins[from] = Some(end.wrapping_add(1)),
                (Control::None | Control::Syn, _) => {}
            }
        }
        false
    }

    /// Whether nothing on a flow said for `StreamConfig::hole_timeout` that a SYN
    /// with data was forged. Those are told then: there may be a capture that
    /// shows this side alone.
    fn has_data_of_syn_waited_in_vain(&self, flow: usize, host: usize) -> bool {
        let packets = self
            .story
            .packets
            .iter()
            .zip(&self.witness.flow_of[self.lane]);
        let of_flow: Vec<_> = packets
            .filter(|(packet, of)| **of == Some(flow) && packet.is_seen())
            .map(|(packet, _)| packet)
            .collect();
        of_flow.windows(2).any(|pair| {
            let [packet, next] = pair else { return false };
            packet.forged.is_some()
                && packet.from == host
                && packet.segment.control == Control::Syn
                && !packet.segment.data.is_empty()
                && next.at.saturating_sub(packet.at) >= LONG
        })
    }

    /// Whether a SYN was forged with the very number of a host's own SYN-ACK.
    fn has_forged_syn_of_its_own(&self, connection: usize, host: usize) -> bool {
        self.story.packets.iter().any(|packet| {
            packet.forged.is_some()
                && packet.from == host
                && packet.segment.control == Control::Syn
                && packet.segment.seq == self.story.isns[connection][host]
        })
    }

    /// The place of a forged FIN, unless its alleged sender was seen to end
    /// otherwise.
    fn standing_fin(&self, connection: usize, host: usize, sender: &Tcb) -> Option<usize> {
        let mut fin = None;
        for packet in self.story.packets.iter().filter(|it| it.is_seen()) {
            let (segment, forged) = (&packet.segment, packet.forged);
            let is_end = matches!(segment.control, Control::Fin | Control::Rst);
            if packet.from != host || packet.isns != self.story.isns[connection] {
                continue;
            }
            if forged.is_some() && segment.control == Control::Fin {
                fin = usize::try_from(place(segment.seq, sender)).ok();
            } else if forged.is_none() && is_end {
                fin = None;
            }
        }
        fin
    }
}

/// As long as ends and holes are remembered, less what the clock of timers may be off.
const LONG: u64 = 10 * SECOND - 100 * MILLISECOND;
const SYN_DATA: &str = "data of a forged SYN that nothing spoke against in time";
const SILENT: &str = "silent for long after what looked like an end";
const BEFORE_FIN: &str = "a hole before a forged FIN";
const OWN_NUMBER: &str = "a forged SYN with the number of the server's own";
const REFUSED: &str = "asked twice and refused once";
