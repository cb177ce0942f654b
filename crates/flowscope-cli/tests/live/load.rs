//! More than can be taken, and for longer than memory would last.

use core::time::Duration;
use std::thread::sleep;
use std::time::Instant;

use crate::network::Network;
use crate::process::{FLOWSCOPE, Running, peer};

#[test]
fn what_was_sent_was_seen_or_dropped() {
    let Some(network) = Network::build() else {
        return;
    };
    // A buffer so small that it does not hold a burst.
    let live = Running::start(&mut network.command(
        0,
        &[
            FLOWSCOPE, "live", "-i", "v0", "all", "--json", "--filter", FILTER, "--buffer", "512K",
        ],
    ));
    sleep(Duration::from_millis(700));
    let said = network.run(&[&peer(), "flood", "192.0.2.99", "600000", "0", "20000"]);
    sleep(Duration::from_millis(700));
    live.signal("-INT");
    let left = live.wait();
    assert!(left.status.success(), "{}", left.stderr);
    let sent: u64 = said.split(' ').next().unwrap().parse().unwrap();
    let [received, read, dropped] = left.counts();
    assert_eq!(received, sent, "{}", left.stderr);
    assert_eq!(read + dropped, sent, "{}", left.stderr);
    eprintln!("{sent} sent: {read} read, {dropped} dropped");
}

/// `FLOWSCOPE_LIVE_SECONDS` says for how long, instead of half a minute.
#[test]
fn memory_does_not_grow_with_flows_that_come_and_go() {
    let Some(network) = Network::build() else {
        return;
    };
    let seconds = std::env::var("FLOWSCOPE_LIVE_SECONDS").ok();
    let seconds: u64 = seconds.map_or(30, |seconds| seconds.parse().unwrap());
    let live = Running::start(&mut network.command(
        0,
        &[
            FLOWSCOPE,
            "live",
            "-i",
            "v0",
            "all",
            "--json",
            "--filter",
            FILTER,
            "--output",
            "/dev/null",
            "--idle-timeout",
            "udp=1",
        ],
    ));
    sleep(Duration::from_millis(700));
    let packets = (5000 * seconds).to_string();
    let flood = Running::start(&mut network.command(
        0,
        &[&peer(), "flood", "192.0.2.99", &packets, "5000", "50000"],
    ));
    let start = Instant::now();
    let tenth = Duration::from_secs(seconds) / 10;
    let curve: Vec<u64> = (1..10)
        .map(|n| {
            sleep((tenth * n).saturating_sub(start.elapsed()));
            live.memory()
        })
        .collect();
    // By then everything that is used again has its size.
    let early = curve[2];
    for late in &curve[3..] {
        assert!(*late <= early + early / 10 + 2048, "kB: {curve:?}");
    }
    let sent = flood.wait().stdout;
    let sent: u64 = sent.split(' ').next().unwrap().parse().unwrap();
    sleep(Duration::from_millis(500));
    live.signal("-INT");
    let left = live.wait();
    let [received, read, dropped] = left.counts();
    assert_eq!((received, read + dropped), (sent, sent), "{}", left.stderr);
    eprintln!("{seconds} s, {sent} packets, kB after each tenth of them: {curve:?}");
}

const FILTER: &str = "udp and dst host 192.0.2.99";
