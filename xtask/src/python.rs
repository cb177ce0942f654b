//! `cargo xtask python`: installs the Python package into an environment of its
//! own, as a user does, and tests it there. The same environment has the other
//! readers of Parquet, so that tables are tested with them, too.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tables::succeed;
use crate::{Failure, Outcome, project, tables};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err(Failure::Usage);
    }
    let package = project::root().join("crates/flowscope-python");
    let python = environment(&project::root().join("target/python"))?;
    // Not optimised, which takes minutes.
    succeed(
        Command::new(&python)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--force-reinstall",
                "--no-deps",
            ])
            .arg(&package)
            .env("MATURIN_PEP517_ARGS", "--profile dev"),
    )?;
    succeed(
        Command::new(&python)
            .args(["-m", "pytest", "-q", "-p", "no:cacheprovider"])
            .current_dir(&package),
    )?;
    agree(&python)?;
    succeed(
        tables::cargo()
            .args(["test", "--test", "oracle"])
            .env("FLOWSCOPE_PYTHON", &python),
    )
}

/// Adds up the tables of all captures of the repository, as each way to get them
/// gives them.
fn agree(python: &Path) -> Outcome {
    let fixtures = project::root().join("fixtures/pcap");
    let mut writer = tables::cargo();
    writer.args(["build", "--bins"]);
    succeed(
        Command::new(python)
            .arg(project::root().join("crates/flowscope-python/tests/agree.py"))
            .arg(&fixtures)
            .arg(fixtures.join("recorded"))
            .env("FLOWSCOPE_COMMAND", project::flowscope()?)
            .env("FLOWSCOPE_PARQUET", project::program(&mut writer)?),
    )
}

/// The Python of an environment with what the tests need.
fn environment(folder: &Path) -> Result<PathBuf, Failure> {
    let python = folder.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    });
    if !python.is_file() {
        let mut venv = Command::new("python3");
        venv.args(["-m", "venv"]).arg(folder);
        if project::output(&mut venv).is_err() {
            return Err(Failure::Missing(
                "python3 with venv is not installed".to_owned(),
            ));
        }
    }
    let needed = ["duckdb", "pandas", "polars", "pyarrow", "pytest"];
    succeed(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet"])
            .args(needed),
    )?;
    Ok(python)
}
