//! Questions and records, found one after the other.

use core::fmt;

use super::cursor::Cursor;
use super::{Header, Name, RecordData};
use crate::error::Problem;
use crate::numbers::{Class, RecordType};

/// A part of a message.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Section {
    /// What is asked. In an UPDATE, the zone (RFC 2136, section 2.3).
    Question,
    /// What answers it. In an UPDATE, what has to hold before.
    Answer,
    /// Who is an authority. In an UPDATE, what is to be changed.
    Authority,
    /// What comes along.
    Additional,
}

/// A question (RFC 1035, section 4.1.2).
///
/// [`Display`](fmt::Display) writes it as in a zone file: `example.com IN A`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Question<'a> {
    /// The name asked for.
    pub name: Name<'a>,
    /// The type asked for.
    pub rtype: RecordType,
    /// The class asked for, without the bit of multicast DNS.
    pub class: Class,
    /// Whether a multicast question would rather have a unicast response: the
    /// top bit of the class (RFC 6762, section 5.4).
    pub wants_unicast: bool,
}

impl Question<'_> {
    /// Whether both ask the same, without regard to case.
    pub(crate) fn asks_the_same(&self, other: &Question<'_>) -> bool {
        self.rtype == other.rtype
            && self.class == other.class
            && self.name.eq_ignore_case(&other.name)
    }
}

impl fmt::Display for Question<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.name, self.class, self.rtype)
    }
}

/// A record (RFC 1035, section 4.1.3).
///
/// [`Display`](fmt::Display) writes it as in a zone file:
/// `example.com 300 IN A 192.0.2.1`.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Record<'a> {
    /// The name it belongs to.
    pub name: Name<'a>,
    /// What kind of data it has.
    pub rtype: RecordType,
    /// Its class, without the bit of multicast DNS.
    pub class: Class,
    /// Whether it replaces what is known of its name: the top bit of the class
    /// in multicast DNS (RFC 6762, section 10.2).
    pub flushes_cache: bool,
    /// For how many seconds it may be kept.
    pub ttl: u32,
    /// What it says; of the last record of a message, perhaps not all of it.
    pub data: RecordData<'a>,
}

impl fmt::Display for Record<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            name,
            rtype,
            class,
            ttl,
            data,
            ..
        } = self;
        write!(f, "{name} {ttl} {class} {rtype} {data}")
    }
}

/// The questions of a message.
#[derive(Clone, Debug)]
pub struct Questions<'a>(Walk<'a>);

impl<'a> Questions<'a> {
    pub(super) fn new(walk: Walk<'a>) -> Self {
        Self(walk)
    }

    /// The records behind the questions, of which it does not matter how many
    /// were asked for before.
    ///
    /// Together they are one walk along the message.
    #[must_use]
    pub fn into_records(self) -> Records<'a> {
        Records(self.0)
    }
}

impl<'a> Iterator for Questions<'a> {
    type Item = Question<'a>;

    fn next(&mut self) -> Option<Question<'a>> {
        if self.0.section()? != Section::Question {
            return None;
        }
        match self.0.step()? {
            Item::Question(question) => Some(question),
            Item::Record(..) => None,
        }
    }
}

/// The records of a message, each with its section.
#[derive(Clone, Debug)]
pub struct Records<'a>(Walk<'a>);

impl<'a> Records<'a> {
    pub(super) fn new(walk: Walk<'a>) -> Self {
        Self(walk)
    }
}

impl<'a> Iterator for Records<'a> {
    type Item = (Section, Record<'a>);

    fn next(&mut self) -> Option<(Section, Record<'a>)> {
        loop {
            if let Item::Record(section, record) = self.0.step()? {
                return Some((section, record));
            }
        }
    }
}

/// The records of one section of a message.
///
/// The first OPT record among the additional ones is not given: it is the
/// message's [`Edns`](super::Edns). Any other is a record where it does not
/// belong (RFC 6891, section 6.1.1), and given as such.
#[derive(Clone, Debug)]
pub struct SectionRecords<'a> {
    walk: Walk<'a>,
    section: Section,
    /// The OPT record was passed, or is not to be.
    is_past_edns: bool,
}

impl<'a> SectionRecords<'a> {
    pub(super) fn new(walk: Walk<'a>, section: Section) -> Self {
        Self {
            walk: walk.only_if_any_of(section),
            section,
            is_past_edns: section != Section::Additional,
        }
    }
}

impl<'a> Iterator for SectionRecords<'a> {
    type Item = Record<'a>;

    fn next(&mut self) -> Option<Record<'a>> {
        while self.walk.section()? as u8 <= self.section as u8 {
            match self.walk.step()? {
                Item::Record(section, record) if section == self.section => {
                    if record.rtype != RecordType::OPT || self.is_past_edns {
                        return Some(record);
                    }
                    self.is_past_edns = true;
                }
                Item::Record(..) | Item::Question(_) => {}
            }
        }
        None
    }
}

