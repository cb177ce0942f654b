//! What a server of DTLS asks for before it answers.

use core::fmt;

use flowscope_core::FlowSide;

use crate::bytes::Cursor;
use crate::{TlsError, TlsVersion};

/// A HelloVerifyRequest: the client has to say hello again with this cookie, and
/// so show that it is where it says (RFC 6347, section 4.2.1).
///
/// DTLS 1.3 has a HelloRetryRequest for this, which is a
/// [`ServerHello`](crate::ServerHello).
#[derive(Clone, Eq, PartialEq)]
pub struct HelloVerifyRequest {
    side: FlowSide,
    version: TlsVersion,
    cookie: Box<[u8]>,
}

impl HelloVerifyRequest {
    /// Reads the message without its type and length.
    pub(crate) fn parse(body: &[u8], side: FlowSide) -> Result<Self, TlsError> {
        let malformed = TlsError::ServerHello { len: body.len() };
        let mut cursor = Cursor::new(body);
        Ok(Self {
            side,
            version: TlsVersion(cursor.u16().ok_or(malformed)?),
            cookie: cursor.vec8().ok_or(malformed)?.into(),
        })
    }

    /// Who sent it.
    #[must_use]
    pub const fn side(&self) -> FlowSide {
        self.side
    }

    /// A version, which need not be the one agreed on.
    #[must_use]
    pub const fn version(&self) -> TlsVersion {
        self.version
    }

    /// The cookie.
    #[must_use]
    pub fn cookie(&self) -> &[u8] {
        &self.cookie
    }
}

impl fmt::Debug for HelloVerifyRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HelloVerifyRequest")
            .field("side", &self.side)
            .field("version", &self.version)
            .field("len", &self.cookie.len())
            .finish_non_exhaustive()
    }
}
