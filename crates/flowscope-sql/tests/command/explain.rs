//! What is read, as `EXPLAIN` says it.

use crate::support::{fixture, rows};

/// The step that reads captures.
fn scan_of(query: &str, arguments: &[&str]) -> String {
    let query = format!("SET datafusion.explain.format = 'indent'; EXPLAIN {query}");
    let plans = rows(&query, arguments);
    let plans: Vec<_> = plans
        .iter()
        .map(|row| row["plan"].as_str().unwrap())
        .collect();
    let mut lines = plans.iter().flat_map(|plan| plan.lines());
    let scan = lines.find(|line| line.contains("CaptureScan"));
    scan.unwrap_or_else(|| panic!("{plans:?}"))
        .trim()
        .to_owned()
}

#[test]
fn columns_that_nobody_wants_are_not_read() {
    let capture = fixture("recorded/http-1-0.pcap");
    let scan = scan_of(
        &format!("SELECT dst, sum(bytes_responder) FROM flows('{capture}') GROUP BY dst"),
        &[],
    );
    let expected = format!(
        "CaptureScan: table=flows, reads=headers, captures=1 [{capture}], as one, \
         columns=[dst, bytes_responder]"
    );
    assert_eq!(scan, expected);
    let scan = scan_of(&format!("SELECT count(*) FROM tls('{capture}')"), &[]);
    assert!(scan.contains("reads=payload"), "{scan}");
    assert!(scan.ends_with("columns=[]"), "{scan}");
}

#[test]
fn bounds_go_down_to_where_rows_are_made() {
    let capture = fixture("recorded/http-1-0.pcap");
    let scan = scan_of(
        &format!(
            "SELECT flow FROM flows('{capture}') WHERE ts >= '2026-01-31' \
             AND ts < TIMESTAMP '2026-02-01 00:00:00' AND src = '127.0.0.1' AND dst_port = 80 \
             AND in_subnet(dst, '127.0.0.0/8')"
        ),
        &[],
    );
    for bound in [
        "ts>=1769817600000000000",
        "ts<=1769904000000000000",
        "src=127.0.0.1",
        "dst in 127.0.0.0/8",
    ] {
        assert!(scan.contains(bound), "{scan}");
    }
}

#[test]
fn captures_by_themselves_are_read_at_once() {
    let captures = fixture("recorded/http-*.pcap");
    let query = format!("SELECT count(*) FROM flows('{captures}')");
    assert!(scan_of(&query, &[]).contains("as one"));
    for arguments in [&["--each"][..], &["--each", "--from", &captures]] {
        let scan = scan_of(&query, arguments);
        assert!(scan.contains("each alone in"), "{scan}");
    }
}
