//! Connections in bytes, and what a parser reads of them.
#![allow(dead_code, reason = "each test binary uses some of it")]

use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Close, Input, Interest, SessionParser, StreamEnd};
use flowscope_core::{FlowSide, Timestamp};
use flowscope_tls::{TlsMessage, TlsParser};

pub(crate) const CLIENT: FlowSide = FlowSide::Initiator;
pub(crate) const SERVER: FlowSide = FlowSide::Responder;

/// What one side does.
#[derive(Clone, Debug)]
pub(crate) enum Act {
    Send(FlowSide, Vec<u8>),
    Lose(FlowSide, u64),
}

pub(crate) fn client(bytes: impl AsRef<[u8]>) -> Act {
    Act::Send(CLIENT, bytes.as_ref().to_vec())
}

pub(crate) fn server(bytes: impl AsRef<[u8]>) -> Act {
    Act::Send(SERVER, bytes.as_ref().to_vec())
}

/// Feeds a parser until it wants no more; then ends both streams.
pub(crate) fn read(acts: &[Act]) -> Vec<TlsMessage> {
    let (found, result) = read_with(TlsParser::default(), acts);
    let odd = found.iter().find(|it| matches!(it, TlsMessage::Anomaly(_)));
    assert_eq!(odd, None, "{result:?}");
    found
}

pub(crate) fn read_with(mut parser: TlsParser, acts: &[Act]) -> (Vec<TlsMessage>, Interest) {
    let mut found = Vec::new();
    for (second, act) in (1..).zip(acts) {
        let at = Timestamp::new(second, 0);
        let input = match act {
            Act::Send(side, bytes) => Input::new(*side, at, Chunk::Data(bytes)),
            Act::Lose(side, count) => Input::new(*side, at, Chunk::Gap(*count)),
        };
        let Ok(interest) = parser.feed(input, &mut found);
        if interest == Interest::Done {
            return (found, interest);
        }
    }
    let at = Timestamp::new(1000, 0);
    for side in FlowSide::BOTH {
        parser.close(StreamEnd::new(side, at, Close::Fin), &mut found);
    }
    (found, Interest::More)
}

/// The messages in short, without the summary.
pub(crate) fn names(messages: &[TlsMessage]) -> Vec<String> {
    messages
        .iter()
        .filter_map(|message| match message {
            TlsMessage::ClientHello(hello) => Some(format!("client {:?}", hello.sni())),
            TlsMessage::ServerHello(hello) if hello.hello_retry_request() => {
                Some("retry".to_owned())
            }
            TlsMessage::ServerHello(hello) => Some(format!("server {}", hello.version())),
            TlsMessage::Certificate(chain) => {
                Some(format!("certificates {}", chain.certificates().count()))
            }
            TlsMessage::Alert(alert) => Some(alert.to_string()),
            TlsMessage::Anomaly(odd) => Some(format!("{} {}", odd.side.as_str(), odd.error)),
            _ => None,
        })
        .collect()
}

/// A record of TLS 1.2 around `content`.
pub(crate) fn record(kind: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, 3, 3];
    bytes.extend(u16::try_from(content.len()).expect("short").to_be_bytes());
    bytes.extend(content);
    bytes
}

/// A handshake message.
pub(crate) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(body.len()).expect("short").to_be_bytes();
    [&[kind], &len[1..], body].concat()
}

/// A handshake message in a record of its own.
pub(crate) fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    record(22, &message(kind, body))
}

pub(crate) fn change_cipher_spec() -> Vec<u8> {
    record(20, &[1])
}

/// Something encrypted: application data since TLS 1.3.
pub(crate) fn encrypted() -> Vec<u8> {
    record(23, &[0xee; 60])
}

/// The Finished of TLS 1.2, encrypted.
pub(crate) fn finished() -> Vec<u8> {
    record(22, &[0xee; 40])
}

pub(crate) fn vec8(bytes: &[u8]) -> Vec<u8> {
    [&[u8::try_from(bytes.len()).expect("short")], bytes].concat()
}

pub(crate) fn vec16(bytes: &[u8]) -> Vec<u8> {
    let len = u16::try_from(bytes.len()).expect("short").to_be_bytes();
    [&len, bytes].concat()
}

pub(crate) fn vec24(bytes: &[u8]) -> Vec<u8> {
    let len = u32::try_from(bytes.len()).expect("short").to_be_bytes();
    [&len[1..], bytes].concat()
}

pub(crate) fn numbers(values: &[u16]) -> Vec<u8> {
    values
        .iter()
        .flat_map(|value| value.to_be_bytes())
        .collect()
}

/// A ClientHello to be written.
#[derive(Clone, Debug)]
pub(crate) struct Hello {
    pub(crate) version: u16,
    pub(crate) session_id: Vec<u8>,
    pub(crate) cipher_suites: Vec<u16>,
    pub(crate) extensions: Vec<(u16, Vec<u8>)>,
}

