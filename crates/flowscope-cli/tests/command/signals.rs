//! What is written when the command is asked to end before its input does.
#![cfg(unix)]

use core::time::Duration;
use std::io::Write;
use std::process::{Command, Stdio};
use std::thread;

use flowscope_fixtures::{Datagrams, START, Side, address};
use serde_json::Value;

use crate::support::{Folder, conversation, pcap, run};

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowscope"));
    command.args(args);
    command
}

/// Sends a signal by its name.
fn signal(name: &str, process: u32) {
    let sent = Command::new("kill")
        .args([format!("-{name}"), process.to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
}

/// Whole lines, each a record.
fn assert_whole(written: &[u8]) -> usize {
    assert!(written.is_empty() || written.ends_with(b"\n"));
    let text = core::str::from_utf8(written).unwrap();
    for line in text.lines() {
        let record: Value = serde_json::from_str(line).unwrap();
        assert!(record["type"].is_string(), "{line}");
    }
    text.lines().count()
}

#[test]
fn what_was_read_is_reported_whole() {
    let capture = pcap(&conversation().frames());
    let whole = run(&["all", "--json"], &capture);
    assert!(!whole.stdout.is_empty());
    for (name, status) in [("INT", 130), ("TERM", 143)] {
        for jobs in ["1", "2", "3"] {
            let mut child = command(&["all", "--json", "--jobs", jobs])
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut stdin = child.stdin.take().unwrap();
            stdin.write_all(&capture).unwrap();
            // It waits for more, once it has begun.
            thread::sleep(Duration::from_millis(300));
            signal(name, child.id());
            thread::sleep(Duration::from_millis(50));
            drop(stdin);
            let output = child.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(status), "{name} {jobs}");
            assert_eq!(output.stdout, whole.stdout, "{name} {jobs}");
            assert_whole(&output.stdout);
            let says = String::from_utf8_lossy(&output.stderr).into_owned();
            let expected = format!("flowscope: ended by SIG{name} before the end of the input\n");
            assert_eq!(says, expected);
        }
    }
}

#[test]
fn records_are_whole_whenever_it_ends() {
    let folder = Folder::new();
    let lookups = (0..20_000u64).flat_map(|number| {
        let client = address(&format!("10.0.0.1:{}", 1024 + number));
        Datagrams::new(client, address("10.0.0.2:53"))
            .starting_at(START + number)
            .send(Side::Client, b"who")
            .frames()
    });
    let capture = folder.file("long.pcap", &pcap(&lookups.collect::<Vec<_>>()));
    for delay in [0, 5, 15, 40, 90, 150, 250] {
        let child = command(&["all", "--json"])
            .arg(&capture)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let process = child.id();
        let output = thread::spawn(move || child.wait_with_output().unwrap());
        thread::sleep(Duration::from_millis(delay));
        if !output.is_finished() {
            let _ = Command::new("kill")
                .args(["-INT", &process.to_string()])
                .status();
        }
        let output = output.join().unwrap();
        // Before it has begun to read, a signal ends it as it does any process.
        if output.status.code().is_some() {
            let records = assert_whole(&output.stdout);
            assert!(output.status.code() == Some(130) || records == 20_000);
        }
    }
}
