//! A column of a batch while it is filled.

use core::fmt;
use std::sync::Arc;

use arrow_array::builder::{
    ArrayBuilder, BinaryBuilder, BooleanBuilder, DurationNanosecondBuilder, Int32Builder,
    Int64Builder, StringBuilder, StringDictionaryBuilder, TimestampNanosecondBuilder,
};
use arrow_array::types::Int32Type;
use arrow_array::{ArrayRef, ListArray, StructArray};
use arrow_buffer::{NullBufferBuilder, OffsetBufferBuilder};
use arrow_schema::{ArrowError, DataType, FieldRef, Fields};

/// Values of one type.
pub(crate) enum Column {
    Number(Int64Builder),
    SmallNumber(Int32Builder),
    Time(TimestampNanosecondBuilder),
    Duration(DurationNanosecondBuilder),
    Flag(BooleanBuilder),
    Text(StringBuilder),
    Word(StringDictionaryBuilder<Int32Type>),
    Bytes(BinaryBuilder),
    List(Box<List>),
    Structure(Structure),
}

/// Lists of values.
#[derive(Debug)]
pub(crate) struct List {
    element: FieldRef,
    lengths: OffsetBufferBuilder<i32>,
    valid: NullBufferBuilder,
    pub(crate) values: Column,
}

/// Values with names. Those that nobody asked for have no column.
#[derive(Debug)]
pub(crate) struct Structure {
    pub(crate) fields: Fields,
    pub(crate) columns: Vec<Option<Column>>,
    valid: NullBufferBuilder,
}

impl Column {
    /// An empty one.
    pub(crate) fn new(data_type: &DataType) -> Self {
        match data_type {
            DataType::Int64 => Self::Number(Int64Builder::new()),
            DataType::Int32 => Self::SmallNumber(Int32Builder::new()),
            DataType::Timestamp(..) => {
                let builder = TimestampNanosecondBuilder::new();
                Self::Time(builder.with_data_type(data_type.clone()))
            }
            DataType::Duration(_) => Self::Duration(DurationNanosecondBuilder::new()),
            DataType::Boolean => Self::Flag(BooleanBuilder::new()),
            DataType::Utf8 => Self::Text(StringBuilder::new()),
            DataType::Dictionary(..) => Self::Word(StringDictionaryBuilder::new()),
            DataType::Binary => Self::Bytes(BinaryBuilder::new()),
            DataType::List(element) => Self::List(Box::new(List {
                element: element.clone(),
                lengths: OffsetBufferBuilder::new(0),
                valid: NullBufferBuilder::new(0),
                values: Self::new(element.data_type()),
            })),
            DataType::Struct(fields) => Self::Structure(Structure::new(fields.clone(), |_| true)),
            other => unreachable!("no table has a column of {other}"),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Number(builder) => builder.len(),
            Self::SmallNumber(builder) => builder.len(),
            Self::Time(builder) => builder.len(),
            Self::Duration(builder) => builder.len(),
            Self::Flag(builder) => builder.len(),
            Self::Text(builder) => builder.len(),
            Self::Word(builder) => builder.len(),
            Self::Bytes(builder) => builder.len(),
            Self::List(list) => list.valid.len(),
            Self::Structure(structure) => structure.valid.len(),
        }
    }

    /// Adds a value that is not there.
    pub(crate) fn push_null(&mut self) {
        match self {
            Self::Number(builder) => builder.append_null(),
            Self::SmallNumber(builder) => builder.append_null(),
            Self::Time(builder) => builder.append_null(),
            Self::Duration(builder) => builder.append_null(),
            Self::Flag(builder) => builder.append_null(),
            Self::Text(builder) => builder.append_null(),
            Self::Word(builder) => builder.append_null(),
            Self::Bytes(builder) => builder.append_null(),
            Self::List(list) => list.end(0),
            Self::Structure(structure) => {
                for column in structure.columns.iter_mut().flatten() {
                    column.push_null();
                }
                structure.valid.append_null();
            }
        }
    }

    /// Adds text.
    pub(crate) fn push_text(&mut self, text: &str) {
        match self {
            Self::Text(builder) => builder.append_value(text),
            Self::Word(builder) => builder.append_value(text),
            // One value where others have several.
            Self::List(list) => {
                list.values.push_text(text);
                list.end(1);
            }
            other => unreachable!("text in {other:?}"),
        }
    }

