//! TLS handshakes of several stacks: OpenSSL, GnuTLS, curl, Python, Node.

use crate::capture::scene::Scene;
use crate::capture::server::Server::{Line, Nginx};

pub(super) const SCENES: &[Scene] = &[
    Scene::new(
        "tls13-openssl",
        "a TLS 1.3 handshake with SNI and ALPN, a page, and close notify",
        Line(
            "openssl s_server -accept 4433 -cert server.pem -key server.key -www -alpn http/1.1 -quiet",
            4433,
        ),
        &[
            r"printf 'GET / HTTP/1.0\r\n\r\n' | openssl s_client -connect server.example:4433 -servername server.example -alpn h2,http/1.1 -CAfile ca.pem -ign_eof",
        ],
    ),
    Scene::new(
        "tls13-resumption",
        "a session ticket, then a second connection that resumes with it",
        Line(
            "openssl s_server -accept 4433 -cert server.pem -key server.key -www -quiet",
            4433,
        ),
        &[
            r"printf 'GET / HTTP/1.0\r\n\r\n' | openssl s_client -connect server.example:4433 -servername server.example -sess_out session -ign_eof",
            r"printf 'GET / HTTP/1.0\r\n\r\n' | openssl s_client -connect server.example:4433 -servername server.example -sess_in session -ign_eof",
        ],
    ),
    Scene::new(
        "tls13-early-data",
        "a resumed connection whose request travels with the ClientHello",
        Line(
            "openssl s_server -accept 4433 -cert server.pem -key server.key -early_data -quiet",
            4433,
        ),
        &[
            "(echo first; sleep 1) | openssl s_client -connect server.example:4433 -servername server.example -sess_out session",
            "(sleep 1) | openssl s_client -connect server.example:4433 -servername server.example -sess_in session -early_data form.txt",
        ],
    ),
    Scene::new(
        "tls13-hello-retry",
        "the server takes P-256 only and the client guessed X25519: HelloRetryRequest and a second ClientHello",
        Line(
            "openssl s_server -accept 4433 -cert server.pem -key server.key -groups P-256 -www -quiet",
            4433,
        ),
        &[
            "openssl s_client -connect server.example:4433 -servername server.example -groups X25519:P-256 </dev/null",
        ],
    ),
    Scene::new(
        "tls13-client-certificate",
        "both sides show a certificate",
        Line(
            "openssl s_server -accept 4433 -cert server.pem -key server.key -CAfile ca.pem -Verify 1 -www -quiet",
            4433,
        ),
        &[
            "openssl s_client -connect server.example:4433 -servername server.example -cert client.pem -key client.key </dev/null",
        ],
    ),
    Scene::new(
        "tls12-openssl",
        "a TLS 1.2 handshake with ECDHE and an ECDSA certificate",
        Line(
            "openssl s_server -accept 4433 -cert server.pem -key server.key -www -quiet",
            4433,
        ),
        &[
            "openssl s_client -connect server.example:4433 -servername server.example -tls1_2 </dev/null",
        ],
    ),
    Scene::new(
        "tls12-resumption",
        "five further connections that resume the first session by its ticket",
        Line(
            "openssl s_server -accept 4433 -cert server.pem -key server.key -www -quiet",
            4433,
        ),
        &[
            "openssl s_client -connect server.example:4433 -servername server.example -tls1_2 -reconnect </dev/null",
        ],
    ),
    Scene::new(
        "tls12-client-certificate",
        "CertificateRequest, Certificate and CertificateVerify in clear text",
        Line(
            "openssl s_server -accept 4433 -cert server.pem -key server.key -CAfile ca.pem -Verify 1 -www -quiet",
            4433,
        ),
        &[
            "openssl s_client -connect server.example:4433 -servername server.example -tls1_2 -cert client.pem -key client.key </dev/null",
        ],
    ),
    Scene::new(
        "tls12-rsa-key-exchange",
        "a TLS 1.2 handshake without ServerKeyExchange",
        Line(
            "openssl s_server -accept 4433 -cert rsa.pem -key rsa.key -www -quiet",
            4433,
        ),
        &[
            "openssl s_client -connect server.example:4433 -servername server.example -tls1_2 -cipher AES128-SHA256 </dev/null",
        ],
    ),
    Scene::new(
        "tls10-openssl",
        "TLS 1.0 and 1.1, which only old or coaxed peers still speak",
        Line(
            "openssl s_server -accept 4433 -cert rsa.pem -key rsa.key -cipher DEFAULT@SECLEVEL=0 -www -quiet",
            4433,
        ),
        &[
            "openssl s_client -connect server.example:4433 -servername server.example -tls1 -cipher DEFAULT@SECLEVEL=0 </dev/null",
            "openssl s_client -connect server.example:4433 -servername server.example -tls1_1 -cipher DEFAULT@SECLEVEL=0 </dev/null",
        ],
    ),
    Scene::new(
        "tls-small-records",
        "messages split over records of 512 bytes at most, the server's Certificate among them",
        Line(
            "openssl s_server -accept 4433 -cert rsa.pem -key rsa.key -max_send_frag 512 -tls1_2 -www -quiet",
            4433,
        ),
        &[
            "openssl s_client -connect server.example:4433 -servername server.example -max_send_frag 512 </dev/null",
        ],
    ),
    Scene::new(
        "tls-alerts",
        "handshakes that fail: no common version, no common cipher, an unknown authority",
        Line(
            "openssl s_server -accept 4433 -cert server.pem -key server.key -no_tls1_3 -www -quiet",
            4433,
        ),
        &[
            "! openssl s_client -connect server.example:4433 -servername server.example -tls1_3 </dev/null",
            "! openssl s_client -connect server.example:4433 -servername server.example -tls1_2 -cipher AES128-SHA256 </dev/null",
            "! curl -s https://server.example:4433/",
        ],
    ),
    Scene::new(
        "dtls12-openssl",
        "DTLS 1.2 over UDP, with the cookie exchange",
        Line(
            "openssl s_server -accept 4433 -dtls1_2 -listen -cert server.pem -key server.key -quiet",
            4433,
        ),
        &["(echo hello; sleep 1) | openssl s_client -connect server.example:4433 -dtls1_2"],
    ),
    Scene::new(
        "dtls12-small-records",
        "DTLS 1.2 with ALPN, its messages in fragments for packets of 300 bytes",
        Line(
            "openssl s_server -accept 4433 -dtls1_2 -mtu 300 -alpn webrtc -cert rsa.pem -key rsa.key -quiet",
            4433,
        ),
        &[
            "(echo hello; sleep 1) | openssl s_client -connect server.example:4433 -dtls1_2 -mtu 300 -alpn webrtc,c-webrtc",
        ],
    ),
    Scene::new(
        "dtls10-openssl",
        "DTLS 1.0 with an RSA certificate",
        Line(
            "openssl s_server -accept 4433 -dtls1 -cert rsa.pem -key rsa.key -cipher DEFAULT@SECLEVEL=0 -quiet",
            4433,
        ),
        &[
            "(echo hello; sleep 1) | openssl s_client -connect server.example:4433 -dtls1 -cipher DEFAULT@SECLEVEL=0",
        ],
    ),
    Scene::new(
        "dtls-gnutls",
        "GnuTLS on both sides: DTLS 1.2 with the cookie exchange, then 1.0",
        Line(
            "gnutls-serv --quiet --echo --udp --mtu 1200 --port 4433 --priority NORMAL:+VERS-DTLS1.0:%COMPAT --x509certfile server.pem --x509keyfile server.key",
            4433,
        ),
        &[
            "(echo hello; sleep 1) | gnutls-cli --udp --x509cafile ca.pem --port 4433 server.example",
            "(echo hello; sleep 1) | gnutls-cli --udp --x509cafile ca.pem --priority NORMAL:-VERS-ALL:+VERS-DTLS1.0:%COMPAT --port 4433 server.example",
        ],
    ),
    Scene::new(
        "tls-gnutls",
        "GnuTLS on both sides: TLS 1.3, then 1.2",
        Line(
            "gnutls-serv --quiet --http --port 4433 --x509certfile server.pem --x509keyfile server.key",
            4433,
        ),
        &[
            r"(printf 'GET / HTTP/1.0\r\n\r\n'; sleep 1) | gnutls-cli --x509cafile ca.pem --port 4433 server.example",
            r"(printf 'GET / HTTP/1.0\r\n\r\n'; sleep 1) | gnutls-cli --x509cafile ca.pem --priority NORMAL:-VERS-TLS1.3 --port 4433 server.example",
        ],
    ),
    Scene::new(
        "tls-gnutls-nginx",
        "a GnuTLS client and an OpenSSL server, with ALPN",
        Nginx,
        &[
            r"(printf 'GET /data.json HTTP/1.1\r\nHost: server.example\r\nConnection: close\r\n\r\n'; sleep 1) | gnutls-cli --x509cafile ca.pem --alpn http/1.1 server.example",
        ],
    ),
    Scene::new(
        "https-curl",
        "HTTP/2 and HTTP/1.1 inside TLS 1.3, each on a kept connection",
        Nginx,
        &[
            "curl -s --cacert ca.pem https://server.example/ https://server.example/data.json",
            "curl -s --cacert ca.pem --http1.1 https://server.example/ https://server.example/data.json",
        ],
    ),
    Scene::new(
        "https-ipv6",
        "HTTPS over IPv6, limited to TLS 1.2",
        Nginx,
        &["curl -s --cacert ca.pem --tls-max 1.2 https://six.example/data.json"],
    ),
    Scene::new(
        "https-python",
        "Python's http.client: two GETs and a chunked POST on one connection",
        Nginx,
        &["python3 https_client.py"],
    ),
    Scene::new(
        "https-node",
        "Node's https with an agent that keeps its connection",
        Nginx,
        &["node https_client.js"],
    ),
];
