//! DNS over UDP and TCP: dig, kdig and the C library, against Knot.

use crate::capture::scene::Scene;
use crate::capture::server::Server::{Kernel, Knot};

pub(super) const SCENES: &[Scene] = &[
    Scene::new(
        "dns-types",
        "one question for each of A, AAAA, MX, TXT, NS, SOA, CAA, NAPTR, SRV, SVCB, HTTPS, TLSA, SSHFP, CNAME (a chain), PTR and a wildcard, without EDNS",
        Knot,
        &[
            "dig +noedns @192.0.2.2 www.flowscope.example A www.flowscope.example AAAA \
             flowscope.example MX flowscope.example TXT flowscope.example NS flowscope.example SOA \
             flowscope.example CAA flowscope.example NAPTR",
            "dig +noedns @192.0.2.2 _sip._tcp.flowscope.example SRV \
             _service.flowscope.example SVCB flowscope.example HTTPS \
             _443._tcp.www.flowscope.example TLSA www.flowscope.example SSHFP \
             alias.flowscope.example A any.wild.flowscope.example A -x 192.0.2.2",
        ],
    ),
    Scene::new(
        "dns-edns",
        "EDNS: a cookie, a client subnet, the server's identifier, padding, an unknown version",
        Knot,
        &[
            "dig +bufsize=1232 +cookie @192.0.2.2 www.flowscope.example A",
            "dig +subnet=203.0.113.0/24 +nsid @192.0.2.2 www.flowscope.example A",
            "kdig +edns +padding=128 @192.0.2.2 www.flowscope.example AAAA",
            "dig +edns=5 +noednsnegotiation @192.0.2.2 www.flowscope.example A",
        ],
    ),
    Scene::new(
        "dns-dnssec",
        "signed answers: DNSKEY, RRSIG, DS of a delegation, and NSEC for what is not there",
        Knot,
        &[
            "kdig +dnssec @192.0.2.2 flowscope.example DNSKEY",
            "kdig +dnssec @192.0.2.2 www.flowscope.example A",
            "kdig +dnssec @192.0.2.2 child.flowscope.example DS",
            "kdig +dnssec @192.0.2.2 host.child.flowscope.example A",
            "kdig +dnssec @192.0.2.2 nothing.flowscope.example A",
        ],
    ),
    Scene::new(
        "dns-negative",
        "NXDOMAIN, a name without data of that type, REFUSED for another zone, NOTIMP for an odd operation",
        Knot,
        &[
            "dig @192.0.2.2 nothing.flowscope.example A",
            "dig @192.0.2.2 www.flowscope.example MX",
            "dig @192.0.2.2 www.elsewhere.example A",
            "dig +opcode=STATUS @192.0.2.2 flowscope.example SOA",
        ],
    ),
    Scene::new(
        "dns-truncated",
        "a TXT record too large for a datagram: the truncated answer, then the whole over TCP",
        Knot,
        &[
            "dig +noedns @192.0.2.2 large.flowscope.example TXT",
            "kdig +bufsize=1232 @192.0.2.2 large.flowscope.example TXT",
        ],
    ),
    Scene::new(
        "dns-fragments",
        "answers over UDP that are larger than a frame and come as IPv4 and IPv6 fragments",
        Knot,
        &[
            "dig +bufsize=4096 @192.0.2.2 medium.flowscope.example TXT",
            "dig +bufsize=4096 @2001:db8::2 medium.flowscope.example TXT",
        ],
    ),
    Scene::new(
        "dns-tcp",
        "several questions on one TCP connection, then one each on two more",
        Knot,
        &[
            "kdig +tcp +keepopen @192.0.2.2 www.flowscope.example A www.flowscope.example AAAA \
             flowscope.example MX large.flowscope.example TXT",
            "dig +tcp @192.0.2.2 www.flowscope.example A",
            "dig +tcp @2001:db8::2 www.flowscope.example AAAA",
        ],
    ),
    Scene::new(
        "dns-transfer",
        "a zone transfer: one question, an answer of 12 kB in many segments",
        Knot,
        &["dig @192.0.2.2 flowscope.example AXFR"],
    ),
    Scene::new(
        "dns-ipv6",
        "questions over IPv6, dig's and kdig's",
        Knot,
        &[
            "dig @2001:db8::2 www.flowscope.example A",
            "kdig @2001:db8::2 www.flowscope.example AAAA",
        ],
    ),
    Scene::new(
        "dns-lookup",
        "the C library's resolver: A and AAAA asked from one port; then the same for a name that is not there",
        Knot,
        &[
            "getent ahosts lookup.flowscope.example",
            "! getent ahosts nothing.flowscope.example",
        ],
    ),
    Scene::new(
        "dns-no-server",
        "questions to a port where nobody listens, answered by ICMP and asked again",
        Kernel,
        &["! dig +tries=2 +timeout=1 @192.0.2.2 www.flowscope.example A"],
    ),
];
