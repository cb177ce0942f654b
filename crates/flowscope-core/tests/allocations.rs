//! What a packet and a flow cost in memory.

mod common;

use allocation_counter::measure;
use common::{Event, talk, tracker, view};
use flowscope_core::extract::FiveTuple;
use flowscope_core::track::Config;
use flowscope_core::{FlowTracker, LinkType, PacketView, Timestamp};
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
    let mut tracker = tracker(Config::default());
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
    assert_eq!(tracker.active_flows(), 100);
}

#[test]
fn a_tcp_flow_takes_256_bytes_at_most() {
    // Just after the hash table has doubled, it is at its emptiest.
    const FLOWS: u32 = 235_000;
    let template = talk().segment(Side::Client, Tcp::SYN, b"").frames();
    let mut frame = template[0].bytes.clone();
    let allocated = measure(|| {
        let mut tracker = FlowTracker::new(FiveTuple::bidirectional());
        let mut ignore = |_: Event| {};
        for n in 0..FLOWS {
            frame[26..30].copy_from_slice(&(0x0a00_0000 + n).to_be_bytes());
            let at = Timestamp::from_nanos(START + u64::from(n));
            let packet = PacketView::new(&frame, at).with_link(LinkType::ETHERNET);
            tracker.track(packet, &mut ignore);
        }
        assert_eq!(tracker.active_flows(), FLOWS as usize);
    });
    let each = allocated.bytes_max / u64::from(FLOWS);
    assert!(each <= 256, "{each} bytes a flow");
}
