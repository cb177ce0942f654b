//! How much the first bytes of a stream look like HTTP.

use flowscope_core::FlowSide;

use crate::start_line::{Form, StartLine, is_header_line, is_status_line, without_line_end};
use crate::words::{LONGEST_METHOD, METHODS, is_control, is_like_a_method, is_line_space};

/// How much some bytes look like a protocol.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Likeness {
    /// They are it.
    Certain,
    /// They may be it; more bytes will tell.
    Unsure,
    /// They are not.
    No,
}

/// How much the first bytes of a stream look like HTTP/1.
///
/// The initiator of a flow is more likely to send requests, and the responder
/// responses. For the other way round, a whole start line is asked for.
pub(crate) fn recognise(bytes: &[u8], side: FlowSide) -> Likeness {
    let blank = bytes
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .count();
    let bytes = bytes.get(blank..).unwrap_or_default();
    match (request(bytes), response(bytes), side) {
        // Empty lines may come before a request.
        (Likeness::No, response, FlowSide::Responder) => response,
        (request, Likeness::No, FlowSide::Initiator) => request,
        _ => whole_line(bytes),
    }
}

/// How much `bytes` look like the beginning of a request.
pub(crate) fn request(bytes: &[u8]) -> Likeness {
    let start = bytes.get(..LONGEST_METHOD + 1).unwrap_or(bytes);
    let Some(space) = start.iter().position(is_line_space) else {
        return match start {
            [] => Likeness::Unsure,
            word if word.len() > LONGEST_METHOD => Likeness::No,
            word if is_like_a_method(word) || is_short_beginning(word) => Likeness::Unsure,
            _ => Likeness::No,
        };
    };
    let (method, target) = start.split_at_checked(space).unwrap_or_default();
    let known = METHODS.iter().any(|known| known.as_bytes() == method);
    if !known && !is_like_a_method(method) {
        return Likeness::No;
    }
    match (known, target) {
        // Others have methods of the same names, but not such targets.
        (true, [_, b'/', ..]) => Likeness::Certain,
        _ => whole_line(bytes),
    }
}

/// How much `bytes` look like the beginning of a request with a known method.
pub(crate) fn known_request(bytes: &[u8]) -> Likeness {
    let word = bytes.split(|byte| *byte == b' ').next().unwrap_or_default();
    let begun = word.len() == bytes.len();
    let known = METHODS.iter().any(|known| {
        let known = known.as_bytes();
        known == word || (begun && known.starts_with(word))
    });
    match (known, begun) {
        (false, _) => Likeness::No,
        (true, true) => Likeness::Unsure,
        (true, false) => request(bytes),
    }
}

/// How much `bytes` look like the beginning of a response.
pub(crate) fn response(bytes: &[u8]) -> Likeness {
    match is_status_line(bytes) {
        Some(true) => Likeness::Certain,
        Some(false) => Likeness::No,
        None => Likeness::Unsure,
    }
}

/// Nothing short of a start line is certain.
fn whole_line(bytes: &[u8]) -> Likeness {
    if let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
        let (line, rest) = bytes.split_at_checked(end + 1).unwrap_or_default();
        return match StartLine::parse(line) {
            Some((start, Form::Doubtful)) => header_follows(rest, start.is_known()),
            Some(_) => Likeness::Certain,
            None => Likeness::No,
        };
    }
    let content = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let is_odd = |byte: &u8| is_control(*byte) && !matches!(byte, b'\t' | b'\r');
    let odd = content.iter().position(is_odd);
    let (before, from) = content
        .split_at_checked(odd.unwrap_or(content.len()))
        .unwrap_or_default();
    if content.len() > LONGEST_LINE || (odd.is_some() && !StartLine::may_go_on(before, from)) {
        return Likeness::No;
    }
    match (request_word(content), response(content)) {
        (false, Likeness::No) => Likeness::No,
        _ => Likeness::Unsure,
    }
}

/// Whether what is behind a line makes a request of it: a header, or the end of
/// the head.
fn header_follows(rest: &[u8], is_known: bool) -> Likeness {
    let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
        return match rest.len() > LONGEST_LINE {
            true => Likeness::No,
            false => Likeness::Unsure,
        };
    };
    let content = without_line_end(rest.get(..=end).unwrap_or_default());
    match is_header_line(content) || (content.is_empty() && is_known) {
        true => Likeness::Certain,
        false => Likeness::No,
    }
}

fn request_word(content: &[u8]) -> bool {
    let word = content.split(is_line_space).next().unwrap_or_default();
    is_like_a_method(word) || is_short_beginning(word)
}

fn is_short_beginning(word: &[u8]) -> bool {
    word.len() < 3
        && word
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'-'))
}

/// Without an end of the line in this many bytes, it is none of a request.
const LONGEST_LINE: usize = 8 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_bytes_are_told_apart() {
        use FlowSide::{Initiator, Responder};
        use Likeness::{Certain, No, Unsure};
        for (bytes, side, likeness) in [
            (&b"GET /"[..], Initiator, Certain),
            (b"\r\nGET /", Initiator, Certain),
            (b"", Initiator, Unsure),
            (b"G", Initiator, Unsure),
            (b"GET ", Initiator, Unsure),
            (b"OPTIONS * HTTP/1.1\r\n", Initiator, Certain),
            (b"OPTIONS rtsp://a/ RTSP/1.0\r\n", Initiator, No),
            (b"OPTIONS sip:a SIP/2.0\r\n", Initiator, No),
            (b"CONNECT a:443 HT", Initiator, Unsure),
            (b"CONNECT a:443 HTTP/1.1\r\n", Initiator, Certain),
            (b"SSTP_DUPLEX_POST /sra_ HTTP/1.1\r\n", Initiator, Certain),
            (b"BREW /", Initiator, Unsure),
            (b"BREW / HTTP/1.1\n", Initiator, Certain),
            (b"PRI * HTTP/2.0\r\n", Initiator, No),
            (b"SSH-2.0-OpenSSH_9\r\n", Initiator, No),
            (b"EHLO there\r\n", Initiator, No),
            (b"\x16\x03\x01", Initiator, No),
            (b"BREW /\r\n", Initiator, Unsure),
            (b"BREW /\r\nHost: a\r\n", Initiator, Certain),
            (b"BREW /\r\n\r\n", Initiator, No),
            (b"OPTIONS *\r\n\r\n", Initiator, Certain),
            (b"OPTIONS *\r\nOPTIONS *\r\n", Initiator, No),
            (b"PUT key 5\r\n", Initiator, No),
            (b"GET /", Responder, Unsure),
            (b"GET / HTTP/1.1\r\n", Responder, Certain),
            (b"HTTP/1.1 200 ", Responder, Certain),
            (b"HTTP/1", Responder, Unsure),
            (b"HTTP/1.1 200 OK", Initiator, Unsure),
            (b"HTTP/1.1 200 OK\r\n", Initiator, Certain),
            (b"220 ready\r\n", Responder, No),
            (b"ICY 200 OK\r\n", Responder, Certain),
            (b"\0\0", Responder, No),
        ] {
            let shown = bytes.escape_ascii();
            assert_eq!(recognise(bytes, side), likeness, "{shown} {side:?}");
        }
    }
}
