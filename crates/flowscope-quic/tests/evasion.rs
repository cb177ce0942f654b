//! What a client may do so that an observer reads another hello than its server.
//!
//! An observer cannot know which packets reach the server: one may be sent with a
//! time to live that ends before. So each test sends some that do not, and says
//! what is read. It is right, or something is reported.

mod common;

use common::*;
use flowscope_core::FlowSide;
use flowscope_quic::{QuicConfig, QuicParser, ReadUntil};

fn client() -> Sender {
    Sender::client(V1, ID)
}

fn packet(number: u32, frames: &[&[u8]]) -> (FlowSide, Vec<u8>) {
    let frames = [&frames.concat()[..], &[0; 40]].concat();
    (CLIENT, client().initial(to_server(number), &frames))
}

fn answer() -> (FlowSide, Vec<u8>) {
    let sender = Sender::server(V1, ID);
    (
        SERVER,
        sender.initial(to_client(0), &crypto(0, &server_hello())),
    )
}

/// What is sent, by whom, and what is read of it.
type Case<'a> = (&'a str, Vec<(FlowSide, Vec<u8>)>, &'a [&'a str]);

const REAL: &str = "v1 client real.example";
const DECOY: &str = "v1 client fake.example";
const DIFFER: &str = "anomaly: CRYPTO frames that overlap and differ";
const SERVER_SAID: &str = "v1 server";

fn hellos() -> [Vec<u8>; 2] {
    [
        client_hello("real.example", 400),
        client_hello("fake.example", 400),
    ]
}

#[test]
fn nothing_that_a_client_sends_besides_hides_its_hello() {
    let [real, decoy] = hellos();
    let (front, back) = real.split_at(300);
    let short = client_hello("short.example", 10);
    let close = vec![0x1c, 0, 0, 0];
    let far = crypto(30_000_000, &[7; 40]);
    let other_message = crypto(0, &[11, 0, 0, 4, 1, 2, 3, 4]);
    let kind = "anomaly: a handshake message of type 11, not a hello";
    let too_long = "anomaly: a handshake of more than 32768 bytes";
    let whole = crypto(0, &real);
    let [front, back] = [crypto(0, front), crypto(300, back)];
    let cases: [Case<'_>; 11] = [
        (
            "a whole hello before the real one",
            vec![packet(0, &[&crypto(0, &decoy)]), packet(1, &[&whole])],
            &[DECOY, DIFFER, REAL],
        ),
        (
            "a whole hello behind the real one",
            vec![packet(0, &[&whole]), packet(1, &[&crypto(0, &decoy)])],
            &[REAL, DIFFER, DECOY],
        ),
        (
            "another length in front of it",
            vec![packet(0, &[&crypto(0, &short)]), packet(1, &[&whole])],
            &["v1 client short.example", DIFFER, REAL],
        ),
        (
            "a piece of another hello before the real one's",
            vec![
                packet(0, &[&crypto(0, &decoy[..300])]),
                packet(1, &[&front]),
                packet(2, &[&back]),
            ],
            &[DIFFER, DECOY, REAL],
        ),
        (
            "a piece of another hello behind the real one's",
            vec![
                packet(0, &[&front]),
                packet(1, &[&crypto(0, &decoy[..300])]),
                packet(2, &[&back]),
            ],
            &[DIFFER, REAL, DECOY],
        ),
        (
            "frames that differ within a packet",
            vec![packet(0, &[&crypto(40, &[0xff; 9]), &whole])],
            &[DIFFER, REAL],
        ),
        (
            "a frame beyond what is held",
            vec![packet(0, &[&far]), packet(1, &[&whole])],
            &[too_long, REAL],
        ),
        (
            "another message",
            vec![packet(0, &[&other_message]), packet(1, &[&whole])],
            &[kind, REAL],
        ),
        (
            "a close before the hello is whole",
            vec![
                packet(0, &[&front]),
                packet(1, &[&close]),
                packet(2, &[&back]),
            ],
            &[REAL],
        ),
        (
            "a frame of an unknown type, behind which nothing is read",
            vec![packet(0, &[&[0x30], &whole]), packet(1, &[&whole])],
            &[REAL],
        ),
        (
            "damaged packets and such with other keys",
            vec![
                (CLIENT, {
                    let mut damaged = packet(0, &[&crypto(0, &decoy)]).1;
                    damaged[200] ^= 1;
                    damaged
                }),
                (
                    CLIENT,
                    Sender::client(V1, SERVER_ID).initial(to_server(0), &padded(&decoy)),
                ),
                (
                    CLIENT,
                    Sender::client(V2, ID).initial(to_server(0), &padded(&short)),
                ),
                packet(1, &[&whole]),
            ],
            &["v2 client short.example", DIFFER, "v2 client real.example"],
        ),
    ];
    for (name, mut datagrams, expected) in cases {
        datagrams.push(answer());
        let found = names(&read(&datagrams));
        let expected = [expected, &[SERVER_SAID]].concat();
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn connections_that_no_server_sees_do_not_hide_a_later_one() {
    let mut datagrams = Vec::new();
    for id in 0..30_u8 {
        let id = [id; 9];
        let header = Header {
            destination: &id,
            ..to_server(0)
        };
        let frames = crypto(0, &client_hello("fake.example", 400)[..200]);
        datagrams.push((CLIENT, Sender::client(V1, &id).initial(header, &frames)));
    }
    let [real, _] = hellos();
    datagrams.extend([packet(0, &[&crypto(0, &real)]), answer()]);
    assert_eq!(names(&read(&datagrams)), [REAL, SERVER_SAID]);
}

#[test]
fn a_connection_behind_a_harmless_one_is_read() {
    let other = Sender::client(V1, SERVER_ID);
    let header = Header {
        destination: SERVER_ID,
        ..to_server(0)
    };
    let [real, decoy] = hellos();
    let harmless = (CLIENT, other.initial(header, &padded(&decoy)));
    let closed = Sender::server(V1, SERVER_ID).initial(to_client(0), &[0x1c, 0, 0, 0]);
    let mut datagrams = vec![harmless, (SERVER, closed)];
    datagrams.resize(500, (SERVER, vec![0x41; 90]));
    datagrams.extend([packet(0, &[&crypto(0, &real)]), answer()]);
    let mut parser = QuicParser::new(QuicConfig {
        until: ReadUntil::FlowEnd,
        ..QuicConfig::default()
    });
    let (found, _) = read_with(&mut parser, &datagrams);
    assert_eq!(names(&found), [DECOY, REAL, SERVER_SAID]);
}
