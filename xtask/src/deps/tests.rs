//! Every rule against a workspace made to break it.

use super::*;
use crate::project::Scratch;

fn workspace(name: &str, file: &str, text: &str) -> Scratch {
    let workspace = Scratch::new(name);
    project::write(&workspace.path().join(file), text).unwrap();
    workspace
}

fn check(workspace: &Scratch, rule: &Rule) -> BTreeSet<Violation> {
    violations_of(rule, workspace.path()).unwrap()
}

#[test]
fn every_rule_can_be_broken() {
    let empty = Scratch::new("empty");
    for (n, rule) in RULES.iter().enumerate() {
        let (file, text) = rule.broken_by;
        let broken = workspace(&format!("broken-{n}"), file, text);
        let violations = check(&broken, rule);
        assert_eq!(violations.len(), 1, "{}: {violations:?}", rule.says);
        let violation = violations.first().unwrap();
        assert_eq!(violation.file, file, "{}", rule.says);
        assert_eq!(check(&empty, rule), BTreeSet::new(), "{}", rule.says);
    }
}

#[test]
fn exceptions_are_excepted() {
    for (n, rule) in RULES.iter().enumerate() {
        let Check::Absent { except, .. } = &rule.check else {
            continue;
        };
        for (m, place) in except.iter().enumerate() {
            let file = match place.strip_suffix(".rs") {
                Some(_) => (*place).to_owned(),
                None => format!("{place}/inner.rs"),
            };
            let allowed = workspace(&format!("allowed-{n}-{m}"), &file, rule.broken_by.1);
            assert_eq!(check(&allowed, rule), BTreeSet::new(), "{}", rule.says);
        }
    }
}

#[test]
fn no_layer_below_the_engine_reports_to_an_observer() {
    let layers = [
        "wire/ip",
        "extract/auto",
        "track/table",
        "reassemble/held",
        "defrag/shelf",
        "dedup/mod",
        "session/buffer",
        "packet",
    ];
    for layer in layers {
        for text in [
            "use crate::observe;",
            "fn f() { metrics::counter!(\"x\").increment(1) }",
            "fn f() { tracing::debug!(\"x\") }",
        ] {
            let file = format!("crates/flowscope-core/src/{layer}.rs");
            let name = format!("observed-{}", layer.replace('/', "-"));
            let workspace = workspace(&name, &file, text);
            let broken = RULES
                .iter()
                .filter(|rule| !check(&workspace, rule).is_empty());
            assert_eq!(broken.count(), 1, "{layer}: {text}");
        }
    }
}

#[test]
fn a_violation_is_reported_at_its_line() {
    let rule = RULES
        .iter()
        .find(|rule| rule.says.contains("time is the packets'"))
        .unwrap();
    let file = "crates/flowscope-core/src/engine/mod.rs";
    let workspace = workspace("line", file, rule.broken_by.1);
    let violation = check(&workspace, rule).pop_first().unwrap();
    assert_eq!(
        violation.to_string(),
        format!("{file}:2: `std::time::Instant::now`, but below the facade time is the packets'")
    );
}

#[test]
fn a_dependency_that_is_always_there_is_missed() {
    let text = "[package]\nname = \"flowscope-core\"\n[dependencies]\nsmoltcp = \"0\"\n";
    let workspace = workspace("missed", "crates/flowscope-core/Cargo.toml", text);
    let violations = check(&workspace, &RULES[0]);
    assert_eq!(violations.first().unwrap().found, "no hashbrown");
}

#[test]
fn tests_may_print() {
    let text = "#[cfg(test)]\nmod tests { fn f() { println!(\"x\") } }\n/// println!(\"x\")";
    let workspace = workspace("print", "crates/flowscope-core/src/lib.rs", text);
    for rule in RULES {
        assert_eq!(check(&workspace, rule), BTreeSet::new(), "{}", rule.says);
    }
}

#[test]
fn a_package_without_a_rule_is_a_violation() {
    let text = "[package]\nname = \"flowscope-new\"\n";
    let workspace = workspace("uncovered", "crates/flowscope-new/Cargo.toml", text);
    let found = uncovered(workspace.path()).unwrap();
    let found: Vec<_> = found.iter().map(|one| one.found.as_str()).collect();
    assert!(found.contains(&"flowscope-new"), "{found:?}");
    // Nor is a rule about a package that is gone.
    assert!(found.contains(&"flowscope-pcap"), "{found:?}");
}
