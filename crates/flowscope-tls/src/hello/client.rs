//! What a client offers.

use core::fmt;
use std::borrow::Cow;
use std::sync::Arc;

use flowscope_core::FlowSide;

use super::extensions::{self, Extensions, kind};
use crate::bytes::{Cursor, Span, list8, numbers};
use crate::handshake::CLIENT_HELLO;
use crate::{TlsError, TlsTransport, TlsVersion, is_grease};

/// A ClientHello (RFC 8446, section 4.1.2).
///
/// It keeps the message as it was sent and reads it when asked. Lists are in
/// the order of the wire, with the values that [`is_grease`] knows among them.
/// Copies share the bytes.
#[derive(Clone, Eq, PartialEq)]
pub struct ClientHello {
    body: Arc<[u8]>,
    side: FlowSide,
    transport: TlsTransport,
    format: HelloFormat,
    session_id: Span,
    cookie: Span,
    cipher_suites: Span,
    compression_methods: Span,
    extensions: Span,
}

/// How a ClientHello was written.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum HelloFormat {
    /// In records.
    Tls,
    /// As a client of SSL 2.0 would, to be understood by servers of that
    /// (RFC 5246, appendix E.2). It has no extensions; cipher suites that only
    /// SSL 2.0 knows are left out.
    Ssl2,
}

