//! UDP, TCP, fragments; who answers whom, and when.

use std::collections::BTreeMap;

use flowscope::detect::Message;
use flowscope::dns::DnsMessage;
use insta::assert_snapshot;

use super::rows;
use crate::support::messages;

#[test]
fn both_versions_of_ip() {
    assert_snapshot!(rows("dns-ipv6"), @r"
    1 > query www.flowscope.example IN A rd ad
          EDNS 0 1232 COOKIE A2B6C91766A5B93C
    1 < response NoError www.flowscope.example IN A aa rd
          EDNS 0 4096
          www.flowscope.example 3600 IN A 192.0.2.2
    2 > query www.flowscope.example IN AAAA rd ad
    2 < response NoError www.flowscope.example IN AAAA aa rd
          www.flowscope.example 3600 IN AAAA 2001:db8::2
    ");
}

#[test]
fn two_questions_share_a_port() {
    assert_snapshot!(rows("dns-lookup"), @r"
    1 > query lookup.flowscope.example IN A rd
    1 > query lookup.flowscope.example IN AAAA rd
    1 < response NoError lookup.flowscope.example IN A aa rd
          lookup.flowscope.example 3600 IN A 192.0.2.2
    1 < response NoError lookup.flowscope.example IN AAAA aa rd
          lookup.flowscope.example 3600 IN AAAA 2001:db8::2
    2 > query nothing.flowscope.example IN A rd
    2 > query nothing.flowscope.example IN AAAA rd
    2 < response NXDomain nothing.flowscope.example IN A aa rd
          authority flowscope.example 300 IN SOA ns1.flowscope.example hostmaster.flowscope.example 2 3600 900 604800 300
    2 < response NXDomain nothing.flowscope.example IN AAAA aa rd
          authority flowscope.example 300 IN SOA ns1.flowscope.example hostmaster.flowscope.example 2 3600 900 604800 300
    ");
}

#[test]
fn nobody_answers() {
    // From another port each time.
    assert_snapshot!(rows("dns-no-server"), @r"
    1 > query www.flowscope.example IN A rd ad
          EDNS 0 1232 COOKIE 78CE00B1F3B0D22F
    2 > query www.flowscope.example IN A rd ad
          EDNS 0 1232 COOKIE 78CE00B1F3B0D22F
    1 > unanswered www.flowscope.example IN A flow_ended of 1
    2 > unanswered www.flowscope.example IN A flow_ended of 1
    ");
}

#[test]
fn several_questions_on_one_connection() {
    assert_snapshot!(rows("dns-tcp"), @r#"
    1 > query www.flowscope.example IN A rd ad
    1 < response NoError www.flowscope.example IN A aa rd
          www.flowscope.example 3600 IN A 192.0.2.2
    1 > query www.flowscope.example IN AAAA rd ad
    1 < response NoError www.flowscope.example IN AAAA aa rd
          www.flowscope.example 3600 IN AAAA 2001:db8::2
    1 > query flowscope.example IN MX rd ad
    1 < response NoError flowscope.example IN MX aa rd
          flowscope.example 3600 IN MX 10 mail.flowscope.example
          flowscope.example 3600 IN MX 20 mail.backup.flowscope.example
          additional mail.flowscope.example 3600 IN A 192.0.2.25
          additional mail.backup.flowscope.example 3600 IN A 192.0.2.26
    1 > query large.flowscope.example IN TXT rd ad
    1 < response NoError large.flowscope.example IN TXT aa rd
          large.flowscope.example 3600 IN TXT "00 text text text text … (3582 B)
    2 > query www.flowscope.example IN A rd ad
          EDNS 0 1232 COOKIE 990AE198B35D05EF
    2 < response NoError www.flowscope.example IN A aa rd
          EDNS 0 4096
          www.flowscope.example 3600 IN A 192.0.2.2
    3 > query www.flowscope.example IN AAAA rd ad
          EDNS 0 1232 COOKIE E53D0BD3C469A851
    3 < response NoError www.flowscope.example IN AAAA aa rd
          EDNS 0 4096
          www.flowscope.example 3600 IN AAAA 2001:db8::2
    "#);
}

#[test]
fn what_is_truncated_is_asked_again_over_tcp() {
    assert_snapshot!(rows("dns-truncated"), @r#"
    1 > query large.flowscope.example IN TXT rd ad
    1 < response NoError large.flowscope.example IN TXT aa tc rd
    2 > query large.flowscope.example IN TXT rd ad
    2 < response NoError large.flowscope.example IN TXT aa rd
          large.flowscope.example 3600 IN TXT "00 text text text text … (3582 B)
    3 > query large.flowscope.example IN TXT rd ad
          EDNS 0 1232
    3 < response NoError large.flowscope.example IN TXT aa tc rd
          EDNS 0 4096
    4 > query large.flowscope.example IN TXT rd ad
          EDNS 0 1232
    4 < response NoError large.flowscope.example IN TXT aa rd
          EDNS 0 4096
          large.flowscope.example 3600 IN TXT "00 text text text text … (3582 B)
    "#);
}

#[test]
fn fragments_are_put_together() {
    assert_snapshot!(rows("dns-fragments"), @r#"
    1 > query medium.flowscope.example IN TXT rd ad
          EDNS 0 4096 COOKIE 65F6E4364082C639
    1 < response NoError medium.flowscope.example IN TXT aa rd
          EDNS 0 4096
          medium.flowscope.example 3600 IN TXT "00 text text text text… (1990 B)
    2 > query medium.flowscope.example IN TXT rd ad
          EDNS 0 4096 COOKIE 78BBB224F496ED4B
    2 < response NoError medium.flowscope.example IN TXT aa rd
          EDNS 0 4096
          medium.flowscope.example 3600 IN TXT "00 text text text text… (1990 B)
    "#);
}

#[test]
fn a_zone_is_transferred_in_one_message() {
    let rows = rows("dns-transfer");
    let (query, response) = rows.split_once("1 <").unwrap();
    assert_snapshot!(query, @r"
    1 > query flowscope.example IN AXFR ad
          EDNS 0 1232 COOKIE F68575457E341C44
    ");
    let records: Vec<&str> = response.lines().skip(2).map(str::trim).collect();
    let soa = "flowscope.example 3600 IN SOA \
               ns1.flowscope.example hostmaster.flowscope.example 2 3600 900 604800 300";
    assert_eq!((records.first(), records.last()), (Some(&soa), Some(&soa)));
    let mut types = BTreeMap::new();
    for record in records {
        *types.entry(record.split(' ').nth(3).unwrap()).or_insert(0) += 1;
    }
    let types: Vec<String> = types
        .iter()
        .map(|(name, n)| format!("{n} {name}"))
        .collect();
    assert_snapshot!(types.join(", "), @"7 A, 3 AAAA, 1 CAA, 1 CDNSKEY, 1 CDS, 2 CNAME, 2 DNSKEY, 1 DS, 1 HTTPS, 2 MX, 1 NAPTR, 2 NS, 15 NSEC, 43 RRSIG, 2 SOA, 1 SRV, 1 SSHFP, 2 SVCB, 1 TLSA, 3 TXT");
}

#[test]
fn latency_is_from_the_query_to_the_response() {
    for (capture, micros) in [
        ("dns-lookup", &[199, 192, 151, 144][..]),
        ("dns-tcp", &[73, 29, 29, 57, 84, 74]),
    ] {
        let latencies: Vec<u128> = messages(capture)
            .iter()
            .filter_map(|found| match &found.message {
                Message::Dns(DnsMessage::Response(it)) => Some(it.latency()?.as_micros()),
                _ => None,
            })
            .collect();
        assert_eq!(latencies, micros, "{capture}");
    }
}
