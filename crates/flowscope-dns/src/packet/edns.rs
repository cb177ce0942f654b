//! What the OPT record carries (RFC 6891).

use core::fmt::{self, Write};
use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::cursor::Cursor;
use super::record::{Record, Section};
use super::text;
use crate::numbers::RecordType;

/// The OPT record of a message.
///
/// ```
/// use flowscope_dns::DnsPacket;
///
/// let query = b"\0\x07\x01\0\0\x01\0\0\0\0\0\x01\x01a\0\0\x01\0\x01\
///     \0\0\x29\x04\xd0\0\0\x80\0\0\x0b\0\x08\0\x07\0\x01\x18\0\xc0\0\x02";
/// let packet = DnsPacket::parse(query)?;
/// let edns = packet.edns().expect("there is one");
///
/// assert_eq!((edns.udp_size(), edns.version(), edns.is_dnssec_ok()), (1232, 0, true));
/// let options: Vec<String> = edns.options().map(|option| option.to_string()).collect();
/// assert_eq!(options, ["ECS 192.0.2.0/24/0"]);
/// # Ok::<(), flowscope_dns::DnsError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Edns<'a> {
    udp_size: u16,
    flags: u32,
    options: &'a [u8],
}

impl<'a> Edns<'a> {
    /// The record, if it is of this kind and in its place.
    pub(super) fn of((section, record): (Section, Record<'a>)) -> Option<Self> {
        if section != Section::Additional || record.rtype != RecordType::OPT {
            return None;
        }
        Some(Self {
            udp_size: record.class.0,
            flags: record.ttl,
            options: record.data.bytes(),
        })
    }

    /// The longest message that the sender takes over UDP, in bytes.
    #[must_use]
    pub fn udp_size(&self) -> u16 {
        self.udp_size
    }

    /// The version of EDNS.
    #[must_use]
    pub fn version(&self) -> u8 {
        let [_, version, ..] = self.flags.to_be_bytes();
        version
    }

    /// The upper eight bits of the response code.
    pub(crate) fn extended_rcode(&self) -> u8 {
        let [rcode, ..] = self.flags.to_be_bytes();
        rcode
    }

    /// Whether the sender wants the records of DNSSEC (DO).
    #[must_use]
    pub fn is_dnssec_ok(&self) -> bool {
        self.flags & 0x8000 != 0
    }

    /// The options, up to the first that does not fit.
    #[must_use]
    pub fn options(&self) -> EdnsOptions<'a> {
        EdnsOptions(Cursor::new(self.options, 0))
    }
}

/// The options of an [`Edns`].
#[derive(Clone, Debug)]
pub struct EdnsOptions<'a>(Cursor<'a>);

impl<'a> Iterator for EdnsOptions<'a> {
    type Item = EdnsOption<'a>;

    fn next(&mut self) -> Option<EdnsOption<'a>> {
        let (code, len) = (self.0.u16()?, self.0.u16()?);
        let data = self.0.take(len.into())?;
        Some(EdnsOption { code, data })
    }
}

/// One option.
///
/// [`Display`](fmt::Display) gives its name and what it says: an address for
/// `ECS`, a number and a text for `EDE`, hexadecimal digits for most.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct EdnsOption<'a> {
    /// What it is.
    pub code: u16,
    /// What it carries.
    pub data: &'a [u8],
}

impl EdnsOption<'_> {
    /// Its name, if the registry has one.
    #[must_use]
    pub fn name(&self) -> Option<&'static str> {
        Some(match self.code {
            1 => "LLQ",
            2 => "UL",
            3 => "NSID",
            5 => "DAU",
            6 => "DHU",
            7 => "N3U",
            8 => "ECS",
            9 => "EXPIRE",
            10 => "COOKIE",
            11 => "KEEPALIVE",
            12 => "PADDING",
            13 => "CHAIN",
            14 => "KEYTAG",
            15 => "EDE",
            16 => "CLIENT-TAG",
            17 => "SERVER-TAG",
            18 => "REPORT-CHANNEL",
            19 => "ZONEVERSION",
            20 => "MQTYPE-QUERY",
            21 => "MQTYPE-RESPONSE",
            _ => return None,
        })
    }

    /// What it says, where that is more than bytes.
    fn write_known(&self, f: &mut fmt::Formatter<'_>) -> Option<fmt::Result> {
        let mut data = Cursor::new(self.data, 0);
        Some(match self.code {
            8 => {
                let (address, source, scope) = client_subnet(data)?;
                write!(f, " {address}/{source}/{scope}")
            }
            // Seconds (RFC 7314).
            9 if self.data.len() == 4 => write!(f, " {}", data.u32()?),
            // Tenths of a second (RFC 7828).
            11 if self.data.len() == 2 => write!(f, " {}", data.u16()?),
            // A number, and a text for people (RFC 8914).
            15 => {
                let code = data.u16()?;
                let written = write!(f, " {code}");
                match data.take_rest() {
                    [] => written,
                    text => written
                        .and_then(|()| f.write_char(' '))
                        .and_then(|()| text::quoted(text, f)),
                }
            }
            // Zeros.
            12 => write!(f, " {}", self.data.len()),
            _ => return None,
        })
    }
}

impl fmt::Display for EdnsOption<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name)?,
            None => write!(f, "OPT{}", self.code)?,
        }
        if let Some(written) = self.write_known(f) {
            return written;
        }
        if self.data.is_empty() {
            return Ok(());
        }
        f.write_char(' ')?;
        text::hex(self.data, f)
    }
}

/// Whose question it is (RFC 7871, section 6): a prefix, of which the bytes
/// behind its length are left out.
fn client_subnet(mut data: Cursor<'_>) -> Option<(IpAddr, u8, u8)> {
    let (family, source, scope) = (data.u16()?, data.u8()?, data.u8()?);
    let prefix = data.take_rest();
    let mut octets = [0; 16];
    octets.get_mut(..prefix.len())?.copy_from_slice(prefix);
    let address = match (family, octets) {
        (1, [a, b, c, d, ..]) if prefix.len() <= 4 => Ipv4Addr::new(a, b, c, d).into(),
        (2, octets) => Ipv6Addr::from(octets).into(),
        _ => return None,
    };
    Some((address, source, scope))
}
