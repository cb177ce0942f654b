//! Records whose data has a structure of its own, by hickory.
//!
//! It is given the data of one record alone. The types it is asked about have
//! no compressed names in them (RFC 3597, section 4), so that it can do no
//! more work than that data is long. A record that it refuses is given as
//! bytes.

use alloc::string::ToString;
use core::fmt::{self, Write};

use hickory_proto::rr::rdata::svcb::{SvcParamKey, SvcParamValue};
use hickory_proto::rr::rdata::{CAA, SVCB, TLSA};
use hickory_proto::rr::{self, RData};
use hickory_proto::serialize::binary::{BinDecoder, Restrict};

use crate::numbers::RecordType;
use crate::packet::text;

/// Writes the data of a record of `rtype` in presentation form; `None`, and
/// nothing written, if that is left to others or not possible.
pub(crate) fn write(
    rtype: RecordType,
    data: &[u8],
    f: &mut fmt::Formatter<'_>,
) -> Option<fmt::Result> {
    let known = match rtype.0 {
        13 => rr::RecordType::HINFO,
        37 => rr::RecordType::CERT,
        44 => rr::RecordType::SSHFP,
        52 => rr::RecordType::TLSA,
        53 => rr::RecordType::SMIMEA,
        64 => rr::RecordType::SVCB,
        65 => rr::RecordType::HTTPS,
        257 => rr::RecordType::CAA,
        _ => return None,
    };
    if let 64 | 65 = rtype.0
        && has_pointer(data.get(2..)?)
    {
        return None;
    }
    let len = Restrict::new(u16::try_from(data.len()).ok()?);
    let rdata = RData::read(&mut BinDecoder::new(data), known, len).ok()?;
    Some(match &rdata {
        RData::HINFO(hinfo) => text::quoted(&hinfo.cpu, f)
            .and_then(|()| f.write_char(' '))
            .and_then(|()| text::quoted(&hinfo.os, f)),
        RData::CERT(cert) => {
            let (kind, algorithm) = (u16::from(cert.cert_type), u8::from(cert.algorithm));
            write!(f, "{kind} {} {algorithm} ", cert.key_tag)
                .and_then(|()| text::base64(&cert.cert_data, f))
        }
        RData::SSHFP(sshfp) => {
            let kind = u8::from(sshfp.fingerprint_type);
            write!(f, "{} {kind} ", u8::from(sshfp.algorithm))
                .and_then(|()| text::hex(&sshfp.fingerprint, f))
        }
        RData::TLSA(tlsa) => write_tlsa(tlsa, f),
        RData::SMIMEA(smimea) => write_tlsa(&smimea.0, f),
        RData::SVCB(svcb) => write_svcb(svcb, f),
        RData::HTTPS(https) => write_svcb(&https.0, f),
        RData::CAA(caa) => write_caa(caa, f),
        _ => return None,
    })
}

/// Whether the name at the front of `data` is compressed, which would be
/// taken to point into the data alone.
fn has_pointer(mut data: &[u8]) -> bool {
    while let Some((len @ 1.., rest)) = data.split_first() {
        if *len >= 0xc0 {
            return true;
        }
        data = rest.get(usize::from(*len)..).unwrap_or_default();
    }
    false
}

/// RFC 6698, section 2.2.
fn write_tlsa(tlsa: &TLSA, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (usage, selector) = (u8::from(tlsa.cert_usage), u8::from(tlsa.selector));
    write!(f, "{usage} {selector} {} ", u8::from(tlsa.matching))?;
    text::hex(&tlsa.cert_data, f)
}

/// RFC 8659, section 4.1.1.
fn write_caa(caa: &CAA, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let flags = u8::from(caa.issuer_critical) << 7 | caa.reserved_flags;
    write!(f, "{flags} {} ", caa.tag)?;
    text::quoted(&caa.value, f)
}

/// RFC 9460, section 2.1.
fn write_svcb(svcb: &SVCB, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{} ", svcb.svc_priority)?;
    if svcb.target_name.is_root() {
        f.write_char('.')?;
    }
    for (n, label) in svcb.target_name.iter().enumerate() {
        if n > 0 {
            f.write_char('.')?;
        }
        text::label(label, f)?;
    }
    for (key, value) in &svcb.svc_params {
        f.write_char(' ')?;
        write_key(*key, f)?;
        write_value(value, f)?;
    }
    Ok(())
}

fn write_key(key: SvcParamKey, f: &mut dyn Write) -> fmt::Result {
    match u16::from(key) {
        0 => f.write_str("mandatory"),
        1 => f.write_str("alpn"),
        2 => f.write_str("no-default-alpn"),
        3 => f.write_str("port"),
        4 => f.write_str("ipv4hint"),
        5 => f.write_str("ech"),
        6 => f.write_str("ipv6hint"),
        7 => f.write_str("dohpath"),
        8 => f.write_str("ohttp"),
        9 => f.write_str("tls-supported-groups"),
        other => write!(f, "key{other}"),
    }
}

