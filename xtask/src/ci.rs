//! `cargo xtask ci`: everything that has to hold before a change lands.
//!
//! `cargo xtask ci STEP…` takes some of the steps, in which a tool that is not
//! installed is a failure. Without steps it takes all of them, goes on where a
//! tool is missing, and says at the end what was left out.

use std::process::Command;
use std::time::Instant;

use crate::{
    Failure, Outcome, api, deps, features, fixtures, fuzz, instructions, msrv, nostd, project,
    soak, tests, trust,
};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if arguments.is_empty() {
        return take_all();
    }
    for argument in arguments {
        let chosen = STEPS.iter().find(|(name, _)| name == argument);
        let (name, step) = chosen.ok_or_else(|| {
            let names: Vec<&str> = STEPS.iter().map(|(name, _)| *name).collect();
            Failure::because(format!(
                "no step is called {argument}, but {}",
                names.join(", ")
            ))
        })?;
        take(name, *step)?;
    }
    Ok(())
}

#[cfg(test)]
pub(crate) fn has_step(name: &str) -> bool {
    STEPS.iter().any(|(step, _)| *step == name)
}

fn take_all() -> Outcome {
    let mut skipped = Vec::new();
    for (name, step) in STEPS {
        match take(name, *step) {
            Err(Failure::Missing(tool)) => skipped.push(format!("{name}: {tool}")),
            outcome => outcome?,
        }
    }
    for reason in &skipped {
        eprintln!("── SKIPPED {reason}");
    }
    Ok(())
}

fn take(name: &str, step: Step) -> Outcome {
    println!("── {name}");
    let start = Instant::now();
    step.take().map_err(|failure| match failure {
        Failure::Failed(reason) => Failure::because(format!("{name}: {reason}")),
        Failure::Missing(_) | Failure::Usage => failure,
    })?;
    println!("── {name}: {} s", start.elapsed().as_secs());
    Ok(())
}

/// Cheap steps first, and the tests before what is built on top of them.
///
/// The names are those of other verbs where a verb is the step.
const STEPS: &[(&str, Step)] = &[
    ("format", Step::Cargo(&["fmt", "--all", "--check"])),
    ("deps", Step::Verb(deps::run, &[])),
    ("trust", Step::Verb(trust::run, &["--check"])),
    ("fixtures", Step::Verb(fixtures::run, &["--check"])),
    ("nostd", Step::Verb(nostd::run, &[])),
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
    ("api", Step::Verb(api::run, &["--check"])),
    ("msrv", Step::Verb(msrv::run, &[])),
    ("features", Step::Verb(features::run, &[])),
    ("tests", Step::Verb(tests::run, &[])),
    ("live", Step::Verb(tests::live, &[])),
    ("floods", Step::Verb(tests::floods, &[])),
    ("benches", Step::Verb(tests::benches, &[])),
    ("soak", Step::Verb(soak::run, &["1"])),
    ("fuzz", Step::Verb(fuzz::run, &["--runs", "2000"])),
    (
        "docs",
        Step::Docs(&["doc", "--workspace", "--no-deps", "--all-features"]),
    ),
    ("instructions", Step::Verb(instructions::run, &[])),
    (
        "licences",
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
