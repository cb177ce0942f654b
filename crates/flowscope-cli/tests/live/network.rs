//! Two hosts and the cable between them.

use core::time::Duration;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::sleep;

/// Two network namespaces, `192.0.2.1` and `192.0.2.2`, joined at `v0`. They go
/// with it.
pub(crate) struct Network {
    names: [String; 2],
    /// One test at a time: they measure.
    _turn: MutexGuard<'static, ()>,
}

static TURN: Mutex<()> = Mutex::new(());

impl Network {
    /// Builds it; `None`, and a word about it, where that is not possible.
    pub(crate) fn build() -> Option<Self> {
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let pid = std::process::id();
        let network = Self {
            names: [format!("fs-{pid}-a"), format!("fs-{pid}-b")],
            _turn: turn,
        };
        for name in &network.names {
            if let Err(reason) = ip(&["netns", "add", name]) {
                eprintln!("SKIPPED: no network namespace can be made: {reason}");
                return None;
            }
        }
        for program in ["tcpdump", "curl", "openssl", "dig"] {
            if Command::new("which")
                .arg(program)
                .output()
                .is_ok_and(|found| !found.status.success())
            {
                eprintln!("SKIPPED: {program} is not installed");
                return None;
            }
        }
        network.connect();
        Some(network)
    }

    /// Lays the cable.
    pub(crate) fn connect(&self) {
        let [a, b] = &self.names;
        for line in [
            format!("-n {a} link add v0 type veth peer name v0 netns {b}"),
            format!("-n {a} addr add 192.0.2.1/24 dev v0"),
            format!("-n {b} addr add 192.0.2.2/24 dev v0"),
            // A host that takes everything and never answers.
            format!("-n {a} neigh add 192.0.2.99 lladdr 02:00:00:00:00:99 dev v0"),
        ] {
            self.ip_line(&line);
        }
        for name in &self.names {
            self.ip_line(&format!("-n {name} link set lo up"));
            // Without an address of IPv6 the kernel itself says nothing.
            self.ip_line(&format!("-n {name} link set v0 addrgenmode none"));
            self.ip_line(&format!("-n {name} link set v0 up"));
        }
        sleep(Duration::from_millis(300));
    }

    /// Runs `ip` in the first host.
    pub(crate) fn ip(&self, line: &str) {
        self.ip_line(&format!("-n {} {line}", self.names[0]));
    }

    fn ip_line(&self, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        ip(&words).unwrap_or_else(|reason| panic!("ip {line}: {reason}"));
    }

    /// A command of the first host, or of the second.
    pub(crate) fn command(&self, host: usize, words: &[&str]) -> Command {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.names[host]])
            .args(words);
        command
    }

    /// Runs a command of the first host to its end.
    pub(crate) fn run(&self, words: &[&str]) -> String {
        let output = self.command(0, words).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words:?}: {text}{error}");
        text
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for name in &self.names {
            // Whichever of them is there.
            let _ = ip(&["netns", "del", name]);
        }
    }
}

fn ip(words: &[&str]) -> Result<(), String> {
    let output = Command::new("ip").args(words).output();
    let output = output.map_err(|error| error.to_string())?;
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned()),
    }
}
