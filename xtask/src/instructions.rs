//! `cargo xtask instructions`: how many instructions hot paths take, compared
//! with what they took.
//!
//! Times differ from run to run and from machine to machine; what callgrind
//! counts hardly does. The programs of `benches` read small captures, made anew
//! each time, and each may take a few hundredths more than
//! `benches/instructions.txt` says. Another compiler makes other instructions of
//! the same source, so the file says which one it is for. After a change that is
//! worth its instructions, or with another compiler, `--renew` writes it anew:
//! the review sees what became of each count.

use core::fmt::Write;
use std::path::Path;
use std::process::Command;

use crate::{Failure, Outcome, bench_data, project};

/// Compares, or with `--renew` writes what it finds.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let renew = match arguments {
        [] => false,
        [flag] if flag == "--renew" => true,
        _ => return Err(Failure::Usage),
    };
    if Command::new("valgrind").arg("--version").output().is_err() {
        return Err(Failure::Missing("valgrind is not installed".into()));
    }
    let file = project::root().join("benches/instructions.txt");
    let compiler = compiler()?;
    if !renew {
        let expected = Expected::parse(&project::read(&file)?)?;
        if expected.compiler != compiler {
            return Err(Failure::Missing(format!(
                "the expectations are for {}, and this is {compiler}: \
                 cargo xtask instructions --renew",
                expected.compiler
            )));
        }
        return compare(&expected, &measure_all()?);
    }
    let counts = measure_all()?;
    project::write(&file, text(&compiler, &counts))
}

/// A program with its arguments, on a capture.
struct Case {
    name: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
    capture: &'static str,
}

const CASES: [Case; 8] = [
    Case {
        name: "track-flows-random",
        program: "count",
        arguments: &["track"],
        capture: "flows-random",
    },
    Case {
        name: "track-mix",
        program: "count",
        arguments: &["track"],
        capture: "mix",
    },
    Case {
        name: "sessions-mix",
        program: "sessions",
        arguments: &[],
        capture: "mix",
    },
    Case {
        name: "sessions-elephants",
        program: "sessions",
        arguments: &[],
        capture: "elephants",
    },
    Case {
        name: "messages-sessions",
        program: "messages",
        arguments: &[],
        capture: "sessions",
    },
    Case {
        name: "messages-sessions-everything",
        program: "messages",
        arguments: &["everything"],
        capture: "sessions",
    },
    Case {
        name: "records-flows-mix",
        program: "records",
        arguments: &["flows"],
        capture: "mix",
    },
    Case {
        name: "records-all-dense",
        program: "records",
        arguments: &["all"],
        capture: "dense",
    },
];

/// The captures, with the flags that make them small.
const CAPTURES: [(&str, &[&str]); 5] = [
    ("flows-random", &["--flows", "10000", "--packets", "5"]),
    ("mix", &["--size", "5000000"]),
    ("elephants", &["--size", "20000000"]),
    ("sessions", &["--size", "5000000"]),
    ("dense", &["--flows", "2000"]),
];

/// A count may be larger than expected by one in so many: the hash of a table is
/// seeded anew each time, which moves counts by some thousandths.
const TOLERANCE: u64 = 40;

/// The name of each case with its instructions.
type Counts = Vec<(String, u64)>;

fn measure_all() -> Result<Counts, Failure> {
    let status = project::cargo()
        .args(["build", "--release", "--package", "flowscope-benches"])
        .args(["--bin", "count", "--bin", "sessions"])
        .args(["--bin", "messages", "--bin", "records"])
        .status()
        .map_err(|error| Failure::because(format!("cannot run cargo: {error}")))?;
    if !status.success() {
        return Err(Failure::because("the programs of benches do not build"));
    }
    let target = project::target();
    let folder = target.join("instructions");
    for (kind, flags) in CAPTURES {
        let out = folder.to_string_lossy().into_owned();
        let mut arguments = vec!["--only".into(), kind.to_owned(), "--out".into(), out];
        arguments.extend(flags.iter().map(ToString::to_string));
        bench_data::run(&arguments)?;
    }
    let mut counts = Counts::new();
    for case in &CASES {
        let program = target.join("release").join(case.program);
        let capture = folder.join(case.capture).with_extension("pcap");
        let count = measure(&program, &capture, case.arguments)?;
        println!("{} {count}", case.name);
        counts.push((case.name.to_owned(), count));
    }
    Ok(counts)
}

