//! A line of a log, in either of Zeek's two forms.

use core::net::IpAddr;

use flowscope_core::Timestamp;
use flowscope_record::Host;
use flowscope_record::text::is_unprintable;

use super::columns::Column;
use crate::digits;

/// How logs are written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Form {
    /// Values with tabs between them, under a header.
    #[default]
    Tsv,
    /// One JSON object per line, without what is not set.
    Json,
}

/// A line that is being written: its values come in the order of the columns.
pub(crate) struct Row<'a> {
    out: &'a mut Vec<u8>,
    form: Form,
    columns: core::slice::Iter<'static, Column>,
    is_first: bool,
}

impl<'a> Row<'a> {
    pub(super) fn begin(out: &'a mut Vec<u8>, form: Form, columns: &'static [Column]) -> Self {
        if form == Form::Json {
            out.push(b'{');
        }
        Self {
            out,
            form,
            columns: columns.iter(),
            is_first: true,
        }
    }

    pub(super) fn end(self) {
        if self.form == Form::Json {
            self.out.push(b'}');
        }
        self.out.push(b'\n');
    }

    /// Writes a value, or that there is none.
    fn put(&mut self, value: Option<impl FnOnce(&mut Vec<u8>, Form)>) {
        let column = self.columns.next();
        match self.form {
            Form::Tsv => {
                if !self.is_first {
                    self.out.push(b'\t');
                }
                self.is_first = false;
                match value {
                    Some(write) => write(self.out, Form::Tsv),
                    None => self.out.push(b'-'),
                }
            }
            Form::Json => {
                let (Some(write), Some(column)) = (value, column) else {
                    return;
                };
                if !self.is_first {
                    self.out.push(b',');
                }
                self.is_first = false;
                self.out.push(b'"');
                self.out.extend_from_slice(column.name.as_bytes());
                self.out.extend_from_slice(b"\":");
                write(self.out, Form::Json);
            }
        }
    }

    pub(super) fn unset(&mut self) {
        self.put(None::<fn(&mut Vec<u8>, Form)>);
    }

    pub(super) fn time(&mut self, value: Option<Timestamp>) {
        self.put(value.map(|at| move |out: &mut Vec<u8>, _| digits::time(out, at)));
    }

    pub(super) fn seconds(&mut self, value: Option<i64>) {
        self.put(value.map(|at| {
            move |out: &mut Vec<u8>, _| out.extend_from_slice(format!("{at}.000000").as_bytes())
        }));
    }

    pub(super) fn interval(&mut self, nanos: Option<u64>) {
        self.put(nanos.map(|nanos| move |out: &mut Vec<u8>, _| digits::micros(out, nanos)));
    }

    pub(super) fn count(&mut self, value: Option<u64>) {
        self.put(value.map(|value| move |out: &mut Vec<u8>, _| digits::number(out, value)));
    }

    pub(super) fn flag(&mut self, value: Option<bool>) {
        self.put(value.map(|value| {
            move |out: &mut Vec<u8>, form| {
                out.extend_from_slice(match (form, value) {
                    (Form::Tsv, true) => b"T".as_slice(),
                    (Form::Tsv, false) => b"F",
                    (Form::Json, true) => b"true",
                    (Form::Json, false) => b"false",
                });
            }
        }));
    }

    pub(super) fn host(&mut self, host: Host) {
        self.put(Some(move |out: &mut Vec<u8>, form| {
            quote_if(form, out, |out| {
                write_host(out, host);
            });
        }));
    }

    pub(super) fn text(&mut self, value: Option<impl AsRef<[u8]>>) {
        self.put(value.map(|value| {
            move |out: &mut Vec<u8>, form| text(out, form, value.as_ref(), Place::Alone)
        }));
    }

    /// A set or a vector of texts.
    pub(super) fn texts<T: AsRef<[u8]>>(&mut self, values: Option<impl IntoIterator<Item = T>>) {
        self.put(values.map(|values| {
            move |out: &mut Vec<u8>, form| {
                list(out, form, values, |out, value| {
                    text(out, form, value.as_ref(), Place::InList);
                });
            }
        }));
    }

    pub(super) fn intervals(&mut self, seconds: Option<impl IntoIterator<Item = u32>>) {
        self.put(seconds.map(|seconds| {
            move |out: &mut Vec<u8>, form| {
                list(out, form, seconds, |out, seconds| {
                    digits::micros(out, u64::from(seconds) * 1_000_000_000);
                });
            }
        }));
    }
}

