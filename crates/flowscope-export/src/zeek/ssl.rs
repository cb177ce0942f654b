//! `ssl.log` and `x509.log`.

use std::io;

use data_encoding::HEXLOWER;
use flowscope_core::{FlowSide, Timestamp};
use flowscope_quic::QuicMessage;
use flowscope_record::{QuicRecord, TlsRecord};
use flowscope_tls::{
    Certificate, CertificateChain, ClientHello, Outcome, Resumption, ServerHello, TlsMessage,
    TlsVersion, cipher_suite_name,
};

use super::protocols::{ProtocolLog, TakesRecord, Talk};
use super::{Lines, Log, hostname};

/// What is known of the handshake of a connection.
#[derive(Debug, Default)]
pub(super) struct SslState {
    start: Option<Timestamp>,
    is_written: bool,
    version: Option<TlsVersion>,
    cipher: Option<u16>,
    group: Option<u16>,
    server_name: Option<Vec<u8>>,
    is_resumed: bool,
    alert: Option<&'static str>,
    next_protocol: Option<Vec<u8>>,
    is_established: bool,
    history: String,
    server_chain: Vec<Vec<u8>>,
    client_chain: Vec<Vec<u8>>,
    server: Option<FlowSide>,
    /// When certificates came.
    certified: Option<Timestamp>,
}

impl ProtocolLog for SslState {
    fn finish(&mut self, talk: &mut Talk<'_, impl Lines>) -> io::Result<()> {
        self.write(talk)
    }
}

impl TakesRecord<TlsRecord> for SslState {
    fn take(&mut self, record: &TlsRecord, talk: &mut Talk<'_, impl Lines>) -> io::Result<()> {
        if matches!(record.message, TlsMessage::ServerHello(_)) {
            talk.services.add("ssl");
        }
        self.message(record.at, &record.message);
        match record.message {
            TlsMessage::Handshake(_) => self.write(talk),
            _ => Ok(()),
        }
    }
}

/// Its line is written when the flow is over, as nothing says when its handshake is.
impl TakesRecord<QuicRecord> for SslState {
    fn take(&mut self, record: &QuicRecord, talk: &mut Talk<'_, impl Lines>) -> io::Result<()> {
        talk.services.add("quic");
        match &record.message {
            QuicMessage::ClientHello(hello) => {
                talk.services.add("ssl");
                self.client_hello(record.at, &hello.hello);
            }
            QuicMessage::ServerHello(hello) => self.server_hello(record.at, &hello.hello),
            _ => {}
        }
        Ok(())
    }
}

impl SslState {
    fn message(&mut self, at: Timestamp, message: &TlsMessage) {
        match message {
            TlsMessage::ClientHello(hello) => self.client_hello(at, hello),
            TlsMessage::ServerHello(hello) => self.server_hello(at, hello),
            TlsMessage::Certificate(chain) => self.certificates(at, chain),
            TlsMessage::Alert(alert) => {
                self.begin(at);
                self.alert = alert.description_name();
                self.note('l');
            }
            TlsMessage::Handshake(handshake) => {
                self.begin(handshake.started);
                self.history.clone_from(&handshake.history);
                self.group = self.group.or(handshake.group);
                self.is_established = handshake.outcome == Outcome::Encrypted;
                self.is_resumed =
                    !matches!(handshake.resumption, Resumption::Unknown | Resumption::Full);
            }
            _ => {}
        }
    }

    fn begin(&mut self, at: Timestamp) {
        self.start = self.start.or(Some(at));
    }

    fn note(&mut self, letter: char) {
        if self.history.len() < MAX_HISTORY {
            self.history.push(letter);
        }
    }

    fn client_hello(&mut self, at: Timestamp, hello: &ClientHello) {
        self.begin(at);
        self.note('C');
        self.server = Some(hello.side().peer());
        if let Some(name) = hello.sni_bytes() {
            self.server_name = Some(name.to_vec());
        }
    }

