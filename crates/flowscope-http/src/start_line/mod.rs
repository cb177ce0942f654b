//! Start lines, read where one should be. [`find`] finds them elsewhere.

mod find;

pub(crate) use find::ExpectedMessage;

use crate::HttpVersion;
use crate::grammar::{
    LONGEST_METHOD, is_control, is_known_method, is_line_space, is_token, looks_like_method,
};

/// The first line of a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum StartLine<'a> {
    Request {
        method: &'a [u8],
        target: &'a [u8],
        version: HttpVersion,
    },
    Response {
        version: HttpVersion,
        status: u16,
        reason: &'a [u8],
    },
}

/// How far a start line is what it should be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    Valid,
    /// It is not, but it can be nothing else than a start line.
    Irregular,
    /// A request without a version, as before there were headers: a whole one
    /// if none follow (RFC 1945, section 5).
    Simple,
    /// What may be a request without a version, or a line of another protocol:
    /// it is one if a header follows, or the other side answers in HTTP.
    Ambiguous,
}

impl<'a> StartLine<'a> {
    /// Reads a whole line.
    pub(crate) fn parse(line: &'a [u8]) -> Option<(Self, Form)> {
        let line = without_line_end(line);
        if line == HTTP2 || line.first().is_some_and(is_line_space) {
            return None;
        }
        let (start, form) = Self::response(line).or_else(|| Self::request(line))?;
        let is_odd = |byte: &u8| is_control(*byte) && *byte != b'\t';
        let Some(at) = line.iter().position(is_odd) else {
            return Some((start, form));
        };
        let (before, from) = line.split_at_checked(at)?;
        if !Self::may_go_on(before, from) {
            return None;
        }
        Some((
            start,
            match form {
                Form::Valid | Form::Irregular => Form::Irregular,
                Form::Simple | Form::Ambiguous => form,
            },
        ))
    }

    /// Whether a line that begins with `before` may be a start line for all
    /// that a control character follows, at the front of `from`.
    ///
    /// Some recipients take any white space for the space between two words
    /// (RFC 9112, sections 3 and 4), and pass over what is in a reason.
    pub(crate) fn may_go_on(before: &[u8], from: &[u8]) -> bool {
        let names_version = match before.strip_prefix(b"HTTP/") {
            Some(version) => split_any_version(version).is_some(),
            None => before.starts_with(b"ICY"),
        };
        let mut words = before.split(is_line_space).filter(|word| !word.is_empty());
        let method = words.next().unwrap_or_default();
        let is_method = is_known_method(method) || looks_like_method(method);
        names_version
            || is_method
                && match words.next() {
                    Some(target) => target.starts_with(b"/") || target.starts_with(b"http"),
                    None => from.first().is_some_and(is_line_space),
                }
    }

    /// Reads the beginning of a line whose end was not captured: a status, or
    /// a known method and what there is of a path.
    pub(crate) fn parse_cut(line: &'a [u8]) -> Option<Self> {
        if line.iter().any(|byte| is_control(*byte)) {
            return None;
        }
        if let Some((response, Form::Valid)) = Self::response(line) {
            return Some(response);
        }
        let mut words = line.split(|byte| *byte == b' ');
        let (method, target) = (words.next()?, words.next()?);
        if !is_known_method(method) || !target.starts_with(b"/") {
            return None;
        }
        let version = words
            .next()
            .and_then(|last| split_any_version(last.strip_prefix(b"HTTP/")?));
        Some(Self::Request {
            method,
            target,
            version: match version {
                Some((version, b"", false)) => version,
                _ => HttpVersion::UNKNOWN,
            },
        })
    }

    /// Whether it is a request with a method that is known.
    pub(crate) fn is_known(&self) -> bool {
        match self {
            Self::Request { method, .. } => is_known_method(method),
            Self::Response { .. } => false,
        }
    }

