//! From the fields of a record to the columns of a batch.

use core::net::IpAddr;
use std::borrow::Cow;

use arrow_schema::{DataType, Fields};
use flowscope_record::{FieldVisitor, Host, PlainText, Visit};

use crate::column::{Column, Structure};

/// Takes the fields of one record, or of a structure in it.
pub(crate) struct Row<'a> {
    structure: &'a mut Structure,
    /// The column behind the one that was filled last: most often the one that
    /// is filled next.
    next: usize,
    notes: &'a mut Notes,
}

/// What is to be known of a record besides its fields.
#[derive(Debug, Default)]
pub(crate) struct Notes {
    /// Whether fields that nobody asked for have to be looked at, too, because
    /// another one says something about them.
    pub(crate) looks_at_all: bool,
    /// Whether text was not UTF-8.
    pub(crate) is_lossy: bool,
    /// About how many bytes were added.
    pub(crate) bytes: usize,
    /// The number of its flow, if that is not the one that the record says.
    pub(crate) flow: Option<u64>,
    /// Where plain text is written to.
    pub(crate) scratch: Vec<u8>,
}

impl<'a> Row<'a> {
    pub(crate) fn new(structure: &'a mut Structure, notes: &'a mut Notes) -> Self {
        Self {
            structure,
            next: 0,
            notes,
        }
    }

    /// Where the column for a field is.
    fn position(&mut self, name: &str) -> Option<usize> {
        let fields = &self.structure.fields;
        let at = (self.next..fields.len())
            .chain(0..self.next)
            .find(|at| fields[*at].name() == name)?;
        self.next = at + 1;
        Some(at)
    }

    /// The column for a field, if it is wanted.
    fn column(&mut self, name: &str) -> Option<&mut Column> {
        let at = self.position(name)?;
        self.notes.bytes += 8;
        self.structure.columns[at].as_mut()
    }

    fn push(&mut self, name: &str, value: Option<u64>) {
        if let Some(column) = self.column(name) {
            match value {
                Some(value) => column.push_number(value),
                None => column.push_null(),
            }
        }
    }

    /// Adds a list. Of one that nobody asked for the values may have to be looked
    /// at all the same; they go to a column of this type and no further.
    fn list<T>(
        &mut self,
        name: &str,
        unkept: &DataType,
        values: impl Iterator<Item = T>,
        mut push: impl FnMut(&mut Column, &mut Notes, T),
    ) {
        let at = self.position(name);
        let Self {
            structure, notes, ..
        } = self;
        match at.and_then(|at| structure.columns[at].as_mut()) {
            Some(Column::List(list)) => {
                let mut len = 0;
                for value in values {
                    push(&mut list.values, notes, value);
                    notes.bytes += 16;
                    len += 1;
                }
                list.end(len);
            }
            Some(other) => unreachable!("a list in {other:?}"),
            None if notes.looks_at_all => {
                let mut unkept = Column::new(unkept);
                values.for_each(|value| push(&mut unkept, notes, value));
            }
            None => {}
        }
    }
}

/// What a host sent, as text.
fn readable<'b>(notes: &mut Notes, bytes: &'b [u8]) -> Cow<'b, str> {
    let text = String::from_utf8_lossy(bytes);
    notes.is_lossy |= matches!(text, Cow::Owned(_));
    notes.bytes += text.len();
    text
}

fn push_text(column: &mut Column, notes: &mut Notes, bytes: &[u8]) {
    column.push_text(&readable(notes, bytes));
}

fn push_structure(column: &mut Column, notes: &mut Notes, value: &impl Visit) {
    let Column::Structure(structure) = column else {
        unreachable!("a structure in {column:?}");
    };
    value.visit(&mut Row::new(structure, notes));
    structure.end();
}

/// The type of structures of which nothing is kept.
fn nothing() -> DataType {
    DataType::Struct(Fields::empty())
}

