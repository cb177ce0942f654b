//! The functions that SQL gets.

use crate::support::{fixture, rows};

#[test]
fn the_community_id_of_a_flow_is_that_of_its_record() {
    for capture in ["recorded/http-1-0.pcap", "recorded/chromium-https.pcap"] {
        let query = format!(
            "SELECT community_id, community_id(proto, src, \
             coalesce(src_port, icmp_type), dst, coalesce(dst_port, icmp_code)) AS found \
             FROM flows('{}')",
            fixture(capture)
        );
        let rows = rows(&query, &[]);
        assert!(!rows.is_empty());
        for row in rows {
            assert_eq!(row["found"], row["community_id"], "{row}");
        }
    }
}

#[test]
fn functions_are_null_where_there_is_nothing() {
    let query = "SELECT in_subnet(NULL, '10.0.0.0/8') AS a, in_subnet('10.0.0.1', NULL) AS b, \
                 registered_domain(NULL) AS c, community_id(NULL, '::1', 1, '::2', 2) AS d, \
                 community_id('tcp', 'x', 1, '::2', 2) AS e";
    let rows = rows(query, &[]);
    assert_eq!(rows, [serde_json::json!({})]);
}

#[test]
fn names_and_networks_group_rows() {
    let query = "SELECT registered_domain(name) AS domain, count(*) AS n \
                 FROM (VALUES ('a.example.co.uk'), ('b.example.co.uk'), ('x.example.com')) \
                 AS t (name) GROUP BY 1 ORDER BY 2 DESC";
    let found = rows(query, &[]);
    assert_eq!(
        found,
        [
            serde_json::json!({"domain": "example.co.uk", "n": 2}),
            serde_json::json!({"domain": "example.com", "n": 1}),
        ]
    );
    let capture = fixture("recorded/http-1-0.pcap");
    let inside = |network: &str| {
        let query = format!("SELECT * FROM flows('{capture}') WHERE in_subnet(src, '{network}')");
        rows(&query, &[]).len()
    };
    let all = inside("0.0.0.0/0") + inside("::/0");
    assert!(all > 0);
    assert_eq!(inside("203.0.113.0/24"), 0);
}
