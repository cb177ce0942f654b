//! What records say of DNS.

use flowscope::FlowSide;
use flowscope::dns::{DnsMessage, DnsPacket, DnsUnanswered, Edns, Question};
use flowscope::wire::IpProtocol;

use super::{Fields, Record};
use crate::units;

pub(super) fn kind(message: &DnsMessage) -> &'static str {
    match message {
        DnsMessage::Unanswered(_) => "dns_unanswered",
        _ => "dns",
    }
}

pub(super) fn tell(message: &DnsMessage, protocol: Option<IpProtocol>, fields: &mut impl Fields) {
    let transport = match protocol {
        Some(IpProtocol::TCP) => "tcp",
        _ => "udp",
    };
    let side = match message {
        DnsMessage::Query(query) => Some(query.side),
        DnsMessage::Response(response) => Some(response.side),
        DnsMessage::Unanswered(unanswered) => Some(unanswered.side),
        _ => None,
    };
    fields.word("side", side.map(FlowSide::as_str));
    fields.word("transport", Some(transport));
    match message {
        DnsMessage::Query(query) => tell_packet(&query.packet, fields),
        DnsMessage::Response(response) => {
            tell_packet(&response.packet, fields);
            fields.seconds("latency", response.latency().map(units::nanos));
        }
        DnsMessage::Unanswered(unanswered) => tell_unanswered(unanswered, fields),
        _ => {}
    }
}

fn tell_packet(packet: &DnsPacket, fields: &mut impl Fields) {
    fields.number("id", Some(packet.id().into()));
    fields.flag("response", Some(packet.is_response()));
    fields.text("opcode", Some(packet.opcode().to_string()));
    fields.text("rcode", Some(packet.rcode().to_string()));
    fields.flag("aa", Some(packet.is_authoritative()));
    fields.flag("tc", Some(packet.is_truncated()));
    fields.flag("rd", Some(packet.is_recursion_desired()));
    fields.flag("ra", Some(packet.is_recursion_available()));
    fields.records("questions", packet.questions().map(Asked));
    fields.records("answers", packet.answers().map(Answer));
    fields.records("authorities", packet.authorities().map(Answer));
    fields.records("additionals", packet.additionals().map(Answer));
    fields.record("edns", packet.edns().map(Options));
}

fn tell_unanswered(unanswered: &DnsUnanswered, fields: &mut impl Fields) {
    fields.number("id", Some(unanswered.id().into()));
    fields.records("questions", unanswered.question().into_iter().map(Asked));
    fields.time("asked", Some(unanswered.asked));
    fields.number("attempts", Some(unanswered.attempts.into()));
    fields.word("reason", Some(unanswered.why.as_str()));
}

struct Asked<'a>(Question<'a>);

impl Record for Asked<'_> {
    fn tell(&self, fields: &mut impl Fields) {
        fields.text("name", Some(self.0.name.readable().to_bytes()));
        fields.text("type", Some(self.0.rtype.to_string()));
        fields.text("class", Some(self.0.class.to_string()));
    }
}

struct Answer<'a>(flowscope::dns::Record<'a>);

impl Record for Answer<'_> {
    fn tell(&self, fields: &mut impl Fields) {
        fields.text("name", Some(self.0.name.readable().to_bytes()));
        fields.text("type", Some(self.0.rtype.to_string()));
        fields.text("class", Some(self.0.class.to_string()));
        fields.number("ttl", Some(self.0.ttl.into()));
        let data = &self.0.data;
        fields.text("data", (data.missing() == 0).then(|| data.to_string()));
    }
}

struct Options<'a>(Edns<'a>);

impl Record for Options<'_> {
    fn tell(&self, fields: &mut impl Fields) {
        let options = self.0.options().map(|option| option.to_string());
        fields.number("udp_size", Some(self.0.udp_size().into()));
        fields.flag("do", Some(self.0.is_dnssec_ok()));
        fields.number("version", Some(self.0.version().into()));
        fields.texts("options", options);
    }
}

/// Every field, in the order in which records tell them.
pub(super) const FIELDS: &[&str] = &[
    "side",
    "transport",
    "id",
    "response",
    "opcode",
    "rcode",
    "aa",
    "tc",
    "rd",
    "ra",
    "questions",
    "answers",
    "authorities",
    "additionals",
    "edns",
    "latency",
    "asked",
    "attempts",
    "reason",
];
