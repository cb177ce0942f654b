//! What records say, in presentation form.

use core::fmt::{self, Write};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::cursor::Cursor;
use super::{Name, text};
use crate::decode;
use crate::numbers::RecordType;

/// The data of a record.
///
/// [`Display`](fmt::Display) gives the presentation form of its type: numbers,
/// names, strings in quotes. Data of a type that is not known, and data that
/// is not what its type asks for, comes as `\# 4 0A000001` (RFC 3597, section
/// 5). Hexadecimal digits are in upper case; names have no dot at the end.
///
/// Where the message ends within the data, there are fewer bytes than the
/// record announces: the rest is [`missing`](Self::missing). Then it is written
/// as bytes, with the length that it would have had.
#[derive(Clone, Copy)]
pub struct RecordData<'a> {
    rtype: RecordType,
    data: Cursor<'a>,
    missing: u16,
}

impl<'a> RecordData<'a> {
    pub(super) fn new(rtype: RecordType, data: Cursor<'a>, missing: u16) -> Self {
        Self {
            rtype,
            data,
            missing,
        }
    }

    /// How many of its bytes are not there, as the message ends before them.
    #[must_use]
    pub fn missing(&self) -> u16 {
        self.missing
    }

    /// The data as it came; names in it may point to other places.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.data.rest()
    }

    /// The address, of an A or AAAA record.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        match (self.rtype, self.len()) {
            (RecordType::A, 4) => Some(Ipv4Addr::from(self.data.clone().ipv4()?).into()),
            (RecordType::AAAA, 16) => Some(Ipv6Addr::from(self.data.clone().ipv6()?).into()),
            _ => None,
        }
    }

    /// The name, of a CNAME, NS, PTR or DNAME record.
    #[must_use]
    pub fn name(&self) -> Option<Name<'a>> {
        let (RecordType::CNAME | RecordType::NS | RecordType::PTR | RecordType::DNAME) = self.rtype
        else {
            return None;
        };
        let mut data = self.data;
        let name = data.name().ok()?;
        (data.is_at_end() && self.missing == 0).then_some(name)
    }

    /// How long it is, with what is missing.
    fn len(&self) -> usize {
        self.bytes().len() + usize::from(self.missing)
    }

    /// Whether the data is made of `fields` and nothing else.
    fn is_made_of(&self, fields: &[Field]) -> bool {
        let mut data = self.data;
        fields.iter().all(|field| field.read(&mut data).is_some()) && data.is_at_end()
    }
}

impl fmt::Display for RecordData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.missing > 0 {
            return text::generic(self.len(), self.bytes(), f);
        }
        if let Some(fields) = fields(self.rtype) {
            if !self.is_made_of(fields) {
                return text::generic(self.len(), self.bytes(), f);
            }
            let mut data = self.data;
            for (n, value) in fields
                .iter()
                .map_while(|field| field.read(&mut data))
                .enumerate()
            {
                if n > 0 {
                    f.write_char(' ')?;
                }
                value.write(f)?;
            }
            return Ok(());
        }
        match decode::write(self.rtype, self.bytes(), f) {
            Some(written) => written,
            None => text::generic(self.len(), self.bytes(), f),
        }
    }
}

impl fmt::Debug for RecordData<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordData({self})")
    }
}

