//! The lines of the documents that run cargo name verbs, packages and features that
//! are there.
//!
//! Those that run the command are run by its own tests.

use std::path::PathBuf;

use serde_json::Value;

use crate::{USAGE, project};

#[test]
fn what_the_documents_build_is_there() {
    let metadata = project::metadata(&["--no-deps"]).expect("cargo knows the workspace");
    let mut checked = 0;
    for page in pages() {
        let text = project::read(&page).expect("a document");
        for line in cargo_lines(&text) {
            if let Err(reason) = check(line, &metadata) {
                panic!("{}: {line}: {reason}", page.display());
            }
            checked += 1;
        }
    }
    assert!(checked > 20, "{checked} lines");
}

#[test]
fn what_is_not_there_is_told() {
    let metadata = serde_json::json!({"packages": [{"name": "one", "features": {"std": []}}]});
    for (line, is_right) in [
        ("cargo xtask fuzz --seconds 60", true),
        ("cargo xtask fuss", false),
        ("cargo xtask ci format clippy", true),
        ("cargo xtask ci form", false),
        ("cargo test --package one --features std", true),
        ("cargo test --package two", false),
        ("cargo test --package one --features nostd", false),
        ("cargo run --manifest-path no/Cargo.toml", false),
        ("cargo run --manifest-path xtask/Cargo.toml", true),
        ("cargo biuld", false),
    ] {
        assert_eq!(check(line, &metadata).is_ok(), is_right, "{line}");
    }
}

fn pages() -> Vec<PathBuf> {
    let root = project::root();
    let docs = project::files(&root.join("docs")).into_iter();
    let pages = docs.filter(|path| path.extension().is_some_and(|it| it == "md"));
    pages
        .chain(["README.md", ".github/CONTRIBUTING.md"].map(|name| root.join(name)))
        .collect()
}

/// The lines of a page's blocks for a shell that run cargo.
fn cargo_lines(page: &str) -> Vec<&str> {
    let mut is_shell = false;
    let mut lines = Vec::new();
    for line in page.lines() {
        if let Some(language) = line.strip_prefix("```") {
            is_shell = language == "sh";
        } else if is_shell && line.starts_with("cargo ") {
            lines.push(line.split("  #").next().unwrap_or(line).trim());
        }
    }
    lines
}

fn check(line: &str, metadata: &Value) -> Result<(), String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let behind = |flag: &str| {
        let at = words.iter().position(|word| *word == flag)?;
        words.get(at + 1).copied()
    };
    let verb = words.get(1).copied().unwrap_or_default();
    if verb == "xtask" {
        let verb = words.get(2).copied().unwrap_or_default();
        let is_there = USAGE
            .lines()
            .any(|line| line.split_whitespace().next() == Some(verb));
        if verb == "ci" {
            let steps = words.iter().skip(3);
            let unknown = steps.copied().find(|step| !crate::ci::has_step(step));
            return unknown.map_or(Ok(()), |step| Err(format!("no step {step}")));
        }
        return is_there.then_some(()).ok_or(format!("no verb {verb}"));
    }
    if !["bench", "build", "install", "run", "test"].contains(&verb) {
        return Err(format!("no command {verb}"));
    }
    for flag in ["--manifest-path", "--path"] {
        if let Some(path) = behind(flag)
            && !project::root().join(path).exists()
        {
            return Err(format!("no {path}"));
        }
    }
    let Some(name) = behind("--package") else {
        return Ok(());
    };
    let packages = metadata["packages"].as_array();
    let mut packages = packages.into_iter().flatten();
    let package = packages.find(|package| package["name"] == name);
    let package = package.ok_or(format!("no package {name}"))?;
    let features = behind("--features").into_iter();
    let mut features = features.flat_map(|features| features.split(','));
    match features.find(|feature| package["features"].get(*feature).is_none()) {
        Some(feature) => Err(format!("no feature {feature}")),
        None => Ok(()),
    }
}
