//! Packets and flows in lines, for whoever has to find out what went wrong.

use core::fmt::Write;

use flowscope_fixtures::MILLISECOND;

use super::endpoint::Control;
use super::link_story::{Arrival, Forgery, Packet, Story, What};
use super::verdict::Judge;

impl Judge<'_> {
    /// Every packet, and what was made of them.
    pub(crate) fn trace(&self) -> String {
        let mut text = String::new();
        let start = self.script.start;
        for (index, packet) in self.story.packets.iter().enumerate() {
            let flow = self.witness.flow_of[self.lane][index];
            let _ = writeln!(text, "{index:3} {}", line(packet, start, flow));
        }
        let flows = self.witness.flows.iter().zip(&self.witness.told);
        for (index, (flow, seen)) in flows.enumerate() {
            if flow.lane == self.lane {
                let _ = writeln!(
                    text,
                    "flow {index}, from packet {}, {:?}: client {} server {}",
                    flow.first,
                    flow.state,
                    runs(&seen.out[0]),
                    runs(&seen.out[1]),
                );
            }
        }
        for (connection, ends) in self.story.ends.iter().enumerate() {
            let read = |host: usize| match &ends[host] {
                Some(tcb) => format!(
                    "{}{}{}",
                    tcb.read.len(),
                    if tcb.has_read_fin { " and FIN" } else { "" },
                    if tcb.was_established {
                        ""
                    } else {
                        ", never established"
                    },
                ),
                None => "nothing".to_owned(),
            };
            let _ = writeln!(
                text,
                "connection {connection}: server read {}; client read {}",
                read(1),
                read(0),
            );
        }
        text
    }
}

/// A packet in a line, with numbers from those of the SYNs.
fn line(packet: &Packet, start: u64, flow: Option<usize>) -> String {
    let (from, segment) = (packet.from, &packet.segment);
    let way = ["C>S", "S>C"][from];
    let millis = (packet.at - start) as f64 / MILLISECOND as f64;
    let flags = match (segment.control, segment.ack) {
        (Control::None, Some(_)) => "ACK".to_owned(),
        (Control::None, None) => "-".to_owned(),
        (control, ack) => {
            let ack = if ack.is_some() { "-ACK" } else { "" };
            format!("{}{ack}", format!("{control:?}").to_uppercase())
        }
    };
    let from_isn = |number: u32, host: usize| number.wrapping_sub(packet.isns[host]).cast_signed();
    let ack = segment
        .ack
        .map_or("-".to_owned(), |ack| from_isn(ack, 1 - from).to_string());
    let mut line = format!(
        "{millis:11.3} {way} {flags:7} seq {:<6} ack {ack:<6} len {:<3}",
        from_isn(segment.seq, from),
        segment.data.len(),
    );
    let _ = match packet.connection {
        Some(connection) => write!(line, " of {connection}"),
        None => write!(line, "     "),
    };
    let _ = match flow {
        Some(flow) => write!(line, " on flow {flow}"),
        None => write!(line, "          "),
    };
    let _ = write!(line, " to {:11}", receiver(packet));
    if let Some(forgery) = &packet.forged {
        let fate = fate(forgery.arrival);
        let Forgery { seq, ack, .. } = forgery;
        let _ = write!(line, " FORGED, {fate}, {seq:?}, {ack:?}");
    }
    if let Some(what) = packet.what {
        let _ = write!(line, " {what:?}");
    }
    line
}

/// Bytes in runs: how many are there, and in brackets how many are not.
fn runs(out: &[Option<u8>]) -> String {
    let runs = out.chunk_by(|a, b| a.is_some() == b.is_some());
    let texts = runs.map(|run| match run[0] {
        Some(_) => run.len().to_string(),
        None => format!("[{}]", run.len()),
    });
    let text = texts.collect::<Vec<_>>().join(" ");
    if text.is_empty() {
        "0".to_owned()
    } else {
        text
    }
}

/// What befell packets, in words.
pub(crate) fn oddities(story: &Story) -> Vec<String> {
    let mut found = Vec::new();
    for packet in &story.packets {
        let control = packet.segment.control;
        if let Some(forgery) = &packet.forged {
            let ack = packet.segment.ack.map_or("", |_| "-ACK");
            let place = format!("{:?}", forgery.seq);
            let place = place.split('(').next().unwrap_or_default();
            let fate = fate(forgery.arrival);
            found.push(format!("forged {control:?}{ack}, {place}, {fate}"));
            let control = format!("{control:?}").to_uppercase();
            found.push(format!("a forged {control} to {}", receiver(packet)));
        }
        let kind = packet.kind;
        match packet.what {
            Some(What::Late(..)) => found.push(format!("{kind:?} Late")),
            Some(What::Slow(_)) => found.push(format!("{kind:?} Slow")),
            Some(what) => found.push(format!("{kind:?} {what:?}")),
            None => {}
        }
    }
    found
}

fn fate(arrival: Arrival) -> &'static str {
    match arrival {
        Arrival::Arrives => "arrives",
        Arrival::Dies => "dies",
    }
}

fn receiver(packet: &Packet) -> String {
    let state = packet.receiver.map(|state| format!("{state:?}"));
    state.unwrap_or_else(|| "nobody".to_owned())
}
