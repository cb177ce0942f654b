//! What is sent so that a monitor reads something else than the receiver does,
//! and what is made of it here.
//!
//! A [`Case`] is a situation, with what its receivers read and what is read and
//! reported here. Whatever is not read as every receiver reads it has to be
//! reported. `docs/EVASION.md` is the table of all cases, as this test makes it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod case;
mod control;
mod data;
mod dns;
mod fragments;
mod handshake;
mod http;
mod overlaps;
mod run;
mod table;
mod tls;

use case::Section;

fn sections() -> Vec<Section> {
    vec![
        Section::new("Beginning a connection", handshake::cases()),
        Section::new("Ending a connection", control::cases()),
        Section::new("Data of a connection", data::cases()),
        Section::new("Segments that overlap", overlaps::segments()),
        Section::new("Fragments", fragments::cases()),
        Section::new("Fragments that overlap", overlaps::fragments()),
        Section::new("HTTP", http::cases()),
        Section::new("TLS", tls::cases()),
        Section::new("DNS", dns::cases()),
    ]
}

#[test]
fn each_is_read_and_reported_as_expected() {
    let mut differing = Vec::new();
    for case in sections().iter().flat_map(|section| &section.cases) {
        let outcome = run::outcome(case);
        if outcome.read != case.read || outcome.reported != case.reported {
            differing.push(format!(
                "{}\n  read     {:?}\n  expected {:?}\n  reported {:?}\n  expected {:?}",
                case.title, outcome.read, case.read, outcome.reported, case.reported
            ));
        }
    }
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

/// What is expected is checked, too: that nothing is silently read otherwise
/// than receivers read it.
#[test]
fn what_is_read_otherwise_is_reported() {
    for case in sections().iter().flat_map(|section| &section.cases) {
        let as_all_do = case.receivers.iter().all(|(_, read)| *read == case.read);
        assert!(
            as_all_do || !case.reported.is_empty(),
            "{}: nothing is reported",
            case.title
        );
    }
}

#[test]
fn titles_are_not_used_twice_and_there_are_many_cases() {
    let sections = sections();
    let mut titles: Vec<&str> = sections
        .iter()
        .flat_map(|section| &section.cases)
        .map(|case| case.title.as_str())
        .collect();
    let all = titles.len();
    titles.sort_unstable();
    titles.dedup();
    assert_eq!(titles.len(), all);
    assert!(all >= 80, "{all}");
}

#[test]
fn the_documentation_has_them() {
    table::compare_with_documentation(&sections());
}
