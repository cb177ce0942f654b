//! Whether bytes are DNS, on any port.

use crate::error::Problem;
use crate::numbers::{Class, RecordType};
use crate::packet::record::{Item, Walk};
use crate::packet::{Header, Question, Section};

/// How much bytes look like DNS.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Likeness {
    /// They are something else.
    No,
    /// They may be DNS: what there is of it fits, but it is too little, or odd.
    Unsure,
    /// Other bytes would hardly look like this by chance.
    Certain,
}

impl Likeness {
    /// Looks at the payload of a datagram, of which the capture may lack the
    /// end.
    ///
    /// ```
    /// use flowscope_dns::Likeness;
    ///
    /// let query = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\0\0\x01\0\x01";
    /// assert_eq!(Likeness::of_datagram(query), Likeness::Certain);
    /// assert_eq!(Likeness::of_datagram(b"M-SEARCH * HTTP/1.1\r\n"), Likeness::No);
    /// ```
    #[must_use]
    pub fn of_datagram(payload: &[u8]) -> Self {
        let Some(header) = Header::read(payload) else {
            return Self::No;
        };
        of_message(payload, &header)
    }

    /// Looks at the first bytes of one side of a TCP connection: a message with
    /// its length before it (RFC 1035, section 4.2.2).
    ///
    /// [`Unsure`](Self::Unsure) until there are enough: ask again when there
    /// are more, 300 at the most.
    ///
    /// ```
    /// use flowscope_dns::Likeness;
    ///
    /// let query = b"\0\x19\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\0\0\x01\0\x01";
    /// assert_eq!(Likeness::of_stream(query), Likeness::Certain);
    /// assert_eq!(Likeness::of_stream(&query[..20]), Likeness::Unsure);
    /// assert_eq!(Likeness::of_stream(b"SSH-2.0-OpenSSH_9.2"), Likeness::No);
    /// ```
    #[must_use]
    pub fn of_stream(bytes: &[u8]) -> Self {
        let Some((prefix, rest)) = bytes.split_first_chunk::<2>() else {
            return Self::Unsure;
        };
        let len = usize::from(u16::from_be_bytes(*prefix));
        if len < Header::LEN {
            return Self::No;
        }
        let message = rest.get(..len).unwrap_or(rest);
        let Some(header) = Header::read(message) else {
            return Self::Unsure;
        };
        if header.least_len() > len {
            return Self::No;
        }
        if message.len() == len {
            return of_message(message, &header);
        }
        of_beginning(message, &header)
    }
}

/// A whole message, or what was captured of it.
fn of_message(message: &[u8], header: &Header) -> Likeness {
    let mut likeness = of_header(header);
    let mut walk = Walk::new(message, header, ITEMS, 0);
    if likeness == Likeness::No {
        return Likeness::No;
    }
    let mut read = 0u32;
    while let Some(item) = walk.step() {
        let odd = oddness(&item, header);
        if odd == Likeness::No && read == 0 {
            return Likeness::No;
        }
        likeness = likeness.min(odd.max(Likeness::Unsure));
        read += 1;
    }
    match (read, walk.problem()) {
        // A server that could not read the question, or one that has nothing
        // to say of it.
        (0, None) if message.len() == Header::LEN => likeness.min(Likeness::Unsure),
        (0, _) => Likeness::No,
        (_, None | Some(Problem::TooMany { .. })) => likeness,
        (_, Some(_)) => Likeness::Unsure,
    }
}

/// The beginning of a message that goes on.
fn of_beginning(message: &[u8], header: &Header) -> Likeness {
    let likeness = of_header(header);
    if likeness == Likeness::No {
        return Likeness::No;
    }
    let mut walk = Walk::new(message, header, 1, 0);
    match walk.step() {
        Some(item @ Item::Question(_)) => likeness.min(oddness(&item, header)),
        Some(item) => Likeness::Unsure.min(oddness(&item, header)),
        None => match walk.problem() {
            Some(Problem::BadName { .. }) => Likeness::No,
            // The longest question is not that long, but a record may be.
            _ if message.len() > ENOUGH && header.count(Section::Question) > 0 => Likeness::No,
            _ => Likeness::Unsure,
        },
    }
}

/// Whether the beginning of a message in a stream is beyond doubt, but for its
/// first name, which no more bytes would make a name.
pub(crate) fn has_bad_name(bytes: &[u8], header: &Header) -> bool {
    let Some((_, message)) = bytes.split_first_chunk::<2>() else {
        return false;
    };
    let mut walk = Walk::new(message, header, 1, 0);
    of_header(header) == Likeness::Certain
        && walk.step().is_none()
        && matches!(walk.problem(), Some(Problem::BadName { .. }))
}

