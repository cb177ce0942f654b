//! Which rows a table has.

use crate::support::{captures, cut, fixture, rows};

#[test]
fn several_captures_are_one_and_each_is_by_itself_if_asked_for() {
    let whole = fixture("recorded/http-1-0.pcap");
    let folder = tempfile::tempdir().unwrap();
    let parts = cut(&whole, 5, folder.path());
    let columns = "flow, ts, packets_initiator, bytes_responder, state, reason";
    let of = |source: &str, arguments: &[&str]| {
        let query = format!("SELECT {columns} FROM flows('{source}') ORDER BY flow");
        rows(&query, arguments)
    };
    let expected = of(&whole, &[]);
    assert!(!expected.is_empty());
    assert_eq!(of(&parts, &[]), expected);
    assert!(of(&parts, &["--each"]).len() > expected.len());
    // It can be set in a query, too.
    let query = format!("SET flowscope.each = true; SELECT flow FROM flows('{parts}')");
    assert_eq!(rows(&query, &[]).len(), of(&parts, &["--each"]).len());
}

#[test]
fn parts_of_captures_that_are_one_have_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let parts = cut(&fixture("recorded/http-keep-alive.pcap"), 9, folder.path());
    for table in ["flows", "http", "streams", "anomalies"] {
        let query = format!("SELECT * FROM {table}('{parts}') ORDER BY flow, ts, type");
        assert_eq!(
            rows(&query, &["--parts", "2"]),
            rows(&query, &[]),
            "{table}"
        );
    }
}

#[test]
fn a_list_is_read_in_its_order() {
    let folder = tempfile::tempdir().unwrap();
    cut(&fixture("recorded/http-1-0.pcap"), 5, folder.path());
    let path = |name: &str| folder.path().join(name).display().to_string();
    let (one, two) = (path("1.pcap"), path("2.pcap"));
    let query = |list: &str| format!("SELECT DISTINCT capture FROM flows({list})");
    for (list, first) in [
        (format!("'{one}', '{two}'"), &one),
        (format!("['{two}', '{one}']"), &two),
    ] {
        let found = rows(&query(&list), &[]);
        assert_eq!(found.len(), 1, "{list}");
        assert_eq!(found[0]["capture"].as_str(), Some(first.as_str()), "{list}");
    }
}

#[test]
fn a_bound_leaves_out_what_it_says_and_no_more() {
    let mut narrowed = 0;
    for capture in captures().iter().step_by(7) {
        let capture = capture.display();
        for table in ["flows", "dns", "tls"] {
            let all = format!("SELECT ts, src, dst FROM {table}('{capture}')");
            // Some are damaged.
            let arguments = ["--quiet", "--format", "json"];
            let of = |query: &str| {
                let output = crate::support::command(&arguments).arg(query).output();
                crate::support::lines(&output.unwrap())
            };
            let Some(row) = of(&all).into_iter().nth(1) else {
                continue;
            };
            let (ts, src) = (row["ts"].as_str().unwrap(), row["src"].as_str().unwrap());
            for condition in [
                format!("ts >= '{ts}'"),
                format!("ts < '{ts}'"),
                format!("ts BETWEEN '{ts}' AND '{ts}'"),
                format!("src = '{src}'"),
            ] {
                let with_bound = of(&format!("{all} WHERE {condition}"));
                // Behind this nothing is known of a bound.
                let without = of(&format!(
                    "SELECT * FROM ({all} LIMIT 1000000) WHERE {condition}"
                ));
                assert_eq!(with_bound, without, "{table} of {capture}: {condition}");
                narrowed += with_bound.len();
            }
        }
    }
    assert!(narrowed > 20, "{narrowed} rows");
}

#[test]
fn tables_have_names_of_their_own_where_it_is_said_what_they_are_of() {
    let capture = fixture("recorded/http-1-0.pcap");
    let expected = rows(&format!("SELECT * FROM http('{capture}')"), &[]);
    assert_eq!(expected.len(), 4);
    assert_eq!(rows("SELECT * FROM http", &["--from", &capture]), expected);
    let joined = "SELECT flows.flow FROM flows JOIN http USING (capture, flow)";
    assert_eq!(rows(joined, &["--from", &capture]).len(), 4);
}
