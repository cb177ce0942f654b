//! Lenient parsing, as RFC 9112, section 3, calls it: heads that are not as they
//! should be.
//!
//! They are read as the RFC says where it says anything, and otherwise so that as
//! little as possible is lost. What was not as it should be is noted as an
//! anomaly.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use crate::HttpAnomalyKind as Kind;
use crate::HttpVersion;
use crate::anomaly::AnomalySet;
use crate::authority::Authority;
use crate::fields::Fields;
use crate::framing::FramingBuilder;
use crate::grammar::{is_control, is_line_space, is_token};
use crate::head::Head;
use crate::start_line::{Form, StartLine, without_line_end};

type Field<'a> = (&'a [u8], Cow<'a, [u8]>);

/// Reads a head out of whole lines, of which the last may be missing.
pub(crate) fn read(bytes: &[u8], max_headers: usize) -> Option<Head> {
    let end = bytes.iter().position(|byte| *byte == b'\n')? + 1;
    let (line, rest) = bytes.split_at_checked(end)?;
    let (start, form) = StartLine::parse(line)?;
    let mut anomalies = AnomalySet::default();
    if form != Form::Valid {
        anomalies.add(Kind::BadStartLine);
    }
    let (words, mut version, status) = words_of(start);
    let [method, target] = words;
    let mut reader = FramingBuilder::of(Authority::of_target(method, target));
    let fields = read_fields(rest, max_headers, &mut reader, &mut anomalies);
    // Before there were versions, there were no headers.
    if version == HttpVersion::HTTP_09 && !fields.is_empty() {
        version = HttpVersion::UNKNOWN;
    }
    let mut framing = reader.finish(version);
    framing.anomalies.extend(anomalies);
    let kept = fields.iter().map(|(name, value)| (*name, value.as_ref()));
    Some(Head {
        fields: Fields::new(words, kept),
        version,
        status,
        framing,
    })
}

/// Makes a head of the beginning of a start line, if that is one beyond doubt.
pub(crate) fn read_cut(line: &[u8]) -> Option<Head> {
    let (words, version, status) = words_of(StartLine::parse_cut(line)?);
    Some(Head {
        fields: Fields::new(words, core::iter::empty()),
        version,
        status,
        framing: FramingBuilder::default().finish(version),
    })
}

fn words_of(start: StartLine<'_>) -> ([&[u8]; 2], HttpVersion, Option<u16>) {
    match start {
        StartLine::Request {
            method,
            target,
            version,
        } => ([method, target], version, None),
        StartLine::Response {
            version,
            status,
            reason,
        } => ([reason, b""], version, Some(status)),
    }
}

/// Reads the fields of a trailer section.
///
/// They say nothing of framing: RFC 9110, section 6.5.1.
pub(crate) fn trailers(bytes: &[u8], max_headers: usize, anomalies: &mut AnomalySet) -> Fields {
    let fields = read_fields(
        bytes,
        max_headers,
        &mut FramingBuilder::default(),
        anomalies,
    );
    let kept = fields.iter().map(|(name, value)| (*name, value.as_ref()));
    Fields::new([b"", b""], kept)
}

/// All fields go through `framing`, and the first ones are kept.
fn read_fields<'a>(
    bytes: &'a [u8],
    max_headers: usize,
    framing: &mut FramingBuilder<'_>,
    anomalies: &mut AnomalySet,
) -> Vec<Field<'a>> {
    let mut fields: Vec<Field<'a>> = Vec::new();
    // It is kept when the next line is known not to continue it.
    let mut last: Option<Field<'a>> = None;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let content = without_line_end(line);
        if content.is_empty() {
            break;
        }
        if content
            .iter()
            .any(|byte| is_control(*byte) && *byte != b'\t')
        {
            anomalies.add(Kind::ControlCharacter);
        }
        if matches!(content.first(), Some(b' ' | b'\t')) {
            // RFC 9112, section 5.2: replace the fold with spaces, or reject.
            match &mut last {
                Some((_, value)) => {
                    anomalies.add(Kind::ObsoleteFolding);
                    unfold(value, content);
                }
                None => anomalies.add(Kind::BadHeader),
            }
            continue;
        }
        let Some((name, value, spaced)) = field(content) else {
            anomalies.add(Kind::BadHeader);
            continue;
        };
        if spaced {
            anomalies.add(Kind::SpaceBeforeColon);
        }
        let whole = last.replace((name, Cow::Borrowed(value)));
        keep(whole, &mut fields, max_headers, framing, anomalies);
    }
    keep(last, &mut fields, max_headers, framing, anomalies);
    fields
}

