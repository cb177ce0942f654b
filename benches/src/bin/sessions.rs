//! The same as `count`, with a parser that does nothing on every TCP stream:
//! `sessions CAPTURE`.
//!
//! A program of its own: two trackers in one would keep the compiler from
//! fitting either together as it does where there is one.
#![allow(clippy::print_stdout, reason = "it is what the program is for")]

use core::convert::Infallible;
use core::error::Error;
use std::process::ExitCode;

use flowscope::extract::{FiveTuple, FiveTupleKey};
use flowscope::pcap::{PcapError, PcapFlowSource};
use flowscope::session::{Input, Interest, SessionParser};
use flowscope::{EngineConfig, FlowEvent, FlowSessionDriver, SessionEvent, Sink};
use flowscope_benches::cost::Cost;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("sessions: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    let capture = std::env::args().nth(1).ok_or("which capture?")?;
    let cost = Cost::from_now()?;
    let (packets, flows) = sessions(PcapFlowSource::open(capture)?)?;
    println!("{}", cost.line(&[("packets", packets), ("flows", flows)])?);
    Ok(())
}

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

/// Packets on flows, and flows, with a parser on each.
fn sessions(mut source: PcapFlowSource) -> Result<(u64, u64), PcapError> {
    let config = EngineConfig {
        max_flows: 4_000_000,
        ..EngineConfig::default()
    };
    let mut driver = FlowSessionDriver::new(FiveTuple::bidirectional(), Idle).with_config(config);
    let (mut packets, mut flows) = (0, 0);
    let mut tally = |event: SessionEvent<FiveTupleKey, ()>| match event {
        SessionEvent::Started { .. } => flows += 1,
        SessionEvent::Tracked(FlowEvent::Packet { .. }) => packets += 1,
        _ => {}
    };
    loop {
        let batch = source.next_batch()?;
        if batch.len() == 0 {
            break;
        }
        driver.track_batch(batch, &mut tally);
    }
    driver.finish(&mut tally);
    Ok((packets, flows))
}
