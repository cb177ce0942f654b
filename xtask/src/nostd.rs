//! `cargo xtask nostd`: proves that what can do without std builds and links
//! without it: the core, HTTP, DNS, and what tells them apart.
//!
//! That a crate compiles as `no_std` says little: a dependency may still bring
//! std along, and the host has it. So the crates go into a static library with
//! a panic handler and an allocator of its own, and that library is linked
//! into a program without the C library, in which nothing of std could work.
//! The program is not run; that its symbols all resolve is the proof.
//!
//! TLS is not among them: tls-parser brings nom 7 with its feature `std`.
//!
//! `--features NAME` adds features of the facade: `std` and `tls` have to make
//! it fail.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{Failure, Outcome, project};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let features = match arguments {
        [] => "",
        [flag, features] if flag == "--features" => features,
        _ => return Err(Failure::Usage),
    };
    if !cfg!(target_os = "linux") {
        return Err(Failure::because("nostd links for Linux alone"));
    }
    let folder = project::root().join("target/nostd");
    write_probe(&folder, features)?;
    let archive = build(&folder)?;
    let members = project::output(Command::new("ar").arg("t").arg(&archive))?;
    let unwanted: Vec<_> = members
        .lines()
        .filter(|name| needs_a_system(name))
        .collect();
    if !unwanted.is_empty() {
        return Err(Failure::because(format!(
            "the static library holds {}",
            unwanted.join(", ")
        )));
    }
    let size = link(&folder, &archive)?;
    println!("nostd: {CRATES} link without std, in a program of {size} bytes");
    Ok(())
}

/// Writes the crate that calls into them, through the facade.
fn write_probe(folder: &Path, features: &str) -> Outcome {
    let facade = project::root().join("crates/flowscope");
    let manifest = format!(
        "{MANIFEST}
[dependencies.flowscope]
path = {facade:?}
default-features = false
features = [\"http\", \"dns\", \"detect\", {}]
",
        features
            .split_terminator(',')
            .map(|name| format!("{name:?}, "))
            .collect::<String>(),
    );
    project::write(&folder.join("Cargo.toml"), manifest)?;
    // The versions that the workspace is tested with.
    let lock = project::read(&project::root().join("Cargo.lock"))?;
    project::write(&folder.join("Cargo.lock"), lock)?;
    project::write(
        &folder.join("src/lib.rs"),
        include_str!("nostd/probe.rs.in"),
    )?;
    project::write(
        &folder.join("src/support.rs"),
        include_str!("nostd/support.rs.in"),
    )
}

fn build(folder: &Path) -> Result<PathBuf, Failure> {
    let target = folder.join("target");
    project::output(
        project::cargo()
            .args(["build", "--quiet", "--release", "--manifest-path"])
            .arg(folder.join("Cargo.toml"))
            .arg("--target-dir")
            .arg(&target)
            // Flags of the host's own builds have no place in this one.
            .env_remove("RUSTFLAGS")
            .env_remove("CARGO_ENCODED_RUSTFLAGS"),
    )?;
    Ok(target.join("release/libflowscope_nostd_probe.a"))
}

/// Whether an object of this name belongs to a crate that has an operating
/// system under it.
fn needs_a_system(object: &str) -> bool {
    ["std-", "panic_unwind-", "panic_abort-", "unwind-", "libc-"]
        .iter()
        .any(|krate| object.starts_with(krate))
}

/// Links the whole library and nothing else; returns the program's size.
fn link(folder: &Path, archive: &Path) -> Result<u64, Failure> {
    let program = folder.join("probe");
    project::output(
        Command::new("cc")
            .args(["-nostdlib", "-nostartfiles", "-static", "-no-pie"])
            .args(["-Wl,--gc-sections", "-Wl,-e,flowscope_nostd_probe"])
            .arg("-Wl,--undefined=flowscope_nostd_probe")
            .arg("-o")
            .arg(&program)
            .arg(archive),
    )?;
    let metadata = program
        .metadata()
        .map_err(|error| Failure::because(format!("{}: {error}", program.display())))?;
    Ok(metadata.len())
}

const CRATES: &str = "flowscope-core, -http, -dns and -detect";

const MANIFEST: &str = r#"[package]
name = "flowscope-nostd-probe"
version = "0.0.0"
edition = "2024"
publish = false

[lib]
crate-type = ["staticlib"]

[profile.release]
panic = "abort"
opt-level = 1

# Not a member of the workspace it lies in.
[workspace]
"#;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_of_std_are_told_from_those_of_core() {
        assert!(needs_a_system("std-0b5a7d5a.std.1f2e.rcgu.o"));
        assert!(needs_a_system("panic_abort-1c.rcgu.o"));
        assert!(!needs_a_system("core-0b5a7d5a.core.1f2e.rcgu.o"));
        assert!(!needs_a_system("flowscope_nostd_probe.rcgu.o"));
    }
}
