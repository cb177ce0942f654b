//! What comes of handshakes as clients and servers have them.

mod common;

use common::*;
use flowscope_core::session::{DatagramParser, Interest, ProbeResult};
use flowscope_quic::{QuicConfig, QuicMessage, QuicParser};

fn client(version: u32) -> Sender {
    Sender::client(version, ID)
}

fn server(version: u32) -> Sender {
    Sender::server(version, ID)
}

fn first(name: &str) -> Vec<u8> {
    client(V1).initial(to_server(0), &padded(&client_hello(name, 0)))
}

fn answer() -> Vec<u8> {
    server(V1).initial(to_client(0), &crypto(0, &server_hello()))
}

#[test]
fn a_parser_is_done_when_the_server_has_said_hello() {
    let datagrams = [
        (CLIENT, first("example.org")),
        (SERVER, answer()),
        (CLIENT, first("not.read")),
    ];
    let (found, interest) = read_with(&mut QuicParser::default(), &datagrams);
    assert_eq!(names(&found), ["v1 client example.org", "v1 server"]);
    assert_eq!(interest, Interest::Done);
    let QuicMessage::ClientHello(client) = &found[0] else {
        panic!()
    };
    assert!(client.hello.ja4().as_str().starts_with("q13d0104"));
    let grease: Vec<_> = client
        .transport_parameters()
        .map(|one| one.is_grease())
        .collect();
    assert_eq!(grease, [false, true]);
}

#[test]
fn versions_that_can_be_read_are() {
    for version in VERSIONS {
        let hello = client(version).initial(to_server(0), &padded(&client_hello("a.example", 0)));
        assert_eq!(QuicParser::probe(&hello), ProbeResult::Match);
        let answer = server(version).initial(to_client(0), &crypto(0, &server_hello()));
        assert_eq!(
            read(&[(CLIENT, hello), (SERVER, answer)]).len(),
            2,
            "{version:08x}"
        );
    }
}

#[test]
fn a_hello_may_be_spread_over_packets_and_connection_ids() {
    let hello = client_hello("example.org", 2000);
    let (front, back) = hello.split_at(1000);
    let sender = client(V1);
    let early = Header {
        number: 1,
        ..to_server(0)
    };
    let later = Header {
        destination: SERVER_ID,
        number: 2,
        ..to_server(0)
    };
    let acked = server(V1).initial(to_client(0), &[2, 0, 0, 0, 0, 0]);
    let datagrams = [
        (
            CLIENT,
            sender.initial(early, &[crypto(1500, &back[500..]), vec![1, 0, 1]].concat()),
        ),
        (SERVER, acked),
        (CLIENT, sender.initial(to_server(0), &crypto(0, front))),
        (
            CLIENT,
            sender.initial(later, &crypto(900, &hello[900..1600])),
        ),
    ];
    let found = read(&datagrams);
    assert_eq!(names(&found), ["v1 client example.org"]);
    let QuicMessage::ClientHello(client) = &found[0] else {
        panic!()
    };
    assert_eq!(client.destination_id.bytes(), ID);
}

#[test]
fn packets_share_a_datagram() {
    let sender = client(V1);
    let hello = client_hello("example.org", 100);
    let early_data = |len: u16| {
        let mut packet = b"\xd3\0\0\0\x01\x08\x83\x94\xc8\xf0\x3e\x51\x57\x08\0".to_vec();
        packet.extend((0x4000 | len).to_be_bytes());
        packet.resize(packet.len() + usize::from(len), 0xee);
        packet
    };
    let datagram = [
        sender.initial(to_server(0), &crypto(0, &hello[..80])),
        early_data(200),
        sender.initial(to_server(1), &crypto(80, &hello[80..])),
        vec![0; 300],
    ];
    let coalesced = [
        answer(),
        b"\xe3\0\0\0\x01\0\x08ABCDEFGH\x40\x20".to_vec(),
        vec![7; 32],
    ];
    let found = read(&[(CLIENT, datagram.concat()), (SERVER, coalesced.concat())]);
    assert_eq!(names(&found), ["v1 client example.org", "v1 server"]);
}

