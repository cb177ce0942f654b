//! What a packet and a flow cost in memory.

mod common;

use allocation_counter::measure;
use common::{Event, talk, tracker, view};
use flowscope_core::extract::FiveTuple;
use flowscope_core::{EngineConfig, FlowEvent, FlowTracker};
use flowscope_fixtures::{Conversation, Frame, SECOND, START, Side, Tcp, address};

#[test]
fn a_packet_of_a_known_flow_allocates_nothing() {
    let conversations: Vec<Conversation> = (0..100u16)
        .map(|n| {
            let client = format!("10.0.0.1:{}", 40_000 + n);
            Conversation::new(address(&client), address("10.0.0.2:80")).handshake()
        })
        .collect();
    // Each flow goes on for 200 s, so that deadlines come up meanwhile.
    let more = |round: u64| -> Vec<Frame> {
        conversations
            .iter()
            .map(|talk| {
                let talk = talk.clone().wait(round * 2 * SECOND);
                let frames = talk.send(Side::Client, b"tick").frames();
                frames[3].clone()
            })
            .collect()
    };
    let mut tracker = tracker(EngineConfig::default());
    let mut packets = 0u64;
    let mut count = |_: Event| packets += 1;
    for talk in &conversations {
        for frame in talk.frames() {
            tracker.track(view(&frame), &mut count);
        }
    }
    let rounds: Vec<Vec<Frame>> = (0..100).map(more).collect();
    let (first, rest) = rounds.split_at(1);
    tracker.track_batch(first[0].iter().map(view), &mut count);

    let allocated = measure(|| {
        for round in rest {
            tracker.track_batch(round.iter().map(view), &mut count);
        }
        for frame in rest.iter().flatten() {
            tracker.track(view(frame), &mut count);
        }
    });
    assert_eq!(allocated.count_total, 0);
    assert_eq!(tracker.stats().active, 100);
}

#[test]
fn a_batch_for_a_large_table_allocates_nothing() {
    // So many that the flows of a batch are looked up together.
    const FLOWS: u32 = 100_000;
    let template = talk()
        .segment(Side::Client, Tcp::SYN, b"")
        .frames()
        .remove(0);
    let syn = |host: u32| {
        let mut frame = template.clone();
        let sender = (0x0a00_0000 + host).to_be_bytes();
        frame.bytes[26..30].copy_from_slice(&sender);
        frame
    };
    let mut tracker = tracker(EngineConfig::default());
    let mut packets = 0u64;
    let mut count = |event: Event| packets += u64::from(matches!(event, FlowEvent::Packet { .. }));
    for host in 0..FLOWS {
        tracker.track(view(&syn(host)), &mut count);
    }
    let known: Vec<Frame> = (0..FLOWS).step_by(17).map(syn).collect();
    let allocated = measure(|| tracker.track_batch(known.iter().map(view), &mut count));
    assert_eq!(allocated.count_total, 0);
    assert_eq!(packets, u64::from(FLOWS) + known.len() as u64);
    assert_eq!(tracker.stats().active, u64::from(FLOWS));
}

#[test]
fn a_tcp_flow_takes_264_bytes_at_most() {
    // As many as there may be by default, which is about the worst number: the
    // tables of the index were split a little before, so that they are half
    // empty, and room for flows is allocated for 65,536 at a time.
    const FLOWS: u32 = 1_000_000;
    let v6 = Conversation::new(address("[2001:db8::1]:40000"), address("[2001:db8::2]:80"));
    // Where in the frame the last four bytes of the sender's address are.
    for (talk, sender) in [(talk(), 26..30), (v6, 34..38)] {
        let mut frame = talk.segment(Side::Client, Tcp::SYN, b"").frames().remove(0);
        let allocated = measure(|| {
            let mut tracker = FlowTracker::new(FiveTuple::bidirectional());
            for n in 0..FLOWS {
                let host = (0x0a00_0000 + n).to_be_bytes();
                frame.bytes[sender.clone()].copy_from_slice(&host);
                frame.nanos = START + u64::from(n);
                tracker.track(view(&frame), &mut |_: Event| {});
            }
            assert_eq!(tracker.stats().active, u64::from(FLOWS));
        });
        let each = allocated.bytes_max / u64::from(FLOWS);
        assert!(each <= 264, "{each} bytes a flow");
    }
}
