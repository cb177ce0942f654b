//! What is said on the flows.

use flowscope_fixtures::{Close, Conversation, Datagrams, Frame, Side, address, merge};
use serde_json::{Value, json};

use crate::support::{command, parsed, pcap, records, run, stderr, stdout};

/// The records of one type that the command makes of a capture of real
/// traffic.
fn recorded(subject: &str, name: &str, kind: &str) -> Vec<Value> {
    records_of(subject, &format!("recorded/{name}"), kind)
}

/// The same of any capture of the fixtures.
fn records_of(subject: &str, name: &str, kind: &str) -> Vec<Value> {
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let file = format!("{workspace}/fixtures/pcap/{name}");
    let output = command(&[subject, "--json", &file]).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let mut records = parsed(&output);
    records.retain(|record| record["type"] == kind);
    records
}

/// One request and its answer on a port of no protocol.
fn exchange(request: &[u8], response: &[u8]) -> Vec<u8> {
    let talk = Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:9999"))
        .handshake()
        .send(Side::Client, request)
        .send(Side::Server, response)
        .close(Close::Fin(Side::Client));
    pcap(&talk.frames())
}

#[test]
fn http_is_a_record_per_request_and_response() {
    let capture = exchange(
        b"GET /caf\xe9 HTTP/1.1\r\nHost: example.org\r\nX: \"1\"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nhi",
    );
    let lines = stdout(&run(&["http", "--json"], &capture));
    let ends = concat!(
        r#""flow":1,"proto":"tcp","src":"10.0.0.1","src_port":40000,"#,
        r#""dst":"10.0.0.2","dst_port":9999,"#,
    );
    let request = concat!(
        r#""side":"initiator","method":"GET","target":"/caf�","version":"HTTP/1.1","host":"example.org","#,
        r#""headers":[["Host","example.org"],["X","\"1\""]],"body_bytes":0,"lossy":true}"#,
    );
    let response = concat!(
        r#""side":"responder","status":200,"reason":"OK","version":"HTTP/1.1","content_type":"text/plain","#,
        r#""headers":[["Content-Type","text/plain"],["Content-Length","2"]],"body_bytes":2,"#,
        r#""request_method":"GET","request_target":"/caf�","latency":0.002000000,"#,
        r#""lossy":true}"#,
    );
    let expected = format!(
        "{{\"type\":\"http_request\",\"ts\":1767225600.003000000,{ends}{request}\n\
         {{\"type\":\"http_response\",\"ts\":1767225600.005000000,{ends}{response}\n"
    );
    assert_eq!(lines, expected);
}

#[test]
fn tls_is_a_record_per_message_that_can_be_read() {
    let hellos = recorded("tls", "tls12-openssl.pcap", "tls_client_hello");
    let [hello] = &hellos[..] else {
        panic!("{hellos:?}")
    };
    assert_eq!(hello["sni"], "server.example");
    assert_eq!(hello["version"], "TLS 1.2");
    assert_eq!(hello["side"], "initiator");
    assert_eq!(hello["ja3"].as_str().map(str::len), Some(32));
    assert!(hello["ja4"].as_str().unwrap().starts_with("t12d"));
    assert!(hello["cipher_suites"].as_array().unwrap().len() > 5);

    let chains = recorded("tls", "tls12-openssl.pcap", "tls_certificate");
    let [certificate] = &chains[..] else {
        panic!("{chains:?}")
    };
    assert_eq!(certificate["side"], "responder");
    assert!(certificate["subject"].as_str().unwrap().contains("CN="));
    let first = &certificate["chain"][0];
    assert!(first["bytes"].as_u64().unwrap() > 200);
    assert_eq!(first["sha256"].as_str().map(str::len), Some(64));

    let retries = recorded("all", "tls13-hello-retry.pcap", "tls_server_hello");
    let retries: Vec<_> = retries
        .iter()
        .map(|it| &it["hello_retry_request"])
        .collect();
    assert_eq!(retries, [&json!(true), &json!(false)]);

    let alerts = recorded("tls", "tls-alerts.pcap", "tls_alert");
    assert_eq!(alerts.len(), 3);
    assert!(alerts.iter().all(|alert| alert["level"] == "fatal"));
}

