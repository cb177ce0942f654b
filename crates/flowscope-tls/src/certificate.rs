//! Certificates, which are in the clear before TLS 1.3 (RFC 5246, section
//! 7.4.2).

use core::fmt;
use std::sync::Arc;

use flowscope_core::FlowSide;

use crate::TlsError;
use crate::bytes::Cursor;

#[cfg(feature = "x509")]
pub use details::CertificateDetails;

/// A certificate message: the sender's own certificate first, then those that
/// vouch for it. A client that has none sends an empty one.
///
/// It keeps the message as it was sent and reads it when asked. Copies share
/// the bytes.
#[derive(Clone, Eq, PartialEq)]
pub struct CertificateChain {
    body: Arc<[u8]>,
    side: FlowSide,
}

impl CertificateChain {
    /// Bytes of memory that it takes, shared with its copies.
    pub(crate) fn memory(&self) -> usize {
        self.body.len()
    }

    /// Reads the message without its type and length.
    pub(crate) fn parse(body: &[u8], side: FlowSide) -> Result<Self, TlsError> {
        let list = Cursor::new(body).vec24();
        Ok(Self {
            body: list
                .ok_or(TlsError::Certificate { len: body.len() })?
                .into(),
            side,
        })
    }

    /// Who sent it.
    #[must_use]
    pub const fn side(&self) -> FlowSide {
        self.side
    }

    /// The certificates, the sender's own first. A certificate that claims to
    /// be longer than the message ends the chain.
    pub fn certificates(&self) -> impl Iterator<Item = Certificate<'_>> + Clone {
        let mut list = Cursor::new(&self.body);
        core::iter::from_fn(move || list.vec24().map(|der| Certificate { der }))
    }

    /// The sender's own certificate.
    #[must_use]
    pub fn first(&self) -> Option<Certificate<'_>> {
        self.certificates().next()
    }
}

impl fmt::Debug for CertificateChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sizes: Vec<_> = self.certificates().map(|one| one.der.len()).collect();
        f.debug_struct("CertificateChain")
            .field("side", &self.side)
            .field("sizes", &sizes)
            .finish()
    }
}

/// A certificate as it was sent.
#[derive(Clone, Copy, Eq, PartialEq)]
pub struct Certificate<'a> {
    der: &'a [u8],
}

impl<'a> Certificate<'a> {
    /// The certificate as bytes: X.509 in DER, if it is what it should be.
    #[must_use]
    pub const fn der(self) -> &'a [u8] {
        self.der
    }

    /// The fingerprint: the SHA-256 of the certificate.
    #[cfg(any(feature = "ja4", feature = "x509"))]
    #[must_use]
    pub fn sha256(self) -> [u8; 32] {
        use sha2::Digest;
        sha2::Sha256::digest(self.der).into()
    }

    /// What it says, if it can be read.
    #[cfg(feature = "x509")]
    #[must_use]
    pub fn details(self) -> Option<CertificateDetails> {
        details::read(self.der)
    }
}

impl fmt::Debug for Certificate<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("len", &self.der.len())
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "x509")]
mod details {
    use core::net::IpAddr;
    use core::time::Duration;

    use flowscope_core::Timestamp;
    use x509_parser::extensions::GeneralName;
    use x509_parser::prelude::{FromDer, X509Certificate};

    /// What an X.509 certificate says (RFC 5280).
    #[derive(Clone, Debug, Eq, PartialEq)]
    #[non_exhaustive]
    pub struct CertificateDetails {
        /// Whose it is, as in `C=US, O=Example, CN=www.example.com`.
        pub subject: String,
        /// Who signed it.
        pub issuer: String,
        /// The serial number in lower-case hexadecimal digits, two a byte.
        pub serial: String,
        /// The subject's other names: hosts, addresses, mailboxes, URIs, each
        /// as text.
        pub names: Vec<String>,
        /// From when it is valid, in seconds since 1970-01-01 UTC.
        pub not_before: i64,
        /// Until when it is valid, in seconds since 1970-01-01 UTC.
        pub not_after: i64,
    }

    impl CertificateDetails {
        /// From when it is valid, as packets have their time. `None` before
        /// 1970; a time after the year 2554 is [`Timestamp::MAX`].
        #[must_use]
        pub fn valid_from(&self) -> Option<Timestamp> {
            timestamp(self.not_before)
        }

        /// Until when it is valid, in the same way.
        #[must_use]
        pub fn valid_until(&self) -> Option<Timestamp> {
            timestamp(self.not_after)
        }
    }

    fn timestamp(seconds: i64) -> Option<Timestamp> {
        let since_epoch = Duration::from_secs(u64::try_from(seconds).ok()?);
        Some(Timestamp::EPOCH + since_epoch)
    }

    pub(super) fn read(der: &[u8]) -> Option<CertificateDetails> {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        let names = match certificate.subject_alternative_name() {
            Ok(Some(extension)) => extension.value.general_names.iter(),
            // A list that cannot be read does not hide the rest.
            Ok(None) | Err(_) => [].iter(),
        };
        let validity = certificate.validity();
        Some(CertificateDetails {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            serial: crate::bytes::hex(certificate.raw_serial()),
            names: names.filter_map(name).collect(),
            not_before: validity.not_before.timestamp(),
            not_after: validity.not_after.timestamp(),
        })
    }

    fn name(name: &GeneralName<'_>) -> Option<String> {
        match name {
            GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
                Some((*name).to_owned())
            }
            GeneralName::IPAddress(bytes) => address(bytes).map(|address| address.to_string()),
            GeneralName::DirectoryName(name) => Some(name.to_string()),
            GeneralName::OtherName(..)
            | GeneralName::X400Address(_)
            | GeneralName::EDIPartyName(_)
            | GeneralName::RegisteredID(_)
            | GeneralName::Invalid(..) => None,
        }
    }

    fn address(bytes: &[u8]) -> Option<IpAddr> {
        <[u8; 4]>::try_from(bytes)
            .map(IpAddr::from)
            .or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
            .ok()
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn times_before_1970_have_no_timestamp_and_late_ones_saturate() {
            let details = |not_before, not_after| CertificateDetails {
                subject: String::new(),
                issuer: String::new(),
                serial: String::new(),
                names: Vec::new(),
                not_before,
                not_after,
            };
            let usual = details(0, 1_700_000_000);
            assert_eq!(usual.valid_from(), Some(Timestamp::EPOCH));
            assert_eq!(usual.valid_until(), Some(Timestamp::new(1_700_000_000, 0)));
            // The last second of the year 9999, which stands for "no end".
            let odd = details(-1, 253_402_300_799);
            assert_eq!(odd.valid_from(), None);
            assert_eq!(odd.valid_until(), Some(Timestamp::MAX));
        }
    }
}
