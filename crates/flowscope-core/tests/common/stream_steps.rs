//! What may happen to a stream, by chance.

use core::time::Duration;

use flowscope_core::reassemble::{OverflowPolicy, OverlapPolicy, StreamConfig};
use flowscope_core::wire::TcpFlags;
use proptest::prelude::*;

use super::stream_model::Part;

#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) pause: u64,
    pub(crate) action: Action,
}

#[derive(Clone, Debug)]
pub(crate) enum Action {
    Send(Send),
    Ack { place: Place, flags: TcpFlags },
    Expire,
    Shed,
}

#[derive(Clone, Debug)]
pub(crate) struct Send {
    pub(crate) place: Place,
    pub(crate) len: i64,
    pub(crate) cut: u32,
    pub(crate) flags: TcpFlags,
    /// Which of several contents the stream is said to have.
    pub(crate) edition: u8,
}

/// A place in the stream, as seen from where the sender has got to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    Here,
    Off(i64),
    At(i64),
}

impl Place {
    pub(crate) fn from(self, cursor: i64) -> i64 {
        match self {
            Self::Here => cursor,
            Self::Off(by) => cursor + by,
            Self::At(place) => place,
        }
    }
}

impl Send {
    pub(crate) fn part(&self, now: u64, cursor: &mut i64) -> Part {
        let place = self.place.from(*cursor);
        let start = place + i64::from(self.flags.contains(TcpFlags::SYN));
        let content = |place| content(place, self.edition);
        let part = Part {
            place,
            bytes: (start..start + self.len).map(content).collect(),
            cut: self.cut,
            flags: self.flags,
            at: now,
        };
        // Strays and repetitions do not move the sender.
        if part.end() < *cursor + 200 {
            *cursor = part.end().max(*cursor);
        }
        part
    }
}

pub(crate) fn content(place: i64, edition: u8) -> u8 {
    (place.wrapping_mul(31) as u8).wrapping_add(edition)
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    let action = prop_oneof![
        20 => send().prop_map(Action::Send),
        5 => (place(), ack_flags()).prop_map(|(place, flags)| Action::Ack { place, flags }),
        1 => Just(Action::Expire),
        1 => Just(Action::Shed),
    ];
    let pause = prop_oneof![3 => Just(0), 3 => 0..5_000u64, 1 => 0..60_000u64];
    (pause, action).prop_map(|(pause, action)| Step { pause, action })
}

pub(crate) fn send() -> impl Strategy<Value = Send> {
    let len = prop_oneof![1 => Just(0), 2 => Just(1), 10 => 1..30i64];
    let cut = prop_oneof![8 => Just(0), 1 => 1..20u32];
    let flags = prop_oneof![
        60 => Just(TcpFlags::ACK),
        2 => Just(TcpFlags::FIN),
        1 => Just(TcpFlags::RST),
        1 => Just(TcpFlags::SYN),
        1 => Just(TcpFlags::URG),
    ];
    let edition = prop_oneof![3 => Just(0), 1 => 1..3u8];
    (place(), len, cut, flags, edition).prop_map(|(place, len, cut, flags, edition)| Send {
        place,
        len,
        cut,
        flags,
        edition,
    })
}

pub(crate) fn place() -> impl Strategy<Value = Place> {
    prop_oneof![
        10 => Just(Place::Here),
        6 => (-40..40i64).prop_map(Place::Off),
        1 => Just(Place::Off(-1)),
        5 => (0..80i64).prop_map(Place::At),
        // As far back as a stream joined in its middle may begin, and further.
        1 => (-55..-45i64).prop_map(Place::Off),
        1 => (-200..-50i64).prop_map(Place::Off),
        1 => (-300..3000i64).prop_map(Place::Off),
    ]
}

pub(crate) fn ack_flags() -> impl Strategy<Value = TcpFlags> {
    prop_oneof![15 => Just(TcpFlags::ACK), 1 => Just(TcpFlags::SYN)]
}

pub(crate) fn opening() -> impl Strategy<Value = Option<Step>> {
    let syn = |len| {
        Action::Send(Send {
            place: Place::At(-1),
            len,
            cut: 0,
            flags: TcpFlags::SYN,
            edition: 0,
        })
    };
    let ack = |flags| Action::Ack {
        place: Place::Here,
        flags,
    };
    let action = prop_oneof![
        4 => Just(Some(syn(0))),
        1 => Just(Some(syn(7))),
        1 => Just(Some(ack(TcpFlags::SYN))),
        1 => Just(Some(ack(TcpFlags::ACK))),
        2 => Just(None),
    ];
    action.prop_map(|action| action.map(|action| Step { pause: 0, action }))
}

pub(crate) fn config() -> impl Strategy<Value = StreamConfig> {
    let overlap = prop::sample::select(OverlapPolicy::ALL);
    let overflow = prop_oneof![
        5 => Just(OverflowPolicy::SlidingWindow),
        1 => Just(OverflowPolicy::DropFlow),
    ];
    let nanos = |nanos: u64| Duration::from_nanos(nanos);
    (
        overlap,
        overflow,
        prop::sample::select(vec![0, 8, 30, 100, 1 << 20]),
        prop::sample::select(vec![10_000, 100_000, 10_000_000]),
        prop::sample::select(vec![0, 1_000, 20_000]),
        prop::sample::select(vec![50, 300, 1 << 20]),
    )
        .prop_map(
            move |(overlap, overflow, max_held, timeout, grace, reach)| {
                StreamConfig {
                    overlap,
                    overflow,
                    max_held,
                    // Ranges depend on how bytes are put together in memory.
                    max_ranges: usize::MAX,
                    hole_timeout: nanos(timeout),
                    ack_grace: nanos(grace),
                    reach,
                }
            },
        )
}
