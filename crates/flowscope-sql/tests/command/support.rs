//! Running the command, and captures to run it on.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The command with these arguments.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowscope-sql"));
    command.args(arguments);
    command
}

/// What a query comes to, of which nothing may be wrong.
pub(crate) fn rows(query: &str, arguments: &[&str]) -> Vec<Value> {
    let output = command(&["--format", "json", query])
        .args(arguments)
        .output()
        .unwrap();
    assert_eq!(stderr(&output), "", "{query}");
    assert!(output.status.success(), "{query}");
    lines(&output)
}

/// The lines of JSON in what was written.
pub(crate) fn lines(output: &Output) -> Vec<Value> {
    let text = stdout(output);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A capture of the repository.
pub(crate) fn fixture(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/pcap");
    folder.join(name).display().to_string()
}

/// Every capture of the repository.
pub(crate) fn captures() -> Vec<PathBuf> {
    let folders = [fixture(""), fixture("recorded")];
    let files = folders.iter().flat_map(|it| fs::read_dir(it).unwrap());
    let mut captures: Vec<_> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.is_file() && path.extension().is_some_and(|it| it != "md"))
        .collect();
    captures.sort();
    assert!(captures.len() > 100, "{} captures", captures.len());
    captures
}

/// A capture in two files, cut behind this many packets.
pub(crate) fn cut(capture: &str, behind: usize, folder: &Path) -> String {
    let bytes = fs::read(capture).unwrap();
    let (header, mut rest) = bytes.split_at(24);
    assert_eq!(header[..4], [0xd4, 0xc3, 0xb2, 0xa1], "little-endian pcap");
    let mut first = header.to_vec();
    for _ in 0..behind {
        let len = u32::from_le_bytes(rest[8..12].try_into().unwrap());
        let (packet, behind) = rest.split_at(16 + usize::try_from(len).unwrap());
        first.extend_from_slice(packet);
        rest = behind;
    }
    assert!(!rest.is_empty(), "there is something to cut");
    fs::write(folder.join("1.pcap"), first).unwrap();
    fs::write(folder.join("2.pcap"), [header, rest].concat()).unwrap();
    folder.join("?.pcap").display().to_string()
}