/// Goes along a message.
#[derive(Clone, Debug)]
pub(crate) struct Walk<'a> {
    cursor: Cursor<'a>,
    /// How many of each section are yet to come.
    left: [u16; 4],
    /// How many may be read.
    budget: u16,
    limit: u16,
    missing: u32,
    problem: Option<Problem>,
}

#[derive(Debug)]
pub(crate) enum Item<'a> {
    Question(Question<'a>),
    Record(Section, Record<'a>),
}

impl<'a> Walk<'a> {
    pub(crate) fn new(message: &'a [u8], header: &Header, limit: u16, missing: u32) -> Self {
        Self {
            cursor: Cursor::new(message, Header::LEN),
            left: header.counts(),
            budget: limit,
            limit,
            missing,
            problem: None,
        }
    }

    /// The same, or one that is over if a section has no records, which takes no
    /// walk to it.
    fn only_if_any_of(mut self, section: Section) -> Self {
        if self.left.get(section as usize) == Some(&0) {
            self.left = [0; 4];
        }
        self
    }

    /// The section of what comes next.
    pub(crate) fn section(&self) -> Option<Section> {
        match self.left {
            [0, 0, 0, 0] => None,
            [0, 0, 0, _] => Some(Section::Additional),
            [0, 0, ..] => Some(Section::Authority),
            [0, ..] => Some(Section::Answer),
            _ => Some(Section::Question),
        }
    }

    /// The next question or record; none at the end or at a problem.
    #[inline]
    pub(crate) fn step(&mut self) -> Option<Item<'a>> {
        if self.problem.is_some() {
            return None;
        }
        let section = self.section()?;
        let Some(budget) = self.budget.checked_sub(1) else {
            self.problem = Some(Problem::TooMany { limit: self.limit });
            return None;
        };
        self.budget = budget;
        if let Some(left) = self.left.iter_mut().find(|left| **left > 0) {
            *left -= 1;
        }
        let offset = self.cursor.at();
        let item = match section {
            Section::Question => question(&mut self.cursor).map(Item::Question),
            _ => record(&mut self.cursor).map(|record| Item::Record(section, record)),
        };
        match item {
            Ok(item) => {
                if let Item::Record(_, record) = &item
                    && record.data.missing() > 0
                {
                    self.fail(Problem::Short { offset });
                }
                Some(item)
            }
            Err(problem) => {
                self.fail(problem);
                None
            }
        }
    }

    fn fail(&mut self, problem: Problem) {
        self.problem = Some(match problem {
            Problem::Short { .. } if self.missing > 0 => Problem::Cut {
                missing: self.missing,
            },
            other => other,
        });
    }

    /// Where it has come to.
    pub(crate) fn at(&self) -> usize {
        self.cursor.at()
    }

    /// What ended the walk, once it has ended.
    pub(crate) fn problem(&self) -> Option<Problem> {
        let len = self.cursor.rest().len();
        let trailing = (len > 0).then_some(Problem::Trailing { len });
        self.problem.or(trailing)
    }
}

fn question<'a>(cursor: &mut Cursor<'a>) -> Result<Question<'a>, Problem> {
    let offset = cursor.at();
    let mut ahead = *cursor;
    let name = ahead.name().map_err(|trouble| trouble.at(offset))?;
    let (rtype, class) = ahead
        .u16()
        .zip(ahead.u16())
        .ok_or(Problem::Short { offset })?;
    *cursor = ahead;
    let (class, wants_unicast) = split_class(class);
    Ok(Question {
        name,
        rtype: RecordType(rtype),
        class,
        wants_unicast,
    })
}

fn record<'a>(cursor: &mut Cursor<'a>) -> Result<Record<'a>, Problem> {
    let offset = cursor.at();
    let mut ahead = *cursor;
    let name = ahead.name().map_err(|trouble| trouble.at(offset))?;
    let mut fields = || -> Option<_> {
        let (rtype, class, ttl) = (ahead.u16()?, ahead.u16()?, ahead.u32()?);
        let len = ahead.u16()?;
        Some((RecordType(rtype), class, ttl, len))
    };
    let (rtype, class, ttl, len) = fields().ok_or(Problem::Short { offset })?;
    let data = ahead;
    let missing = len - ahead.take_most(len);
    let data = data.until(ahead.at());
    *cursor = ahead;
    // The class of an OPT record is a size.
    let (class, flushes_cache) = match rtype {
        RecordType::OPT => (Class(class), false),
        _ => split_class(class),
    };
    Ok(Record {
        name,
        rtype,
        class,
        flushes_cache,
        ttl,
        data: RecordData::new(rtype, data, missing),
    })
}

/// A class, and the bit that multicast DNS has put on top of it.
///
/// The classes for private use (RFC 6895, section 3.2) have that bit too.
fn split_class(class: u16) -> (Class, bool) {
    match class {
        0x8000..PRIVATE_CLASSES => (Class(class & 0x7fff), true),
        other => (Class(other), false),
    }
}

const PRIVATE_CLASSES: u16 = 0xff00;
