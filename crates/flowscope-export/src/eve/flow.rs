//! `flow` events.

use flowscope_core::track::{EndReason, FlowState};
use flowscope_core::wire::IpProtocol;
use flowscope_detect::Protocol;
use flowscope_record::{FlowRecord, Hex};

use super::{Head, event};
use crate::{civil, digits};

pub(super) fn write(record: &FlowRecord, text: &mut Vec<u8>) {
    let head = Head {
        at: record.at,
        frame: Some(record.last_frame),
        flow: record.flow,
        endpoints: &record.endpoints,
        sender: flowscope_core::FlowSide::Initiator,
        kind: "flow",
        community_id: None,
    };
    let (stats, flags) = (&record.stats, record.tcp_flags);
    event(text, &head, |object| {
        object.list("vlan", record.vlans(), |out, vlan| {
            digits::number(out, vlan.into());
        });
        let icmp = record.icmp.filter(|_| record.endpoints.is_icmp());
        object.number("icmp_type", icmp.map(|icmp| icmp.kind.into()));
        object.number("icmp_code", icmp.map(|icmp| icmp.code.into()));
        object.word("app_proto", record.app.map(app));
        if let Some(id) = record.community_id() {
            object.plain("community_id", id);
        }
        object.object("flow", |object| {
            object.number("pkts_toserver", stats.packets.initiator);
            object.number("pkts_toclient", stats.packets.responder);
            object.number("bytes_toserver", stats.bytes.initiator);
            object.number("bytes_toclient", stats.bytes.responder);
            object.quoted("start", |out| civil::zoned_micros(out, stats.first_seen));
            object.quoted("end", |out| civil::zoned_micros(out, stats.last_seen));
            object.number(
                "age",
                stats
                    .last_seen
                    .as_secs()
                    .saturating_sub(stats.first_seen.as_secs()),
            );
            object.word("state", Some(state(record)));
            object.word("reason", Some(reason(record.reason)));
            object.flag("alerted", false);
        });
        if record.endpoints.protocol == Some(IpProtocol::TCP) {
            let all = flags.initiator | flags.responder;
            object.object("tcp", |object| {
                object.plain("tcp_flags", Hex(&[all]));
                object.plain("tcp_flags_ts", Hex(&[flags.initiator]));
                object.plain("tcp_flags_tc", Hex(&[flags.responder]));
                for (name, bit) in [
                    ("syn", 0x02),
                    ("fin", 0x01),
                    ("rst", 0x04),
                    ("psh", 0x08),
                    ("ack", 0x10),
                    ("urg", 0x20),
                    ("ecn", 0x40),
                    ("cwr", 0x80),
                ] {
                    object.flag_if(name, all & bit != 0);
                }
                object.word("state", Some(tcp_state(stats.state)));
            });
        }
    });
}

/// Suricata's name of a protocol that was recognised.
pub(super) fn app(app: Protocol) -> &'static str {
    match app {
        Protocol::Dtls => "tls",
        app => app.as_str(),
    }
}

fn state(record: &FlowRecord) -> &'static str {
    match record.stats.state {
        FlowState::Closed | FlowState::Reset => "closed",
        FlowState::SynSent => "new",
        FlowState::Active if record.stats.packets.responder == 0 => "new",
        _ => "established",
    }
}

fn reason(reason: EndReason) -> &'static str {
    match reason {
        EndReason::Evicted => "forced",
        EndReason::EndOfInput => "shutdown",
        EndReason::Replaced => "tcp_reuse",
        _ => "timeout",
    }
}

fn tcp_state(state: FlowState) -> &'static str {
    match state {
        FlowState::SynSent => "syn_sent",
        FlowState::SynReceived => "syn_recv",
        FlowState::HalfClosed(_) => "fin_wait1",
        FlowState::Closing => "closing",
        FlowState::Closed | FlowState::Reset => "closed",
        _ => "established",
    }
}
