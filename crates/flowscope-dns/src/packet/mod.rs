//! One message, read as far as it is asked for.
//!
//! A [`DnsPacket`] keeps the bytes and looks at the header alone. Questions
//! and records are found by walking along the bytes, without allocation; what
//! a record says is decoded when it is written out. Every name, record and
//! field is checked on the way, so that any bytes are safe to ask about.

pub(crate) mod cursor;
mod edns;
mod location;
mod name;
mod rdata;
pub(crate) mod record;
pub(crate) mod text;

pub use edns::{Edns, EdnsOption, EdnsOptions};
pub use name::{Labels, Name, ReadableName};
pub use rdata::RecordData;
pub use record::{Question, Questions, Record, Records, Section, SectionRecords};

use alloc::sync::Arc;
use core::fmt::{self, Write};

use crate::config::DnsConfig;
use crate::error::{DnsError, Problem};
use crate::numbers::{Opcode, Rcode};
use record::{Item, Walk};

/// A DNS message (RFC 1035, section 4), of DNS, multicast DNS or LLMNR.
///
/// Cloning it does not copy its bytes.
///
/// ```
/// use flowscope_dns::{DnsPacket, Section};
///
/// let response = b"\x12\x34\x81\x80\0\x01\0\x02\0\0\0\0\x03www\x07example\0\0\x01\0\x01\
///     \xc0\x0c\0\x05\0\x01\0\0\x0e\x10\0\x04\x01a\xc0\x10\
///     \xc0\x29\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01";
/// let packet = DnsPacket::parse(response)?;
///
/// assert!(packet.is_response() && packet.is_recursion_available());
/// assert_eq!((packet.id(), packet.rcode().to_string().as_str()), (0x1234, "NoError"));
/// let answers: Vec<String> = packet.answers().map(|record| record.to_string()).collect();
/// assert_eq!(answers, [
///     "www.example 3600 IN CNAME a.example",
///     "a.example 60 IN A 192.0.2.1",
/// ]);
/// assert_eq!(packet.count(Section::Additional), 0);
/// assert_eq!(packet.problem(), None);
/// # Ok::<(), flowscope_dns::DnsError>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct DnsPacket {
    bytes: Arc<[u8]>,
    header: Header,
    max_records: u16,
    max_expansion: u16,
    missing: u32,
}

impl DnsPacket {
    /// Copies a message, without the length that comes before it on a stream.
    ///
    /// # Errors
    ///
    /// [`DnsError::ShortHeader`] if there is not so much as a header. Anything
    /// else that is wrong is a [`problem`](Self::problem).
    pub fn parse(message: &[u8]) -> Result<Self, DnsError> {
        Self::of(message, 0, &DnsConfig::default())
    }

    /// A message of whose end `missing` bytes were not captured.
    pub(crate) fn of(message: &[u8], missing: u32, config: &DnsConfig) -> Result<Self, DnsError> {
        let len = message.len();
        let header = Header::read(message).ok_or(DnsError::ShortHeader { len })?;
        Ok(Self {
            bytes: message.into(),
            header,
            max_records: config.max_records,
            max_expansion: config.max_expansion,
            missing,
        })
    }

    /// The identifier that a response shares with its query.
    #[must_use]
    pub fn id(&self) -> u16 {
        self.header.id
    }

    /// Whether it is a response (QR).
    #[must_use]
    pub fn is_response(&self) -> bool {
        self.header.has(Header::QR)
    }

    /// What it is about.
    #[must_use]
    pub fn opcode(&self) -> Opcode {
        self.header.opcode()
    }

    /// How it went, with the part of it that is in the OPT record.
    #[must_use]
    pub fn rcode(&self) -> Rcode {
        let high = self.edns().map_or(0, |edns| edns.extended_rcode());
        Rcode(u16::from(high) << 4 | self.header.rcode())
    }

    /// Whether the answer is from an authority for the name (AA).
    #[must_use]
    pub fn is_authoritative(&self) -> bool {
        self.header.has(Header::AA)
    }

    /// Whether the sender cut the message short (TC).
    #[must_use]
    pub fn is_truncated(&self) -> bool {
        self.header.has(Header::TC)
    }

    /// Whether recursion is wished for (RD).
    #[must_use]
    pub fn is_recursion_desired(&self) -> bool {
        self.header.has(Header::RD)
    }

