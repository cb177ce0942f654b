//! `cargo xtask features`: checks each library crate with none of its features,
//! with each alone, and with all of them, by `cargo hack`.

use crate::{Failure, Outcome, project};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err(Failure::Usage);
    }
    if project::output(project::cargo().args(["hack", "--version"])).is_err() {
        return Err(Failure::Missing(
            "cargo-hack is not installed: `cargo install --locked cargo-hack`".to_owned(),
        ));
    }
    let mut hack = project::cargo();
    hack.args([
        "hack",
        "check",
        "--quiet",
        "--each-feature",
        "--no-dev-deps",
    ])
    .arg("--target-dir")
    .arg(project::root().join("target/features"))
    .env("RUSTFLAGS", "--deny warnings");
    for package in project::libraries()? {
        hack.args(["--package", &package]);
    }
    project::output(&mut hack)?;
    Ok(())
}
