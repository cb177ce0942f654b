//! What a server chooses.

use core::fmt;
use std::sync::Arc;

use flowscope_core::FlowSide;

use super::extensions::{self, Extensions, kind};
use crate::bytes::{Cursor, Span, numbers};
use crate::handshake::SERVER_HELLO;
use crate::{TlsError, TlsTransport, TlsVersion};

/// A ServerHello, or the HelloRetryRequest that looks like one (RFC 8446,
/// sections 4.1.3 and 4.1.4).
///
/// It keeps the message as it was sent and reads it when asked. Copies share
/// the bytes.
#[derive(Clone, Eq, PartialEq)]
pub struct ServerHello {
    body: Arc<[u8]>,
    side: FlowSide,
    transport: TlsTransport,
    is_retry: bool,
    cipher_suite: u16,
    compression_method: u8,
    random: Span,
    session_id: Span,
    extensions: Span,
}

impl ServerHello {
    /// Reads a whole handshake message, with its type and length of together four
    /// bytes, that `side` sent over `transport`: see
    /// [`ClientHello::from_handshake`](crate::ClientHello::from_handshake).
    ///
    /// # Errors
    ///
    /// [`TlsError::ServerHello`] if it is no ServerHello, or not as long as it
    /// says.
    pub fn from_handshake(
        message: &[u8],
        side: FlowSide,
        transport: TlsTransport,
    ) -> Result<Self, TlsError> {
        let body = super::body_of(message, SERVER_HELLO).ok_or(TlsError::ServerHello {
            len: message.len().saturating_sub(4),
        })?;
        Self::parse(body, side, transport)
    }

    /// Bytes of memory that it takes, shared with its copies.
    pub(crate) fn memory(&self) -> usize {
        self.body.len()
    }

    /// Reads the message without its type and length.
    pub(crate) fn parse(
        body: &[u8],
        side: FlowSide,
        transport: TlsTransport,
    ) -> Result<Self, TlsError> {
        let parts = Parts::of_published(body)
            .or_else(|| Parts::of_any(body))
            .ok_or(TlsError::ServerHello { len: body.len() })?;
        Ok(Self::new(body, side, transport, parts))
    }

    /// Reads the HelloRetryRequest of drafts, which was a message of its own:
    /// a version, a cipher suite, extensions.
    pub(crate) fn parse_retry_of_drafts(
        body: &[u8],
        side: FlowSide,
        transport: TlsTransport,
    ) -> Result<Self, TlsError> {
        let malformed = TlsError::ServerHello { len: body.len() };
        let (rest, message) =
            tls_parser::parse_tls_handshake_msg_hello_retry_request(body).map_err(|_| malformed)?;
        let tls_parser::TlsMessageHandshake::HelloRetryRequest(retry) = message else {
            return Err(malformed);
        };
        let parts = Parts {
            cipher_suite: retry.cipher.0,
            is_retry: true,
            extensions: super::extension_block(4, retry.ext, rest),
            ..Parts::default()
        };
        Ok(Self::new(body, side, transport, parts))
    }

    fn new(body: &[u8], side: FlowSide, transport: TlsTransport, parts: Parts) -> Self {
        Self {
            is_retry: parts.is_retry || parts.random.of(body) == RETRY,
            cipher_suite: parts.cipher_suite,
            compression_method: parts.compression_method,
            random: parts.random,
            session_id: parts.session_id,
            extensions: parts.extensions,
            body: body.into(),
            side,
            transport,
        }
    }

    /// Who sent it.
    #[must_use]
    pub const fn side(&self) -> FlowSide {
        self.side
    }

    /// What carried it.
    #[must_use]
    pub const fn transport(&self) -> TlsTransport {
        self.transport
    }

    /// Whether it is a HelloRetryRequest: the client has to say hello again.
    #[must_use]
    pub const fn hello_retry_request(&self) -> bool {
        self.is_retry
    }

    /// The version that was agreed on: of the extension `supported_versions`
    /// where it is there, or else the legacy version.
    #[must_use]
    pub fn version(&self) -> TlsVersion {
        self.selected_version()
            .unwrap_or_else(|| self.legacy_version())
    }

    /// The version in the field that had this purpose before TLS 1.3.
    #[must_use]
    pub fn legacy_version(&self) -> TlsVersion {
        TlsVersion(numbers(&self.body).next().unwrap_or_default())
    }

    /// The 32 random bytes.
    #[must_use]
    pub fn random(&self) -> &[u8] {
        self.random.of(&self.body)
    }