/// What the header alone tells.
pub(crate) fn of_header(header: &Header) -> Likeness {
    let [questions, records @ ..] = header.counts();
    let is_query = !header.has(Header::QR);
    if header.opcode().name().is_none() || (is_query && questions == 0 && records == [0; 3]) {
        return Likeness::No;
    }
    // RFC 6895, section 2: these have no meaning, so that nobody should set
    // them. Some do.
    let odd = header.has(Header::Z)
        || (is_query && header.rcode() != 0)
        || header.rcode() > 11
        || questions > 64;
    if odd {
        Likeness::Unsure
    } else {
        Likeness::Certain
    }
}

/// What a question or record tells.
fn oddness(item: &Item<'_>, header: &Header) -> Likeness {
    let (rtype, class) = match item {
        Item::Question(question) => (question.rtype, question.class),
        Item::Record(_, record) if record.rtype == RecordType::OPT => {
            return if record.name.is_root() {
                Likeness::Certain
            } else {
                Likeness::No
            };
        }
        Item::Record(_, record) => (record.rtype, record.class),
    };
    if class.name().is_none() || rtype.0 == 0 {
        return Likeness::No;
    }
    // NetBIOS has the form of DNS, and names in letters of its own (RFC 1001,
    // section 14.1).
    if let Item::Question(Question { name, .. }) = item
        && let RecordType(32 | 33) = rtype
        && let Some(label) = name.labels().next()
        && label.len() == 32
        && label.iter().all(|letter| matches!(letter, b'A'..=b'P'))
    {
        return Likeness::No;
    }
    let usual = rtype.name().is_some() && (class != Class::NONE || header.opcode().0 == 5);
    if usual {
        Likeness::Certain
    } else {
        Likeness::Unsure
    }
}

/// As many questions and records as are worth looking at.
const ITEMS: u16 = 64;

/// A header and the longest question.
pub(crate) const ENOUGH: usize = Header::LEN + 255 + 4;

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that look random, the same on every run (xorshift).
    fn noise() -> impl FnMut() -> u8 {
        let mut state = 0x9e37_79b9_7f4a_7c15u64;
        move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        }
    }

    #[test]
    fn noise_is_not_dns() {
        let mut next = noise();
        let mut unsure = 0;
        for n in 0..300_000usize {
            let mut bytes = [0; 64];
            bytes.iter_mut().for_each(|byte| *byte = next());
            let payload = bytes.get(..n % 65).unwrap_or_default();
            assert_ne!(Likeness::of_datagram(payload), Likeness::Certain);
            unsure += u32::from(Likeness::of_datagram(payload) == Likeness::Unsure);
            if payload.len() >= 14 {
                assert_eq!(Likeness::of_stream(payload), Likeness::No);
            }
        }
        assert_eq!(unsure, 0);
    }

    #[test]
    fn other_protocols_are_not_dns() {
        for bytes in [
            &b"GET / HTTP/1.1\r\nHost: example.com\r\n\r\n"[..],
            b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03abcdefghijklmnopqrstuvwxyz",
            b"SSH-2.0-OpenSSH_9.2p1\r\n",
            b"220 mail.example ESMTP\r\n",
            b"\x10\x2a\0\x04MQTT\x04\x02\0\x3c\0\x1e0123456789",
            &[0; 64],
            &[0xff; 64],
        ] {
            assert_eq!(Likeness::of_stream(bytes), Likeness::No, "{bytes:?}");
            assert_eq!(Likeness::of_datagram(bytes), Likeness::No, "{bytes:?}");
        }
        let name =
            b"\x12\x34\x01\x10\0\x01\0\0\0\0\0\0\x20FHEPFCELEHFCEPFFFACACACACACACABL\0\0\x20\0\x01";
        assert_eq!(Likeness::of_datagram(name), Likeness::No);
        // A time server's client (RFC 5905).
        let mut ntp = [0; 48];
        ntp[0] = 0x23;
        assert_eq!(Likeness::of_datagram(&ntp), Likeness::No);
    }

    #[test]
    fn a_stream_is_told_as_soon_as_its_question_is_there() {
        let stream = b"\x01\0\x12\x34\x81\x80\0\x01\0\x05\0\0\0\0\x01a\0\0\x01\0\x01\xc0\x0c";
        for len in 0..stream.len() {
            let bytes = stream.get(..len).unwrap_or_default();
            let expected = match len {
                0..21 => Likeness::Unsure,
                _ => Likeness::Certain,
            };
            assert_eq!(Likeness::of_stream(bytes), expected, "{len}");
        }
    }
}