    /// Whether recursion is on offer (RA).
    #[must_use]
    pub fn is_recursion_available(&self) -> bool {
        self.header.has(Header::RA)
    }

    /// Whether the server vouches for the data (AD, RFC 4035, section 3.2.3).
    #[must_use]
    pub fn is_authentic(&self) -> bool {
        self.header.has(Header::AD)
    }

    /// Whether the server need not check signatures (CD, RFC 4035, section
    /// 3.2.2).
    #[must_use]
    pub fn is_checking_disabled(&self) -> bool {
        self.header.has(Header::CD)
    }

    /// How many questions or records a section has, as the header says.
    #[must_use]
    pub fn count(&self, section: Section) -> u16 {
        self.header.count(section)
    }

    /// The first question, which is the only one in nearly all messages.
    #[must_use]
    pub fn question(&self) -> Option<Question<'_>> {
        self.questions().next()
    }

    /// The questions, up to the first that cannot be read.
    #[must_use]
    pub fn questions(&self) -> Questions<'_> {
        Questions::new(self.walk())
    }

    /// The records of all sections, the OPT record among them, up to the first
    /// that cannot be read. One walk for those who want them all.
    #[must_use]
    pub fn records(&self) -> Records<'_> {
        Records::new(self.walk())
    }

    /// The records that answer the question.
    #[must_use]
    pub fn answers(&self) -> SectionRecords<'_> {
        SectionRecords::new(self.walk(), Section::Answer)
    }

    /// The records that point to an authority.
    #[must_use]
    pub fn authorities(&self) -> SectionRecords<'_> {
        SectionRecords::new(self.walk(), Section::Authority)
    }

    /// The records that come along with the others, without the first OPT
    /// record, which is [`edns`](Self::edns).
    #[must_use]
    pub fn additionals(&self) -> SectionRecords<'_> {
        SectionRecords::new(self.walk(), Section::Additional)
    }

    /// What the OPT record says, if there is one (RFC 6891). Of several, the
    /// first among the additional records counts.
    #[must_use]
    pub fn edns(&self) -> Option<Edns<'_>> {
        if self.header.count(Section::Additional) == 0 {
            return None;
        }
        self.records().find_map(Edns::of)
    }

    /// Why not all of the message can be read, or what is left of it behind
    /// the last record. Walks over all of it.
    #[must_use]
    pub fn problem(&self) -> Option<Problem> {
        let mut walk = self.walk();
        while walk.step().is_some() {}
        walk.problem()
    }

    /// The message as it came.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The most bytes of text that its names and data should be written in.
    ///
    /// A pointer of two bytes stands for a name of 255, which may be a thousand
    /// where it is written, so a message can be made whose text is hundreds of
    /// times as long. It is [`DnsConfig::max_expansion`] times as long as the
    /// message, or as 512 bytes if that is shorter.
    /// [`Display`](fmt::Display) of the message ends with `…` there.
    #[must_use]
    pub fn max_text(&self) -> usize {
        self.bytes.len().max(LEAST_LEN) * usize::from(self.max_expansion)
    }

    /// How many bytes at its end were not captured.
    #[must_use]
    pub fn missing(&self) -> u32 {
        self.missing
    }

    fn walk(&self) -> Walk<'_> {
        Walk::new(&self.bytes, &self.header, self.max_records, self.missing)
    }

    /// The same message, or one that ends behind the first question if it is
    /// long.
    pub(crate) fn trimmed(&self) -> Self {
        if self.bytes.len() <= KEPT_WHOLE {
            return self.clone();
        }
        let mut walk = self.walk();
        walk.step();
        let kept = self.bytes.get(..walk.at()).unwrap_or_default();
        Self {
            bytes: kept.into(),
            ..*self
        }
    }

    /// Whether it is of multicast DNS, as far as its form tells, and its first
    /// question.
    pub(crate) fn looks_multicast(&self, question: Option<&Question<'_>>) -> bool {
        (self.id() == 0 && !self.is_recursion_desired())
            || question.is_some_and(|question| question.wants_unicast)
    }

    /// The first question, and how it was sent.
    pub(crate) fn first_question(&self) -> Option<(Question<'_>, &[u8])> {
        let mut walk = self.walk();
        match walk.step()? {
            Item::Question(question) => Some((question, self.bytes.get(Header::LEN..walk.at())?)),
            Item::Record(..) => None,
        }
    }

    /// Whether `sent` is how its first question was sent.
    pub(crate) fn begins_with_question(&self, sent: &[u8]) -> bool {
        let behind_header = self.bytes.get(Header::LEN..).unwrap_or_default();
        self.count(Section::Question) > 0 && behind_header.starts_with(sent)
    }
}

