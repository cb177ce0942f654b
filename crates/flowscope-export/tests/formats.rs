//! What recorded captures come to in the formats of other tools.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use flowscope_core::{LinkType, PacketView, Timestamp};
use flowscope_export::eve::EveWriter;
use flowscope_export::ipfix::{IpfixConfig, IpfixWriter};
use flowscope_export::report::Report;
use flowscope_export::zeek::{Form, Log, ZeekConfig, ZeekLogs};
use flowscope_fixtures::{Datagrams, Ethernet, Ipv4, Layer, Side, Vxlan, address};
use flowscope_pcap::PcapFlowSource;
use flowscope_record::{Goal, Record, RecordConfig, RecordTracker, Records};
use serde_json::{Value, json};

/// Both forms of a log have the same lines, every line has all columns, and
/// every name of a connection in another log is in `conn`.
#[test]
fn logs_agree_with_each_other() {
    let mut lines = 0;
    for capture in captures() {
        let tsv = zeek(&capture, Form::Tsv);
        let json = zeek(&capture, Form::Json);
        assert_eq!(
            tsv.keys().collect::<Vec<_>>(),
            json.keys().collect::<Vec<_>>()
        );
        let mut uids: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        for log in Log::ALL {
            let (Some(tsv), Some(json)) = (tsv.get(log.name()), json.get(log.name())) else {
                continue;
            };
            let names: Vec<_> = log.columns().iter().map(|column| column.name).collect();
            let rows: Vec<Vec<&str>> = tsv
                .lines()
                .filter(|line| !line.starts_with('#'))
                .map(|line| line.split('\t').collect())
                .collect();
            assert_eq!(rows.len(), json.lines().count());
            lines += rows.len();
            for (row, object) in rows.iter().zip(json.lines()) {
                assert_eq!(row.len(), names.len(), "{}: {row:?}", log.name());
                let object: Value = serde_json::from_str(object).unwrap();
                let set: BTreeSet<&str> = names
                    .iter()
                    .zip(row)
                    .filter(|(_, value)| **value != "-")
                    .map(|(name, _)| *name)
                    .collect();
                let keys: BTreeSet<&str> =
                    object.as_object().unwrap().keys().map(|it| &**it).collect();
                assert_eq!(set, keys);
                if let Some(uid) = object.get("uid").and_then(Value::as_str) {
                    uids.entry(log.name()).or_default().insert(uid.to_owned());
                }
            }
            assert!(tsv.lines().next_back().unwrap().starts_with("#close\t"));
        }
        let conn = uids.remove("conn").unwrap_or_default();
        for (log, uids) in uids {
            assert!(uids.is_subset(&conn), "{}: {log}", capture.display());
        }
    }
    assert!(lines > 400, "{lines} lines");
}

#[test]
fn a_connection_that_is_reset_and_one_that_ends() {
    let logs = zeek(&folder().join("http-1-0.pcap"), Form::Json);
    let rows: Vec<Value> = logs["conn"]
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    let first = &rows[0];
    assert_eq!(first["proto"], "tcp");
    assert_eq!(first["service"], "http");
    assert_eq!(first["conn_state"], "SF");
    assert_eq!(first["ip_proto"], 6);
    assert_eq!(first["missed_bytes"], 0);
    let history = first["history"].as_str().unwrap();
    assert!(history.starts_with("ShA"), "{history}");
    let http: Vec<Value> = logs["http"]
        .lines()
        .map(|it| serde_json::from_str(it).unwrap())
        .collect();
    assert!(
        http.iter()
            .all(|row| row["status_code"].is_u64() && row["trans_depth"].is_u64())
    );
}

