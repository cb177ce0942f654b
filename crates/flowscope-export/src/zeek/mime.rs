//! What kind of file a body is, by how it begins, in Zeek's words for it.
//!
//! These are the kinds that are met on the web; what is none of them has no
//! type in the log.

/// The type of what begins so; `None` where it is not known.
pub(super) fn of(start: &[u8]) -> Option<&'static str> {
    let binary = KINDS.iter().find(|(_, at, bytes)| {
        let there = start.get(*at..);
        there.is_some_and(|there| there.starts_with(bytes))
    });
    if let Some((kind, ..)) = binary {
        return Some(kind);
    }
    let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    of_markup(text)
        .or_else(|| of_json(text))
        .or_else(|| is_text(text).then_some("text/plain"))
}

/// The type of a text that begins with a tag, behind comments.
fn of_markup(text: &[u8]) -> Option<&'static str> {
    let mut is_xml = false;
    let mut rest = text.trim_ascii_start();
    loop {
        let (begin, end): (&[u8], &[u8]) = match rest {
            [b'<', b'!', b'-', b'-', ..] => (b"<!--", b"-->"),
            [b'<', b'?', b'x', b'm', b'l', b' ', ..] => (b"<?xml ", b"?>"),
            _ => break,
        };
        is_xml |= begin != b"<!--";
        let Some(at) = find(rest, end) else {
            rest = &[];
            break;
        };
        rest = rest.get(at + end.len()..)?.trim_ascii_start();
    }
    let is_tag = |name: &[u8]| {
        let own = rest.get(1..=name.len());
        rest.starts_with(b"<") && own.is_some_and(|own| own.eq_ignore_ascii_case(name))
    };
    let found = TAGS.iter().find(|(name, _)| is_tag(name.as_bytes()));
    match found {
        Some((_, kind)) => Some(kind),
        None => is_xml.then_some("application/xml"),
    }
}

/// The type of a text that begins as an object or a list of JSON.
fn of_json(text: &[u8]) -> Option<&'static str> {
    let (first, rest) = text.trim_ascii_start().split_first()?;
    let rest = rest.trim_ascii_start();
    let is_json = match (first, rest) {
        (b'{', [b'}', end @ ..]) | (b'[', [b']', end @ ..]) => end.trim_ascii().is_empty(),
        (b'{', [b'"', name @ ..]) => {
            let end = name
                .iter()
                .position(|byte| *byte == b'"')
                .filter(|len| *len > 0);
            let behind = end.and_then(|end| name.get(end + 1..));
            behind.is_some_and(|behind| behind.trim_ascii_start().starts_with(b":"))
        }
        (b'[', [b'{' | b'[', ..]) => true,
        (b'[', [b'"' | b'0'..=b'9', item @ ..]) => {
            let end = item.iter().find(|byte| matches!(byte, b',' | b']' | b'\n'));
            end == Some(&b',')
        }
        _ => false,
    };
    is_json.then_some("text/json")
}

/// Whether the first ten letters can be printed.
fn is_text(text: &[u8]) -> bool {
    let is_letter = |byte: &u8| byte.is_ascii_graphic() || matches!(byte, 9..=13 | b' ');
    text.get(..10)
        .is_some_and(|start| start.iter().all(is_letter))
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|found| found == what)
}

/// A type, and the bytes at a place by which it is told. The longer of two that
/// begin alike comes first.
const KINDS: [(&str, usize, &[u8]); 34] = [
    ("image/gif", 0, b"GIF8"),
    ("image/jpeg", 0, b"\xff\xd8"),
    ("image/png", 0, b"\x89PNG"),
    ("image/webp", 8, b"WEBP"),
    ("image/x-icon", 0, b"\0\0\x01\0"),
    ("image/tiff", 0, b"II*\0"),
    ("image/tiff", 0, b"MM\0*"),
    ("application/x-gzip", 0, b"\x1f\x8b"),
    ("application/x-bzip2", 0, b"BZh"),
    ("application/x-xz", 0, b"\xfd7zXZ\0"),
    ("application/x-7z-compressed", 0, b"7z\xbc\xaf\x27\x1c"),
    ("application/x-rar", 0, b"Rar!"),
    ("application/zip", 0, b"PK\x03\x04"),
    ("application/vnd.ms-cab-compressed", 0, b"MSCF\0\0\0\0"),
    ("application/x-dosexec", 0, b"MZ"),
    ("application/pdf", 0, b"%PDF-"),
    ("application/msword", 0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ("application/x-shockwave-flash", 0, b"CWS"),
    ("application/x-shockwave-flash", 0, b"FWS"),
    ("application/x-shockwave-flash", 0, b"ZWS"),
    ("application/vnd.tcpdump.pcap", 0, b"\xd4\xc3\xb2\xa1"),
    ("application/vnd.tcpdump.pcap", 0, b"\xa1\xb2\xc3\xd4"),
    ("application/vnd.tcpdump.pcap", 0, b"\n\r\r\n"),
    ("application/x-pem", 0, b"-----BEGIN CERTIFICATE-----"),
    ("application/font-woff", 0, b"wOFF"),
    ("video/x-flv", 0, b"FLV"),
    ("video/webm", 0, b"\x1a\x45\xdf\xa3"),
    ("video/mp4", 4, b"ftypisom"),
    ("video/mp4", 4, b"ftypmp4"),
    ("audio/mpeg", 0, b"ID3"),
    ("application/ogg", 0, b"OggS"),
    ("text/x-shellscript", 0, b"#!/bin/sh"),
    ("text/x-shellscript", 0, b"#!/bin/bash"),
    ("text/x-php", 0, b"<?php"),
];

/// Tags in lower case, behind their `<`, and what begins with them.
const TAGS: [(&str, &str); 7] = [
    ("!doctype html", "text/html"),
    ("html", "text/html"),
    ("head", "text/html"),
    ("title", "text/html"),
    ("body", "text/html"),
    ("rss", "text/rss"),
    ("feed", "text/atom"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_how_they_begin() {
        for (start, expected) in [
            (b"GIF89a".as_slice(), Some("image/gif")),
            (b"RIFF\x01\x02\x03\x04WEBPVP8", Some("image/webp")),
            (b"\x1f\x8b\x08", Some("application/x-gzip")),
            (b"<!DOCTYPE HTML PUBLIC", Some("text/html")),
            (b"\r\n <!-- a --> <html>", Some("text/html")),
            (b"<?xml version=\"1.0\"?>\n<rss version", Some("text/rss")),
            (b"<?xml version=\"1.0\"?>\n<a>", Some("application/xml")),
            (b"\xef\xbb\xbf{\"a\": 1}", Some("text/json")),
            (b"[1, 2]", Some("text/json")),
            (b"[]", Some("text/json")),
            (b"{a text in braces}", Some("text/plain")),
            (b"hello, world", Some("text/plain")),
            (b"hello", None),
            (b"\0\x01\x02\x03", None),
            (b"", None),
        ] {
            assert_eq!(of(start), expected, "{}", start.escape_ascii());
        }
    }
}
