//! tcpdump, writing down what passes an interface.

use core::time::Duration;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{ChildStderr, Stdio};
use std::thread::sleep;

use super::network::{CABLE, Host, Network};
use super::process::Running;

/// Where tcpdump listens, and with what further flags.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    pub(super) host: Host,
    pub(super) interface: &'static str,
    pub(super) flags: &'static str,
}

impl View {
    /// The client's end of the cable.
    pub(super) const CABLE: Self = Self {
        host: Host::Client,
        interface: CABLE,
        flags: "",
    };

    pub(super) const fn on(interface: &'static str) -> Self {
        Self {
            interface,
            ..Self::CABLE
        }
    }

    pub(super) const fn at(host: Host, interface: &'static str) -> Self {
        Self {
            host,
            interface,
            flags: "",
        }
    }

    pub(super) const fn flags(self, flags: &'static str) -> Self {
        Self { flags, ..self }
    }

    /// The command, without the file it writes.
    pub(super) fn command(self) -> String {
        let Self {
            interface, flags, ..
        } = self;
        format!("tcpdump -i {interface} {flags}").trim_end().into()
    }
}

/// A recording under way.
#[derive(Debug)]
pub(super) struct Recorder {
    tcpdump: Running,
    /// Kept open, so that its last words do not fail.
    words: BufReader<ChildStderr>,
}

impl Recorder {
    /// Returns when tcpdump listens.
    pub(super) fn start(network: &Network, view: View, file: &Path) -> Result<Self, String> {
        let line = format!(
            "exec {} -U --immediate-mode -Z root -w {}",
            view.command(),
            file.display(),
        );
        let mut command = network.shell(view.host, &line);
        let mut tcpdump = Running::spawn(command.stderr(Stdio::piped()))?;
        let stderr = tcpdump.child().stderr.take().expect("its stderr is piped");
        let mut words = BufReader::new(stderr);
        let mut said = String::new();
        while !said.contains("listening on") {
            match words.read_line(&mut said) {
                Ok(0) => return Err(format!("tcpdump ended: {said}")),
                Ok(_) => {}
                Err(error) => return Err(error.to_string()),
            }
        }
        Ok(Self { tcpdump, words })
    }

    /// Waits for the last packets and ends the recording.
    pub(super) fn stop(self) -> Result<(), String> {
        let Self { tcpdump, words } = self;
        sleep(Duration::from_millis(400));
        tcpdump.interrupt()?;
        drop(words);
        Ok(())
    }
}