#[test]
fn what_is_in_a_tunnel_names_the_connections_that_carry_it() {
    let rows = rows(&folder().join("vxlan.pcap"), "conn");
    let inner: Vec<_> = rows
        .iter()
        .filter(|row| row["tunnel_parents"].is_array())
        .collect();
    assert!(inner.iter().any(|row| row["id.resp_p"] == 80));
    for row in inner {
        for parent in row["tunnel_parents"].as_array().unwrap() {
            let parent = rows.iter().find(|row| row["uid"] == *parent).unwrap();
            assert_eq!(parent["service"], "vxlan");
        }
    }
}

/// Of tunnels in each other each carries the next: a connection names the one that
/// carries it, and that the one around it.
#[test]
fn tunnels_in_each_other_name_those_around_them() {
    let ipv4 = |a, b| Layer::Ipv4(Ipv4::new([192, 0, 2, a].into(), [192, 0, 2, b].into()));
    let layers = [
        Layer::Ethernet(Ethernet::default()),
        ipv4(1, 2),
        Layer::Vxlan(Vxlan::new(42)),
        Layer::Ethernet(Ethernet::default()),
        ipv4(3, 4),
        Layer::Vxlan(Vxlan::new(43)),
        Layer::Ethernet(Ethernet::default()),
    ];
    let frames = Datagrams::new(address("10.0.0.1:4000"), address("10.0.0.2:9000"))
        .over(&layers)
        .send(Side::Client, b"question")
        .frames();
    let mut records = Vec::new();
    let config = flowscope_export::zeek_config(RecordConfig::default());
    let mut tracker = RecordTracker::new(config);
    for frame in &frames {
        let at = Timestamp::from_nanos(frame.nanos);
        let view = PacketView::new(&frame.bytes, at).with_link(LinkType(frame.link));
        tracker.track(view, &mut records);
    }
    tracker.finish(&mut records);
    let conn = logs(&records, Form::Json)["conn"].clone();
    let rows: Vec<Value> = (conn.lines())
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(rows.len(), 3);
    let of = |host: &str| rows.iter().find(|row| row["id.orig_h"] == host).unwrap();
    let (inner, middle, outer) = (of("10.0.0.1"), of("192.0.2.3"), of("192.0.2.1"));
    assert_eq!(inner["tunnel_parents"], json!([middle["uid"]]));
    assert_eq!(middle["tunnel_parents"], json!([outer["uid"]]));
    assert!(outer["tunnel_parents"].is_null());
}

