//! Where captures come from, and what becomes of damaged ones.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use flowscope_fixtures::{START, Side};

use crate::support::{
    Folder, command, conversation, lookup, parsed, pcap, records, run, stderr, stdout,
};

#[test]
fn standard_input_is_read_for_a_dash_or_no_file() {
    let capture = pcap(&conversation().frames());
    let flows = records(&["flows"], &capture);
    assert_eq!(flows.len(), 1);
    assert_eq!(records(&["flows", "-"], &capture), flows);
}

#[test]
fn compressed_captures_are_read_as_they_are() {
    let folder = Folder::new();
    let capture = pcap(&conversation().frames());
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&capture).unwrap();
    let file = folder.file("named-anyhow", &gzip.finish().unwrap());
    let output = command(&["flows", "--json"]).arg(file).output().unwrap();
    assert_eq!(parsed(&output), records(&["flows"], &capture));
}

#[test]
fn several_captures_are_one() {
    let frames = conversation().frames();
    let folder = Folder::new();
    let whole = folder.file("whole.pcap", &pcap(&frames));
    let first = folder.file("first.pcap", &pcap(&frames[..4]));
    let second = folder.file("second.pcap", &pcap(&frames[4..]));

    let whole = command(&["flows", "--json"]).arg(whole).output().unwrap();
    let parts = command(&["flows", "--json"])
        .args([first, second])
        .output()
        .unwrap();
    assert_eq!(stdout(&parts), stdout(&whole));
    assert_eq!(parsed(&parts)[0]["last_frame"], 10);
}

#[test]
fn a_truncated_capture_gives_its_records_and_then_the_error() {
    let mut capture = pcap(&conversation().frames());
    capture.truncate(capture.len() - 1);
    let output = run(&["flows", "--json"], &capture);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(parsed(&output)[0]["last_frame"], 9);
    // The last of ten packets takes 16 + 54 bytes.
    let offset = capture.len() + 1 - 70;
    assert_eq!(
        stderr(&output),
        format!(
            "flowscope: standard input: truncated: 70 bytes needed at byte {offset}, 69 left\n"
        )
    );
}

#[test]
fn what_cannot_be_read_is_named_and_the_rest_is_read() {
    let folder = Folder::new();
    let missing = folder.path("missing.pcap");
    let text = folder.file("text.pcap", b"not a capture");
    let empty = folder.file("empty.pcap", b"");
    let good = folder.file("good.pcap", &pcap(&lookup().frames()));
    let output = command(&["flows", "--json"])
        .args([&missing, &text, &empty, &good])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(parsed(&output).len(), 1);
    let lines = stderr(&output);
    let lines: Vec<_> = lines.lines().collect();
    assert_eq!(lines.len(), 3);
    for (line, (file, why)) in lines.iter().zip([
        (&missing, "No such file"),
        (&text, "not a capture: it begins with 6e 6f 74 20"),
        (&empty, "the file is empty"),
    ]) {
        let start = format!("flowscope: {}: {why}", file.display());
        assert!(line.starts_with(&start), "{line}");
    }
}

#[test]
fn a_capture_without_packets_is_fine() {
    let capture = pcap(&[]);
    assert_eq!(records(&["flows"], &capture), [0; 0]);
    let summary = records(&["summary"], &capture);
    assert_eq!(summary[0]["packets"], 0);
    assert_eq!(summary[0].get("start"), None);
    assert_eq!(summary[1]["packets"], 0);
}

#[test]
fn frames_are_counted_as_other_tools_do() {
    let mut frames = lookup()
        .starting_at(START)
        .send(Side::Client, b"more")
        .frames();
    // A frame without a flow counts, too.
    frames[1].bytes.truncate(5);
    let flows = records(&["flows"], &pcap(&frames));
    assert_eq!(flows[0]["first_frame"], 1);
    assert_eq!(flows[0]["last_frame"], 3);
    assert_eq!(flows[0]["packets_initiator"], 2);
}
