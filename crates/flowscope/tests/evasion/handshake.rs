//! SYNs and SYN-ACKs that do not begin what they claim to begin.

use flowscope_fixtures::{Close, SECOND, Side, Tcp};

use crate::case::{Case, talk, unopened};

const SYN_ACK: u8 = Tcp::SYN | Tcp::ACK;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = second_syns();
    cases.extend(second_syn_acks());
    cases.extend(data_with_syns());
    cases.extend(odd_flags());
    cases
}

fn second_syns() -> Vec<Case> {
    vec![
        Case::bytes(
            "a SYN of the client in the window of its connection",
            "RFC 5961, 4.2",
            &["client: one two", "server: yes"],
        )
        .of(&talk()
            .send(Side::Client, b"one ")
            .forge(Side::Client, Tcp::SYN, b"", |tcp| tcp.seq += 100)
            .send(Side::Client, b"two")
            .send(Side::Server, b"yes"))
        .reported(&["client syn_in_connection"]),
        Case::bytes(
            "a SYN of the server in the window of its connection",
            "RFC 5961, 4.2",
            &["client: one two", "server: yes"],
        )
        .of(&talk()
            .send(Side::Client, b"one ")
            .forge(Side::Server, Tcp::SYN, b"", |tcp| tcp.seq += 100)
            .send(Side::Client, b"two")
            .send(Side::Server, b"yes"))
        .reported(&["server syn_in_connection"]),
        Case::bytes(
            "a SYN far outside of the window",
            "RFC 5961, 4.2",
            &["client: one two"],
        )
        .of(&talk()
            .send(Side::Client, b"one ")
            .forge(Side::Client, Tcp::SYN, b"", |tcp| tcp.seq ^= 0x4000_0000)
            .send(Side::Client, b"two"))
        .reported(&["client syn_in_connection"]),
        Case::bytes(
            "a SYN with data in a connection",
            "RFC 5961, 4.2",
            &["client: one two"],
        )
        .of(&talk()
            .send(Side::Client, b"one ")
            .forge(Side::Client, Tcp::SYN, b"bad", |tcp| tcp.seq += 9)
            .send(Side::Client, b"two"))
        .reported(&["client syn_in_connection", "client 3 bytes dropped"]),
        Case::bytes(
            "two SYNs of one client, of which the second is answered",
            "RFC 9293, 3.5",
            &["client: one"],
        )
        .of(&unopened()
            .forge(Side::Client, Tcp::SYN, b"", |tcp| tcp.seq += 5000)
            .handshake()
            .send(Side::Client, b"one")),
        Case::bytes(
            "two SYNs of one client, of which the first is answered",
            "RFC 9293, 3.5",
            &["client: one"],
        )
        .of(&unopened()
            .segment(Side::Client, Tcp::SYN, b"")
            .forge(Side::Client, Tcp::SYN, b"", |tcp| tcp.seq += 4999)
            .segment(Side::Server, SYN_ACK, b"")
            .acknowledge(Side::Client)
            .send(Side::Client, b"one")),
        Case::bytes(
            "a new connection on the ports of one that was closed",
            "RFC 9293, 3.6.1",
            &["client: one", "client: two"],
        )
        .of_frames(reused(SECOND, true)),
        Case::bytes(
            "a new connection on the ports of one whose close was not captured",
            "RFC 9293, 3.6.1",
            &["client: one", "client: two"],
        )
        .of_frames(reused(SECOND, false)),
        Case::bytes(
            "a connection of which only the client was captured",
            "RFC 9293, 3.5",
            &["client: one"],
        )
        .of(&unopened().segment(Side::Client, Tcp::SYN, b"").segment(
            Side::Client,
            Tcp::ACK,
            b"one",
        )),
        Case::bytes(
            "both sides open at once",
            "RFC 9293, 3.5",
            &["client: one", "server: two"],
        )
        .of(&unopened()
            .simultaneous_open()
            .send(Side::Client, b"one")
            .send(Side::Server, b"two")),
    ]
}

/// A connection, and another with other numbers on the same ports.
fn reused(pause: u64, closed: bool) -> Vec<flowscope_fixtures::Frame> {
    let first = talk().send(Side::Client, b"one");
    let first = if closed {
        first.close(Close::Fin(Side::Client))
    } else {
        first
    };
    let end = first.segments().last().unwrap().nanos;
    let second = unopened()
        .starting_at(end + pause)
        .with_initial_seq(Side::Client, 77_000)
        .with_initial_seq(Side::Server, 88_000)
        .handshake()
        .send(Side::Client, b"two");
    [first.frames(), second.frames()].concat()
}

