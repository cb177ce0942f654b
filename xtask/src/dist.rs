//! `cargo xtask dist`: the command to give away, in `target/dist`: one file that needs
//! no libraries, and a Debian package with it, its manual pages and completions.
//!
//! The same source, compiler and lock file give the same bytes: paths are replaced,
//! and times are those of the commit.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tables::succeed;
use crate::{Failure, Outcome, project};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err(Failure::Usage);
    }
    let folder = project::root().join("target/dist");
    let version = version()?;
    let machine = static_machine()?;
    let command = build(&folder, &machine)?;
    needs_nothing(&command)?;
    let single = folder.join(format!("flowscope-{version}-{machine}"));
    fs::copy(&command, &single).map_err(|error| failed(&single, error))?;
    println!("{}", single.display());
    if Command::new("dpkg-deb").arg("--version").output().is_err() {
        return Err(Failure::Missing("dpkg-deb is not installed".to_owned()));
    }
    let package = debian(&folder, &command, &version)?;
    println!("{}", package.display());
    Ok(())
}

fn failed(path: &Path, error: impl core::fmt::Display) -> Failure {
    Failure::because(format!("{}: {error}", path.display()))
}

/// The version that all crates have.
fn version() -> Result<String, Failure> {
    let manifest = project::read(&project::root().join("Cargo.toml"))?;
    let mut lines = manifest.lines();
    let version = lines.find_map(|line| line.strip_prefix("version = \""));
    let version = version.and_then(|rest| rest.split('"').next());
    version
        .map(str::to_owned)
        .ok_or_else(|| Failure::because("Cargo.toml says no version"))
}

/// The platform that this runs on, such as `x86_64-unknown-linux-gnu`.
pub(crate) fn machine() -> Result<String, Failure> {
    let version = project::output(Command::new("rustc").arg("-vV"))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.map(str::to_owned)
        .ok_or_else(|| Failure::because("rustc does not say its platform"))
}

/// The platform to build for: with musl, which is made to be linked to statically, or
/// else with the C library that there is.
fn static_machine() -> Result<String, Failure> {
    let host = machine()?;
    let musl = host.replace("-gnu", "-musl");
    let installed = project::output(Command::new("rustc").args([
        "--print",
        "target-libdir",
        "--target",
        &musl,
    ]));
    let has_rust = installed.is_ok_and(|folder| Path::new(folder.trim()).is_dir());
    let has_c = Command::new("musl-gcc").arg("--version").output().is_ok();
    if has_rust && has_c {
        return Ok(musl);
    }
    let missing = match has_rust {
        true => "musl-gcc: `apt-get install musl-tools`".to_owned(),
        false => format!("Rust's `{musl}`: `rustup target add {musl}`"),
    };
    eprintln!("dist: not with musl, for there is no {missing}; with the C library of {host}");
    Ok(host)
}

/// Builds the command with all that it needs in it.
fn build(folder: &Path, machine: &str) -> Result<PathBuf, Failure> {
    let root = project::root().display();
    let flags = format!("-Ctarget-feature=+crt-static --remap-path-prefix={root}=flowscope");
    succeed(
        project::cargo()
            .args(["build", "--quiet", "--locked", "--release"])
            .args(["--package", "flowscope-cli", "--features", "top"])
            .args(["--target", machine, "--target-dir"])
            .arg(folder.join("build"))
            .env("RUSTFLAGS", flags),
    )?;
    Ok(folder.join("build").join(machine).join("release/flowscope"))
}

/// Checks that a program needs no libraries.
fn needs_nothing(program: &Path) -> Outcome {
    let mut ldd = Command::new("ldd");
    // It fails for a program that is not linked to any.
    let output = ldd.arg(program).output();
    let output = output.map_err(|error| failed(program, error))?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    match text.contains("statically linked") || text.contains("not a dynamic executable") {
        true => Ok(()),
        false => Err(failed(program, text)),
    }
}

/// Makes the Debian package.
fn debian(folder: &Path, command: &Path, version: &str) -> Result<PathBuf, Failure> {
    let tree = folder.join("debian");
    if tree.exists() {
        fs::remove_dir_all(&tree).map_err(|error| failed(&tree, error))?;
    }
    let program = fs::read(command).map_err(|error| failed(command, error))?;
    let installed = tree.join("usr/bin/flowscope");
    project::write(&installed, program)?;
    succeed(Command::new("chmod").arg("755").arg(&installed))?;
    for shell in SHELLS {
        let script = project::output(Command::new(command).args(["completions", shell.name]))?;
        project::write(&tree.join(shell.file), script)?;
    }
    let man = tree.join("usr/share/man/man1");
    for page in pages(command)? {
        let mut print = Command::new(command);
        print.arg("man");
        let name = match page {
            None => "flowscope.1".to_owned(),
            Some(page) => {
                print.arg(&page);
                format!("flowscope-{page}.1")
            }
        };
        project::write(&man.join(name), project::output(&mut print)?)?;
    }
    let documents = tree.join("usr/share/doc/flowscope");
    for (from, to) in [("CHANGELOG.md", "changelog"), ("LICENSE-MIT", "copyright")] {
        let text = project::read(&project::root().join(from))?;
        project::write(&documents.join(to), text)?;
    }
    let architecture = project::output(Command::new("dpkg").arg("--print-architecture"))?;
    let architecture = architecture.trim();
    let control = format!(
        "Package: flowscope\nVersion: {version}\nArchitecture: {architecture}\n\
         Maintainer: The flowscope developers <flowscope@localhost>\n\
         Section: net\nPriority: optional\n\
         Description: flows, streams, HTTP, TLS, QUIC and DNS from packet captures\n \
         Reads captures of any kind and says what conversations are in them.\n"
    );
    project::write(&tree.join("DEBIAN/control"), control)?;
    let package = folder.join(format!("flowscope_{version}_{architecture}.deb"));
    let mut build = Command::new("dpkg-deb");
    build
        .args(["--root-owner-group", "--build"])
        .arg(&tree)
        .arg(&package);
    // Else the package has the times of this build.
    if let Ok(time) = project::output(project::git().args(["log", "-1", "--format=%ct"])) {
        build.env("SOURCE_DATE_EPOCH", time.trim());
    }
    project::output(&mut build)?;
    Ok(package)
}

/// A shell, and where its completions belong.
struct Shell {
    name: &'static str,
    file: &'static str,
}

const SHELLS: [Shell; 3] = [
    Shell {
        name: "bash",
        file: "usr/share/bash-completion/completions/flowscope",
    },
    Shell {
        name: "zsh",
        file: "usr/share/zsh/vendor-completions/_flowscope",
    },
    Shell {
        name: "fish",
        file: "usr/share/fish/vendor_completions.d/flowscope.fish",
    },
];

/// The commands that have a manual page: those that the help lists.
fn pages(command: &Path) -> Result<Vec<Option<String>>, Failure> {
    let help = project::output(Command::new(command).arg("-h"))?;
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let names = listed
        .map_while(|line| line.strip_prefix("  "))
        // What a line does not hold goes on further in.
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split(' ').next())
        .map(|name| Some(name.to_owned()));
    let pages: Vec<Option<String>> = [None].into_iter().chain(names).collect();
    match pages.len() > 5 {
        true => Ok(pages),
        false => Err(Failure::because("the help lists no commands")),
    }
}
