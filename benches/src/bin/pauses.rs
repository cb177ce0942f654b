//! Finds the packet that waits longest: `pauses [SCENARIO [FLOWS]]`.
//!
//! Each call of `track` is timed by the processor time of its thread, so that
//! what else the machine does counts for nothing. Prints a line of JSON for
//! each scenario:
//!
//! - `grow`: one flow after the other begins, until there are as many as asked.
//! - `grow-sessions`: the same with a parser on each that does nothing.
//! - `cap`: the table is full, and each packet begins another flow.
//! - `cap-busy`: the table is full, and each flow in it has just sent again.
//! - `deadline`: all flows came at one moment, and are due at one moment.
//! - `silence`: they came one after the other, and are all due when the next
//!   packet comes.
//!
//! `expire_nanos` is what a call of `expire` takes for what was left.
#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use core::convert::Infallible;
use core::error::Error;
use std::process::ExitCode;

use flowscope::EngineConfig;
use flowscope::extract::{FiveTuple, FiveTupleKey};
use flowscope::session::{Input, Interest, SessionParser};
use flowscope::{
    FlowEvent, FlowSessionDriver, FlowTracker, LinkType, PacketView, SessionEvent, Sink, Timestamp,
};
use flowscope_benches::Flows;
use flowscope_benches::cost::thread_nanos;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pauses: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let wanted = arguments.next();
    let flows = match arguments.next() {
        Some(flows) => flows.parse()?,
        None => 1_000_000,
    };
    let mut found = false;
    for (name, scenario) in SCENARIOS {
        if wanted.as_deref().is_none_or(|wanted| wanted == name) {
            println!("{}", scenario(flows).line(name, flows));
            found = true;
        }
    }
    if found {
        Ok(())
    } else {
        Err("no such scenario".into())
    }
}

type Scenario = fn(u32) -> Longest;

const SCENARIOS: [(&str, Scenario); 6] = [
    ("grow", grow),
    ("grow-sessions", grow_sessions),
    ("cap", cap),
    ("cap-busy", cap_busy),
    ("deadline", deadline),
    ("silence", silence),
];

/// Packets of `flows` flows, one a microsecond.
fn grow(flows: u32) -> Longest {
    let (mut tracker, mut packets) = (tracker(usize::MAX), Packets::new());
    let mut longest = Longest::default();
    for flow in 0..flows {
        longest.time(|| tracker.track(packets.next(flow, 1000), &mut ignore));
    }
    longest
}

fn grow_sessions(flows: u32) -> Longest {
    let mut driver = FlowSessionDriver::new(FiveTuple::bidirectional(), Idle);
    driver = driver.with_config(config(usize::MAX));
    let mut packets = Packets::new();
    let mut longest = Longest::default();
    let mut ignore = |_: SessionEvent<FiveTupleKey, ()>| {};
    for flow in 0..flows {
        longest.time(|| driver.track(packets.next(flow, 1000), &mut ignore));
    }
    longest
}

fn cap(flows: u32) -> Longest {
    let (mut tracker, mut packets) = (tracker(flows as usize), Packets::new());
    for flow in 0..flows {
        tracker.track(packets.next(flow, 1000), &mut ignore);
    }
    let mut longest = Longest::default();
    for flow in flows..flows.saturating_add(flows.min(3_000_000)) {
        longest.time(|| tracker.track(packets.next(flow, 1000), &mut ignore));
    }
    longest
}

fn cap_busy(flows: u32) -> Longest {
    let (mut tracker, mut packets) = (tracker(flows as usize), Packets::new());
    for _ in 0..2 {
        for flow in 0..flows {
            tracker.track(packets.next(flow, 1000), &mut ignore);
        }
    }
    let mut longest = Longest::default();
    for flow in flows..flows.saturating_add(flows.min(1_000_000)) {
        longest.time(|| tracker.track(packets.next(flow, 1000), &mut ignore));
    }
    longest
}

fn deadline(flows: u32) -> Longest {
    due(flows, 0)
}

fn silence(flows: u32) -> Longest {
    due(flows, 1000)
}

