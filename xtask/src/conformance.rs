//! `cargo xtask conformance`: what the command and tshark find in the same
//! captures.
//!
//! Both read the captures of the fixtures, or those of the folders that are named.
//! Each kind of thing is counted in each capture by both; the table says in how many
//! captures they agree, and the list below it names the others. With `--check` the
//! table has to be that of `docs/CONFORMANCE.md`.

use core::fmt::Write;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::{Failure, Outcome, project};

/// What is counted, by its name here and in the table.
const KINDS: [(&str, &str); 8] = [
    ("tcp", "TCP connections"),
    ("udp", "UDP flows"),
    ("requests", "HTTP requests"),
    ("responses", "HTTP responses"),
    ("client_hellos", "ClientHellos of TLS, QUIC and DTLS"),
    ("server_hellos", "ServerHellos of TLS, QUIC and DTLS"),
    ("questions", "DNS queries"),
    ("answers", "DNS responses"),
];

/// How many there are of each kind.
type Counts = BTreeMap<&'static str, u64>;

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let is_check = arguments.first().is_some_and(|it| it == "--check");
    let folders = &arguments[usize::from(is_check)..];
    if folders.iter().any(|folder| folder.starts_with('-')) {
        return Err(Failure::Usage);
    }
    if Command::new("tshark").arg("--version").output().is_err() {
        return Err(Failure::Missing("tshark is not installed".to_owned()));
    }
    let fixtures = project::root().join("fixtures/pcap");
    let folders = match folders {
        [] => vec![fixtures],
        folders => folders.iter().map(PathBuf::from).collect(),
    };
    let command = project::flowscope()?;
    let mut both = Vec::new();
    for folder in folders {
        for capture in project::files(&folder) {
            let name = project::relative(&folder, &capture);
            let is_capture = [".pcap", ".pcapng"].iter().any(|end| name.ends_with(end));
            if is_capture {
                both.push((name, ours(&command, &capture)?, tsharks(&capture)?));
            }
        }
    }
    let report = report(&both);
    if !is_check {
        print!("{report}");
        return Ok(());
    }
    let documentation = project::read(&project::root().join("docs/CONFORMANCE.md"))?;
    match documentation.contains(&report) {
        true => Ok(()),
        false => Err(Failure::because(format!(
            "docs/CONFORMANCE.md does not have what was found:\n{report}"
        ))),
    }
}

/// What the command finds.
fn ours(command: &Path, capture: &Path) -> Result<Counts, Failure> {
    let arguments = ["all", "--json", "--quiet"];
    // A capture that is damaged gives what comes before.
    let output = Command::new(command).args(arguments).arg(capture).output();
    let output = output.map_err(|error| Failure::because(error.to_string()))?;
    let mut counts = Counts::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let record: Value = serde_json::from_str(line)
            .map_err(|error| Failure::because(format!("{}: {error}", capture.display())))?;
        let kind = match record["type"].as_str().unwrap_or_default() {
            "flow" => match record["proto"].as_str() {
                Some("tcp") => "tcp",
                Some("udp") => "udp",
                _ => continue,
            },
            "http_request" => "requests",
            "http_response" => "responses",
            "tls_client_hello" => "client_hellos",
            "tls_server_hello" => "server_hellos",
            "dns" if record["response"] == true => "answers",
            "dns" => "questions",
            _ => continue,
        };
        *counts.entry(kind).or_default() += 1;
    }
    Ok(counts)
}

/// The fields that tshark is asked for, one after the other.
const FIELDS: [&str; 7] = [
    "tcp.stream",
    "udp.stream",
    "http.request.method",
    "http.response.code",
    "tls.handshake.type",
    "dtls.handshake.type",
    "dns.flags.response",
];

/// What tshark finds.
fn tsharks(capture: &Path) -> Result<Counts, Failure> {
    let mut command = Command::new("tshark");
    command.arg("-r").arg(capture);
    for preference in [
        "tcp.reassemble_out_of_order:TRUE",
        "ip.defragment:TRUE",
        "ipv6.defragment:TRUE",
    ] {
        command.args(["-o", preference]);
    }
    command.args(["-T", "fields", "-E", "separator=;"]);
    for field in FIELDS {
        command.args(["-e", field]);
    }
    // It ends with an error where a capture is cut, and says what it read.
    let output = command.output();
    let output = output.map_err(|error| Failure::because(format!("tshark: {error}")))?;
    let mut counts = Counts::new();
    let mut streams: BTreeMap<&str, u64> = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let fields: Vec<&str> = line.split(';').collect();
        for (name, values) in FIELDS.iter().zip(fields) {
            for value in values.split(',').filter(|value| !value.is_empty()) {
                let kind = match (*name, value) {
                    ("tcp.stream" | "udp.stream", number) => {
                        let number = number.parse::<u64>().unwrap_or(0) + 1;
                        let most = streams.entry(&name[..3]).or_default();
                        *most = number.max(*most);
                        continue;
                    }
                    ("http.request.method", _) => "requests",
                    ("http.response.code", _) => "responses",
                    ("tls.handshake.type" | "dtls.handshake.type", "1") => "client_hellos",
                    ("tls.handshake.type" | "dtls.handshake.type", "2") => "server_hellos",
                    ("dns.flags.response", "0" | "False") => "questions",
                    ("dns.flags.response", _) => "answers",
                    _ => continue,
                };
                *counts.entry(kind).or_default() += 1;
            }
        }
    }
    for (kind, _) in KINDS {
        if let Some(count) = streams.get(kind) {
            counts.insert(kind, *count);
        }
    }
    Ok(counts)
}

/// The table, and what differs.
fn report(both: &[(String, Counts, Counts)]) -> String {
    let mut text = String::from(
        "| What is counted | Captures that have any | Both agree in | flowscope | tshark |\n\
         |---|--:|--:|--:|--:|\n",
    );
    let mut differing = String::new();
    for (kind, title) in KINDS {
        let of = |counts: &Counts| counts.get(kind).copied().unwrap_or(0);
        let (mut any, mut same, mut totals) = (0, 0, [0, 0]);
        for (name, ours, theirs) in both {
            let (ours, theirs) = (of(ours), of(theirs));
            if ours == 0 && theirs == 0 {
                continue;
            }
            any += 1;
            totals[0] += ours;
            totals[1] += theirs;
            if ours == theirs {
                same += 1;
            } else {
                let _ = writeln!(differing, "| `{name}` | {title} | {ours} | {theirs} |");
            }
        }
        let [ours, theirs] = totals;
        let _ = writeln!(text, "| {title} | {any} | {same} | {ours} | {theirs} |");
    }
    if !differing.is_empty() {
        text.push_str("\n| Capture | What is counted | flowscope | tshark |\n|---|---|--:|--:|\n");
        text.push_str(&differing);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named() {
        let counts = |number| Counts::from([("tcp", number)]);
        let both = [
            ("same.pcap".to_owned(), counts(2), counts(2)),
            ("other.pcap".to_owned(), counts(1), counts(3)),
        ];
        let report = report(&both);
        assert!(
            report.contains("| TCP connections | 2 | 1 | 3 | 5 |"),
            "{report}"
        );
        assert!(report.contains("| `other.pcap` | TCP connections | 1 | 3 |"));
        assert!(!report.contains("same.pcap"));
    }
}
