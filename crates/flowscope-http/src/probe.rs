//! Whether the first bytes of a stream are HTTP.

use flowscope_core::FlowSide;
use flowscope_core::session::ProbeResult;

use crate::grammar::{LONGEST_METHOD, METHODS, is_control, is_line_space, looks_like_method};
use crate::start_line::{Form, StartLine, is_header_line, is_status_line, without_line_end};

/// Whether the first bytes of the stream of `side` are HTTP/1.
///
/// The initiator of a flow is more likely to send requests, and the responder
/// responses. For the other way round, a whole start line is asked for.
pub(crate) fn probe(bytes: &[u8], side: FlowSide) -> ProbeResult {
    let blank = bytes
        .iter()
        .take_while(|byte| matches!(byte, b'\r' | b'\n'))
        .count();
    let bytes = bytes.get(blank..).unwrap_or_default();
    match (request(bytes), response(bytes), side) {
        // Empty lines may come before a request.
        (ProbeResult::NoMatch, response, FlowSide::Responder) => response,
        (request, ProbeResult::NoMatch, FlowSide::Initiator) => request,
        _ => whole_line(bytes),
    }
}

/// Whether `bytes` are the beginning of a request.
pub(crate) fn request(bytes: &[u8]) -> ProbeResult {
    let start = bytes.get(..LONGEST_METHOD + 1).unwrap_or(bytes);
    let Some(space) = start.iter().position(is_line_space) else {
        return match start {
            [] => ProbeResult::Possible,
            word if word.len() > LONGEST_METHOD => ProbeResult::NoMatch,
            word if looks_like_method(word) || is_short_beginning(word) => ProbeResult::Possible,
            _ => ProbeResult::NoMatch,
        };
    };
    let (method, target) = start.split_at_checked(space).unwrap_or_default();
    if !looks_like_method(method) {
        return ProbeResult::NoMatch;
    }
    let known = METHODS.iter().any(|known| known.as_bytes() == method);
    match (known, target) {
        // Others have methods of the same names, but not such targets.
        (true, [_, b'/', ..]) => ProbeResult::Match,
        _ => whole_line(bytes),
    }
}

/// Whether `bytes` are the beginning of a request with a known method.
pub(crate) fn known_request(bytes: &[u8]) -> ProbeResult {
    let word = bytes.split(|byte| *byte == b' ').next().unwrap_or_default();
    let begun = word.len() == bytes.len();
    let known = METHODS.iter().any(|known| {
        let known = known.as_bytes();
        known == word || (begun && known.starts_with(word))
    });
    match (known, begun) {
        (false, _) => ProbeResult::NoMatch,
        (true, true) => ProbeResult::Possible,
        (true, false) => request(bytes),
    }
}

/// Whether `bytes` are the beginning of a response.
pub(crate) fn response(bytes: &[u8]) -> ProbeResult {
    match is_status_line(bytes) {
        Some(true) => ProbeResult::Match,
        Some(false) => ProbeResult::NoMatch,
        None => ProbeResult::Possible,
    }
}

/// Where in `bytes`, from the middle of anything, a start line may begin: see
/// [`HttpParser::find`](crate::HttpParser::find).
pub(crate) fn find(bytes: &[u8]) -> Option<(usize, ProbeResult)> {
    let mut from = 1;
    while let Some(at) = word_end(bytes, from) {
        let (before, rest) = bytes.split_at_checked(at)?;
        let start = match rest.first() {
            Some(b' ') => longest_method_at_end(before).map(|method| at - method.len()),
            _ => at.checked_sub(b"HTTP".len()),
        };
        if let Some(start) = start
            && let Some(found) = bytes.get(start..)
            && let result @ (ProbeResult::Match | ProbeResult::Possible) = start_line(found)
        {
            return Some((start, result));
        }
        from = at + 1;
    }
    // The beginning of a word is at the very end.
    let is_part =
        |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || b"-_/. ".contains(byte);
    let parts = bytes
        .iter()
        .rev()
        .take(LONGEST_CUT)
        .take_while(|byte| is_part(byte));
    let first = bytes.len() - parts.count();
    (first..bytes.len()).find_map(|start| {
        let cut = bytes.get(start..)?;
        let is_first = cut.first().is_some_and(u8::is_ascii_uppercase);
        let may_go_on = is_first && start_line(cut) == ProbeResult::Possible;
        may_go_on.then_some((start, ProbeResult::Possible))
    })
}