    /// Adds a number. No counter gets as far as the greatest.
    pub(crate) fn push_number(&mut self, number: u64) {
        let value = i64::try_from(number).unwrap_or(i64::MAX);
        match self {
            Self::Number(builder) => builder.append_value(value),
            Self::SmallNumber(builder) => {
                builder.append_value(i32::try_from(value).unwrap_or(i32::MAX));
            }
            Self::Time(builder) => builder.append_value(value),
            Self::Duration(builder) => builder.append_value(value),
            other => unreachable!("a number in {other:?}"),
        }
    }

    /// Adds a flag.
    pub(crate) fn push_flag(&mut self, value: bool) {
        match self {
            Self::Flag(builder) => builder.append_value(value),
            other => unreachable!("a flag in {other:?}"),
        }
    }

    /// Takes what was added. It is empty again.
    pub(crate) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        Ok(match self {
            Self::Number(builder) => Arc::new(builder.finish()),
            Self::SmallNumber(builder) => Arc::new(builder.finish()),
            Self::Time(builder) => Arc::new(builder.finish()),
            Self::Duration(builder) => Arc::new(builder.finish()),
            Self::Flag(builder) => Arc::new(builder.finish()),
            Self::Text(builder) => Arc::new(builder.finish()),
            Self::Word(builder) => Arc::new(builder.finish()),
            Self::Bytes(builder) => Arc::new(builder.finish()),
            Self::List(list) => Arc::new(list.finish()?),
            Self::Structure(structure) => Arc::new(structure.finish()?),
        })
    }
}

impl fmt::Debug for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self {
            Self::Number(_) => "Number",
            Self::SmallNumber(_) => "SmallNumber",
            Self::Time(_) => "Time",
            Self::Duration(_) => "Duration",
            Self::Flag(_) => "Flag",
            Self::Text(_) => "Text",
            Self::Word(_) => "Word",
            Self::Bytes(_) => "Bytes",
            Self::List(_) => "List",
            Self::Structure(_) => "Structure",
        };
        f.debug_tuple(kind).field(&self.len()).finish()
    }
}

impl List {
    /// Ends a list of so many values, which were added to
    /// [`values`](Self::values). None is no list.
    pub(crate) fn end(&mut self, len: usize) {
        self.lengths.push_length(len);
        self.valid.append(len > 0);
    }

    fn finish(&mut self) -> Result<ListArray, ArrowError> {
        let lengths = core::mem::replace(&mut self.lengths, OffsetBufferBuilder::new(0));
        let values = self.values.finish()?;
        let valid = self.valid.finish();
        ListArray::try_new(self.element.clone(), lengths.finish(), values, valid)
    }
}

impl Structure {
    /// One with a column for each field that is wanted.
    pub(crate) fn new(fields: Fields, is_wanted: impl Fn(&str) -> bool) -> Self {
        let columns = fields.iter().map(|field| {
            let is_wanted = is_wanted(field.name());
            is_wanted.then(|| Column::new(field.data_type()))
        });
        Self {
            columns: columns.collect(),
            valid: NullBufferBuilder::new(0),
            fields,
        }
    }

    /// How many values it has.
    pub(crate) fn len(&self) -> usize {
        self.valid.len()
    }

    /// Ends a value: what was not added to its columns is not there.
    pub(crate) fn end(&mut self) {
        let len = self.valid.len();
        for column in self.columns.iter_mut().flatten() {
            if column.len() == len {
                column.push_null();
            }
        }
        self.valid.append_non_null();
    }

    /// Takes the columns that were wanted, in order. They are empty again.
    pub(crate) fn finish_columns(&mut self) -> Result<Vec<ArrayRef>, ArrowError> {
        self.valid = NullBufferBuilder::new(0);
        let columns = self.columns.iter_mut().flatten();
        columns.map(Column::finish).collect()
    }

    fn finish(&mut self) -> Result<StructArray, ArrowError> {
        let valid = self.valid.finish();
        let columns = self.finish_columns()?;
        StructArray::try_new(self.fields.clone(), columns, valid)
    }
}
