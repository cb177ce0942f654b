//! The workspace as files: where it is, what is in it, and running tools in it.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Failure;

/// The folder that holds the workspace's `Cargo.toml`.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask is a folder of the workspace")
}

/// The packages below `crates` that have a library and are of the workspace, and
/// not of another one in it.
pub(crate) fn libraries() -> Result<Vec<String>, Failure> {
    let folder = root().join("crates");
    let workspace = read(&root().join("Cargo.toml"))?;
    let is_excluded = |package: &String| {
        let folder = format!("\"crates/{package}\"");
        let mut lines = workspace.lines();
        lines.any(|line| line.starts_with("exclude = ") && line.contains(&folder))
    };
    let entries = folder
        .read_dir()
        .map_err(|error| Failure::because(format!("{}: {error}", folder.display())))?;
    let mut packages: Vec<String> = entries
        .flatten()
        .filter(|entry| entry.path().join("src/lib.rs").is_file())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|package| !is_excluded(package))
        .collect();
    packages.sort();
    Ok(packages)
}

/// Where cargo puts what it builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// `cargo`, the one this was started by, in the workspace's folder.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// What cargo knows of the workspace's packages, and with dependencies of those.
pub(crate) fn metadata(flags: &[&str]) -> Result<serde_json::Value, Failure> {
    let mut metadata = cargo();
    metadata.args(["metadata", "--format-version", "1", "--locked"]);
    let json = output(metadata.args(flags))?;
    serde_json::from_str(&json).map_err(|error| Failure::because(format!("metadata: {error}")))
}

/// `git`, in the workspace's folder.
pub(crate) fn git() -> Command {
    let mut command = Command::new("git");
    command.current_dir(root());
    command
}

/// Runs a command to its end and returns what it wrote to standard output.
pub(crate) fn output(command: &mut Command) -> Result<String, Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .map_err(|error| Failure::because(format!("cannot run {name}: {error}")))?;
    if !output.status.success() {
        let errors = String::from_utf8_lossy(&output.stderr);
        return Err(Failure::because(format!(
            "{name}: {}\n{errors}",
            output.status
        )));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Builds the command, not optimised, and says where it is.
pub(crate) fn flowscope() -> Result<PathBuf, Failure> {
    program(cargo().args(["build", "--package", "flowscope-cli"]))
}

/// Runs a `cargo build` of one program, and says where that is.
pub(crate) fn program(build: &mut Command) -> Result<PathBuf, Failure> {
    let messages = output(build.args(["--quiet", "--message-format=json"]))?;
    let mut programs = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(PathBuf::from(message.get("executable")?.as_str()?))
    });
    programs
        .next_back()
        .ok_or_else(|| Failure::because("cargo did not say where it put the program"))
}

/// Every file below `folder`, in order of their paths. None if there is no such
/// folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = folder.read_dir() else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// `path` from `folder` on, with `/` between its parts.
pub(crate) fn relative(folder: &Path, path: &Path) -> String {
    let path = path.strip_prefix(folder).unwrap_or(path);
    let parts: Vec<_> = path.iter().map(|part| part.to_string_lossy()).collect();
    parts.join("/")
}

/// Reads a text file.
pub(crate) fn read(path: &Path) -> Result<String, Failure> {
    std::fs::read_to_string(path)
        .map_err(|error| Failure::because(format!("{}: {error}", path.display())))
}

/// Writes a file, and the folders it is in.
pub(crate) fn write(path: &Path, content: impl AsRef<[u8]>) -> Result<(), Failure> {
    let folder = path.parent().unwrap_or(Path::new(""));
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(path, content))
        .map_err(|error| Failure::because(format!("{}: {error}", path.display())))
}

/// A folder for a test, gone when dropped.
#[cfg(test)]
pub(crate) struct Scratch(PathBuf);

#[cfg(test)]
impl Scratch {
    /// An empty folder; `name` tells it from those of other tests.
    pub(crate) fn new(name: &str) -> Self {
        let folder = format!("flowscope-xtask-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(folder);
        std::fs::create_dir_all(&path).expect("the folder for temporary files is writable");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

#[cfg(test)]
impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
