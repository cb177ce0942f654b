//! The fields of DNS messages.

use core::time::Duration;

use flowscope_core::FlowSide;
use flowscope_core::wire::IpProtocol;
use flowscope_dns::{DnsMessage, DnsPacket, DnsUnanswered, Edns, Question};

use crate::visit::{FieldVisitor, Visit, nanos};

pub(super) fn kind(message: &DnsMessage) -> &'static str {
    match message {
        DnsMessage::Unanswered(_) => "dns_unanswered",
        _ => "dns",
    }
}

pub(super) fn visit(
    message: &DnsMessage,
    protocol: Option<IpProtocol>,
    fields: &mut impl FieldVisitor,
) {
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
    fields.plain_text("side", side.map(FlowSide::as_str));
    fields.plain_text("transport", Some(transport));
    match message {
        DnsMessage::Query(query) => visit_packet(&query.packet, None, fields),
        DnsMessage::Response(response) => {
            visit_packet(&response.packet, response.latency(), fields);
        }
        DnsMessage::Unanswered(unanswered) => visit_unanswered(unanswered, fields),
        _ => {}
    }
}

fn visit_packet(packet: &DnsPacket, latency: Option<Duration>, fields: &mut impl FieldVisitor) {
    fields.number("id", Some(packet.id().into()));
    fields.flag("response", Some(packet.is_response()));
    fields.text("opcode", Some(packet.opcode().to_string()));
    fields.text("rcode", Some(packet.rcode().to_string()));
    fields.flag("aa", Some(packet.is_authoritative()));
    fields.flag("tc", Some(packet.is_truncated()));
    fields.flag("rd", Some(packet.is_recursion_desired()));
    fields.flag("ra", Some(packet.is_recursion_available()));
    fields.structures("questions", packet.questions().map(QuestionFields));
    fields.structures("answers", packet.answers().map(ResourceRecord));
    fields.structures("authorities", packet.authorities().map(ResourceRecord));
    fields.structures("additionals", packet.additionals().map(ResourceRecord));
    fields.structure("edns", packet.edns().map(EdnsFields));
    fields.duration("latency", latency.map(nanos));
}

fn visit_unanswered(unanswered: &DnsUnanswered, fields: &mut impl FieldVisitor) {
    fields.number("id", Some(unanswered.id().into()));
    fields.structures(
        "questions",
        unanswered.question().into_iter().map(QuestionFields),
    );
    fields.time("asked", Some(unanswered.asked));
    fields.number("attempts", Some(unanswered.attempts.into()));
    fields.plain_text("reason", Some(unanswered.why.as_str()));
}

struct QuestionFields<'a>(Question<'a>);

impl Visit for QuestionFields<'_> {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        fields.text("name", Some(self.0.name.readable().to_bytes()));
        fields.text("type", Some(self.0.rtype.to_string()));
        fields.text("class", Some(self.0.class.to_string()));
    }
}

struct ResourceRecord<'a>(flowscope_dns::Record<'a>);

impl Visit for ResourceRecord<'_> {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        fields.text("name", Some(self.0.name.readable().to_bytes()));
        fields.text("type", Some(self.0.rtype.to_string()));
        fields.text("class", Some(self.0.class.to_string()));
        fields.number("ttl", Some(self.0.ttl.into()));
        let data = &self.0.data;
        fields.text("data", (data.missing() == 0).then(|| data.to_string()));
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