fn write_value(value: &SvcParamValue, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        SvcParamValue::NoDefaultAlpn => Ok(()),
        SvcParamValue::Port(port) => write!(f, "={port}"),
        SvcParamValue::Mandatory(keys) => list(f, &keys.0, |key, f| write_key(*key, f)),
        SvcParamValue::Ipv4Hint(hint) => list(f, &hint.0, |a, f| f.write_str(&a.to_string())),
        SvcParamValue::Ipv6Hint(hint) => list(f, &hint.0, |a, f| f.write_str(&a.to_string())),
        SvcParamValue::EchConfigList(ech) => {
            f.write_char('=')?;
            text::base64(&ech.0, f)
        }
        SvcParamValue::Alpn(names) => {
            // Commas within a name are escaped for the list, and backslashes
            // for the list and the string (RFC 9460, appendix A.1). Dots have
            // no meaning, unlike in names.
            list(f, &names.0, |name, f| {
                for byte in name.bytes() {
                    match byte {
                        b',' => f.write_str("\\\\,")?,
                        b'\\' => f.write_str("\\\\\\\\")?,
                        b' ' => f.write_str("\\032")?,
                        other => text::escaped(&[other], f, |byte| {
                            !matches!(byte, b'"' | b'(' | b')' | b';')
                        })?,
                    }
                }
                Ok(())
            })
        }
        SvcParamValue::Unknown(value) if value.0.is_empty() => Ok(()),
        SvcParamValue::Unknown(value) => {
            f.write_char('=')?;
            text::quoted(&value.0, f)
        }
    }
}

/// Writes `=` and the items with commas between them.
fn list<T>(
    f: &mut fmt::Formatter<'_>,
    items: &[T],
    mut write: impl FnMut(&T, &mut dyn Write) -> fmt::Result,
) -> fmt::Result {
    for (n, item) in items.iter().enumerate() {
        f.write_char(if n == 0 { '=' } else { ',' })?;
        write(item, f)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::string::{String, ToString};

    use super::*;

    struct Shown<'a>(u16, &'a [u8]);

    impl fmt::Display for Shown<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write(RecordType(self.0), self.1, f).unwrap_or_else(|| f.write_str("refused"))
        }
    }

    fn present(rtype: u16, data: &[u8]) -> String {
        Shown(rtype, data).to_string()
    }

    #[test]
    fn structured_data_is_written_as_in_zone_files() {
        for (rtype, data, text) in [
            (13, &b"\x03PDP\x05a\"b c"[..], r#""PDP" "a\"b c""#),
            (37, b"\0\x01\x12\x34\x08foo", "1 4660 8 Zm9v"),
            (44, b"\x04\x02\xab\xcd", "4 2 ABCD"),
            (52, b"\x03\x01\x01\xab\xcd", "3 1 1 ABCD"),
            (53, b"\x03\x01\x01\xab\xcd", "3 1 1 ABCD"),
            (257, b"\0\x05issueca.example", r#"0 issue "ca.example""#),
            (257, b"\x80\x03tbsUnknown", r#"128 tbs "Unknown""#),
        ] {
            assert_eq!(present(rtype, data), text, "type {rtype}");
        }
    }

    #[test]
    fn service_parameters_are_written_as_in_the_rfc() {
        // After the test vectors of RFC 9460, appendix D.
        for (data, text) in [
            (&b"\0\0\x03foo\x07example\x03com\0"[..], "0 foo.example.com"),
            (b"\0\x01\0", "1 ."),
            (b"\0\x10\0\0\x03\0\x02\0\x35", "16 . port=53"),
            (b"\0\x01\0\x02\x9b\0\x05hello", "1 . key667=\"hello\""),
            (b"\0\x01\0\x02\x9b\0\x09hello\xd2qoo", "1 . key667=\"hello\\210qoo\""),
            (b"\0\x01\0\0\x01\0\x06\x02h2\x02h3", "1 . alpn=h2,h3"),
            (b"\0\x01\0\0\x01\0\x09\x08http/1.1", "1 . alpn=http/1.1"),
            (
                b"\0\x10\0\0\0\0\x04\0\x01\0\x04\0\x01\0\x09\x02h2\x05h3-19\0\x04\0\x04\xc0\0\x02\x01",
                "16 . mandatory=alpn,ipv4hint alpn=h2,h3-19 ipv4hint=192.0.2.1",
            ),
            (
                b"\0\x10\0\0\x01\0\x0c\x08f\\oo,bar\x02h2",
                r"16 . alpn=f\\\\oo\\,bar,h2",
            ),
            (b"\0\x01\0\0\x02\0\0\0\x05\0\x03foo", "1 . no-default-alpn ech=Zm9v"),
        ] {
            assert_eq!(present(64, data), text);
            assert_eq!(present(65, data), text);
        }
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for (rtype, data) in [
            (64, &b"\0\x01\xc0\0"[..]),
            (65, b"\0\x01\x01a\xc0\0"),
            (64, b"\0\x01\0\0\x03\0\x01\0"),
            (64, b"\0\x01\0\0\x03\0\x02\0\x35\0\x03\0\x02\0\x35"),
            (13, b"\x05a"),
            (257, b"\0\xff"),
            (1, b"\x0a\0\0\x01"),
        ] {
            assert_eq!(present(rtype, data), "refused", "type {rtype}");
        }
    }
}
