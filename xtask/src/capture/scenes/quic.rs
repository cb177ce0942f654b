//! QUIC handshakes of ngtcp2 with GnuTLS, and what can come between.

use crate::capture::scene::Scene;
use crate::capture::server::Server::Line;

pub(super) const SCENES: &[Scene] = &[
    Scene::new(
        "quic-v1",
        "a handshake of QUIC version 1, and a page",
        Line(SERVER, 4433),
        &[
            "gtlsclient -q --exit-on-all-streams-close server.example 4433 https://server.example/data.json",
        ],
    ),
    Scene::new(
        "quic-ipv6",
        "the same over IPv6, with connection IDs of other lengths",
        Line(
            "gtlsserver -q -d site 2001:db8::2 4433 server.key server.pem",
            4433,
        ),
        &[
            "gtlsclient -q --exit-on-all-streams-close --dcid 000102030405060708090a0b0c0d0e0f1011 --scid 77 six.example 4433 https://six.example/data.json",
        ],
    ),
    Scene::new(
        "quic-retry",
        "the server asks for a token first: Retry, and keys of another connection ID",
        Line(
            "gtlsserver -q -V -d site 192.0.2.2 4433 server.key server.pem",
            4433,
        ),
        &[
            "gtlsclient -q --exit-on-all-streams-close server.example 4433 https://server.example/data.json",
        ],
    ),
    Scene::new(
        "quic-negotiation",
        "a version that nobody speaks, Version Negotiation, and version 1",
        Line(SERVER, 4433),
        &[
            "gtlsclient -q --exit-on-all-streams-close -v 0x1a2a3a4a --preferred-versions v1 server.example 4433 https://server.example/data.json",
        ],
    ),
    Scene::new(
        "quic-v2-draft",
        "version 2 as its drafts had it: from the beginning, and agreed on by a client that begins in version 1",
        Line(
            "gtlsserver -q -d site --preferred-versions v2draft,v1 192.0.2.2 4433 server.key server.pem",
            4433,
        ),
        &[
            "gtlsclient -q --exit-on-all-streams-close -v v2draft server.example 4433 https://server.example/data.json",
            "gtlsclient -q --exit-on-all-streams-close --other-versions v2draft,v1 server.example 4433 https://server.example/data.json",
        ],
    ),
    Scene::new(
        "quic-early-data",
        "a second connection that resumes the first and sends its request at once, as 0-RTT",
        Line(SERVER, 4433),
        &[
            "gtlsclient -q --timeout 2s --session-file session --tp-file parameters server.example 4433 https://server.example/data.json",
            "gtlsclient -q --exit-on-all-streams-close --session-file session --tp-file parameters server.example 4433 https://server.example/data.json",
        ],
    ),
    Scene::new(
        "quic-moves",
        "a client that changes its port while it talks",
        Line(SERVER, 4433),
        &[
            "gtlsclient -q --change-local-addr 50ms --delay-stream 300ms --exit-on-all-streams-close server.example 4433 https://server.example/data.json",
        ],
    ),
    Scene::new(
        "quic-hello-retry",
        "the server takes P-521 only and the client guessed X25519 and P-256: HelloRetryRequest and a second ClientHello",
        Line(
            "gtlsserver -q -d site --groups -GROUP-ALL:+GROUP-SECP521R1 192.0.2.2 4433 server.key server.pem",
            4433,
        ),
        &[
            "gtlsclient -q --exit-on-all-streams-close server.example 4433 https://server.example/data.json",
        ],
    ),
];

const SERVER: &str = "gtlsserver -q -d site 192.0.2.2 4433 server.key server.pem";
