//! Heads: a start line, header fields, an empty line.
//!
//! Nearly all heads are as they should be, and httparse reads those, straight
//! from the chunk where they lie whole in it. The others are read by
//! [`lenient`](crate::lenient), line by line.

use core::mem::MaybeUninit;

use httparse::{Header, ParserConfig, Request, Response, Status};

use crate::HttpVersion;
use crate::authority::Authority;
use crate::fields::Fields;
use crate::framing::Framing;
use crate::grammar::looks_like_method;
use crate::lenient;
use crate::start_line::{Form, StartLine};

/// What a head says.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) fields: Fields,
    pub(crate) version: HttpVersion,
    /// The status of a response; a request has none.
    pub(crate) status: Option<u16>,
    pub(crate) framing: Framing,
}

/// Reads the head that `bytes` begin with, if it is whole and as it should be,
/// and says how long it is.
pub(crate) fn whole(bytes: &[u8], max_headers: usize) -> Option<(Head, usize)> {
    if bytes.starts_with(b"HTTP/") {
        response(bytes, max_headers)
    } else {
        request(bytes, max_headers)
    }
}

/// Reads a head that ends with `bytes`, or of which that is the beginning.
pub(crate) fn any(bytes: &[u8], max_headers: usize) -> Option<Head> {
    match whole(bytes, max_headers) {
        Some((head, len)) if len == bytes.len() => Some(head),
        _ => lenient::read(bytes, max_headers),
    }
}

fn request(bytes: &[u8], max_headers: usize) -> Option<(Head, usize)> {
    let mut headers = [const { MaybeUninit::uninit() }; USUAL];
    let mut request = Request::new(&mut []);
    let parsed = ParserConfig::default().parse_request_with_uninit_headers(
        &mut request,
        bytes,
        &mut headers,
    );
    let Ok(Status::Complete(len)) = parsed else {
        return None;
    };
    let method = request.method?.as_bytes();
    // Any other may have the end of a body before it.
    if !looks_like_method(method) {
        return None;
    }
    let target = request.path?.as_bytes();
    let version = version(request.version?);
    let head = head(
        [method, target],
        request.headers,
        version,
        None,
        max_headers,
    )?;
    Some((head, len))
}

fn response(bytes: &[u8], max_headers: usize) -> Option<(Head, usize)> {
    let mut headers = [const { MaybeUninit::uninit() }; USUAL];
    let mut response = Response::new(&mut []);
    let parsed = ParserConfig::default().parse_response_with_uninit_headers(
        &mut response,
        bytes,
        &mut headers,
    );
    let Ok(Status::Complete(len)) = parsed else {
        return None;
    };
    let (status, reason) = match (response.code, response.reason) {
        (Some(status), Some(reason)) if !reason.is_empty() => (status, reason.as_bytes()),
        // There is none, or one that is not ASCII, which is not given.
        _ => status_and_reason(bytes)?,
    };
    let version = version(response.version?);
    let head = head(
        [reason, b""],
        response.headers,
        version,
        Some(status),
        max_headers,
    )?;
    Some((head, len))
}

fn status_and_reason(bytes: &[u8]) -> Option<(u16, &[u8])> {
    let line = bytes.split(|byte| *byte == b'\n').next()?;
    match StartLine::parse(line)? {
        (StartLine::Response { reason, status, .. }, Form::Valid) => Some((status, reason)),
        _ => None,
    }
}

fn head(
    words: [&[u8]; 2],
    headers: &[Header<'_>],
    version: HttpVersion,
    status: Option<u16>,
    max_headers: usize,
) -> Option<Head> {
    if headers.len() > max_headers {
        return None;
    }
    let fields = headers
        .iter()
        .map(|header| (header.name.as_bytes(), header.value));
    let [method, target] = words;
    let authority = Authority::of_target(method, target);
    Some(Head {
        framing: Framing::of(fields.clone(), version, authority),
        fields: Fields::new(words, fields),
        version,
        status,
    })
}

fn version(minor: u8) -> HttpVersion {
    HttpVersion { major: 1, minor }
}

/// Heads with more headers are read line by line.
const USUAL: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_both_readers_take_they_read_alike() {
        for bytes in [
            &b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"[..],
            b"GET / HTTP/1.0\nHost:a  \nX:\n\n",
            b"POST /\xc3\xa9 HTTP/1.1\r\nContent-Length: 5\r\nX: \xff\t\x80\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"HTTP/1.0 200\r\n\r\n",
            b"HTTP/1.0 200 \r\n\r\n",
            b"HTTP/1.1 404  Not  here \r\nA: b\r\n\r\n",
            b"HTTP/1.1 404 caf\xe9\r\nA: b\r\n\r\n",
        ] {
            let (strict, len) = whole(bytes, 100).expect("it is as it should be");
            let lenient = lenient::read(bytes, 100).expect("it has a start line");
            assert_eq!(len, bytes.len());
            assert_eq!(strict.fields, lenient.fields);
            assert_eq!(strict.framing, lenient.framing);
            assert_eq!(strict.version, lenient.version);
            assert_eq!(strict.status, lenient.status);
        }
    }

    #[test]
    fn what_is_not_whole_or_odd_is_left() {
        for bytes in [
            &b"GET / HTTP/1.1\r\nHost: a\r\n"[..],
            b"GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            b"GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
            b"GET / HTTP/1.1\r\nA: b\0c\r\n\r\n",
            b"GET  / HTTP/1.1\r\n\r\n",
        ] {
            assert!(whole(bytes, 100).is_none(), "{}", bytes.escape_ascii());
        }
        assert!(whole(b"GET / HTTP/1.1\r\nA: b\r\nA: b\r\n\r\n", 1).is_none());
    }
}