/// What the data of a type consists of, for types that are a row of fields.
fn fields(rtype: RecordType) -> Option<&'static [Field]> {
    use Field::*;
    Some(match rtype.0 {
        1 => &[Ipv4],
        // NS, MD, MF, CNAME, MB, MG, MR, PTR, NSAP-PTR, DNAME
        2..=5 | 7..=9 | 12 | 23 | 39 => &[Domain],
        6 => &[Domain, Domain, U32, U32, U32, U32, U32], // SOA
        14 | 17 | 58 => &[Domain, Domain],               // MINFO, RP, TALINK
        15 | 18 | 21 | 36 | 107 => &[U16, Domain],       // MX, AFSDB, RT, KX, LP
        16 | 99 => &[Texts],                             // TXT, SPF
        19 => &[Text],                                   // X25
        20 => &[Texts],                                  // ISDN
        // SIG, RRSIG
        24 | 46 => &[Type, U8, U8, U32, Time, Time, U16, Domain, Base64],
        // KEY, DNSKEY, RKEY, CDNSKEY
        25 | 48 | 57 | 60 => &[U16, U8, U8, Base64],
        26 => &[U16, Domain, Domain], // PX
        27 => &[Text, Text, Text],    // GPOS
        28 => &[Ipv6],
        29 => &[Location],
        33 => &[U16, U16, U16, Domain],              // SRV
        35 => &[U16, U16, Text, Text, Text, Domain], // NAPTR
        // DS, TA, DLV, CDS
        43 | 32768 | 32769 | 59 => &[U16, U8, U8, Hex],
        47 => &[Domain, Types],                  // NSEC
        49 | 61 => &[Base64],                    // DHCID, OPENPGPKEY
        50 => &[U8, U8, U16, Salt, Hash, Types], // NSEC3
        51 => &[U8, U8, U16, Salt],              // NSEC3PARAM
        62 => &[U32, U16, Types],                // CSYNC
        63 => &[U32, U8, U8, Hex],               // ZONEMD
        66 => &[Type, U8, U16, Domain],          // DSYNC
        104 | 106 => &[U16, Locator64],          // NID, L64
        105 => &[U16, Ipv4],                     // L32
        108 => &[Eui(6)],
        109 => &[Eui(8)],
        249 => &[Domain, Time, Time, U16, U16, Sized64, Sized64], // TKEY
        // TSIG
        250 => &[Domain, U48, U16, Sized64, U16, U16, Sized64],
        256 => &[U16, U16, QuotedRest], // URI
        _ => return None,
    })
}

/// A part of a record's data.
#[derive(Clone, Copy, Debug)]
enum Field {
    U8,
    U16,
    U32,
    U48,
    Ipv4,
    Ipv6,
    /// A name, compressed or not.
    Domain,
    /// A string with its length before it.
    Text,
    /// At least one of those, and nothing behind them.
    Texts,
    /// A string up to the end.
    QuotedRest,
    /// A type by its number.
    Type,
    /// Seconds since 1970, written as a date (RFC 4034, section 3.2).
    Time,
    /// The rest, at least a byte.
    Base64,
    /// The rest, at least a byte.
    Hex,
    /// Bytes with their length before them, `-` if none (RFC 5155).
    Salt,
    /// Bytes with their length before them (RFC 5155).
    Hash,
    /// Bytes with their length in 16 bits before them, written after it.
    Sized64,
    /// A set of types up to the end (RFC 4034, section 4.1.2).
    Types,
    /// Bytes with hyphens between them (RFC 7043).
    Eui(usize),
    /// Four groups of hexadecimal digits (RFC 6742).
    Locator64,
    /// A place on the Earth (RFC 1876).
    Location,
}

impl Field {
    fn read<'a>(self, data: &mut Cursor<'a>) -> Option<Value<'a>> {
        Some(match self {
            Self::U8 => Value::Number(data.u8()?.into()),
            Self::U16 => Value::Number(data.u16()?.into()),
            Self::U32 => Value::Number(data.u32()?.into()),
            Self::U48 => Value::Number(data.u48()?),
            Self::Ipv4 => Value::Address(Ipv4Addr::from(data.ipv4()?).into()),
            Self::Ipv6 => Value::Address(Ipv6Addr::from(data.ipv6()?).into()),
            Self::Domain => Value::Domain(data.name().ok()?),
            Self::Text => Value::Text(data.string()?),
            Self::Texts => {
                let texts = *data;
                data.string()?;
                while !data.is_at_end() {
                    data.string()?;
                }
                Value::Texts(texts)
            }
            Self::QuotedRest => Value::Text(data.take_rest()),
            Self::Type => Value::Type(RecordType(data.u16()?)),
            Self::Time => Value::Time(data.u32()?),
            Self::Base64 => Value::Base64(some(data.take_rest())?),
            Self::Hex => Value::Hex(some(data.take_rest())?),
            Self::Salt => match data.string()? {
                [] => Value::Dash,
                salt => Value::Hex(salt),
            },
            Self::Hash => Value::Base32(data.string()?),
            Self::Sized64 => {
                let len = data.u16()?;
                Value::Sized64(data.take(len.into())?)
            }
            Self::Types => {
                let types = *data;
                while !data.is_at_end() {
                    window(data)?;
                }
                Value::Types(types)
            }
            Self::Eui(len) => Value::Eui(data.take(len)?),
            Self::Locator64 => Value::Locator64(data.take(8)?),
            Self::Location => Value::Location(super::location::Location::read(data)?),
        })
    }
}

