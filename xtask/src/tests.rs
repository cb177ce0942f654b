//! The steps of `cargo xtask ci` that run the tests and the benchmarks.
//!
//! Both are built with the same features, so that nothing is built twice.

use crate::tables::succeed;
use crate::{Failure, Outcome, live, project};

/// Everything that is tested, with all features. Without libpcap that is all but what
/// needs it.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err(Failure::Usage);
    }
    succeed(cargo_test().env(
        "FLOWSCOPE_EXAMPLES",
        project::target().join("debug/examples"),
    ))
}

/// Whether the tests of live captures, which are among all tests, could do all that
/// they are for.
pub(crate) fn live(arguments: &[String]) -> Outcome {
    match arguments {
        [] => live::complete(),
        _ => Err(Failure::Usage),
    }
}

/// As many fragments as there may be in earnest: among all tests there are fewer.
pub(crate) fn floods(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err(Failure::Usage);
    }
    succeed(cargo_test().env("FLOWSCOPE_FLOOD", "10000000").args([
        "--test",
        "fragments",
        "a_flood_of_first_fragments",
    ]))
}

/// Each benchmark once, to see that it runs.
pub(crate) fn benches(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err(Failure::Usage);
    }
    succeed(cargo_test().args(["--bench", "*"]))
}

fn cargo_test() -> std::process::Command {
    let mut cargo = project::cargo();
    cargo.args(["test", "--workspace"]);
    match live::links("pcap") {
        true => cargo.arg("--all-features"),
        false => cargo.args(["--features", WITHOUT_LIBPCAP]),
    };
    cargo
}

/// All features but those that need libpcap.
const WITHOUT_LIBPCAP: &str = "flowscope/full,flowscope/metrics,flowscope/tracing-messages,\
     flowscope/serde,flowscope-cli/top";
