//! What is around TCP and UDP: ICMP, fragments, tunnels, other link types,
//! packets cut short.

use crate::capture::link::Link;
use crate::capture::recorder::View;
use crate::capture::relay::MIRROR;
use crate::capture::scene::Scene;
use crate::capture::server::Server::{Kernel, Nginx};

pub(super) const SCENES: &[Scene] = &[
    Scene::new(
        "icmp-ping",
        "three echoes each over IPv4 and IPv6, a lone one between them, and the neighbour discovery they need",
        Kernel,
        &[
            "ping -c 3 -i 0.2 192.0.2.2",
            "ping -c 1 192.0.2.2",
            "ping -c 3 -i 0.2 2001:db8::2",
        ],
    ),
    Scene::new(
        "icmp-fragments",
        "echoes of 3,000 bytes in three fragments each way, over IPv4 and IPv6",
        Kernel,
        &[
            "ping -c 1 -s 3000 192.0.2.2",
            "ping -c 1 -s 3000 2001:db8::2",
        ],
    ),
    Scene::new(
        "icmp-unreachable",
        "datagrams to closed ports, over IPv4 and IPv6, and the errors that quote them",
        Kernel,
        &[
            "! echo anyone | socat -t 0.2 - UDP4:192.0.2.2:7",
            "! echo anyone | socat -t 0.2 - UDP6:[2001:db8::2]:7",
        ],
    ),
    Scene::new(
        "link-sll2",
        "HTTP and a ping recorded on all interfaces: Linux cooked capture, version 2",
        Nginx,
        &[
            "curl -s http://server.example/data.json",
            "ping -c 1 127.0.0.1",
        ],
    )
    .over(Link::Cable, View::on("any")),
    Scene::new(
        "link-sll",
        "the same as Linux cooked capture, version 1",
        Nginx,
        &[
            "curl -s http://server.example/data.json",
            "ping -c 1 127.0.0.1",
        ],
    )
    .over(Link::Cable, View::on("any").flags("-y LINUX_SLL")),
    Scene::new(
        "snap-length-96",
        "a download, each packet cut after 96 bytes",
        Nginx,
        &["curl -s -o download http://server.example/long.txt"],
    )
    .over(Link::Cable, View::CABLE.flags("-s 96")),
    Scene::new(
        "nanoseconds",
        "a capture in nanoseconds",
        Nginx,
        &["curl -s http://server.example/data.json"],
    )
    .over(
        Link::Cable,
        View::CABLE.flags("--time-stamp-precision=nano"),
    ),
    Scene::new(
        "vlan-mirror",
        "HTTP and a ping at a mirror port that tags every frame with VLAN 100",
        Nginx,
        &[
            "curl -s http://far.example/data.json",
            "ping -c 1 198.51.100.2",
        ],
    )
    .over(Link::Trunk(&[0x81, 0x00, 0x00, 0x64]), View::on(MIRROR)),
    Scene::new(
        "qinq-mirror",
        "the same with a service tag, 802.1ad VLAN 200, around VLAN 100",
        Nginx,
        &[
            "curl -s http://far.example/data.json",
            "ping -c 1 198.51.100.2",
        ],
    )
    .over(
        Link::Trunk(&[0x88, 0xa8, 0x00, 0xc8, 0x81, 0x00, 0x00, 0x64]),
        View::on(MIRROR),
    ),
    Scene::new(
        "vlan-device",
        "HTTP and a ping through a VLAN device",
        Nginx,
        &[
            "curl -s http://far.example/data.json",
            "ping -c 1 198.51.100.2",
        ],
    )
    .over(
        Link::Device {
            kind: "vlan",
            arguments: "id 100",
        },
        View::CABLE,
    ),
    tunnel(
        "vxlan",
        "HTTP and a ping inside VXLAN, network 42",
        "vxlan",
        "id 42 local {here} remote {there} dstport 4789 dev {cable}",
    ),
    tunnel(
        "gre",
        "HTTP and a ping inside GRE",
        "gre",
        "local {here} remote {there}",
    ),
    tunnel(
        "gretap",
        "HTTP and a ping in Ethernet inside GRE",
        "gretap",
        "local {here} remote {there}",
    ),
    tunnel(
        "ipip",
        "HTTP and a ping inside IPv4",
        "ipip",
        "local {here} remote {there}",
    ),
    tunnel(
        "geneve",
        "HTTP and a ping inside Geneve",
        "geneve",
        "id 42 remote {there}",
    ),
];

/// A tunnel of the kernel's, seen from outside.
const fn tunnel(
    name: &'static str,
    shows: &'static str,
    kind: &'static str,
    arguments: &'static str,
) -> Scene {
    Scene::new(
        name,
        shows,
        Nginx,
        &[
            "curl -s http://far.example/data.json",
            "ping -c 1 198.51.100.2",
        ],
    )
    .over(Link::Device { kind, arguments }, View::CABLE)
}