    /// RFC 9112, section 4: `HTTP/1.1 200 OK`.
    ///
    /// Any white space, or a NUL, parts its words. Of a status that is longer,
    /// or has something else in it, the digits among the first three places
    /// count. SHOUTcast says `ICY 200 OK`.
    fn response(line: &'a [u8]) -> Option<(Self, Form)> {
        let (version, rest, odd_version) = match line.strip_prefix(b"ICY") {
            Some(rest) => (HttpVersion::HTTP_10, rest, true),
            None => split_any_version(line.strip_prefix(b"HTTP/")?)?,
        };
        let spaces = rest
            .iter()
            .take_while(|byte| is_line_space(byte) || **byte == 0)
            .count();
        let (_, word) = rest.split_at_checked(spaces)?;
        let odd_space = spaces > 1 || rest.first() != Some(&b' ');
        let (places, _) = word.split_first_chunk::<3>()?;
        let ends = |(place, byte): (usize, &u8)| is_line_space(byte) || (place > 2 && *byte == 0);
        let end = word.iter().enumerate().position(ends);
        let end = end.unwrap_or(word.len());
        let digits = places.iter().take_while(|byte| byte.is_ascii_digit());
        let count = digits.clone().count();
        if spaces == 0 || end < 3 || count == 0 {
            return None;
        }
        let status = digits.fold(0, |status, digit| status * 10 + u16::from(digit - b'0'));
        let (_, reason) = word.split_at_checked(end)?;
        let (reason, odd_end) = match reason.split_first() {
            Some((space, reason)) => (reason, *space != b' '),
            None => (reason, false),
        };
        let response = Self::Response {
            version,
            status,
            reason,
        };
        let odd_status = count < 3 || end > 3;
        let form = match odd_version || odd_space || odd_status || odd_end {
            true => Form::Irregular,
            false => Form::Valid,
        };
        Some((response, form))
    }

    /// RFC 9112, section 3: `GET /index.html HTTP/1.1`.
    ///
    /// White space within a target makes more words than three. The second is
    /// the target then, as most readers have it. Two words are a method and a
    /// version without a target, or else a request without a version.
    fn request(line: &'a [u8]) -> Option<(Self, Form)> {
        let mut words = line.split(is_line_space).filter(|word| !word.is_empty());
        let (method, mut target) = (words.next()?, words.next()?);
        let mut last = words.next_back().unwrap_or_default();
        if method.len() > LONGEST_METHOD || !method.iter().all(is_token) {
            return None;
        }
        let is_known = is_known_method(method);
        if is_known && last.is_empty() && target.starts_with(b"HTTP/") {
            (target, last) = (b"", target);
        }
        let named = last.split_at_checked(b"HTTP/".len());
        let named = named.filter(|(name, _)| name.eq_ignore_ascii_case(b"HTTP/"));
        let version = named.and_then(|(name, version)| {
            let odd_name = name != b"HTTP/";
            match split_any_version(version)? {
                (version, b"", odd) if is_known || !odd_name => Some((version, odd || odd_name)),
                _ => None,
            }
        });
        let (version, form) = match version {
            Some((version, odd)) => {
                let exact = method.len() + target.len() + last.len() + 2;
                let odd_space = |byte: &u8| is_line_space(byte) && *byte != b' ';
                let odd_space = line.len() != exact || line.iter().any(odd_space);
                match odd || odd_space || target.is_empty() {
                    true => (version, Form::Irregular),
                    false => (version, Form::Valid),
                }
            }
            None if !is_usual_target(method, target) || names_another(last) => return None,
            None if is_known && named.is_some() => (HttpVersion::UNKNOWN, Form::Irregular),
            None if last.is_empty() && matches!(method, b"GET" | b"HEAD" | b"POST") => {
                (HttpVersion::HTTP_09, Form::Simple)
            }
            None => (HttpVersion::UNKNOWN, Form::Ambiguous),
        };
        let request = Self::Request {
            method,
            target,
            version,
        };
        Some((request, form))
    }

    /// Whether a line that begins so may become a start line.
    pub(crate) fn may_begin(bytes: &[u8]) -> bool {
        let start = bytes.get(..=LONGEST_METHOD).unwrap_or(bytes);
        let word = start.split(is_line_space).next().unwrap_or_default();
        word.starts_with(b"HTTP/")
            || b"HTTP/".starts_with(bytes)
            || ((1..=LONGEST_METHOD).contains(&word.len()) && word.iter().all(is_token))
    }
}

/// Whether `bytes` begin with `HTTP/1.1 200` and the end of a word; `None` if
/// they are too few to tell.
pub(crate) fn is_status_line(bytes: &[u8]) -> Option<bool> {
    for (index, shape) in b"HTTP/1.d ddd ".iter().enumerate() {
        let byte = bytes.get(index)?;
        let fits = match shape {
            b'd' => byte.is_ascii_digit(),
            b' ' if index == 12 => is_line_space(byte) || *byte == b'\n',
            b' ' => is_line_space(byte),
            shape => byte == shape,
        };
        if !fits {
            return Some(false);
        }
    }
    Some(true)
}

