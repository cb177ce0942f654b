//! `cargo xtask soak [--release] [MINUTES]`: tracks millions of flows in one process and
//! looks whether memory stays as it was, for so many minutes: two of them if it is not
//! said. What is optimised tracks some times as many.

use crate::tables::succeed;
use crate::{Failure, Outcome, fuzz, project};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let (is_release, minutes) = match arguments {
        [flag, rest @ ..] if flag == "--release" => (true, rest),
        rest => (false, rest),
    };
    if minutes.len() > 1 || minutes.iter().any(|it| it.parse::<u64>().is_err()) {
        return Err(Failure::Usage);
    }
    let mut soak = fuzz::cargo();
    soak.args(["run", "--quiet", "--bin", "soak", "--target-dir"]);
    soak.arg(project::target());
    if is_release {
        soak.arg("--release");
    }
    succeed(soak.arg("--").args(minutes))
}