/// To Zeek, IP in IP is no connection, though what is in it has a parent.
#[test]
fn a_tunnel_of_ip_is_no_connection() {
    let rows = rows(&folder().join("../encap-ip-in-ip.pcap"), "conn");
    assert!(!rows.is_empty());
    for row in rows {
        assert!(matches!(row["ip_proto"].as_u64(), Some(6 | 17)), "{row}");
        assert_eq!(row["tunnel_parents"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn a_body_has_a_type_and_a_certificate_a_name() {
    let http = rows(&folder().join("vxlan.pcap"), "http");
    assert_eq!(http[0]["resp_mime_types"][0], "text/json");
    let ssl = rows(&folder().join("tls12-openssl.pcap"), "ssl");
    assert_eq!(ssl[0]["sni_matches_cert"], true);
    assert_eq!(ssl[0]["client_cert_chain_fps"], serde_json::json!([]));
}

#[test]
fn every_event_is_an_object_with_a_time() {
    let mut kinds = BTreeSet::new();
    for capture in captures() {
        let mut writer = EveWriter::new(Vec::new());
        for record in records(
            &capture,
            flowscope_export::record_config(RecordConfig::default()),
        ) {
            writer.write(&record).unwrap();
        }
        let text = String::from_utf8(writer.finish().unwrap()).unwrap();
        for line in text.lines() {
            let event: Value = serde_json::from_str(line).unwrap();
            let kind = event["event_type"].as_str().unwrap().to_owned();
            assert!(event[&kind].is_object(), "{line}");
            let time = event["timestamp"].as_str().unwrap();
            assert!(time.ends_with("+0000") && time.len() == 31, "{time}");
            if kind != "stats" {
                assert!(
                    event["flow_id"].is_u64() && event["src_ip"].is_string(),
                    "{line}"
                );
            }
            kinds.insert(kind);
        }
    }
    let all = ["anomaly", "dns", "flow", "http", "stats", "tls"];
    assert_eq!(kinds.iter().map(|it| &**it).collect::<Vec<_>>(), all);
}

/// Read back by the rules of RFC 7011, messages have every flow once, and its
/// numbers.
#[test]
fn messages_have_every_flow() {
    let mut read = 0;
    for config in [IpfixConfig::FILE, IpfixConfig::UDP] {
        for capture in captures() {
            let config_of_records = flowscope_export::record_config(RecordConfig {
                goal: Goal::Flows,
                ..RecordConfig::default()
            });
            let mut writer = IpfixWriter::new(config, Vec::new());
            let mut expected = Vec::new();
            for record in records(&capture, config_of_records) {
                writer.write(&record).unwrap();
                if let Record::Flow(flow) = &record {
                    let stats = &flow.stats;
                    expected.push((
                        flow.flow.number(),
                        [stats.packets.initiator, stats.packets.responder],
                        [stats.ip_bytes.initiator, stats.ip_bytes.responder],
                    ));
                }
            }
            let messages = writer.finish().unwrap();
            let found = read_back(&messages, usize::from(config.max_message));
            assert_eq!(found, expected, "{}", capture.display());
            read += found.len();
        }
    }
    assert!(read > 300, "{read} flows");
}

#[test]
fn a_page_has_no_markup_of_others_and_is_bounded() {
    let mut report = Report::new("<script>alert(1)</script>\u{202e}");
    for capture in captures() {
        let config = RecordConfig {
            frames: true,
            ..flowscope_export::record_config(RecordConfig::default())
        };
        records(&capture, config)
            .iter()
            .for_each(|record| report.write(record));
        let summary = RecordConfig {
            goal: Goal::Summary,
            ..RecordConfig::default()
        };
        records(&capture, summary)
            .iter()
            .for_each(|record| report.write(record));
    }
    let page = report.finish();
    assert!(page.len() < 2_000_000, "{}", page.len());
    assert!(!page.contains("<script>alert"));
    assert!(page.contains("&lt;script&gt;") || page.contains("&#60;script&#62;"));
    assert!(!page.contains('\u{202e}'));
    assert_eq!(page.matches("<script>").count(), 1);
    assert!(page.contains("Content-Security-Policy"));
    assert!(!page.contains("http://") && !page.contains("https://"));
}

/// A parser that nobody here wrote finds the same flows.
#[test]
fn another_parser_reads_the_messages() {
    use netflow_parser::NetflowParser;
    for capture in [
        folder().join("chromium-https.pcap"),
        folder().join("dns-lookup.pcap"),
    ] {
        let config = flowscope_export::record_config(RecordConfig::default());
        let mut writer = IpfixWriter::new(IpfixConfig::FILE, Vec::new());
        let mut octets = Vec::new();
        for record in records(&capture, config) {
            writer.write(&record).unwrap();
            if let Record::Flow(flow) = &record {
                octets.push(flow.stats.ip_bytes.initiator);
            }
        }
        let messages = writer.finish().unwrap();
        let result = NetflowParser::default().parse_bytes(&messages);
        assert!(result.error.is_none(), "{:?}", result.error);
        let text = serde_json::to_string(&result.packets).unwrap();
        assert!(!octets.is_empty());
        for octets in octets {
            assert!(text.contains(&octets.to_string()), "{octets}: {text}");
        }
    }
}

type Found = (u64, [u64; 2], [u64; 2]);

/// The flows of a file, read by its own templates.
fn read_back(mut bytes: &[u8], max_message: usize) -> Vec<Found> {
    let mut templates: BTreeMap<u16, Vec<(u16, u16, bool)>> = BTreeMap::new();
    let mut found = Vec::new();
    let mut sequence = 0;
    while !bytes.is_empty() {
        let number = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        assert_eq!(number(0), 10);
        let len = usize::from(number(2));
        assert!(len <= max_message, "{len}");
        let claimed = u32::from_be_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
        assert_eq!(claimed, sequence);
        let (message, rest) = bytes.split_at(len);
        bytes = rest;
        let mut sets = &message[16..];
        while !sets.is_empty() {
            let set = u16::from_be_bytes([sets[0], sets[1]]);
            let len = usize::from(u16::from_be_bytes([sets[2], sets[3]]));
            let (mut body, rest) = (&sets[4..len], &sets[len..]);
            sets = rest;
            while !body.is_empty() {
                if set == 2 {
                    body = read_template(body, &mut templates);
                } else {
                    body = read_record(body, &templates[&set], &mut found);
                    sequence += 1;
                }
            }
        }
    }
    found
}

fn read_template<'a>(
    body: &'a [u8],
    templates: &mut BTreeMap<u16, Vec<(u16, u16, bool)>>,
) -> &'a [u8] {
    let word = |at: usize| u16::from_be_bytes([body[at], body[at + 1]]);
    let mut at = 4;
    let mut elements = Vec::new();
    for _ in 0..word(2) {
        let (id, len) = (word(at), word(at + 2));
        at += 4;
        let is_reverse = id & 0x8000 != 0;
        if is_reverse {
            assert_eq!([word(at), word(at + 2)], [0, 29305]);
            at += 4;
        }
        elements.push((id & 0x7fff, len, is_reverse));
    }
    templates.insert(word(0), elements);
    &body[at..]
}

fn read_record<'a>(
    mut body: &'a [u8],
    elements: &[(u16, u16, bool)],
    found: &mut Vec<Found>,
) -> &'a [u8] {
    let mut flow: Found = Default::default();
    for (id, len, is_reverse) in elements {
        let mut len = usize::from(*len);
        if len == 0xffff {
            len = usize::from(body[0]);
            body = &body[1..];
        }
        let (value, rest) = body.split_at(len);
        body = rest;
        let number = || {
            value
                .iter()
                .fold(0, |number, byte| number << 8 | u64::from(*byte))
        };
        match id {
            148 => flow.0 = number(),
            2 => flow.1[usize::from(*is_reverse)] = number(),
            1 => flow.2[usize::from(*is_reverse)] = number(),
            _ => {}
        }
    }
    found.push(flow);
    body
}