/// Whether a line without its end could be a header, or the continuation of
/// one.
pub(crate) fn is_header_line(line: &[u8]) -> bool {
    match line.iter().position(|byte| !is_token(byte)) {
        Some(0) => matches!(line.first(), Some(b' ' | b'\t')),
        Some(colon) => line.get(colon) == Some(&b':'),
        None => false,
    }
}

/// A target as those of HTTP are, and hardly anything else.
fn is_usual_target(method: &[u8], target: &[u8]) -> bool {
    let is_port = |port: &[u8]| !port.is_empty() && port.iter().all(u8::is_ascii_digit);
    let is_web = |scheme: &[u8]| {
        let begin = target.get(..scheme.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(scheme))
    };
    match method {
        b"OPTIONS" if target == b"*" => true,
        b"CONNECT"
            if target
                .rsplit(|byte| *byte == b':')
                .next()
                .is_some_and(is_port) =>
        {
            true
        }
        _ => target.starts_with(b"/") || is_web(b"http://") || is_web(b"https://"),
    }
}

/// Whether a word names the version of another protocol, as `RTSP/1.0`.
fn names_another(word: &[u8]) -> bool {
    let name = word.split(|byte| *byte == b'/').next().unwrap_or_default();
    name.len() < word.len() && !name.eq_ignore_ascii_case(b"HTTP")
}

/// Reads what comes behind `HTTP/`, as `1.1`. The flag says that it is none of
/// the versions there are.
fn split_any_version(bytes: &[u8]) -> Option<(HttpVersion, &[u8], bool)> {
    let (major, rest) = split_number(bytes)?;
    let (minor, rest) = match rest.split_first() {
        Some((b'.', rest)) => split_number(rest)?,
        _ => (0, rest),
    };
    let length = bytes.len() - rest.len();
    let odd = major != 1 || length != b"1.1".len();
    Some((HttpVersion { major, minor }, rest, odd))
}

fn split_number(bytes: &[u8]) -> Option<(u8, &[u8])> {
    let end = bytes
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (digits, rest) = bytes.split_at_checked(end)?;
    Some((str::from_utf8(digits).ok()?.parse().ok()?, rest))
}

