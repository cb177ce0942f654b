//! TCP as it really goes: refused, reset, disturbed, joined in the middle.

use crate::capture::link::{Link, SECOND};
use crate::capture::network::Host;
use crate::capture::recorder::View;
use crate::capture::relay::Weather;
use crate::capture::scene::Scene;
use crate::capture::server::Server::{Kernel, Line, Nginx};

pub(super) const SCENES: &[Scene] = &[
    Scene::new(
        "tcp-refused",
        "SYNs to a port where nobody listens, over IPv4 and IPv6: RST",
        Kernel,
        &["! curl -s http://server.example:81/", "! curl -s http://six.example:81/"],
    ),
    Scene::new(
        "tcp-no-answer",
        "SYNs that nobody answers, sent again after a second and after three",
        Kernel,
        &[
            "ip neighbour replace 192.0.2.99 lladdr 02:00:00:00:00:63 dev eth0",
            "! curl -s --connect-timeout 4 http://192.0.2.99/",
        ],
    ),
    Scene::new(
        "tcp-aborted",
        "a client that closes hard in the middle of a download: RST",
        Nginx,
        &["python3 abort_client.py"],
    ),
    Scene::new(
        "tcp-reset-by-server",
        "a server that answers and closes hard: RST instead of FIN",
        Line("python3 reset_server.py", 7000),
        &["(echo words; sleep 1) | socat - TCP4:server.example:7000"],
    ),
    Scene::new(
        "tcp-mid-stream",
        "a download that was under way when the recording began; it ends by FIN",
        Nginx,
        &["sleep 3"],
    )
    .already("curl -s -o download http://server.example/slow.txt"),
    Scene::new(
        "tcp-half-closed",
        "a client that closes its half at once and a server that goes on for a second",
        Line("socat -t 5 TCP4-LISTEN:7000,reuseaddr SYSTEM:'cat; sleep 1; echo late words'", 7000),
        &["echo early words | socat -t 5 - TCP4:server.example:7000"],
    ),
    Scene::new(
        "tcp-keep-alive-probes",
        "an idle connection and its keep-alive probes, then data and the end",
        Line("socat TCP4-LISTEN:7000,reuseaddr SYSTEM:cat", 7000),
        &["(echo before; sleep 4; echo after) | socat - TCP4:server.example:7000,keepalive,keepidle=1,keepintvl=1"],
    ),
    Scene::new(
        "tcp-offload",
        "segments larger than a frame and checksums left to the hardware, as seen on a sending host",
        Nginx,
        &["curl -s -o download http://server.example/longer.txt"],
    )
    .over(Link::Offloaded, View::at(Host::Server, "eth0")),
    Scene::new(
        "tcp-loss",
        "a download with lost segments, at its receiver: holes, duplicate and selective acknowledgements, late fills",
        Nginx,
        &["curl -s -o download http://far.example/longer.txt"],
    )
    .over(Link::Relay(Weather::Lossy), View::on(SECOND)),
    Scene::new(
        "tcp-loss-sender",
        "the same kind of download at its sender: retransmissions",
        Nginx,
        &["curl -s -o download http://far.example/longer.txt"],
    )
    .over(Link::Relay(Weather::Lossy), View::at(Host::Server, SECOND)),
    Scene::new(
        "tcp-reordered",
        "a download whose segments arrive in another order",
        Nginx,
        &["curl -s -o download http://far.example/longer.txt"],
    )
    .over(Link::Relay(Weather::Reordering), View::on(SECOND)),
    Scene::new(
        "tcp-duplicated",
        "a download of which every fifth segment arrives twice",
        Nginx,
        &["curl -s -o download http://far.example/longer.txt"],
    )
    .over(Link::Relay(Weather::Duplicating), View::on(SECOND)),
];
