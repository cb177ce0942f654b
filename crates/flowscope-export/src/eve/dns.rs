//! `dns` events, version 3: one for each message.

use core::fmt::Display;

use flowscope_dns::{DnsMessage, DnsPacket, Record};
use flowscope_record::DnsRecord;

use super::protocols::{FlowFacts, ProtocolEvents, TakesRecord};
use super::{Head, event};
use crate::object::Object;

/// Nothing is kept: each message is an event.
#[derive(Debug, Default)]
pub(super) struct DnsState;

impl ProtocolEvents for DnsState {
    fn finish(&mut self, _: &Head<'_>, _: &mut FlowFacts, _: &mut Vec<u8>) {}
}

impl TakesRecord<DnsRecord> for DnsState {
    fn take(&mut self, record: &DnsRecord, flow: &mut FlowFacts, text: &mut Vec<u8>) {
        message(flow, record, text);
    }
}

fn message(flow: &mut FlowFacts, record: &DnsRecord, text: &mut Vec<u8>) {
    let (packet, sender) = match &record.message {
        DnsMessage::Query(query) => (&query.packet, query.side),
        DnsMessage::Response(response) => (&response.packet, response.side),
        _ => return,
    };
    let head = Head {
        at: record.at,
        frame: Some(record.frame),
        flow: record.flow,
        endpoints: &record.endpoints,
        sender,
        kind: "dns",
        community_id: flow.community_id(&record.endpoints),
    };
    let transaction = flow.next_transaction();
    event(text, &head, |object| {
        head.write_community_id(object);
        object.object("dns", |object| write(packet, transaction, object));
    });
}

fn write(packet: &DnsPacket, transaction: u64, object: &mut Object<'_>) {
    let flags = match packet.bytes() {
        [_, _, high, low, ..] => u16::from_be_bytes([*high, *low]),
        _ => 0,
    };
    let is_response = packet.is_response();
    let kind = if is_response { "response" } else { "request" };
    object.number("version", 3);
    object.plain("type", kind);
    object.number("tx_id", transaction);
    object.number("id", u64::from(packet.id()));
    if is_response {
        object.displayed("flags", format_args!("{flags:x}"));
        object.flag("qr", true);
    } else {
        object.displayed("flags", format_args!("{flags:x}"));
    }
    object.flag_if("aa", packet.is_authoritative());
    object.flag_if("tc", packet.is_truncated());
    object.flag_if("rd", packet.is_recursion_desired());
    object.flag_if("ra", packet.is_recursion_available());
    object.flag_if("z", flags & 0x40 != 0);
    object.number("opcode", u64::from(packet.opcode().0));
    let rcode = is_response.then(|| packet.rcode().to_string().to_ascii_uppercase());
    object.text("rcode", rcode);
    let mut room = Room(packet.max_text());
    object.list("queries", packet.questions(), |out, question| {
        let name = room.take(question.name.readable().to_bytes());
        Object::write(out, |object| {
            object.text("rrname", name);
            object.displayed("rrtype", question.rtype);
        });
    });
    object.list("answers", packet.answers(), |out, record| {
        write_record(&record, &mut room, out);
    });
    object.list("authorities", packet.authorities(), |out, record| {
        write_record(&record, &mut room, out);
    });
    object.list("additionals", packet.additionals(), |out, record| {
        write_record(&record, &mut room, out);
    });
}

fn write_record(record: &Record<'_>, room: &mut Room, out: &mut Vec<u8>) {
    let name = room.take(record.name.readable().to_bytes());
    let data = match room.0 {
        0 => None,
        _ => room.take(text(&record.data).into_bytes()),
    };
    Object::write(out, |object| {
        object.text("rrname", name);
        object.displayed("rrtype", record.rtype);
        object.number("ttl", u64::from(record.ttl));
        object.text("rdata", data);
    });
}

fn text(data: &impl Display) -> String {
    data.to_string()
}

/// How much more text a message may have.
struct Room(usize);

impl Room {
    fn take(&mut self, text: Vec<u8>) -> Option<Vec<u8>> {
        match self.0.checked_sub(text.len()) {
            Some(left) => {
                self.0 = left;
                Some(text)
            }
            None => {
                self.0 = 0;
                None
            }
        }
    }
}
