//! What is in the records, in every format.

use flowscope_fixtures::{
    Close, Conversation, Disturbance, Ethernet, Fragmented, Frame, Icmp, Ipv4, Layer, MILLISECOND,
    Mpls, Path, Resend, START, Side, Udp, Vlan, address, link_type, merge,
};
use serde_json::json;

use crate::support::{
    command, conversation, fixtures, lookup, lookup_inside, parsed, pcap, records, run, stderr,
    stdout,
};

#[test]
fn a_connection_is_one_record() {
    let output = run(&["flows", "--json"], &pcap(&conversation().frames()));
    assert_eq!(
        stdout(&output),
        concat!(
            r#"{"type":"flow","ts":1767225600.009000000,"flow":1,"#,
            r#""proto":"tcp","src":"10.0.0.1","src_port":40000,"dst":"10.0.0.2","dst_port":80,"#,
            r#""start":1767225600.000000000,"end":1767225600.009000000,"duration":0.009000000,"#,
            r#""packets_initiator":6,"packets_responder":4,"#,
            r#""bytes_initiator":344,"bytes_responder":234,"#,
            r#""ip_bytes_initiator":260,"ip_bytes_responder":178,"#,
            r#""payload_bytes_initiator":8,"payload_bytes_responder":6,"#,
            r#""state":"closed","history":"ShADadFf","reason":"fin","#,
            r#""first_frame":1,"last_frame":10,"#,
            r#""community_id":"1:3k1SoWXs/FltHw2aBCgUTgbDQF4="}"#,
            "\n",
        )
    );
}

#[test]
fn what_is_rare_is_told_where_it_happened() {
    let talk = conversation().disturb(Disturbance::Resend {
        packet: 3,
        behind: 0,
        what: Resend::Whole,
    });
    let frames: Vec<_> = talk.frames().into_iter().map(|it| it.cut(60)).collect();
    let [flow] = &records(&["flows"], &pcap(&frames))[..] else {
        panic!("one flow");
    };
    assert_eq!(flow["retransmitted_initiator"], 1);
    assert_eq!(flow.get("retransmitted_responder"), None);
    // The SYN with its options, and the question twice.
    assert_eq!(flow["cut_packets_initiator"], 3);
    assert_eq!(flow.get("vlan"), None);
    assert_eq!(flow.get("icmp_type"), None);
}

/// A question in three fragments, the last of them first.
fn fragments() -> Vec<Frame> {
    let layers = [
        Layer::Ethernet(Ethernet::default()),
        Layer::Vlan(Vlan::new(7)),
        Layer::Ipv4(Ipv4::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into())),
        Layer::Udp(Udp::new(4000, 53)),
    ];
    let parts = Fragmented::new(&layers, 2, &[7; 40]).every(16);
    let at = (0..).map(|n| START + n * MILLISECOND);
    let frame = |(at, bytes)| Frame::new(at, link_type::ETHERNET, bytes);
    at.zip(parts.into_iter().rev()).map(frame).collect()
}

#[test]
fn fragments_are_packets_and_their_datagram_is_told_beside_them() {
    let [flow] = &records(&["flows"], &pcap(&fragments()))[..] else {
        panic!("one flow");
    };
    assert_eq!(flow["packets_initiator"], 3);
    assert_eq!(flow["fragments_initiator"], 3);
    assert_eq!(flow["reassembled_initiator"], 1);
    assert_eq!(flow["payload_bytes_initiator"], 40);
    assert_eq!(flow.get("fragments_responder"), None);
    assert_eq!(flow["vlan"], json!([7]));
    assert_eq!(
        (&flow["first_frame"], &flow["last_frame"]),
        (&json!(1), &json!(3))
    );
    assert_eq!(flow["duration"].to_string(), "0.002");
}

