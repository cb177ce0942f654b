//! `cargo xtask sql`: SQL over captures, in a workspace of its own: its format,
//! its lints, and its tests, without clusters and with them.

use std::process::Command;

use crate::tables::{check_workspace, succeed};
use crate::{Outcome, project};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    check_workspace(arguments, cargo)?;
    let clippy = ["clippy", "--all-targets", "--features", "cluster"];
    succeed(cargo().args(clippy).args(["--", "--deny", "warnings"]))?;
    succeed(cargo().args(["test", "--features", "cluster"]))
}

/// `cargo` in the workspace of SQL.
fn cargo() -> Command {
    let mut command = project::cargo();
    command.current_dir(project::root().join("crates/flowscope-sql"));
    command
}