    fn server_hello(&mut self, at: Timestamp, hello: &ServerHello) {
        self.begin(at);
        self.note(if hello.hello_retry_request() {
            'j'
        } else {
            's'
        });
        self.server = Some(hello.side());
        self.version = Some(hello.version());
        self.cipher = Some(hello.cipher_suite());
        if let Some(group) = hello.key_share_group() {
            self.group = Some(group);
        }
        if let Some(protocol) = hello.alpn() {
            self.next_protocol = Some(protocol.to_vec());
        }
    }

    fn certificates(&mut self, at: Timestamp, chain: &CertificateChain) {
        self.begin(at);
        let is_server = self.server.is_none_or(|side| side == chain.side());
        self.certified = self.certified.or(Some(at));
        self.note(if is_server { 'x' } else { 'X' });
        let found = chain.certificates().take(MAX_CHAIN);
        let found = found
            .map(|certificate| certificate.der().to_vec())
            .collect();
        match is_server {
            true => self.server_chain = found,
            false => self.client_chain = found,
        }
    }

    /// Whether the server's certificate is for the name that was asked for;
    /// `None` where there is no certificate or no name.
    fn is_certified(&self) -> Option<bool> {
        let name = str::from_utf8(self.server_name.as_ref()?);
        let details = Certificate::from_der(self.server_chain.first()?).details()?;
        Some(
            name.is_ok_and(|name| {
                hostname::is_certified(name, &details.names, &details.subject_dn)
            }),
        )
    }

    /// Writes the handshake, if there was one, and its certificates.
    fn write(&mut self, talk: &mut Talk<'_, impl Lines>) -> io::Result<()> {
        let (context, lines) = (talk.context, &mut *talk.lines);
        let Some(start) = self.start else {
            return Ok(());
        };
        if core::mem::replace(&mut self.is_written, true) {
            return Ok(());
        }
        let prints = |chain: &[Vec<u8>]| -> Vec<String> {
            chain
                .iter()
                .map(|der| HEXLOWER.encode(&sha256(der)))
                .collect()
        };
        let server = prints(&self.server_chain);
        let client = prints(&self.client_chain);
        // A certificate of one side makes both known, if only as empty.
        let has_chain = !server.is_empty() || !client.is_empty();
        lines.line(Log::Ssl, |row| {
            row.time(Some(start));
            context.write(row);
            row.text(self.version.map(version_name));
            row.text(self.cipher.map(cipher_name));
            row.text(self.group.map(group_name));
            row.text(self.server_name.as_ref());
            row.flag(Some(self.is_resumed));
            row.text(self.alert);
            row.text(self.next_protocol.as_ref());
            row.flag(Some(self.is_established));
            // A client that is the responder.
            let is_flipped = self.server == Some(context.originator);
            let flip = if is_flipped { "^" } else { "" };
            row.text(Some(format!("{flip}{}", self.history)));
            row.texts(has_chain.then_some(&server));
            row.texts(has_chain.then_some(&client));
            row.flag(self.is_certified());
        })?;
        for (chain, is_server) in [(&self.server_chain, true), (&self.client_chain, false)] {
            for (n, der) in chain.iter().enumerate() {
                let print = sha256(der);
                // Each is written once, as long as it can be told.
                let is_new = talk.known.seen.len() < MAX_KNOWN && talk.known.seen.insert(print);
                if is_new {
                    let own = (n == 0).then_some(is_server);
                    write_certificate(self.certified.unwrap_or(start), der, &print, own, lines)?;
                }
            }
        }
        self.server_chain = Vec::new();
        self.client_chain = Vec::new();
        Ok(())
    }
}