/// The instructions of one run of a program.
fn measure(program: &Path, capture: &Path, arguments: &[&str]) -> Result<u64, Failure> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(program)
        .arg(capture)
        .args(arguments)
        .output()
        .map_err(|error| Failure::because(format!("cannot run valgrind: {error}")))?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        return Err(Failure::because(format!("{}\n{said}", program.display())));
    }
    collected(&said).ok_or_else(|| Failure::because(format!("callgrind counted nothing:\n{said}")))
}

/// The count in what callgrind says.
fn collected(said: &str) -> Option<u64> {
    let (_, after) = said.split_once("Collected :")?;
    after.split_whitespace().next()?.parse().ok()
}

fn compare(expected: &Expected, counts: &[(String, u64)]) -> Outcome {
    let mut more = String::new();
    for (name, count) in counts {
        let Some((_, before)) = expected.counts.iter().find(|(of, _)| of == name) else {
            let _ = writeln!(more, "{name}: {count}, and nothing is expected");
            continue;
        };
        let share = *count as f64 / *before as f64;
        if *count > before + before / TOLERANCE {
            let _ = writeln!(more, "{name}: {count}, {share:.3} of {before}");
        } else if *count < before - before / TOLERANCE {
            println!("{name}: {share:.3} of what is expected; --renew keeps that");
        }
    }
    if more.is_empty() {
        Ok(())
    } else {
        Err(Failure::because(format!(
            "more instructions than expected:\n{more}cargo xtask instructions --renew \
             takes them for expected"
        )))
    }
}

/// What is expected, and with which compiler.
#[derive(Debug, PartialEq)]
struct Expected {
    compiler: String,
    counts: Counts,
}

impl Expected {
    fn parse(text: &str) -> Result<Self, Failure> {
        let mut lines = text.lines().filter(|line| !line.starts_with('#'));
        let compiler = lines.next().unwrap_or_default().to_owned();
        let count = |line: &str| {
            let (name, count) = line.split_once(' ')?;
            Some((name.to_owned(), count.parse().ok()?))
        };
        let counts = lines.map(|line| count(line).ok_or_else(|| line.to_owned()));
        let counts = counts.collect::<Result<_, _>>();
        let counts = counts.map_err(|line| format!("no name and count: {line}"))?;
        Ok(Self { compiler, counts })
    }
}

fn text(compiler: &str, counts: &[(String, u64)]) -> String {
    let mut text = String::from(
        "# Instructions of the programs of benches on small captures, as callgrind\n\
         # counts them, with this compiler: cargo xtask instructions --renew\n",
    );
    let _ = writeln!(text, "{compiler}");
    for (name, count) in counts {
        let _ = writeln!(text, "{name} {count}");
    }
    text
}

/// What rustc calls itself, and what it compiles for.
fn compiler() -> Result<String, Failure> {
    let said = project::output(
        Command::new("rustc")
            .arg("-vV")
            .current_dir(project::root()),
    )?;
    let line = |start: &str| said.lines().find_map(|line| line.strip_prefix(start));
    let [release, host] = ["release: ", "host: "].map(|name| line(name).unwrap_or("unknown"));
    Ok(format!("rustc {release} {host}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let counts = vec![("one".to_owned(), 1), ("another".to_owned(), 20)];
        let text = text("rustc 1.95.0 here", &counts);
        let expected = Expected {
            compiler: "rustc 1.95.0 here".to_owned(),
            counts,
        };
        assert_eq!(Expected::parse(&text).ok(), Some(expected));
        assert!(Expected::parse("rustc\nno count").is_err());
    }

    #[test]
    fn a_little_more_is_no_failure_and_much_more_is() {
        let expected = |count| Expected {
            compiler: String::new(),
            counts: vec![("one".to_owned(), count)],
        };
        let found = vec![("one".to_owned(), 1000)];
        assert!(compare(&expected(990), &found).is_ok());
        assert!(compare(&expected(2000), &found).is_ok());
        assert!(compare(&expected(900), &found).is_err());
        assert!(compare(&expected(0), &[("two".to_owned(), 1)]).is_err());
    }

    #[test]
    fn callgrind_says_how_many_it_collected() {
        let said = "==1== Events    : Ir\n==1== Collected : 129701234\n==1==\n";
        assert_eq!(collected(said), Some(129_701_234));
        assert_eq!(collected("nothing"), None);
    }
}