impl ClientHello {
    /// Reads a whole handshake message, with its type and length of together four
    /// bytes (RFC 8446, section 4), that `side` sent over `transport`.
    ///
    /// It is for those who put handshakes together themselves, as QUIC does. A
    /// message of DTLS is to be whole, too, without the numbers that its
    /// fragments had (RFC 9147, section 5.2).
    ///
    /// ```
    /// use flowscope_core::FlowSide;
    /// use flowscope_tls::{ClientHello, TlsTransport};
    ///
    /// let mut message = vec![1, 0, 0, 61, 3, 3];
    /// message.extend([7; 32]);
    /// message.extend([0, 0, 2, 0x13, 0x01, 1, 0, 0, 18, 0, 0, 0, 14, 0, 12, 0, 0, 9]);
    /// message.extend(*b"localhost");
    /// let hello = ClientHello::from_handshake(&message, FlowSide::Initiator, TlsTransport::Quic)?;
    /// assert_eq!(hello.sni().as_deref(), Some("localhost"));
    /// # #[cfg(feature = "ja4")]
    /// assert_eq!(&hello.ja4().as_str()[..4], "q12d");
    /// # Ok::<(), flowscope_tls::TlsError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`TlsError::ClientHello`] if it is no ClientHello, or not as long as it
    /// says.
    pub fn from_handshake(
        message: &[u8],
        side: FlowSide,
        transport: TlsTransport,
    ) -> Result<Self, TlsError> {
        let body = super::body_of(message, CLIENT_HELLO).ok_or(TlsError::ClientHello {
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
        let malformed = TlsError::ClientHello { len: body.len() };
        // DTLS puts a cookie behind the session. Without it, the message is one
        // of TLS.
        let (without_cookie, cookie) = match transport {
            TlsTransport::Dtls => split_cookie(body).ok_or(malformed)?,
            TlsTransport::Tcp | TlsTransport::Quic => (Cow::Borrowed(body), None),
        };
        let (rest, hello) =
            tls_parser::parse_tls_handshake_client_hello(&without_cookie).map_err(|_| malformed)?;
        let session_id = Span::new(RANDOM + 32 + 1, hello.session_id.map_or(0, <[u8]>::len));
        let before_suites = cookie.map_or(session_id.end(), Span::end);
        let cipher_suites = Span::new(before_suites + 2, 2 * hello.ciphers.len());
        let compression_methods = Span::new(cipher_suites.end() + 1, hello.comp.len());
        let extensions = super::extension_block(compression_methods.end(), hello.ext, rest);
        Ok(Self {
            body: body.into(),
            side,
            transport,
            format: HelloFormat::Tls,
            session_id,
            cookie: cookie.unwrap_or_default(),
            cipher_suites,
            compression_methods,
            extensions,
        })
    }

    /// Who sent it: the client of TLS, which need not be who opened the
    /// connection.
    #[must_use]
    pub const fn side(&self) -> FlowSide {
        self.side
    }

    /// The same hello, which was written in another format.
    pub(super) fn with_format(self, format: HelloFormat) -> Self {
        Self { format, ..self }
    }

    /// What carried it.
    #[must_use]
    pub const fn transport(&self) -> TlsTransport {
        self.transport
    }

    /// How it was written.
    #[must_use]
    pub const fn format(&self) -> HelloFormat {
        self.format
    }

    /// The highest version offered: of the extension `supported_versions` where
    /// it is there, or else the legacy version.
    #[must_use]
    pub fn version(&self) -> TlsVersion {
        self.supported_versions()
            .filter(|version| !is_grease(version.0))
            .max_by_key(|version| version.rank())
            .unwrap_or_else(|| self.legacy_version())
    }

    /// The version in the field that had this purpose before TLS 1.3.
    #[must_use]
    pub fn legacy_version(&self) -> TlsVersion {
        TlsVersion(numbers(&self.body).next().unwrap_or_default())
    }

    /// The 32 random bytes. Those of SSL 2.0 may have been fewer, and then begin
    /// with zeros.
    #[must_use]
    pub fn random(&self) -> &[u8] {
        Span::new(RANDOM, 32).of(&self.body)
    }

    /// The session to resume, or 32 bytes without meaning for the sake of
    /// middleboxes, or empty.
    #[must_use]
    pub fn session_id(&self) -> &[u8] {
        self.session_id.of(&self.body)
    }

    /// The cookie that a server of DTLS asked for, to see that the client is where
    /// it says (RFC 6347, section 4.2.1). Empty where there is none.
    #[must_use]
    pub fn cookie(&self) -> &[u8] {
        self.cookie.of(&self.body)
    }

    /// The cipher suites, by their numbers.
    pub fn cipher_suites(&self) -> impl ExactSizeIterator<Item = u16> + Clone {
        numbers(self.cipher_suites.of(&self.body))
    }

    /// The compression methods, by their numbers.
    #[must_use]
    pub fn compression_methods(&self) -> &[u8] {
        self.compression_methods.of(&self.body)
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

    /// The server's name (`server_name`, RFC 6066). Bytes that are not UTF-8
    /// are replaced by U+FFFD; [`sni_bytes`](Self::sni_bytes) has them.
    #[must_use]
    pub fn sni(&self) -> Option<Cow<'_, str>> {
        self.sni_bytes().map(String::from_utf8_lossy)
    }

    /// The server's name as it was sent.
    #[must_use]
    pub fn sni_bytes(&self) -> Option<&[u8]> {
        self.extension(kind::SERVER_NAME)
            .and_then(extensions::host_name)
    }

    /// The application's protocols, the preferred one first (RFC 7301).
    pub fn alpn(&self) -> impl Iterator<Item = &[u8]> + Clone {
        extensions::protocols(self.extension(kind::ALPN).unwrap_or_default())
    }

    /// The versions of `supported_versions`.
    pub fn supported_versions(&self) -> impl Iterator<Item = TlsVersion> + Clone {
        let data = self.extension(kind::SUPPORTED_VERSIONS);
        extensions::numbers8(data.unwrap_or_default()).map(TlsVersion)
    }

    /// The groups for key exchange, once called elliptic curves.
    pub fn supported_groups(&self) -> impl Iterator<Item = u16> + Clone {
        extensions::numbers16(self.extension(kind::SUPPORTED_GROUPS).unwrap_or_default())
    }

    /// The formats of points on elliptic curves (RFC 8422, section 5.1.2).
    #[must_use]
    pub fn ec_point_formats(&self) -> &[u8] {
        list8(self.extension(kind::EC_POINT_FORMATS).unwrap_or_default())
    }

    /// The algorithms that signatures may use.
    pub fn signature_algorithms(&self) -> impl Iterator<Item = u16> + Clone {
        let data = self.extension(kind::SIGNATURE_ALGORITHMS);
        extensions::numbers16(data.unwrap_or_default())
    }

    /// The groups for which a public key is sent along.
    pub fn key_share_groups(&self) -> impl Iterator<Item = u16> + Clone {
        let data = self
            .extension(kind::KEY_SHARE)
            .or_else(|| self.extension(kind::KEY_SHARE_OF_DRAFTS));
        extensions::share_groups(data.unwrap_or_default())
    }

    /// Whether it offers an encrypted ClientHello, of which it is the outer one
    /// (RFC 9849), or an encrypted name of the drafts before. Some clients
    /// pretend to, and cannot be told from those that do.
    #[must_use]
    pub fn ech(&self) -> bool {
        self.extensions().any(|extension| {
            matches!(
                extension.kind,
                kind::ENCRYPTED_CLIENT_HELLO | kind::ENCRYPTED_SERVER_NAME
            )
        })
    }

    /// Whether data comes before the server's answer, encrypted.
    #[must_use]
    pub fn early_data(&self) -> bool {
        self.extension(kind::EARLY_DATA).is_some()
    }

    /// The ticket of the session to resume (RFC 5077), empty where the client
    /// asks for one.
    #[must_use]
    pub fn session_ticket(&self) -> Option<&[u8]> {
        self.extension(kind::SESSION_TICKET)
    }

    /// Whether it offers keys agreed on before, as to resume in TLS 1.3.
    #[must_use]
    pub fn pre_shared_key(&self) -> bool {
        self.extension(kind::PRE_SHARED_KEY).is_some()
    }

    /// Whether it makes up values that no server knows (RFC 8701).
    #[must_use]
    pub fn has_grease(&self) -> bool {
        self.cipher_suites().any(is_grease)
            || self.extensions().any(|extension| is_grease(extension.kind))
            || self.supported_groups().any(is_grease)
            || self.signature_algorithms().any(is_grease)
            || self
                .supported_versions()
                .any(|version| is_grease(version.0))
    }
}

impl fmt::Debug for ClientHello {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientHello")
            .field("side", &self.side)
            .field("format", &self.format)
            .field("version", &self.version())
            .field("sni", &self.sni())
            .field("len", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// A ClientHello of DTLS without its cookie, and where that is.
fn split_cookie(body: &[u8]) -> Option<(Cow<'_, [u8]>, Option<Span>)> {
    let mut cursor = Cursor::new(body);
    cursor.take(RANDOM + 32)?;
    cursor.vec8()?;
    let (before, _) = body.split_at_checked(body.len() - cursor.rest().len())?;
    let cookie = cursor.vec8()?;
    let span = Span::new(before.len() + 1, cookie.len());
    Some((Cow::Owned([before, cursor.rest()].concat()), Some(span)))
}

/// Where the random bytes begin.
const RANDOM: usize = 2;
