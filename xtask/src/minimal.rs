//! `cargo xtask minimal`: checks what is published with the oldest versions that its
//! manifests allow of what it depends on.
//!
//! Cargo chooses those on nightly alone; `RUSTC_BOOTSTRAP` makes the stable one do it.

use crate::tables::succeed;
use crate::{Failure, Outcome, project};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err(Failure::Usage);
    }
    let folder = project::root().join("target/minimal");
    let lock = folder.join("Cargo.lock");
    // Else the versions would stay that were chosen last time.
    let _ = std::fs::remove_file(&lock);
    let mut check = project::cargo();
    check
        .args(["check", "--quiet", "--all-features"])
        .args(["-Z", "direct-minimal-versions", "-Z", "lockfile-path"])
        .arg("--target-dir")
        .arg(&folder)
        .args(["--package", "flowscope-cli"])
        .env("CARGO_RESOLVER_LOCKFILE_PATH", &lock)
        .env("RUSTC_BOOTSTRAP", "1");
    for package in project::libraries()? {
        check.args(["--package", &package]);
    }
    succeed(&mut check)
}
