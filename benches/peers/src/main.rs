//! Counts the flows and packets of a capture with the published crate
//! flowscope 0.3.0, so that both can be measured in one run.
//!
//! usage: flowscope-peers CAPTURE [MAX_FLOWS] [sessions]
//!
//! With `sessions` every TCP stream is fed to a parser that does nothing.
//!
//! One line of JSON says what was counted and what it took. The crate is used
//! in the way its own documentation gives for a table of another size:
//! `PcapFlowSource::views` into `FlowTracker::track`. No sweep runs while the
//! capture is read: it would walk the whole table, and the job is to count.

mod cost;

use std::fs::File;
use std::process::ExitCode;

use cost::{CpuTime, Memory};
use peer::extract::FiveTuple;
use peer::pcap::PcapFlowSource;
use peer::{FlowSessionDriver, FlowTracker, FlowTrackerConfig, SessionEvent, SessionParser};

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run() {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(failure) => {
            eprintln!("flowscope-peers: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<String, Failure> {
    let mut arguments = std::env::args().skip(1);
    let capture = arguments
        .next()
        .ok_or("usage: flowscope-peers CAPTURE [MAX_FLOWS [read|sessions]]")?;
    let max_flows = match arguments.next() {
        Some(number) => number.parse()?,
        None => DEFAULT_MAX_FLOWS,
    };

    let before = Memory::now()?;
    let count = match arguments.next().as_deref() {
        Some("read") => read(&capture)?,
        Some("sessions") => sessions(&capture, max_flows)?,
        _ => count(&capture, max_flows)?,
    };
    let after = Memory::now()?;
    let cpu = CpuTime::so_far()?;

    Ok(format!(
        concat!(
            r#"{{"packets":{},"flows":{},"unmatched":{},"max_flows":{},"#,
            r#""user_seconds":{:.2},"system_seconds":{:.2},"#,
            r#""start_rss_bytes":{},"peak_rss_bytes":{}}}"#
        ),
        count.packets,
        count.flows,
        count.unmatched,
        max_flows,
        cpu.user,
        cpu.system,
        before.resident,
        after.peak,
    ))
}

struct Count {
    packets: u64,
    flows: u64,
    unmatched: u64,
}

fn read(capture: &str) -> Result<Count, Failure> {
    let source = PcapFlowSource::from_reader(File::open(capture)?)?;
    let mut packets = 0;
    for view in source.views() {
        packets += u64::from(!view?.as_view().frame.is_empty());
    }
    Ok(Count {
        packets,
        flows: 0,
        unmatched: 0,
    })
}

fn count(capture: &str, max_flows: usize) -> Result<Count, Failure> {
    let mut config = FlowTrackerConfig::default();
    config.max_flows = max_flows;
    let mut tracker = FlowTracker::<FiveTuple>::with_config(FiveTuple::bidirectional(), config);

    // Its reader has a buffer of 8 MB of its own; `open` would put a second,
    // smaller one before it.
    let source = PcapFlowSource::from_reader(File::open(capture)?)?;
    let mut packets = 0;
    for view in source.views() {
        tracker.track(view?.as_view());
        packets += 1;
    }
    let stats = tracker.stats();
    Ok(Count {
        packets,
        flows: stats.flows_created,
        unmatched: stats.packets_unmatched,
    })
}

/// Takes what comes, and makes nothing of it.
#[derive(Clone, Default)]
struct Idle;

impl SessionParser for Idle {
    type Message = ();

    fn feed_initiator(&mut self, _: &[u8]) -> Vec<()> {
        Vec::new()
    }

    fn feed_responder(&mut self, _: &[u8]) -> Vec<()> {
        Vec::new()
    }
}

fn sessions(capture: &str, max_flows: usize) -> Result<Count, Failure> {
    let mut config = FlowTrackerConfig::default();
    config.max_flows = max_flows;
    let mut driver =
        FlowSessionDriver::<FiveTuple, Idle>::with_config(FiveTuple::bidirectional(), config);
    let source = PcapFlowSource::from_reader(File::open(capture)?)?;
    let (mut packets, mut flows) = (0, 0);
    for view in source.views() {
        packets += 1;
        for event in driver.track(view?.as_view()) {
            flows += u64::from(matches!(event, SessionEvent::Started { .. }));
        }
    }
    Ok(Count {
        packets,
        flows,
        unmatched: 0,
    })
}

/// Its table takes the room for all of these at the start, so a measurement of
/// memory should say how many flows there are.
const DEFAULT_MAX_FLOWS: usize = 4_000_000;
