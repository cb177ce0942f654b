//! The project's own build tasks: `cargo xtask VERB`, from any folder of the
//! workspace.
//!
//! Each verb is a module with a `run`. They use the standard library, the
//! tools of a Rust installation, and the workspace's own crates.
#![allow(
    clippy::print_stdout,
    reason = "the command's output is what it is for"
)]

mod deps;
mod nostd;
mod project;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage) => {
            eprint!("{USAGE}");
            ExitCode::from(2)
        }
        Err(Failure::Failed(reason)) => {
            eprintln!("xtask: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[&str]) -> Outcome {
    match arguments {
        ["deps"] => deps::run(),
        ["nostd", rest @ ..] => nostd::run(rest),
        _ => Err(Failure::Usage),
    }
}

/// What a verb comes to.
type Outcome = Result<(), Failure>;

/// Why a verb did not succeed.
#[derive(Debug)]
enum Failure {
    /// It was called in a way it does not know.
    Usage,
    /// What it checks does not hold, or what it needs is not there.
    Failed(String),
}

impl Failure {
    /// A failure with this reason.
    fn because(reason: impl ToString) -> Self {
        Self::Failed(reason.to_string())
    }
}

const USAGE: &str = "\
usage: cargo xtask VERB

  deps                which crate and which file may use what
  nostd               build and link flowscope-core without std
";
