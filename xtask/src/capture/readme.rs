//! `README.md` of the recorded captures, written from the scenes themselves.

use core::fmt::Write as _;
use std::fs;
use std::path::Path;

use super::programs;
use super::scene::Scene;
use super::scenes;
use super::server::Server;

/// Writes it for the captures that are in `folder`, of which those of
/// `recorded` are new.
pub(super) fn write(folder: &Path, recorded: &[Scene]) -> Result<(), String> {
    let file = folder.join("README.md");
    let before = fs::read_to_string(&file).unwrap_or_default();
    let mut text = INTRODUCTION.to_owned();
    for scene in scenes::all().filter(|scene| folder.join(scene.file()).exists()) {
        text.push_str(&row(&scene));
    }
    text.push_str(
        "\n## Programs\n\nThe packages and their versions at the last recording that they took part \
         in:\n\n```text\n",
    );
    text.push_str(&programs::versions(recorded, &before)?);
    text.push_str("```\n");
    fs::write(file, text).map_err(|error| error.to_string())
}

fn row(scene: &Scene) -> String {
    let Scene {
        shows,
        link,
        view,
        already,
        script,
        ..
    } = scene;
    let mut made = String::new();
    match scene.server {
        Server::Kernel => {}
        Server::Nginx => made.push_str("server: nginx; "),
        Server::Knot => made.push_str("server: knotd; "),
        Server::Line(line, _) => {
            let _ = write!(made, "server: {}; ", code(line));
        }
    }
    if let Some(line) = already {
        let _ = write!(made, "already running: {}; ", code(line));
    }
    let lines: Vec<String> = script.iter().map(|line| code(line)).collect();
    let _ = write!(made, "client: {}", lines.join("; "));
    format!(
        "| `{}` | {shows} | {} | {} on the {} | {made} |\n",
        scene.file(),
        link.describe(),
        code(&view.command()),
        view.host.namespace().trim_start_matches("fs-"),
    )
}

/// Code inside a table's cell.
fn code(line: &str) -> String {
    format!("`{}`", line.replace('|', "\\|"))
}

const INTRODUCTION: &str = "\
# Recorded captures

Made by `cargo xtask capture`, which also writes this file: real programs in two network namespaces, \
`fs-client` (192.0.2.1, 2001:db8::1) and `fs-server` (192.0.2.2, 2001:db8::2), joined by a veth pair \
with offloads off, recorded with tcpdump. All names, addresses, pages, keys and certificates were made \
for it; the keys are gone. The captures are part of flowscope and under its licence.

What HTTP, TLS, DTLS, QUIC and DNS say in them is written down in `crates/flowscope/tests/recorded`: messages, \
fingerprints, certificates, records. Every value there was checked once against tshark 4.0.17; \
whoever records a capture anew checks those that change.

| file | shows | link | recorded with | made by |
|---|---|---|---|---|
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipes_do_not_end_a_cell() {
        assert_eq!(code("a | b"), "`a \\| b`");
    }

    #[test]
    fn every_scene_gives_one_row() {
        for scene in scenes::all() {
            let row = row(&scene);
            assert_eq!(row.lines().count(), 1, "{}", scene.name);
            assert_eq!(
                row.replace("\\|", "").matches('|').count(),
                6,
                "{}",
                scene.name
            );
        }
    }
}
