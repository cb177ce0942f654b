//! `cargo xtask sql`: SQL over captures, in a workspace of its own: its format,
//! its lints, and its tests.

use std::process::Command;

use crate::tables::succeed;
use crate::{Failure, Outcome, project};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err(Failure::Usage);
    }
    for arguments in [
        &["fmt", "--check"][..],
        &["clippy", "--all-targets", "--", "--deny", "warnings"],
        &["test"],
    ] {
        succeed(cargo().args(arguments))?;
    }
    Ok(())
}

/// `cargo` in the workspace of SQL.
fn cargo() -> Command {
    let mut command = project::cargo();
    command.current_dir(project::root().join("crates/flowscope-sql"));
    command
}