fn keep<'a>(
    field: Option<Field<'a>>,
    fields: &mut Vec<Field<'a>>,
    max_headers: usize,
    framing: &mut FramingBuilder<'_>,
    anomalies: &mut AnomalySet,
) {
    let Some((name, value)) = field else {
        return;
    };
    framing.add(name, &without_controls(&value));
    if fields.len() < max_headers {
        fields.push((name, value));
    } else {
        anomalies.add(Kind::TooManyHeaders);
    }
}

/// RFC 9110, section 5.5: who does not refuse a NUL or a CR in a value takes it
/// for a space.
fn without_controls(value: &[u8]) -> Cow<'_, [u8]> {
    let is_refused = |byte: &u8| matches!(byte, 0 | b'\r');
    if !value.iter().any(is_refused) {
        return Cow::Borrowed(value);
    }
    let spaced = value.iter().map(|byte| match is_refused(byte) {
        true => b' ',
        false => *byte,
    });
    let spaced: Vec<u8> = spaced.collect();
    Cow::Owned(trim(&spaced).to_vec())
}

fn unfold(value: &mut Cow<'_, [u8]>, more: &[u8]) {
    let more = trim(more);
    if more.is_empty() {
        return;
    }
    let value = value.to_mut();
    if !value.is_empty() {
        value.push(b' ');
    }
    value.extend_from_slice(more);
}

/// A name, a value, and whether there is white space before the colon.
fn field(line: &[u8]) -> Option<(&[u8], &[u8], bool)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (before, value) = line.split_at_checked(colon)?;
    let mut words = before.split(is_line_space).filter(|word| !word.is_empty());
    let name = words.next()?;
    if words.next().is_some() || !name.iter().all(is_token) {
        return None;
    }
    Some((name, trim(value.get(1..)?), name.len() != before.len()))
}

/// Optional white space: RFC 9110, section 5.6.3.
pub(crate) fn trim(mut bytes: &[u8]) -> &[u8] {
    while let Some((b' ' | b'\t', rest)) = bytes.split_first() {
        bytes = rest;
    }
    while let Some((b' ' | b'\t', rest)) = bytes.split_last() {
        bytes = rest;
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_odd_is_read_and_noted() {
        for (head, header, kind) in [
            ("A : b", ("A", "b"), Kind::SpaceBeforeColon),
            ("A: b\r\n  c", ("A", "b c"), Kind::ObsoleteFolding),
            ("A:\r\n\tc\r\n ", ("A", "c"), Kind::ObsoleteFolding),
            ("A: b\0c", ("A", "b\0c"), Kind::ControlCharacter),
            ("A: b\rc", ("A", "b\rc"), Kind::ControlCharacter),
            (" x: y\r\nA: b", ("A", "b"), Kind::BadHeader),
            ("nonsense\r\nA: b", ("A", "b"), Kind::BadHeader),
            (": x\r\nA: b", ("A", "b"), Kind::BadHeader),
            ("A: b\r\nB: c", ("A", "b"), Kind::TooManyHeaders),
        ] {
            let bytes = alloc::format!("GET / HTTP/1.1\r\n{head}\r\n\r\n");
            let read = read(bytes.as_bytes(), 1).expect("it has a start line");
            let mut headers = read.fields.headers();
            let first = headers.next().expect("there is one");
            assert_eq!(first.name, header.0, "{head}");
            assert_eq!(first.value, header.1, "{head}");
            assert_eq!(headers.next(), None, "{head}");
            assert!(read.framing.anomalies.iter().eq([kind]), "{head}");
        }
    }

    #[test]
    fn a_length_beyond_the_cap_counts() {
        let bytes = b"POST / HTTP/1.1\r\nA: b\r\nContent-Length: 7\r\n\r\n";
        let read = read(bytes, 1).expect("it has a start line");
        assert_eq!(read.framing.length, crate::framing::ContentLength::Valid(7));
    }
}
