//! Executors that are lost, and captures that change, while a query runs.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use super::captures::{mix, repeated};
use super::nodes::Node;
use crate::support::{command, lines, rows, stderr};

/// Whether an executor has written results of a first step there.
fn has_results(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut entries = entries.map(|entry| entry.path());
    entries.any(|path| match path.is_dir() {
        true => has_results(&path),
        false => true,
    })
}

#[test]
fn a_lost_executor_gives_the_whole_answer_or_an_error() {
    let captures = tempfile::tempdir().unwrap();
    let packets = mix(&[
        "http-1-0",
        "http-parallel",
        "http-download",
        "tcp-reordered",
    ]);
    for number in 0..12 {
        let path = captures.path().join(format!("{number:02}.pcap"));
        repeated(&packets, 40, &path);
    }
    let query = format!(
        "SELECT capture, count(*) AS messages FROM http('{}/*.pcap') GROUP BY capture",
        captures.path().display()
    );
    let mut whole = rows(&query, &["--each"]);
    assert_eq!(whole.len(), 12);

    let (_scheduler, address) = Node::scheduler();
    let work = tempfile::tempdir().unwrap();
    let folder = work.path().display().to_string();
    let lost = Node::executor(&address, &["--slots", "1", "--work", &folder]);
    let _other = Node::executor(&address, &["--slots", "1"]);
    let mut asked = command(&["--each", "--json", &query, "--cluster", &address])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while !has_results(work.path()) {
        assert!(
            asked.try_wait().unwrap().is_none(),
            "the query was over before"
        );
        thread::sleep(Duration::from_millis(5));
    }
    lost.kill();
    assert!(
        asked.try_wait().unwrap().is_none(),
        "the query was over before"
    );
    let answer = asked.wait_with_output().unwrap();
    match answer.status.success() {
        true => {
            let mut found = lines(&answer);
            for rows in [&mut found, &mut whole] {
                rows.sort_by_key(ToString::to_string);
            }
            assert_eq!(found, whole);
        }
        false => assert_ne!(stderr(&answer), ""),
    }
}
