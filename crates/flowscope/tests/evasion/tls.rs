//! TLS whose hello is hidden.

use flowscope_fixtures::{Conversation, Disturbance, Resend, Side, Tcp};

use crate::case::{Case, talk};

const READ: [&str; 1] = ["client: ClientHello for a.example"];

/// A handshake message with a ClientHello for a name (RFC 8446, section 4.1.2).
fn client_hello(name: &str) -> Vec<u8> {
    let name_len = name.len() as u16;
    let mut sni = vec![];
    sni.extend((name_len + 3).to_be_bytes());
    sni.push(0);
    sni.extend(name_len.to_be_bytes());
    sni.extend(name.bytes());
    let mut extensions = vec![0, 0];
    extensions.extend((sni.len() as u16).to_be_bytes());
    extensions.extend(sni);

    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.push(0); // no session
    body.extend([0, 2, 0x13, 0x01]); // one suite
    body.extend([1, 0]); // no compression
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);

    let mut message = vec![1, 0];
    message.extend((body.len() as u16).to_be_bytes());
    message.extend(body);
    message
}

fn record(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let mut record = vec![kind, 3, 1];
    record.extend((bytes.len() as u16).to_be_bytes());
    record.extend(bytes);
    record
}

const HANDSHAKE: u8 = 22;
const ALERT: u8 = 21;
const CHANGE_CIPHER_SPEC: u8 = 20;

fn records(message: &[u8], size: usize) -> Vec<u8> {
    message
        .chunks(size)
        .flat_map(|piece| record(HANDSHAKE, piece))
        .collect()
}

fn says(bytes: &[u8]) -> Conversation {
    talk().send(Side::Client, bytes)
}

pub(crate) fn cases() -> Vec<Case> {
    let hello = client_hello("a.example");
    let whole = record(HANDSHAKE, &hello);
    let warned = [record(ALERT, &[1, 112]), whole.clone()].concat();
    let changed = [record(CHANGE_CIPHER_SPEC, &[1]), whole.clone()].concat();
    let empty = [record(HANDSHAKE, &[]), whole.clone()].concat();
    let mut older = whole.clone();
    older[2] = 0;
    let starttls = [b"EHLO a.example\r\nSTARTTLS\r\n".as_slice(), &whole].concat();
    let case =
        |title: &str, source, bytes: &[u8]| Case::messages(title, source, &READ).of(&says(bytes));
    vec![
        case("a hello", "RFC 8446, 4.1.2", &whole),
        case(
            "a hello in records of one byte",
            "RFC 8446, 5.1",
            &records(&hello, 1),
        ),
        case(
            "a hello in two records",
            "RFC 8446, 5.1",
            &records(&hello, 40),
        ),
        Case::messages(
            "an alert before the hello",
            "RFC 8446, 6",
            &["client: alert", READ[0]],
        )
        .of(&says(&warned)),
        case("an empty record before the hello", "RFC 8446, 5.1", &empty),
        Case::messages(
            "a ChangeCipherSpec before the hello, for which receivers abort",
            "RFC 8446, 5",
            &[],
        )
        .of(&says(&changed)),
        case("a hello in a record of SSL 3.0", "RFC 8446, 5.1", &older),
        case("a hello behind STARTTLS", "RFC 3207, 4", &starttls),
        Case::messages(
            "a hello in segments of one byte",
            "fragroute, tcp_seg",
            &READ,
        )
        .of(&talk().with_segment_size(1).send(Side::Client, &whole)),
        Case::messages(
            "a hello in two segments, the second first",
            "fragroute, order",
            &READ,
        )
        .of(&talk()
            .segment(Side::Client, Tcp::ACK, &whole[..20])
            .segment(Side::Client, Tcp::ACK, &whole[20..])
            .disturb(Disturbance::Delay {
                packet: 3,
                behind: 1,
            })
            .acknowledge(Side::Server)),
        Case::messages(
            "a hello that is sent again for another name",
            "Ptacek and Newsham, 4.2",
            &READ,
        )
        .of(&says(&whole).disturb(Disturbance::Resend {
            packet: 3,
            behind: 0,
            what: Resend::Conflicting,
        }))
        .reported(&["client overlap_conflict"]),
        Case::messages(
            "two hellos, as behind a HelloRetryRequest",
            "RFC 8446, 4.1.4",
            &[READ[0], READ[0]],
        )
        .of(&says(&[whole.clone(), whole].concat())),
    ]
}
