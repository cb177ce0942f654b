//! JSON Lines: an object on each line (RFC 8259).

use core::net::IpAddr;
use std::io::{self, Write};

use crate::digits;
use crate::host::Host;
use crate::json_text::{Utf8, put_quoted};
use crate::line::{Line, ROOM};
use crate::plain_text::PlainText;
use crate::visit::{FieldVisitor, Visit};

/// Writes records as objects, one on a line.
///
/// ```
/// use flowscope_record::json::JsonWriter;
/// use flowscope_record::{FieldVisitor, Visit};
///
/// struct Host(&'static str);
///
/// impl Visit for Host {
///     fn visit(&self, fields: &mut impl FieldVisitor) {
///         fields.plain_text("type", Some("host"));
///         fields.text("name", Some(self.0));
///         fields.number("port", None);
///     }
/// }
///
/// let mut writer = JsonWriter::new(Vec::new());
/// writer.write(&Host("example.org"))?;
/// let text = writer.into_inner()?;
/// assert_eq!(text, b"{\"type\":\"host\",\"name\":\"example.org\"}\n");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct JsonWriter<W> {
    out: W,
    /// Whole lines that are yet to be handed on.
    text: Vec<u8>,
    /// What lines are made in.
    room: Box<[u8; ROOM]>,
}

impl<W: Write> JsonWriter<W> {
    /// A writer to `out`, which is given large pieces.
    pub fn new(out: W) -> Self {
        Self {
            out,
            text: Vec::with_capacity(BUFFER + BUFFER / 16),
            room: Box::new([0; ROOM]),
        }
    }

    /// Adds a line.
    pub fn write(&mut self, record: &impl Visit) -> io::Result<()> {
        append_by(&mut self.room, &mut self.text, record);
        self.end_line()
    }

    /// Adds a line whose text, without its end, was [made](append) elsewhere.
    pub fn write_line(&mut self, line: &[u8]) -> io::Result<()> {
        self.text.extend_from_slice(line);
        self.end_line()
    }

    fn end_line(&mut self) -> io::Result<()> {
        self.text.push(b'\n');
        if self.text.len() < BUFFER {
            return Ok(());
        }
        self.hand_on()
    }

    /// Hands on everything that was written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.hand_on()?;
        self.out.flush()
    }

    /// Hands on everything that was written, and gives back what it went to.
    pub fn into_inner(mut self) -> io::Result<W> {
        self.flush()?;
        Ok(self.out)
    }

    fn hand_on(&mut self) -> io::Result<()> {
        let handed_on = self.out.write_all(&self.text);
        self.text.clear();
        handed_on
    }
}

/// Adds a record to a text, as an object on one line.
pub fn append(text: &mut Vec<u8>, record: &impl Visit) {
    append_by(&mut [0; ROOM], text, record);
}

fn append_by(room: &mut [u8; ROOM], text: &mut Vec<u8>, record: &impl Visit) {
    let mut object = Object {
        line: Line::behind(text, room),
        is_lossy: false,
    };
    object.fill(record);
    if object.is_lossy {
        let end = object.line.at() - 1;
        object.line.replace(end, b',');
        object.line.put_all(b"\"lossy\":true}");
    }
    object.line.end();
}

/// An object that is being written. What is absent is left out.
///
/// Names and plain text are known to need no escaping, and numbers are to have nine
/// digits after the point, so this writes the text itself; what hosts sent is
/// escaped.
struct Object<'a> {
    line: Line<'a>,
    /// Whether something that is not UTF-8 was written.
    is_lossy: bool,
}

