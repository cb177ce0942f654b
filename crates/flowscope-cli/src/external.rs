//! Commands that are programs of their own, as those of git and cargo are:
//! what they take to build is not for everybody.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// A command that another program carries out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct External {
    /// What it is called behind `flowscope`.
    name: &'static str,
    program: &'static str,
    /// Where its source is in the repository.
    package: &'static str,
}

const ALL: [External; 2] = [
    External {
        name: "parquet",
        program: "flowscope-parquet",
        package: "crates/flowscope-table",
    },
    External {
        name: "sql",
        program: "flowscope-sql",
        package: "crates/flowscope-sql",
    },
];

/// Carries out what is said if that is such a command. It has its own arguments,
/// so that nothing here looks at them.
pub(crate) fn run(said: &[OsString]) -> Option<ExitCode> {
    let name = said.get(1)?;
    let external = ALL.into_iter().find(|it| name == it.name)?;
    Some(external.start(&said[2..]))
}

impl External {
    fn start(self, arguments: &[OsString]) -> ExitCode {
        let mut command = Command::new(self.path());
        command.args(arguments);
        let error = match become_it(&mut command) {
            Ok(code) => return code,
            Err(error) => error,
        };
        let Self {
            name,
            program,
            package,
        } = self;
        let mut stderr = io::stderr().lock();
        // There is nowhere left to complain about standard error.
        let _ = match error.kind() {
            io::ErrorKind::NotFound => writeln!(
                stderr,
                "flowscope: {name} needs the program {program}, which is neither beside flowscope \
                 nor on the path; in a clone of the repository, \
                 `cargo install --path {package}` installs it"
            ),
            _ => writeln!(stderr, "flowscope: {program}: {error}"),
        };
        ExitCode::FAILURE
    }

    /// The program beside this one, or else the one of its name on the path.
    fn path(self) -> PathBuf {
        let file = format!("{}{}", self.program, env::consts::EXE_SUFFIX);
        let beside = env::current_exe().map(|it| it.with_file_name(&file));
        match beside {
            Ok(beside) if beside.is_file() => beside,
            _ => file.into(),
        }
    }
}

/// Goes on as another program. It comes back only where it could not.
#[cfg(unix)]
fn become_it(command: &mut Command) -> io::Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(command.exec())
}

/// Runs another program to its end, and ends as it does.
#[cfg(not(unix))]
fn become_it(command: &mut Command) -> io::Result<ExitCode> {
    let status = command.status()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.unwrap_or(1).into())
}
