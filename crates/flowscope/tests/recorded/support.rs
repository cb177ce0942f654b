//! Captures read, and messages written as rows.

use std::fs;
use std::path::PathBuf;

use flowscope::detect::{DetectConfig, Detector, Message};
use flowscope::extract::{AutoDetectEncap, FiveTuple};
use flowscope::pcap::PcapFlowSource;
use flowscope::{FlowSide, PacketView, SessionEvent};

/// A message, and where it was.
pub(crate) struct Found {
    /// Its flow, of those with messages: 1 for the first.
    pub(crate) flow: usize,
    /// Who sent it.
    pub(crate) side: FlowSide,
    pub(crate) message: Message,
}

impl Found {
    /// The beginning of its row: `1 >` for what the initiator of the first
    /// flow sends.
    pub(crate) fn arrow(&self) -> String {
        let arrow = match self.side {
            FlowSide::Initiator => '>',
            FlowSide::Responder => '<',
        };
        format!("{} {arrow}", self.flow)
    }
}

/// What is said in a recorded capture, in order, by name without `.pcap`.
pub(crate) fn messages(capture: &str) -> Vec<Found> {
    messages_within(DetectConfig::default(), capture)
}

/// The same with a detector that is set up otherwise.
pub(crate) fn messages_within(config: DetectConfig, capture: &str) -> Vec<Found> {
    let mut flows = Vec::new();
    let mut found = Vec::new();
    let mut keep = |event| {
        if let SessionEvent::Application {
            flow,
            side,
            message,
            ..
        } = event
        {
            let seen = flows.iter().position(|it| *it == flow);
            let index = seen.unwrap_or_else(|| {
                flows.push(flow);
                flows.len() - 1
            });
            found.push(Found {
                flow: index + 1,
                side,
                message,
            });
        }
    };
    let detector = Detector::new(config);
    let mut driver = detector.driver(AutoDetectEncap::new(FiveTuple::bidirectional()));
    replay(capture, |packet| driver.track(packet, &mut keep));
    driver.finish(&mut keep);
    found
}

/// Shows each packet of a capture.
pub(crate) fn replay(capture: &str, mut show: impl FnMut(PacketView<'_>)) {
    let mut source = PcapFlowSource::open(folder().join(format!("{capture}.pcap"))).unwrap();
    while let Some(packet) = source.next_packet().unwrap() {
        show(packet);
    }
}

/// The names of all recorded captures, in order.
pub(crate) fn captures() -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder())
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            Some(name.strip_suffix(".pcap")?.to_owned())
        })
        .collect();
    names.sort();
    names
}

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../../fixtures/pcap/recorded"]
        .iter()
        .collect()
}
