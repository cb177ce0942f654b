//! `cargo xtask fixtures`: makes the synthetic captures, and the part of
//! `fixtures/README.md` that lists them.
//!
//! `--check` makes them in memory and fails where the files differ, are
//! missing, or are of unknown origin.

mod encode;

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::path::Path;

use flowscope_fixtures::Capture;

use crate::{Failure, Outcome, project};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let folder = project::root().join("fixtures");
    let made = made(&folder, &flowscope_fixtures::captures())?;
    match arguments {
        [] => {
            for (file, content) in &made {
                project::write(&folder.join(file), content)?;
            }
            let strays = strays(&folder, &made);
            println!("fixtures: {} files written", made.len());
            complain(&strays)
        }
        [flag] if flag == "--check" => {
            let mut complaints = differences(&folder, &made);
            complaints.extend(strays(&folder, &made));
            complain(&complaints)?;
            println!("fixtures: {} files as they should be", made.len());
            Ok(())
        }
        _ => Err(Failure::Usage),
    }
}

/// What the files of the folder have to contain, by their paths in it.
type Made = BTreeMap<String, Vec<u8>>;

fn made(folder: &Path, captures: &[Capture]) -> Result<Made, Failure> {
    let mut made = Made::new();
    let mut rows = String::from("| Capture | Packets | What it shows |\n|---|--:|---|\n");
    for capture in captures {
        let Capture {
            name,
            shows,
            frames,
            ..
        } = capture;
        let bytes = encode::encode(capture)
            .map_err(|error| Failure::because(format!("{name}: {error}")))?;
        if made.insert(format!("{PCAP}/{name}"), bytes).is_some() {
            return Err(Failure::because(format!("two captures called {name}")));
        }
        let _ = writeln!(
            rows,
            "| [`{name}`]({PCAP}/{name}) | {} | {shows} |",
            frames.len()
        );
    }
    let readme = project::read(&folder.join(README))?;
    let readme = between_markers(&readme, &rows)
        .ok_or_else(|| Failure::because(format!("{README} lacks {BEGIN} or {END}")))?;
    made.insert(README.into(), readme.into_bytes());
    Ok(made)
}

/// `text` with `content` in place of what is between the markers.
fn between_markers(text: &str, content: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n{content}{END}{after}"))
}

fn differences(folder: &Path, made: &Made) -> Vec<String> {
    made.iter()
        .filter_map(
            |(file, content)| match std::fs::read(folder.join(file)).as_ref() {
                Ok(found) if found == content => None,
                Ok(_) => Some(format!("fixtures/{file} differs from what would be made")),
                Err(error) => Some(format!("fixtures/{file}: {error}")),
            },
        )
        .collect()
}

/// Files that are neither made here nor listed as recorded.
fn strays(folder: &Path, made: &Made) -> Vec<String> {
    let list = std::fs::read_to_string(folder.join(RECORDED_LIST)).unwrap_or_default();
    let is_recorded = |file: &str| {
        file == RECORDED_LIST
            || file
                .strip_prefix(RECORDED)
                .is_some_and(|name| list.contains(&format!("`{name}`")))
    };
    project::files(&folder.join(PCAP))
        .iter()
        .map(|path| project::relative(folder, path))
        .filter(|file| !made.contains_key(file) && !is_recorded(file))
        .map(|file| format!("fixtures/{file} is neither synthetic nor listed as recorded"))
        .collect()
}

fn complain(complaints: &[String]) -> Outcome {
    for complaint in complaints {
        println!("{complaint}");
    }
    match complaints {
        [] => Ok(()),
        some => Err(Failure::because(format!(
            "{} files under fixtures/ are not as they should be",
            some.len()
        ))),
    }
}

const PCAP: &str = "pcap";
const RECORDED: &str = "pcap/recorded/";
const RECORDED_LIST: &str = "pcap/recorded/README.md";
const README: &str = "README.md";
const BEGIN: &str = "<!-- written by `cargo xtask fixtures` -->";
const END: &str = "<!-- end -->";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::Scratch;

    fn complaints(folder: &Path) -> Vec<String> {
        let made = made(folder, &flowscope_fixtures::captures()[..2]).unwrap();
        let mut complaints = differences(folder, &made);
        complaints.extend(strays(folder, &made));
        complaints
    }

    /// A folder in which all is as it should be.
    fn clean(name: &str) -> Scratch {
        let scratch = Scratch::new(name);
        let folder = scratch.path();
        project::write(&folder.join(README), format!("a\n{BEGIN}\nold\n{END}\nb\n")).unwrap();
        for (file, content) in made(folder, &flowscope_fixtures::captures()[..2]).unwrap() {
            project::write(&folder.join(file), content).unwrap();
        }
        scratch
    }

    #[test]
    fn what_was_written_passes() {
        let scratch = clean("written");
        assert_eq!(complaints(scratch.path()), [""; 0]);
        let readme = project::read(&scratch.path().join(README)).unwrap();
        assert!(readme.starts_with("a\n") && readme.ends_with("\nb\n"));
        assert!(readme.contains("(pcap/link-ethernet.pcap)") && !readme.contains("old"));
    }

    #[test]
    fn a_changed_a_missing_and_a_stray_file_are_named() {
        let scratch = clean("changed");
        let pcap = scratch.path().join(PCAP);
        let mut bytes = std::fs::read(pcap.join("link-ethernet.pcap")).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        project::write(&pcap.join("link-ethernet.pcap"), bytes).unwrap();
        std::fs::remove_file(pcap.join("link-ethernet-fcs.pcap")).unwrap();
        project::write(&pcap.join("mine.pcap"), "").unwrap();

        let complaints = complaints(scratch.path()).join("\n");
        assert_eq!(complaints.lines().count(), 3, "{complaints}");
        assert!(complaints.contains("link-ethernet.pcap differs"));
        assert!(complaints.contains("link-ethernet-fcs.pcap: "));
        assert!(complaints.contains("mine.pcap is neither"));
    }

    #[test]
    fn recorded_captures_have_to_be_listed() {
        let scratch = clean("recorded");
        let recorded = scratch.path().join(RECORDED);
        project::write(&recorded.join("README.md"), "| `listed.pcap` | shows |").unwrap();
        project::write(&recorded.join("listed.pcap"), "").unwrap();
        assert_eq!(complaints(scratch.path()), [""; 0]);
        project::write(&recorded.join("unlisted.pcap"), "").unwrap();
        assert_eq!(complaints(scratch.path()).len(), 1);
    }

    #[test]
    fn a_readme_without_its_markers_is_refused() {
        assert_eq!(between_markers("text", "rows"), None);
        let text = format!("{BEGIN}\nold\n{END}");
        assert_eq!(
            between_markers(&text, "new\n"),
            Some(format!("{BEGIN}\nnew\n{END}"))
        );
    }
}
