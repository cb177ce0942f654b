//! Tells the command which version it is: also the commit it is built from, if it is
//! built in its repository, and its features.

use std::path::Path;
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    // The commit may only change with one of these.
    for file in ["../../.git/HEAD", "../../.git/logs/HEAD"] {
        if Path::new(file).exists() {
            println!("cargo:rerun-if-changed={file}");
        }
    }
    let arguments = ["rev-parse", "--short=12", "HEAD"];
    let commit = Command::new("git").args(arguments).output().ok();
    let commit = commit.filter(|output| output.status.success());
    let commit = commit.and_then(|output| String::from_utf8(output.stdout).ok());
    let is_built = |feature: &&str| {
        let name = format!("CARGO_FEATURE_{}", feature.to_uppercase());
        std::env::var_os(name).is_some()
    };
    let features: Vec<&str> = ["live", "top"].into_iter().filter(is_built).collect();
    let features = match features.is_empty() {
        true => "no features".to_owned(),
        false => format!("features {}", features.join(" and ")),
    };
    let commit = commit.map_or(String::new(), |commit| {
        format!("commit {}, ", commit.trim())
    });
    let version = env!("CARGO_PKG_VERSION");
    println!("cargo:rustc-env=FLOWSCOPE_VERSION={version} ({commit}{features})");
}