pub(crate) fn without_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// RFC 9113, section 3.4: what a client of HTTP/2 begins with.
pub(crate) const HTTP2: &[u8] = b"PRI * HTTP/2.0";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn start_lines_are_read_strictly_and_otherwise() {
        for (line, words, odd) in [
            ("GET / HTTP/1.1\r\n", ("GET", "/"), false),
            ("GET / HTTP/1.0\n", ("GET", "/"), false),
            ("brew pot:1 HTTP/1.1\r\n", ("brew", "pot:1"), false),
            ("OPTIONS * HTTP/1.1\r\n", ("OPTIONS", "*"), false),
            ("GET  /\tHTTP/1.1\r\n", ("GET", "/"), true),
            ("GET /a b HTTP/1.1\r\n", ("GET", "/a"), true),
            ("GET / HTTP/1.1 \r\n", ("GET", "/"), true),
            ("GET / HTTP/2.0\r\n", ("GET", "/"), true),
            ("GET / HTTP/1\r\n", ("GET", "/"), true),
            ("GET / http/1.1\r\n", ("GET", "/"), true),
            ("GET /\r\n", ("GET", "/"), true),
            ("GET  HTTP/1.1\r\n", ("GET", ""), true),
            ("GET / HTTP/1.x\r\n", ("GET", "/"), true),
            ("GET / HTTP/256.1\r\n", ("GET", "/"), true),
            ("GET /a FOO\r\n", ("GET", "/a"), true),
            ("GET /\0\x01 HTTP/1.1\r\n", ("GET", "/\0\x01"), true),
            ("BREW /\0 HTTP/1.1\r\n", ("BREW", "/\0"), true),
            ("GET\x0b/\x0cHTTP/1.1\r\n", ("GET", "/"), true),
            ("GET\r/\rHTTP/1.1\r\r\n", ("GET", "/"), true),
        ] {
            let (parsed, form) = StartLine::parse(line.as_bytes()).expect(line);
            let is_odd = form != Form::Valid;
            let StartLine::Request { method, target, .. } = parsed else {
                panic!("{line}")
            };
            assert_eq!((method, target), (words.0.as_bytes(), words.1.as_bytes()));
            assert_eq!(is_odd, odd, "{line}");
        }
        for (line, code, phrase, odd) in [
            ("HTTP/1.1 200 OK\r\n", 200, "OK", false),
            ("HTTP/1.1 404\r\n", 404, "", false),
            ("HTTP/1.0 302 Moved  on \r\n", 302, "Moved  on ", false),
            ("HTTP/1.1  200 OK\r\n", 200, "OK", true),
            ("HTTP/1.1 2000 OK\r\n", 200, "OK", true),
            ("HTTP/1.1 20x OK\r\n", 20, "OK", true),
            ("HTTP/2.0 200 OK\r\n", 200, "OK", true),
            ("HTTP/1.01 200 OK\r\n", 200, "OK", true),
            ("HTTP/1 200\r\n", 200, "", true),
            ("ICY 200 OK\r\n", 200, "OK", true),
            ("HTTP/1.1 200 O\0K\r\n", 200, "O\0K", true),
            ("HTTP/1.1\r200\rX: 1\r\n", 200, "X: 1", true),
            ("HTTP/1.1\x0b\x0c200 OK\r\n", 200, "OK", true),
            ("HTTP/1.1 200\rOK\rA: b\r\n", 200, "OK\rA: b", true),
            ("HTTP/1.1 200\0OK\r\n", 200, "OK", true),
            ("HTTP/1.1\0 200 OK\r\n", 200, "OK", true),
            ("HTTP/1.1 20\0 OK\r\n", 20, "OK", true),
            ("HTTP/1.1 200\x01\r\n", 200, "", true),
            ("HTTP/1.1 200 OK\r\r\n", 200, "OK\r", true),
        ] {
            let (parsed, form) = StartLine::parse(line.as_bytes()).expect(line);
            let is_odd = form != Form::Valid;
            let StartLine::Response { status, reason, .. } = parsed else {
                panic!("{line}")
            };
            assert_eq!((status, reason, is_odd), (code, phrase.as_bytes(), odd));
        }
        for line in [
            "\r\n",
            "GET\r\n",
            "GET x\r\n",
            "BREW HTTP/1.1\r\n",
            " GET / HTTP/1.1\r\n",
            "GET * HTTP/1.x\r\n",
            "GET / RTSP/1.0\r\n",
            "LOCK\0/\r\n",
            "GET\0/ HTTP/1.1\r\n",
            "\x0bGET / HTTP/1.1\r\n",
            "OPTIONS sip:a\r\n",
            "PUT key 5\r\n",
            "DELETE key\r\n",
            "CONNECT a:b\r\n",
            "HTTP/1.1 \x01 200 OK\r\n",
            "OPTIONS rtsp://a RTSP/1.0\r\n",
            "HTTP/1.1 20 OK\r\n",
            "HTTP/1.1 abc\r\n",
            "HTTP/1.1200 OK\r\n",
            "http/1.1 200 OK\r\n",
            "ICYCLE 200\r\n",
            "G\0T / HTTP/1.1\r\n",
            "G(T / HTTP/1.1\r\n",
        ] {
            assert_eq!(StartLine::parse(line.as_bytes()), None, "{line}");
        }
    }

    #[test]
    fn a_request_line_without_a_version_is_ambiguous() {
        use Form::{Ambiguous, Irregular, Simple};
        for (line, target, form) in [
            ("GET /\r\n", "/", Simple),
            ("POST http://a/\r\n", "http://a/", Simple),
            ("PUT /\r\n", "/", Ambiguous),
            ("PUT /a 5\r\n", "/a", Ambiguous),
            ("GET /a b\r\n", "/a", Ambiguous),
            ("BREW /\n", "/", Ambiguous),
            ("brew /\r\n", "/", Ambiguous),
            ("BREW / HTTP/1.x\r\n", "/", Ambiguous),
            ("brew / http/1.1\r\n", "/", Ambiguous),
            ("LOCK / HTTP/1.x\r\n", "/", Irregular),
            ("LOCK\x0b/\0\r\n", "/\0", Ambiguous),
            ("OPTIONS *\r\n", "*", Ambiguous),
            ("CONNECT [::1]:443\r\n", "[::1]:443", Ambiguous),
            ("DELETE HTTP://a\r\n", "HTTP://a", Ambiguous),
        ] {
            let (parsed, found) = StartLine::parse(line.as_bytes()).expect(line);
            let StartLine::Request { target: of, .. } = parsed else {
                panic!("{line}")
            };
            assert_eq!((of, found), (target.as_bytes(), form), "{line}");
        }
    }
}
