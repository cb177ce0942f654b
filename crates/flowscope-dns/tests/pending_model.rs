//! Queries are matched as by one who looks through all that wait.

mod common;

use common::{CLIENT, SERVER, at, message, query};
use flowscope_core::FlowSide;
use flowscope_core::session::{Datagram, DatagramParser};
use flowscope_dns::{DnsConfig, DnsMessage, DnsUdpParser, Strictness, Unanswered};
use proptest::collection::vec;
use proptest::prelude::*;

/// A message: who sent it, when, and what it asks or answers.
#[derive(Clone, Debug)]
struct Said {
    side: FlowSide,
    /// After the one before.
    wait: u64,
    id: u16,
    name: String,
    is_response: bool,
    repeats_question: bool,
}

impl Said {
    fn bytes(&self) -> Vec<u8> {
        let flags = if self.is_response { 0x8180 } else { 0x0100 };
        let mut bytes = message(self.id, flags, &self.name, 1, 0);
        if self.is_response && !self.repeats_question {
            bytes.truncate(12);
            bytes[5] = 0;
        }
        bytes
    }
}

/// What became of a message, or of a query that waited.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Told {
    Query {
        again: bool,
    },
    Response {
        attempts: Option<u32>,
    },
    Unanswered {
        id: u16,
        name: String,
        attempts: u32,
        why: Unanswered,
    },
}

/// A query that waits, in the model.
struct Waits {
    said: Said,
    due: u64,
    attempts: u32,
}

/// A list in order, looked through from its front.
struct Model {
    config: DnsConfig,
    waiting: Vec<Waits>,
    told: Vec<Told>,
}

impl Model {
    fn give_up(&mut self, why: Unanswered, is_lost: impl Fn(&Waits) -> bool) {
        for Waits { said, attempts, .. } in self.waiting.extract_if(.., |it| is_lost(it)) {
            let (id, name) = (said.id, said.name);
            self.told.push(Told::Unanswered {
                id,
                name,
                attempts,
                why,
            });
        }
    }

    fn say(&mut self, said: &Said, now: u64) {
        self.give_up(Unanswered::TimedOut, |it| it.due <= now);
        let asked_by = if said.is_response {
            said.side.peer()
        } else {
            said.side
        };
        let found = self.waiting.iter().position(|it| {
            let same = it.said.name.eq_ignore_ascii_case(&said.name);
            it.said.id == said.id
                && it.said.side == asked_by
                && (same || (said.is_response && !said.repeats_question))
        });
        if said.is_response {
            let attempts = found.map(|found| self.waiting.remove(found).attempts);
            return self.told.push(Told::Response { attempts });
        }
        let due = now + self.config.timeout.as_millis() as u64;
        if let Some(found) = found {
            let waits = &mut self.waiting[found];
            (waits.due, waits.attempts) = (waits.due.max(due), waits.attempts + 1);
            return self.told.push(Told::Query { again: true });
        }
        let len = said.bytes().len();
        let bytes =
            |waiting: &[Waits]| -> usize { waiting.iter().map(|it| it.said.bytes().len()).sum() };
        while !self.waiting.is_empty()
            && (self.waiting.len() >= self.config.max_pending
                || bytes(&self.waiting) + len > self.config.max_pending_bytes)
        {
            let Waits { said, attempts, .. } = self.waiting.remove(0);
            let (id, name, why) = (said.id, said.name, Unanswered::Evicted);
            self.told.push(Told::Unanswered {
                id,
                name,
                attempts,
                why,
            });
        }
        let said = said.clone();
        self.waiting.push(Waits {
            said,
            due,
            attempts: 1,
        });
        self.told.push(Told::Query { again: false });
    }
}

fn told(message: &DnsMessage) -> Told {
    match message {
        DnsMessage::Query(query) => Told::Query {
            again: query.is_retransmission,
        },
        DnsMessage::Response(response) => Told::Response {
            attempts: response.answers.map(|answered| answered.attempts),
        },
        DnsMessage::Unanswered(lost) => Told::Unanswered {
            id: lost.id(),
            name: lost
                .question()
                .map(|it| it.name.to_string())
                .unwrap_or_default(),
            attempts: lost.attempts,
            why: lost.why,
        },
        other => panic!("{other:?}"),
    }
}

