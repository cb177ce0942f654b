//! `cargo xtask api`: writes what each library crate shows to its users to
//! `docs/api`, one sorted file per crate, one line for each item. With
//! `--check` it writes nothing, and fails if a file is not as it would be
//! written: so a change of the public interface is seen in review.
//!
//! The items come from rustdoc, which writes them as JSON. That format is not
//! stable; `RUSTC_BOOTSTRAP` makes the stable toolchain write it. Nothing else
//! of a nightly toolchain is used, and no network.

mod listing;
mod signature;

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::{Failure, Outcome, project};
use listing::Listing;

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let check = match arguments {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => return Err(Failure::Usage),
    };
    let mut changed = Vec::new();
    for package in project::libraries()? {
        let documentation = documentation(&package)?;
        let listing = Listing::of(&documentation);
        println!("{package}: {}", listing.count());
        let path = project::root().join(format!("docs/api/{package}.txt"));
        let text = listing.text();
        if !check {
            project::write(&path, text)?;
        } else if !is_as_stored(&path, &text) {
            changed.push(package);
        }
    }
    if changed.is_empty() {
        return Ok(());
    }
    Err(Failure::because(format!(
        "the public interface of {} is not as docs/api says; `cargo xtask api` writes it anew",
        changed.join(", ")
    )))
}

/// Prints the first lines that differ, if any do.
fn is_as_stored(path: &Path, text: &str) -> bool {
    let stored = std::fs::read_to_string(path).unwrap_or_default();
    let stored = stored.replace('\r', "");
    if stored == text {
        return true;
    }
    let only_in = |one: &str, other: &str, sign| {
        let other: Vec<&str> = other.lines().collect();
        for line in one.lines().filter(|line| !other.contains(line)).take(SHOWN) {
            println!("{sign} {line}");
        }
    };
    only_in(&stored, text, '-');
    only_in(text, &stored, '+');
    false
}

/// What rustdoc knows of a package, with all its features.
fn documentation(package: &str) -> Result<Value, Failure> {
    let folder = project::root().join("target/api");
    let mut rustdoc = project::cargo();
    rustdoc
        .args(["rustdoc", "--quiet", "--lib", "--all-features"])
        .args(["--package", package, "--target-dir"])
        .arg(&folder)
        .args(["--", "-Z", "unstable-options", "--output-format", "json"])
        // What these say of warnings is for other steps.
        .env_remove("RUSTDOCFLAGS")
        .env("RUSTC_BOOTSTRAP", "1");
    project::output(&mut rustdoc)?;
    let path: PathBuf = folder.join(format!("doc/{}.json", package.replace('-', "_")));
    let json: Value = serde_json::from_str(&project::read(&path)?)
        .map_err(|error| Failure::because(format!("{}: {error}", path.display())))?;
    match json["format_version"].as_u64() {
        Some(FORMAT) => Ok(json),
        other => Err(Failure::because(format!(
            "this rustdoc writes version {} of its JSON, and version {FORMAT} is understood here",
            other.unwrap_or_default()
        ))),
    }
}

/// The version of rustdoc's JSON that is read: that of Rust 1.95.
const FORMAT: u64 = 57;

/// How many lines are shown that are in the stored listing alone, or in the new
/// one alone.
const SHOWN: usize = 20;
