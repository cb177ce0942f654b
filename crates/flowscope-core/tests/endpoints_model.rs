//! Connections between hosts that keep to RFC 9293, as the engine tells of
//! them, against what the hosts themselves have read.
//!
//! One packet that is forged, unseen or written down late must not make us lose
//! what a connection said. What a single packet means shows only in what the
//! hosts do about it, so this is the evidence that the engine has to go by:
//!
//! - A SYN that nobody answers changes nothing, whatever its number.
//! - A SYN-ACK that acknowledges the SYN's number proves a new connection,
//!   however long or short after the one before. Only then does the SYN count,
//!   and it counts for the new flow.
//! - Between two SYN-ACKs the client's ACK chooses.
//! - The client's first ACK, before any data of the server, names the server's
//!   first byte, should the SYN-ACK not have been seen.
//! - An RST in the window that is not exactly at what its receiver wants next
//!   is odd and ends nothing (RFC 9293, section 3.10.7.4).
//! - An RST at exactly that number, and a FIN, end a stream only until the
//!   other side is seen to acknowledge what was sent after them.
//! - A SYN that is written down behind the end of its connection begins no
//!   second flow.
//!
//! Forged data is left out: what a receiver accepts of it is what it reads.
//!
//! Of each connection that was made, all that can be of no other must be on one
//! flow, which is no other's. Its streams must be what was read: each byte that
//! was seen on its way to somebody who read it, and a gap for each that was
//! not. What was seen and never read, as the connection was dead by then, may
//! follow. A flow that is of no connection must not take the place of one that
//! has not expired, unless a SYN was answered.
//!
//! That all of this can be known is shown by `common/rules.rs`, which knows the
//! packets that were seen and nothing else. What cannot is in
//! `common/excuse.rs`, and rare.
//!
//! `PROPTEST_CASES=1000000 cargo test --release --test endpoints_model` runs
//! more of them, with `PROPTEST_RNG_SEED=2` others.

mod common;

use std::collections::BTreeMap;

use common::cases;
use common::endpoint::{Control, Host, Segment};
use common::link::run;
use common::link_scripts::{fair, forged, oversight, script, several, weather};
use common::link_story::{Script, Story};
use common::link_trace::oddities;
use common::pair::Pair;
use common::tcb::State;
use common::verdict::Judge;
use common::witness::{Witness, reason, watch};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{RngAlgorithm, RngSeed, TestRng, TestRunner};

proptest! {
    // Always the same ones, unless more are asked for: what evidence does not
    // settle is rare, and not absent.
    #![proptest_config(ProptestConfig {
        rng_seed: seed(),
        failure_persistence: None,
        ..cases(3_000)
    })]

    /// Packets are lost, slow or there twice; two pairs of ports at once.
    #[test]
    fn what_hosts_say_is_told(
        script in script(1..=1, weather()),
        other in script(1..=1, weather()),
    ) {
        judge(&[script, other], watch)?;
    }

    #[test]
    fn a_port_may_be_used_again(script in script(2..=3, weather())) {
        judge(&[script], watch)?;
    }

    #[test]
    fn a_packet_unseen_or_late_takes_nothing_along(script in script(1..=3, oversight())) {
        judge(&[script], watch)?;
    }

    #[test]
    fn a_forged_packet_takes_nothing_along(script in script(1..=3, forged())) {
        judge(&[script], watch)?;
    }

    /// What is asked of the engine can be known.
    #[test]
    fn the_evidence_is_enough(
        script in prop_oneof![
            script(1..=3, weather()),
            script(1..=3, oversight()),
            script(1..=3, forged()),
        ],
    ) {
        judge(&[script], reason)?;
    }
}

/// Where every packet is seen and none is forged, nothing needs an excuse.
#[test]
fn in_fair_weather_everything_is_told_as_it_was() {
    for script in sample(script(1..=3, fair()), 500) {
        let outcome = play(&[script], watch);
        assert_eq!(outcome.wrong, None);
        assert_eq!(outcome.excused, [[""; 2]; 0]);
    }
}

