//! RSTs and FINs that do not end what they claim to end.

use flowscope_fixtures::{Close, Side, Tcp};

use crate::case::{Case, talk, unopened};

const FIN_ACK: u8 = Tcp::FIN | Tcp::ACK;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = resets();
    cases.extend(fins());
    cases
}

fn resets() -> Vec<Case> {
    let goes_on = ["client: one two", "server: yes"];
    let with_reset = |title: &str, source, from, change: fn(&mut Tcp)| {
        Case::bytes(title, source, &goes_on).of(&talk()
            .send(Side::Client, b"one ")
            .forge(from, Tcp::RST, b"", change)
            .send(Side::Client, b"two")
            .send(Side::Server, b"yes"))
    };
    vec![
        with_reset(
            "an RST of the client in the window, but not exact",
            "RFC 5961, 3.2",
            Side::Client,
            |tcp| tcp.seq += 10,
        )
        .reported(&["client refused_rst"]),
        with_reset(
            "an RST of the server in the window, but not exact",
            "RFC 5961, 3.2",
            Side::Server,
            |tcp| tcp.seq += 10,
        )
        .reported(&["server refused_rst"]),
        with_reset(
            "an RST outside of the window",
            "RFC 9293, 3.10.7.4",
            Side::Client,
            |tcp| tcp.seq ^= 0x4000_0000,
        )
        .reported(&["client rst_out_of_window"]),
        with_reset(
            "an RST below the window",
            "RFC 9293, 3.10.7.4",
            Side::Client,
            |tcp| tcp.seq -= 3,
        )
        .reported(&["client rst_out_of_window"]),
        with_reset(
            "an exact RST of the client that does not reach the server",
            "Ptacek and Newsham, 4.3",
            Side::Client,
            |_| {},
        )
        .reported(&["client refused_rst"]),
        with_reset(
            "an exact RST of the server that does not reach the client",
            "Ptacek and Newsham, 4.3",
            Side::Server,
            |_| {},
        )
        .reported(&["server refused_rst"]),
        Case::bytes(
            "an exact RST with data in it, which are no part of the stream",
            "RFC 9293, 3.10.7.4",
            &["client: one two"],
        )
        .of(&talk()
            .send(Side::Client, b"one ")
            .forge(Side::Client, Tcp::RST, b"bad", |_| {})
            .send(Side::Client, b"two"))
        .reported(&["client refused_rst", "client 3 bytes dropped"]),
        Case::bytes(
            "an RST that ends the connection, and data behind it",
            "RFC 9293, 3.10.7.4",
            &["client: one "],
        )
        .here(&["client: one bad"])
        .of(&talk()
            .send(Side::Client, b"one ")
            .close(Close::Reset(Side::Server))
            .segment(Side::Client, Tcp::ACK, b"bad"))
        .reported(&["ended by rst"]),
        Case::bytes(
            "an RST in answer to a SYN that acknowledges another number",
            "RFC 9293, 3.10.7.3",
            &["client: one"],
        )
        .of(&unopened()
            .segment(Side::Client, Tcp::SYN, b"")
            .forge(Side::Server, Tcp::RST | Tcp::ACK, b"", |tcp| {
                tcp.seq = 0;
                tcp.ack += 7;
            })
            .segment(Side::Server, Tcp::SYN | Tcp::ACK, b"")
            .acknowledge(Side::Client)
            .send(Side::Client, b"one"))
        .reported(&["server rst_out_of_window"]),
        Case::bytes(
            "an RST of the client between its SYN and the SYN-ACK, which it does not stand by",
            "RFC 9293, 3.10.7.4",
            &["client: one"],
        )
        .of(&unopened()
            .segment(Side::Client, Tcp::SYN, b"")
            .forge(Side::Client, Tcp::RST, b"", |_| {})
            .segment(Side::Server, Tcp::SYN | Tcp::ACK, b"")
            .acknowledge(Side::Client)
            .send(Side::Client, b"one"))
        .reported(&["client refused_rst"]),
        Case::bytes(
            "RSTs of both sides that reach nobody",
            "Clayton et al., \"Ignoring the Great Firewall of China\"",
            &["client: one two", "server: yes"],
        )
        .of(&talk()
            .send(Side::Client, b"one ")
            .forge(Side::Server, Tcp::RST | Tcp::ACK, b"", |_| {})
            .forge(Side::Server, Tcp::RST | Tcp::ACK, b"", |tcp| {
                tcp.seq += 1460
            })
            .forge(Side::Client, Tcp::RST | Tcp::ACK, b"", |_| {})
            .send(Side::Client, b"two")
            .send(Side::Server, b"yes"))
        .reported(&["server refused_rst"]),
    ]
}

fn fins() -> Vec<Case> {
    let goes_on = ["client: one two"];
    let with_fin = |title: &str, payload: &[u8], change: fn(&mut Tcp)| {
        Case::bytes(title, "RFC 9293, 3.10.7.4", &goes_on).of(&talk()
            .send(Side::Client, b"one ")
            .forge(Side::Client, FIN_ACK, payload, change)
            .send(Side::Client, b"two"))
    };
    vec![
        with_fin(
            "a FIN in its place that does not reach the server",
            b"",
            |_| {},
        )
        .reported(&["client refused_fin"]),
        with_fin("a FIN ahead of its place", b"", |tcp| tcp.seq += 20),
        with_fin("a FIN far outside of the window", b"", |tcp| {
            tcp.seq ^= 0x4000_0000
        }),
        with_fin("a FIN below what was acknowledged", b"", |tcp| tcp.seq -= 2)
            .reported(&["client refused_fin"]),
        Case::bytes(
            "a FIN with other data than the true ones, which does not reach the server",
            "Ptacek and Newsham, 4.3",
            &["client: one two and more"],
        )
        .here(&["client: one bad and more"])
        .of(&talk()
            .send(Side::Client, b"one ")
            .forge(Side::Client, FIN_ACK, b"bad", |_| {})
            .send(Side::Client, b"two and more"))
        .reported(&["client overlap_conflict", "client refused_fin"]),
        Case::bytes(
            "data behind the end of a stream",
            "RFC 9293, 3.10.7.4",
            &["client: one", "server: two"],
        )
        .of(&talk()
            .send(Side::Client, b"one")
            .half_close(Side::Client)
            .forge(Side::Client, Tcp::ACK, b"bad", |_| {})
            .send(Side::Server, b"two"))
        .reported(&["client 3 bytes dropped"]),
        Case::bytes(
            "the end of a stream before its last segment",
            "RFC 9293, 3.10.7.4",
            &["client: one two", "server: yes"],
        )
        .of(&talk()
            .send(Side::Client, b"one ")
            .segment(Side::Client, Tcp::ACK, b"two")
            .segment(Side::Client, FIN_ACK, b"")
            .disturb(flowscope_fixtures::Disturbance::Delay {
                packet: 5,
                behind: 1,
            })
            .acknowledge(Side::Server)
            .send(Side::Server, b"yes")),
        Case::bytes(
            "a half-closed connection in which the other side goes on",
            "RFC 9293, 3.6",
            &["client: one", "server: two three"],
        )
        .of(&talk()
            .send(Side::Client, b"one")
            .half_close(Side::Client)
            .send(Side::Server, b"two ")
            .send(Side::Server, b"three")
            .half_close(Side::Server)),
    ]
}
