//! Comma-separated values, as in RFC 4180.

use core::fmt;
use std::io;

use crate::digits;
use crate::plain_bytes::plain_len;
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
    out: W,
    /// Whole rows that are yet to be handed on.
    text: Vec<u8>,
    cells: Cells,
}

/// The row that is written next.
struct Cells {
    columns: Vec<&'static str>,
    /// Where the cell of each column is in the text.
    places: Vec<Place>,
    /// What is in the cells, in the order in which they were filled.
    text: Vec<u8>,
}

/// Where a cell is, and whose text it has.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    start: usize,
    end: usize,
    content: Content,
}

/// Whether a cell may need quotes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Content {
    /// Text that needs none.
    #[default]
    Plain,
    /// Text that may be anything.
    Any,
}

impl<W: io::Write> CsvWriter<W> {
    /// A writer to `out` of these columns, of which it writes the header line.
    ///
    /// They name every field of the records, and `lossy` if any of these has
    /// [text](FieldVisitor::text): see
    /// [`schema::columns`](crate::schema::columns).
    pub fn new(columns: Vec<&'static str>, out: W) -> io::Result<Self> {
        let mut cells = Cells {
            places: vec![Place::default(); columns.len()],
            text: Vec::new(),
            columns: columns.clone(),
        };
        let mut header = Row::new(&mut cells);
        for name in columns {
            (header.open(name, Content::Any)).extend_from_slice(name.as_bytes());
        }
        header.finish();
        let mut text = Vec::with_capacity(BUFFER + BUFFER / 16);
        cells.append_to(&mut text);
        Ok(Self { out, text, cells })
    }

    /// Adds a row, with empty cells where the record has no such field.
    ///
    /// # Panics
    ///
    /// If it has a field that no column is for.
    pub fn write(&mut self, record: &impl Visit) -> io::Result<()> {
        let mut row = Row::new(&mut self.cells);
        record.visit(&mut row);
        row.finish();
        self.cells.append_to(&mut self.text);
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

    fn hand_on(&mut self) -> io::Result<()> {
        let handed_on = self.out.write_all(&self.text);
        self.text.clear();
        handed_on
    }
}

/// Hands on what was not handed on yet. [`flush`](CsvWriter::flush) also says
/// whether it was taken.
impl<W: io::Write> Drop for CsvWriter<W> {
    fn drop(&mut self) {
        let _ = self.hand_on();
    }
}

impl<W: io::Write> fmt::Debug for CsvWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsvWriter")
            .field("columns", &self.cells.columns)
            .finish_non_exhaustive()
    }
}

impl Cells {
    /// Adds the row to a text.
    fn append_to(&self, text: &mut Vec<u8>) {
        for place in &self.places {
            let cell = self.text.get(place.start..place.end).unwrap_or_default();
            match place.content {
                Content::Any if needs_quotes(cell) => push_in_quotes(text, cell),
                _ => text.extend_from_slice(cell),
            }
            text.push(b',');
        }
        text.pop();
        if let [Place { start, end, .. }] = self.places[..]
            && start == end
        {
            // An empty line would be no row.
            text.extend_from_slice(b"\"\"");
        }
        text.extend_from_slice(b"\r\n");
    }
}

/// Whether a cell has what separates cells and rows, or quotes (RFC 4180,
/// section 2).
fn needs_quotes(cell: &[u8]) -> bool {
    let separates = |byte: &u8| matches!(byte, b',' | b'"' | b'\r' | b'\n');
    // Without a branch for each byte, so that the compiler can use SIMD.
    cell.iter().fold(false, |any, byte| any | separates(byte))
}

#[cold]
fn push_in_quotes(text: &mut Vec<u8>, cell: &[u8]) {
    text.push(b'"');
    for piece in cell.split_inclusive(|byte| *byte == b'"') {
        text.extend_from_slice(piece);
        if piece.ends_with(b"\"") {
            text.push(b'"');
        }
    }
    text.push(b'"');
}

/// A row that is being filled.
struct Row<'a> {
    cells: &'a mut Cells,
    /// The column that is being filled; none before the first.
    column: Option<usize>,
    /// Whether something could not be written as it was.
    is_lossy: bool,
}