/// Two odd packets that have to do with each other may well mislead.
#[test]
fn several_odd_packets_seldom_take_anything_along() {
    let wrong = sample(script(1..=3, several()), 2_000)
        .filter(|script| play(core::slice::from_ref(script), watch).wrong.is_some())
        .count();
    assert!(wrong <= 10, "{wrong} times of 2000");
}

/// A model proves nothing about what never happens to it.
#[test]
fn everything_happens_that_hosts_and_links_are_there_for() {
    let mut seen = BTreeMap::new();
    let scripts = [
        sample(script(1..=3, weather()), 2_000).collect::<Vec<_>>(),
        sample(script(1..=3, oversight()), 2_000).collect(),
        sample(script(1..=3, forged()), 4_000).collect(),
    ];
    for script in scripts.concat() {
        for what in oddities(&run(&script, &content)) {
            *seen.entry(what).or_insert(0) += 1;
        }
    }
    let kinds = ["Syn", "SynAck", "HandshakeAck", "Data", "Ack", "Fin", "Rst"];
    let mishaps = ["Lost", "LostBehind", "Twice", "Slow", "Unseen", "Late"];
    let forged = ["Syn", "Syn-ACK", "Rst", "Rst-ACK", "Fin", "Fin-ACK"];
    let places = ["Exact", "Ahead", "Behind", "Any"];
    let states = [
        "nobody",
        "SynSent",
        "SynReceived",
        "Established",
        "FinWait1",
        "FinWait2",
        "CloseWait",
        "LastAck",
        "TimeWait",
    ];
    let pairs = |a: &[&'static str], b: &[&'static str]| -> Vec<[&'static str; 2]> {
        let pair = |a| b.iter().map(move |b| [a, *b]);
        a.iter().copied().flat_map(pair).collect()
    };
    let mishaps = pairs(&kinds, &mishaps)
        .into_iter()
        .map(|[kind, what]| format!("{kind} {what}"));
    let places = pairs(&forged, &places)
        .into_iter()
        .flat_map(|[what, place]| {
            ["arrives", "dies"].map(|fate| format!("forged {what}, {place}, {fate}"))
        });
    let states = pairs(&["SYN", "RST", "FIN"], &states)
        .into_iter()
        .map(|[what, state]| format!("a forged {what} to {state}"));
    for what in mishaps.chain(places).chain(states) {
        let times = seen.get(&what).copied().unwrap_or(0);
        assert!(times >= 3, "{what}: {times} times of {seen:#?}");
    }
}

/// What excuses everything would prove nothing either.
#[test]
fn excuses_are_rare() {
    let (mut excused, mut lenient) = (0, 0);
    for script in sample(script(1..=3, forged()), 2_000) {
        let outcome = play(&[script], watch);
        excused += usize::from(!outcome.excused.is_empty());
        lenient += usize::from(outcome.is_lenient);
    }
    assert!(excused <= 40, "excused {excused} times of 2000");
    assert!(lenient <= 100, "lenient {lenient} times of 2000");
}

/// Counts what is wrong and what is excused, by kind. With more cases than the
/// usual, and what it counts:
/// `PROPTEST_CASES=250000 cargo test --release --test endpoints_model many_cases -- --nocapture`.
#[test]
fn nothing_is_wrong_in_many_cases() {
    let RngSeed::Fixed(seed) = seed() else {
        unreachable!("the seed is always a number");
    };
    let times = usize::try_from(cases(10_000).cases).expect("it is no more than can be counted");
    let mut wrong = 0;
    for (kind, odd) in [
        ("weather", weather().boxed()),
        ("oversight", oversight().boxed()),
        ("forged", forged().boxed()),
    ] {
        let mut counts = BTreeMap::new();
        let scripts = script(1..=3, odd);
        let mut runner = runner(seed);
        for case in 0..times {
            let script = scripts.new_tree(&mut runner).expect("it can be made");
            let outcome = play(&[script.current()], watch);
            for [what, excuse] in outcome.excused {
                *counts.entry([what, excuse]).or_insert(0) += 1;
            }
            if let Some((what, trace)) = outcome.wrong {
                println!("{kind}, case {case}: {what}\n{trace}");
                wrong += 1;
            }
        }
        println!("{kind}: {times} cases, {wrong} wrong so far, excused: {counts:#?}");
    }
    assert_eq!(wrong, 0);
}

