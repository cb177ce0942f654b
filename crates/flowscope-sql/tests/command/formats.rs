//! The forms that results are written in, and where they go.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use crate::support::{command, fixture, rows, stderr, stdout};

#[test]
fn a_result_is_the_same_in_every_format() {
    let capture = fixture("recorded/http-1-0.pcap");
    let query = format!("SELECT flow, method, status, headers FROM http('{capture}')");
    let expected = rows(&query, &[]);
    assert_eq!(expected.len(), 4);

    let output = command(&["--format", "csv", &query]).output().unwrap();
    let csv = stdout(&output);
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines[0], "flow,method,status,headers");
    assert_eq!(lines.len(), 5);
    assert!(lines[1].starts_with("1,GET,,"), "{csv}");

    let output = command(&[&query]).output().unwrap();
    let table = stdout(&output);
    // Three lines of a frame, one of names, and the rows.
    assert_eq!(table.lines().count(), 8, "{table}");
    assert!(
        table.contains("| flow | method | status | headers"),
        "{table}"
    );

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("http.parquet").display().to_string();
    let arguments = ["--format", "parquet", "--output", &path, &query];
    let output = command(&arguments).output().unwrap();
    assert_eq!((stdout(&output), stderr(&output)), Default::default());
    assert_eq!(
        rows(&format!("SELECT * FROM http('{path}')"), &[]),
        expected
    );
    // Nothing is left under another name.
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_result_without_rows_has_its_columns() {
    let capture = fixture("recorded/http-1-0.pcap");
    let query = format!("SELECT flow, sni FROM tls('{capture}')");
    let of = |format| {
        let output = command(&["--format", format, &query]).output().unwrap();
        assert!(output.status.success());
        stdout(&output)
    };
    assert_eq!(of("csv"), "flow,sni\n");
    assert!(of("table").contains("| flow | sni |"));
    assert_eq!(of("json"), "");
}

#[test]
fn a_file_that_does_not_get_whole_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.csv");
    fs::write(&path, "as it was").unwrap();
    let file = path.display().to_string();
    let query = format!(
        "SELECT in_subnet(src, '10.0.0.0/99') FROM flows('{}')",
        fixture("recorded/http-1-0.pcap")
    );
    let arguments = ["--format", "csv", "--output", &file, &query];
    let output = command(&arguments).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(fs::read_to_string(&path).unwrap(), "as it was");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn statements_come_from_standard_input_too() {
    let mut child = command(&["--format", "csv"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin
        .write_all(b"SELECT 1 AS a;\nSELECT 2\nAS b;\n")
        .unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    assert_eq!(stdout(&output), "a\n1\nb\n2\n");
}

#[test]
fn who_reads_no_more_ends_it_quietly() {
    let query = "SELECT * FROM generate_series(1, 1000000)";
    let mut child = command(&["--format", "json", query])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(stderr(&output), "");
}