#[test]
fn a_datagram_that_never_gets_whole_is_an_anomaly_of_its_flow() {
    let frames = fragments();
    let events = records(&["events"], &pcap(&[frames[0].clone(), frames[2].clone()]));
    let told: Vec<_> = events
        .iter()
        .map(|event| (event["type"].as_str().unwrap(), event.get("kind")))
        .collect();
    let kind = json!("incomplete_datagram");
    let expected = [("started", None), ("anomaly", Some(&kind)), ("ended", None)];
    assert_eq!(told, expected);
    assert_eq!(events[2]["first_frame"], 1);

    // Without its first fragment it has no flow at all.
    let [summary, skipped] = &records(&["summary"], &pcap(&frames[..2]))[..] else {
        panic!("two records");
    };
    assert_eq!(
        (&summary["flows"], &summary["packets_skipped"]),
        (&json!(0), &json!(2))
    );
    let reason = json!({"layer": "ipv4", "cause": "fragment without ports", "packets": 2});
    assert_eq!(skipped["reasons"], json!([reason]));
}

#[test]
fn encapsulations_are_listed_outermost_first() {
    let outer = [
        Layer::Vlan(Vlan::new(100)),
        Layer::Vlan(Vlan::new(7)),
        Layer::Mpls(Mpls::new(16)),
        Layer::Mpls(Mpls::new(17)),
    ];
    let capture = pcap(&lookup_inside(&outer).frames());
    let flows = records(&["flows"], &capture);
    assert_eq!(flows[0]["vlan"], json!([100, 7]));
    let tunnel = json!([{"kind": "mpls", "id": 16}, {"kind": "mpls", "id": 17}]);
    assert_eq!(flows[0]["tunnel"], tunnel);

    let csv = stdout(&run(&["flows", "--format", "csv"], &capture));
    assert!(csv.contains(",100;7,mpls 16;mpls 17,"), "{csv}");
}

#[test]
fn icmp_has_types_in_place_of_ports() {
    let path = Path::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
    let (identifier, sequence) = (5, 1);
    let ask = Layer::Icmp(Icmp::EchoRequest {
        identifier,
        sequence,
    });
    let answer = Layer::Icmp(Icmp::EchoReply {
        identifier,
        sequence,
    });
    let frames = [
        path.frame(Side::Client, START, &ask, b"ping"),
        path.frame(Side::Server, START, &answer, b"ping"),
    ];
    for record in records(&["events"], &pcap(&frames)) {
        assert_eq!(record["proto"], "icmp");
        assert_eq!(
            (&record["icmp_type"], &record["icmp_code"]),
            (&json!(8), &json!(0))
        );
        assert_eq!(record.get("src_port"), None);
    }
}

#[test]
fn events_tell_a_connection_from_start_to_end() {
    let talk = Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:80"))
        .handshake()
        .blind_reset(Side::Server, 1 << 30)
        .close(Close::Fin(Side::Client));
    let events = records(&["events"], &pcap(&talk.frames()));
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            assert_eq!(
                (&event["flow"], &event["src_port"]),
                (&json!(1), &json!(40000))
            );
            let word = |name: &str| event.get(name).and_then(|it| it.as_str()).unwrap_or("-");
            format!("{} {} {}", word("type"), word("from"), word("to"))
        })
        .collect();
    assert_eq!(
        told,
        [
            "started - -",
            "state_change syn_sent syn_received",
            "established - -",
            "anomaly - -",
            "state_change established fin_wait",
            "state_change fin_wait closing",
            "state_change closing closed",
            "ended - -",
        ]
    );
    assert_eq!(events[0]["state"], "syn_sent");
    assert_eq!(events[3]["kind"], "rst_out_of_window");
    assert_eq!(events[3]["side"], "responder");
    assert_eq!(events[7]["packets_responder"], 3);

    let all = records(&["all"], &pcap(&talk.frames()));
    let kinds: Vec<_> = all.iter().map(|record| &record["type"]).collect();
    assert_eq!(kinds, ["anomaly", "flow"]);
}

