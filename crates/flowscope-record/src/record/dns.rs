//! The fields of DNS messages.

use core::cell::Cell;
use core::fmt::{self, Write};
use core::net::IpAddr;
use core::time::Duration;

use flowscope_core::FlowSide;
use flowscope_core::wire::IpProtocol;
use flowscope_dns::{
    DnsMessage, DnsPacket, DnsUnanswered, Edns, Name, Question, Record, RecordData, RecordType,
    Records, Section,
};

use super::{MessageRecord, RecordedMessage};
use crate::config::NameFilter;
use crate::host::Host;
use crate::names::{AskedIn, NameRequest};
use crate::plain_text::PlainText;
use crate::schema::{self, Schema};
use crate::visit::{FieldVisitor, Visit, nanos};

impl RecordedMessage for DnsMessage {
    const SCHEMA: &'static Schema = &schema::DNS;

    fn kind(&self) -> Option<&'static str> {
        match self {
            Self::Unanswered(_) => Some("dns_unanswered"),
            _ => Some("dns"),
        }
    }

    fn visit(record: &MessageRecord<Self>, fields: &mut impl FieldVisitor) {
        let transport = match record.endpoints.protocol {
            Some(IpProtocol::TCP) => "tcp",
            _ => "udp",
        };
        let message = &record.message;
        let side = match message {
            Self::Query(query) => Some(query.side),
            Self::Response(response) => Some(response.side),
            Self::Unanswered(unanswered) => Some(unanswered.side),
            _ => None,
        };
        fields.plain_text("side", side.map(FlowSide::as_str));
        fields.plain_text("transport", Some(transport));
        match message {
            Self::Query(query) => visit_packet(&query.packet, None, fields),
            Self::Response(response) => {
                visit_packet(&response.packet, response.latency(), fields);
            }
            Self::Unanswered(unanswered) => visit_unanswered(unanswered, fields),
            _ => {}
        }
    }

    fn name(&self) -> Option<NameRequest> {
        match self {
            Self::Query(query) => {
                let name = query.packet.question()?.name;
                NameRequest::new(name.readable().to_bytes(), AskedIn::Dns)
            }
            _ => None,
        }
    }

    fn is_about(&self, names: &NameFilter) -> bool {
        let questions = self.packet().map(DnsPacket::questions);
        questions.into_iter().flatten().any(|question| {
            let mut name = question.name.readable().to_bytes();
            name.make_ascii_lowercase();
            names.takes(name.strip_suffix(b".").unwrap_or(&name))
        })
    }

    fn addresses(record: &MessageRecord<Self>, found: &mut impl FnMut(IpAddr, &[u8])) {
        let Self::Response(response) = &record.message else {
            return;
        };
        let Some(question) = response.packet.question() else {
            return;
        };
        let name = question.name.readable().to_bytes();
        for answer in response.packet.answers() {
            if let Some(address) = answer.data.address() {
                found(address, &name);
            }
        }
    }
}

fn visit_packet(packet: &DnsPacket, latency: Option<Duration>, fields: &mut impl FieldVisitor) {
    fields.number("id", Some(packet.id().into()));
    fields.flag("response", Some(packet.is_response()));
    let edns = packet.edns();
    let (opcode, rcode) = (packet.opcode(), packet.rcode());
    named(fields, "opcode", opcode.name(), opcode);
    named(fields, "rcode", rcode.name(), rcode);
    fields.flag("aa", Some(packet.is_authoritative()));
    fields.flag("tc", Some(packet.is_truncated()));
    fields.flag("rd", Some(packet.is_recursion_desired()));
    fields.flag("ra", Some(packet.is_recursion_available()));
    let room = &Room::new(packet.max_text());
    let asked = |question| QuestionFields { question, room };
    let told = |record| ResourceRecord { record, room };
    let mut questions = packet.questions();
    fields.structures("questions", questions.by_ref().map(asked));
    let records = &mut RecordsBySection::of(questions.into_records());
    fields.structures("answers", records.section(Section::Answer).map(told));
    fields.structures("authorities", records.section(Section::Authority).map(told));
    fields.structures(
        "additionals",
        records.section(Section::Additional).map(told),
    );
    fields.structure("edns", edns.map(EdnsFields));
    fields.duration("latency", latency.map(nanos));
    fields.flag("left_out", room.is_full().then_some(true));
}

fn visit_unanswered(unanswered: &DnsUnanswered, fields: &mut impl FieldVisitor) {
    // One name, which has a bound of its own.
    let room = &Room::new(usize::MAX);
    let asked = |question| QuestionFields { question, room };
    fields.number("id", Some(unanswered.id().into()));
    fields.structures("questions", unanswered.question().into_iter().map(asked));
    fields.time("asked", Some(unanswered.asked));
    fields.number("attempts", Some(unanswered.attempts.into()));
    fields.plain_text("reason", Some(unanswered.why.as_str()));
}

/// The records of a message by their sections, in one walk along it.
struct RecordsBySection<'a> {
    records: Records<'a>,
    /// One of a later section than was asked for.
    next: Option<(Section, Record<'a>)>,
    /// The first OPT record, which is given apart from the others, was passed.
    is_past_edns: bool,
}

impl<'a> RecordsBySection<'a> {
    fn of(records: Records<'a>) -> Self {
        Self {
            records,
            next: None,
            is_past_edns: false,
        }
    }

