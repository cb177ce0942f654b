//! The number of jobs changes nothing that is written.

use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Output, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use flowscope_fixtures::merge;

use crate::support::{Folder, command, conversation, fixtures, lookup, pcap, run, stderr};

/// Runs the command with one job and with more, and returns what each gave.
#[track_caller]
fn with_any_number(args: &[&str], files: &[PathBuf]) -> Output {
    let run = |jobs: &str| {
        let mut command = command(args);
        command.args(["--jobs", jobs]).args(files).output().unwrap()
    };
    let once = run("1");
    for jobs in ["2", "3", "8"] {
        let again = run(jobs);
        assert!(
            again == once,
            "{args:?} {files:?} {jobs}: {}",
            stderr(&again)
        );
    }
    once
}

#[test]
fn every_command_and_format_gives_the_same() {
    let files = fixtures();
    for what in [
        "summary", "flows", "events", "all", "http", "tls", "dns", "streams",
    ] {
        for format in ["json", "csv", "table"] {
            let output = with_any_number(&[what, "--format", format], &files);
            assert!(!output.stdout.is_empty(), "{what} {format}");
        }
    }
    with_any_number(&["all", "--format", "eve"], &files);
    with_any_number(&["events", "--format", "eve", "--key", "ip-pair"], &files);
}

#[test]
fn limits_of_memory_and_flows_give_the_same() {
    let files = fixtures();
    for limits in [["--memory", "0"], ["--memory", "20K"], ["--max-flows", "1"]] {
        for what in ["all", "events"] {
            let args = [&[what, "--json"][..], &limits].concat();
            with_any_number(&args, &files);
        }
    }
}

#[test]
fn what_is_wrong_with_a_file_is_told_if_it_is_read() {
    let whole = pcap(&merge([conversation().frames(), lookup().frames()]));
    let folder = Folder::new();
    let sound = folder.file("sound", &whole);
    let cut = folder.file("cut", &whole[..whole.len() - 5]);
    let files = [cut, folder.path("absent"), sound, folder.file("empty", b"")];
    for what in ["all", "events", "streams", "flows"] {
        let output = with_any_number(&[what, "--json"], &files);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(stderr(&output).lines().count(), 3, "{}", stderr(&output));
    }
    // With so few records nobody gets to the second file, or to its end.
    let mut told = Vec::new();
    for limit in 1..12 {
        let limit = limit.to_string();
        let output = with_any_number(&["events", "--json", "--limit", &limit], &files);
        told.push(stderr(&output).lines().count());
    }
    assert!(told.is_sorted() && told[0] == 0, "{told:?}");
}

#[test]
fn compressed_captures_give_the_same_however_they_are_damaged() {
    let whole = pcap(&merge([conversation().frames(), lookup().frames()]));
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(&whole).unwrap();
    let gzip = gzip.finish().unwrap();
    let folder = Folder::new();
    let mut damaged = gzip.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0x10;
    let files = [
        folder.file("compressed", &gzip),
        folder.file("cut", &gzip[..gzip.len() / 2]),
        folder.file("plain", &whole),
        folder.path("absent"),
        folder.file("damaged", &damaged),
        folder.file("again", &gzip),
    ];
    for what in ["all", "summary"] {
        let output = with_any_number(&[what, "--json"], &files);
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(stderr(&output).lines().count(), 3, "{}", stderr(&output));
    }
}

#[test]
fn standard_input_gives_the_same() {
    let capture = pcap(&merge([conversation().frames(), lookup().frames()]));
    for what in ["all", "summary", "streams"] {
        let once = run(&[what, "--json", "-j", "1"], &capture);
        assert_eq!(run(&[what, "--json", "-j", "2"], &capture), once, "{what}");
    }
}

#[test]
fn enough_records_are_enough_though_the_input_goes_on() {
    let capture = pcap(&conversation().frames());
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_flowscope"))
        .args(["events", "--json", "--limit", "1", "--jobs", "3"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // It stays open: whoever waited for its end would wait for ever.
    let mut input = child.stdin.take().unwrap();
    input.write_all(&capture).unwrap();
    input.flush().unwrap();
    let mut text = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut text)
        .unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(text.lines().count(), 1, "{text}");
    drop(input);
}

#[test]
fn who_reads_no_more_ends_it() {
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_flowscope"))
        .args(["all", "--json", "--jobs", "2"])
        .args(fixtures())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(stderr(&output), "");
}