    /// The session's identifier, or what the client sent in its place.
    #[must_use]
    pub fn session_id(&self) -> &[u8] {
        self.session_id.of(&self.body)
    }

    /// The cipher suite, by its number.
    #[must_use]
    pub const fn cipher_suite(&self) -> u16 {
        self.cipher_suite
    }

    /// The cipher suite's name in the registry.
    #[must_use]
    pub fn cipher_suite_name(&self) -> Option<&'static str> {
        super::cipher_suite_name(self.cipher_suite)
    }

    /// The compression method, by its number.
    #[must_use]
    pub const fn compression_method(&self) -> u8 {
        self.compression_method
    }

    /// The extensions.
    #[must_use]
    pub fn extensions(&self) -> Extensions<'_> {
        Extensions::new(self.extensions.of(&self.body))
    }

    /// What the first extension of this kind says.
    #[must_use]
    pub fn extension(&self, kind: u16) -> Option<&[u8]> {
        self.extensions().find_data(kind)
    }

    /// The application's protocol, where it is chosen in the clear.
    #[must_use]
    pub fn alpn(&self) -> Option<&[u8]> {
        extensions::protocols(self.extension(kind::ALPN)?).next()
    }

    /// The group of the key exchange in TLS 1.3.
    #[must_use]
    pub fn key_share_group(&self) -> Option<u16> {
        numbers(self.extension(kind::KEY_SHARE)?).next()
    }

    /// Whether a key agreed on before was accepted, as to resume in TLS 1.3.
    #[must_use]
    pub fn pre_shared_key(&self) -> bool {
        self.extension(kind::PRE_SHARED_KEY).is_some()
    }

    /// Whether everything behind it is encrypted, as since TLS 1.3.
    #[must_use]
    pub fn encrypts_at_once(&self) -> bool {
        !self.is_retry && self.is_modern()
    }

    /// Whether it is of TLS 1.3, a draft of it, or something later.
    pub(crate) fn is_modern(&self) -> bool {
        self.selected_version().is_some()
            || self.legacy_version().is_draft()
            || self.version().rank() >= TlsVersion::TLS_1_3.rank()
    }

    fn selected_version(&self) -> Option<TlsVersion> {
        let data = self.extension(kind::SUPPORTED_VERSIONS)?;
        numbers(data).next().map(TlsVersion)
    }
}

impl fmt::Debug for ServerHello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerHello")
            .field("side", &self.side)
            .field("hello_retry_request", &self.is_retry)
            .field("version", &self.version())
            .field("cipher_suite", &self.cipher_suite)
            .field("len", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// Where in the message everything is.
#[derive(Clone, Copy, Debug, Default)]
struct Parts {
    is_retry: bool,
    random: Span,
    session_id: Span,
    cipher_suite: u16,
    compression_method: u8,
    extensions: Span,
}

impl Parts {
    /// Of a version that an RFC describes.
    fn of_published(body: &[u8]) -> Option<Self> {
        let (rest, hello) = tls_parser::parse_tls_handshake_server_hello(body).ok()?;
        let session_id = Span::new(35, hello.session_id.map_or(0, <[u8]>::len));
        Some(Self {
            is_retry: false,
            random: Span::new(2, 32),
            session_id,
            cipher_suite: hello.cipher.0,
            compression_method: hello.compression.0,
            extensions: super::extension_block(session_id.end() + 3, hello.ext, rest),
        })
    }

    /// Of any other version. Drafts of TLS 1.3 before the 22nd had neither
    /// session nor compression method, the first of them under the number that
    /// TLS 1.3 itself does not write here.
    fn of_any(body: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(body);
        let version = TlsVersion(cursor.u16()?);
        cursor.take(32)?;
        let has_session = version < TlsVersion::TLS_1_3 || version.is_dtls();
        let before = body.len() - cursor.rest().len();
        let session = match has_session {
            true => cursor.vec8()?,
            false => &[],
        };
        let cipher_suite = cursor.u16()?;
        let compression_method = match has_session {
            true => cursor.u8()?,
            false => 0,
        };
        let extensions = body.len() - cursor.rest().len();
        Some(Self {
            is_retry: false,
            random: Span::new(2, 32),
            session_id: Span::new(before + 1, session.len()),
            cipher_suite,
            compression_method,
            extensions: super::extension_block(extensions, None, cursor.rest()),
        })
    }
}

/// What a HelloRetryRequest has in the place of random bytes (RFC 8446, section
/// 4.1.3): the SHA-256 of its name.
const RETRY: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
    0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];
