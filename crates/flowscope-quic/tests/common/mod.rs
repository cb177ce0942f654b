//! Packets as clients and servers make them, and what a parser reads of them.
#![allow(dead_code, reason = "each test binary uses some of it")]

use aes_gcm::aead::AeadInOut;
use aes_gcm::aes::Aes128;
use aes_gcm::aes::cipher::BlockCipherEncrypt;
use aes_gcm::{Aes128Gcm, KeyInit};
use flowscope_core::session::{Datagram, DatagramParser, Interest};
use flowscope_core::{FlowSide, Timestamp};
use flowscope_quic::{QuicMessage, QuicParser};
use hkdf::Hkdf;
use sha2::Sha256;

pub(crate) const CLIENT: FlowSide = FlowSide::Initiator;
pub(crate) const SERVER: FlowSide = FlowSide::Responder;

pub(crate) const V1: u32 = 1;
pub(crate) const V2: u32 = 0x6b33_43cf;
pub(crate) const V2_DRAFT: u32 = 0x709a_50c4;
pub(crate) const DRAFT_29: u32 = 0xff00_001d;
/// A version that nobody speaks.
pub(crate) const GREASE: u32 = 0x1a2a_3a4a;
/// Every version that is read, but those made up.
pub(crate) const VERSIONS: [u32; 24] = [
    V1,
    V2,
    V2_DRAFT,
    0xff00_0016,
    0xff00_0017,
    0xff00_0018,
    0xff00_0019,
    0xff00_001a,
    0xff00_001b,
    0xff00_001c,
    DRAFT_29,
    0xff00_001e,
    0xff00_001f,
    0xff00_0020,
    0xff00_0021,
    0xff00_0022,
    0xface_b001,
    0xface_b002,
    0xface_b00e,
    0xface_b010,
    0xface_b013,
    0x5430_3530,
    0x5430_3531,
    0xff00_001d,
];
/// The connection ID of the RFCs' examples.
pub(crate) const ID: &[u8] = &[0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
pub(crate) const SERVER_ID: &[u8] = &[0xf0, 0x67, 0xa5, 0x50, 0x2a, 0x42, 0x62, 0xb5];

/// One side of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    version: u32,
    key: [u8; 16],
    iv: [u8; 12],
    header: [u8; 16],
}

/// What a packet's header says.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Header<'a> {
    pub(crate) destination: &'a [u8],
    pub(crate) source: &'a [u8],
    pub(crate) token: &'a [u8],
    pub(crate) number: u32,
    pub(crate) number_len: usize,
    /// Whether the fixed bit is not set.
    pub(crate) is_greased: bool,
}

impl Sender {
    pub(crate) fn client(version: u32, original: &[u8]) -> Self {
        Self::new(version, original, "client in")
    }

    pub(crate) fn server(version: u32, original: &[u8]) -> Self {
        Self::new(version, original, "server in")
    }

    /// A client that says a version which nobody speaks, and encrypts as in
    /// another.
    pub(crate) fn greasing_client(version: u32, spoken: u32, original: &[u8]) -> Self {
        Self {
            version,
            ..Self::client(spoken, original)
        }
    }

    fn new(version: u32, original: &[u8], label: &str) -> Self {
        let salt = match version {
            V1 | 0xff00_0021..=0xff00_0022 => "38762cf7f55934b34d179ae6a4c80cadccbb7f0a",
            V2 => "0dede3def700a6db819381be6e269dcbf9bd2ed9",
            V2_DRAFT => "a707c203a59b47184a1d62ca570406ea7ae3e5d3",
            0xff00_001d..=0xff00_0020 => "afbfec289993d24c9e9786f19c6111e04390a899",
            0xff00_0017..=0xff00_001c | 0xface_b002 | 0xface_b00e..=0xface_b013 => {
                "c3eef712c72ebb5a11a7d2432bb46365bef9f502"
            }
            0xff00_0016 | 0xface_b001 => "7fbcdb0e7c66bbe9193a96cd21519ebd7a02644a",
            0x5430_3530 => "7ff579e5acd072915580304c43a2367c60488310",
            0x5430_3531 => "7a4edef4e7ccee5fa4506c19124fc8ccda6e033d",
            0x5130_3530 => "504574efd066fe2f9d945cfcdbd3a7f0d3b56b45",
            other => panic!("{other:08x}"),
        };
        let initial = Hkdf::<Sha256>::new(Some(&hex(salt)), original);
        let secret = Hkdf::<Sha256>::from_prk(&expand::<32>(&initial, label)).expect("32 bytes");
        let quic = match version {
            V2 | V2_DRAFT => "quicv2",
            _ => "quic",
        };
        Self {
            version,
            key: expand(&secret, &format!("{quic} key")),
            iv: expand(&secret, &format!("{quic} iv")),
            header: expand(&secret, &format!("{quic} hp")),
        }
    }