#[test]
fn hellos_say_what_carried_them() {
    let hellos = recorded("tls", "dtls12-openssl.pcap", "tls_client_hello");
    assert_eq!(hellos.len(), 2);
    assert!(hellos.iter().all(|hello| hello["transport"] == "dtls"));
    assert_eq!(hellos[0]["version"], "DTLS 1.2");
    let answers = recorded("tls", "dtls12-openssl.pcap", "tls_server_hello");
    assert_eq!(answers[0]["transport"], "dtls");
    assert!(answers[0].get("quic_version").is_none());
    let hellos = recorded("all", "tls12-openssl.pcap", "tls_client_hello");
    assert_eq!(hellos[0]["transport"], "tcp");
}

#[test]
fn hellos_of_quic_have_what_quic_adds() {
    let hellos = records_of("tls", "udp-quic.pcap", "tls_client_hello");
    let versions: Vec<_> = hellos.iter().map(|hello| &hello["quic_version"]).collect();
    assert_eq!(versions, [&json!("v1"), &json!("v2")]);
    for hello in &hellos {
        assert_eq!(hello["transport"], "quic");
        assert_eq!(hello["sni"], "example.com");
        assert_eq!(hello["dcid"], "8394c8f03e515708");
        assert_eq!(hello["scid"], "");
        assert_eq!(hello["token_bytes"], 0);
        assert!(hello["ja4"].as_str().unwrap().starts_with("q13d"));
        let timeout = json!({"id": 1, "name": "max_idle_timeout", "value": 30_000});
        let parameters = hello["transport_parameters"].as_array().unwrap();
        assert!(parameters.contains(&timeout), "{parameters:?}");
    }
    let answers = records_of("all", "udp-quic.pcap", "tls_server_hello");
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[1]["scid"], "f067a5502a4262b5");
    assert_eq!(answers[1]["cipher_suite"], 0x1301);
    let flows = records_of("all", "udp-quic.pcap", "flow");
    assert!(flows.iter().all(|flow| flow["app"] == "quic"));
}

#[test]
fn what_comes_before_hellos_is_told_apart() {
    let retries = records_of("tls", "udp-quic-before.pcap", "quic_retry");
    assert_eq!(retries.len(), 1);
    assert_eq!(retries[0]["side"], "responder");
    assert_eq!(retries[0]["quic_version"], "v1");
    assert_eq!(retries[0]["scid"], "f067a5502a4262b5");
    assert_eq!(retries[0]["token_bytes"], 5);

    let offers = records_of("all", "udp-quic-before.pcap", "quic_version_negotiation");
    assert_eq!(offers.len(), 1);
    assert_eq!(offers[0]["versions"], json!(["0x0a1a2a3a", "v1"]));
    assert_eq!(offers[0]["dcid"], "0809");
    assert_eq!(offers[0]["scid"], "010203");
    assert!(offers[0].get("quic_version").is_none());

    let google = records_of("tls", "udp-quic-before.pcap", "gquic_client_hello");
    assert_eq!(google.len(), 1);
    assert_eq!(google[0]["transport"], "quic");
    assert_eq!(google[0]["quic_version"], "Q043");
    assert_eq!(google[0]["sni"], "quic.example");
    assert_eq!(google[0]["user_agent"], "flowscope tests");
    assert_eq!(google[0]["dcid"], "0102030405060708");

    let requests = recorded("tls", "dtls12-openssl.pcap", "tls_hello_verify_request");
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0]["side"], "responder");
    let hellos = recorded("tls", "dtls12-openssl.pcap", "tls_client_hello");
    assert_eq!(hellos[0]["cookie_bytes"], 0);
    assert_eq!(hellos[1]["cookie_bytes"], requests[0]["cookie_bytes"]);
    let others = recorded("tls", "tls12-openssl.pcap", "tls_client_hello");
    assert!(others[0].get("cookie_bytes").is_none());
}

