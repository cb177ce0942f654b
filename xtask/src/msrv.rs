//! `cargo xtask msrv`: checks what is shipped with the Rust that `rust-version`
//! promises.

use std::process::Command;

use crate::{Failure, Outcome, project};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err(Failure::Usage);
    }
    let manifest = project::read(&project::root().join("Cargo.toml"))?;
    let version = promised(&manifest)
        .ok_or_else(|| Failure::because("Cargo.toml has no line `rust-version`"))?;
    let missing = || Failure::Missing(format!("Rust {version} is not installed"));
    let toolchains = project::output(Command::new("rustup").args(["toolchain", "list"]))
        .map_err(|_| missing())?;
    let toolchain = toolchains
        .lines()
        .find(|name| is_of(version, name))
        .and_then(|line| line.split_whitespace().next())
        .ok_or_else(missing)?;
    let mut check = Command::new("rustup");
    check
        .current_dir(project::root())
        .args(["run", toolchain, "cargo", "check", "--quiet"])
        .args([
            "--package",
            "flowscope-cli",
            "--all-features",
            "--target-dir",
        ])
        .arg(project::root().join("target/msrv"));
    for package in project::libraries()? {
        check.args(["--package", &package]);
    }
    project::output(&mut check)?;
    println!("msrv: checked with {toolchain}");
    Ok(())
}

/// What a workspace's manifest promises.
fn promised(manifest: &str) -> Option<&str> {
    manifest
        .lines()
        .find_map(|line| line.strip_prefix("rust-version = "))
        .map(|version| version.trim_matches('"'))
}

/// Whether a toolchain is of this version, whatever its patch.
fn is_of(version: &str, toolchain: &str) -> bool {
    toolchain
        .strip_prefix(version)
        .is_some_and(|rest| rest.starts_with(['-', '.']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toolchain_is_told_by_its_version() {
        let manifest = "[workspace.package]\nedition = \"2024\"\nrust-version = \"1.9\"\n";
        let version = promised(manifest).expect("it has one");
        assert!(is_of(version, "1.9.0-x86_64-unknown-linux-gnu"));
        assert!(is_of(version, "1.9-x86_64-apple-darwin (active)"));
        assert!(!is_of(version, "1.91.0-x86_64-unknown-linux-gnu"));
        assert!(!is_of(version, "stable-x86_64-unknown-linux-gnu"));
    }
}