    /// An Initial packet with these frames.
    pub(crate) fn initial(&self, header: Header<'_>, frames: &[u8]) -> Vec<u8> {
        let kind = match self.version {
            V2 | V2_DRAFT => 0xd0,
            _ => 0xc0,
        };
        let kind = kind & if header.is_greased { 0xbf } else { 0xff };
        let mut packet = vec![kind | (header.number_len as u8 - 1)];
        packet.extend(self.version.to_be_bytes());
        for id in [header.destination, header.source] {
            packet.push(id.len() as u8);
            packet.extend(id);
        }
        match header.token.len() {
            len @ ..64 => packet.push(len as u8),
            len => packet.extend((len as u16 | 0x4000).to_be_bytes()),
        }
        packet.extend(header.token);
        let len = header.number_len + frames.len() + 16;
        packet.extend((len as u16 | 0x4000).to_be_bytes());
        let number_at = packet.len();
        packet.extend(&header.number.to_be_bytes()[4 - header.number_len..]);

        let mut nonce = self.iv;
        for (byte, number) in nonce[8..].iter_mut().zip(header.number.to_be_bytes()) {
            *byte ^= number;
        }
        let mut sealed = frames.to_vec();
        let tag = Aes128Gcm::new(&self.key.into())
            .encrypt_inout_detached(&nonce.into(), &packet, sealed.as_mut_slice().into())
            .expect("short enough");
        packet.extend(sealed);
        packet.extend(tag);

        let sample: [u8; 16] = packet[number_at + 4..][..16].try_into().expect("16 bytes");
        let mut mask = sample.into();
        Aes128::new(&self.header.into()).encrypt_block(&mut mask);
        packet[0] ^= mask[0] & 0x0f;
        for at in 0..header.number_len {
            packet[number_at + at] ^= mask[1 + at];
        }
        packet
    }
}

fn expand<const N: usize>(secret: &Hkdf<Sha256>, label: &str) -> [u8; N] {
    let label = format!("tls13 {label}");
    let mut info = (N as u16).to_be_bytes().to_vec();
    info.push(label.len() as u8);
    info.extend(label.as_bytes());
    info.push(0);
    let mut out = [0; N];
    secret.expand(&info, &mut out).expect("short enough");
    out
}

/// The header of a client's packet to [`ID`].
pub(crate) fn to_server(number: u32) -> Header<'static> {
    Header {
        destination: ID,
        source: &[],
        token: &[],
        number,
        number_len: 1,
        is_greased: false,
    }
}

/// The header of a server's packet.
pub(crate) fn to_client(number: u32) -> Header<'static> {
    Header {
        destination: &[],
        source: SERVER_ID,
        ..to_server(number)
    }
}

pub(crate) fn crypto(offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut frame = vec![6];
    frame.extend((offset as u32 | 0x8000_0000).to_be_bytes());
    frame.extend((bytes.len() as u16 | 0x4000).to_be_bytes());
    frame.extend(bytes);
    frame
}

/// A packet of early data, or of a handshake, to [`ID`] that cannot be read.
pub(crate) fn unreadable(version: u32, kind: Unreadable, len: u16) -> Vec<u8> {
    let kind = match (version, kind) {
        (V2 | V2_DRAFT, Unreadable::EarlyData) => 0xe3,
        (V2 | V2_DRAFT, Unreadable::Handshake) => 0xf3,
        (_, Unreadable::EarlyData) => 0xd3,
        (_, Unreadable::Handshake) => 0xe3,
    };
    let mut packet = vec![kind];
    packet.extend(version.to_be_bytes());
    packet.push(ID.len() as u8);
    packet.extend(ID);
    packet.push(0);
    packet.extend((0x4000 | len).to_be_bytes());
    packet.resize(packet.len() + usize::from(len), 0xee);
    packet
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Unreadable {
    EarlyData,
    Handshake,
}

/// A frame with a whole message, and padding behind it.
pub(crate) fn padded(message: &[u8]) -> Vec<u8> {
    let mut frames = crypto(0, message);
    frames.resize(frames.len().max(1100), 0);
    frames
}

/// A ClientHello for `name`, with `padding` bytes more.
pub(crate) fn client_hello(name: &str, padding: usize) -> Vec<u8> {
    let name_len = name.len() as u16;
    let mut extensions = vec![0, 0];
    extensions.extend((name_len + 5).to_be_bytes());
    extensions.extend((name_len + 3).to_be_bytes());
    extensions.push(0);
    extensions.extend(name_len.to_be_bytes());
    extensions.extend(name.as_bytes());
    extensions.extend([0, 43, 0, 3, 2, 3, 4]);
    extensions.extend([0, 57, 0, 7, 1, 2, 0x67, 0x10, 0x1b, 1, 7]);
    extensions.extend([0, 21]);
    extensions.extend((padding as u16).to_be_bytes());
    extensions.resize(extensions.len() + padding, 0);
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0x13, 0x01, 1, 0]);
    body.extend((extensions.len() as u16).to_be_bytes());
    body.extend(extensions);
    handshake(1, &body)
}