impl<'a> Row<'a> {
    fn new(cells: &'a mut Cells) -> Self {
        cells.places.fill(Place::default());
        cells.text.clear();
        Self {
            cells,
            column: None,
            is_lossy: false,
        }
    }

    /// Begins the cell of a field. What comes behind the text until the next cell
    /// is begun belongs to it.
    fn open(&mut self, name: &str, content: Content) -> &mut Vec<u8> {
        self.close();
        let columns = &self.cells.columns;
        // Most often it is the column after the one that was filled last.
        let next = self.column.map_or(0, |column| column + 1);
        let column = (next..columns.len())
            .chain(0..next)
            .find(|at| columns[*at] == name)
            .expect("the schema names every field");
        let start = self.cells.text.len();
        self.cells.places[column] = Place {
            start,
            end: start,
            content,
        };
        self.column = Some(column);
        &mut self.cells.text
    }

    fn close(&mut self) {
        if let Some(column) = self.column {
            self.cells.places[column].end = self.cells.text.len();
        }
    }

    fn finish(mut self) {
        if self.is_lossy {
            (self.open("lossy", Content::Plain)).extend_from_slice(b"true");
        }
        self.close();
    }
}

impl FieldVisitor for Row<'_> {
    #[inline]
    fn number(&mut self, name: &'static str, value: Option<u64>) {
        if let Some(value) = value {
            digits::push(self.open(name, Content::Plain), value);
        }
    }

    #[inline]
    fn duration(&mut self, name: &'static str, nanos: Option<u64>) {
        if let Some(nanos) = nanos {
            digits::push_seconds(self.open(name, Content::Plain), nanos);
        }
    }

    #[inline]
    fn plain_text(&mut self, name: &'static str, value: Option<impl PlainText>) {
        if let Some(value) = value {
            value.append_to(self.open(name, Content::Plain));
        }
    }

    fn text(&mut self, name: &'static str, value: Option<impl AsRef<[u8]>>) {
        if let Some(value) = value {
            let cell = self.open(name, Content::Any);
            let is_lossy = push_printable(cell, value.as_ref());
            self.is_lossy |= is_lossy;
        }
    }

    fn flag(&mut self, name: &'static str, value: Option<bool>) {
        self.plain_text(
            name,
            value.map(|value| if value { "true" } else { "false" }),
        );
    }

    fn texts(&mut self, name: &'static str, values: impl Iterator<Item = impl AsRef<[u8]>>) {
        let mut cell = List::new(self.open(name, Content::Any));
        let mut is_lossy = false;
        for value in values {
            is_lossy |= push_printable(cell.next(b";"), value.as_ref());
        }
        self.is_lossy |= is_lossy;
    }

    fn pairs<'v>(
        &mut self,
        name: &'static str,
        values: impl Iterator<Item = (&'v [u8], &'v [u8])>,
    ) {
        let mut cell = List::new(self.open(name, Content::Any));
        let mut is_lossy = false;
        for (first, second) in values {
            is_lossy |= push_printable(cell.next(b";"), first);
            is_lossy |= push_printable(cell.next(b": "), second);
        }
        self.is_lossy |= is_lossy;
    }

    fn structure(&mut self, name: &'static str, value: Option<impl Visit>) {
        self.structures(name, value.into_iter());
    }

    fn numbers(&mut self, name: &'static str, values: impl Iterator<Item = u64>) {
        let mut cell = List::new(self.open(name, Content::Plain));
        for value in values {
            digits::push(cell.next(b";"), value);
        }
    }

    fn structures<V: Visit>(&mut self, name: &'static str, values: impl Iterator<Item = V>) {
        let mut cell = List::new(self.open(name, Content::Any));
        let mut is_lossy = false;
        for value in values {
            let mut element = Element {
                cell: cell.next(b";"),
                is_begun: false,
                is_lossy: false,
            };
            value.visit(&mut element);
            is_lossy |= element.is_lossy;
        }
        self.is_lossy |= is_lossy;
    }
}

/// A cell of several values.
struct List<'a> {
    text: &'a mut Vec<u8>,
    start: usize,
}

impl<'a> List<'a> {
    fn new(text: &'a mut Vec<u8>) -> Self {
        Self {
            start: text.len(),
            text,
        }
    }

