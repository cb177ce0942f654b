//! Numbers that have names: types, classes, opcodes and response codes.
//!
//! As the IANA registry "Domain Name System (DNS) Parameters" has them.

mod types;

use core::fmt;

/// The type of a record, or the type asked for.
///
/// [`Display`](fmt::Display) gives the registry's name, or `TYPE65280` where
/// it has none (RFC 3597, section 5).
///
/// ```
/// use flowscope_dns::RecordType;
///
/// assert_eq!(RecordType(28).to_string(), "AAAA");
/// assert_eq!(RecordType(65280).to_string(), "TYPE65280");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct RecordType(pub u16);

impl RecordType {
    /// An IPv4 address.
    pub const A: Self = Self(1);
    /// A name server.
    pub const NS: Self = Self(2);
    /// The name that another name stands for.
    pub const CNAME: Self = Self(5);
    /// The start of a zone.
    pub const SOA: Self = Self(6);
    /// A name, mostly that of an address.
    pub const PTR: Self = Self(12);
    /// A mail exchange.
    pub const MX: Self = Self(15);
    /// Strings.
    pub const TXT: Self = Self(16);
    /// An IPv6 address.
    pub const AAAA: Self = Self(28);
    /// Where a service is.
    pub const SRV: Self = Self(33);
    /// The name that another tree of names stands for.
    pub const DNAME: Self = Self(39);
    /// What does not fit into the header.
    pub const OPT: Self = Self(41);
    /// How to reach a service.
    pub const SVCB: Self = Self(64);
    /// How to reach a web site.
    pub const HTTPS: Self = Self(65);
    /// A whole zone.
    pub const AXFR: Self = Self(252);
    /// Anything.
    pub const ANY: Self = Self(255);

    /// The registry's name, if it has one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        types::name(self.0)
    }
}

impl fmt::Display for RecordType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        name_or_number(self.name(), "TYPE", self.0, f)
    }
}

/// A class. `IN`, nearly always.
///
/// [`Display`](fmt::Display) gives the registry's name, or `CLASS32` where it
/// has none.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Class(pub u16);

impl Class {
    /// The Internet.
    pub const IN: Self = Self(1);
    /// Chaos, used to ask servers about themselves.
    pub const CH: Self = Self(3);
    /// No class: what is not to be there (RFC 2136).
    pub const NONE: Self = Self(254);
    /// Any class.
    pub const ANY: Self = Self(255);

    /// The registry's name, if it has one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            1 => "IN",
            3 => "CH",
            4 => "HS",
            254 => "NONE",
            255 => "ANY",
            _ => return None,
        })
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        name_or_number(self.name(), "CLASS", self.0, f)
    }
}

/// What a message is about.
///
/// [`Display`](fmt::Display) gives its name in upper case, or `OPCODE3` where
/// it has none.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Opcode(pub u8);

impl Opcode {
    /// A question.
    pub const QUERY: Self = Self(0);
    /// A zone has changed (RFC 1996).
    pub const NOTIFY: Self = Self(4);
    /// A zone is to be changed (RFC 2136).
    pub const UPDATE: Self = Self(5);

    /// Its name, if it has one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "QUERY",
            1 => "IQUERY",
            2 => "STATUS",
            4 => "NOTIFY",
            5 => "UPDATE",
            6 => "DSO",
            _ => return None,
        })
    }
}

impl fmt::Display for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        name_or_number(self.name(), "OPCODE", self.0.into(), f)
    }
}

/// How a question went.
///
/// [`Display`](fmt::Display) gives the registry's name, or `RCODE12` where it
/// has none.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Rcode(pub u16);

impl Rcode {
    /// All is well.
    pub const NO_ERROR: Self = Self(0);
    /// The server could not read the question.
    pub const FORM_ERR: Self = Self(1);
    /// The server failed.
    pub const SERV_FAIL: Self = Self(2);
    /// There is no such name.
    pub const NX_DOMAIN: Self = Self(3);
    /// The server does not do this.
    pub const NOT_IMP: Self = Self(4);
    /// The server does not want to.
    pub const REFUSED: Self = Self(5);

    /// The registry's name, if it has one.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        Some(match self.0 {
            0 => "NoError",
            1 => "FormErr",
            2 => "ServFail",
            3 => "NXDomain",
            4 => "NotImp",
            5 => "Refused",
            6 => "YXDomain",
            7 => "YXRRSet",
            8 => "NXRRSet",
            9 => "NotAuth",
            10 => "NotZone",
            11 => "DSOTYPENI",
            // Without TSIG, the same number is BADSIG (RFC 8945).
            16 => "BADVERS",
            17 => "BADKEY",
            18 => "BADTIME",
            19 => "BADMODE",
            20 => "BADNAME",
            21 => "BADALG",
            22 => "BADTRUNC",
            23 => "BADCOOKIE",
            _ => return None,
        })
    }
}

impl fmt::Display for Rcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        name_or_number(self.name(), "RCODE", self.0, f)
    }
}

fn name_or_number(
    name: Option<&str>,
    kind: &str,
    number: u16,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    match name {
        Some(name) => f.pad(name),
        None => write!(f, "{kind}{number}"),
    }
}