/// All of `flows` flows are due at once. Others come then, of which some were
/// there before.
fn due(flows: u32, apart: u64) -> Longest {
    let (mut tracker, mut packets) = (tracker(usize::MAX), Packets::new());
    for flow in 0..flows {
        tracker.track(packets.next(flow, apart), &mut ignore);
    }
    packets.nanos += 3600 * 1_000_000_000;
    let mut longest = Longest::default();
    for flow in flows / 2..flows / 2 + 100_000 {
        longest.time(|| tracker.track(packets.next(flow, 1000), &mut ignore));
    }
    let start = thread_nanos();
    tracker.expire(Timestamp::from_nanos(packets.nanos), &mut ignore);
    longest.expire = thread_nanos() - start;
    longest
}

fn tracker(max_flows: usize) -> FlowTracker<FiveTuple> {
    FlowTracker::new(FiveTuple::bidirectional()).with_config(config(max_flows))
}

fn config(max_flows: usize) -> EngineConfig {
    EngineConfig {
        max_flows,
        ..EngineConfig::default()
    }
}

fn ignore(_: FlowEvent<FiveTupleKey>) {}

/// Takes what comes, and makes nothing of it.
#[derive(Clone)]
struct Idle;

impl SessionParser for Idle {
    type Message = ();
    type Error = Infallible;

    fn feed(&mut self, _: Input<'_>, _: &mut dyn Sink<()>) -> Result<Interest, Infallible> {
        Ok(Interest::More)
    }
}

/// Segments of flows, each at a time of its own.
struct Packets {
    flows: Flows,
    nanos: u64,
}

impl Packets {
    fn new() -> Self {
        Self {
            flows: Flows::new(1),
            nanos: 1_700_000_000_000_000_000,
        }
    }

    /// A segment of a flow, so long after the one before it.
    fn next(&mut self, flow: u32, pause: u64) -> PacketView<'_> {
        self.nanos += pause;
        let frame = self.flows.segment(flow).frame;
        PacketView::new(frame, Timestamp::from_nanos(self.nanos)).with_link(LinkType::ETHERNET)
    }
}

/// How long calls take.
struct Longest {
    calls: u64,
    nanos: u64,
    longest: u64,
    /// Which call that was.
    at: u64,
    /// Calls by how long they took, in steps of an eighth.
    steps: [u64; 512],
    expire: u64,
}

impl Default for Longest {
    fn default() -> Self {
        Self {
            calls: 0,
            nanos: 0,
            longest: 0,
            at: 0,
            steps: [0; 512],
            expire: 0,
        }
    }
}

impl Longest {
    fn time(&mut self, call: impl FnOnce()) {
        let start = thread_nanos();
        call();
        let nanos = thread_nanos() - start;
        self.calls += 1;
        self.nanos += nanos;
        self.steps[step(nanos)] += 1;
        if nanos > self.longest {
            self.longest = nanos;
            self.at = self.calls;
        }
    }

    /// Of ten thousand calls, one takes longer.
    fn usual_longest(&self) -> u64 {
        let mut left = self.calls / 10_000;
        for (at, count) in self.steps.iter().enumerate().rev() {
            if *count > left {
                return nanos_of(at + 1);
            }
            left -= count;
        }
        0
    }

    fn line(&self, scenario: &str, flows: u32) -> String {
        format!(
            "{{\"scenario\":\"{scenario}\",\"flows\":{flows},\"calls\":{},\"mean_nanos\":{},\
             \"p9999_nanos\":{},\"max_nanos\":{},\"max_call\":{},\"expire_nanos\":{}}}",
            self.calls,
            self.nanos / self.calls.max(1),
            self.usual_longest(),
            self.longest,
            self.at,
            self.expire,
        )
    }
}

/// Eight steps for each doubling.
fn step(nanos: u64) -> usize {
    if nanos < 8 {
        return nanos as usize;
    }
    let doublings = nanos.ilog2() - 3;
    (doublings as usize + 1) * 8 + (nanos >> doublings) as usize % 8
}

/// The least that is in a step.
fn nanos_of(step: usize) -> u64 {
    match step {
        ..8 => step as u64,
        _ => (8 + step as u64 % 8) << (step / 8 - 1),
    }
}