    /// Where the next value goes: behind a separator, if something is before it.
    fn next(&mut self, separator: &[u8]) -> &mut Vec<u8> {
        if self.text.len() > self.start {
            self.text.extend_from_slice(separator);
        }
        self.text
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
            let is_lossy = push_printable(self.value(), value.as_ref());
            self.is_lossy |= is_lossy;
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

/// Adds what a host sent, as it can stand in a cell, and says whether that is not
/// all there was: text of CSV has no control characters (RFC 4180, section 2).
/// Line ends could stand between quotes, but most who read CSV by the line, or on
/// a terminal, would take what follows for another record.
fn push_printable(cell: &mut Vec<u8>, bytes: &[u8]) -> bool {
    let mut is_lossy = false;
    let mut rest = bytes;
    loop {
        let (plain, behind) = rest.split_at(plain_len(rest));
        cell.extend_from_slice(plain);
        let Some(&next) = behind.first() else {
            return is_lossy;
        };
        rest = if next.is_ascii() {
            is_lossy |= next.is_ascii_control();
            match next.is_ascii_control() {
                true => cell.extend_from_slice(REPLACED),
                false => cell.push(next),
            }
            &behind[1..]
        } else {
            // No character goes on behind an ASCII one.
            let len = behind.iter().position(u8::is_ascii);
            let (others, behind) = behind.split_at(len.unwrap_or(behind.len()));
            is_lossy |= push_others(cell, others);
            behind
        };
    }
}

/// The same for what is no ASCII.
#[cold]
fn push_others(cell: &mut Vec<u8>, bytes: &[u8]) -> bool {
    let mut is_lossy = false;
    for chunk in bytes.utf8_chunks() {
        for piece in chunk.valid().split_inclusive(char::is_control) {
            let clean = piece.trim_end_matches(char::is_control);
            cell.extend_from_slice(clean.as_bytes());
            if clean.len() < piece.len() {
                cell.extend_from_slice(REPLACED);
                is_lossy = true;
            }
        }
        if !chunk.invalid().is_empty() {
            cell.extend_from_slice(REPLACED);
            is_lossy = true;
        }
    }
    is_lossy
}

/// What stands for what cannot be written: U+FFFD.
const REPLACED: &[u8] = "\u{fffd}".as_bytes();

/// Bytes handed on at a time.
const BUFFER: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

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
    /// What a host sent, by the means of others.
    fn by_others(bytes: &[u8]) -> (String, bool) {
        let text = String::from_utf8_lossy(bytes);
        let shown = text.replace(char::is_control, "\u{fffd}");
        let is_lossy = shown.as_bytes() != bytes;
        (shown, is_lossy)
    }

    struct Texts(Vec<Vec<u8>>);

    impl Visit for Texts {
        fn visit(&self, fields: &mut impl FieldVisitor) {
            for (name, text) in ["a", "b", "c"].into_iter().zip(&self.0) {
                fields.text(name, Some(text));
            }
        }
    }

    fn any_text() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..50),
            "[ -~]{0,40}|[a-c,\"\r\n\t]{0,10}|[a\u{7f}-\u{a0}é]{0,20}".prop_map(String::into_bytes),
        ]
    }

    proptest! {
        #[test]
        fn rows_are_as_others_write_them(
            texts in proptest::collection::vec(any_text(), 1..4),
        ) {
            let columns = &["a", "b", "c", "lossy"];
            let mut expected = csv::WriterBuilder::new()
                .terminator(csv::Terminator::CRLF)
                .from_writer(Vec::new());
            expected.write_record(columns).expect("a vector takes everything");
            let (mut cells, lossy): (Vec<_>, Vec<_>) =
                texts.iter().map(|text| by_others(text)).unzip();
            cells.resize(3, String::new());
            cells.push(if lossy.contains(&true) { "true".into() } else { String::new() });
            expected.write_record(&cells).expect("a vector takes everything");
            let expected = expected.into_inner().expect("a vector takes everything");
            let text = written(columns.to_vec(), &Texts(texts));
            prop_assert_eq!(text.as_bytes(), expected);
        }
    }

    #[test]
    fn an_empty_row_of_one_column_is_no_empty_line() {
        let text = written(vec!["a"], &Texts(Vec::new()));
        assert_eq!(text, "a\r\n\"\"\r\n");
    }
}