pub(crate) fn server_hello() -> Vec<u8> {
    server_hello_with([9; 32])
}

/// A Retry of version 1 that answers a packet to `original`, and has clients go
/// on to `to`.
pub(crate) fn retry(original: &[u8], to: &[u8], token: &[u8]) -> Vec<u8> {
    let mut packet = vec![0xff, 0, 0, 0, 1, 0, to.len() as u8];
    packet.extend(to);
    packet.extend(token);
    let authenticated = [&[original.len() as u8][..], original, &packet].concat();
    let key: [u8; 16] = hex("be0c690b9f66575a1d766b54e368c84e")
        .try_into()
        .expect("16 bytes");
    let nonce: [u8; 12] = hex("461599d35d632bf2239825bb")
        .try_into()
        .expect("12 bytes");
    let tag = Aes128Gcm::new(&key.into())
        .encrypt_inout_detached(&nonce.into(), &authenticated, (&mut [][..]).into())
        .expect("short enough");
    packet.extend(tag);
    packet
}

pub(crate) fn retry_request() -> Vec<u8> {
    let random = "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c";
    server_hello_with(hex(random).try_into().expect("32 bytes"))
}

pub(crate) fn server_hello_with(random: [u8; 32]) -> Vec<u8> {
    let mut body = vec![3, 3];
    body.extend(random);
    body.extend([0, 0x13, 0x01, 0, 0, 6, 0, 43, 0, 2, 3, 4]);
    handshake(2, &body)
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = (body.len() as u32).to_be_bytes().to_vec();
    message[0] = kind;
    message.extend(body);
    message
}

/// Feeds a parser until it wants no more.
pub(crate) fn read_with(
    parser: &mut QuicParser,
    datagrams: &[(FlowSide, Vec<u8>)],
) -> (Vec<QuicMessage>, Interest) {
    let mut found = Vec::new();
    for (side, bytes) in datagrams {
        let datagram = Datagram::new(*side, Timestamp::EPOCH, bytes);
        let Ok(interest) = parser.parse(datagram, &mut found);
        if interest == Interest::Done {
            return (found, interest);
        }
    }
    (found, Interest::More)
}

pub(crate) fn read(datagrams: &[(FlowSide, Vec<u8>)]) -> Vec<QuicMessage> {
    read_with(&mut QuicParser::default(), datagrams).0
}

/// The messages in short.
pub(crate) fn names(messages: &[QuicMessage]) -> Vec<String> {
    messages
        .iter()
        .map(|message| match message {
            QuicMessage::ClientHello(client) => {
                format!(
                    "{} client {}",
                    client.version,
                    client.hello.sni().unwrap_or_default()
                )
            }
            QuicMessage::ServerHello(server) if server.hello.hello_retry_request() => {
                format!("{} once more", server.version)
            }
            QuicMessage::ServerHello(server) => format!("{} server", server.version),
            QuicMessage::VersionNegotiation(offer) => format!("versions {:?}", offer.versions),
            QuicMessage::Anomaly(odd) => format!("anomaly: {}", odd.error),
            QuicMessage::Retry(retry) => format!("{} retry {}", retry.version, retry.source_id),
            other => format!("{other:?}"),
        })
        .collect()
}

pub(crate) fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> = digits
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let value = |byte: u8| (byte as char).to_digit(16).expect("a digit") as u8;
    digits
        .chunks_exact(2)
        .map(|pair| value(pair[0]) << 4 | value(pair[1]))
        .collect()
}
