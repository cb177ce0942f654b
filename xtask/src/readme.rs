//! `cargo xtask readme`: the commands of the README that make tables, as a newcomer
//! pastes them: in a fresh clone, with a Python that has nothing installed.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tables::succeed;
use crate::{Failure, Outcome, project};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err(Failure::Usage);
    }
    let readme = project::read(&project::root().join("README.md"))?;
    let commands = commands(&readme, SECTION);
    if commands.is_empty() {
        return Err(Failure::because(format!("README.md has no {SECTION}")));
    }
    let folder = project::root().join("target/readme");
    let clone = fresh_clone(&folder)?;
    let path = path_with_python(&folder)?;
    for command in commands {
        println!("$ {command}");
        let output = project::output(
            Command::new("sh")
                .args(["-euc", command])
                .env("PATH", &path)
                .current_dir(&clone),
        )?;
        println!("{output}");
    }
    for table in ["flows", "http", "tls", "dns"] {
        let folder = clone.join("tables").join(table);
        let files = fs::read_dir(&folder).map_or(0, Iterator::count);
        if files == 0 {
            return Err(Failure::because(format!("{} is empty", folder.display())));
        }
    }
    Ok(())
}

/// The lines of shell in a section of a document.
fn commands<'a>(document: &'a str, section: &str) -> Vec<&'a str> {
    let lines = document.lines().skip_while(|line| *line != section).skip(1);
    let lines = lines.take_while(|line| !line.starts_with("## "));
    let mut commands = Vec::new();
    let mut is_shell = false;
    for line in lines {
        match line {
            "```sh" => is_shell = true,
            "```" => is_shell = false,
            _ if is_shell => commands.push(line),
            _ => {}
        }
    }
    commands
}

/// What was committed last, where nothing was built before.
fn fresh_clone(folder: &Path) -> Result<PathBuf, Failure> {
    if folder.is_dir() {
        fs::remove_dir_all(folder)
            .map_err(|error| Failure::because(format!("{}: {error}", folder.display())))?;
    }
    let clone = folder.join("flowscope");
    succeed(
        project::git()
            .args(["clone", "--quiet"])
            .arg(project::root())
            .arg(&clone),
    )?;
    Ok(clone)
}

/// The path, with a Python of its own before all others.
fn path_with_python(folder: &Path) -> Result<String, Failure> {
    let python = folder.join("python");
    let mut venv = Command::new("python3");
    venv.args(["-m", "venv"]).arg(&python);
    if project::output(&mut venv).is_err() {
        return Err(Failure::Missing(
            "python3 with venv is not installed".to_owned(),
        ));
    }
    let path = env::var("PATH").unwrap_or_default();
    Ok(format!("{}:{path}", python.join("bin").display()))
}

/// Where the commands are.
const SECTION: &str = "## As tables";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_readme_makes_parquet_asks_sql_and_installs_for_python() {
        let readme = project::read(&project::root().join("README.md")).expect("there is one");
        let commands = commands(&readme, SECTION);
        let is = |at: usize, word| commands[at].contains(word);
        assert_eq!(commands.len(), 3, "{commands:?}");
        assert!(
            is(0, "flowscope-table") && is(1, "flowscope-sql") && is(2, "pip install"),
            "{commands:?}"
        );
    }

    #[test]
    fn only_shell_of_the_section_counts() {
        let document = "## A\n```sh\none\n```\n## B\n```text\ntwo\n```\n```sh\nthree\nfour\n```\n";
        assert_eq!(commands(document, "## B"), ["three", "four"]);
        assert!(commands(document, "## C").is_empty());
    }
}
