//! Every rule against a workspace made to break it.

use std::path::PathBuf;

use super::*;

/// A folder of its own, gone when dropped.
struct Workspace {
    root: PathBuf,
}

impl Workspace {
    fn new(name: &str) -> Self {
        let folder = format!("flowscope-deps-{}-{name}", std::process::id());
        let root = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&root).unwrap();
        Self { root }
    }

    fn with(name: &str, file: &str, text: &str) -> Self {
        let workspace = Self::new(name);
        project::write(&workspace.root.join(file), text).unwrap();
        workspace
    }

    fn violations(&self, rule: &Rule) -> BTreeSet<Violation> {
        violations_of(rule, &self.root).unwrap()
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.root);
    }
}

#[test]
fn every_rule_can_be_broken() {
    let empty = Workspace::new("empty");
    for (n, rule) in RULES.iter().enumerate() {
        let (file, text) = rule.broken_by;
        let broken = Workspace::with(&format!("broken-{n}"), file, text);
        let violations = broken.violations(rule);
        assert_eq!(violations.len(), 1, "{}: {violations:?}", rule.says);
        let violation = violations.first().unwrap();
        assert_eq!(violation.file, file, "{}", rule.says);
        assert_eq!(empty.violations(rule), BTreeSet::new(), "{}", rule.says);
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
            let allowed = Workspace::with(&format!("allowed-{n}-{m}"), &file, rule.broken_by.1);
            assert_eq!(allowed.violations(rule), BTreeSet::new(), "{}", rule.says);
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
    let workspace = Workspace::with("line", file, rule.broken_by.1);
    let violation = workspace.violations(rule).pop_first().unwrap();
    assert_eq!(
        violation.to_string(),
        format!("{file}:2: `std::time::Instant::now`, but below the facade time is the packets'")
    );
}

#[test]
fn a_dependency_that_is_always_there_is_missed() {
    let text = "[package]\nname = \"flowscope-core\"\n[dependencies]\nsmoltcp = \"0\"\n";
    let workspace = Workspace::with("missed", "crates/flowscope-core/Cargo.toml", text);
    let violations = workspace.violations(&RULES[0]);
    assert_eq!(violations.first().unwrap().found, "no hashbrown");
}

#[test]
fn tests_may_print() {
    let text = "#[cfg(test)]\nmod tests { fn f() { println!(\"x\") } }\n/// println!(\"x\")";
    let workspace = Workspace::with("print", "crates/flowscope-core/src/lib.rs", text);
    for rule in RULES {
        assert_eq!(workspace.violations(rule), BTreeSet::new(), "{}", rule.says);
    }
}

#[test]
fn a_package_without_a_rule_is_a_violation() {
    let text = "[package]\nname = \"flowscope-new\"\n";
    let workspace = Workspace::with("uncovered", "crates/flowscope-new/Cargo.toml", text);
    let found = uncovered(&workspace.root).unwrap();
    let found: Vec<_> = found.iter().map(|one| one.found.as_str()).collect();
    assert!(found.contains(&"flowscope-new"), "{found:?}");
    // Nor is a rule about a package that is gone.
    assert!(found.contains(&"flowscope-pcap"), "{found:?}");
    assert!(!found.contains(&"flowscope-dns"), "{found:?}");
}
