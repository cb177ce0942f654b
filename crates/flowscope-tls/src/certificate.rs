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
    /// A certificate of these bytes, whatever they are.
    #[must_use]
    pub const fn from_der(der: &'a [u8]) -> Self {
        Self { der }
    }

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
    use x509_parser::objects::{oid_registry, oid2abbrev, oid2sn};
    use x509_parser::oid_registry::Oid;
    use x509_parser::prelude::{FromDer, X509Certificate};
    use x509_parser::public_key::PublicKey;
    use x509_parser::x509::X509Name;

    /// What an X.509 certificate says (RFC 5280).
    #[derive(Clone, Debug, Eq, PartialEq)]
    #[non_exhaustive]
    pub struct CertificateDetails {
        /// Whose it is, as in `C=US, O=Example, CN=www.example.com`.
        pub subject: String,
        /// Who signed it.
        pub issuer: String,
        /// The subject as RFC 2253 writes it: the last part first, commas within
        /// a part behind a backslash.
        pub subject_dn: String,
        /// The issuer in the same way.
        pub issuer_dn: String,
        /// The serial number in lower-case hexadecimal digits, two a byte.
        pub serial: String,
        /// The subject's other names: hosts, addresses, mailboxes, URIs, each
        /// as text.
        pub names: Vec<String>,
        /// From when it is valid, in seconds since 1970-01-01 UTC.
        pub not_before: i64,
        /// Until when it is valid, in seconds since 1970-01-01 UTC.
        pub not_after: i64,
        /// The version of its format: 3, most often.
        pub version: u32,
        /// What it was signed with, such as `sha256WithRSAEncryption`, if that
        /// is known.
        pub signature_algorithm: Option<String>,
        /// The algorithm of its key, such as `rsaEncryption`, if that is known.
        pub key_algorithm: Option<String>,
        /// The kind of its key: `rsa`, `ecdsa` or `dsa`, if it is one of these.
        pub key_kind: Option<&'static str>,
        /// The length of its key in bits, if the key can be read.
        pub key_bits: Option<u32>,
        /// The public exponent of a key of RSA.
        pub exponent: Option<u64>,
        /// The curve of its key, such as `prime256v1`, if that is known.
        pub curve: Option<String>,
        /// Whether it may vouch for others, if it says so or not (RFC 5280,
        /// section 4.2.1.9).
        pub is_authority: Option<bool>,
        /// How many certificates may come between it and the last of a chain,
        /// if it says so.
        pub path_len: Option<u32>,
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
        let key = certificate.public_key();
        let parsed = key.parsed().ok();
        let (key_kind, exponent) = match &parsed {
            Some(PublicKey::RSA(key)) => (Some("rsa"), key.try_exponent().ok()),
            Some(PublicKey::EC(_)) => (Some("ecdsa"), None),
            Some(PublicKey::DSA(_)) => (Some("dsa"), None),
            _ => (None, None),
        };
        let curve = match &parsed {
            Some(PublicKey::EC(_)) => key
                .algorithm
                .parameters
                .as_ref()
                .and_then(|any| any.as_oid().ok()),
            _ => None,
        };
        let key_bits = match &parsed {
            Some(key @ (PublicKey::RSA(_) | PublicKey::DSA(_))) => Some(key.key_size()),
            Some(PublicKey::EC(point)) => Some(point.key_size()),
            _ => None,
        };
        let constraints = certificate.basic_constraints().ok().flatten();
        let constraints = constraints.map(|extension| extension.value);
        Some(CertificateDetails {
            version: certificate.version().0.saturating_add(1),
            signature_algorithm: short_name(&certificate.signature_algorithm.algorithm),
            key_algorithm: short_name(&key.algorithm.algorithm),
            key_kind,
            key_bits: key_bits.and_then(|bits| u32::try_from(bits).ok()),
            exponent,
            curve: curve.and_then(|oid| short_name(&oid)),
            is_authority: constraints.map(|it| it.ca),
            path_len: constraints.and_then(|it| it.path_len_constraint),
            subject_dn: distinguished(certificate.subject()),
            issuer_dn: distinguished(certificate.issuer()),
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            serial: crate::bytes::hex(certificate.raw_serial()),
            names: names.filter_map(name).collect(),
            not_before: validity.not_before.timestamp(),
            not_after: validity.not_after.timestamp(),
        })
    }

    /// A name as RFC 2253 writes it.
    fn distinguished(name: &X509Name<'_>) -> String {
        let mut parts: Vec<String> = name
            .iter_rdn()
            .map(|rdn| {
                let attributes = rdn.iter().map(|attribute| {
                    let kind = attribute.attr_type();
                    let kind = oid2abbrev(kind, oid_registry())
                        .map_or_else(|_| kind.to_id_string(), str::to_owned);
                    let value = match attribute.as_str() {
                        Ok(value) => value.to_owned(),
                        Err(_) => String::from_utf8_lossy(attribute.as_slice()).into_owned(),
                    };
                    format!("{kind}={}", escaped(&value))
                });
                attributes.collect::<Vec<_>>().join("+")
            })
            .collect();
        parts.reverse();
        parts.join(",")
    }

    /// A value with a backslash before what has a meaning in a name.
    fn escaped(value: &str) -> String {
        let mut text = String::with_capacity(value.len());
        for letter in value.chars() {
            if matches!(letter, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
                text.push('\\');
            }
            text.push(letter);
        }
        text
    }

    /// The name of an object identifier, if it is known.
    fn short_name(oid: &Oid<'_>) -> Option<String> {
        oid2sn(oid, oid_registry()).ok().map(str::to_owned)
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
                subject_dn: String::new(),
                issuer_dn: String::new(),
                serial: String::new(),
                names: Vec::new(),
                not_before,
                not_after,
                version: 3,
                signature_algorithm: None,
                key_algorithm: None,
                key_kind: None,
                key_bits: None,
                exponent: None,
                curve: None,
                is_authority: None,
                path_len: None,
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