/// Writes a certificate; `own` says whether it is a server's or a client's.
fn write_certificate(
    at: Timestamp,
    der: &[u8],
    print: &[u8; 32],
    own: Option<bool>,
    lines: &mut impl Lines,
) -> io::Result<()> {
    let Some(details) = Certificate::from_der(der).details() else {
        return Ok(());
    };
    let names = |kind: NameKind| {
        let names = details
            .names
            .iter()
            .filter(move |name| kind_of(name) == kind);
        let names: Vec<_> = names.collect();
        (!names.is_empty()).then_some(names)
    };
    lines.line(Log::X509, |row| {
        row.time(Some(at));
        row.text(Some(HEXLOWER.encode(print)));
        row.count(Some(details.version.into()));
        row.text(Some(details.serial.to_ascii_uppercase()));
        row.text(Some(&details.subject_dn));
        row.text(Some(&details.issuer_dn));
        row.seconds(Some(details.not_before));
        row.seconds(Some(details.not_after));
        row.text(details.key_algorithm.as_ref());
        row.text(details.signature_algorithm.as_ref());
        row.text(details.key_kind);
        row.count(details.key_bits.map(u64::from));
        row.text(details.exponent.map(|it| it.to_string()));
        row.text(details.curve.as_ref());
        row.texts(names(NameKind::Dns));
        row.texts(names(NameKind::Uri));
        row.texts(names(NameKind::Email));
        row.texts(names(NameKind::Ip));
        row.flag(details.is_authority);
        row.count(details.path_len.map(u64::from));
        row.flag(Some(own == Some(true)));
        row.flag(Some(own == Some(false)));
    })
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum NameKind {
    Dns,
    Uri,
    Email,
    Ip,
}

fn kind_of(name: &str) -> NameKind {
    if name.parse::<core::net::IpAddr>().is_ok() {
        NameKind::Ip
    } else if name.contains("://") {
        NameKind::Uri
    } else if name.contains('@') {
        NameKind::Email
    } else {
        NameKind::Dns
    }
}

fn sha256(der: &[u8]) -> [u8; 32] {
    Certificate::from_der(der).sha256()
}

fn version_name(version: TlsVersion) -> String {
    match version {
        TlsVersion::SSL_2_0 => "SSLv2".into(),
        TlsVersion::SSL_3_0 => "SSLv3".into(),
        TlsVersion::TLS_1_0 => "TLSv10".into(),
        TlsVersion::TLS_1_1 => "TLSv11".into(),
        TlsVersion::TLS_1_2 => "TLSv12".into(),
        TlsVersion::TLS_1_3 => "TLSv13".into(),
        TlsVersion::DTLS_1_0 => "DTLSv10".into(),
        TlsVersion::DTLS_1_2 => "DTLSv12".into(),
        TlsVersion::DTLS_1_3 => "DTLSv13".into(),
        TlsVersion(draft @ 0x7f00..=0x7fff) => format!("TLSv13-draft{}", draft & 0xff),
        TlsVersion(other) => format!("unknown-{other}"),
    }
}

fn cipher_name(number: u16) -> String {
    match cipher_suite_name(number) {
        Some(name) => name.to_owned(),
        None => format!("unknown-{number}"),
    }
}

fn group_name(number: u16) -> String {
    let name = match number {
        19 => "secp192r1",
        21 => "secp224r1",
        23 => "secp256r1",
        24 => "secp384r1",
        25 => "secp521r1",
        26 => "brainpoolP256r1",
        27 => "brainpoolP384r1",
        28 => "brainpoolP512r1",
        29 => "x25519",
        30 => "x448",
        256 => "ffdhe2048",
        257 => "ffdhe3072",
        258 => "ffdhe4096",
        259 => "ffdhe6144",
        260 => "ffdhe8192",
        4587 => "SecP256r1MLKEM768",
        4588 => "X25519MLKEM768",
        25497 => "X25519Kyber768Draft00",
        other => return format!("unknown-{other}"),
    };
    name.to_owned()
}

const MAX_HISTORY: usize = 100;
/// How many certificates of a chain are kept.
const MAX_CHAIN: usize = 16;
/// How many certificates are remembered, so that each is written once.
const MAX_KNOWN: usize = 65_536;
