//! What is said when something is wrong.

use std::fs;
use std::process::Output;

use crate::support::{command, fixture, lines, stderr, stdout};

fn run(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

#[test]
fn a_mistake_gets_a_sentence_that_helps() {
    let capture = fixture("recorded/http-1-0.pcap");
    for (query, complaint) in [
        (
            "SELECT * FROM flows('no/such*.pcap')".to_owned(),
            "no file matches 'no/such*.pcap'",
        ),
        (
            "SELECT * FROM flows('no-such.pcap')".to_owned(),
            "there is no capture, and no folder of tables, called 'no-such.pcap'",
        ),
        (
            format!("SELECT soruce FROM flows('{capture}')"),
            "there is no column soruce, but type, ts, flow, proto, src,",
        ),
        (
            format!("SELECT * FROM flow('{capture}')"),
            "there is no table of captures flow(), but flows, http, tls, dns, streams, anomalies",
        ),
        (
            "SELECT * FROM flows".to_owned(),
            "it is not said what flows are of: name captures, as in flows('captures/*.pcap')",
        ),
        (
            "SELECT * FROM packets".to_owned(),
            "there is no table packets; of captures there are flows,",
        ),
        (
            "SELECT * FROM flows(1)".to_owned(),
            "flows takes names of captures as text",
        ),
        (
            "SELECT * FROM flows()".to_owned(),
            "flows takes names of captures as text",
        ),
        (
            format!("SELECT sum(src) FROM flows('{capture}')"),
            "there is no sum(Utf8), but sum(Decimal), sum(UInt64)",
        ),
        (
            format!("SELECT in_subnet(dst_port, '10.0.0.0/8') FROM flows('{capture}')"),
            "it is in_subnet(addr, '10.0.0.0/8'), and was given (Int32, Utf8)",
        ),
        (
            format!("SELECT in_subnet(dst, '10.0.0.0/99') FROM flows('{capture}')"),
            "'10.0.0.0/99' is no network",
        ),
        ("SELEKT 1".to_owned(), "SELEKT"),
    ] {
        let output = run(&[&query]);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{query}");
        assert!(said.starts_with("flowscope sql: "), "{said}");
        assert!(said.contains(complaint), "{query}: {said}");
        assert_eq!(stdout(&output), "", "{query}");
    }
}

#[test]
fn a_damaged_capture_gives_what_is_readable_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(fixture("recorded/http-1-0.pcap")).unwrap();
    let (damaged, sound) = (folder.path().join("1.pcap"), folder.path().join("2.pcap"));
    fs::write(&damaged, &whole[..whole.len() - 3]).unwrap();
    fs::write(&sound, &whole).unwrap();
    let pattern = folder.path().join("*.pcap").display().to_string();
    let query = format!("SELECT capture, count(*) AS n FROM http('{pattern}') GROUP BY 1");

    let output = run(&["--each", "--format", "json", &query]);
    let said = stderr(&output);
    assert!(said.contains(&damaged.display().to_string()), "{said}");
    assert!(said.contains("offset") || said.contains("byte"), "{said}");
    assert!(!said.contains("2.pcap"), "{said}");
    assert_eq!(output.status.code(), Some(1));
    let rows = lines(&output);
    assert_eq!(rows.len(), 2, "{rows:?}");

    let output = run(&["--each", "--quiet", "--format", "json", &query]);
    assert_eq!((stderr(&output), lines(&output).len()), (String::new(), 2));

    for query in [&query, &format!("SET flowscope.strict = true; {query}")] {
        let strict: &[&str] = match query.starts_with("SET") {
            true => &["--each"],
            false => &["--each", "--strict"],
        };
        let output = command(strict).arg(query).output().unwrap();
        let said = stderr(&output);
        assert!(said.contains(&damaged.display().to_string()), "{said}");
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(stdout(&output), "");
    }
}

#[test]
fn text_of_hosts_does_nothing_to_a_terminal() {
    let query = "SELECT 'a' || chr(27) || '[1mb' AS text";
    let said = stdout(&run(&[query]));
    assert!(said.contains("a\u{fffd}[1mb"), "{said:?}");
    assert!(!said.contains('\u{1b}'), "{said:?}");
}
