//! Commands that are programs of their own.

use std::fs;

use crate::support::{Folder, command, stderr, stdout};

#[test]
fn a_program_that_is_not_there_is_named() {
    let folder = Folder::new();
    for (name, package) in [("sql", "flowscope-sql"), ("parquet", "flowscope-table")] {
        let output = command(&[name, "--json", "SELECT 1"])
            .env("PATH", folder.path(""))
            .output()
            .unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1));
        assert!(said.contains(&format!("flowscope-{name}")), "{said}");
        let how = format!("cargo install --path crates/{package}");
        assert!(said.contains(&how), "{said}");
    }
}

#[cfg(unix)]
#[test]
fn a_program_on_the_path_gets_all_arguments_as_they_are() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let script = b"#!/bin/sh\nprintf '%s|' \"$@\"\nexit 7\n";
    let program = folder.file("flowscope-sql", script);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let output = command(&["sql", "--json", "-x", "a b", "--help"])
        .env("PATH", folder.path(""))
        .output()
        .unwrap();
    assert_eq!(stdout(&output), "--json|-x|a b|--help|");
    assert_eq!(output.status.code(), Some(7));
}

#[test]
fn help_lists_them() {
    let output = command(&["--help"]).output().unwrap();
    let help = stdout(&output);
    assert!(help.contains("parquet") && help.contains("sql"), "{help}");
    // Options before the command would be lost.
    let output = command(&["--quiet", "sql", "SELECT 1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}
