//! `conn.log`.

use std::io;

use flowscope_core::wire::IpProtocol;
use flowscope_record::{ConnectionRecord, Host};

use super::network::LocalNets;
use super::{Lines, Log, write_id};

pub(super) fn write(
    record: &ConnectionRecord,
    uid: &str,
    service: Option<&str>,
    local: &LocalNets,
    lines: &mut impl Lines,
) -> io::Result<()> {
    let nanos = record.duration_nanos();
    // A connection of one moment has no length, and no rate.
    let long = |value: u64| (nanos > 0).then_some(value);
    let is_local = |host| match host {
        Host::Ip(addr) => Some(local.contain(addr)),
        Host::Mac(_) => Some(false),
    };
    let endpoints = &record.endpoints;
    if is_bare_tunnel(endpoints.protocol) {
        return Ok(());
    }
    let parents = record.parents.iter();
    let parents: Vec<_> = parents
        .map(|parent| super::uid(parent.flow, parent.number, &parent.endpoints))
        .collect();
    lines.line(Log::Conn, |row| {
        row.time(Some(record.start));
        row.text(Some(uid));
        write_id(endpoints, row);
        row.text(Some(transport(endpoints.protocol)));
        row.text(service);
        row.interval(long(nanos));
        row.count(long(record.payload_bytes.initiator));
        row.count(long(record.payload_bytes.responder));
        row.text(Some(record.state.as_str()));
        row.flag(is_local(endpoints.src));
        row.flag(is_local(endpoints.dst));
        row.count(Some(record.missed_bytes));
        row.text(Some(&*record.history).filter(|it| !it.is_empty()));
        row.count(Some(record.packets.initiator));
        row.count(Some(record.ip_bytes.initiator));
        row.count(Some(record.packets.responder));
        row.count(Some(record.ip_bytes.responder));
        row.texts((!parents.is_empty()).then_some(&parents));
        row.count(endpoints.protocol.map(|protocol| protocol.0.into()));
    })
}

/// Whether it is a tunnel that is no connection to Zeek: IP in IP and GRE.
fn is_bare_tunnel(protocol: Option<IpProtocol>) -> bool {
    matches!(protocol, Some(IpProtocol(4 | 41 | 47)))
}

/// Zeek's word for what carries a connection.
pub(super) fn transport(protocol: Option<IpProtocol>) -> &'static str {
    match protocol {
        Some(IpProtocol::TCP) => "tcp",
        Some(IpProtocol::UDP) => "udp",
        Some(IpProtocol::ICMP | IpProtocol::ICMP6) => "icmp",
        _ => "unknown_transport",
    }
}
