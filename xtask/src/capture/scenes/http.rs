//! HTTP/1 in clear text: curl, Python and bare requests, against nginx.

use crate::capture::scene::Scene;
use crate::capture::server::Server::{Line, Nginx};

pub(super) const SCENES: &[Scene] = &[
    Scene::new(
        "http-keep-alive",
        "four GETs on one connection, the last of them 404",
        Nginx,
        &[
            "curl -s http://server.example/ http://server.example/style.css \
           http://server.example/data.json http://server.example/missing",
        ],
    ),
    Scene::new(
        "http-post",
        "a form, then a body sent only after 100 Continue, then a PUT that is refused with 405",
        Nginx,
        &[
            "curl -s -d name=flow -d colour=blue http://server.example/form",
            "curl -s -H 'Expect: 100-continue' --data-binary @form.txt http://server.example/form",
            "curl -s -T form.txt http://server.example/form.txt",
        ],
    ),
    Scene::new(
        "http-chunked",
        "chunked bodies: a response put together by the server, a compressed one, an upload of unknown length",
        Nginx,
        &[
            "curl -s http://server.example/included.shtml",
            "curl -s --compressed http://server.example/style.css",
            "curl -s -H 'Transfer-Encoding: chunked' --data-binary @form.txt http://server.example/form",
        ],
    ),
    Scene::new(
        "http-head-range",
        "responses without or with part of a body: HEAD, 206 for one and for two ranges, 304, and a 301 that is followed",
        Nginx,
        &[
            "curl -s -I http://server.example/ http://server.example/missing",
            "curl -s -r 10-29 http://server.example/long.txt",
            "curl -s -r 0-9,100-109 http://server.example/long.txt",
            "curl -s -z 2100-01-01 http://server.example/data.json",
            "curl -s -L http://server.example/moved",
        ],
    ),
    Scene::new(
        "http-ipv6",
        "two GETs on one connection over IPv6",
        Nginx,
        &["curl -s http://six.example/ http://six.example/data.json"],
    ),
    Scene::new(
        "http-1-0",
        "HTTP/1.0: a connection for each request, closed at once by both",
        Line("python3 -m http.server --directory site 80", 80),
        &[
            "curl -s -0 http://server.example/",
            "curl -s -0 http://server.example/missing",
        ],
    ),
    Scene::new(
        "http-pipelined",
        "three requests in one segment; the client closes its half before the answers",
        Nginx,
        &[
            r"printf 'GET /data.json HTTP/1.1\r\nHost: server.example\r\n\r\nHEAD / HTTP/1.1\r\nHost: server.example\r\n\r\nGET /missing HTTP/1.1\r\nHost: server.example\r\nConnection: close\r\n\r\n' | socat -t 5 - TCP4:server.example:80",
        ],
    ),
    Scene::new(
        "http-bad-requests",
        "what is not HTTP, sent to an HTTP server: 400 and a closed connection",
        Nginx,
        &[
            r"printf 'HELO server.example\r\n\r\n' | socat -t 5 - TCP4:server.example:80",
            r"printf 'GET / HTTP/1.1\r\n\r\n' | socat -t 5 - TCP4:server.example:80",
        ],
    ),
    Scene::new(
        "http-download",
        "a body of 116,000 bytes in full segments",
        Nginx,
        &["curl -s -o download http://server.example/longer.txt"],
    ),
    Scene::new(
        "http-parallel",
        "eight downloads at the same time, each on a connection of its own",
        Nginx,
        &[
            "curl -s --parallel --parallel-immediate --parallel-max 8 -o 'saved#1' 'http://server.example/data.json?[1-8]'",
        ],
    ),
];
