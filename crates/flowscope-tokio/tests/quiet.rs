//! What happens while no frame comes, and while nobody listens.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use core::time::Duration;

use flowscope::extract::{FiveTuple, FiveTupleKey};
use flowscope::track::{EndReason, IdleTimeouts};
use flowscope::{EngineConfig, FlowEvent, LinkType, Timestamp};
use flowscope_tokio::{
    AsyncCapture, BroadcastError, CaptureError, ConversationParser, ConversationPart, Frame,
    SendError,
};
use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, timeout};

#[tokio::test(start_paused = true)]
async fn a_flow_ends_on_a_quiet_line() {
    let (frames, capture) = AsyncCapture::channel(8);
    let mut events = capture
        .flow_stream(FiveTuple::bidirectional())
        .with_config(idle_after(5));
    frames.send(datagram(1000, 100, b"hello")).await.unwrap();

    let start = Instant::now();
    let (reason, at) = loop {
        match events.next().await.unwrap().unwrap() {
            FlowEvent::Ended { reason, at, .. } => break (reason, at),
            _ => assert!(start.elapsed() < Duration::from_secs(1)),
        }
    };
    // Nobody sent anything, and the sender is still there.
    assert_eq!(reason, EndReason::IdleTimeout);
    assert_eq!(at, Timestamp::new(105, 0));
    let waited = start.elapsed();
    assert!(waited >= Duration::from_secs(5), "{waited:?}");
    assert!(waited < Duration::from_secs(6), "{waited:?}");
    drop(frames);
    assert!(events.next().await.is_none());
}

#[tokio::test(start_paused = true)]
async fn nothing_is_done_while_nothing_is_due() {
    let (frames, capture) = AsyncCapture::channel(8);
    let mut events = capture.flow_stream(FiveTuple::bidirectional());
    let quiet = timeout(Duration::from_secs(100_000), events.next()).await;
    assert!(quiet.is_err(), "{quiet:?}");
    drop(frames);
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn who_sends_waits_for_who_listens() {
    let (frames, capture) = AsyncCapture::channel(4);
    for n in 0..4 {
        frames.try_send(datagram(n, 1, b"")).unwrap();
    }
    assert_eq!(frames.try_send(datagram(4, 1, b"")), Err(SendError::Full));
    let waits = timeout(Duration::from_millis(20), frames.send(datagram(5, 1, b"")));
    assert!(waits.await.is_err());

    let counters = capture.counters();
    drop(frames);
    let events: Vec<_> = capture
        .flow_stream(FiveTuple::bidirectional())
        .collect()
        .await;
    let started =
        |event: &Result<FlowEvent<FiveTupleKey>, _>| matches!(event, Ok(FlowEvent::Started { .. }));
    assert_eq!(events.iter().filter(|event| started(event)).count(), 4);
    let counts = counters.read();
    assert_eq!((counts.received, counts.delivered), (5, 4));
    assert_eq!((counts.dropped_in_queue, counts.waiting()), (1, 0));
}

#[tokio::test]
async fn a_stopped_capture_gives_what_it_had_and_ends() {
    let (frames, capture) = AsyncCapture::channel(8);
    frames.send(datagram(1, 1, b"")).await.unwrap();
    let mut events = capture.flow_stream(FiveTuple::bidirectional());
    events.stop();
    let all: Vec<_> = events.by_ref().collect().await;
    assert!(matches!(all.last(), Some(Ok(FlowEvent::Ended { .. }))));
    assert_eq!(
        frames.send(datagram(2, 1, b"")).await,
        Err(SendError::Closed)
    );
}

#[tokio::test]
async fn the_error_of_a_stream_comes_last() {
    let frames = [
        Ok(datagram(1, 1, b"")),
        Err(std::io::Error::other("the device is gone")),
        Ok(datagram(2, 1, b"")),
    ];
    let events: Vec<_> = AsyncCapture::from_stream(stream::iter(frames))
        .flow_stream(FiveTuple::bidirectional())
        .collect()
        .await;
    assert!(matches!(events.last(), Some(Err(CaptureError::Stream(_)))));
    let ended = |event: &&Result<FlowEvent<_>, _>| matches!(event, Ok(FlowEvent::Ended { .. }));
    assert_eq!(events.iter().filter(ended).count(), 1);
}

#[tokio::test]
async fn a_slow_subscriber_is_told_what_it_missed() {
    let (frames, capture) = AsyncCapture::channel(64);
    let events = capture.flow_stream(FiveTuple::bidirectional()).broadcast(8);
    let (quick, mut slow) = (events.subscribe(), events.subscribe());
    let quick = tokio::spawn(
        quick
            .filter(|event| core::future::ready(event.is_ok()))
            .count(),
    );
    for n in 0..50 {
        frames.send(datagram(n, 1, b"")).await.unwrap();
        tokio::task::yield_now().await;
    }
    let counters = events.counters();
    drop((frames, events));
    // The start, the packet and the end of each.
    let quick = quick.await.unwrap();
    assert_eq!(counters.read().delivered, 50);

    let (mut seen, mut missed) = (0, 0);
    while let Some(event) = slow.next().await {
        match event {
            Ok(_) => seen += 1,
            Err(BroadcastError::Missed(events)) => missed += events,
            Err(error) => panic!("{error}"),
        }
    }
    assert!(missed > 0);
    assert_eq!(seen, 8);
    assert_eq!(seen + missed, 150);
    assert!(quick > 0);
}

#[tokio::test]
async fn a_conversation_has_both_sides_in_order() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/pcap/recorded/http-1-0.pcap"
    );
    let capture = AsyncCapture::replay(path, flowscope_tokio::Speed::Unpaced).unwrap();
    let mut events = capture
        .flow_stream(FiveTuple::bidirectional())
        .message_stream(ConversationParser::default());
    let mut said: Vec<(flowscope::track::FlowId, flowscope::FlowSide, Vec<u8>)> = Vec::new();
    while let Some(event) = events.next().await {
        let flowscope::SessionEvent::Application { flow, message, .. } = event.unwrap() else {
            continue;
        };
        let ConversationPart::Data { side, bytes, .. } = message else {
            continue;
        };
        match said.last_mut() {
            Some((same, by, before)) if (*same, *by) == (flow, side) => before.extend(bytes),
            _ => said.push((flow, side, bytes)),
        }
    }
    let begins = |n: usize, with: &[u8]| said[n].2.starts_with(with);
    assert!(begins(0, b"GET "), "{said:?}");
    assert!(begins(1, b"HTTP/1."), "{said:?}");
    assert_ne!(said[0].1, said[1].1);
}

fn idle_after(seconds: u64) -> EngineConfig {
    EngineConfig {
        idle: IdleTimeouts {
            udp: Duration::from_secs(seconds),
            ..IdleTimeouts::default()
        },
        ..EngineConfig::default()
    }
}

/// From a port to that of DNS, without a link layer.
fn datagram(port: u16, second: u64, payload: &[u8]) -> Frame {
    let [high, low] = port.to_be_bytes();
    let len = u8::try_from(payload.len()).unwrap();
    let mut bytes = vec![
        0x45,
        0,
        0,
        28 + len,
        0,
        0,
        0,
        0,
        64,
        17,
        0,
        0,
        10,
        0,
        0,
        1,
        10,
        0,
        0,
        2, // IPv4
        high,
        low,
        0,
        53,
        0,
        8 + len,
        0,
        0, // UDP
    ];
    bytes.extend(payload);
    Frame::new(bytes, Timestamp::new(second, 0)).with_link(LinkType::RAW)
}