impl FieldVisitor for Row<'_> {
    fn number(&mut self, name: &'static str, value: Option<u64>) {
        let value = match self.notes.flow {
            Some(flow) if name == "flow" => Some(flow),
            _ => value,
        };
        self.push(name, value);
    }

    fn duration(&mut self, name: &'static str, nanos: Option<u64>) {
        self.push(name, nanos);
    }

    fn plain_text(&mut self, name: &'static str, value: Option<impl PlainText>) {
        let Some(at) = self.position(name) else {
            return;
        };
        let Self {
            structure, notes, ..
        } = self;
        let Some(column) = structure.columns[at].as_mut() else {
            return;
        };
        let Some(value) = value else {
            column.push_null();
            return;
        };
        notes.scratch.clear();
        value.append_to(&mut notes.scratch);
        notes.bytes += notes.scratch.len();
        column.push_text(&String::from_utf8_lossy(&notes.scratch));
    }

    fn host(&mut self, name: &'static str, value: Host) {
        match self.column(name) {
            Some(Column::Bytes(builder)) => match value {
                Host::Ip(IpAddr::V4(addr)) => builder.append_value(addr.octets()),
                Host::Ip(IpAddr::V6(addr)) => builder.append_value(addr.octets()),
                Host::Mac(addr) => builder.append_value(addr),
            },
            Some(_) => {
                self.next -= 1;
                self.plain_text(name, Some(value));
            }
            None => {}
        }
    }

    fn wants(&self, name: &'static str) -> bool {
        let fields = self.structure.fields.iter().zip(&self.structure.columns);
        let mut wanted = fields.filter(|(_, column)| column.is_some());
        wanted.any(|(field, _)| field.name() == name)
    }

    fn text(&mut self, name: &'static str, value: Option<impl AsRef<[u8]>>) {
        let at = self.position(name);
        let Self {
            structure, notes, ..
        } = self;
        let column = at.and_then(|at| structure.columns[at].as_mut());
        match (column, value) {
            (Some(column), Some(value)) => push_text(column, notes, value.as_ref()),
            (Some(column), None) => column.push_null(),
            (None, Some(value)) if notes.looks_at_all => {
                readable(notes, value.as_ref());
            }
            (None, _) => {}
        }
    }

    fn flag(&mut self, name: &'static str, value: Option<bool>) {
        if let Some(column) = self.column(name) {
            match value {
                Some(value) => column.push_flag(value),
                None => column.push_null(),
            }
        }
    }

    fn texts(&mut self, name: &'static str, values: impl Iterator<Item = impl AsRef<[u8]>>) {
        self.list(name, &DataType::Utf8, values, |column, notes, value| {
            push_text(column, notes, value.as_ref());
        });
    }

    fn pairs<'v>(
        &mut self,
        name: &'static str,
        values: impl Iterator<Item = (&'v [u8], &'v [u8])>,
    ) {
        self.list(name, &nothing(), values, |column, notes, pair| {
            push_structure(column, notes, &Pair(pair));
        });
    }

    fn numbers(&mut self, name: &'static str, values: impl Iterator<Item = u64>) {
        self.list(name, &DataType::Int64, values, |column, _, value| {
            column.push_number(value);
        });
    }

    fn structure(&mut self, name: &'static str, value: Option<impl Visit>) {
        let at = self.position(name);
        let Self {
            structure, notes, ..
        } = self;
        let column = at.and_then(|at| structure.columns[at].as_mut());
        match (column, value) {
            (Some(column), Some(value)) => push_structure(column, notes, &value),
            (Some(column), None) => column.push_null(),
            (None, Some(value)) if notes.looks_at_all => {
                push_structure(&mut Column::new(&nothing()), notes, &value);
            }
            (None, _) => {}
        }
    }

    fn structures<V: Visit>(&mut self, name: &'static str, values: impl Iterator<Item = V>) {
        self.list(name, &nothing(), values, |column, notes, value| {
            push_structure(column, notes, &value);
        });
    }
}

/// A name and a value, as of a header.
struct Pair<'a>((&'a [u8], &'a [u8]));

impl Visit for Pair<'_> {
    fn visit(&self, fields: &mut impl FieldVisitor) {
        let Self((name, value)) = self;
        fields.text("name", Some(name));
        fields.text("value", Some(value));
    }
}
