//! Comma-separated values, as in RFC 4180.

use core::fmt;
use std::borrow::Cow;
use std::io;

use crate::digits;
use crate::plain_text::PlainText;
use crate::visit::{FieldVisitor, Visit};

/// Writes records as rows that all have the same columns.
///
/// ```
/// use flowscope_record::csv::CsvWriter;
/// use flowscope_record::{FieldVisitor, Visit};
///
/// struct Host(&'static str);
///
/// impl Visit for Host {
///     fn visit(&self, fields: &mut impl FieldVisitor) {
///         fields.text("name", Some(self.0));
///         fields.number("port", None);
///     }
/// }
///
/// let mut text = Vec::new();
/// let mut writer = CsvWriter::new(vec!["name", "port"], &mut text)?;
/// writer.write(&Host("example.org"))?;
/// writer.flush()?;
/// drop(writer);
/// assert_eq!(text, b"name,port\r\nexample.org,\r\n");
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct CsvWriter<W: io::Write> {
    out: csv::Writer<W>,
    cells: Cells,
}

/// The row that is written next.
struct Cells {
    columns: Vec<&'static str>,
    cells: Vec<Vec<u8>>,
}

impl<W: io::Write> CsvWriter<W> {
    /// A writer to `out` of these columns, of which it writes the header line.
    ///
    /// They name every field of the records, and `lossy` if any of these has
    /// [text](FieldVisitor::text): see
    /// [`schema::columns`](crate::schema::columns).
    pub fn new(columns: Vec<&'static str>, out: W) -> io::Result<Self> {
        let mut out = csv::WriterBuilder::new()
            .buffer_capacity(BUFFER)
            .terminator(csv::Terminator::CRLF)
            .from_writer(out);
        out.write_record(&columns).map_err(cause)?;
        let cells = vec![Vec::new(); columns.len()];
        let cells = Cells { columns, cells };
        Ok(Self { out, cells })
    }

    /// Adds a row, with empty cells where the record has no such field.
    ///
    /// # Panics
    ///
    /// If it has a field that no column is for.
    pub fn write(&mut self, record: &impl Visit) -> io::Result<()> {
        let row = &mut self.cells;
        row.cells.iter_mut().for_each(Vec::clear);
        record.visit(&mut Row { row, next: 0 });
        self.out.write_record(&self.cells.cells).map_err(cause)
    }

    /// Hands on everything that was written.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

impl<W: io::Write> fmt::Debug for CsvWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvWriter")
            .field("columns", &self.cells.columns)
            .finish_non_exhaustive()
    }
}

/// A row that is being filled.
struct Row<'a> {
    row: &'a mut Cells,
    /// The column after the one that was filled last: most often the one that
    /// is filled next.
    next: usize,
}

impl Row<'_> {
    /// Adds what a host sent to a cell.
    fn add(&mut self, name: &'static str, before: &[u8], bytes: &[u8]) {
        let (text, is_lossy) = printable(bytes);
        let cell = self.cell(name);
        if !cell.is_empty() {
            cell.extend_from_slice(before);
        }
        cell.extend_from_slice(text.as_bytes());
        self.note(is_lossy);
    }

    /// Adds a record to a cell.
    fn add_record(&mut self, name: &'static str, record: &impl Visit) {
        let cell = self.cell(name);
        separate(cell, b';');
        let mut element = Element {
            cell,
            is_begun: false,
            is_lossy: false,
        };
        record.visit(&mut element);
        let is_lossy = element.is_lossy;
        self.note(is_lossy);
    }

    /// Says, where it is so, that something could not be written as it was.
    fn note(&mut self, is_lossy: bool) {
        if is_lossy {
            let cell = self.cell("lossy");
            cell.clear();
            cell.extend_from_slice(b"true");
        }
    }

    fn cell(&mut self, name: &str) -> &mut Vec<u8> {
        let columns = &self.row.columns;
        let at = (self.next..columns.len())
            .chain(0..self.next)
            .find(|at| columns[*at] == name)
            .expect("the schema names every field");
        self.next = at + 1;
        &mut self.row.cells[at]
    }
}

impl FieldVisitor for Row<'_> {
    fn number(&mut self, name: &'static str, value: Option<u64>) {
        if let Some(value) = value {
            digits::push(self.cell(name), value);
        }
    }

    fn duration(&mut self, name: &'static str, nanos: Option<u64>) {
        if let Some(nanos) = nanos {
            digits::push_seconds(self.cell(name), nanos);
        }
    }

    fn plain_text(&mut self, name: &'static str, value: Option<impl PlainText>) {
        if let Some(value) = value {
            value.append_to(self.cell(name));
        }
    }

    fn text(&mut self, name: &'static str, value: Option<impl AsRef<[u8]>>) {
        if let Some(value) = value {
            self.add(name, b"", value.as_ref());
        }
    }

    fn flag(&mut self, name: &'static str, value: Option<bool>) {
        self.plain_text(
            name,
            value.map(|value| if value { "true" } else { "false" }),
        );
    }

    fn texts(&mut self, name: &'static str, values: impl Iterator<Item = impl AsRef<[u8]>>) {
        values.for_each(|value| self.add(name, b";", value.as_ref()));
    }

    fn pairs<'v>(
        &mut self,
        name: &'static str,
        values: impl Iterator<Item = (&'v [u8], &'v [u8])>,
    ) {
        for (first, second) in values {
            self.add(name, b";", first);
            self.add(name, b": ", second);
        }
    }

    fn structure(&mut self, name: &'static str, value: Option<impl Visit>) {
        if let Some(value) = value {
            self.add_record(name, &value);
        }
    }

    fn numbers(&mut self, name: &'static str, values: impl Iterator<Item = u64>) {
        let cell = self.cell(name);
        for value in values {
            separate(cell, b';');
            digits::push(cell, value);
        }
    }

    fn structures<V: Visit>(&mut self, name: &'static str, values: impl Iterator<Item = V>) {
        values.for_each(|value| self.add_record(name, &value));
    }
}