fn some(bytes: &[u8]) -> Option<&[u8]> {
    (!bytes.is_empty()).then_some(bytes)
}

/// A part of a set of types: the upper byte of their numbers, and a bit for
/// each that is in the set.
fn window<'a>(data: &mut Cursor<'a>) -> Option<(u8, &'a [u8])> {
    let number = data.u8()?;
    let bits = data.string()?;
    (1..=32).contains(&bits.len()).then_some((number, bits))
}

/// A part of a record's data that was read.
enum Value<'a> {
    Number(u64),
    Address(IpAddr),
    Domain(Name<'a>),
    Text(&'a [u8]),
    Texts(Cursor<'a>),
    Type(RecordType),
    Time(u32),
    Base64(&'a [u8]),
    Base32(&'a [u8]),
    Hex(&'a [u8]),
    Dash,
    Sized64(&'a [u8]),
    Types(Cursor<'a>),
    Eui(&'a [u8]),
    Locator64(&'a [u8]),
    Location(super::location::Location),
}

impl Value<'_> {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Address(address) => write!(f, "{address}"),
            Self::Domain(name) => write!(f, "{name}"),
            Self::Text(text) => text::quoted(text, f),
            Self::Texts(texts) => write_texts(*texts, f),
            Self::Type(rtype) => write!(f, "{rtype}"),
            Self::Time(seconds) => write_time(*seconds, f),
            Self::Base64(bytes) => text::base64(bytes, f),
            Self::Base32(bytes) => text::base32(bytes, f),
            Self::Hex(bytes) => text::hex(bytes, f),
            Self::Dash => f.write_char('-'),
            Self::Sized64(bytes) => {
                write!(f, "{}", bytes.len())?;
                if bytes.is_empty() {
                    return Ok(());
                }
                f.write_char(' ')?;
                text::base64(bytes, f)
            }
            Self::Types(types) => write_types(*types, f),
            Self::Eui(bytes) => write_groups(bytes.chunks(1), '-', f),
            Self::Locator64(bytes) => write_groups(bytes.chunks(2), ':', f),
            Self::Location(location) => write!(f, "{location}"),
        }
    }
}

fn write_texts(mut texts: Cursor<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut first = true;
    while let Some(text) = texts.string() {
        if !core::mem::take(&mut first) {
            f.write_char(' ')?;
        }
        text::quoted(text, f)?;
    }
    Ok(())
}

fn write_types(mut types: Cursor<'_>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut first = true;
    while let Some((number, bits)) = window(&mut types) {
        for (low, byte) in (0u16..).step_by(8).zip(bits) {
            for bit in (0..8).filter(|bit| byte & (0x80 >> bit) != 0) {
                if !core::mem::take(&mut first) {
                    f.write_char(' ')?;
                }
                write!(f, "{}", RecordType(u16::from(number) << 8 | (low + bit)))?;
            }
        }
    }
    Ok(())
}

fn write_groups<'a>(
    groups: impl Iterator<Item = &'a [u8]>,
    between: char,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    for (n, group) in groups.enumerate() {
        if n > 0 {
            f.write_char(between)?;
        }
        text::hex(group, f)?;
    }
    Ok(())
}

/// Writes a moment as `20250131235959`.
fn write_time(seconds: u32, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Counted from 1968-03-01, each year ends with the day that only some have.
    // The first of them that has none of the two is behind 2100-02-28.
    let days = days + 671 + u32::from(seconds >= MARCH_2100);
    let (mut year, mut day) = (days / 1461 * 4, days % 1461);
    let years = (day / 365).min(3);
    (year, day) = (year + years, day - years * 365);
    // Five months have 153 days, from March and from August on.
    let month = (day * 5 + 2) / 153;
    day -= (month * 153 + 2) / 5;
    let (year, month) = match month {
        0..=9 => (1968 + year, month + 3),
        _ => (1969 + year, month - 9),
    };
    write!(
        f,
        "{year:04}{month:02}{:02}{:02}{:02}{:02}",
        day + 1,
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

/// The first second of March 2100, as long after 1970.
const MARCH_2100: u32 = 4_107_542_400;

#[cfg(test)]
mod tests {
    use std::string::{String, ToString};
    use std::vec::Vec;

    use super::*;

    fn present(rtype: u16, data: &[u8]) -> String {
        RecordData::new(RecordType(rtype), Cursor::new(data, 0), 0).to_string()
    }

    #[test]
    fn data_is_written_as_its_type_asks_for() {
        for (rtype, data, text) in [
            (1, &b"\xc0\0\x02\x01"[..], "192.0.2.1"),
            (2, b"\x02ns\x02de\0", "ns.de"),
            (15, b"\0\x0a\0", "10 ."),
            (16, b"\x03a b\0\x02\"\xff", r#""a b" "" "\"\255""#),
            (
                28,
                b"\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01",
                "2001:db8::1",
            ),
            (33, b"\0\x01\0\x02\x01\xbb\x01a\0", "1 2 443 a"),
            (
                35,
                b"\0\x01\0\x02\x01s\x00\x02a\\\0",
                r#"1 2 "s" "" "a\\" ."#,
            ),
            (43, b"\xec\x45\x05\x01\x2b\xb1", "60485 5 1 2BB1"),
            (
                47,
                b"\x01a\0\0\x06\x40\x01\0\0\0\x03\x01\x01\x40",
                "a A MX RRSIG NSEC CAA",
            ),
            (48, b"\x01\x00\x03\x08foob", "256 3 8 Zm9vYg=="),
            (
                50,
                b"\x01\x01\0\x0c\x02\xaa\xbb\x05fooba\0\x01\x40",
                "1 1 12 AABB CPNMUOJ1 A",
            ),
            (51, b"\x01\0\0\x00\x00", "1 0 0 -"),
            (62, b"\0\0\0\x42\0\x03\0\x04\x60\0\0\x08", "66 3 A NS AAAA"),
            (105, b"\0\x0a\x0a\x01\x02\0", "10 10.1.2.0"),
            (
                106,
                b"\0\x0a\x20\x01\x0d\xb8\x11\x40\x10\0",
                "10 2001:0DB8:1140:1000",
            ),
            (108, b"\0\0\x5e\0\x53\x2a", "00-00-5E-00-53-2A"),
            (
                250,
                b"\x01h\0\0\0\x60\0\0\0\x01\x2c\0\x03foo\x12\x34\0\0\0\0",
                "h 1610612736 300 3 Zm9v 4660 0 0",
            ),
            (256, b"\0\x0a\0\x01ftp://a", r#"10 1 "ftp://a""#),
            (65280, b"\x0a\0", r"\# 2 0A00"),
        ] {
            assert_eq!(present(rtype, data), text, "type {rtype}");
        }
    }

    #[test]
    fn data_that_is_not_of_its_type_is_given_as_bytes() {
        for (rtype, data, text) in [
            (1, &b""[..], r"\# 0"),
            (1, b"\x0a\0\0", r"\# 3 0A0000"),
            (1, b"\x0a\0\0\0\0", r"\# 5 0A00000000"),
            (2, b"\xc0\0", r"\# 2 C000"),
            (16, b"", r"\# 0"),
            (16, b"\x02a", r"\# 2 0261"),
            (47, b"\0\0\0", r"\# 3 000000"),
        ] {
            assert_eq!(present(rtype, data), text, "type {rtype}");
        }
    }

    #[test]
    fn a_signature_says_when_it_holds() {
        let mut data = Vec::from(*b"\0\x01\x08\x02\0\0\x0e\x10");
        data.extend(4_102_444_800u32.to_be_bytes());
        data.extend(951_782_399u32.to_be_bytes());
        data.extend(*b"\x12\x34\x01a\0foo");
        let text = "A 8 2 3600 21000101000000 20000228235959 4660 a Zm9v";
        assert_eq!(present(46, &data), text);
    }

    #[test]
    fn every_day_has_its_date() {
        let mut months = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
        let mut day = 0u32;
        for year in 1970..2106u32 {
            let leap = year % 4 == 0 && year != 2100;
            months[1] = if leap { 29 } else { 28 };
            for (month, days) in (1..).zip(months) {
                for date in 1..=days {
                    let mut text = String::new();
                    let time = Value::Time(day * 86_400 + 3_723);
                    struct Shown<'a>(Value<'a>);
                    impl fmt::Display for Shown<'_> {
                        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                            self.0.write(f)
                        }
                    }
                    write!(text, "{}", Shown(time)).expect("a string takes everything");
                    assert_eq!(text, std::format!("{year}{month:02}{date:02}010203"));
                    day += 1;
                }
            }
        }
    }
}