fn second_syn_acks() -> Vec<Case> {
    vec![
        Case::bytes(
            "a SYN-ACK with another number before the true one",
            "RFC 9293, 3.10.7.3",
            &["client: one", "server: two"],
        )
        .of(&unopened()
            .segment(Side::Client, Tcp::SYN, b"")
            .forge(Side::Server, SYN_ACK, b"", |tcp| tcp.seq += 700)
            .segment(Side::Server, SYN_ACK, b"")
            .acknowledge(Side::Client)
            .send(Side::Client, b"one")
            .send(Side::Server, b"two")),
        Case::bytes(
            "a SYN-ACK with another number behind the true one",
            "RFC 9293, 3.10.7.4",
            &["client: one", "server: two"],
        )
        .of(&unopened()
            .segment(Side::Client, Tcp::SYN, b"")
            .segment(Side::Server, SYN_ACK, b"")
            .forge(Side::Server, SYN_ACK, b"", |tcp| tcp.seq += 699)
            .acknowledge(Side::Client)
            .send(Side::Client, b"one")
            .send(Side::Server, b"two")),
        Case::bytes(
            "a SYN-ACK in an open connection",
            "RFC 5961, 4.2",
            &["client: one two"],
        )
        .of(&talk()
            .send(Side::Client, b"one ")
            .forge(Side::Server, SYN_ACK, b"", |tcp| tcp.seq += 10)
            .send(Side::Client, b"two"))
        .reported(&["server syn_in_connection"]),
        Case::bytes(
            "a SYN-ACK that acknowledges what was not sent",
            "RFC 9293, 3.10.7.3",
            &["client: one"],
        )
        .of(&unopened()
            .segment(Side::Client, Tcp::SYN, b"")
            .forge(Side::Server, SYN_ACK, b"", |tcp| {
                tcp.seq += 700;
                tcp.ack += 9;
            })
            .segment(Side::Server, SYN_ACK, b"")
            .acknowledge(Side::Client)
            .send(Side::Client, b"one"))
        .reported(&["server syn_in_connection"]),
        Case::bytes(
            "a SYN-ACK that was not captured",
            "RFC 9293, 3.5",
            &["client: one", "server: two"],
        )
        .of(&talk()
            .send(Side::Client, b"one")
            .send(Side::Server, b"two")
            .disturb(flowscope_fixtures::Disturbance::Lose(1))),
    ]
}

fn data_with_syns() -> Vec<Case> {
    vec![
        Case::bytes(
            "data of a SYN that are acknowledged with it",
            "RFC 7413, 4.2",
            &["client: one two"],
        )
        .of(&unopened()
            .segment(Side::Client, Tcp::SYN, b"one ")
            .segment(Side::Server, SYN_ACK, b"")
            .acknowledge(Side::Client)
            .send(Side::Client, b"two")),
        Case::bytes(
            "data of a SYN that are not acknowledged, and others in their place",
            "RFC 7413, 4.2",
            &["client: two"],
        )
        .of(&unopened()
            .forge(Side::Client, Tcp::SYN, b"one", |_| {})
            .handshake()
            .disturb(flowscope_fixtures::Disturbance::Lose(1))
            .send(Side::Client, b"two"))
        .reported(&["client 3 bytes dropped"]),
        Case::bytes(
            "data of a SYN-ACK",
            "RFC 9293, 3.10.7.3",
            &["client: one", "server: hello"],
        )
        .of(&unopened()
            .segment(Side::Client, Tcp::SYN, b"")
            .segment(Side::Server, SYN_ACK, b"hello")
            .acknowledge(Side::Client)
            .send(Side::Client, b"one")),
    ]
}

fn odd_flags() -> Vec<Case> {
    let without_ack = |title: &str, flags: u8| {
        Case::bytes(title, "RFC 9293, 3.10.7.4", &["client: one two"]).of(&talk()
            .send(Side::Client, b"one ")
            .forge(Side::Client, flags, b"bad", |tcp| tcp.ack = 0)
            .send(Side::Client, b"two"))
    };
    vec![
        without_ack("data in a segment without any flag", 0)
            .reported(&["client missing_ack", "client 3 bytes dropped"]),
        without_ack("data in a segment with PSH and no ACK", Tcp::PSH)
            .reported(&["client missing_ack", "client 3 bytes dropped"]),
        without_ack(
            "data in a segment with FIN, PSH and URG, and no ACK",
            Tcp::FIN | Tcp::PSH | Tcp::URG,
        )
        .reported(&["client missing_ack", "client 3 bytes dropped"]),
        without_ack("data in a segment with SYN and FIN", Tcp::SYN | Tcp::FIN)
            .reported(&["client syn_in_connection", "client 3 bytes dropped"]),
        Case::bytes(
            "a SYN with FIN begins the connection",
            "RFC 9293, 3.10.7.2",
            &["client: one"],
        )
        .but("a server that drops it", &[])
        .of(&unopened()
            .forge(Side::Client, Tcp::SYN | Tcp::FIN, b"", |_| {})
            .handshake()
            .disturb(flowscope_fixtures::Disturbance::Lose(1))
            .send(Side::Client, b"one"))
        .reported(&["client refused_fin"]),
    ]
}
