//! `cargo xtask fuzz`: libFuzzer looks for an input with which something does not
//! hold, on stable Rust.
//!
//! It tests `flowscope-fuzz` with the seeds and with what was found before, builds its
//! targets with counters in every branch, and runs each for some time. What it has
//! reached is kept in `target/fuzz/corpus`, so that the next run goes on from there.
//!
//! With `--runs N` each target is run so many times, from the seeds and from what was
//! found before, and with the same random numbers, for who only wants to know whether a
//! change broke something. That is built as tests are, which takes less time.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::thread;

use crate::tables::succeed;
use crate::{Failure, Outcome, dist, project};

/// What the compiler is told: what `cargo fuzz` tells it, without the sanitizers,
/// which need nightly.
const RUSTFLAGS: &str = "-Cpasses=sancov-module \
    -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares \
    --cfg fuzzing";

/// The longest input, in bytes.
const MAX_LEN: usize = 64 << 10;

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let options = Options::parse(arguments)?;
    if project::output(Command::new("c++").arg("--version")).is_err() {
        return Err(Failure::Missing(
            "a C++ compiler is not installed".to_owned(),
        ));
    }
    let folder = project::root().join("target/fuzz");
    let targets = match options.targets.is_empty() {
        true => targets()?,
        false => options.targets,
    };
    options.effort.test()?;
    let mut seeds = options.effort.cargo("run");
    seeds.args(["--bin", "seeds", "--"]);
    succeed(seeds.arg(folder.join("seeds")))?;
    let programs = build(options.effort, &targets)?;
    let mut results = Vec::new();
    for targets in targets.chunks(options.jobs) {
        let runs = targets
            .iter()
            .map(|target| Run::begin(target, &programs, &folder, options.effort));
        let runs: Vec<Run> = runs.collect::<Result<_, _>>()?;
        for run in runs {
            results.push(run.end()?);
        }
    }
    print(&results);
    match results.iter().find(|result| result.has_failed) {
        Some(result) => Err(Failure::because(format!(
            "{}: see {}",
            result.target,
            result.log.display()
        ))),
        None => Ok(()),
    }
}

fn print(results: &[Ended]) {
    println!(
        "{:<18} {:>12} {:>9} {:>9} {:>9}  found",
        "target", "executions", "seconds", "MB", "branches"
    );
    for Ended {
        target,
        has_failed,
        stats,
        ..
    } in results
    {
        let found = if *has_failed { "an input" } else { "-" };
        let Stats {
            executions,
            seconds,
            megabytes,
            branches,
        } = stats;
        println!(
            "{target:<18} {executions:>12} {seconds:>9} {megabytes:>9} {branches:>9}  {found}"
        );
    }
}

/// What is asked for.
struct Options {
    effort: Effort,
    jobs: usize,
    targets: Vec<String>,
}

/// How much is done for each target.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Effort {
    Seconds(u64),
    Runs(u64),
}

impl Effort {
    /// A command of `cargo` in the workspace of the fuzzer. What is built for a fixed
    /// number of runs shares with the tests what both depend on.
    fn cargo(self, verb: &str) -> Command {
        let mut cargo = cargo();
        cargo.args([verb, "--quiet", "--target-dir"]);
        cargo.arg(project::target());
        if let Self::Seconds(_) = self {
            cargo.arg("--release");
        }
        cargo
    }

    /// Tests the targets with the seeds and with what was found, unless they are run
    /// with these anyway.
    fn test(self) -> Outcome {
        match self {
            Self::Seconds(_) => succeed(&mut self.cargo("test")),
            Self::Runs(_) => Ok(()),
        }
    }

    /// The folder in which cargo puts what it builds.
    fn profile(self) -> &'static str {
        match self {
            Self::Seconds(_) => "release",
            Self::Runs(_) => "debug",
        }
    }
}

impl Options {
    fn parse(arguments: &[String]) -> Result<Self, Failure> {
        let jobs = thread::available_parallelism().map_or(1, usize::from);
        let mut options = Self {
            effort: Effort::Seconds(60),
            jobs,
            targets: Vec::new(),
        };
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let mut number = || arguments.next()?.parse().ok().filter(|number| *number > 0);
            match argument.as_str() {
                "--seconds" => {
                    options.effort = Effort::Seconds(number().ok_or(Failure::Usage)?);
                }
                "--runs" => options.effort = Effort::Runs(number().ok_or(Failure::Usage)?),
                "--jobs" => {
                    let jobs = number().and_then(|number| usize::try_from(number).ok());
                    options.jobs = jobs.ok_or(Failure::Usage)?;
                }
                target if target.starts_with('-') => return Err(Failure::Usage),
                target => options.targets.push(target.to_owned()),
            }
        }
        Ok(options)
    }
}

fn package() -> PathBuf {
    project::root().join("crates/flowscope-fuzz")
}