#[test]
fn the_responder_may_be_the_client() {
    let found = read(&[(SERVER, first("example.org")), (CLIENT, answer())]);
    assert_eq!(names(&found), ["v1 client example.org", "v1 server"]);
    assert_eq!(found[0].side(), SERVER);
}

#[test]
fn keys_change_with_a_retry() {
    let header = Header {
        source: &[],
        token: b"token",
        destination: SERVER_ID,
        ..to_server(1)
    };
    let hello = client_hello("example.org", 0);
    let again = Sender::client(V1, SERVER_ID).initial(header, &padded(&hello));
    let answer = Sender::server(V1, SERVER_ID).initial(to_client(0), &crypto(0, &server_hello()));
    // RFC 9001, appendix A.4.
    let retry = hex("ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba");
    let datagrams = [
        (CLIENT, first("example.org")),
        (SERVER, retry.clone()),
        (CLIENT, again),
        (SERVER, answer),
    ];
    let (found, interest) = read_with(&mut QuicParser::default(), &datagrams);
    let expected = [
        "v1 client example.org",
        "v1 retry f067a5502a4262b5",
        "v1 server",
    ];
    assert_eq!(names(&found), expected);
    assert_eq!(interest, Interest::Done);

    let mut forged = retry;
    forged[20] ^= 1;
    assert_eq!(
        read(&[(CLIENT, first("example.org")), (SERVER, forged)]).len(),
        1
    );
}

#[test]
fn a_hello_may_be_asked_for_again() {
    let second = client_hello("example.org", 30);
    let offset = client_hello("example.org", 0).len();
    let retry = retry_request();
    let datagrams = [
        (CLIENT, first("example.org")),
        (SERVER, server(V1).initial(to_client(0), &crypto(0, &retry))),
        (
            CLIENT,
            client(V1).initial(to_server(1), &crypto(offset, &second)),
        ),
        (
            SERVER,
            server(V1).initial(to_client(1), &crypto(retry.len(), &server_hello())),
        ),
    ];
    let (found, interest) = read_with(&mut QuicParser::default(), &datagrams);
    let client = "v1 client example.org";
    assert_eq!(names(&found), [client, "v1 once more", client, "v1 server"]);
    assert_eq!(interest, Interest::Done);
}

#[test]
fn a_version_is_negotiated() {
    let offer = |version: [u8; 4]| {
        let mut datagram = vec![0xc0];
        datagram.extend(version);
        datagram.extend([3, 1, 2, 3, 2, 8, 9]);
        datagram.resize(1200, 0);
        datagram
    };
    let choice = b"\xc0\0\0\0\0\x02\x08\x09\x03\x01\x02\x03\x0a\x1a\x2a\x3a\0\0\0\x01";
    let datagrams = [
        (CLIENT, offer([0x1a, 0x2a, 0x3a, 0x4a])),
        (SERVER, choice.to_vec()),
        (CLIENT, first("example.org")),
    ];
    let expected = [
        "versions [QuicVersion(169486906), QuicVersion(1)]",
        "v1 client example.org",
    ];
    assert_eq!(names(&read(&datagrams)), expected);
    // Nobody has asked for this one.
    let mut other = choice.to_vec();
    other[6] = 7;
    assert_eq!(
        read(&[(CLIENT, offer([0x1a, 0x2a, 0x3a, 0x4a])), (SERVER, other)]),
        []
    );
}

#[test]
fn both_sides_may_go_on_in_another_version() {
    let answer = server(V2).initial(to_client(0), &crypto(0, &server_hello()));
    let found = read(&[(CLIENT, first("example.org")), (SERVER, answer)]);
    assert_eq!(names(&found), ["v1 client example.org", "v2 server"]);
}

#[test]
fn a_server_may_grease_the_fixed_bit() {
    let header = Header {
        is_greased: true,
        ..to_client(0)
    };
    let answer = server(V1).initial(header, &crypto(0, &server_hello()));
    assert_eq!(answer[0] & 0xc0, 0x80);
    let found = read(&[(CLIENT, first("example.org")), (SERVER, answer)]);
    assert_eq!(names(&found), ["v1 client example.org", "v1 server"]);
}

