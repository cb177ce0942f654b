//! `cargo xtask man`: the command's manual pages, in `target/man`.
//!
//! The command prints its own pages, so that they say what it understands.

use crate::{Failure, Outcome, live, project};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err(Failure::Usage);
    }
    let folder = project::root().join("target/man");
    // What needs libpcap has a page where that is.
    let (feature, more) = match live::links("pcap") {
        true => ("live", LIVE_PAGES),
        false => ("top", &LIVE_PAGES[..1]),
    };
    for command in PAGES.iter().chain(more) {
        let mut flowscope = project::cargo();
        flowscope.args(["run", "--quiet", "--package", "flowscope-cli"]);
        flowscope.args(["--features", feature, "--", "man"]);
        let name = match command {
            None => "flowscope.1".to_owned(),
            Some(command) => {
                flowscope.arg(command);
                format!("flowscope-{command}.1")
            }
        };
        let page = project::output(&mut flowscope)?;
        project::write(&folder.join(&name), page)?;
        println!("target/man/{name}");
    }
    Ok(())
}

/// The command as a whole, then each of its commands.
const PAGES: &[Option<&str>] = &[
    None,
    Some("summary"),
    Some("flows"),
    Some("events"),
    Some("http"),
    Some("tls"),
    Some("dns"),
    Some("streams"),
    Some("all"),
    Some("cut"),
    Some("report"),
    Some("schema"),
    Some("completions"),
];

/// Those that a feature has.
const LIVE_PAGES: &[Option<&str>] = &[Some("top"), Some("live"), Some("interfaces")];
