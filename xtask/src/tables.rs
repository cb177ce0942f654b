//! `cargo xtask tables`: the tables of Arrow, in a workspace of their own: its
//! format, its lints, and its tests.

use std::process::Command;

use crate::{Failure, Outcome, project};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    check_workspace(arguments, cargo)
}

/// Checks a workspace of its own, whose commands `cargo` makes.
pub(crate) fn check_workspace(arguments: &[String], cargo: fn() -> Command) -> Outcome {
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

/// `cargo` in the workspace of tables.
pub(crate) fn cargo() -> Command {
    let mut command = project::cargo();
    command.current_dir(project::root().join("crates/flowscope-table"));
    command
}

pub(crate) fn succeed(command: &mut Command) -> Outcome {
    let name = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::because(format!("{name}: {status}"))),
        Err(error) => Err(Failure::because(format!("cannot run {name}: {error}"))),
    }
}