impl Object<'_> {
    /// Writes what a host sent.
    #[inline(always)]
    fn quote(&mut self, bytes: &[u8]) {
        self.is_lossy |= put_quoted(&mut self.line, bytes) == Utf8::NotAll;
    }

    fn fill(&mut self, record: &impl Visit) {
        let start = self.line.at();
        record.visit(self);
        if self.line.at() == start {
            self.line.put_all(b"{");
        }
        // In place of the comma before the first field.
        self.line.replace(start, b'{');
        self.line.put_all(b"}");
    }

    /// Begins a field.
    #[inline(always)]
    fn name(&mut self, name: &'static str) {
        self.name_and(name, b"");
    }

    /// Begins a field, and writes what comes first behind its name.
    ///
    /// Compiled into where the name is known: what stands around it is joined to it
    /// there, and all of it is written as one piece.
    #[inline(always)]
    fn name_and(&mut self, name: &'static str, behind: &'static [u8]) {
        let len = 4 + name.len() + behind.len();
        match len {
            ..=16 => self
                .line
                .put_by(len, |place: &mut [u8; 16]| join(place, name, behind)),
            17..=32 => self
                .line
                .put_by(len, |place: &mut [u8; 32]| join(place, name, behind)),
            33..=LONGEST_PIECE => {
                let write = |place: &mut [u8; LONGEST_PIECE]| join(place, name, behind);
                self.line.put_by(len, write);
            }
            _ => self.long_name_and(name, behind),
        }
    }

    #[cold]
    fn long_name_and(&mut self, name: &'static str, behind: &'static [u8]) {
        self.line.put_all(b",\"");
        self.line.extend(name.as_bytes());
        self.line.put_all(b"\":");
        self.line.extend(behind);
    }

    /// Writes a list, if there is anything to be in it.
    #[inline(always)]
    fn list<T>(
        &mut self,
        name: &'static str,
        values: impl Iterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        let mut is_empty = true;
        for value in values {
            if is_empty {
                self.name_and(name, b"[");
                is_empty = false;
            }
            write(self, value);
            self.line.put_all(b",");
        }
        // The comma behind the last one.
        if !is_empty {
            self.line.replace(self.line.at() - 1, b']');
        }
    }
}

impl FieldVisitor for Object<'_> {
    #[inline(always)]
    fn number(&mut self, name: &'static str, value: Option<u64>) {
        if let Some(value) = value {
            self.name(name);
            digits::put(&mut self.line, value);
        }
    }

    #[inline(always)]
    fn duration(&mut self, name: &'static str, nanos: Option<u64>) {
        if let Some(nanos) = nanos {
            self.name(name);
            digits::put_seconds(&mut self.line, nanos);
        }
    }

    #[inline(always)]
    fn plain_text(&mut self, name: &'static str, value: Option<impl PlainText>) {
        if let Some(value) = value {
            self.name_and(name, b"\"");
            match value.at_hand() {
                Some(text) => self.line.extend(text),
                None => value.append_to(self.line.text()),
            }
            self.line.put_all(b"\"");
        }
    }

    #[inline(always)]
    fn host(&mut self, name: &'static str, value: Host) {
        match value {
            Host::Ip(IpAddr::V4(addr)) => {
                self.name_and(name, b"\"");
                digits::put_ipv4(&mut self.line, addr.octets());
                self.line.put_all(b"\"");
            }
            other => self.plain_text(name, Some(other)),
        }
    }

    #[inline(always)]
    fn text(&mut self, name: &'static str, value: Option<impl AsRef<[u8]>>) {
        if let Some(value) = value {
            self.name(name);
            self.quote(value.as_ref());
        }
    }

    #[inline(always)]
    fn word(&mut self, name: &'static str, value: &'static str) {
        self.plain_text(name, Some(value));
    }

    #[inline(always)]
    fn flag(&mut self, name: &'static str, value: Option<bool>) {
        match value {
            Some(true) => self.name_and(name, b"true"),
            Some(false) => self.name_and(name, b"false"),
            None => {}
        }
    }

    #[inline(always)]
    fn texts(&mut self, name: &'static str, values: impl Iterator<Item = impl AsRef<[u8]>>) {
        self.list(name, values, |object, value| object.quote(value.as_ref()));
    }

    #[inline(always)]
    fn pairs<'v>(
        &mut self,
        name: &'static str,
        values: impl Iterator<Item = (&'v [u8], &'v [u8])>,
    ) {
        self.list(name, values, |object, (first, second)| {
            object.line.put_all(b"[");
            object.quote(first);
            object.line.put_all(b",");
            object.quote(second);
            object.line.put_all(b"]");
        });
    }

    #[inline(always)]
    fn structure(&mut self, name: &'static str, value: Option<impl Visit>) {
        if let Some(value) = value {
            self.name(name);
            self.fill(&value);
        }
    }

    #[inline(always)]
    fn numbers(&mut self, name: &'static str, values: impl Iterator<Item = u64>) {
        self.list(name, values, |object, value| {
            digits::put(&mut object.line, value)
        });
    }

    #[inline(always)]
    fn structures<V: Visit>(&mut self, name: &'static str, values: impl Iterator<Item = V>) {
        self.list(name, values, |object, value| object.fill(&value));
    }
}

