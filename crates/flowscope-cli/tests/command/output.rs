//! Where records go, and what becomes of them where they cannot.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};

use flowscope_fixtures::{Datagrams, START, Side, address};

use crate::support::{Folder, command, conversation, pcap, run, stderr, stdout};

#[test]
fn a_file_takes_what_standard_output_would() {
    let folder = Folder::new();
    let capture = pcap(&conversation().frames());
    for format in ["json", "csv", "table"] {
        let printed = run(&["flows", "--format", format], &capture);
        let path = folder.path(format);
        let silent = run(
            &["flows", "--format", format, "-o", path.to_str().unwrap()],
            &capture,
        );
        assert!(silent.status.success());
        assert_eq!(stdout(&silent), "");
        assert_eq!(fs::read_to_string(path).unwrap(), stdout(&printed));
    }
}

#[test]
fn a_capture_is_not_overwritten() {
    let folder = Folder::new();
    let capture = pcap(&conversation().frames());
    let file = folder.file("only.pcap", &capture);
    let output = command(&["flows", "-o"])
        .args([&file, &file])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(fs::read(file).unwrap(), capture);
}

#[test]
fn an_output_that_cannot_be_opened_is_named() {
    let folder = Folder::new();
    let path = folder.path("no/such/folder");
    let output = run(&["flows", "-o", path.to_str().unwrap()], &pcap(&[]));
    assert_eq!(output.status.code(), Some(1));
    let start = format!("flowscope: {}: ", path.display());
    assert!(stderr(&output).starts_with(&start));
}

/// More records than any buffer between two programs holds.
fn long_capture() -> Vec<u8> {
    let lookups = (0..20_000u64).flat_map(|number| {
        let port = 1024 + number;
        Datagrams::new(address(&format!("10.0.0.1:{port}")), address("10.0.0.2:53"))
            .starting_at(START + number)
            .send(Side::Client, b"who")
            .frames()
    });
    pcap(&lookups.collect::<Vec<_>>())
}

#[test]
fn a_closed_pipe_ends_quietly() {
    let folder = Folder::new();
    let file = folder.file("long.pcap", &long_capture());
    for format in ["json", "csv", "table"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_flowscope"))
            .args(["flows", "--format", format])
            .arg(&file)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut reader = child.stdout.take().unwrap();
        reader.read_exact(&mut [0; 100]).unwrap();
        drop(reader);
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{format}");
        assert_eq!(stderr(&output), "", "{format}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let output = run(&["flows", "--json", "-o", "/dev/full"], &long_capture());
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).starts_with("flowscope: /dev/full: No space left"));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let capture = long_capture();
    for subject in ["flows", "summary"] {
        let outputs = [(); 2].map(|()| run(&[subject, "--json"], &capture).stdout);
        assert!(outputs[0] == outputs[1], "{subject}");
    }
}
