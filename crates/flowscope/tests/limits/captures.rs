//! Frames of recorded captures.

use std::path::Path;

use flowscope::pcap::PcapFlowSource;
use flowscope_fixtures::Frame;

/// All frames of a recorded capture.
pub(crate) fn recorded(name: &str) -> Vec<Frame> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/pcap/recorded");
    let mut source = PcapFlowSource::open(folder.join(name)).unwrap();
    let mut frames = Vec::new();
    while let Some(packet) = source.next_packet().unwrap() {
        frames.push(Frame {
            nanos: packet.timestamp.as_nanos(),
            link: packet.link.0,
            wire_len: packet.wire_len,
            bytes: packet.frame.to_vec(),
        });
    }
    frames
}
