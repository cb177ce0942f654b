//! The columns of tables, made of the schema of their records.

use std::collections::HashMap;
use std::sync::Arc;

use arrow_schema::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};
use flowscope_record::schema::{self as records, FieldType, Unit};

use crate::table::{Addresses, Table};

/// The version of the schemas. It grows when a column is added; none changes its
/// name, type or meaning.
pub const SCHEMA_VERSION: &str = "1";

/// The name of the column that says which capture a row is from.
pub const CAPTURE: &str = "capture";

/// The columns of a table.
///
/// They are the fields of its records in their order, then `lossy` where these
/// have text, and [`CAPTURE`]. What is absent in JSON is null here, and so is an
/// empty list. A column says in its metadata what it means and in which unit.
///
/// ```
/// use flowscope_table::{Addresses, Table, schema};
///
/// let flows = schema(Table::Flows, Addresses::Text);
/// let ts = flows.field_with_name("ts").expect("every table has one");
/// assert_eq!(ts.data_type().to_string(), "Timestamp(ns, \"UTC\")");
/// assert_eq!(flows.metadata()["flowscope.table"], "flows");
/// ```
#[must_use]
pub fn schema(table: Table, addresses: Addresses) -> SchemaRef {
    let (schema, types) = table.records();
    let fields = schema.fields.iter().copied().flatten();
    let fields = fields.filter(|field| types.iter().any(|kind| field.is_of(kind)));
    let mut columns: Vec<Field> = Vec::new();
    for field in fields {
        let column = column(field, types, addresses);
        match columns.iter_mut().find(|known| known.name() == field.name) {
            None => columns.push(column),
            // The same name may be of one value in one type of records, and of
            // several in another: one value is a list, too.
            Some(known) if is_list(column.data_type()) => *known = column,
            Some(_) => {}
        }
    }
    if schema.has_text() {
        let lossy = Field::new("lossy", DataType::Boolean, true);
        columns.push(described(
            lossy,
            "true where text could not be kept as it was sent",
            None,
        ));
    }
    let capture = Field::new(CAPTURE, word(), false);
    columns.push(described(
        capture,
        "the capture that it is from: the first, where several are read as one",
        None,
    ));
    let metadata = [
        ("flowscope.table", table.as_str()),
        ("flowscope.schema", SCHEMA_VERSION),
    ];
    let metadata = metadata.map(|(key, value)| (key.to_owned(), value.to_owned()));
    Arc::new(Schema::new_with_metadata(columns, HashMap::from(metadata)))
}

/// The column for a field of records of some types.
fn column(field: &records::Field, types: &[&str], addresses: Addresses) -> Field {
    let data_type = match (field.name, field.field_type) {
        ("src" | "dst", FieldType::PlainText) => match addresses {
            Addresses::Text => DataType::Utf8,
            Addresses::Binary => DataType::Binary,
        },
        // These are hardly ever the same twice.
        ("community_id" | "sha256", _) => DataType::Utf8,
        (name, FieldType::Number) if SMALL.contains(&name) => DataType::Int32,
        (_, FieldType::PlainText) => word(),
        (_, field_type) => data_type(field_type),
    };
    let is_always_there = field.absent.is_none()
        && types.iter().all(|kind| field.is_of(kind))
        && !is_list(&data_type);
    let column = Field::new(field.name, data_type, !is_always_there);
    described(column, field.description, field.unit)
}

fn data_type(field_type: FieldType) -> DataType {
    match field_type {
        FieldType::Number => DataType::Int64,
        FieldType::Time => DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
        FieldType::Duration => DataType::Duration(TimeUnit::Nanosecond),
        FieldType::PlainText | FieldType::Text => DataType::Utf8,
        FieldType::Flag => DataType::Boolean,
        FieldType::TextPair => {
            let text = |name| Field::new(name, DataType::Utf8, false);
            DataType::Struct(Fields::from(vec![text("name"), text("value")]))
        }
        FieldType::List(element) => DataType::List(element_of(data_type(*element))),
        FieldType::Structure(parts) => {
            let part = |part: &records::Field| {
                let column = Field::new(part.name, data_type(part.field_type), true);
                described(column, part.description, part.unit)
            };
            DataType::Struct(parts.iter().map(part).collect())
        }
        other => unreachable!("no column for {other:?}"),
    }
}

/// The elements of a list.
pub(crate) fn element_of(data_type: DataType) -> FieldRef {
    Arc::new(Field::new("item", data_type, false))
}

/// Text of which there are few different ones.
pub(crate) fn word() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

fn is_list(data_type: &DataType) -> bool {
    matches!(data_type, DataType::List(_))
}

fn described(column: Field, description: &str, unit: Option<Unit>) -> Field {
    let mut metadata = HashMap::from([("description".to_owned(), description.to_owned())]);
    let unit = match (unit, column.data_type()) {
        // Their types say it.
        (_, DataType::Timestamp(..) | DataType::Duration(_)) | (None, _) => None,
        (Some(Unit::Bytes), _) => Some("bytes"),
        (Some(Unit::Packets), _) => Some("packets"),
        (Some(Unit::Datagrams), _) => Some("datagrams"),
        (Some(Unit::Flows), _) => Some("flows"),
        (Some(Unit::Seconds), _) => Some("seconds"),
        (Some(_), _) => None,
    };
    metadata.extend(unit.map(|unit| ("unit".to_owned(), unit.to_owned())));
    column.with_metadata(metadata)
}

/// Numbers that have 16 bits at the most.
const SMALL: [&str; 5] = ["src_port", "dst_port", "icmp_type", "icmp_code", "status"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_a_column_in_its_order() {
        for table in Table::ALL {
            let columns = schema(table, Addresses::Text);
            let names: Vec<_> = columns
                .fields()
                .iter()
                .map(|it| it.name().as_str())
                .collect();
            assert_eq!(names[..3], ["type", "ts", "flow"], "{table}");
            assert_eq!(names.last(), Some(&CAPTURE), "{table}");
            let (records, types) = table.records();
            for kind in types {
                for field in records.fields_of(kind) {
                    assert!(names.contains(&field.name), "{table}: {}", field.name);
                }
            }
        }
    }

    #[test]
    fn types_are_those_of_values() {
        let of = |table, name: &str| {
            let schema = schema(table, Addresses::Binary);
            let column = schema.field_with_name(name).expect(name).clone();
            (column.data_type().to_string(), column.is_nullable())
        };
        for (table, name, data_type, is_nullable) in [
            (Table::Flows, "ts", "Timestamp(ns, \"UTC\")", false),
            (Table::Flows, "duration", "Duration(ns)", false),
            (Table::Flows, "src", "Binary", false),
            (Table::Flows, "src_port", "Int32", true),
            (Table::Flows, "bytes_initiator", "Int64", false),
            (Table::Flows, "state", "Dictionary(Int32, Utf8)", false),
            (Table::Flows, "vlan", "List(non-null Int64)", true),
            (Table::Http, "method", "Utf8", true),
            (Table::Tls, "alpn", "List(non-null Utf8)", true),
            (Table::Tls, "ech", "Boolean", true),
            (Table::Streams, "sha256", "Utf8", false),
        ] {
            assert_eq!(
                of(table, name),
                (data_type.to_owned(), is_nullable),
                "{name}"
            );
        }
    }
}