/// The first place, not before `from`, at which a method may end with a space, or
/// `HTTP` with a slash.
fn word_end(bytes: &[u8], from: usize) -> Option<usize> {
    let ends = |(before, byte): (&u8, &u8)| {
        (before.is_ascii_uppercase() & (*byte == b' ')) | ((*before == b'P') & (*byte == b'/'))
    };
    let before = bytes.get(from.checked_sub(1)?..)?;
    let (_, rest) = before.split_first()?;
    // Most blocks have none. To test a whole one of known length without a branch
    // for each byte lets the compiler use SIMD.
    let (before_blocks, _) = before.as_chunks::<BLOCK>();
    let (blocks, _) = rest.as_chunks::<BLOCK>();
    let has_none = |(before, block): (&[u8; BLOCK], &[u8; BLOCK])| {
        let pairs = before.iter().zip(block);
        !pairs.fold(false, |any, pair| any | ends(pair))
    };
    let mut passed = 0;
    for pair in before_blocks.iter().zip(blocks) {
        if !has_none(pair) {
            break;
        }
        passed += BLOCK;
    }
    // What is left is part of one more block, most of which was tested.
    if rest.len() - passed < BLOCK
        && let (Some((_, before)), Some(last)) = (before.split_last(), rest.last_chunk())
        && let Some(before) = before.last_chunk()
        && has_none((before, last))
    {
        return None;
    }
    let mut pairs = before.iter().zip(rest).skip(passed);
    let found = pairs.position(ends)?;
    Some(from + passed + found)
}

/// The longest known method that `bytes` end with.
fn longest_method_at_end(bytes: &[u8]) -> Option<&'static [u8]> {
    let last = bytes.last_chunk::<2>()?;
    let methods = METHODS.iter().map(|method| method.as_bytes());
    methods
        // Few are left to be compared.
        .filter(|method| method.ends_with(last) && bytes.ends_with(method))
        .max_by_key(|method| method.len())
}

/// Whether `bytes` begin with a status, or with a known method and what targets
/// begin with.
fn start_line(bytes: &[u8]) -> ProbeResult {
    let may_go_on = is_status_line(bytes);
    if may_go_on == Some(true) {
        return ProbeResult::Match;
    }
    let mut found = match may_go_on {
        None => ProbeResult::Possible,
        Some(_) => ProbeResult::NoMatch,
    };
    let Some(first) = bytes.first() else {
        return ProbeResult::Possible;
    };
    for method in METHODS {
        if !method.as_bytes().starts_with(&[*first]) {
            continue;
        }
        let Some(rest) = bytes.strip_prefix(method.as_bytes()) else {
            if method.as_bytes().starts_with(bytes) {
                found = found.max(ProbeResult::Possible);
            }
            continue;
        };
        found = found.max(match rest {
            [] | [b' '] => ProbeResult::Possible,
            [b' ', b'/' | b'h' | b'H' | b'*', ..] => ProbeResult::Match,
            [b' ', next, ..] if *method == "CONNECT" && next.is_ascii_graphic() => {
                ProbeResult::Match
            }
            _ => ProbeResult::NoMatch,
        });
    }
    found
}

/// Nothing short of a start line is certain.
fn whole_line(bytes: &[u8]) -> ProbeResult {
    if let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
        let (line, rest) = bytes.split_at_checked(end + 1).unwrap_or_default();
        return match StartLine::parse(line) {
            Some((start, Form::Ambiguous)) => header_follows(rest, start.is_known()),
            Some(_) => ProbeResult::Match,
            None => ProbeResult::NoMatch,
        };
    }
    let content = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let is_odd = |byte: &u8| is_control(*byte) && !matches!(byte, b'\t' | b'\r');
    let odd = content.iter().position(is_odd);
    let (before, from) = content
        .split_at_checked(odd.unwrap_or(content.len()))
        .unwrap_or_default();
    if content.len() > LONGEST_LINE || (odd.is_some() && !StartLine::may_go_on(before, from)) {
        return ProbeResult::NoMatch;
    }
    match (request_word(content), response(content)) {
        (false, ProbeResult::NoMatch) => ProbeResult::NoMatch,
        _ => ProbeResult::Possible,
    }
}

/// Whether what is behind a line makes a request of it: a header, or the end of
/// the head.
fn header_follows(rest: &[u8], is_known: bool) -> ProbeResult {
    let Some(end) = rest.iter().position(|byte| *byte == b'\n') else {
        return match rest.len() > LONGEST_LINE {
            true => ProbeResult::NoMatch,
            false => ProbeResult::Possible,
        };
    };
    let content = without_line_end(rest.get(..=end).unwrap_or_default());
    match is_header_line(content) || (content.is_empty() && is_known) {
        true => ProbeResult::Match,
        false => ProbeResult::NoMatch,
    }
}

fn request_word(content: &[u8]) -> bool {
    let word = content.split(is_line_space).next().unwrap_or_default();
    looks_like_method(word) || is_short_beginning(word)
}

fn is_short_beginning(word: &[u8]) -> bool {
    word.len() < 3
        && word
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'-'))
}

