//! Live records are those of the same packets in a file.

use core::time::Duration;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;

use serde_json::Value;

use crate::network::Network;
use crate::process::{FLOWSCOPE, Left, Running, peer};

#[test]
fn live_records_are_those_of_a_file() {
    let Some(network) = Network::build() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    // Neither ARP nor what IPv6 says of itself when it likes.
    let (live, file) = record(&network, folder.path(), "ip", || {
        talk(&network, folder.path())
    });
    let kinds = |kind: &str| live.iter().filter(|record| record["type"] == kind).count();
    assert_eq!(kinds("http_request"), 5);
    assert_eq!(kinds("http_response"), 5);
    assert!(kinds("tls_client_hello") >= 1 && kinds("tls_server_hello") >= 1);
    assert_eq!(kinds("dns"), 4);
    assert_same(&live, &file);
}

/// The receiving kernel takes a tag out of the frame, and keeps it beside.
#[test]
fn a_tag_that_the_kernel_takes_out_is_there() {
    let Some(network) = Network::build() else {
        return;
    };
    if Command::new("tcpreplay").arg("--version").output().is_err() {
        eprintln!("SKIPPED: tcpreplay is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let frames = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/pcap/encap-vlan.pcap"
    );
    let (live, file) = record(&network, folder.path(), "", || {
        let words = ["tcpreplay", "--quiet", "--pps=1000", "-i", "v0", frames];
        let output = network.command(1, &words).output().unwrap();
        assert!(output.status.success(), "{output:?}");
    });
    let vlans = |records: &[Value]| -> Vec<String> {
        let flows = records.iter().filter(|record| record["type"] == "flow");
        let mut vlans: Vec<_> = flows.map(|flow| flow["vlan"].to_string()).collect();
        vlans.retain(|vlan| vlan != "null");
        vlans.sort();
        vlans
    };
    assert!(!vlans(&live).is_empty(), "{live:?}");
    assert_eq!(vlans(&live), vlans(&of_file(frames)));
    assert_eq!(vlans(&live), vlans(&file));
}

#[test]
fn records_come_while_it_runs_and_idle_flows_end() {
    let Some(network) = Network::build() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("records");
    let out_path = out.to_str().unwrap();
    let live = Running::start(&mut network.command(
        0,
        &[
            FLOWSCOPE,
            "live",
            "-i",
            "v0",
            "flows",
            "--json",
            "--filter",
            "udp",
            "--output",
            out_path,
            "--idle-timeout",
            "udp=1",
        ],
    ));
    sleep(Duration::from_millis(700));
    network.run(&[&peer(), "flood", "192.0.2.99", "3", "0", "1"]);
    // Nothing more is sent.
    sleep(Duration::from_millis(2500));
    let records = std::fs::read_to_string(&out).unwrap();
    assert!(records.contains("idle_timeout"), "{records:?}");
    live.signal("-TERM");
    let left = live.wait();
    assert!(left.status.success(), "{}", left.stderr);
    assert_eq!(left.counts(), [3, 3, 0], "{}", left.stderr);
}

#[test]
fn streams_are_extracted_while_they_pass() {
    let Some(network) = Network::build() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let streams = folder.path().join("streams");
    let peer = peer();
    let _web =
        Running::start_server(&mut network.command(1, &[&peer, "serve-http", "192.0.2.2:80"]));
    let live = Running::start(&mut network.command(
        0,
        &[
            FLOWSCOPE,
            "live",
            "-i",
            "v0",
            "streams",
            "--json",
            "--filter",
            "tcp",
            "--extract",
            streams.to_str().unwrap(),
        ],
    ));
    sleep(Duration::from_millis(700));
    network.run(&[&peer, "get", "192.0.2.2:80", "/a", "/b"]);
    sleep(Duration::from_millis(700));
    live.signal("-INT");
    let left = live.wait();
    assert!(left.status.success(), "{}", left.stderr);
    let records = left.records();
    let bytes: u64 = records.iter().map(|it| it["bytes"].as_u64().unwrap()).sum();
    let files = std::fs::read_dir(&streams).unwrap();
    let contents: Vec<_> = files
        .map(|file| std::fs::read(file.unwrap().path()).unwrap())
        .collect();
    assert_eq!(contents.len(), records.len());
    let extracted: usize = contents.iter().map(Vec::len).sum();
    assert_eq!(extracted as u64, bytes);
    assert!(contents.iter().any(|it| it.starts_with(b"GET /a HTTP/1.1")));
}

#[test]
fn only_streams_are_extracted() {
    let output = Command::new(FLOWSCOPE)
        .args(["live", "-i", "lo", "flows", "--extract", "/nowhere"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("flowscope live streams"), "{said}");
}

/// What the command says live, and of the file that tcpdump made meanwhile.
fn record(
    network: &Network,
    folder: &Path,
    filter: &str,
    talk: impl FnOnce(),
) -> (Vec<Value>, Vec<Value>) {
    let file = folder.join("tcpdump.pcap");
    let path = file.to_str().unwrap();
    let tcpdump = Running::start(&mut network.command(
        0,
        &[
            "tcpdump",
            "-i",
            "v0",
            "-U",
            "--time-stamp-precision=nano",
            "-Z",
            "root",
            "-w",
            path,
            filter,
        ],
    ));
    let saved = folder.join("saved.pcapng");
    let saved = saved.to_str().unwrap();
    let live = Running::start(&mut network.command(
        0,
        &[
            FLOWSCOPE, "live", "-i", "v0", "all", "--json", "--filter", filter, "--write", saved,
        ],
    ));
    sleep(Duration::from_millis(1500));
    talk();
    sleep(Duration::from_millis(700));
    live.signal("-INT");
    let left = live.wait();
    assert!(left.status.success(), "{}", left.stderr);
    let [received, read, dropped] = left.counts();
    assert_eq!((received, dropped), (read, 0), "{}", left.stderr);
    tcpdump.signal("-INT");
    tcpdump.wait();
    let live = left.records();
    // What was saved gives the very same.
    assert_eq!(of_file(saved), live);
    (live, of_file(path))
}

fn of_file(path: &str) -> Vec<Value> {
    let output = Command::new(FLOWSCOPE)
        .args(["all", "--json", path])
        .output()
        .unwrap();
    assert!(output.status.success());
    let left = Left {
        status: output.status,
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::new(),
    };
    left.records()
}

/// Curl, openssl, dig, and a client of our own.
fn talk(network: &Network, folder: &Path) {
    let peer = peer();
    let _web =
        Running::start_server(&mut network.command(1, &[&peer, "serve-http", "192.0.2.2:80"]));
    let _dns =
        Running::start_server(&mut network.command(1, &[&peer, "serve-dns", "192.0.2.2:53"]));
    let (key, certificate) = (folder.join("key.pem"), folder.join("certificate.pem"));
    let (key, certificate) = (key.to_str().unwrap(), certificate.to_str().unwrap());
    network.run(&[
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=tls.example",
        "-days",
        "2",
        "-keyout",
        key,
        "-out",
        certificate,
    ]);
    let _tls = Running::start(&mut network.command(
        1,
        &[
            "openssl",
            "s_server",
            "-accept",
            "443",
            "-key",
            key,
            "-cert",
            certificate,
            "-quiet",
            "-www",
        ],
    ));
    sleep(Duration::from_millis(500));

    for path in ["/one", "/none"] {
        network.run(&[
            "curl",
            "-s",
            "-o",
            "/dev/null",
            &format!("http://192.0.2.2{path}"),
        ]);
    }
    network.run(&[&peer, "get", "192.0.2.2:80", "/a", "/b", "/c"]);
    network.run(&[
        "sh", "-c",
        "echo Q | openssl s_client -connect 192.0.2.2:443 -servername tls.example -tls1_2 >/dev/null 2>&1; true",
    ]);
    for name in ["first.example", "second.example"] {
        network.run(&["dig", "+noall", "+noedns", "@192.0.2.2", name, "A"]);
    }
}

/// Field for field, but for the last digits of times: each of the two captures may
/// have its own.
fn assert_same(live: &[Value], file: &[Value]) {
    assert_eq!(live.len(), file.len());
    for (live, file) in live.iter().zip(file) {
        let (live, file) = (live.as_object().unwrap(), file.as_object().unwrap());
        let fields = |record: &serde_json::Map<String, Value>| -> Vec<String> {
            record.keys().cloned().collect()
        };
        assert_eq!(fields(live), fields(file));
        for (name, value) in live {
            let other = &file[name];
            if TIMES.contains(&name.as_str()) {
                let apart = value.as_f64().unwrap() - other.as_f64().unwrap();
                assert!(apart.abs() < 0.001, "{name}: {value} and {other}");
            } else {
                assert_eq!(value, other, "{name} of {live:?}");
            }
        }
    }
}

const TIMES: [&str; 6] = ["ts", "start", "end", "duration", "latency", "asked"];