#[test]
fn a_summary_accounts_for_every_packet() {
    let mut frames = merge([conversation().frames(), lookup().frames()]);
    let mut runt = frames[0].clone();
    runt.bytes.truncate(9);
    runt.nanos = START + 5_000_000_000;
    frames.push(runt);
    let capture = pcap(&frames);

    let summary = records(&[], &capture);
    assert_eq!(summary, records(&["summary"], &capture));
    let [summary, skipped] = &summary[..] else {
        panic!("two records");
    };
    assert_eq!(summary["packets"], 13);
    assert_eq!(summary["flows"], 2);
    assert_eq!(summary["duration"], 5.0);
    let protocols = json!([
        {"proto": "tcp", "flows": 1, "packets": 10, "bytes": 578},
        {"proto": "udp", "flows": 1, "packets": 2, "bytes": 100},
    ]);
    assert_eq!(summary["protocols"], protocols);
    assert_eq!(summary["hosts"][0]["host"], "10.0.0.1");
    assert_eq!(summary["hosts"][0]["bytes_sent"], 344 + 45);
    let reasons =
        json!([{"layer": "ethernet", "cause": "header cut by the capture", "packets": 1}]);
    assert_eq!(skipped["type"], "skipped");
    assert_eq!(skipped["packets"], 1);
    assert_eq!(skipped["reasons"], reasons);

    let screen = stdout(&run(&[], &capture));
    assert!(screen.contains("Packets   13\n"), "{screen}");
    assert!(
        screen.contains("ethernet: header cut by the capture        1  7.7 %\n"),
        "{screen}"
    );
    assert!(
        screen.contains("closed by both sides                1  50.0 %\n"),
        "{screen}"
    );
}

#[test]
fn tables_have_units() {
    let table = stdout(&run(&["flows"], &pcap(&conversation().frames())));
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(
        lines[1],
        "   1  2026-01-01 00:00:00.000    9 ms  tcp         10.0.0.1:40000  10.0.0.2:80          6  4    \
         344 B  234 B  closed  fin     ShADadFf"
    );
    assert!(lines[0].starts_with("FLOW  START (UTC)"));
    assert_eq!(lines.len(), 2);

    let table = stdout(&run(&["events"], &pcap(&lookup().frames())));
    assert!(
        table.contains("  end_of_input: 2 packets, 100 B in 1 ms\n"),
        "{table}"
    );
}

/// The formats agree on every capture of the repository, and on how many
/// packets there are.
#[test]
fn formats_agree_and_no_packet_is_lost() {
    for file in fixtures() {
        let file = file.to_str().unwrap();
        for subject in [
            "flows", "events", "all", "http", "tls", "dns", "streams", "summary",
        ] {
            let json = command(&[subject, "--json", file]).output().unwrap();
            assert!(json.status.success(), "{file}: {}", stderr(&json));
            let json = parsed(&json);
            let csv = command(&[subject, "--format", "csv", file])
                .output()
                .unwrap();
            assert!(csv.status.success(), "{file}: {}", stderr(&csv));

            let mut reader = csv::Reader::from_reader(&csv.stdout[..]);
            let columns = reader.headers().unwrap().clone();
            let rows: Vec<_> = reader.records().collect::<Result<_, _>>().unwrap();
            assert_eq!(rows.len(), json.len(), "{file}");
            for (row, record) in rows.iter().zip(&json) {
                for (name, cell) in columns.iter().zip(row) {
                    let is_absent = record.get(name).is_none_or(|value| value == "");
                    assert_eq!(is_absent, cell.is_empty(), "{file}: {name}");
                }
                let cells = row.iter().filter(|cell| !cell.is_empty()).count();
                let values = record.as_object().unwrap().values();
                assert_eq!(
                    cells,
                    values.filter(|value| **value != "").count(),
                    "{file}"
                );
            }
            let count = |record: &serde_json::Value, name| record[name].as_u64().unwrap_or(0);
            match subject {
                "summary" => {
                    let protocols = json[0]["protocols"].as_array();
                    let on_flows: u64 = protocols
                        .into_iter()
                        .flatten()
                        .map(|protocol| count(protocol, "packets"))
                        .sum();
                    let total = on_flows + count(&json[1], "packets");
                    assert_eq!(total, count(&json[0], "packets"), "{file}");
                }
                _ => {
                    let times: Vec<_> = json
                        .iter()
                        .filter(|record| record.get("history").is_some())
                        .map(|record| record["ts"].as_f64().unwrap())
                        .collect();
                    assert!(times.is_sorted(), "{file}: flows end in order of time");
                }
            }
        }
    }
}