/// A line: kind, identifier, code, question, and what the answers say.
///
/// ```
/// # use flowscope_dns::DnsPacket;
/// let response = b"\x12\x34\x81\x83\0\x01\0\0\0\0\0\0\x04nope\x07example\0\0\x1c\0\x01";
/// let packet = DnsPacket::parse(response)?;
/// assert_eq!(packet.to_string(), "response 4660 NXDomain nope.example AAAA");
/// # Ok::<(), flowscope_dns::DnsError>(())
/// ```
impl fmt::Display for DnsPacket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = text::Bounded::new(&mut *f, self.max_text());
        match self.write_line(&mut line) {
            Err(_) if line.is_full() => f.write_char('…'),
            written => written,
        }
    }
}

impl DnsPacket {
    fn write_line(&self, f: &mut impl Write) -> fmt::Result {
        if self.is_response() {
            write!(f, "response {} {}", self.id(), self.rcode())?;
        } else {
            write!(f, "query {}", self.id())?;
        }
        if self.opcode() != Opcode::QUERY {
            write!(f, " {}", self.opcode())?;
        }
        for (n, question) in self.questions().enumerate() {
            let comma = if n == 0 { "" } else { "," };
            write!(f, "{comma} {} {}", question.name, question.rtype)?;
        }
        for (n, record) in self.answers().enumerate() {
            let before = if n == 0 { " →" } else { "," };
            write!(f, "{before} {} {}", record.rtype, record.data)?;
        }
        Ok(())
    }
}

impl fmt::Debug for DnsPacket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DnsPacket")
            .field("header", &self.header)
            .field("len", &self.bytes.len())
            .field("missing", &self.missing)
            .finish_non_exhaustive()
    }
}

/// A shorter message may have as much text as one of these many bytes.
const LEAST_LEN: usize = 512;

/// The longest message that is kept whole while its response is waited for.
const KEPT_WHOLE: usize = 512;

/// The twelve bytes at the front of a message (RFC 1035, section 4.1.1).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Header {
    pub(crate) id: u16,
    flags: u16,
    counts: [u16; 4],
}

impl Header {
    pub(crate) const LEN: usize = 12;

    pub(crate) const QR: u16 = 0x8000;
    const AA: u16 = 0x0400;
    const TC: u16 = 0x0200;
    const RD: u16 = 0x0100;
    const RA: u16 = 0x0080;
    /// The bit that has no meaning and has to be zero.
    pub(crate) const Z: u16 = 0x0040;
    const AD: u16 = 0x0020;
    const CD: u16 = 0x0010;

    pub(crate) fn read(message: &[u8]) -> Option<Self> {
        let ([a, b, c, d, e, f, g, h, i, j, k, l], _) = message.split_first_chunk::<12>()?;
        let word = |high: &u8, low: &u8| u16::from_be_bytes([*high, *low]);
        Some(Self {
            id: word(a, b),
            flags: word(c, d),
            counts: [word(e, f), word(g, h), word(i, j), word(k, l)],
        })
    }

    pub(crate) fn has(&self, flag: u16) -> bool {
        self.flags & flag != 0
    }

    pub(crate) fn opcode(&self) -> Opcode {
        // Four bits.
        Opcode((self.flags >> 11) as u8 & 0xf)
    }

    pub(crate) fn rcode(&self) -> u16 {
        self.flags & 0xf
    }

    pub(crate) fn count(&self, section: Section) -> u16 {
        let [questions, answers, authorities, additionals] = self.counts;
        match section {
            Section::Question => questions,
            Section::Answer => answers,
            Section::Authority => authorities,
            Section::Additional => additionals,
        }
    }

    pub(crate) fn counts(&self) -> [u16; 4] {
        self.counts
    }

    /// The least bytes that as many questions and records can have.
    pub(crate) fn least_len(&self) -> usize {
        let [questions, records @ ..] = self.counts.map(usize::from);
        Self::LEN + questions * 5 + records.into_iter().sum::<usize>() * 11
    }
}