fn list<T>(
    out: &mut Vec<u8>,
    form: Form,
    values: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    if form == Form::Json {
        out.push(b'[');
    }
    let mut is_empty = true;
    for value in values {
        if !is_empty {
            out.push(b',');
        }
        is_empty = false;
        write(out, value);
    }
    match form {
        Form::Json => out.push(b']'),
        Form::Tsv if is_empty => out.extend_from_slice(EMPTY),
        Form::Tsv => {}
    }
}

fn quote_if(form: Form, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    if form == Form::Json {
        out.push(b'"');
    }
    write(out);
    if form == Form::Json {
        out.push(b'"');
    }
}

/// An address; those of IPv4 in IPv6 as Zeek has them, in IPv4's form.
fn write_host(out: &mut Vec<u8>, host: Host) {
    match host {
        Host::Ip(IpAddr::V6(addr)) if addr.to_ipv4_mapped().is_some() => {
            digits::host(out, Host::Ip(IpAddr::V6(addr).to_canonical()));
        }
        host => digits::host(out, host),
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    Alone,
    InList,
}

fn text(out: &mut Vec<u8>, form: Form, text: &[u8], place: Place) {
    match form {
        Form::Json => json_text(out, text),
        Form::Tsv => tsv_text(out, text, place),
    }
}

/// What cannot be printed is `\xXX`, and so is what has a meaning in the log.
fn tsv_text(out: &mut Vec<u8>, text: &[u8], place: Place) {
    match text {
        b"" => return out.extend_from_slice(EMPTY),
        b"-" => return out.extend_from_slice(b"\\x2d"),
        _ if text == EMPTY => return out.extend_from_slice(b"\\x28empty)"),
        _ => {}
    }
    // Most letters are written as they are.
    let is_plain = |byte: &u8| {
        matches!(byte, b' '..=b'~') && *byte != b'\\' && (*byte != b',' || place == Place::Alone)
    };
    let end = text.iter().position(|byte| !is_plain(byte));
    let (plain, text) = text.split_at(end.unwrap_or(text.len()));
    out.extend_from_slice(plain);
    for chunk in text.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '\\' => out.extend_from_slice(b"\\\\"),
                ',' if place == Place::InList => out.extend_from_slice(b"\\x2c"),
                _ if is_unprintable(letter) => {
                    let mut bytes = [0; 4];
                    escaped(out, letter.encode_utf8(&mut bytes).as_bytes());
                }
                _ => {
                    let mut bytes = [0; 4];
                    out.extend_from_slice(letter.encode_utf8(&mut bytes).as_bytes());
                }
            }
        }
        escaped(out, chunk.invalid());
    }
}

fn escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        out.extend_from_slice(format!("\\x{byte:02x}").as_bytes());
    }
}

/// Bytes that are no UTF-8 are `\xXX`, as text.
fn json_text(out: &mut Vec<u8>, text: &[u8]) {
    if let Ok(text) = str::from_utf8(text) {
        return crate::json::quote(out, text);
    }
    let mut whole = String::with_capacity(text.len());
    for chunk in text.utf8_chunks() {
        whole.push_str(chunk.valid());
        for byte in chunk.invalid() {
            whole.push_str(&format!("\\x{byte:02x}"));
        }
    }
    crate::json::quote(out, &whole);
}

const EMPTY: &[u8] = b"(empty)";

#[cfg(test)]
mod tests {
    use super::*;

    fn tsv(value: &[u8], place: Place) -> String {
        let mut out = Vec::new();
        text(&mut out, Form::Tsv, value, place);
        String::from_utf8(out).expect("UTF-8")
    }

    #[test]
    fn what_has_a_meaning_is_escaped() {
        for (value, expected) in [
            (b"".as_slice(), "(empty)"),
            (b"-", "\\x2d"),
            (b"(empty)", "\\x28empty)"),
            (b"a\tb\nc", "a\\x09b\\x0ac"),
            (b"a\\b", "a\\\\b"),
            (b"a,b", "a,b"),
            (b"\xff\xc3\xa4", "\\xff\u{e4}"),
            (b"--", "--"),
        ] {
            assert_eq!(tsv(value, Place::Alone), expected);
        }
        assert_eq!(tsv(b"a,b", Place::InList), "a\\x2cb");
    }

    #[test]
    fn json_is_json() {
        let mut out = Vec::new();
        text(&mut out, Form::Json, b"a\"\x1b\xffb\x7f", Place::Alone);
        let value: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
        assert_eq!(value, "a\"\u{1b}\\xffb\u{7f}");
        assert!(!out.contains(&0x7f));
    }
}
