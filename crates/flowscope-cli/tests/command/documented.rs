//! The command lines of README.md and of `docs`, run as they stand there.
//!
//! In a folder of their own, with captures of the names that they use. What would go on
//! until somebody ends it is only asked for its help, which it gives if all that is in
//! front of that is understood.

use std::collections::BTreeMap;
use std::fs;
use std::net::UdpSocket;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::{Folder, stderr};

#[test]
fn every_command_line_of_the_documents_does_what_it_is_there_for() {
    let place = Place::new();
    let mut run = BTreeMap::<String, usize>::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for line in shell(&text) {
            let Some(line) = runnable(line) else {
                continue;
            };
            let output = place.run(&line);
            let said = stderr(&output);
            assert!(output.status.success(), "{line}\n{said}");
            assert!(!said.contains("Usage:"), "{line}\n{said}");
            let name = page.file_name().unwrap().to_string_lossy().into_owned();
            *run.entry(name).or_default() += 1;
        }
    }
    for (page, least) in [("README.md", 8), ("EXPORT.md", 8)] {
        assert!(run.get(page) >= Some(&least), "{run:?}");
    }
    let reports = [
        "report.html",
        "eve.json",
        "dns.pcapng",
        "flows.ipfix",
        "logs/conn.log",
    ];
    for name in reports {
        let file = place.folder.path(name);
        assert!(
            fs::metadata(file).is_ok_and(|file| file.len() > 0),
            "{name}"
        );
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn pages() -> Vec<PathBuf> {
    let docs = fs::read_dir(workspace().join("docs")).unwrap();
    let mut pages: Vec<PathBuf> = docs
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "md"))
        .collect();
    pages.push(workspace().join("README.md"));
    pages
}

/// The lines of the blocks that are for a shell, without comments.
fn shell(page: &str) -> Vec<&str> {
    let mut is_shell = false;
    let mut lines = Vec::new();
    for line in page.lines() {
        match line.strip_prefix("```") {
            Some(language) => is_shell = language == "sh",
            None if is_shell => lines.push(line.split("  #").next().unwrap().trim()),
            None => {}
        }
    }
    lines
}

/// What a shell has to run for a line that runs the command. None for other lines, for
/// what the command was built without, and for what is a program of its own.
fn runnable(line: &str) -> Option<String> {
    let line = line.strip_prefix("sudo ").unwrap_or(line);
    // What builds it first, and then runs it.
    let line = match line.strip_prefix("cargo run --release -- ") {
        Some(arguments) => format!("flowscope {arguments}"),
        None => line.to_owned(),
    };
    let runs = |part: &&str| {
        let program = part.split(' ').next().unwrap_or_default();
        program == "flowscope" || program == "target/release/flowscope"
    };
    let parts: Vec<&str> = line.split(" | ").collect();
    let command = parts.iter().find(|part| runs(part))?;
    let goes_on = match command.split(' ').nth(1) {
        Some("parquet" | "sql") => return None,
        Some("live") if !cfg!(feature = "live") => return None,
        Some("top") if !cfg!(feature = "top") => return None,
        goal => matches!(goal, Some("live" | "top")),
    };
    Some(if goes_on {
        format!("{line} --help")
    } else {
        line
    })
}

/// A folder with what the lines name.
struct Place {
    folder: Folder,
    /// Takes what is sent to a collector.
    collector: UdpSocket,
}

impl Place {
    fn new() -> Self {
        let folder = Folder::new();
        let flowscope = env!("CARGO_BIN_EXE_flowscope");
        for name in ["bin", "target/release"] {
            fs::create_dir_all(folder.path(name)).unwrap();
            symlink(flowscope, folder.path(name).join("flowscope")).unwrap();
        }
        symlink(workspace().join("fixtures"), folder.path("fixtures")).unwrap();
        let recorded = workspace().join("fixtures/pcap/recorded/dns-lookup.pcap");
        for name in ["trace.pcap", "capture.pcap"] {
            fs::copy(&recorded, folder.path(name)).unwrap();
        }
        // Others that stand beside it: one that captures, and one that shows.
        for (name, script) in [("tcpdump", "cat trace.pcap"), ("jq", "cat")] {
            let program = folder.file(&format!("bin/{name}"), b"");
            fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
            fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let collector = UdpSocket::bind("127.0.0.1:0").unwrap();
        Self { folder, collector }
    }

    fn run(&self, line: &str) -> Output {
        let collector = self.collector.local_addr().unwrap().to_string();
        let path = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{path}", self.folder.path("bin").display());
        Command::new("sh")
            .args(["-c", &line.replace("192.0.2.1:4739", &collector)])
            .current_dir(self.folder.path("."))
            .env("PATH", path)
            .output()
            .unwrap()
    }
}