/// One record of a list in a cell: its values, with spaces between them.
struct Element<'a> {
    cell: &'a mut Vec<u8>,
    /// Whether a value was written.
    is_begun: bool,
    /// Whether something could not be written as it was.
    is_lossy: bool,
}

impl Element<'_> {
    /// Where the next value goes.
    fn value(&mut self) -> &mut Vec<u8> {
        if self.is_begun {
            self.cell.push(b' ');
        }
        self.is_begun = true;
        self.cell
    }
}

impl FieldVisitor for Element<'_> {
    fn number(&mut self, _: &'static str, value: Option<u64>) {
        if let Some(value) = value {
            digits::push(self.value(), value);
        }
    }

    fn duration(&mut self, _: &'static str, nanos: Option<u64>) {
        if let Some(nanos) = nanos {
            digits::push_seconds(self.value(), nanos);
        }
    }

    fn plain_text(&mut self, _: &'static str, value: Option<impl PlainText>) {
        if let Some(value) = value {
            value.append_to(self.value());
        }
    }

    fn text(&mut self, _: &'static str, value: Option<impl AsRef<[u8]>>) {
        if let Some(value) = value {
            let (text, is_lossy) = printable(value.as_ref());
            self.is_lossy |= is_lossy;
            self.value().extend_from_slice(text.as_bytes());
        }
    }

    fn flag(&mut self, name: &'static str, value: Option<bool>) {
        // Alone it would not say what is so.
        self.plain_text(name, value.unwrap_or_default().then_some(name));
    }

    fn texts(&mut self, name: &'static str, values: impl Iterator<Item = impl AsRef<[u8]>>) {
        values.for_each(|value| self.text(name, Some(value)));
    }

    fn pairs<'v>(
        &mut self,
        name: &'static str,
        values: impl Iterator<Item = (&'v [u8], &'v [u8])>,
    ) {
        for (first, second) in values {
            self.text(name, Some(first));
            self.text(name, Some(second));
        }
    }

    fn structure(&mut self, _: &'static str, value: Option<impl Visit>) {
        if let Some(value) = value {
            value.visit(self);
        }
    }

    fn numbers(&mut self, name: &'static str, values: impl Iterator<Item = u64>) {
        values.for_each(|value| self.number(name, Some(value)));
    }

    fn structures<V: Visit>(&mut self, _: &'static str, values: impl Iterator<Item = V>) {
        values.for_each(|value| value.visit(self));
    }
}

/// What a host sent, as it can stand in a cell, and whether that is not all
/// there was: text of CSV has no control characters (RFC 4180, section 2). Line
/// ends could stand between quotes, but most who read CSV by the line, or on a
/// terminal, would take what follows for another record.
fn printable(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    let text = String::from_utf8_lossy(bytes);
    if text.contains(char::is_control) {
        return (text.replace(char::is_control, "\u{fffd}").into(), true);
    }
    let is_lossy = matches!(text, Cow::Owned(_));
    (text, is_lossy)
}

/// The writer's error, which must not lose its kind on the way: a closed pipe
/// is no failure.
fn cause(error: csv::Error) -> io::Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => io::Error::other(format!("{other:?}")),
    }
}

fn separate(cell: &mut Vec<u8>, separator: u8) {
    if !cell.is_empty() {
        cell.push(separator);
    }
}

/// Bytes handed on at a time.
const BUFFER: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    struct Sample;

    impl Visit for Sample {
        fn visit(&self, fields: &mut impl FieldVisitor) {
            fields.number("number", Some(7));
            fields.numbers("numbers", [1, 20].into_iter());
            fields.duration("time", Some(1_000_000_002));
            fields.text("text", Some("a,\"b\"\n"));
            fields.texts("texts", [&b"x"[..], b"y"].into_iter());
            fields.pairs("pairs", [(&b"Host"[..], &b"a"[..])].into_iter());
            fields.flag("flag", Some(false));
            fields.structures("parts", [Part(1), Part(2)].into_iter());
        }
    }

    struct Part(u64);

    impl Visit for Part {
        fn visit(&self, fields: &mut impl FieldVisitor) {
            fields.number("number", Some(self.0));
            fields.number("none", None);
            fields.flag("odd", Some(self.0 % 2 == 1));
        }
    }

    fn written(columns: Vec<&'static str>, record: &impl Visit) -> String {
        let mut text = Vec::new();
        let mut writer = CsvWriter::new(columns, &mut text).expect("a vector takes everything");
        writer.write(record).expect("a vector takes everything");
        drop(writer);
        String::from_utf8(text).expect("cells are UTF-8")
    }

    #[test]
    fn what_cannot_stand_in_a_cell_is_replaced_and_said() {
        let columns = vec![
            "number", "numbers", "time", "text", "texts", "pairs", "flag", "parts", "lossy",
        ];
        let row = "7,1;20,1.000000002,\"a,\"\"b\"\"\u{fffd}\",x;y,Host: a,false,1 odd;2,true\r\n";
        let text = written(columns, &Sample);
        assert_eq!(text.split_once("\r\n").map(|(_, rest)| rest), Some(row));
    }

    #[test]
    fn fields_find_their_columns_in_any_order() {
        let columns = vec!["odd", "extra", "none", "number"];
        assert_eq!(
            written(columns, &Part(2)),
            "odd,extra,none,number\r\nfalse,,,2\r\n"
        );
    }
}
