//! The reassembler against one that keeps every byte by itself.
//!
//! `PROPTEST_CASES=1000000 cargo test --release --test reassembly_model` runs
//! more of them.

mod common;

use std::sync::Arc;

use common::cases;
use common::stream_model::{Model, at, keep, number};
use common::stream_steps::{Action, Place, Send, config, content, opening, send, step};
use flowscope_core::Timestamp;
use flowscope_core::reassemble::{
    BufferedReassembler, Chunk, OverlapPolicy, Reassembler, Segment, StreamConfig, StreamNote,
    StreamState,
};
use flowscope_core::wire::TcpFlags;
use proptest::prelude::*;

proptest! {
    #![proptest_config(cases(4_000))]

    #[test]
    fn a_stream_is_what_its_bytes_make_it(
        config in config(),
        isn in prop_oneof![any::<u32>(), (0..400u32).prop_map(|n| u32::MAX - n)],
        opening in opening(),
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut stream = BufferedReassembler::new(Arc::new(config));
        // One that is looked after at other moments too.
        let mut watched = BufferedReassembler::new(Arc::new(config));
        let mut model = Model::new(config);
        let mut seen = Vec::new();
        // A moment that leaves room for going back.
        let mut now = 1_000_000;
        let mut cursor = 0;
        for step in opening.into_iter().chain(steps) {
            for _ in 0..3 {
                now += step.pause / 3;
                watched.expire(at(now), &mut |_: Chunk<'_>| {});
            }
            let before = (stream.stats(), stream.state(), model.out.len());
            let mut keep = |chunk: Chunk<'_>| keep(&mut seen, chunk);
            let notes = match step.action.clone() {
                Action::Send(send) => {
                    let part = send.part(now, &mut cursor);
                    model.push(&part);
                    watched.push(&part.segment(isn), &mut |_: Chunk<'_>| {});
                    stream.push(&part.segment(isn), &mut keep)
                }
                Action::Ack { place, flags } => {
                    let ack = place.from(cursor);
                    model.acknowledge(ack, flags, now);
                    let segment = Segment::data(0, b"", at(now))
                        .with_ack(number(isn, ack))
                        .with_flags(flags);
                    watched.acknowledge(&segment, &mut |_: Chunk<'_>| {});
                    stream.acknowledge(&segment, &mut keep)
                }
                Action::Expire => {
                    model.expire(now);
                    stream.expire(at(now), &mut keep)
                }
                Action::Shed => {
                    model.shed(now);
                    watched.shed(at(now), &mut |_: Chunk<'_>| {});
                    stream.shed(at(now), &mut keep)
                }
            };
            // Fast or slow, it looks the same at the next segment.
            if let Action::Send(_) | Action::Shed = step.action {
                prop_assert_eq!(watched.stats(), stream.stats());
                prop_assert_eq!(watched.next_expiry(), stream.next_expiry());
            }
            prop_assert_eq!(seen.get(before.2..), model.out.get(before.2..), "at {:?}", step);
            prop_assert_eq!(stream.stats(), model.stats(), "at {:?}", step);
            prop_assert_eq!(stream.state(), model.state(), "at {:?}", step);
            prop_assert_eq!(stream.next_expiry().map(Timestamp::as_nanos), model.due());
            let after = stream.stats();
            prop_assert_eq!(notes.contains(StreamNote::Gap), after.holes > before.0.holes);
            prop_assert_eq!(notes.contains(StreamNote::Conflict), after.conflicts > before.0.conflicts);
            prop_assert_eq!(notes.contains(StreamNote::Stray), after.strays > before.0.strays);
            let finishes = before.1 != StreamState::Finished
                && stream.state() == StreamState::Finished;
            prop_assert_eq!(notes.contains(StreamNote::Finished), finishes);
        }
        stream.finish(&mut |chunk: Chunk<'_>| keep(&mut seen, chunk));
        model.finish();
        prop_assert_eq!(&seen, &model.out);
        prop_assert_eq!(stream.stats(), model.stats());
        prop_assert_eq!(stream.state(), model.state());
        let stats = stream.stats();
        prop_assert_eq!(stats.held, 0);
        prop_assert_eq!(stats.delivered + stats.missing, seen.len() as u64);
    }

    /// Many on few places, each with bytes of its own, while nothing is handed
    /// on: what is left of each is a matter of the policy alone.
    #[test]
    fn where_many_overlap_the_policy_says_whose_bytes_count(
        overlap in prop::sample::select(OverlapPolicy::ALL),
        segments in prop::collection::vec((1..30i64, 1..16i64, cut()), 2..14),
    ) {
        let config = StreamConfig { overlap, ..StreamConfig::default() };
        let mut stream = BufferedReassembler::new(Arc::new(config));
        let mut model = Model::new(config);
        let mut seen = Vec::new();
        let begin = (-1, 0, 0, TcpFlags::SYN);
        let end = (0, 1, 0, TcpFlags::ACK);
        let held = segments.into_iter().map(|(place, len, cut)| (place, len, cut, TcpFlags::ACK));
        let all = [begin].into_iter().chain(held).chain([end]);
        for ((place, len, cut, flags), edition) in all.zip(0..) {
            let send = Send { place: Place::At(place), len, cut, flags, edition };
            let part = send.part(1_000_000, &mut 0);
            model.push(&part);
            stream.push(&part.segment(0), &mut |chunk: Chunk<'_>| keep(&mut seen, chunk));
            prop_assert_eq!(stream.stats(), model.stats(), "at {:?}", send);
        }
        stream.finish(&mut |chunk: Chunk<'_>| keep(&mut seen, chunk));
        model.finish();
        prop_assert_eq!(&seen, &model.out);
    }

    /// Ranges are counted as they lie in memory, of which the model knows
    /// nothing; but bytes stay where they belong.
    #[test]
    fn whatever_the_caps_bytes_are_where_they_belong(
        config in config(),
        max_ranges in 0..12usize,
        steps in prop::collection::vec(send(), 1..100),
    ) {
        let config = StreamConfig { max_ranges, ..config };
        let mut stream = BufferedReassembler::new(Arc::new(config));
        let mut seen = Vec::new();
        let mut keep = |chunk: Chunk<'_>| keep(&mut seen, chunk);
        let syn = Segment::data(0, b"", at(0)).with_flags(TcpFlags::SYN);
        stream.push(&syn, &mut keep);
        let mut cursor = 0;
        for (send, now) in steps.into_iter().zip(0..) {
            if send.flags.contains(TcpFlags::SYN) {
                continue;
            }
            let part = Send { edition: 0, ..send }.part(now, &mut cursor);
            stream.push(&part.segment(0), &mut keep);
            prop_assert!(stream.memory() <= config.max_memory());
        }
        stream.finish(&mut keep);
        for (place, byte) in (0..).zip(&seen) {
            prop_assert!(byte.is_none_or(|byte| byte == content(place, 0)), "at {place}");
        }
        let stats = stream.stats();
        prop_assert_eq!(stats.conflicts, 0);
        prop_assert_eq!(stats.delivered + stats.missing, seen.len() as u64);
    }
}

fn cut() -> impl Strategy<Value = u32> {
    prop_oneof![8 => Just(0), 1 => 1..10u32]
}