#[test]
fn a_summary_counts_names_asked_for_over_quic() {
    for (capture, name, times) in [
        ("udp-quic.pcap", "example.com", 2),
        ("udp-quic-before.pcap", "quic.example", 1),
    ] {
        let summaries = records_of("summary", capture, "summary");
        let names = summaries[0]["names"].as_array().unwrap();
        let counted = names.iter().find(|it| it["name"] == name);
        assert_eq!(counted.unwrap()["tls"], times, "{names:?}");
    }
}

#[test]
fn dns_is_a_record_per_message_and_answers_know_their_questions() {
    let messages = recorded("dns", "dns-tcp.pcap", "dns");
    assert!(messages.iter().all(|message| message["transport"] == "tcp"));
    let (answers, questions): (Vec<_>, Vec<_>) =
        messages.iter().partition(|it| it["response"] == true);
    assert_eq!((questions.len(), answers.len()), (6, 6));
    assert!(answers.iter().all(|answer| answer.get("latency").is_some()));
    assert!(questions[0]["questions"][0]["name"].is_string());
    assert_eq!(questions[0]["questions"][0]["class"], "IN");

    let side = |message: &Value, side| message["side"] == side;
    assert!(answers.iter().all(|answer| side(answer, "responder")));
    assert!(questions.iter().all(|it| side(it, "initiator")));

    let unanswered = recorded("dns", "dns-no-server.pcap", "dns_unanswered");
    assert_eq!(unanswered.len(), 2);
    assert!(
        unanswered
            .iter()
            .all(|it| it["questions"][0]["name"].is_string())
    );
}

