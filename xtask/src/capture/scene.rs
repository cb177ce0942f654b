//! One capture: who talks to whom, over what, and who listens.

use core::time::Duration;
use std::path::Path;
use std::thread::sleep;

use super::link::{Link, LinkUp};
use super::network::{Host, Network};
use super::process::{Running, finish};
use super::recorder::{Recorder, View};
use super::server::Server;

/// A capture as a script.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene {
    /// The name of the file, without `.pcap`.
    pub(super) name: &'static str,
    /// What a reader will find in it.
    pub(super) shows: &'static str,
    pub(super) server: Server,
    pub(super) link: Link,
    pub(super) view: View,
    /// A client that runs for a second before the recording begins.
    pub(super) already: Option<&'static str>,
    /// Command lines of the client, one after the other. All must succeed.
    pub(super) script: &'static [&'static str],
}

/// What became of a scene.
#[derive(Debug)]
pub(super) enum Recording {
    Made,
    /// This kernel cannot do it.
    Skipped(String),
}

impl Scene {
    /// A scene over the cable, seen from the client's end of it.
    pub(super) const fn new(
        name: &'static str,
        shows: &'static str,
        server: Server,
        script: &'static [&'static str],
    ) -> Self {
        let (link, view) = (Link::Cable, View::CABLE);
        Self {
            name,
            shows,
            server,
            link,
            view,
            already: None,
            script,
        }
    }

    /// The same scene over another link, seen from elsewhere.
    pub(super) const fn over(self, link: Link, view: View) -> Self {
        Self { link, view, ..self }
    }

    /// The same scene, joined while `line` is running.
    pub(super) const fn already(self, line: &'static str) -> Self {
        Self {
            already: Some(line),
            ..self
        }
    }

    /// All command lines, those of the server included.
    pub(super) fn lines(&self) -> impl Iterator<Item = &'static str> {
        let server = self.server.line().map(|(line, _)| line);
        let script = self.script.iter().copied();
        script.chain(server).chain(self.already)
    }

    pub(super) fn file(&self) -> String {
        format!("{}.pcap", self.name)
    }

    /// Plays it and writes what was seen into `file`.
    pub(super) fn record(&self, network: &Network, file: &Path) -> Result<Recording, String> {
        let _link = match self.link.up(network)? {
            LinkUp::Up(guard) => guard,
            LinkUp::Unsupported(reason) => return Ok(Recording::Skipped(reason)),
        };
        let _server = self.server.start(network)?;
        let mut running = Vec::new();
        if let Some(line) = self.already {
            let line = format!("exec {line}");
            running.push(Running::spawn(&mut network.shell(Host::Client, &line))?);
            sleep(Duration::from_secs(1));
        }
        let recorder = Recorder::start(network, self.view, file)?;
        for line in self.script {
            let words = ["timeout", "60", "sh", "-c", line];
            finish(network.shell(Host::Client, r#"exec "$0" "$@""#).args(words))?;
        }
        recorder.stop()?;
        Ok(Recording::Made)
    }
}
