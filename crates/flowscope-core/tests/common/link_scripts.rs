//! What may happen on a link, for tests that make it up.

use core::ops::{Range, RangeInclusive};

use flowscope_fixtures::{MILLISECOND, START};
use proptest::prelude::*;

use super::endpoint::Control;
use super::link_story::{
    Arrival, Connection, ForgedAck, ForgedSeq, Forgery, Isn, Kind, LateTime, Mishap, Opening,
    Script, Step, What,
};

/// What is out of the ordinary between two ports.
#[derive(Clone, Debug)]
pub(crate) struct Odd {
    pub(crate) mishaps: Vec<Mishap>,
    pub(crate) forgeries: Vec<Forgery>,
}

/// Connections one after the other, so many, to which `odd` happens.
pub(crate) fn script(
    connections: RangeInclusive<usize>,
    odd: impl Strategy<Value = Odd>,
) -> impl Strategy<Value = Script> {
    let more = connections.start() - 1..=connections.end() - 1;
    let delay = || prop_oneof![4 => millis(1..25), 1 => 50_000..MILLISECOND];
    (
        prop::array::uniform2(delay()),
        connection(first_isn().boxed()),
        prop::collection::vec(connection(isn().boxed()), more),
        odd,
    )
        .prop_map(|(delays, first, more, odd)| Script {
            start: START,
            delays,
            connections: apart([vec![first], more].concat()),
            mishaps: odd.mishaps,
            forgeries: odd.forgeries,
        })
}

/// A port is not used again before the last attempt on it can have been
/// answered: of more than two numbers that wait for one answer nobody can keep
/// account. And hosts that open at once and forget it at once disagree about
/// what is what for longer than a case lasts.
fn apart(mut connections: Vec<Connection>) -> Vec<Connection> {
    for index in 1..connections.len() {
        connections[index].pause += 200 * MILLISECOND;
        if connections[index - 1].opening == Opening::Simultaneous {
            connections[index].pause += 500 * MILLISECOND;
        }
    }
    connections
}

fn connection(isn: BoxedStrategy<Isn>) -> impl Strategy<Value = Connection> {
    let pause = prop_oneof![
        3 => micros(0..100_000),
        2 => millis(100..9_000),
        3 => millis(9_000..70_000),
    ];
    let opening = prop_oneof![
        12 => Just(Opening::Usual),
        1 => Just(Opening::Simultaneous),
    ];
    let steps = (prop::collection::vec(say(), 0..6), ending());
    (pause, prop::array::uniform2(isn), opening, steps).prop_map(
        |(pause, isns, opening, (mut steps, ending))| {
            steps.extend(ending);
            Connection {
                pause,
                isns,
                opening,
                steps,
            }
        },
    )
}

fn first_isn() -> impl Strategy<Value = Isn> {
    prop_oneof![
        2 => any::<u32>().prop_map(Isn::Any),
        1 => (0..600u32).prop_map(|n| Isn::Any(u32::MAX - n)),
    ]
}

/// Not near the one before, unless it goes on from there as the numbers of
/// hosts do that choose them by a clock. So it does not shrink.
fn isn() -> impl Strategy<Value = Isn> {
    prop_oneof![
        2 => any::<u32>().no_shrink().prop_map(Isn::Any),
        1 => (1..100_000u32).prop_map(Isn::Ahead),
    ]
}

fn say() -> impl Strategy<Value = (u64, Step)> {
    let len = prop_oneof![1 => Just(1), 4 => 1..90usize, 3 => 90..450usize];
    (think(), host(), len).prop_map(|(pause, host, len)| (pause, Step::Say(host, len)))
}

/// The time between two steps.
fn think() -> impl Strategy<Value = u64> {
    prop_oneof![
        12 => micros(0..80_000),
        2 => millis(80..2_000),
        1 => millis(2_000..15_000),
    ]
}

fn ending() -> impl Strategy<Value = Vec<(u64, Step)>> {
    (think(), think(), host(), 0..9).prop_map(|(first, then, host, how)| match how {
        0 => vec![],
        1 => vec![(first, Step::Close(host))],
        2 => vec![(first, Step::Close(0)), (0, Step::Close(1))],
        3 | 4 => vec![(first, Step::Close(host)), (then, Step::Close(1 - host))],
        5 => vec![(first, Step::Close(host)), (then, Step::Abort(1 - host))],
        6 => vec![(first, Step::Abort(host))],
        7 => vec![(first, Step::Crash(host))],
        // What is said then finds nobody.
        _ => vec![
            (first, Step::Crash(host)),
            (then, Step::Say(1 - host, 20)),
            (then, Step::Say(1 - host, 30)),
        ],
    })
}

