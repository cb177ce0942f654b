//! Formats of other tools, cuts, the page and the schema.

use std::fs;

use flowscope::pcap::PcapFlowSource;
use serde_json::Value;

use crate::support::{
    Folder, command, conversation, lookup, parsed, pcap, records, run, stderr, stdout,
};

fn both() -> Vec<u8> {
    let mut frames = conversation().frames();
    frames.extend(lookup().frames());
    pcap(&frames)
}

#[test]
fn zeek_logs_go_to_a_folder() {
    let folder = Folder::new();
    let capture = folder.file("in.pcap", &both());
    let logs = folder.path("logs");
    let (capture, logs_name) = (capture.to_str().unwrap(), logs.to_str().unwrap());
    let output = command(&["all", "--format", "zeek", "-o", logs_name, capture])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let conn = fs::read_to_string(logs.join("conn.log")).unwrap();
    let rows: Vec<&str> = conn.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(rows.len(), 2, "{conn}");
    assert!(
        rows.iter()
            .any(|row| row.contains("\tSF\tT\tT\t0\tShADadFf\t")),
        "{conn}"
    );
    let output = command(&["all", "--format", "zeek", capture])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("name the folder"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_single_log_goes_to_standard_output() {
    let output = run(
        &["flows", "--format", "zeek-json", "--local-net", "10.0.0.1"],
        &both(),
    );
    let rows = parsed(&output);
    assert_eq!(rows.len(), 2);
    for row in rows {
        assert_eq!(row["local_orig"], true);
        assert_eq!(row["local_resp"], false);
    }
}

#[test]
fn eve_ends_with_its_counts() {
    let events = parsed(&run(&["all", "--format", "eve"], &both()));
    let last = events.last().unwrap();
    assert_eq!(last["event_type"], "stats");
    assert_eq!(last["stats"]["flow"]["total"], 2);
    let flows = events.iter().filter(|event| event["event_type"] == "flow");
    assert_eq!(flows.count(), 2);
}

#[test]
fn formats_that_make_no_sense_are_refused() {
    for (args, why) in [
        (&["summary", "--format", "eve"][..], "no summary"),
        (&["http", "--format", "ipfix", "-o", "x"], "IPFIX has flows"),
        (&["flows", "--json", "--to", "127.0.0.1:1"], "only IPFIX"),
    ] {
        let output = run(args, &both());
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(
            stderr(&output).contains(why),
            "{args:?}: {}",
            stderr(&output)
        );
    }
}

#[test]
fn a_cut_has_its_flows_alone_and_gives_their_records_again() {
    let folder = Folder::new();
    let capture = folder.file("in.pcap", &both());
    let capture = capture.to_str().unwrap();
    let whole = records(&["flows"], &both());
    for (selection, proto, frames) in [
        (&["--port", "80"][..], "tcp", 10),
        (&["--where", "proto == udp"], "udp", 2),
        (&["--flow", "1"], "tcp", 10),
        (
            &["--host", "10.0.0.0/8", "--where", "packets_initiator > 2"],
            "tcp",
            10,
        ),
    ] {
        let cut = folder.path("cut.pcapng");
        let args = [&["cut", capture, "-o", cut.to_str().unwrap()], selection].concat();
        let output = command(&args).output().unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let found = records(&["flows"], &fs::read(&cut).unwrap());
        let [flow] = &found[..] else {
            panic!("{selection:?}: {found:?}");
        };
        let same = whole.iter().find(|it| it["proto"] == proto).unwrap();
        for field in [
            "src",
            "dst",
            "bytes_initiator",
            "bytes_responder",
            "start",
            "end",
            "history",
        ] {
            assert_eq!(flow[field], same[field], "{field}");
        }
        let mut source = PcapFlowSource::open(&cut).unwrap();
        let mut count = 0;
        while source.next_packet().unwrap().is_some() {
            count += 1;
            let (_, options) = source.packet_details();
            let comments: Vec<_> = options.comments().collect();
            assert!(comments.iter().any(|comment| comment.starts_with("frame ")));
            let has_flow = comments.iter().any(|comment| comment.starts_with("flow "));
            assert_eq!(has_flow, count == 1, "{comments:?}");
        }
        assert_eq!(count, frames);
    }
}

#[test]
fn a_cut_is_not_made_of_standard_input() {
    let output = run(&["cut", "--flow", "1", "-o", "x.pcapng"], &both());
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr(&output).contains("read twice"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn a_page_has_the_numbers_of_the_summary() {
    let folder = Folder::new();
    let capture = folder.file("<b>.pcap", &both());
    let page = folder.path("page.html");
    let args = [
        "report",
        capture.to_str().unwrap(),
        "-o",
        page.to_str().unwrap(),
    ];
    let output = command(&args).output().unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let page = fs::read_to_string(page).unwrap();
    let summary = records(&["summary"], &both());
    for (name, field) in [
        ("Packets", "packets"),
        ("Bytes", "bytes"),
        ("Flows", "flows"),
    ] {
        let expected = format!("<dt>{name}</dt><dd>{}</dd>", summary[0][field]);
        assert!(page.contains(&expected), "{expected}");
    }
    assert!(!page.contains("<b>.pcap"));
}

#[test]
fn the_schema_describes_the_records() {
    let schema: Value = serde_json::from_str(&stdout(&run(&["schema"], b""))).unwrap();
    for record in records(&["all"], &both()) {
        let definition = &schema["$defs"][record["type"].as_str().unwrap()];
        let properties = definition["properties"].as_object().unwrap();
        for name in record.as_object().unwrap().keys() {
            assert!(properties.contains_key(name), "{name}");
        }
        for name in definition["required"].as_array().unwrap() {
            assert!(record.get(name.as_str().unwrap()).is_some(), "{name}");
        }
    }
}

#[test]
fn a_display_filter_is_a_field_where_it_is_asked_for() {
    let flows = records(&["flows", "--display-filter"], &both());
    let tcp = flows.iter().find(|flow| flow["proto"] == "tcp").unwrap();
    assert_eq!(
        tcp["display_filter"],
        "ip.addr == 10.0.0.1 and ip.addr == 10.0.0.2 and tcp.port == 40000 and tcp.port == 80"
    );
    assert!(
        records(&["flows"], &both())[0]
            .get("display_filter")
            .is_none()
    );
}

#[test]
fn colours_come_in_a_pipe_where_they_are_asked_for() {
    let escape = '\u{1b}';
    assert!(stdout(&run(&["flows", "--color", "always"], &both())).contains(escape));
    assert!(!stdout(&run(&["flows"], &both())).contains(escape));
}
