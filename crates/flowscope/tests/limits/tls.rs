//! How much of TLS is kept.

use flowscope::tls::TlsConfig;
use flowscope_fixtures::{Conversation, Side, address};

use crate::limit::{Limit, Told, size};

fn talk() -> Conversation {
    Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:443")).handshake()
}

/// A ClientHello of 512 bytes in a record (RFC 8446, section 4.1.2; RFC 7685).
fn client_hello() -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
    let padding = 508 - body.len() - 6;
    body.extend((padding as u16 + 4).to_be_bytes());
    body.extend([0, 21]);
    body.extend((padding as u16).to_be_bytes());
    body.extend(vec![0; padding]);
    let mut record = vec![22, 3, 1, 2, 0, 1, 0, 1, 0xfc];
    record.extend(body);
    record
}

pub(crate) fn limits() -> Vec<Limit> {
    let config = TlsConfig::default();
    vec![
        Limit {
            name: "TlsConfig::max_message",
            default: size(config.max_message),
            what: "a message of the handshake that is put together; at a longer one its side is read no further",
            told: Told::By("handshake message longer than 200 bytes"),
            base: |_| {},
            lower: |settings| settings.detect.tls.max_message = 200,
            frames: || {
                let hello = client_hello();
                let (head, rest) = hello.split_at(100);
                talk()
                    .send(Side::Client, head)
                    .send(Side::Client, rest)
                    .frames()
            },
        },
        Limit {
            name: "TlsConfig::max_prelude",
            default: size(config.max_prelude),
            what: "what of each side may come before TLS, and is searched for it",
            told: Told::Without("ClientHello"),
            base: |_| {},
            lower: |settings| settings.detect.tls.max_prelude = 100,
            frames: || {
                talk()
                    .send(Side::Server, b"220 mail.example ready\r\n")
                    .send(Side::Client, &b"NOOP\r\n".repeat(100))
                    .send(Side::Client, b"STARTTLS\r\n")
                    .send(Side::Server, b"220 go on\r\n")
                    .send(Side::Client, &client_hello())
                    .frames()
            },
        },
    ]
}