/// Nothing out of the ordinary.
pub(crate) fn fair() -> impl Strategy<Value = Odd> {
    Just(Odd {
        mishaps: Vec::new(),
        forgeries: Vec::new(),
    })
}

/// What is lost, slow or there twice on any link: nothing that a watcher could
/// not tell from what it sees.
pub(crate) fn weather() -> impl Strategy<Value = Odd> {
    let what = prop_oneof![
        Just(What::Lost),
        Just(What::LostBehind),
        Just(What::Twice),
        millis(1..400).prop_map(What::Slow),
    ];
    prop::collection::vec(mishap(what), 0..3).prop_map(|mishaps| Odd {
        mishaps,
        forgeries: Vec::new(),
    })
}

/// One packet that is not seen, or written down late.
pub(crate) fn oversight() -> impl Strategy<Value = Odd> {
    let time = prop_oneof![Just(LateTime::Own), Just(LateTime::OfTheOther)];
    let what = prop_oneof![
        Just(What::Unseen),
        (1..5usize, time).prop_map(|(by, time)| What::Late(by, time)),
    ];
    mishap(what).prop_map(|mishap| Odd {
        mishaps: vec![mishap],
        forgeries: Vec::new(),
    })
}

/// One forged packet.
pub(crate) fn forged() -> impl Strategy<Value = Odd> {
    forgery().prop_map(|forgery| Odd {
        mishaps: Vec::new(),
        forgeries: vec![forgery],
    })
}

/// One of both and another, and what happens on any link.
pub(crate) fn several() -> impl Strategy<Value = Odd> {
    let odd = || prop_oneof![forged(), oversight()];
    (odd(), odd(), weather()).prop_map(|(a, b, c)| Odd {
        mishaps: [a.mishaps, b.mishaps, c.mishaps].concat(),
        forgeries: [a.forgeries, b.forgeries, c.forgeries].concat(),
    })
}

fn mishap(what: impl Strategy<Value = What>) -> impl Strategy<Value = Mishap> {
    let kind = prop::sample::select(vec![
        Kind::Syn,
        Kind::SynAck,
        Kind::HandshakeAck,
        Kind::Data,
        Kind::Data,
        Kind::Ack,
        Kind::Fin,
        Kind::Rst,
    ]);
    let nth = prop_oneof![3 => Just(0usize), 2 => 0..6usize];
    (0..3usize, kind, nth, what).prop_map(|(connection, kind, nth, what)| Mishap {
        connection,
        kind,
        nth: match kind {
            Kind::Data | Kind::Ack => nth,
            Kind::Syn | Kind::SynAck | Kind::HandshakeAck | Kind::Fin | Kind::Rst => nth / 4,
        },
        what,
    })
}

fn forgery() -> impl Strategy<Value = Forgery> {
    let delay = prop_oneof![
        4 => micros(0..40_000),
        1 => millis(40..70_000),
    ];
    let after = prop_oneof![2 => 0..4usize, 4 => 2..20usize, 1 => Just(usize::MAX)];
    let control = prop_oneof![
        3 => Just((Control::Syn, false)),
        2 => Just((Control::Syn, true)),
        2 => Just((Control::Rst, false)),
        2 => Just((Control::Rst, true)),
        3 => Just((Control::Fin, true)),
        1 => Just((Control::Fin, false)),
    ];
    let seq = prop_oneof![
        4 => Just(ForgedSeq::Exact),
        2 => (1..2_000u32).prop_map(ForgedSeq::Ahead),
        1 => Just(ForgedSeq::Behind(1)),
        1 => (1..600u32).prop_map(ForgedSeq::Behind),
        2 => any::<u32>().prop_map(ForgedSeq::Any),
    ];
    let ack = prop_oneof![
        3 => Just(ForgedAck::Right),
        1 => (0..400u32).prop_map(ForgedAck::Old),
        1 => any::<u32>().prop_map(ForgedAck::Any),
    ];
    let data = prop_oneof![3 => Just(0usize), 1 => 1..40usize];
    let arrival = prop_oneof![Just(Arrival::Arrives), Just(Arrival::Dies)];
    let how = (control, seq, ack, data, arrival);
    (0..3usize, after, delay, host(), how).prop_map(
        |(connection, after, delay, from, ((control, has_ack), seq, ack, data, arrival))| Forgery {
            connection,
            after,
            delay,
            from,
            control,
            seq,
            ack: if has_ack { ack } else { ForgedAck::None },
            data,
            arrival,
        },
    )
}

fn host() -> impl Strategy<Value = usize> {
    0..2usize
}

fn micros(range: Range<u64>) -> impl Strategy<Value = u64> {
    range.prop_map(|micros| micros * 1_000)
}

fn millis(range: Range<u64>) -> impl Strategy<Value = u64> {
    range.prop_map(|millis| millis * MILLISECOND)
}