/// The names of all targets: each is a file.
fn targets() -> Result<Vec<String>, Failure> {
    let files = project::files(&package().join("fuzz_targets"));
    let names: Vec<String> = files
        .iter()
        .filter_map(|file| Some(file.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    match names.is_empty() {
        true => Err(Failure::because("there are no targets")),
        false => Ok(names),
    }
}

/// `cargo` in the workspace of the fuzzer.
pub(crate) fn cargo() -> Command {
    let mut command = project::cargo();
    command.current_dir(package());
    command
}

/// Builds the targets. What runs while building is not measured: that is why a
/// platform is named. Returns the folder they are in.
fn build(effort: Effort, targets: &[String]) -> Result<PathBuf, Failure> {
    let machine = dist::machine()?;
    succeed(
        effort
            .cargo("build")
            .args(["--features", "libfuzzer", "--target", &machine])
            .args(targets.iter().flat_map(|target| ["--bin", target]))
            .env("RUSTFLAGS", RUSTFLAGS),
    )?;
    Ok(project::target().join(machine).join(effort.profile()))
}

/// A target that runs.
struct Run {
    target: String,
    child: Child,
    log: PathBuf,
}

/// How a run ended.
struct Ended {
    target: String,
    has_failed: bool,
    stats: Stats,
    log: PathBuf,
}

impl Run {
    fn begin(
        target: &str,
        programs: &Path,
        folder: &Path,
        effort: Effort,
    ) -> Result<Self, Failure> {
        let describe = |error| Failure::because(format!("{target}: {error}"));
        let corpus = folder.join("corpus").join(target);
        let seeds = folder.join("seeds").join(target);
        let found = folder.join("found");
        let fresh = folder.join("fresh").join(target);
        let findings = package().join("findings").join(target);
        let _ = fs::remove_dir_all(&fresh);
        for folder in [&corpus, &seeds, &found, &fresh] {
            fs::create_dir_all(folder).map_err(describe)?;
        }
        let log = folder.join(format!("{target}.log"));
        let output = File::create(&log).map_err(describe)?;
        let mut command = Command::new(programs.join(target));
        match effort {
            Effort::Seconds(seconds) => command
                .args([&corpus, &seeds])
                .arg(format!("-max_total_time={seconds}")),
            Effort::Runs(runs) => command
                .args([&fresh, &seeds])
                .args(findings.is_dir().then_some(&findings))
                .args([format!("-runs={runs}"), "-seed=1".to_owned()]),
        };
        let child = command
            .arg(format!("-max_len={MAX_LEN}"))
            .arg(format!("-artifact_prefix={}/{target}-", found.display()))
            .args(["-timeout=120", "-rss_limit_mb=2048", "-print_final_stats=1"])
            .stderr(output)
            .spawn()
            .map_err(describe)?;
        Ok(Self {
            target: target.to_owned(),
            child,
            log,
        })
    }

    fn end(mut self) -> Result<Ended, Failure> {
        // A child that was started is waited for, whatever becomes of the others.
        let status = self.child.wait();
        let status = status.map_err(|error| Failure::because(error.to_string()))?;
        let stats = Stats::read(&String::from_utf8_lossy(
            &fs::read(&self.log).unwrap_or_default(),
        ));
        Ok(Ended {
            target: self.target,
            has_failed: !status.success(),
            stats,
            log: self.log,
        })
    }
}

/// What libFuzzer says at the end of a run.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
struct Stats {
    executions: u64,
    seconds: u64,
    megabytes: u64,
    /// Of those that have a counter, how many were taken.
    branches: u64,
}

impl Stats {
    fn read(log: &str) -> Self {
        let mut stats = Self::default();
        for line in log.lines() {
            let number = |line: &str| line.trim().parse().unwrap_or(0);
            if let Some(line) = line.strip_prefix("stat::number_of_executed_units:") {
                stats.executions = number(line);
            } else if let Some(line) = line.strip_prefix("stat::peak_rss_mb:") {
                stats.megabytes = number(line);
            } else if let Some((_, line)) = line.split_once(" runs in ") {
                stats.seconds = line.split(' ').next().map_or(0, number);
            } else if let Some((_, line)) = line.split_once(" cov: ") {
                stats.branches = line.split(' ').next().map_or(0, number);
            }
        }
        stats
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libfuzzer_says_is_read() {
        let log = "#2048\tpulse  cov: 170 ft: 20 corp: 1/1b\n\
            #2190\tDONE   cov: 174 ft: 21 corp: 1/1b\nDone 2190 runs in 61 second(s)\n\
            stat::number_of_executed_units: 2190\n\
            stat::average_exec_per_sec:     35\n\
            stat::peak_rss_mb:              120\n";
        let expected = Stats {
            executions: 2190,
            seconds: 61,
            megabytes: 120,
            branches: 174,
        };
        assert_eq!(Stats::read(log), expected);
    }

    #[test]
    fn every_target_has_a_file() {
        let lib = project::read(&package().join("src/targets.rs")).expect("the list of targets");
        let targets = targets().expect("files");
        assert!(targets.len() > 10);
        for target in targets {
            assert!(
                lib.contains(&format!("(\"{target}\", {target})")),
                "{target}"
            );
        }
    }

    #[test]
    fn options_are_read() {
        let options = |words: &[&str]| {
            let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            Options::parse(&words).map(|it| (it.effort, it.jobs, it.targets))
        };
        assert_eq!(
            options(&["--seconds", "5", "--jobs", "1", "http"]).ok(),
            Some((Effort::Seconds(5), 1, vec!["http".to_owned()]))
        );
        let runs = options(&["--runs", "9"]).ok().map(|it| it.0);
        assert_eq!(runs, Some(Effort::Runs(9)));
        assert!(options(&["--seconds", "0"]).is_err());
        assert!(options(&["--hours", "1"]).is_err());
    }
}