    /// Those of a section, if none of a later one was asked for.
    fn section(&mut self, wanted: Section) -> impl Iterator<Item = Record<'a>> {
        core::iter::from_fn(move || {
            loop {
                let (section, record) = self.next.take().or_else(|| self.records.next())?;
                if section as u8 > wanted as u8 {
                    self.next = Some((section, record));
                    return None;
                }
                let is_edns = section == Section::Additional
                    && record.rtype == RecordType::OPT
                    && !core::mem::replace(&mut self.is_past_edns, true);
                if section == wanted && !is_edns {
                    return Some(record);
                }
            }
        })
    }
}

/// Gives the name of a number, or how it is shown where it has none.
#[inline(always)]
fn named(
    fields: &mut impl FieldVisitor,
    field: &'static str,
    name: Option<&'static str>,
    number: impl ToString,
) {
    match name {
        Some(name) => fields.word(field, name),
        None => fields.text(field, Some(number.to_string())),
    }
}

/// How much more text the names and data of a message may have. What does not
/// fit is left out, and so is everything behind it.
struct Room {
    left: Cell<usize>,
    is_full: Cell<bool>,
    /// Where a text is written, in the same memory each time.
    text: Cell<Vec<u8>>,
}

impl Room {
    fn new(most: usize) -> Self {
        Self {
            left: Cell::new(most),
            is_full: Cell::new(false),
            text: Cell::default(),
        }
    }

    fn is_full(&self) -> bool {
        self.is_full.get()
    }

    fn take(&self, len: usize) -> bool {
        let left = self.left.get().checked_sub(len);
        self.left.set(left.unwrap_or(0));
        self.is_full.set(self.is_full() || left.is_none());
        !self.is_full()
    }

    /// Gives the text that `write` writes to `then`, if there is room for it.
    fn with_text(
        &self,
        write: impl FnOnce(&mut Vec<u8>) -> fmt::Result,
        then: impl FnOnce(Option<&[u8]>),
    ) {
        let mut text = self.text.take();
        text.clear();
        let fits = !self.is_full() && write(&mut text).is_ok();
        then(fits.then_some(&text));
        self.text.set(text);
    }

    fn with_name(&self, name: Name<'_>, then: impl FnOnce(Option<&[u8]>)) {
        let write = |text: &mut Vec<u8>| {
            name.readable().append_to(text);
            self.take(text.len()).then_some(()).ok_or(fmt::Error)
        };
        self.with_text(write, then);
    }

    fn with_data(&self, data: &RecordData<'_>, then: impl FnOnce(Option<&[u8]>)) {
        let write = |text: &mut Vec<u8>| match data.address() {
            Some(address) => {
                Host::Ip(address).append_to(text);
                self.take(text.len()).then_some(()).ok_or(fmt::Error)
            }
            None => write!(RoomFor(self, text), "{data}"),
        };
        self.with_text(write, then);
    }
}

/// A text for which there may be room.
struct RoomFor<'a>(&'a Room, &'a mut Vec<u8>);

impl Write for RoomFor<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if !self.0.take(text.len()) {
            return Err(fmt::Error);
        }
        self.1.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

struct QuestionFields<'a> {
    question: Question<'a>,
    room: &'a Room,
}

impl Visit for QuestionFields<'_> {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        let Self { question, room } = self;
        let (rtype, class) = (question.rtype, question.class);
        room.with_name(question.name, |name| fields.text("name", name));
        named(fields, "type", rtype.name(), rtype);
        named(fields, "class", class.name(), class);
    }
}

struct ResourceRecord<'a> {
    record: Record<'a>,
    room: &'a Room,
}

impl Visit for ResourceRecord<'_> {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        let Self { record, room } = self;
        let (rtype, class) = (record.rtype, record.class);
        room.with_name(record.name, |name| fields.text("name", name));
        named(fields, "type", rtype.name(), rtype);
        named(fields, "class", class.name(), class);
        fields.number("ttl", Some(record.ttl.into()));
        match record.data.missing() {
            0 => room.with_data(&record.data, |data| fields.text("data", data)),
            _ => fields.text("data", None::<&[u8]>),
        }
    }
}

struct EdnsFields<'a>(Edns<'a>);

impl Visit for EdnsFields<'_> {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        let options = self.0.options().map(|option| option.to_string());
        fields.number("udp_size", Some(self.0.udp_size().into()));
        fields.flag("do", Some(self.0.is_dnssec_ok()));
        fields.number("version", Some(self.0.version().into()));
        fields.texts("options", options);
    }
}

#[cfg(test)]
mod tests {
    use flowscope_dns::{Class, Opcode, Rcode};

    use super::*;
    use crate::plain_bytes::plain_len;

    #[test]
    fn names_of_numbers_need_no_quoting() {
        for number in 0..=u16::MAX {
            let [low, _] = number.to_le_bytes();
            let names = [
                RecordType(number).name(),
                Class(number).name(),
                Rcode(number).name(),
                Opcode(low).name(),
            ];
            for name in names.into_iter().flatten() {
                assert_eq!(plain_len(name.as_bytes()), name.len(), "{name}");
                assert!(!name.contains([',', ';']), "{name}");
            }
        }
    }
}
