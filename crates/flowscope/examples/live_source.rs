//! Flows of packets that arrive while the program runs: `live_source`.
//!
//! A thread stands for the capture: it sends each packet, with the time at which
//! it was captured, into a channel. Flows that fall silent have to be ended
//! though no packet comes, so the other end of the channel waits no longer than
//! until the next flow is due.
#![allow(clippy::print_stdout, reason = "examples show what they found")]

use core::time::Duration;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::SystemTime;

use flowscope::extract::{FiveTuple, FiveTupleKey};
use flowscope::track::IdleTimeouts;
use flowscope::{EngineConfig, FlowEvent, FlowTracker, PacketView, Timestamp};

/// A frame and when it was captured.
type Packet = (Vec<u8>, Timestamp);

/// An error that a thread may return.
type Failure = Box<dyn core::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let (sender, packets) = mpsc::channel();
    let capture = thread::spawn(move || capture(&sender));

    let config = EngineConfig {
        idle: IdleTimeouts {
            udp: Duration::from_millis(100),
            ..IdleTimeouts::default()
        },
        ..EngineConfig::default()
    };
    let mut tracker = FlowTracker::new(FiveTuple::bidirectional()).with_config(config);
    loop {
        let now = Timestamp::try_from(SystemTime::now())?;
        // Without flows nothing is due, and any time is right.
        let wait = tracker.next_expiry().map_or(LONG, |due| due - now);
        match packets.recv_timeout(wait) {
            Ok((frame, captured)) => {
                tracker.track(PacketView::new(&frame, captured), &mut print_event);
            }
            Err(RecvTimeoutError::Timeout) => {
                let now = Timestamp::try_from(SystemTime::now())?;
                tracker.expire(now, &mut print_event);
            }
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    // The flows that are still open.
    tracker.finish(&mut print_event);
    capture.join().map_err(|_| "the capture failed")??;
    Ok(())
}

fn print_event(event: FlowEvent<FiveTupleKey>) {
    match event {
        FlowEvent::Started { key, .. } => println!("{key} started"),
        FlowEvent::Ended {
            key, reason, stats, ..
        } => {
            let (reason, packets) = (reason.as_str(), stats.packets.total());
            println!("{key} ended by {reason} after {packets} packets");
        }
        _ => {}
    }
}

/// Two packets of one flow, a pause in which it expires, and one of another.
fn capture(sender: &Sender<Packet>) -> Result<(), Failure> {
    for (port, pause) in [(1000, 10), (1000, 400), (2000, 0)] {
        sender.send((lookup(port), Timestamp::try_from(SystemTime::now())?))?;
        thread::sleep(Duration::from_millis(pause));
    }
    Ok(())
}

/// A UDP datagram from a port to that of DNS.
fn lookup(port: u16) -> Vec<u8> {
    let [high, low] = port.to_be_bytes();
    vec![
        0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 1, 8, 0, // Ethernet
        0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, // IPv4
        high, low, 0, 53, 0, 8, 0, 0, // UDP
    ]
}

/// How long to wait while nothing is due.
const LONG: Duration = Duration::from_secs(60);