/// The most bytes that do not tell yet whether they begin a start line: the longest
/// method and a space.
const LONGEST_CUT: usize = 17;

/// Bytes that are tested together.
const BLOCK: usize = 32;

/// Without an end of the line in this many bytes, it is none of a request.
const LONGEST_LINE: usize = 8 << 10;

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    #[test]
    fn first_bytes_are_told_apart() {
        use FlowSide::{Initiator, Responder};
        use ProbeResult::{Match, NoMatch, Possible};
        for (bytes, side, expected) in [
            (&b"GET /"[..], Initiator, Match),
            (b"\r\nGET /", Initiator, Match),
            (b"", Initiator, Possible),
            (b"G", Initiator, Possible),
            (b"GET ", Initiator, Possible),
            (b"OPTIONS * HTTP/1.1\r\n", Initiator, Match),
            (b"OPTIONS rtsp://a/ RTSP/1.0\r\n", Initiator, NoMatch),
            (b"OPTIONS sip:a SIP/2.0\r\n", Initiator, NoMatch),
            (b"CONNECT a:443 HT", Initiator, Possible),
            (b"CONNECT a:443 HTTP/1.1\r\n", Initiator, Match),
            (b"SSTP_DUPLEX_POST /sra_ HTTP/1.1\r\n", Initiator, Match),
            (b"BREW /", Initiator, Possible),
            (b"BREW / HTTP/1.1\n", Initiator, Match),
            (b"PRI * HTTP/2.0\r\n", Initiator, NoMatch),
            (b"SSH-2.0-OpenSSH_9\r\n", Initiator, NoMatch),
            (b"EHLO there\r\n", Initiator, NoMatch),
            (b"\x16\x03\x01", Initiator, NoMatch),
            (b"BREW /\r\n", Initiator, Possible),
            (b"BREW /\r\nHost: a\r\n", Initiator, Match),
            (b"BREW /\r\n\r\n", Initiator, NoMatch),
            (b"OPTIONS *\r\n\r\n", Initiator, Match),
            (b"OPTIONS *\r\nOPTIONS *\r\n", Initiator, NoMatch),
            (b"PUT key 5\r\n", Initiator, NoMatch),
            (b"GET /", Responder, Possible),
            (b"GET / HTTP/1.1\r\n", Responder, Match),
            (b"HTTP/1.1 200 ", Responder, Match),
            (b"HTTP/1", Responder, Possible),
            (b"HTTP/1.1 200 OK", Initiator, Possible),
            (b"HTTP/1.1 200 OK\r\n", Initiator, Match),
            (b"220 ready\r\n", Responder, NoMatch),
            (b"ICY 200 OK\r\n", Responder, Match),
            (b"\0\0", Responder, NoMatch),
        ] {
            let shown = bytes.escape_ascii();
            assert_eq!(probe(bytes, side), expected, "{shown} {side:?}");
        }
    }

    #[test]
    fn start_lines_are_found_in_the_middle_of_anything() {
        use ProbeResult::{Match, Possible};
        for (bytes, expected) in [
            (&b"GET / HTTP/1.1\r\n"[..], Some((0, Match))),
            (b"\x05\x01\0POST /x", Some((3, Match))),
            (b"a=bOPTIONS * H", Some((3, Match))),
            (b"</html>HTTP/1.1 200 OK", Some((7, Match))),
            (b"</html>HTTP/1.1 200", Some((7, Possible))),
            (b"x CONNECT a:443", Some((2, Match))),
            (b"UNLOCK /", Some((0, Match))),
            (b"a GET", Some((2, Possible))),
            (b"a GET ", Some((2, Possible))),
            (b"a GET you", None),
            (b"a GEx", None),
            (b"HTTP/2 is here", None),
            (b"....SSTP_DUPLEX_POST ", Some((4, Possible))),
            (b"....SSTP_DUPLEX_POST /", Some((4, Match))),
            (b"PPPPP", Some((4, Possible))),
            (b"", None),
        ] {
            assert_eq!(find(bytes), expected, "{}", bytes.escape_ascii());
        }
        for (before, behind) in (0..100).zip([0, 1, 31, 32, 33, 90].into_iter().cycle()) {
            let line = [&vec![b'x'; before][..], b"PUT /", &vec![b'x'; behind]].concat();
            assert_eq!(find(&line), Some((before, Match)), "{before} {behind}");
            let none = vec![b'x'; before + behind];
            assert_eq!(find(&none), None);
        }
        let longest = METHODS.iter().map(|method| method.len()).max();
        assert_eq!(longest, Some(LONGEST_CUT - 1));
        let far = [&[b'x'; 1000][..], b"DELETE /x HTTP/1.1\r\n"].concat();
        assert_eq!(find(&far), Some((1000, Match)));
    }
}