impl Hello {
    pub(crate) fn new(version: u16, cipher_suites: &[u16]) -> Self {
        Self {
            version,
            session_id: Vec::new(),
            cipher_suites: cipher_suites.to_vec(),
            extensions: Vec::new(),
        }
    }

    /// As TLS 1.3 for `name`.
    pub(crate) fn to(name: &str) -> Self {
        Self::new(0x0303, &[0x1301, 0xc02f])
            .with(0, sni(name))
            .with(43, vec8(&numbers(&[0x0304, 0x0303])))
    }

    pub(crate) fn with(mut self, kind: u16, data: Vec<u8>) -> Self {
        self.extensions.push((kind, data));
        self
    }

    pub(crate) fn body(&self) -> Vec<u8> {
        let mut body = self.version.to_be_bytes().to_vec();
        body.extend([0x52; 32]);
        body.extend(vec8(&self.session_id));
        body.extend(vec16(&numbers(&self.cipher_suites)));
        body.extend([1, 0]);
        body.extend(extensions(&self.extensions));
        body
    }

    /// In one record.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        handshake(1, &self.body())
    }
}

/// The body of a ServerHello.
pub(crate) fn server_hello(
    version: u16,
    session_id: &[u8],
    cipher_suite: u16,
    list: &[(u16, Vec<u8>)],
) -> Vec<u8> {
    let mut body = version.to_be_bytes().to_vec();
    body.extend([0x53; 32]);
    body.extend(vec8(session_id));
    body.extend(cipher_suite.to_be_bytes());
    body.push(0);
    body.extend(extensions(list));
    body
}

/// A ServerHello of TLS 1.3, in a record.
pub(crate) fn modern_server() -> Vec<u8> {
    let list = [
        (43, numbers(&[0x0304])),
        (51, [numbers(&[29]), vec16(&[9; 32])].concat()),
    ];
    handshake(2, &server_hello(0x0303, &[], 0x1301, &list))
}

/// A HelloRetryRequest, in a record.
pub(crate) fn retry() -> Vec<u8> {
    let list = [(43, numbers(&[0x0304])), (51, numbers(&[23]))];
    let mut body = server_hello(0x0303, &[], 0x1301, &list);
    // The SHA-256 of "HelloRetryRequest" (RFC 8446, section 4.1.3).
    body[2..34].copy_from_slice(&[
        0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C, 0x02, 0x1E, 0x65, 0xB8,
        0x91, 0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB, 0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8,
        0x33, 0x9C,
    ]);
    handshake(2, &body)
}

/// A certificate message, in a record.
pub(crate) fn certificates(list: &[&[u8]]) -> Vec<u8> {
    let list: Vec<u8> = list.iter().flat_map(|one| vec24(one)).collect();
    handshake(11, &vec24(&list))
}

pub(crate) fn sni(name: &str) -> Vec<u8> {
    vec16(&[&[0][..], &vec16(name.as_bytes())].concat())
}

pub(crate) fn alpn(names: &[&[u8]]) -> Vec<u8> {
    vec16(&names.iter().flat_map(|name| vec8(name)).collect::<Vec<_>>())
}

fn extensions(list: &[(u16, Vec<u8>)]) -> Vec<u8> {
    if list.is_empty() {
        return Vec::new();
    }
    let mut all = Vec::new();
    for (kind, data) in list {
        all.extend(kind.to_be_bytes());
        all.extend(vec16(data));
    }
    vec16(&all)
}

/// A whole handshake of TLS 1.2, and what comes after.
pub(crate) fn classic(name: &str) -> Vec<Act> {
    let mut hello = Hello::to(name);
    hello.extensions.pop();
    let flight = [
        handshake(
            2,
            &server_hello(0x0303, &[7; 32], 0xc02f, &[(65281, vec![0])]),
        ),
        certificates(&[&[1; 900], &[2; 700]]),
        handshake(12, &[3; 300]),
        handshake(14, &[]),
    ];
    vec![
        client(hello.bytes()),
        server(flight.concat()),
        client([handshake(16, &[4; 66]), change_cipher_spec(), finished()].concat()),
        server([change_cipher_spec(), finished()].concat()),
        client(encrypted()),
    ]
}

/// A whole handshake of TLS 1.3 in which the client says hello twice.
pub(crate) fn modern(name: &str) -> Vec<Act> {
    let hello = Hello::to(name).with(51, vec16(&[numbers(&[0x11ec]), vec16(&[5; 1216])].concat()));
    vec![
        client(hello.bytes()),
        server([retry(), change_cipher_spec()].concat()),
        client([change_cipher_spec(), hello.bytes()].concat()),
        server([modern_server(), encrypted(), encrypted()].concat()),
        client([encrypted(), encrypted()].concat()),
    ]
}
