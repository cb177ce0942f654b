//! The `stats` event.

use flowscope_core::Timestamp;
use flowscope_core::wire::IpProtocol;
use flowscope_detect::Protocol;
use flowscope_record::FlowRecord;

use crate::civil;
use crate::object::Object;

/// What flows came to.
#[derive(Debug, Default)]
pub(super) struct Stats {
    packets: u64,
    bytes: u64,
    flows: u64,
    tcp: u64,
    udp: u64,
    icmp: u64,
    icmp6: u64,
    http: u64,
    tls: u64,
    dns_tcp: u64,
    dns_udp: u64,
    quic: u64,
    pub(super) anomalies: u64,
    start: Option<Timestamp>,
}

impl Stats {
    pub(super) fn count(&mut self, flow: &FlowRecord) {
        let begun = flow.stats.first_seen;
        self.start = Some(self.start.map_or(begun, |start| start.min(begun)));
        self.flows += 1;
        self.packets += flow.stats.packets.total();
        self.bytes += flow.stats.bytes.total();
        let is_tcp = flow.endpoints.protocol == Some(IpProtocol::TCP);
        match flow.endpoints.protocol {
            Some(IpProtocol::TCP) => self.tcp += 1,
            Some(IpProtocol::UDP) => self.udp += 1,
            Some(IpProtocol::ICMP) => self.icmp += 1,
            Some(IpProtocol::ICMP6) => self.icmp6 += 1,
            _ => {}
        }
        match flow.app {
            Some(Protocol::Http) => self.http += 1,
            Some(Protocol::Tls | Protocol::Dtls) => self.tls += 1,
            Some(Protocol::Dns) if is_tcp => self.dns_tcp += 1,
            Some(Protocol::Dns) => self.dns_udp += 1,
            Some(Protocol::Quic) => self.quic += 1,
            _ => {}
        }
    }

    pub(super) fn write(&self, at: Timestamp, text: &mut Vec<u8>) {
        let start = self.start.unwrap_or(at);
        Object::write(text, |object| {
            object.quoted("timestamp", |out| civil::zoned_micros(out, at));
            object.word("event_type", Some("stats"));
            object.object("stats", |object| {
                object.number("uptime", at.as_secs().saturating_sub(start.as_secs()));
                object.object("decoder", |object| {
                    object.number("pkts", self.packets);
                    object.number("bytes", self.bytes);
                });
                object.object("flow", |object| {
                    object.number("total", self.flows);
                    object.number("tcp", self.tcp);
                    object.number("udp", self.udp);
                    object.number("icmpv4", self.icmp);
                    object.number("icmpv6", self.icmp6);
                });
                object.object("app_layer", |object| {
                    object.object("flow", |object| {
                        object.number("http", self.http);
                        object.number("tls", self.tls);
                        object.number("dns_tcp", self.dns_tcp);
                        object.number("dns_udp", self.dns_udp);
                        object.number("quic", self.quic);
                    });
                });
            });
        });
        text.push(b'\n');
    }
}
