//! What is bounded, and what happens there.
//!
//! Each [`Limit`] is lowered and reached, and what is told of it is compared with
//! a run of the same packets with the default settings. `docs/LIMITS.md` is the
//! table of them, as this test makes it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod captures;
mod dns;
mod flows;
mod fragments;
mod http;
mod limit;
mod quic;
mod run;
mod search;
mod streams;
mod table;
mod tls;

use std::fs;
use std::path::Path;

use limit::{Limit, Section, Settings, Told};

fn sections() -> Vec<Section> {
    vec![
        Section::new("Flows", flows::limits()),
        Section::new("Streams", streams::limits()),
        Section::new("Fragments", fragments::limits()),
        Section::new("Telling protocols", search::limits()),
        Section::new("HTTP", http::limits()),
        Section::new("TLS and DTLS", tls::limits()),
        Section::new("QUIC", quic::limits()),
        Section::new("DNS", dns::limits()),
    ]
}

#[test]
fn each_is_reached_and_told() {
    let mut wrong = Vec::new();
    for limit in sections().iter().flat_map(|section| &section.limits) {
        let frames = (limit.frames)();
        let mut settings = Settings::default();
        (limit.base)(&mut settings);
        let usual = run::lines(settings, &frames);
        (limit.lower)(&mut settings);
        let lowered = run::lines(settings, &frames);
        let has = |lines: &[String], told: &str| lines.iter().any(|line| line == told);
        let holds = match limit.told {
            Told::By(told) => has(&lowered, told) && !has(&usual, told),
            Told::Without(told) => !has(&lowered, told) && has(&usual, told),
        };
        if !holds {
            wrong.push(format!(
                "{}\n  usual   {usual:?}\n  lowered {lowered:?}",
                limit.name
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every size, number and time that the settings have is in the table.
#[test]
fn none_is_left_out() {
    let sections = sections();
    let known: Vec<&str> = sections
        .iter()
        .flat_map(|section| &section.limits)
        .map(|limit| limit.name)
        .collect();
    let mut missing = Vec::new();
    for package in ["core", "detect", "dns", "http", "quic", "tls"] {
        let path = format!("../../docs/api/flowscope-{package}.txt");
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        for line in fs::read_to_string(path).unwrap().lines() {
            let Some((name, kind)) = line.split_once(" field ") else {
                continue;
            };
            // Within its module or at the top of the crate.
            let parts: Vec<&str> = name.rsplit("::").take(2).collect();
            let (field, owner) = (parts[0], parts.get(1).copied().unwrap_or_default());
            let is_limit = matches!(kind, "usize" | "u8" | "u16" | "u32" | "u64" | "Duration");
            let is_setting = owner.ends_with("Config") || owner.ends_with("Timeouts");
            let name = format!("{owner}::{field}");
            // How much is read of large frames, and in how many parts `max_memory` is
            // dealt out: neither bounds anything.
            if ["DedupConfig::patience", "EngineConfig::shards"].contains(&name.as_str()) {
                continue;
            }
            if is_limit && is_setting && !known.contains(&name.as_str()) {
                missing.push(name);
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
    assert!(known.len() > 30);
}

#[test]
fn the_documentation_has_them() {
    table::compare_with_documentation(&sections());
}

impl Section {
    fn new(title: &'static str, limits: Vec<Limit>) -> Self {
        Self { title, limits }
    }
}
