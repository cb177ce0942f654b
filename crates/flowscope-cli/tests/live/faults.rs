//! What goes wrong on a wire.

use core::time::Duration;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::Instant;

use crate::network::Network;
use crate::process::{FLOWSCOPE, Running, peer};

#[test]
fn an_interface_that_is_down_comes_back_and_one_that_vanishes_ends_it() {
    let Some(network) = Network::build() else {
        return;
    };
    let mut live = live(&network, &[]);
    send(&network, 3);
    network.ip("link set v0 down");
    sleep(Duration::from_millis(500));
    assert!(!live.has_ended());
    network.ip("link set v0 up");
    // The neighbour was forgotten with the link.
    network.ip("neigh replace 192.0.2.99 lladdr 02:00:00:00:00:99 dev v0");
    sleep(Duration::from_millis(500));
    send(&network, 4);
    sleep(Duration::from_millis(500));
    assert!(!live.has_ended());
    network.ip("link del v0");
    let left = live.wait();
    assert_eq!(left.status.code(), Some(1), "{}", left.stderr);
    assert!(
        left.stderr.contains("the capture on v0 ended"),
        "{}",
        left.stderr
    );
    // Of what was read before, nothing is lost.
    assert_eq!(packets(&left.records()), 7);
}

#[test]
fn a_signal_in_the_middle_of_a_burst_ends_it() {
    let Some(network) = Network::build() else {
        return;
    };
    let live = live(&network, &[]);
    let flood = Running::start(&mut network.command(
        0,
        &[&peer(), "flood", "192.0.2.99", "100000000", "0", "1000"],
    ));
    sleep(Duration::from_secs(1));
    live.signal("-INT");
    let asked = Instant::now();
    let left = live.wait();
    let took = asked.elapsed();
    drop(flood);
    assert!(left.status.success(), "{}", left.stderr);
    assert!(took < Duration::from_secs(15), "{took:?}");
    let [received, read, dropped] = left.counts();
    assert!(read > 0 && received >= read + dropped, "{}", left.stderr);
    assert_eq!(packets(&left.records()), read);
}

#[test]
fn a_reader_that_stops_reading_does_not_keep_it() {
    let Some(network) = Network::build() else {
        return;
    };
    let live = Running::start_unread(&mut network.command(
        0,
        &[
            FLOWSCOPE, "live", "-i", "v0", "events", "--json", "--filter", FILTER,
        ],
    ));
    sleep(Duration::from_millis(700));
    // More than a pipe takes.
    network.run(&[&peer(), "flood", "192.0.2.99", "20000", "0", "5000"]);
    sleep(Duration::from_millis(300));
    live.signal("-INT");
    sleep(Duration::from_millis(300));
    live.signal("-INT");
    let left = live.wait();
    assert_eq!(left.status.code(), Some(130));
}

#[test]
fn a_full_disk_ends_it_with_whole_packets() {
    let Some(network) = Network::build() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs", path])
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        eprintln!("SKIPPED: no file system of a certain size can be made");
        return;
    }
    let _mount = Mount(folder.path());
    let file = folder.path().join("all.pcapng");
    let file = file.to_str().unwrap();
    let live = live(&network, &["--write", file]);
    network.run(&[&peer(), "flood", "192.0.2.99", "20000", "20000", "10"]);
    let left = live.wait();
    assert_eq!(left.status.code(), Some(1), "{}", left.stderr);
    assert!(left.stderr.contains("No space left"), "{}", left.stderr);
    let [_, read, _] = left.counts();
    assert_eq!(packets(&left.records()), read);

    let saved = Command::new(FLOWSCOPE)
        .args(["summary", "--json", file])
        .output()
        .unwrap();
    assert!(saved.status.success(), "{saved:?}");
    let summary = String::from_utf8(saved.stdout).unwrap();
    let summary: serde_json::Value = serde_json::from_str(summary.lines().next().unwrap()).unwrap();
    assert!(summary["packets"].as_u64().unwrap() > 1000);
}

struct Mount<'a>(&'a Path);

impl Drop for Mount<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

fn live(network: &Network, more: &[&str]) -> Running {
    let mut words = vec![
        FLOWSCOPE, "live", "-i", "v0", "flows", "--json", "--filter", FILTER,
    ];
    words.extend(more);
    let live = Running::start(&mut network.command(0, &words));
    sleep(Duration::from_millis(700));
    live
}

fn send(network: &Network, count: u64) {
    network.run(&[&peer(), "flood", "192.0.2.99", &count.to_string(), "0", "1"]);
}

/// The packets of all flows.
fn packets(records: &[serde_json::Value]) -> u64 {
    let flows = records.iter().filter(|record| record["type"] == "flow");
    flows
        .map(|flow| {
            flow["packets_initiator"].as_u64().unwrap()
                + flow["packets_responder"].as_u64().unwrap()
        })
        .sum()
}

const FILTER: &str = "udp and dst host 192.0.2.99";
