//! What each side of a connection sent.

use std::fs;

use flowscope_fixtures::{Disturbance, Frame, Resend};
use serde_json::Value;

use crate::support::{Folder, command, conversation, lookup, parsed, pcap, records, stderr};

/// SHA-256 of `question`, of `answer`, and of nothing.
const QUESTION: &str = "1f5087db919ced5c123c7f507d3fcce818cb0cf6e77c2f95a8a35e951e03fdb9";
const ANSWER: &str = "0db52f4076c082518412afd3dd3576e2cb0c63703fd7fed5e23ade60efef31d9";
const NOTHING: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/// Who sent it, how much came, and its hash.
fn sums(records: &[Value]) -> Vec<(&str, u64, &str)> {
    let sum = |it: &Value| it["bytes"].as_u64().unwrap();
    records
        .iter()
        .map(|it| {
            let side = it["side"].as_str().unwrap();
            (side, sum(it), it["sha256"].as_str().unwrap())
        })
        .collect()
}

fn streams(frames: &[Frame]) -> Vec<Value> {
    records(&["streams"], &pcap(frames))
}

#[test]
fn each_direction_that_carried_data_has_a_record() {
    let frames = [conversation().frames(), lookup().frames()].concat();
    let records = streams(&frames);
    assert_eq!(
        sums(&records),
        [("initiator", 8, QUESTION), ("responder", 6, ANSWER)]
    );
    for record in &records {
        assert_eq!(record["type"], "stream");
        assert_eq!(record["flow"], 1);
        assert_eq!(record["proto"], "tcp");
        assert_eq!(record["src"], "10.0.0.1");
        assert_eq!(record["dst_port"], 80);
        for field in [
            "holes",
            "missing_bytes",
            "retransmitted_bytes",
            "overlap_conflicts",
            "dropped_bytes",
        ] {
            assert_eq!(record[field], 0, "{field}");
        }
    }
}

#[test]
fn what_was_sent_again_and_what_was_lost_is_told() {
    // The third packet after the handshake is the question.
    let question = 3;
    let again = conversation().disturb(Disturbance::Resend {
        packet: question,
        behind: 1,
        what: Resend::Whole,
    });
    let records = streams(&again.frames());
    assert_eq!(
        sums(&records),
        [("initiator", 8, QUESTION), ("responder", 6, ANSWER)]
    );
    assert_eq!(records[0]["retransmitted_bytes"], 8);

    let lost = conversation().disturb(Disturbance::Lose(question));
    let records = streams(&lost.frames());
    let question = records.iter().find(|it| it["side"] == "initiator").unwrap();
    assert_eq!(question["bytes"], 0);
    assert_eq!(question["sha256"], NOTHING);
    assert_eq!(
        (&question["holes"], &question["missing_bytes"]),
        (&1.into(), &8.into())
    );
}

#[test]
fn streams_are_written_to_files_where_asked() {
    let folder = Folder::new();
    let (capture, into) = (
        folder.file("talk.pcap", &pcap(&conversation().frames())),
        folder.path("made/for/it"),
    );
    let output = command(&["streams", "--json", "--extract"])
        .args([&into, &capture])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(parsed(&output).len(), 2);
    let read = |name: &str| fs::read(into.join(name)).unwrap();
    assert_eq!(read("000001-10.0.0.1.40000-10.0.0.2.80"), b"question");
    assert_eq!(read("000001-10.0.0.2.80-10.0.0.1.40000"), b"answer");
    assert_eq!(fs::read_dir(&into).unwrap().count(), 2);
}

#[test]
fn a_folder_that_cannot_be_made_is_an_error() {
    let folder = Folder::new();
    let capture = folder.file("talk.pcap", &pcap(&conversation().frames()));
    let into = capture.join("below-a-file");
    let output = command(&["streams", "--json", "--extract"])
        .args([&into, &capture])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("below-a-file"),
        "{}",
        stderr(&output)
    );
}