fn said() -> impl Strategy<Value = Said> {
    let side = prop_oneof![4 => Just(CLIENT), 1 => Just(SERVER)];
    let wait = prop_oneof![6 => Just(0), 3 => 1..40u64, 1 => 40..200u64];
    let name = "[a-cA-C]{1,2}(\\.x{1,20})?";
    (
        side,
        wait,
        1..4u16,
        name,
        prop::bool::weighted(0.3),
        prop::bool::weighted(0.7),
    )
        .prop_map(
            |(side, wait, id, name, is_response, repeats_question)| Said {
                side: if is_response { side.peer() } else { side },
                wait,
                id,
                name,
                is_response,
                repeats_question,
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn responses_find_their_queries_however_many_wait(
        talk in vec(said(), 1..120),
        max_pending in prop_oneof![1..40usize, Just(256)],
        max_pending_bytes in prop_oneof![60..600usize, Just(64 << 10)],
    ) {
        let config = DnsConfig {
            strictness: Strictness::KnownPort,
            timeout: core::time::Duration::from_millis(100),
            max_pending,
            max_pending_bytes,
            ..DnsConfig::default()
        };
        let mut model = Model { config, waiting: Vec::new(), told: Vec::new() };
        let mut parser = DnsUdpParser::new(config);
        let mut found = Vec::new();
        let mut now = 1_000;
        for said in &talk {
            now += said.wait;
            model.say(said, now);
            let bytes = said.bytes();
            let datagram = Datagram::new(said.side, at(now), &bytes);
            prop_assert!(parser.parse(datagram, &mut found).is_ok());
            let waits: Vec<_> = model.waiting.iter().map(|it| it.due).collect();
            prop_assert_eq!(parser.next_tick().is_some(), !waits.is_empty());
        }
        parser.close(at(now), &mut found);
        // The flow's ends are closed one after the other.
        for side in FlowSide::BOTH {
            model.give_up(Unanswered::FlowEnded, |it| it.said.side == side.peer());
        }
        let found: Vec<_> = found.iter().map(told).collect();
        prop_assert_eq!(found, model.told);
        prop_assert_eq!(parser.next_tick(), None);
    }
}

#[test]
fn many_queries_are_matched_and_given_up_in_order() {
    let mut parser = DnsUdpParser::default();
    let mut found = Vec::new();
    let mut say = |side, bytes: &[u8]| {
        found.clear();
        let parsed = parser.parse(Datagram::new(side, at(0), bytes), &mut found);
        assert!(parsed.is_ok());
        found.iter().map(told).collect::<Vec<_>>()
    };
    for n in 0..100 {
        say(CLIENT, &query(7, &format!("Host{n}.example")));
    }
    let answer = message(7, 0x8180, "hOST57.example", 1, 0);
    assert_eq!(say(SERVER, &answer), [Told::Response { attempts: Some(1) }]);
    assert_eq!(say(SERVER, &answer), [Told::Response { attempts: None }]);
    // The oldest of that identifier is taken if the question is left out.
    let refused = [0, 7, 0x81, 0x81, 0, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(
        say(SERVER, &refused),
        [Told::Response { attempts: Some(1) }]
    );
    let first = message(7, 0x8180, "host0.example", 1, 0);
    assert_eq!(say(SERVER, &first), [Told::Response { attempts: None }]);
    found.clear();
    parser.close(at(1), &mut found);
    let names: Vec<_> = found.iter().map(ToString::to_string).collect();
    let expected: Vec<_> = (1..100)
        .filter(|n| *n != 57)
        .map(|n| format!("unanswered 7 Host{n}.example A"))
        .collect();
    assert_eq!(names, expected);
    assert!(parser.memory() < 512, "{}", parser.memory());
}

#[test]
fn what_waits_is_bounded_in_bytes() {
    let config = DnsConfig {
        max_pending_bytes: 2_000,
        ..DnsConfig::default()
    };
    let mut parser = DnsUdpParser::new(config);
    let mut evicted = 0;
    for n in 0..200u16 {
        let label = format!("{n:0>63}");
        let long = query(n, &[label.as_str(); 3].join("."));
        let mut found = Vec::new();
        let parsed = parser.parse(Datagram::new(CLIENT, at(0), &long), &mut found);
        assert!(parsed.is_ok());
        evicted += found.len() - 1;
        // Nine of 210 bytes, and what finds them.
        assert!(parser.memory() <= 2_000 + 4_000, "{}", parser.memory());
    }
    assert_eq!(evicted, 200 - 9);
    // One alone may have more.
    let mut parser = DnsUdpParser::new(DnsConfig {
        max_pending_bytes: 0,
        ..DnsConfig::default()
    });
    assert_eq!(
        common::send(&mut parser, CLIENT, 0, &query(1, "a")).len(),
        1
    );
    assert_eq!(
        common::send(&mut parser, SERVER, 3, &common::response(1, "a")),
        ["response 1 NoError a A → A 192.0.0.0 (3ms)"]
    );
}
