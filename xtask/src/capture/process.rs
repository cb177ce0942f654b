//! Child processes: run to the end, or in the background until dropped.

use core::time::Duration;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Instant;

/// Runs `program` to its end; an error holds what it wrote.
pub(super) fn run(program: &str, args: &[&str]) -> Result<String, String> {
    finish(Command::new(program).args(args))
}

/// Runs a line of words without any quoting.
pub(super) fn run_line(line: &str) -> Result<String, String> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let (program, args) = words.split_first().ok_or("an empty command")?;
    run(program, args)
}

/// Runs `command` to its end; an error holds what it wrote.
pub(super) fn finish(command: &mut Command) -> Result<String, String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let (said, complained) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    Err(format!(
        "{command:?}: {}\n{said}{complained}",
        output.status
    ))
}

/// A process in the background, ended when this is dropped.
#[derive(Debug)]
pub(super) struct Running {
    child: Child,
}

impl Running {
    pub(super) fn spawn(command: &mut Command) -> Result<Self, String> {
        // Some servers take the end of their input for a wish to end.
        let child = command
            .stdin(Stdio::piped())
            .spawn()
            .map_err(|error| format!("{command:?}: {error}"))?;
        Ok(Self { child })
    }

    pub(super) const fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Sends SIGINT, upon which a well-behaved program writes out and ends.
    pub(super) fn interrupt(mut self) -> Result<(), String> {
        run("kill", &["-INT", &self.child.id().to_string()])?;
        self.child
            .wait()
            .map(|_| ())
            .map_err(|error| error.to_string())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself; either way it is gone afterwards.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Waits until `ready` says so.
pub(super) fn wait_until(what: &str, mut ready: impl FnMut() -> bool) -> Result<(), String> {
    let began = Instant::now();
    while !ready() {
        if began.elapsed() > PATIENCE {
            return Err(format!("{what} was not ready after {PATIENCE:?}"));
        }
        sleep(Duration::from_millis(50));
    }
    Ok(())
}

const PATIENCE: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_was_written() {
        assert_eq!(run("echo", &["well"]).as_deref(), Ok("well\n"));
        let error = run("sh", &["-c", "echo broken >&2; exit 3"]).unwrap_err();
        assert!(error.contains("broken") && error.contains('3'), "{error}");
    }

    #[test]
    fn a_dropped_process_is_gone() {
        let mut running = Running::spawn(Command::new("sleep").arg("1000")).unwrap();
        let pid = running.child().id().to_string();
        drop(running);
        assert!(run("kill", &["-0", &pid]).is_err());
    }
}