#[test]
fn what_closes_ends_a_connection() {
    let closed = server(V1).initial(to_client(0), &[0x1c, 0, 0, 0]);
    let (found, interest) = read_with(
        &mut QuicParser::default(),
        &[(CLIENT, first("example.org")), (SERVER, closed)],
    );
    assert_eq!((found.len(), interest), (1, Interest::Done));
    // A client that has not said hello has nothing to close.
    let closed = client(V1).initial(
        to_server(0),
        &[[0x1c, 0, 0, 0].to_vec(), vec![0; 20]].concat(),
    );
    let again = client(V1).initial(to_server(1), &padded(&client_hello("example.org", 0)));
    let found = read(&[(CLIENT, closed), (CLIENT, again), (SERVER, answer())]);
    assert_eq!(names(&found), ["v1 client example.org", "v1 server"]);
}

#[test]
fn what_is_no_hello_is_reported_once_and_the_server_is_heard() {
    let other = client(V1).initial(to_server(0), &padded(&[9; 100]));
    let again = client(V1).initial(to_server(1), &padded(&[9; 100]));
    let (found, interest) = read_with(
        &mut QuicParser::default(),
        &[(CLIENT, other), (CLIENT, again), (SERVER, answer())],
    );
    let odd = "anomaly: a handshake message of type 9, not a hello";
    assert_eq!(names(&found), [odd, "v1 server"]);
    assert_eq!(interest, Interest::Done);

    let malformed = client(V1).initial(to_server(0), &padded(&[1, 0, 0, 2, 3, 3]));
    let found = read(&[(CLIENT, malformed)]);
    assert_eq!(names(&found), ["anomaly: malformed ClientHello of 2 bytes"]);
    assert_eq!(found[0].side(), CLIENT);
}

#[test]
fn a_frame_beyond_the_limit_hides_no_hello() {
    let far = crypto(1 << 20, &[7; 30]);
    let datagrams = [
        (CLIENT, client(V1).initial(to_server(0), &far)),
        (
            CLIENT,
            client(V1).initial(to_server(1), &padded(&client_hello("example.org", 0))),
        ),
    ];
    let odd = "anomaly: a handshake of more than 32768 bytes";
    assert_eq!(names(&read(&datagrams)), [odd, "v1 client example.org"]);
}

#[test]
fn limits_are_kept() {
    let hello = client_hello("example.org", 3000);
    let frames = crypto(0, &hello[..1000]);
    let small = QuicConfig {
        max_crypto: 2000,
        ..QuicConfig::default()
    };
    let datagram = (CLIENT, client(V1).initial(to_server(0), &frames));
    let found = read_with(
        &mut QuicParser::new(small),
        core::slice::from_ref(&datagram),
    );
    assert_eq!(
        names(&found.0),
        ["anomaly: a handshake of more than 2000 bytes"]
    );

    let few = QuicConfig {
        max_packets: 10,
        ..QuicConfig::default()
    };
    let datagrams = vec![datagram; 6];
    let (_, interest) = read_with(&mut QuicParser::new(few), &datagrams[..4]);
    assert_eq!(interest, Interest::More);
    let (_, interest) = read_with(&mut QuicParser::new(few), &datagrams);
    assert_eq!(interest, Interest::Done);

    let one = QuicConfig {
        max_connections: 1,
        ..QuicConfig::default()
    };
    let datagrams: Vec<_> = (0..20_u8)
        .map(|id| {
            let header = Header {
                destination: &[id; 8],
                ..to_server(0)
            };
            (
                CLIENT,
                Sender::client(V1, &[id; 8]).initial(header, &frames),
            )
        })
        .collect();
    let mut parser = QuicParser::new(one);
    let (found, _) = read_with(&mut parser, &datagrams);
    assert_eq!(found, []);
    assert!(parser.memory() < 4000, "{}", parser.memory());
}
