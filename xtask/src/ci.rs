//! `cargo xtask ci`: everything that has to hold before a change lands.

use std::process::Command;
use std::time::Instant;

use crate::{Failure, Outcome, api, deps, fixtures, nostd, project};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err(Failure::Usage);
    }
    for (name, step) in STEPS {
        println!("── {name}");
        let start = Instant::now();
        step.take().map_err(|failure| match failure {
            Failure::Failed(reason) => Failure::because(format!("{name}: {reason}")),
            Failure::Usage => failure,
        })?;
        println!("── {name}: {} s", start.elapsed().as_secs());
    }
    Ok(())
}

/// Cheap steps first, and the tests before what is built on top of them.
const STEPS: &[(&str, Step)] = &[
    ("format", Step::Cargo(&["fmt", "--all", "--check"])),
    ("dependency rules", Step::Verb(deps::run, &[])),
    ("fixtures", Step::Verb(fixtures::run, &["--check"])),
    ("no std", Step::Verb(nostd::run, &[])),
    (
        "clippy",
        Step::Cargo(&[
            "clippy",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--",
            "--deny",
            "warnings",
        ]),
    ),
    ("public interface", Step::Verb(api::run, &["--check"])),
    ("tests", Step::Cargo(&["test", "--workspace"])),
    (
        "tests of what is observed",
        Step::Cargo(&[
            "test",
            "--package",
            "flowscope-core",
            "--features",
            "metrics,tracing-messages",
            "--test",
            "metrics",
            "--test",
            "tracing",
        ]),
    ),
    // As many as there may be in earnest, which takes minutes unoptimised.
    (
        "floods of millions",
        Step::Cargo(&[
            "test",
            "--release",
            "--package",
            "flowscope-core",
            "--lib",
            "millions_of",
        ]),
    ),
    (
        "documentation",
        Step::Docs(&["doc", "--workspace", "--no-deps", "--all-features"]),
    ),
    (
        "benches",
        Step::Cargo(&["bench", "--package", "flowscope-benches", "--", "--test"]),
    ),
    (
        "licences and sources",
        Step::Cargo(&["deny", "check", "bans", "licenses", "sources"]),
    ),
];

/// Something to be done, which succeeds or does not.
#[derive(Clone, Copy)]
enum Step {
    /// A cargo command.
    Cargo(&'static [&'static str]),
    /// A cargo command under which rustdoc's warnings are errors.
    Docs(&'static [&'static str]),
    /// Another verb.
    Verb(fn(&[String]) -> Outcome, &'static [&'static str]),
}

impl Step {
    fn take(self) -> Outcome {
        match self {
            Self::Cargo(arguments) => succeed(project::cargo().args(arguments)),
            Self::Docs(arguments) => succeed(
                project::cargo()
                    .args(arguments)
                    .env("RUSTDOCFLAGS", "--deny warnings"),
            ),
            Self::Verb(run, arguments) => {
                let arguments: Vec<String> = arguments.iter().map(ToString::to_string).collect();
                run(&arguments)
            }
        }
    }
}

fn succeed(command: &mut Command) -> Outcome {
    let status = command
        .status()
        .map_err(|error| Failure::because(format!("cannot run cargo: {error}")))?;
    if status.success() {
        Ok(())
    } else {
        Err(Failure::because(format!("cargo: {status}")))
    }
}
