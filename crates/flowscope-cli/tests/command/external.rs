//! Commands that are programs of their own.

use std::fs;

use crate::support::{Folder, command, stderr, stdout};

#[test]
fn a_program_that_is_not_there_is_named() {
    let folder = Folder::new();
    for (name, program, package) in [
        ("parquet", "flowscope-parquet", "crates/flowscope-table"),
        ("sql", "flowscope-sql", "crates/flowscope-sql"),
    ] {
        let output = command(&[name, "--json", "-o", "tables"])
            .env("PATH", folder.path(""))
            .output()
            .unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1));
        assert!(said.contains(program), "{said}");
        let how = format!("cargo install --path {package}");
        assert!(said.contains(&how), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn a_program_on_the_path_gets_all_arguments_as_they_are() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let script = b"#!/bin/sh\nprintf '%s|' \"$@\"\nexit 7\n";
    let program = folder.file("flowscope-parquet", script);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let output = command(&["parquet", "--json", "-x", "a b", "--help"])
        .env("PATH", folder.path(""))
        .output()
        .unwrap();
    assert_eq!(stdout(&output), "--json|-x|a b|--help|");
    assert_eq!(output.status.code(), Some(7));
}

#[test]
fn help_lists_it() {
    let output = command(&["--help"]).output().unwrap();
    let help = stdout(&output);
    for name in ["parquet", "sql"] {
        assert!(help.contains(name), "{help}");
        // Options before the command would be lost.
        let output = command(&["--quiet", name, "x"]).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
    }
}
