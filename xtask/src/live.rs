//! `cargo xtask live`: tests what needs libpcap, and, as root, what needs a
//! network of its own.

use std::process::{Command, Stdio};

use crate::{Failure, Outcome, project};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err(Failure::Usage);
    }
    if !links("pcap") {
        return Err(Failure::Missing(
            "libpcap cannot be linked to: `apt-get install libpcap-dev`".to_owned(),
        ));
    }
    for (package, feature) in [("flowscope-tokio", "libpcap"), ("flowscope-cli", "live")] {
        let mut test = project::cargo();
        // Who made no network says so, and is heard.
        test.args(["test", "--package", package, "--features", feature])
            .args(["--", "--nocapture"]);
        let status = test
            .status()
            .map_err(|error| Failure::because(format!("cannot run cargo: {error}")))?;
        if !status.success() {
            return Err(Failure::because(format!("cargo: {status}")));
        }
    }
    complete()
}

/// Whether the tests of live captures can do all that they are for.
pub(crate) fn complete() -> Outcome {
    if !links("pcap") {
        return Err(Failure::Missing(
            "the tests of live captures: libpcap cannot be linked to".to_owned(),
        ));
    }
    let missing: Vec<&str> = PROGRAMS
        .into_iter()
        .filter(|name| !is_there(name))
        .collect();
    if !missing.is_empty() {
        return Err(Failure::Missing(format!(
            "the tests in a network of their own; not installed: {}",
            missing.join(", ")
        )));
    }
    if !may_make_networks() {
        return Err(Failure::Missing(
            "the tests in a network of their own, which need root".to_owned(),
        ));
    }
    Ok(())
}

/// Whether a program can be linked to a library.
pub(crate) fn links(library: &str) -> bool {
    let line =
        format!("echo 'int main(void) {{ return 0; }}' | cc -x c - -l{library} -o /dev/null");
    succeeds(Command::new("sh").args(["-c", &line]))
}

fn is_there(program: &str) -> bool {
    succeeds(Command::new("sh").args(["-c", &format!("command -v {program}")]))
}

fn may_make_networks() -> bool {
    let name = format!("fs-{}-may", std::process::id());
    let made = succeeds(Command::new("ip").args(["netns", "add", &name]));
    made && succeeds(Command::new("ip").args(["netns", "del", &name]))
}

fn succeeds(command: &mut Command) -> bool {
    let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    status.is_ok_and(|status| status.success())
}

/// What the tests run besides what they test.
const PROGRAMS: [&str; 6] = ["ip", "tcpdump", "tcpreplay", "curl", "openssl", "dig"];
