//! What is said of a field.

use flowscope_core::FlowSide;

use crate::config::Goal;

/// The fields of one kind of records.
#[derive(Debug)]
pub struct Schema {
    /// The kind, such as `http`.
    pub name: &'static str,
    /// The types of its records: values of the field `type`.
    pub types: &'static [&'static str],
    /// For which goals they are made, and of which types.
    pub made_for: &'static [(Goal, &'static [&'static str])],
    /// What its records are.
    pub description: &'static str,
    /// Every field of any of its types, in order, those of all records first.
    pub fields: &'static [&'static [Field]],
}

/// A field of a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What its values are.
    pub field_type: FieldType,
    /// What its numbers count.
    pub unit: Option<Unit>,
    /// Whose it is, where there is one for each side of a flow.
    pub side: Option<FlowSide>,
    /// The record types that have it; all, if there are none.
    pub types: &'static [&'static str],
    /// What it means.
    pub description: &'static str,
    /// Where it is absent; `None` if it never is. Lists are also absent where
    /// they are empty.
    pub absent: Option<&'static str>,
}

/// What the values of a field are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FieldType {
    /// A whole number below 2⁶⁴.
    Number,
    /// A moment: nanoseconds since 1970-01-01 UTC, written as seconds.
    Time,
    /// A span of time: nanoseconds, written as seconds.
    Duration,
    /// Text that needs no quoting.
    PlainText,
    /// Text as it was sent, which may be any bytes.
    Text,
    /// Whether something is so.
    Flag,
    /// A pair of texts.
    TextPair,
    /// Values of one type.
    List(&'static Self),
    /// Fields.
    Structure(&'static [Field]),
}

/// What a number counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Packets, which are frames on the wire.
    Packets,
    /// Datagrams that were put together from fragments.
    Datagrams,
    /// Flows.
    Flows,
    /// Seconds, with nine digits after the point.
    Seconds,
}

impl Schema {
    /// The field of this name: the first, where it is of one type in one record
    /// type and of another in another.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        let mut fields = self.fields.iter().copied().flatten();
        fields.find(|field| field.name == name)
    }

    /// The fields of records of one type, in order.
    pub fn fields_of<'a>(&self, record_type: &'a str) -> impl Iterator<Item = &'static Field> + 'a {
        let fields = self.fields.iter().copied().flatten();
        fields.filter(move |field| field.is_of(record_type))
    }

    /// The types that are made for a goal; `None` if there are no such records then.
    #[must_use]
    pub fn types_for(&self, goal: Goal) -> Option<&'static [&'static str]> {
        let mut made_for = self.made_for.iter();
        made_for.find(|it| it.0 == goal).map(|it| it.1)
    }

    /// Whether its records have [text](FieldType::Text), so that they may also
    /// have the field `lossy`, which writers add.
    #[must_use]
    pub fn has_text(&self) -> bool {
        let mut fields = self.fields.iter().copied().flatten();
        fields.any(|field| field.field_type.has_text())
    }
}

impl Field {
    pub(super) const fn new(
        name: &'static str,
        field_type: FieldType,
        description: &'static str,
    ) -> Self {
        let unit = match field_type {
            FieldType::Time | FieldType::Duration => Some(Unit::Seconds),
            _ => None,
        };
        Self {
            name,
            field_type,
            unit,
            side: None,
            types: &[],
            description,
            absent: None,
        }
    }

    pub(super) const fn number(name: &'static str, description: &'static str) -> Self {
        Self::new(name, FieldType::Number, description)
    }

    pub(super) const fn time(name: &'static str, description: &'static str) -> Self {
        Self::new(name, FieldType::Time, description)
    }

    pub(super) const fn duration(name: &'static str, description: &'static str) -> Self {
        Self::new(name, FieldType::Duration, description)
    }

    pub(super) const fn plain_text(name: &'static str, description: &'static str) -> Self {
        Self::new(name, FieldType::PlainText, description)
    }

    pub(super) const fn text(name: &'static str, description: &'static str) -> Self {
        Self::new(name, FieldType::Text, description)
    }

    pub(super) const fn flag(name: &'static str, description: &'static str) -> Self {
        Self::new(name, FieldType::Flag, description)
    }

    pub(super) const fn list(
        name: &'static str,
        element: &'static FieldType,
        description: &'static str,
    ) -> Self {
        Self::new(name, FieldType::List(element), description)
    }

    pub(super) const fn unit(self, unit: Unit) -> Self {
        Self {
            unit: Some(unit),
            ..self
        }
    }

    pub(super) const fn side(self, side: FlowSide) -> Self {
        Self {
            side: Some(side),
            ..self
        }
    }

    /// The types that have it.
    pub(super) const fn of(self, types: &'static [&'static str]) -> Self {
        Self { types, ..self }
    }

    pub(super) const fn absent(self, absent: &'static str) -> Self {
        Self {
            absent: Some(absent),
            ..self
        }
    }

    /// Whether records of a type have it.
    #[must_use]
    pub fn is_of(&self, record_type: &str) -> bool {
        self.types.is_empty() || self.types.contains(&record_type)
    }
}

impl FieldType {
    /// The fields of a structure, or of each of a list of them; of anything else
    /// none.
    #[must_use]
    pub fn parts(self) -> &'static [Field] {
        match self {
            Self::Structure(parts) => parts,
            Self::List(element) => element.parts(),
            _ => &[],
        }
    }

    fn has_text(self) -> bool {
        match self {
            Self::Text | Self::TextPair => true,
            Self::List(element) => element.has_text(),
            Self::Structure(parts) => parts.iter().any(|part| part.field_type.has_text()),
            Self::Number | Self::Time | Self::Duration | Self::PlainText | Self::Flag => false,
        }
    }
}
