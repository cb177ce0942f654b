//! A cluster gives the answers that one process does.

use std::fs;

use flowscope_table::Table;

use super::captures::{cut, mix};
use super::nodes::Cluster;
use crate::support::{command, fixture, lines, rows, stderr};

const MIX: [&str; 10] = [
    "http-1-0",
    "http-parallel",
    "dns-lookup",
    "http-download",
    "tcp-reordered",
    "chromium-https-http1",
    "tcp-loss",
    "http-pipelined",
    "tcp-half-closed",
    "dns-no-server",
];

/// The rows of a query, in order of their text.
fn sorted(query: &str, arguments: &[&str]) -> Vec<String> {
    let rows = rows(query, arguments);
    let mut rows: Vec<_> = rows.iter().map(ToString::to_string).collect();
    rows.sort();
    rows
}

#[test]
fn they_do_not_depend_on_parts_or_executors() {
    let folder = tempfile::tempdir().unwrap();
    let captures = cut(&mix(&MIX), folder.path());
    let tables = Table::ALL.map(|table| {
        let query = format!("SELECT * FROM {table}('{captures}')");
        let whole = sorted(&query, &[]);
        // Nothing is odd with these.
        assert_eq!(whole.is_empty(), table == Table::Anomalies, "{table}");
        (query, whole)
    });
    for executors in [1, 2] {
        let cluster = Cluster::of(executors);
        for parts in ["1", "2", "4"] {
            for (query, whole) in &tables {
                let arguments = ["--cluster", &cluster.address, "--parts", parts];
                let found = sorted(query, &arguments);
                assert_eq!(
                    found, *whole,
                    "{query}: {parts} parts, {executors} executors"
                );
            }
        }
    }
}

#[test]
fn queries_of_several_steps_are_the_same() {
    let captures = fixture("recorded/*.pcap");
    let cluster = Cluster::of(2);
    for query in [
        format!("SELECT count(*), sum(bytes_responder) FROM flows('{captures}')"),
        format!(
            "SELECT proto, state, count(*), min(ts) FROM flows('{captures}') \
             WHERE in_subnet(dst, '10.0.0.0/8') OR in_subnet(dst, '127.0.0.0/8') \
             GROUP BY proto, state"
        ),
        format!(
            "SELECT host, f.state, count(*) FROM http('{captures}') h \
             JOIN flows('{captures}') f USING (capture, flow) GROUP BY host, f.state"
        ),
        format!(
            "SELECT registered_domain(sni) AS domain, \
             count(DISTINCT community_id('tcp', src, src_port, dst, dst_port)) \
             FROM tls('{captures}') GROUP BY registered_domain(sni)"
        ),
        format!("SELECT ts, src, host, headers FROM http('{captures}') ORDER BY ts, src LIMIT 7"),
    ] {
        let whole = sorted(&query, &["--each"]);
        assert!(!whole.is_empty(), "{query}");
        let found = sorted(&query, &["--each", "--cluster", &cluster.address]);
        assert_eq!(found, whole, "{query}");
    }
}

#[test]
fn parquet_is_read_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("flows.parquet").display().to_string();
    let captures = fixture("recorded/http-*.pcap");
    let arguments = ["--format", "parquet", "--output", &file];
    let query = format!("SELECT * FROM flows('{captures}')");
    let written = command(&[&arguments[..], &[&query]].concat())
        .output()
        .unwrap();
    assert!(written.status.success(), "{}", stderr(&written));
    let cluster = Cluster::of(1);
    let query = format!("SELECT state, count(*) FROM flows('{file}') GROUP BY state");
    let whole = sorted(&query, &[]);
    assert!(!whole.is_empty());
    assert_eq!(sorted(&query, &["--cluster", &cluster.address]), whole);
}

#[test]
fn a_damaged_capture_is_named_to_who_asked() {
    let folder = tempfile::tempdir().unwrap();
    let captures = cut(&mix(&MIX), folder.path());
    let damaged = folder.path().join("3.pcap");
    let bytes = fs::read(&damaged).unwrap();
    fs::write(&damaged, &bytes[..bytes.len() - 5]).unwrap();
    let cluster = Cluster::of(2);
    let query = format!("SELECT * FROM http('{captures}')");
    let ask = |more: &[&str]| {
        let arguments = [&["--json", &query], more].concat();
        command(&arguments).output().unwrap()
    };
    let whole = ask(&[]);
    for parts in ["1", "4"] {
        let found = ask(&["--parts", parts, "--cluster", &cluster.address]);
        assert_eq!(found.status.code(), Some(1));
        assert_eq!(stderr(&found), stderr(&whole));
        assert!(stderr(&found).contains("3.pcap"), "{}", stderr(&found));
        let rows = [&found, &whole].map(|output| {
            let mut rows: Vec<_> = lines(output).iter().map(ToString::to_string).collect();
            rows.sort();
            rows
        });
        assert_eq!(rows[0], rows[1], "{parts} parts");
    }
    let strict = ask(&["--strict", "--cluster", &cluster.address]);
    assert_eq!(strict.status.code(), Some(1));
    assert!(stderr(&strict).contains("3.pcap"), "{}", stderr(&strict));
    assert_eq!(lines(&strict).len(), 0);
}

#[test]
fn a_union_is_refused() {
    let cluster = Cluster::of(0);
    let capture = fixture("recorded/http-1-0.pcap");
    let query = format!(
        "SELECT count(*) FROM http('{capture}') WHERE flow IN \
         (SELECT flow FROM flows('{capture}') UNION ALL SELECT flow FROM flows('{capture}'))"
    );
    let asked = command(&["--cluster", &cluster.address, &query])
        .output()
        .unwrap();
    assert_eq!(asked.status.code(), Some(1));
    assert!(
        stderr(&asked).contains("cannot be asked for UNION"),
        "{}",
        stderr(&asked)
    );
}
