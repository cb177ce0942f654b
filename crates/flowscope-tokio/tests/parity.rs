//! What comes of a capture is what the drivers make of it without a runtime.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::PathBuf;

use flowscope::detect::Detect as _;
use flowscope::dns::DnsUdpParser;
use flowscope::extract::{AutoDetectEncap, FiveTuple};
use flowscope::http::HttpParser;
use flowscope::pcap::PcapFlowSource;
use flowscope_tokio::{AsyncCapture, CaptureError, Frame, Pace, Speed};
use futures_util::{Stream, StreamExt as _, stream};

#[tokio::test]
async fn detect_gives_the_same_events_as_a_capture_read_at_once() {
    for path in captures() {
        let source = PcapFlowSource::open(&path).unwrap();
        let expected = lines(source.detect(extractor()));
        let capture = AsyncCapture::replay(&path, Speed::Unpaced).unwrap();
        let found = listen(capture.flow_stream(extractor()).detect()).await;
        assert_eq!(found, expected, "{}", path.display());
    }
}

/// Time stands still while nothing waits for it, so hours pass at once.
#[tokio::test(start_paused = true)]
async fn a_capture_replayed_at_its_pace_gives_the_same_events() {
    for path in captures() {
        let source = PcapFlowSource::open(&path).unwrap();
        let expected = lines(source.detect(extractor()));
        for speed in [Speed::Recorded, Speed::Times(7.0)] {
            let capture = AsyncCapture::replay(&path, speed).unwrap();
            let found = listen(capture.flow_stream(extractor()).detect()).await;
            assert_eq!(found, expected, "{} {speed:?}", path.display());
        }
    }
}

#[tokio::test]
async fn any_stream_of_frames_gives_the_same_events() {
    for path in captures() {
        let source = PcapFlowSource::open(&path).unwrap();
        let expected = lines(source.detect(extractor()));
        let frames = stream::iter(frames(&path).into_iter().map(Ok));
        let capture = AsyncCapture::from_stream_at(frames, Pace::Frames);
        let found = listen(capture.flow_stream(extractor()).detect()).await;
        assert_eq!(found, expected, "{}", path.display());
    }
}

#[tokio::test]
async fn each_kind_of_stream_gives_what_its_driver_does() {
    let path = fixture("recorded/http-1-0.pcap");
    let open = || PcapFlowSource::open(&path).unwrap();
    let replay = || AsyncCapture::replay(&path, Speed::Unpaced).unwrap();

    let flows = listen(replay().flow_stream(extractor())).await;
    assert_eq!(flows, lines(open().with_extractor(extractor())));

    let parser = HttpParser::default;
    let sessions = listen(replay().flow_stream(extractor()).session_stream(parser())).await;
    assert_eq!(sessions, lines(open().sessions(extractor(), parser())));
    assert!(sessions.iter().any(|line| line.starts_with("Application")));

    let path = fixture("udp-dns.pcap");
    let open = || PcapFlowSource::open(&path).unwrap();
    let replay = || AsyncCapture::replay(&path, Speed::Unpaced).unwrap();
    let parser = DnsUdpParser::default;
    let datagrams = listen(replay().flow_stream(extractor()).datagram_stream(parser())).await;
    assert_eq!(datagrams, lines(open().datagrams(extractor(), parser())));
    assert!(datagrams.iter().any(|line| line.starts_with("Application")));
}

#[tokio::test]
async fn an_error_comes_behind_the_ends_of_flows() {
    let whole = fs::read(fixture("recorded/http-1-0.pcap")).unwrap();
    let folder = std::env::temp_dir().join(format!("flowscope-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let path = folder.join("cut.pcap");
    fs::write(&path, &whole[..whole.len() - 7]).unwrap();

    let capture = AsyncCapture::replay(&path, Speed::Unpaced).unwrap();
    let events: Vec<_> = capture.flow_stream(extractor()).collect().await;
    fs::remove_dir_all(&folder).unwrap();

    let [before @ .., last] = &events[..] else {
        panic!("no events")
    };
    assert!(matches!(last, Err(CaptureError::File(_))), "{last:?}");
    assert!(before.iter().all(Result::is_ok));
    let end = format!("{:?}", before.last().unwrap().as_ref().unwrap());
    assert!(end.starts_with("Ended"), "{end}");
}

#[tokio::test]
async fn a_file_that_is_not_there_is_an_error_at_once() {
    let error = AsyncCapture::replay("/nowhere.pcap", Speed::Unpaced).unwrap_err();
    assert!(error.to_string().contains("/nowhere.pcap"), "{error}");
}

fn extractor() -> AutoDetectEncap<FiveTuple> {
    AutoDetectEncap::new(FiveTuple::bidirectional())
}

async fn listen<T: core::fmt::Debug>(
    events: impl Stream<Item = Result<T, CaptureError>> + Unpin,
) -> Vec<String> {
    events
        .map(|event| format!("{:?}", event.unwrap()))
        .collect()
        .await
}

fn lines<T: core::fmt::Debug, E: core::fmt::Debug>(
    events: impl Iterator<Item = Result<T, E>>,
) -> Vec<String> {
    events
        .map(|event| format!("{:?}", event.unwrap()))
        .collect()
}

fn frames(path: &PathBuf) -> Vec<Frame> {
    let mut source = PcapFlowSource::open(path).unwrap();
    let mut frames = Vec::new();
    while let Some(packet) = source.next_packet().unwrap() {
        frames.push(packet.into());
    }
    frames
}

fn fixture(name: &str) -> PathBuf {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/pcap/");
    PathBuf::from(folder).join(name)
}

/// Those that say something, and those whose times are odd.
fn captures() -> Vec<PathBuf> {
    let names = [
        "recorded/http-1-0.pcap",
        "udp-dns.pcap",
        "udp-quic.pcap",
        "tcp-loss.pcap",
        "tcp-port-reuse.pcap",
        "idle.pcap",
        "encap-vxlan.pcap",
        "times-backwards.pcap",
        "many-flows.pcap",
        "format-empty.pcap",
    ];
    names.into_iter().map(fixture).collect()
}