/// Writes a name, with what stands around it, to a place that is long enough.
#[inline(always)]
fn join<const N: usize>(place: &mut [u8; N], name: &'static str, behind: &'static [u8]) {
    let end = 2 + name.len();
    place[..2].copy_from_slice(b",\"");
    place[2..end].copy_from_slice(name.as_bytes());
    place[end..end + 2].copy_from_slice(b"\":");
    place[end + 2..end + 2 + behind.len()].copy_from_slice(behind);
}

/// No name of a field of records is longer, with what is written along with it.
const LONGEST_PIECE: usize = 48;

/// Bytes handed on at a time.
const BUFFER: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    struct Sample;

    impl Visit for Sample {
        fn visit(&self, fields: &mut impl FieldVisitor) {
            fields.plain_text("type", Some("sample"));
            fields.number("none", None);
            fields.number("zero", Some(0));
            fields.number("most", Some(u64::MAX));
            fields.duration("brief", Some(7));
            fields.duration("long", Some(1_700_000_001_000_000_020));
            fields.numbers("empty", core::iter::empty());
            fields.numbers("some", [1, 20].into_iter());
            fields.structures("inner", [Inner(1), Inner(2)].into_iter());
        }
    }

    struct Inner(u64);

    impl Visit for Inner {
        fn visit(&self, fields: &mut impl FieldVisitor) {
            fields.number("number", Some(self.0));
        }
    }

    #[test]
    fn what_is_absent_is_left_out_and_times_are_exact() {
        let mut line = Vec::new();
        append(&mut line, &Sample);
        let expected = concat!(
            r#"{"type":"sample","zero":0,"most":18446744073709551615,"#,
            r#""brief":0.000000007,"long":1700000001.000000020,"#,
            r#""some":[1,20],"inner":[{"number":1},{"number":2}]}"#,
        );
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }

    #[test]
    fn a_name_may_be_longer_than_those_of_records() {
        const LONG: &str = "a_name_that_is_longer_than_any_name_of_a_record";
        const { assert!(LONG.len() + 4 > LONGEST_PIECE) };
        struct Named;
        impl Visit for Named {
            fn visit(&self, fields: &mut impl FieldVisitor) {
                fields.number(LONG, Some(1));
            }
        }
        let mut line = Vec::new();
        append(&mut line, &Named);
        assert_eq!(line, format!("{{\"{LONG}\":1}}").into_bytes());
    }

    struct Sent;

    impl Visit for Sent {
        fn visit(&self, fields: &mut impl FieldVisitor) {
            fields.text("text", Some("\"\\\n"));
            fields.text("odd", Some("\\\x7f\u{9b}\u{202e}é"));
            fields.text("none", None::<&str>);
            fields.flag("flag", Some(false));
            fields.texts("texts", [&b"a"[..], b"\xff"].into_iter());
            fields.pairs("pairs", [(&b"Host"[..], &b"a"[..])].into_iter());
            fields.structure("inner", Some(Inner(1)));
        }
    }

    #[test]
    fn what_hosts_sent_is_escaped_and_what_is_lost_is_said() {
        let mut line = Vec::new();
        append(&mut line, &Sent);
        let expected = concat!(
            r#"{"text":"\"\\\n","odd":"\\\u007f\u009b\u202eé","flag":false,"texts":["a","\u{fffd}"],"#,
            r#""pairs":[["Host","a"]],"inner":{"number":1},"lossy":true}"#,
        );
        let expected = expected.replace("\\u{fffd}", "\u{fffd}");
        assert_eq!(String::from_utf8(line).unwrap(), expected);
    }
}
