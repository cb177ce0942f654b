//! Whether bytes are DNS, on any port.

use flowscope_core::session::ProbeResult;

use crate::error::Problem;
use crate::numbers::{Class, RecordType};
use crate::packet::record::{Item, Walk};
use crate::packet::{Header, Question, Section};

/// Whether the payload of a datagram is DNS: see
/// [`DnsUdpParser::probe`](crate::DnsUdpParser::probe).
pub(crate) fn of_datagram(payload: &[u8]) -> ProbeResult {
    match Header::read(payload) {
        Some(header) => of_message(payload, &header),
        None => ProbeResult::NoMatch,
    }
}

/// Whether the first bytes of one side of a TCP connection are DNS: see
/// [`DnsTcpParser::probe`](crate::DnsTcpParser::probe).
pub(crate) fn of_stream(bytes: &[u8]) -> ProbeResult {
    let Some((prefix, rest)) = bytes.split_first_chunk::<2>() else {
        return ProbeResult::Possible;
    };
    let len = usize::from(u16::from_be_bytes(*prefix));
    if len < Header::LEN {
        return ProbeResult::NoMatch;
    }
    let message = rest.get(..len).unwrap_or(rest);
    let Some(header) = Header::read(message) else {
        return ProbeResult::Possible;
    };
    if header.least_len() > len {
        return ProbeResult::NoMatch;
    }
    // What the beginning tells is so however the message goes on, so that it
    // makes no difference whether the rest is there.
    match of_beginning(message, &header) {
        ProbeResult::Possible if message.len() == len => of_message(message, &header),
        result => result,
    }
}

/// A whole message, or what was captured of it.
fn of_message(message: &[u8], header: &Header) -> ProbeResult {
    let mut result = of_header(header);
    let mut walk = Walk::new(message, header, ITEMS, 0);
    if result == ProbeResult::NoMatch {
        return ProbeResult::NoMatch;
    }
    let mut read = 0u32;
    while let Some(item) = walk.step() {
        let item = of_item(&item, header);
        if item == ProbeResult::NoMatch && read == 0 {
            return ProbeResult::NoMatch;
        }
        result = result.min(item.max(ProbeResult::Possible));
        read += 1;
    }
    match (read, walk.problem()) {
        // A server that could not read the question, or one that has nothing
        // to say of it.
        (0, None) if message.len() == Header::LEN => result.min(ProbeResult::Possible),
        (0, _) => ProbeResult::NoMatch,
        (_, None | Some(Problem::TooMany { .. })) => result,
        (_, Some(_)) => ProbeResult::Possible,
    }
}

/// The beginning of a message that goes on.
fn of_beginning(message: &[u8], header: &Header) -> ProbeResult {
    let result = of_header(header);
    if result == ProbeResult::NoMatch {
        return ProbeResult::NoMatch;
    }
    let mut walk = Walk::new(message, header, 1, 0);
    match walk.step() {
        Some(item @ Item::Question(_)) => result.min(of_item(&item, header)),
        Some(item) => ProbeResult::Possible.min(of_item(&item, header)),
        None => match walk.problem() {
            Some(Problem::BadName { .. }) => ProbeResult::NoMatch,
            // The longest question is not that long, but a record may be.
            _ if message.len() > ENOUGH && header.count(Section::Question) > 0 => {
                ProbeResult::NoMatch
            }
            _ => ProbeResult::Possible,
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
    of_header(header) == ProbeResult::Match
        && walk.step().is_none()
        && matches!(walk.problem(), Some(Problem::BadName { .. }))
}

/// What the header alone tells.
pub(crate) fn of_header(header: &Header) -> ProbeResult {
    let [questions, records @ ..] = header.counts();
    let is_query = !header.has(Header::QR);
    if header.opcode().name().is_none() || (is_query && questions == 0 && records == [0; 3]) {
        return ProbeResult::NoMatch;
    }
    // RFC 6895, section 2: these have no meaning, so that nobody should set
    // them. Some do.
    let odd = header.has(Header::Z)
        || (is_query && header.rcode() != 0)
        || header.rcode() > 11
        || questions > 64;
    if odd {
        ProbeResult::Possible
    } else {
        ProbeResult::Match
    }
}

/// What a question or record tells.
fn of_item(item: &Item<'_>, header: &Header) -> ProbeResult {
    let (rtype, class) = match item {
        Item::Question(question) => (question.rtype, question.class),
        Item::Record(_, record) if record.rtype == RecordType::OPT => {
            return if record.name.is_root() {
                ProbeResult::Match
            } else {
                ProbeResult::NoMatch
            };
        }
        Item::Record(_, record) => (record.rtype, record.class),
    };
    if class.name().is_none() || rtype.0 == 0 {
        return ProbeResult::NoMatch;
    }
    // NetBIOS has the form of DNS, and names in letters of its own (RFC 1001,
    // section 14.1).
    if let Item::Question(Question { name, .. }) = item
        && let RecordType(32 | 33) = rtype
        && let Some(label) = name.labels().next()
        && label.len() == 32
        && label.iter().all(|letter| matches!(letter, b'A'..=b'P'))
    {
        return ProbeResult::NoMatch;
    }
    let usual = rtype.name().is_some() && (class != Class::NONE || header.opcode().0 == 5);
    if usual {
        ProbeResult::Match
    } else {
        ProbeResult::Possible
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
            assert_ne!(of_datagram(payload), ProbeResult::Match);
            unsure += u32::from(of_datagram(payload) == ProbeResult::Possible);
            if payload.len() >= 14 {
                assert_eq!(of_stream(payload), ProbeResult::NoMatch);
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
            assert_eq!(of_stream(bytes), ProbeResult::NoMatch, "{bytes:?}");
            assert_eq!(of_datagram(bytes), ProbeResult::NoMatch, "{bytes:?}");
        }
        let name =
            b"\x12\x34\x01\x10\0\x01\0\0\0\0\0\0\x20FHEPFCELEHFCEPFFFACACACACACACABL\0\0\x20\0\x01";
        assert_eq!(of_datagram(name), ProbeResult::NoMatch);
        // A time server's client (RFC 5905).
        let mut ntp = [0; 48];
        ntp[0] = 0x23;
        assert_eq!(of_datagram(&ntp), ProbeResult::NoMatch);
    }

    #[test]
    fn a_stream_is_told_as_soon_as_its_question_is_there() {
        let stream = b"\x01\0\x12\x34\x81\x80\0\x01\0\x05\0\0\0\0\x01a\0\0\x01\0\x01\xc0\x0c";
        for len in 0..stream.len() {
            let bytes = stream.get(..len).unwrap_or_default();
            let expected = match len {
                0..21 => ProbeResult::Possible,
                _ => ProbeResult::Match,
            };
            assert_eq!(of_stream(bytes), expected, "{len}");
        }
    }
}