fn seed() -> RngSeed {
    let asked = std::env::var("PROPTEST_RNG_SEED").ok();
    RngSeed::Fixed(asked.map_or(1, |seed| seed.parse().expect("a seed is a number")))
}

fn runner(seed: u64) -> TestRunner {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    TestRunner::new_with_rng(ProptestConfig::default(), rng)
}

fn sample(scripts: impl Strategy<Value = Script>, times: usize) -> impl Iterator<Item = Script> {
    let mut runner = TestRunner::deterministic();
    (0..times).map(move |_| {
        let script = scripts.new_tree(&mut runner).expect("it can be made");
        script.current()
    })
}

/// What hosts say, as a number of connection, host and place that is unlikely
/// to be another's.
fn content(connection: usize, host: usize, place: usize) -> u8 {
    let number = (place * 16 + connection * 2 + host) as u32;
    (number.wrapping_mul(0x9e37_79b1) >> 24) as u8
}

/// Fails if something is wrong with what the engine tells of scripts, each
/// between ports of its own; with every packet and what became of it.
fn judge(scripts: &[Script], watch: Watch) -> Result<(), TestCaseError> {
    match play(scripts, watch).wrong {
        Some((what, trace)) => Err(TestCaseError::fail(format!("{what}\n{trace}"))),
        None => Ok(()),
    }
}

