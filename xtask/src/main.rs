//! The project's own build tasks: `cargo xtask VERB`, from any folder of the
//! workspace.
//!
//! Each verb is a module with a `run`. They use the standard library, the
//! tools of a Rust installation, the workspace's own crates, and a reader of
//! JSON for what rustdoc writes.
#![allow(
    clippy::print_stdout,
    reason = "the command's output is what it is for"
)]

mod api;
mod bench_data;
// Networks of their own, in which programs are recorded, are Linux's.
#[cfg(target_os = "linux")]
mod capture;
mod ci;
mod conformance;
mod deps;
mod dist;
#[cfg(test)]
mod documented;
mod features;
mod fixtures;
mod fuzz;
mod instructions;
mod live;
mod man;
mod minimal;
mod msrv;
mod nostd;
mod project;
mod python;
mod readme;
mod soak;
mod sql;
mod tables;
mod tests;
mod trust;

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage) => {
            eprint!("{USAGE}");
            ExitCode::from(2)
        }
        Err(Failure::Failed(reason) | Failure::Missing(reason)) => {
            eprintln!("xtask: {reason}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(arguments: &[String]) -> Outcome {
    let Some((verb, arguments)) = arguments.split_first() else {
        return Err(Failure::Usage);
    };
    match verb.as_str() {
        "api" => api::run(arguments),
        "bench-data" => bench_data::run(arguments),
        #[cfg(target_os = "linux")]
        "capture" => capture::run(arguments),
        "ci" => ci::run(arguments),
        "conformance" => conformance::run(arguments),
        "deps" => deps::run(arguments),
        "dist" => dist::run(arguments),
        "features" => features::run(arguments),
        "fixtures" => fixtures::run(arguments),
        "fuzz" => fuzz::run(arguments),
        "live" => live::run(arguments),
        "instructions" => instructions::run(arguments),
        "man" => man::run(arguments),
        "minimal" => minimal::run(arguments),
        "msrv" => msrv::run(arguments),
        "nostd" => nostd::run(arguments),
        "python" => python::run(arguments),
        "readme" => readme::run(arguments),
        "soak" => soak::run(arguments),
        "sql" => sql::run(arguments),
        "tables" => tables::run(arguments),
        "trust" => trust::run(arguments),
        _ => Err(Failure::Usage),
    }
}

const USAGE: &str = "\
usage: cargo xtask VERB

  api [--check]             write the public interface to docs/api, or see that it is as written
  bench-data [FLAGS]        make big captures to measure with
  capture [FLAGS]           record real programs, as root
  ci [STEP…]                everything that has to hold before a change lands, or some of it
  conformance [--check]     compare what the command and tshark find in the fixtures
  deps                      check which crate and which file uses what
  dist                      build the command to give away, and a Debian package
  features                  check the libraries with each of their features alone
  fixtures [--check]        make the synthetic captures, or see that they are as made
  fuzz [FLAGS] [TARGET…]    let a fuzzer look for what does not hold, --seconds N each
  live                      test live captures: with libpcap, and as root in a network of their own
  instructions [--renew]    compare what callgrind counts with what is expected
  man                       write the command's manual pages to target/man
  minimal                   check the packages with the oldest dependencies that they allow
  msrv                      check the packages with the oldest Rust that they promise
  nostd [--features NAME]   build and link what needs no std
  python                    install the Python package into an environment of its own, and test it
  readme                    run the commands of the README that make tables, in a fresh clone
  soak [FLAGS] [MINUTES]    track flows for so long, and see that memory stays as it was
  sql                       check and test SQL over captures
  tables                    check and test the tables of Arrow and Parquet
  trust [--check]           see that docs/DEPENDENCIES.md speaks of every dependency
";

/// What a verb comes to.
type Outcome = Result<(), Failure>;

/// Why a verb did not succeed.
#[derive(Debug)]
enum Failure {
    /// It was called in a way it does not know.
    Usage,
    /// What it checks does not hold, or it could not be done.
    Failed(String),
    /// A tool that it needs is not installed.
    Missing(String),
}

impl Failure {
    /// A failure with this reason.
    fn because(reason: impl Into<String>) -> Self {
        Self::Failed(reason.into())
    }
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self::Failed(reason)
    }
}
