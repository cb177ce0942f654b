//! Programs that run beside the test.

use core::time::Duration;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle, sleep};
use std::time::Instant;

use serde_json::Value;

/// A process that is ended with the test.
pub(crate) struct Running {
    child: Child,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
}

/// What a process left.
pub(crate) struct Left {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Running {
    /// Starts a process, whose output is read as it comes.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut running = Self::start_unread(command);
        let mut stdout = running.child.stdout.take().unwrap();
        running.stdout = Some(thread::spawn(move || {
            let mut text = Vec::new();
            stdout.read_to_end(&mut text).unwrap();
            text
        }));
        running
    }

    /// Starts a process whose standard output nobody reads.
    pub(crate) fn start_unread(command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let mut stderr = child.stderr.take().unwrap();
        let stderr = thread::spawn(move || {
            let mut text = Vec::new();
            stderr.read_to_end(&mut text).unwrap();
            text
        });
        Self {
            child,
            stdout: None,
            stderr: Some(stderr),
        }
    }

    /// Starts a server, and waits until it says that it is ready.
    pub(crate) fn start_server(command: &mut Command) -> Self {
        let mut running = Self::start_unread(command);
        let mut said = String::new();
        let stdout = running.child.stdout.as_mut().unwrap();
        BufReader::new(stdout).read_line(&mut said).unwrap();
        assert_eq!(said, "ready\n", "{command:?}");
        running
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status().unwrap();
        assert!(sent.success());
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Kilobytes of memory that are its own now.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS"));
        let number = line.unwrap().split_whitespace().nth(1).unwrap();
        number.parse().unwrap()
    }

    /// Waits for its end, and fails if that takes long.
    pub(crate) fn wait(mut self) -> Left {
        let start = Instant::now();
        while !self.has_ended() {
            assert!(start.elapsed() < PATIENCE, "it does not end");
            sleep(Duration::from_millis(20));
        }
        let text = |thread: Option<JoinHandle<Vec<u8>>>| {
            let bytes = thread.map(|thread| thread.join().unwrap());
            String::from_utf8(bytes.unwrap_or_default()).unwrap()
        };
        Left {
            status: self.child.wait().unwrap(),
            stdout: text(self.stdout.take()),
            stderr: text(self.stderr.take()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Left {
    /// The records on standard output.
    pub(crate) fn records(&self) -> Vec<Value> {
        let lines = self.stdout.lines();
        lines
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// The numbers of the last line: received, read, dropped by the kernel.
    pub(crate) fn counts(&self) -> [u64; 3] {
        let line = self.stderr.lines().find(|line| line.contains("received"));
        let line = line.unwrap_or_else(|| panic!("no counts in {:?}", self.stderr));
        let mut numbers = line
            .split(|letter: char| !letter.is_ascii_digit())
            .filter_map(|digits| digits.parse().ok());
        core::array::from_fn(|_| numbers.next().unwrap())
    }
}

/// The command that is tested.
pub(crate) const FLOWSCOPE: &str = env!("CARGO_BIN_EXE_flowscope");

/// The program that plays other hosts.
pub(crate) fn peer() -> String {
    let deps = std::env::current_exe().unwrap();
    let mut path: PathBuf = deps.parent().and_then(|deps| deps.parent()).unwrap().into();
    path.extend(["examples", "peer"]);
    assert!(path.exists(), "{} is not built", path.display());
    path.to_str().unwrap().into()
}

const PATIENCE: Duration = Duration::from_secs(60);