#[derive(Default)]
struct Outcome {
    /// What would be wrong, and why it may not be.
    excused: Vec<[&'static str; 2]>,
    /// Whether much of it would be excused.
    is_lenient: bool,
    /// What is wrong, and every packet.
    wrong: Option<(String, String)>,
}

/// Somebody who tells of stories.
type Watch = fn(&[Story]) -> Witness;

fn play(scripts: &[Script], watch: Watch) -> Outcome {
    let stories: Vec<_> = scripts.iter().map(|script| run(script, &content)).collect();
    let witness = watch(&stories);
    let mut outcome = Outcome::default();
    for (lane, (script, story)) in scripts.iter().zip(&stories).enumerate() {
        let judge = Judge {
            lane,
            script,
            story,
            witness: &witness,
            content: &content,
        };
        outcome.is_lenient |= (0..story.ends.len()).any(|it| judge.is_silent_after_end(it));
        for (wrong, excuse) in judge.judge() {
            match excuse {
                Some(excuse) => outcome.excused.push([wrong.what, excuse]),
                None => {
                    let what = format!("{}: {}", wrong.what, wrong.detail);
                    outcome.wrong.get_or_insert_with(|| (what, judge.trace()));
                }
            }
        }
    }
    outcome
}

// The hosts themselves, without which the rest proves nothing.

#[test]
fn hosts_connect_speak_and_close() {
    let mut pair = Pair::connected();
    pair.say(0, &[7; 250]);
    pair.say(1, b"yes");
    assert_eq!(
        (pair.tcb(1).read.len(), &*pair.tcb(0).read),
        (250, &b"yes"[..])
    );
    pair.close(0);
    assert_eq!(
        pair.states(),
        [Some(State::FinWait2), Some(State::CloseWait)]
    );
    pair.say(1, b"more");
    pair.close(1);
    assert_eq!(pair.tcb(0).read, b"yesmore");
    assert_eq!(pair.states(), [Some(State::TimeWait), None]);
    pair.wait(60_001);
    assert_eq!(pair.states(), [None; 2]);
}

#[test]
fn what_is_lost_is_sent_again() {
    let mut pair = Pair::new();
    pair.in_vain(0, |host, out| host.open(1, 0, out));
    pair.wait(1_000);
    assert_eq!(pair.states(), [Some(State::Established); 2]);
    let now = pair.now;
    pair.in_vain(0, |host, out| host.say(b"lost", now, out));
    pair.say(0, b" and found");
    assert_eq!(pair.tcb(1).read, b"");
    pair.in_vain(0, |host, out| host.close(now, out));
    pair.wait(600);
    assert_eq!(pair.tcb(1).read, b"lost and found");
    assert_eq!(
        pair.states(),
        [Some(State::FinWait2), Some(State::CloseWait)]
    );
}

#[test]
fn early_data_waits_and_its_first_copy_counts() {
    let mut pair = Pair::connected();
    for (ahead, data) in [(3, b"def"), (4, b"xyz"), (0, b"abc")] {
        let segment = pair.segment(0, Control::None, ahead, data);
        pair.forge(0, &segment);
    }
    assert_eq!(pair.tcb(1).read, b"abcdefz");
    let early_fin = pair.segment(0, Control::Fin, 2, b"");
    pair.forge(0, &early_fin);
    assert!(!pair.tcb(1).has_read_fin);
    let last = pair.segment(0, Control::None, 0, b"more than fits");
    pair.forge(0, &last);
    assert_eq!(pair.tcb(1).read, b"abcdefzmo");
    assert_eq!(pair.tcb(1).state, State::CloseWait);
}

#[test]
fn a_syn_or_an_inexact_rst_is_challenged() {
    let mut pair = Pair::connected();
    pair.say(0, b"hello");
    let challenge = Segment {
        control: Control::None,
        ..pair.segment(1, Control::None, 0, b"")
    };
    for (control, ahead) in [(Control::Syn, 0), (Control::Syn, 9), (Control::Syn, -9)] {
        let segment = pair.segment(0, control, ahead, b"");
        assert_eq!(pair.forge(0, &segment), core::slice::from_ref(&challenge));
    }
    let blind = pair.segment(0, Control::Rst, 9, b"");
    assert_eq!(pair.forge(0, &blind), [challenge]);
    let outside = pair.segment(0, Control::Rst, -9, b"");
    assert_eq!(pair.forge(0, &outside), []);
    assert_eq!(pair.states(), [Some(State::Established); 2]);
    let exact = pair.segment(0, Control::Rst, 0, b"");
    assert_eq!(pair.forge(0, &exact), []);
    assert_eq!(pair.states(), [Some(State::Established), None]);
    // The other learns of it when it speaks.
    pair.say(0, b"hello?");
    assert_eq!(pair.states(), [None; 2]);
}

#[test]
fn an_ack_of_what_was_never_sent_is_dropped_with_its_data() {
    let mut pair = Pair::connected();
    let mut segment = pair.segment(0, Control::None, 0, b"?");
    segment.ack = segment.ack.map(|ack| ack + 1);
    assert_eq!(pair.forge(0, &segment).len(), 1);
    assert_eq!(pair.tcb(1).read, b"");
    segment.ack = None;
    assert_eq!(pair.forge(0, &segment), []);
    assert_eq!(pair.tcb(1).read, b"");
}

#[test]
fn hosts_may_open_and_close_at_once() {
    let mut pair = Pair::new();
    let (mut from_client, mut from_server) = (Vec::new(), Vec::new());
    pair.hosts[0].open(10, 0, &mut from_client);
    pair.hosts[1].open(20, 0, &mut from_server);
    let answers = [
        pair.forge(1, &from_server[0]),
        pair.forge(0, &from_client[0]),
    ];
    assert_eq!(pair.states(), [Some(State::SynReceived); 2]);
    for (from, answers) in answers.into_iter().enumerate() {
        pair.deliver(from, answers);
    }
    assert_eq!(pair.states(), [Some(State::Established); 2]);

    let (mut from_client, mut from_server) = (Vec::new(), Vec::new());
    pair.hosts[0].close(0, &mut from_client);
    pair.hosts[1].close(0, &mut from_server);
    let answers = [
        pair.forge(1, &from_server[0]),
        pair.forge(0, &from_client[0]),
    ];
    assert_eq!(pair.states(), [Some(State::Closing); 2]);
    for (from, answers) in answers.into_iter().enumerate() {
        pair.deliver(from, answers);
    }
    assert_eq!(pair.states(), [Some(State::TimeWait); 2]);
}

/// RFC 9293, section 3.5.1: figure 9.
#[test]
fn a_host_that_forgot_connects_again() {
    let mut pair = Pair::connected();
    pair.say(0, b"old");
    pair.hosts[0].forget();
    pair.hosts[1].next_isn = 900;
    pair.passed.clear();
    pair.does(0, |host, out| host.open(70_000, 0, out));
    assert_eq!(pair.states(), [Some(State::SynSent), None]);
    let controls: Vec<_> = pair.passed.iter().map(|(_, it)| it.control).collect();
    assert_eq!(controls, [Control::Syn, Control::None, Control::Rst]);
    pair.wait(1_000);
    assert_eq!(pair.states(), [Some(State::Established); 2]);
    pair.say(0, b"new");
    assert_eq!(pair.tcb(1).read, b"new");
    assert_eq!(pair.hosts[1].gone[0].read, b"old");
}

/// RFC 9293, section 3.5: figure 8.
#[test]
fn an_old_syn_is_refused_by_whom_it_is_said_to_be_of() {
    let mut pair = Pair::new();
    let old = Segment {
        seq: 90,
        ack: None,
        control: Control::Syn,
        data: b"ignored".to_vec(),
    };
    pair.in_vain(0, |host, out| host.open(100, 0, out));
    pair.deliver(0, vec![old]);
    assert_eq!(pair.states(), [Some(State::SynSent), None]);
    let controls: Vec<_> = pair.passed.iter().map(|(_, it)| it.control).collect();
    assert_eq!(controls, [Control::Syn, Control::Syn, Control::Rst]);
    pair.wait(1_000);
    assert_eq!(pair.states(), [Some(State::Established); 2]);
}

#[test]
fn time_wait_gives_way_to_later_numbers_only() {
    for (isn, states) in [
        (4_000, [Some(State::SynSent), None]),
        (400_000, [Some(State::Established); 2]),
    ] {
        let mut pair = Pair::new();
        pair.does(0, |host, out| host.open(5_000, 0, out));
        pair.close(1);
        pair.close(0);
        assert_eq!(pair.states(), [None, Some(State::TimeWait)]);
        pair.does(0, |host, out| host.open(isn, 0, out));
        assert_eq!(pair.states(), states, "{isn}");
    }
}

#[test]
fn nobody_answers_with_an_rst_where_there_is_no_connection() {
    let mut host = Host::default();
    let segment = |control, ack| Segment {
        seq: 10,
        ack,
        control,
        data: b"abc".to_vec(),
    };
    let answer = |host: &mut Host, control, ack| {
        let mut out = Vec::new();
        host.receive(&segment(control, ack), 0, &mut out);
        out.first().map(|it| (it.control, it.seq, it.ack))
    };
    let rst = Control::Rst;
    assert_eq!(
        answer(&mut host, Control::Syn, None),
        Some((rst, 0, Some(14)))
    );
    assert_eq!(
        answer(&mut host, Control::None, Some(5)),
        Some((rst, 5, None))
    );
    assert_eq!(answer(&mut host, Control::Rst, Some(5)), None);
    host.listens = true;
    assert_eq!(answer(&mut host, Control::Fin, None), None);
    assert_eq!(
        answer(&mut host, Control::Syn, Some(5)),
        Some((rst, 5, None))
    );
    assert_eq!(
        answer(&mut host, Control::Syn, None),
        Some((Control::Syn, 0, Some(11)))
    );
}
