//! `cargo xtask man`: the command's manual pages, in `target/man`.
//!
//! The command prints its own pages, so that they say what it understands.

use crate::{Failure, Outcome, project};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err(Failure::Usage);
    }
    let folder = project::root().join("target/man");
    for command in PAGES {
        let mut flowscope = project::cargo();
        flowscope.args(["run", "--quiet", "--package", "flowscope-cli", "--", "man"]);
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
    Some("completions"),
];
