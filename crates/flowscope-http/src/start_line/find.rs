//! Start lines, found where they may be: in the middle of something, behind the
//! end of a body.

use super::{Form, StartLine, is_status_line, without_line_end};
use crate::HttpVersion;
use crate::grammar::{METHODS, is_control, is_known_method, is_token, looks_like_method};

/// What a side is known to send.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ExpectedMessage {
    Requests,
    Responses,
    Either,
}

impl StartLine<'_> {
    /// Whether `line`, which was read as this, may be the end of something else
    /// and then a request: `a=b&cGET / HTTP/1.1` begins with a token, but with
    /// none that is a method.
    pub(crate) fn may_hide_another(&self, form: Form, line: &[u8], longest: usize) -> bool {
        let Self::Request { method, .. } = self else {
            return false;
        };
        let is_likely = form == Form::Valid && looks_like_method(method);
        let find = || Self::find(line, ExpectedMessage::Requests, false, longest);
        !is_known_method(method) && !is_likely && find().is_some_and(|at| at > 0)
    }

    /// Where in any line a start line begins that ends with it and is no longer
    /// than `longest`, besides the line's end.
    ///
    /// Bytes of a body without a line end may come before it, so it need not
    /// be at the front. `at_line` says that the front is where a line begins,
    /// and not the rest of one: an unknown method is believed there alone.
    pub(crate) fn find(
        line: &[u8],
        expected: ExpectedMessage,
        at_line: bool,
        longest: usize,
    ) -> Option<usize> {
        let earliest = Self::earliest(line, longest);
        let content = without_line_end(line).get(earliest..)?;
        let at_line = at_line && earliest == 0;
        let found = match expected {
            ExpectedMessage::Requests => find_request(content, at_line),
            ExpectedMessage::Responses => find_response(content),
            ExpectedMessage::Either => {
                find_response(content).or_else(|| find_request(content, at_line))
            }
        };
        found.map(|offset| earliest + offset)
    }

    /// The first place at which a start line no longer than `longest` may begin
    /// that ends with `line`.
    pub(crate) fn earliest(line: &[u8], longest: usize) -> usize {
        let content = without_line_end(line);
        let skipped = content.len().saturating_sub(longest);
        let content = content.get(skipped..).unwrap_or_default();
        // No start line has a control character, so it is behind the last.
        let clean = content.iter().rposition(|byte| is_control(*byte));
        skipped + clean.map_or(0, |control| control + 1)
    }
}

/// `GET / HTTP/1.1` at the end of `line`: exactly three words, of which the
/// first is, or ends with, a known method, or is the line's beginning.
fn find_request(line: &[u8], at_line: bool) -> Option<usize> {
    let end = line.len().checked_sub(b" HTTP/1.1".len())?;
    let (before, version) = line.split_at_checked(end)?;
    let (version, rest) = split_version(version.strip_prefix(b" ")?)?;
    let space = before.iter().rposition(|byte| *byte == b' ')?;
    let (method, target) = before.split_at_checked(space)?;
    if target.len() < 2 || !rest.is_empty() || version.major != 1 {
        return None;
    }
    let word = method
        .iter()
        .rposition(|byte| !is_token(byte))
        .map_or(0, |before| before + 1);
    let word_only = method.get(word..)?;
    let known = METHODS
        .iter()
        .filter(|known| word_only.ends_with(known.as_bytes()))
        .map(|known| known.len())
        .max();
    match known {
        Some(len) => Some(method.len() - len),
        None if at_line && word == 0 && looks_like_method(word_only) => Some(0),
        None => None,
    }
}

/// The last `HTTP/1.1 200` in `line`.
fn find_response(line: &[u8]) -> Option<usize> {
    let mut from = line.len();
    loop {
        from = line.get(..from)?.iter().rposition(|byte| *byte == b'H')?;
        let rest = line.get(from..)?;
        match is_status_line(rest) {
            Some(true) => return Some(from),
            // The line ends with the status.
            None if rest.len() == b"HTTP/1.1 200".len() => return Some(from),
            Some(false) | None => {}
        }
    }
}

fn split_version(bytes: &[u8]) -> Option<(HttpVersion, &[u8])> {
    let rest = bytes.strip_prefix(b"HTTP/1.")?;
    let (digit, rest) = rest.split_first()?;
    let minor = digit.checked_sub(b'0').filter(|minor| *minor < 10)?;
    Some((HttpVersion { major: 1, minor }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_nobody_has_may_hide_one() {
        for (line, hides) in [
            ("tail-of-bodyGET / HTTP/1.1\r\n", true),
            ("the end of oneGET / HTTP/1.1\r\n", true),
            ("THE END GET / HTTP/1.1\r\n", true),
            ("FORGET / HTTP/1.1\r\n", false),
            ("GET /a GET / HTTP/1.1\r\n", false),
            ("brew /a HTTP/1.1\r\n", false),
            ("HTTP/1.1 200 GET / HTTP/1.1\r\n", false),
        ] {
            let line = line.as_bytes();
            let (parsed, form) = StartLine::parse(line).expect("a start line");
            let shown = line.escape_ascii();
            assert_eq!(parsed.may_hide_another(form, line, 100), hides, "{shown}");
        }
    }

    #[test]
    fn start_lines_are_found_behind_a_body_without_a_line_end() {
        use ExpectedMessage::{Either, Requests, Responses};
        for (line, expected, at) in [
            ("GET / HTTP/1.1\r\n", Requests, Some(0)),
            ("a=bPOST /x HTTP/1.1\r\n", Requests, Some(3)),
            ("\0\x01UNLOCK /x HTTP/1.1\r\n", Requests, Some(2)),
            ("BREW /x HTTP/1.1\r\n", Requests, Some(0)),
            ("x BREW /x HTTP/1.1\r\n", Requests, None),
            ("GET / HTTP/1.1\r\n", Responses, None),
            ("GET / HTTP/1.1\r\n", Either, Some(0)),
            ("</html>HTTP/1.1 200 OK\r\n", Either, Some(7)),
            ("HHTTP/1.1 200\r\n", Responses, Some(1)),
            ("HTTP/1.1 200 OK\r\n", Requests, None),
            ("HTTP/1.1 20\r\n", Responses, None),
            ("GET  HTTP/1.1\r\n", Either, None),
            ("\r\n", Either, None),
            ("", Either, None),
        ] {
            let found = StartLine::find(line.as_bytes(), expected, true, 100);
            assert_eq!(found, at, "{line}");
        }
        assert_eq!(
            StartLine::find(b"EAD / HTTP/1.1\r\n", Requests, false, 100),
            None
        );
    }
}