#[test]
fn a_message_whose_end_is_not_to_come_is_incomplete() {
    let talk = Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:9999"))
        .handshake()
        .send(Side::Client, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .send(
            Side::Server,
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it",
        );
    for subject in ["http", "all"] {
        let told = records(&[subject], &pcap(&talk.frames()));
        assert_eq!(told[0].get("incomplete"), None, "{subject}");
        assert_eq!(told[1]["incomplete"], true, "{subject}");
        assert_eq!(told[1]["body_bytes"], 10, "{subject}");
    }
}

#[test]
fn all_has_everything_in_order_and_flows_say_what_they_spoke() {
    let smuggled = exchange(
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n\
          0\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    );
    let told = records(&["all"], &smuggled);
    let kinds: Vec<_> = told.iter().map(|it| it["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["anomaly", "http_request", "http_response", "flow"]);
    assert_eq!(told[0]["kind"], "both_lengths");
    assert_eq!(told[3]["app"], "http");

    for (name, app) in [
        ("chromium-https.pcap", "tls"),
        ("dns-lookup.pcap", "dns"),
        ("http-pipelined.pcap", "http"),
    ] {
        for (subject, kind) in [("all", "flow"), ("flows", "flow"), ("events", "ended")] {
            let flows = recorded(subject, name, kind);
            let speaks = |flow: &Value| flow["app"] == app;
            assert!(flows.iter().all(speaks), "{subject} {name}");
        }
    }
}

#[test]
fn holes_are_counted_on_the_flow() {
    let talk = Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:9999"))
        .handshake()
        .send(Side::Server, &[7; 1000])
        .send(Side::Server, &[8; 1000])
        .send(Side::Server, &[9; 1000])
        .close(Close::Fin(Side::Client));
    let mut frames = talk.frames();
    frames.retain(|frame| !frame.bytes.ends_with(&[8; 1000]));
    let capture = pcap(&frames);
    for subject in ["all", "events"] {
        let told = records(&[subject], &capture);
        let gap = told.iter().find(|it| it["type"] == "anomaly").unwrap();
        assert_eq!(gap["kind"], "stream_gap", "{subject}");
        assert_eq!(gap["side"], "responder", "{subject}");
        let flow = told.last().unwrap();
        assert_eq!(flow["missing_bytes_responder"], 1000, "{subject}");
        assert_eq!(flow.get("missing_bytes_initiator"), None);
    }
    // Streams are not put in order for these, so nobody knows.
    let flows = records(&["flows"], &capture);
    assert_eq!(flows[0].get("missing_bytes_responder"), None);
    let summary = records(&["summary"], &capture);
    assert_eq!(summary[0].get("anomalies"), None);
}

#[test]
fn two_copies_of_a_segment_that_differ_are_an_anomaly() {
    let talk = Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:9999"))
        .handshake()
        .send(Side::Server, &[7; 100])
        .send(Side::Server, &[8; 100]);
    let mut frames = talk.frames();
    let place = |frames: &[Frame], byte| {
        let is_it = |frame: &Frame| frame.bytes.ends_with(&[byte; 100]);
        frames.iter().position(is_it).unwrap()
    };
    // The first segment comes last, so that both copies of the other wait.
    let first = frames.remove(place(&frames, 7));
    let other = place(&frames, 8);
    let mut evil = frames[other].clone();
    let end = evil.bytes.len();
    evil.bytes[end - 100..].fill(9);
    frames.splice(other + 1..other + 1, [evil, first]);
    let capture = pcap(&frames);
    for subject in ["all", "events"] {
        let told = records(&[subject], &capture);
        let odd: Vec<_> = told.iter().filter(|it| it["type"] == "anomaly").collect();
        assert_eq!(odd.len(), 1, "{subject}: {told:?}");
        assert_eq!(odd[0]["kind"], "overlap_conflict", "{subject}");
    }
}

#[test]
fn a_summary_says_what_was_asked_for() {
    let summary = |name| recorded("summary", name, "summary").remove(0);
    let expected = [
        (
            "https-curl.pcap",
            json!([{"name": "server.example", "http": 0, "tls": 2, "dns": 0}]),
        ),
        (
            "http-pipelined.pcap",
            json!([{"name": "server.example", "http": 3, "tls": 0, "dns": 0}]),
        ),
    ];
    for (name, names) in expected {
        assert_eq!(summary(name)["names"], names, "{name}");
    }

    let lookups = summary("dns-tcp.pcap");
    assert_eq!(lookups["apps"][0]["app"], "dns");
    assert_eq!(lookups["apps"][0]["packets"], lookups["packets"]);

    // One name, whatever its case, its port and the protocol.
    let query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07EXAMPLE\x03org\0\0\x01\0\x01";
    let asked = Datagrams::new(address("10.0.0.1:40001"), address("10.0.0.2:9998"))
        .send(Side::Client, query)
        .frames();
    let page = Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:9999"))
        .handshake()
        .send(
            Side::Client,
            b"GET / HTTP/1.1\r\nHost: example.org:9999\r\n\r\n",
        )
        .frames();
    let capture = pcap(&merge([asked, page]));
    let told = records(&["summary"], &capture);
    let names = json!([{"name": "example.org", "http": 1, "tls": 0, "dns": 1}]);
    assert_eq!(told[0]["names"], names);
    let screen = stdout(&run(&["summary"], &capture));
    assert!(
        screen.contains("\nASKED FOR    DNS  TLS  HTTP\nexample.org    1          1\n"),
        "{screen}"
    );
}

#[test]
fn a_name_of_a_summary_is_shown_without_control_characters() {
    let page = exchange(b"GET / HTTP/1.1\r\nHost: a\xff\xe2\x80\xaeb\r\n\r\n", b"");
    let told = records(&["summary"], &page);
    assert_eq!(told[0]["lossy"], true);
    let screen = stdout(&run(&["summary"], &page));
    assert!(screen.contains("a\u{fffd}\u{fffd}b"), "{screen}");
}

#[test]
fn a_table_shows_no_control_characters() {
    let capture = exchange(
        b"GET / HTTP/1.1\r\nHost: a\x1b[31m\xe2\x80\xaeb\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\n\r\n",
    );
    let table = stdout(&run(&["http"], &capture));
    assert!(
        table.contains("http_request") && !table.contains(['\u{1b}', '\u{202e}']),
        "{table}"
    );
}

#[test]
fn interim_responses_do_not_multiply_a_long_target() {
    let target = "/".repeat(40_000);
    let interim = "HTTP/1.1 102 Processing\r\n\r\n".repeat(200);
    let capture = exchange(
        format!("GET {target} HTTP/1.1\r\n\r\n").as_bytes(),
        format!("{interim}HTTP/1.1 204 No Content\r\n\r\n").as_bytes(),
    );
    let records = records(&["http"], &capture);
    assert_eq!(records.len(), 202);
    let named = records.iter().filter(|it| it["request_target"] == target);
    let statuses: Vec<_> = named.map(|it| it["status"].as_u64()).collect();
    assert_eq!(statuses, [Some(102), Some(204)]);
    assert!(stdout(&run(&["http", "--json"], &capture)).len() < 4 * capture.len());
}

#[test]
fn many_questions_wait_and_are_given_up_in_order() {
    let query = |n: usize| {
        let label = format!("{n:0>60}");
        let name = format!("\x3c{label}\x3c{label}\x3c{label}\x3c{label}\0");
        [
            &b"\0\x07\x01\0\0\x01\0\0\0\0\0\0"[..],
            name.as_bytes(),
            b"\0\x01\0\x01",
        ]
        .concat()
    };
    let mut talk = Datagrams::new(address("10.0.0.1:40000"), address("10.0.0.2:53"));
    for n in 0..400 {
        talk = talk.send(Side::Client, &query(n));
    }
    let records = records(&["dns"], &pcap(&talk.frames()));
    let unanswered = records.iter().filter(|it| it["type"] == "dns_unanswered");
    let numbers: Vec<String> = unanswered
        .clone()
        .map(|it| it["questions"][0]["name"].to_string()[1..61].to_owned())
        .collect();
    let expected: Vec<String> = (0..400).map(|n| format!("{n:0>60}")).collect();
    assert_eq!(numbers, expected);
    // As many wait as have 64 KiB.
    let waiting = (64 << 10) / query(0).len();
    let evicted = unanswered.filter(|it| it["reason"] == "evicted").count();
    assert_eq!(evicted, 400 - waiting);
}

#[test]
fn names_behind_pointers_are_given_up_to_a_bound() {
    let response = |records: u8| {
        let label = [&[63][..], &[0xff; 63]].concat();
        let name = [&label.repeat(3)[..], &[61], &[0xff; 61], &[0]].concat();
        let header = [0, 7, 0x81, 0x80, 0, 1, 0, records, 0, 0, 0, 0];
        let record = b"\xc0\x0c\0\x02\0\x01\0\0\0\0\0\x02\xc0\x0c".repeat(records.into());
        [&header[..], &name, b"\0\x02\0\x01", &record].concat()
    };
    let capture = |payload: &[u8]| {
        let talk = Datagrams::new(address("10.0.0.1:40000"), address("10.0.0.2:53"));
        pcap(&talk.send(Side::Server, payload).frames())
    };
    let of = |records_sent: u8| records(&["dns"], &capture(&response(records_sent))).remove(0);
    let whole = of(2);
    assert_eq!(whole["left_out"], Value::Null);
    assert_eq!(whole["answers"][1]["data"].as_str().unwrap().len(), 1003);

    let bounded = of(80);
    assert_eq!(bounded["left_out"], true);
    let answers = bounded["answers"].as_array().unwrap();
    assert_eq!(answers.len(), 80);
    let given = answers.iter().filter(|it| it["data"].is_string()).count();
    // 250 bytes of the owner, and four for each of these in the data.
    assert_eq!(given, 8 * response(80).len() / (253 + 1003));
    assert_eq!(answers[79], json!({"type": "NS", "class": "IN", "ttl": 0}));

    let table = stdout(&run(&["dns"], &capture(&response(80))));
    assert!(table.trim_end().ends_with('…'), "{table}");
    assert!(table.len() < 10 * response(80).len());
}
