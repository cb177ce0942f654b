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
    // By then everything that is used again has its size.
    sleep(Duration::from_secs(seconds / 3));
    let early = live.memory();
    while start.elapsed() < Duration::from_secs(seconds - 1) {
        sleep(Duration::from_millis(500));
    }
    let late = live.memory();
    assert!(
        late <= early + early / 10 + 2048,
        "{early} kB, then {late} kB"
    );
    let sent = flood.wait().stdout;
    let sent: u64 = sent.split(' ').next().unwrap().parse().unwrap();
    sleep(Duration::from_millis(500));
    live.signal("-INT");
    let left = live.wait();
    let [received, read, dropped] = left.counts();
    assert_eq!((received, read + dropped), (sent, sent), "{}", left.stderr);
    eprintln!("{seconds} s, {sent} packets: {early} kB, then {late} kB");
}

const FILTER: &str = "udp and dst host 192.0.2.99";

/// Measures, and proves nothing: the highest rate at which nothing is lost, beside
/// other programs, one after the other on the same cable.
///
/// ```sh
/// cargo test --release -p flowscope-cli --features live -- --ignored --nocapture rates
/// ```
#[test]
#[ignore = "it measures, for minutes"]
fn highest_rates_without_loss() {
    let Some(network) = Network::build() else {
        return;
    };
    let ours = |goal| {
        let words = [
            FLOWSCOPE,
            "live",
            "-i",
            "v0",
            goal,
            "--json",
            "--filter",
            FILTER,
            "--buffer",
            "32M",
            "--output",
            "/dev/null",
        ];
        words.map(str::to_owned).to_vec()
    };
    let others = |line: &str| -> Vec<String> {
        let words = line.split(' ').map(str::to_owned);
        words.chain([FILTER.to_owned()]).collect()
    };
    let programs = [
        ("flowscope live flows", ours("flows")),
        ("flowscope live all", ours("all")),
        (
            "tcpdump -w /dev/null",
            others("tcpdump -i v0 -B 32768 -w /dev/null"),
        ),
        (
            "tshark -w /dev/null",
            others("tshark -i v0 -B 32 -q -w /dev/null -f"),
        ),
        (
            "tshark -T fields",
            others("tshark -i v0 -B 32 -T fields -e frame.number -f"),
        ),
    ];
    eprintln!("packets/s wanted, of {SECONDS} s each: sent a second, lost");
    for rate in [25_000, 50_000, 100_000, 200_000, 400_000, 0] {
        for (name, words) in &programs {
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let running = Running::start(&mut network.command(0, &words));
            sleep(Duration::from_millis(1500));
            let count = if rate == 0 { 3_000_000 } else { SECONDS * rate };
            let (count, wanted) = (count.to_string(), rate.to_string());
            let flood = [&peer(), "flood", "192.0.2.99", &count, &wanted, "1000"];
            let said = network.run(&flood);
            sleep(Duration::from_millis(1500));
            running.signal("-INT");
            let left = running.wait();
            let numbers: Vec<f64> = said.split(' ').map(|n| n.trim().parse().unwrap()).collect();
            let (sent, passed) = (numbers[0], numbers[2]);
            let lost = lost(&left.stderr);
            let lost = lost.unwrap_or_else(|| panic!("{name}: {:?}", left.stderr));
            eprintln!(
                "{rate:>8}  {name:<22} {:>9.0}/s  {lost} lost",
                sent / passed
            );
        }
    }
}

/// What each of the programs says that it lost.
fn lost(words: &str) -> Option<u64> {
    let mut before = "0";
    for word in words.split(|letter: char| !letter.is_alphanumeric()) {
        if word == "dropped" {
            return before.parse().ok();
        }
        if word.parse::<u64>().is_ok() {
            before = word;
        }
    }
    // Tshark says so where it lost something.
    words.contains("captured").then_some(0)
}

const SECONDS: u64 = 4;
