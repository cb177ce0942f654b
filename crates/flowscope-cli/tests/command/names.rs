//! Names of DNS, and the records they are in.

use flowscope_fixtures::{Conversation, Datagrams, Side, address, merge};
use serde_json::{Value, json};

use crate::support::{pcap, records, run, stdout};

/// A question for an address of a name, given as it is sent.
fn question(name: &[u8]) -> Vec<u8> {
    [b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0", name, b"\0\x01\0\x01"].concat()
}

/// Datagrams from a client to a server of DNS, and back.
fn lookup(asked: &[u8], answered: &[u8]) -> Vec<u8> {
    let talk = Datagrams::new(address("10.0.0.1:40000"), address("10.0.0.2:53"))
        .send(Side::Client, asked)
        .send(Side::Server, answered);
    pcap(&talk.frames())
}

#[test]
fn what_is_within_a_label_is_escaped() {
    for (label, shown) in [
        (&b"www.bank.example"[..], r"www\.bank\.example"),
        (br"a\b", r"a\\b"),
        (b"a b", "a b"),
        ("bücher".as_bytes(), "bücher"),
        (b"\x1b[31m\n\0\x7f", r"\027[31m\010\000\127"),
        ("\u{9b}0m\u{202e}".as_bytes(), r"\194\1550m\226\128\174"),
    ] {
        let name = [&[u8::try_from(label.len()).unwrap()], label, b"\x01c\0"].concat();
        let mut answer = question(&name);
        (answer[2], answer[7]) = (0x81, 1);
        answer.extend(b"\xc0\x0c\0\x05\0\x01\0\0\0\x3c\0\x05\x02cn\xc0\x0c");
        let capture = lookup(&question(&name), &answer);
        let told = records(&["dns"], &capture);
        let shown = format!("{shown}.c");
        for message in &told {
            assert_eq!(message["questions"][0]["name"], shown);
            assert_eq!(message.get("lossy"), None, "{shown}");
        }
        assert_eq!(told[1]["answers"][0]["name"], shown);
        let data = told[1]["answers"][0]["data"].as_str().unwrap();
        assert!(data.starts_with("cn.") && data.is_ascii(), "{data}");

        let sheet = run(&["dns", "--format", "csv"], &capture);
        let mut reader = csv::Reader::from_reader(&sheet.stdout[..]);
        let columns = reader.headers().unwrap().clone();
        let at = columns.iter().position(|column| column == "questions");
        let row = reader.records().next().unwrap().unwrap();
        assert_eq!(row[at.unwrap()], format!("{shown} A IN"));

        let summary = records(&["summary"], &capture);
        assert_eq!(summary[0]["names"][0]["name"], shown.to_ascii_lowercase());
    }
}

#[test]
fn a_name_that_is_no_text_is_written_as_far_as_it_is() {
    let capture = lookup(&question(b"\x05a\xff.b\\\x01c\0"), b"");
    let shown = "a\u{fffd}\\.b\\\\.c";
    let told = records(&["dns"], &capture);
    assert_eq!(told[0]["questions"][0]["name"], shown);
    assert_eq!(told[0]["lossy"], true);
    assert_eq!(told[1]["type"], "dns_unanswered");

    let sheet = stdout(&run(&["dns", "--format", "csv"], &capture));
    assert!(sheet.contains(&format!(",{shown} A IN,")), "{sheet}");
    assert!(
        sheet
            .lines()
            .all(|line| line.ends_with(",true") || line.ends_with(",lossy"))
    );
}

#[test]
fn names_in_data_are_escaped_too() {
    let name = b"\x03a.b\xc0\x0c";
    let fields = |before: usize| [&vec![0; before][..], name].concat();
    let soa = [&name[..], name, &[0; 20]].concat();
    for (rtype, data, shown) in [
        (2u8, fields(0), r"a\.b.q"),
        (5, fields(0), r"a\.b.q"),
        (6, soa, r"a\.b.q a\.b.q 0 0 0 0 0"),
        (12, fields(0), r"a\.b.q"),
        (15, fields(2), r"0 a\.b.q"),
        (33, fields(6), r"0 0 0 a\.b.q"),
        (39, fields(0), r"a\.b.q"),
        (46, [fields(18), vec![1]].concat(), r"a\.b.q AQ=="),
        (47, [&name[..], b"\0\x01\x40"].concat(), r"a\.b.q A"),
        (65, b"\0\x01\x03a.b\x01q\0".to_vec(), r"1 a\.b.q"),
    ] {
        let mut answer = question(b"\x01q\0");
        (answer[2], answer[7]) = (0x81, 1);
        answer.extend([0xc0, 12, 0, rtype, 0, 1, 0, 0, 0, 60, 0]);
        answer.push(u8::try_from(data.len()).unwrap());
        answer.extend(data);
        let told = records(&["dns"], &lookup(&question(b"\x01q\0"), &answer));
        let data = told[1]["answers"][0]["data"].as_str().unwrap();
        assert!(data.ends_with(shown), "type {rtype}: {data}");
    }
}

#[test]
fn a_summary_tells_names_apart_that_look_alike() {
    let ask = |port: u16, name: &[u8]| {
        let client = address(&format!("10.0.0.1:{port}"));
        Datagrams::new(client, address("10.0.0.2:53"))
            .send(Side::Client, &question(name))
            .frames()
    };
    let page = Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:80"))
        .handshake()
        .send(Side::Client, b"GET / HTTP/1.1\r\nHost: a\\.b\r\n\r\n");
    let capture = pcap(&merge([
        ask(1, b"\x03a.b\0"),
        ask(2, b"\x01a\x01B\0"),
        ask(3, b"\x03A.b\0"),
        ask(4, b"\x02b.\0"),
        ask(5, b"\0"),
        ask(6, b"\x01\xfe\0"),
        ask(7, b"\x01\xff\0"),
        page.frames(),
    ]));
    let summary = records(&["summary"], &capture);
    let mut names: Vec<_> = summary[0]["names"]
        .as_array()
        .unwrap()
        .iter()
        .map(|name| (&name["name"], &name["dns"], &name["http"]))
        .collect();
    names.sort_by_key(|(name, ..)| name.as_str());
    let expected = [
        (r"a.b", 1, 0),
        (r"a\.b", 2, 0),
        (r"a\\.b", 0, 1),
        (r"b\.", 1, 0),
        ("\u{fffd}", 1, 0),
        ("\u{fffd}", 1, 0),
    ];
    let expected = expected.map(|(name, dns, http)| (json!(name), json!(dns), json!(http)));
    assert!(
        names
            .iter()
            .copied()
            .eq(expected.iter().map(|(a, b, c)| (a, b, c))),
        "{names:?}"
    );
    let screen = stdout(&run(&["summary"], &capture));
    assert!(screen.contains("\na\\.b "), "{screen}");
}

#[test]
fn an_opt_record_is_listed_where_it_does_not_belong() {
    const OPT: &[u8] = b"\0\0\x29\x04\xd0\0\0\0\0\0\0";
    let mut answer = question(b"\x01q\0");
    (answer[2], answer[7], answer[9], answer[11]) = (0x81, 1, 1, 2);
    answer.extend([OPT, OPT, OPT, OPT].concat());
    let told = records(&["dns"], &lookup(&question(b"\x01q\0"), &answer));
    let types = |section: &str| {
        let records = told[1][section].as_array().unwrap();
        records
            .iter()
            .map(|it| it["type"].clone())
            .collect::<Value>()
    };
    for section in ["answers", "authorities", "additionals"] {
        assert_eq!(types(section), json!(["OPT"]), "{section}");
    }
    assert_eq!(told[1]["edns"]["udp_size"], 1232);
}

#[test]
fn messages_with_odd_pointers_are_told() {
    let forward = [&question(b"\xc0\x12")[..], b"\x02go\x02on\0"].concat();
    let circle = question(b"\x01a\xc0\x0c");
    for (asked, name) in [(forward, json!("go.on")), (circle, Value::Null)] {
        let fine = question(b"\x04fine\0");
        let framed = |message: &[u8]| {
            let len = u16::try_from(message.len()).unwrap().to_be_bytes();
            [&len, message].concat()
        };
        let stream = Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:53"))
            .handshake()
            .send(Side::Client, &framed(&asked))
            .send(Side::Client, &framed(&fine));
        for capture in [lookup(&asked, &fine), pcap(&stream.frames())] {
            let told = records(&["dns"], &capture);
            assert_eq!(told[0]["id"], 0x1234);
            assert_eq!(told[0]["questions"][0]["name"], name);
            assert_eq!(told[1]["questions"][0]["name"], "fine");
        }
    }
}
