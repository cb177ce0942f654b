//! Captures to read, and the command to read them.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use assert_cmd::Command;
use flowscope::pcap::{PcapConfig, PcapWriter};
use flowscope::{LinkType, PacketView, Timestamp};
use flowscope_fixtures::{Close, Conversation, Datagrams, Ethernet, Frame, Layer, Side, address};
use serde_json::Value;
use tempfile::TempDir;

/// A folder for a test's files.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// The path of a file with these contents.
    pub(crate) fn file(&self, name: &str, contents: &[u8]) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, contents).unwrap();
        path
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }
}

/// The command with these arguments, away from the tester's own settings.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowscope"));
    command.args(args).env_remove("CLICOLOR_FORCE");
    command
}

/// What the command makes of a capture on its standard input.
pub(crate) fn run(args: &[&str], capture: &[u8]) -> Output {
    command(args).write_stdin(capture).output().unwrap()
}

/// The records the command makes of a capture that is sound.
pub(crate) fn records(args: &[&str], capture: &[u8]) -> Vec<Value> {
    let output = run(&[args, &["--json"]].concat(), capture);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
    parsed(&output)
}

/// The JSON Lines on standard output.
pub(crate) fn parsed(output: &Output) -> Vec<Value> {
    stdout(output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A classic capture of Ethernet frames.
pub(crate) fn pcap(frames: &[Frame]) -> Vec<u8> {
    let mut file = PcapWriter::new(Vec::new(), PcapConfig::default()).unwrap();
    for frame in frames {
        let packet = PacketView::new(&frame.bytes, Timestamp::from_nanos(frame.nanos))
            .with_link(LinkType(frame.link))
            .with_wire_len(frame.wire_len);
        file.write(packet).unwrap();
    }
    file.finish().unwrap()
}

/// A request and its answer, from handshake to close: ten packets.
pub(crate) fn conversation() -> Conversation {
    Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:80"))
        .handshake()
        .send(Side::Client, b"question")
        .send(Side::Server, b"answer")
        .close(Close::Fin(Side::Client))
}

/// A datagram each way.
pub(crate) fn lookup() -> Datagrams {
    lookup_inside(&[])
}

/// The same inside more layers over Ethernet.
pub(crate) fn lookup_inside(outer: &[Layer]) -> Datagrams {
    let ethernet = [Layer::Ethernet(Ethernet::default())];
    Datagrams::new(address("10.0.0.1:40000"), address("10.0.0.2:53"))
        .over(&[&ethernet, outer].concat())
        .send(Side::Client, b"who")
        .send(Side::Server, b"me, of course")
}

/// The synthetic captures of the repository.
pub(crate) fn fixtures() -> Vec<PathBuf> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/pcap");
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let extension = path.extension().and_then(|it| it.to_str());
            matches!(extension, Some("pcap" | "pcapng"))
        })
        .collect();
    files.sort();
    assert!(files.len() > 40, "the captures are missing");
    files
}
