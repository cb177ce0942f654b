//! Records of many types, EDNS, DNSSEC, and what is not there.

use flowscope::detect::Message;
use flowscope::dns::RecordType;
use insta::assert_snapshot;

use super::rows;
use crate::support::messages;

#[test]
fn records_are_written_as_in_the_zone() {
    assert_snapshot!(rows("dns-types"), @r#"
    1 > query www.flowscope.example IN A rd ad
    1 < response NoError www.flowscope.example IN A aa rd
          www.flowscope.example 3600 IN A 192.0.2.2
    2 > query www.flowscope.example IN AAAA rd ad
    2 < response NoError www.flowscope.example IN AAAA aa rd
          www.flowscope.example 3600 IN AAAA 2001:db8::2
    3 > query flowscope.example IN MX rd ad
    3 < response NoError flowscope.example IN MX aa rd
          flowscope.example 3600 IN MX 10 mail.flowscope.example
          flowscope.example 3600 IN MX 20 mail.backup.flowscope.example
          additional mail.flowscope.example 3600 IN A 192.0.2.25
          additional mail.backup.flowscope.example 3600 IN A 192.0.2.26
    4 > query flowscope.example IN TXT rd ad
    4 < response NoError flowscope.example IN TXT aa rd
          flowscope.example 3600 IN TXT "v=spf1 -all" "second string"
    5 > query flowscope.example IN NS rd ad
    5 < response NoError flowscope.example IN NS aa rd
          flowscope.example 3600 IN NS ns1.flowscope.example
          additional ns1.flowscope.example 3600 IN A 192.0.2.2
          additional ns1.flowscope.example 3600 IN AAAA 2001:db8::2
    6 > query flowscope.example IN SOA rd ad
    6 < response NoError flowscope.example IN SOA aa rd
          flowscope.example 3600 IN SOA ns1.flowscope.example hostmaster.flowscope.example 2 3600 900 604800 300
    7 > query flowscope.example IN CAA rd ad
    7 < response NoError flowscope.example IN CAA aa rd
          flowscope.example 3600 IN CAA 0 issue "authority.example"
    8 > query flowscope.example IN NAPTR rd ad
    8 < response NoError flowscope.example IN NAPTR aa rd
          flowscope.example 3600 IN NAPTR 10 20 "s" "SIP+D2T" "" _sip._tcp.flowscope.example
    9 > query _sip._tcp.flowscope.example IN SRV rd ad
    9 < response NoError _sip._tcp.flowscope.example IN SRV aa rd
          _sip._tcp.flowscope.example 3600 IN SRV 10 60 5060 www.flowscope.example
          additional www.flowscope.example 3600 IN A 192.0.2.2
          additional www.flowscope.example 3600 IN AAAA 2001:db8::2
    10 > query _service.flowscope.example IN SVCB rd ad
    10 < response NoError _service.flowscope.example IN SVCB aa rd
          _service.flowscope.example 3600 IN SVCB 1 www.flowscope.example alpn=h3,h2 port=8443
          _service.flowscope.example 3600 IN SVCB 2 backup.www.flowscope.example port=9443
          additional www.flowscope.example 3600 IN A 192.0.2.2
          additional www.flowscope.example 3600 IN AAAA 2001:db8::2
    11 > query flowscope.example IN HTTPS rd ad
    11 < response NoError flowscope.example IN HTTPS aa rd
          flowscope.example 3600 IN HTTPS 1 . alpn=h2,http/1.1 ipv4hint=192.0.2.2 ipv6hint=2001:db8::2
    12 > query _443._tcp.www.flowscope.example IN TLSA rd ad
    12 < response NoError _443._tcp.www.flowscope.example IN TLSA aa rd
          _443._tcp.www.flowscope.example 3600 IN TLSA 3 1 1 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF
    13 > query www.flowscope.example IN SSHFP rd ad
    13 < response NoError www.flowscope.example IN SSHFP aa rd
          www.flowscope.example 3600 IN SSHFP 4 2 123456789ABCDEF67890123456789ABCDEF67890123456789ABCDEF123456789
    14 > query alias.flowscope.example IN A rd ad
    14 < response NoError alias.flowscope.example IN A aa rd
          alias.flowscope.example 3600 IN CNAME other.flowscope.example
          other.flowscope.example 3600 IN CNAME www.flowscope.example
          www.flowscope.example 3600 IN A 192.0.2.2
    15 > query any.wild.flowscope.example IN A rd ad
    15 < response NoError any.wild.flowscope.example IN A aa rd
          any.wild.flowscope.example 3600 IN A 192.0.2.80
    16 > query 2.2.0.192.in-addr.arpa IN PTR rd ad
    16 < response NoError 2.2.0.192.in-addr.arpa IN PTR aa rd
          2.2.0.192.in-addr.arpa 3600 IN PTR www.flowscope.example
    "#);
}

#[test]
fn edns() {
    assert_snapshot!(rows("dns-edns"), @r"
    1 > query www.flowscope.example IN A rd ad
          EDNS 0 1232 COOKIE 4632204AE14AA96A
    1 < response NoError www.flowscope.example IN A aa rd
          EDNS 0 4096
          www.flowscope.example 3600 IN A 192.0.2.2
    2 > query www.flowscope.example IN A rd ad
          EDNS 0 1232 NSID ECS 203.0.113.0/24/0 COOKIE 39E263B13060DCB4
    2 < response NoError www.flowscope.example IN A aa rd
          EDNS 0 4096 NSID 6E73312E666C6F7773636F70652E6578616D706C65
          www.flowscope.example 3600 IN A 192.0.2.2
    3 > query www.flowscope.example IN AAAA rd ad
          EDNS 0 4096 PADDING 128
    3 < response NoError www.flowscope.example IN AAAA aa rd
          EDNS 0 4096
          www.flowscope.example 3600 IN AAAA 2001:db8::2
    4 > query www.flowscope.example IN A rd ad
          EDNS 5 1232 COOKIE 616DB721E0980A5F
    4 < response BADVERS www.flowscope.example IN A rd
          EDNS 0 4096
    ");
}

#[test]
fn signatures_and_keys() {
    assert_snapshot!(rows("dns-dnssec"), @r"
    1 > query flowscope.example IN DNSKEY rd ad
          EDNS 0 4096 do
    1 < response NoError flowscope.example IN DNSKEY aa rd
          EDNS 0 4096 do
          flowscope.example 3600 IN DNSKEY 256 3 13 ITcUXfReKDtxDepgRN+Fzamg1XgfuE1UiZCBLcqEr93w5G6uD1dA9GoPOaQNsA/IirPE9Ok+jE7ebkTl9drJiQ==
          flowscope.example 3600 IN DNSKEY 257 3 13 lvBr3smm0QMA+DUtk6fH5x/7kQKKXPmOzpdk51DKJ9i0Ur+oJiSkyOEz3Wfhihz1GsTTdWK8yz741xboMFXS9A==
          flowscope.example 3600 IN RRSIG DNSKEY 13 2 3600 20261207093806 20261123080806 16266 flowscope.example seq0a8BwdzeyIFR+LK0N19YODnGIJJwOEr+eHWkOIa4KaOoofgQ8Dk7q3QbCumsPupGbMNejFbVZGCg6vEOZEw==
    2 > query www.flowscope.example IN A rd ad
          EDNS 0 4096 do
    2 < response NoError www.flowscope.example IN A aa rd
          EDNS 0 4096 do
          www.flowscope.example 3600 IN A 192.0.2.2
          www.flowscope.example 3600 IN RRSIG A 13 3 3600 20261207093806 20261123080806 1686 flowscope.example XQINRNUNoYXRQqrbqnD4VwyHDGF6LU5Df1VmeovEuiHYZHMv2ZpLXhu2iHyDwFcrLN5YGh8QBO/Wj7zksub/bA==
    3 > query child.flowscope.example IN DS rd ad
          EDNS 0 4096 do
    3 < response NoError child.flowscope.example IN DS aa rd
          EDNS 0 4096 do
          child.flowscope.example 3600 IN DS 12345 13 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF
          child.flowscope.example 3600 IN RRSIG DS 13 3 3600 20261207093806 20261123080806 1686 flowscope.example CRcwEWqeF0rIwmE186cylWWCUrhkwgkdzNTNlg5fcsn6+XF6RXcO4PkflV7AsYUox9xD6o6xSguZWXOWPnu4gQ==
    4 > query host.child.flowscope.example IN A rd ad
          EDNS 0 4096 do
    4 < response NoError host.child.flowscope.example IN A rd
          EDNS 0 4096 do
          authority child.flowscope.example 3600 IN NS ns1.child.flowscope.example
          authority child.flowscope.example 3600 IN DS 12345 13 2 0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF0123456789ABCDEF
          authority child.flowscope.example 3600 IN RRSIG DS 13 3 3600 20261207093806 20261123080806 1686 flowscope.example CRcwEWqeF0rIwmE186cylWWCUrhkwgkdzNTNlg5fcsn6+XF6RXcO4PkflV7AsYUox9xD6o6xSguZWXOWPnu4gQ==
          additional ns1.child.flowscope.example 3600 IN A 192.0.2.53
    5 > query nothing.flowscope.example IN A rd ad
          EDNS 0 4096 do
    5 < response NXDomain nothing.flowscope.example IN A aa rd
          EDNS 0 4096 do
          authority flowscope.example 300 IN SOA ns1.flowscope.example hostmaster.flowscope.example 2 3600 900 604800 300
          authority medium.flowscope.example 300 IN NSEC ns1.flowscope.example TXT RRSIG NSEC
          authority flowscope.example 300 IN NSEC _service.flowscope.example NS SOA MX TXT NAPTR RRSIG NSEC DNSKEY CDS CDNSKEY HTTPS CAA
          authority flowscope.example 300 IN RRSIG SOA 13 2 3600 20261207093806 20261123080806 1686 flowscope.example Iz70coroJoKHiX0klntz14byfx0uZRYbj/spJ4b3WuaZvBi930z3qjKH3me0rLACqUU+tXsDOZEAkghApZI2yQ==
          authority medium.flowscope.example 300 IN RRSIG NSEC 13 3 300 20261207093806 20261123080806 1686 flowscope.example 0lR1MvWpqk5jF4a/wQ3F9qDCrJsumIe2TASqu7UaJt7wfTbRfoE4ytSMRiVxqyjewQ6lJd/dyf8CRNMWcGuBMA==
          authority flowscope.example 300 IN RRSIG NSEC 13 2 300 20261207093806 20261123080806 1686 flowscope.example H9h6FlKuHJyeoNhi30ePQQ053rrSZG6u/MjzGfAnTXqYshqKzsiw4VtycqAblU2S22eAhzZm66UG5g0kor1+vA==
    ");
}

#[test]
fn there_is_nothing_or_nothing_is_told() {
    assert_snapshot!(rows("dns-negative"), @r"
    1 > query nothing.flowscope.example IN A rd ad
          EDNS 0 1232 COOKIE D14F52CD530EA272
    1 < response NXDomain nothing.flowscope.example IN A aa rd
          EDNS 0 4096
          authority flowscope.example 300 IN SOA ns1.flowscope.example hostmaster.flowscope.example 2 3600 900 604800 300
    2 > query www.flowscope.example IN MX rd ad
          EDNS 0 1232 COOKIE F5F7282D6B297754
    2 < response NoError www.flowscope.example IN MX aa rd
          EDNS 0 4096
          authority flowscope.example 300 IN SOA ns1.flowscope.example hostmaster.flowscope.example 2 3600 900 604800 300
    3 > query www.elsewhere.example IN A rd ad
          EDNS 0 1232 COOKIE 08C92BF71CDDCD65
    3 < response Refused www.elsewhere.example IN A rd
          EDNS 0 4096 EDE 20
    4 > query flowscope.example IN SOA rd ad
          EDNS 0 1232 COOKIE 54E806D74A73030C
    4 < response NotImp flowscope.example IN SOA rd
          EDNS 0 4096
    ");
}

#[test]
fn long_texts_are_whole() {
    for (capture, strings) in [
        ("dns-fragments", 10),
        ("dns-tcp", 18),
        ("dns-truncated", 18),
    ] {
        let text: Vec<String> = (0..strings)
            .map(|number| format!("\"{number:02} {}\"", "text ".repeat(39)))
            .collect();
        let found = messages(capture);
        let packets = found.iter().filter_map(|it| match &it.message {
            Message::Dns(message) => message.packet(),
            _ => None,
        });
        let texts: Vec<String> = packets
            .flat_map(|packet| packet.answers())
            .filter(|record| record.rtype == RecordType::TXT)
            .map(|record| record.data.to_string())
            .collect();
        assert!(!texts.is_empty());
        assert!(texts.iter().all(|it| *it == text.join(" ")), "{texts:?}");
    }
}