/// The lines of a log.
fn rows(capture: &Path, log: &str) -> Vec<Value> {
    let logs = zeek(capture, Form::Json);
    let lines = logs[log].lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn zeek(capture: &Path, form: Form) -> BTreeMap<&'static str, String> {
    let config = flowscope_export::zeek_config(RecordConfig::default());
    logs(&records(capture, config), form)
}

fn logs(records: &[Record], form: Form) -> BTreeMap<&'static str, String> {
    let config = ZeekConfig {
        form,
        ..ZeekConfig::default()
    };
    let mut logs = ZeekLogs::new(config, |_| Ok(Vec::new()));
    for record in records {
        logs.write(record).unwrap();
    }
    let logs = logs.finish().unwrap().into_iter();
    logs.map(|(name, text)| (name, String::from_utf8(text).unwrap()))
        .collect()
}

fn records(capture: &Path, config: RecordConfig) -> Vec<Record> {
    let source = PcapFlowSource::open(capture).unwrap();
    let records = Records::of(source).with_tracker(RecordTracker::new(config));
    records.map(|record| record.unwrap()).collect()
}

fn captures() -> Vec<PathBuf> {
    let folders = [folder(), folder().join("..")];
    let mut captures: Vec<_> = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it != "md"))
        .collect();
    captures.sort();
    assert!(captures.len() > 100, "{} captures", captures.len());
    captures
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/pcap/recorded")
}
