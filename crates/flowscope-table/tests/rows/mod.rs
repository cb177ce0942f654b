//! The rows of batches as JSON has them.

use arrow_array::cast::AsArray;
use arrow_array::types::{DurationNanosecondType, Int32Type, Int64Type, TimestampNanosecondType};
use arrow_array::{Array, RecordBatch};
use arrow_schema::DataType;
use flowscope_record::digits;
use flowscope_table::CAPTURE;
use serde_json::{Map, Value};

/// The rows, without the one column that JSON has not.
pub(crate) fn values(batch: &RecordBatch) -> Vec<Value> {
    let rows = 0..batch.num_rows();
    rows.map(|row| {
        let schema = batch.schema();
        let columns = schema.fields().iter().zip(batch.columns());
        let mut fields = Map::new();
        for (field, column) in columns {
            if field.name() == CAPTURE {
                assert!(column.as_dictionary::<Int32Type>().is_valid(row));
            } else if let Some(value) = value_of(column, row) {
                fields.insert(field.name().clone(), value);
            }
        }
        Value::Object(fields)
    })
    .collect()
}

/// A value as JSON has it; `None` where it is left out.
fn value_of(column: &dyn Array, row: usize) -> Option<Value> {
    let seconds = |nanos: i64| {
        let mut text = Vec::new();
        digits::push_seconds(&mut text, nanos.try_into().unwrap());
        let text: f64 = String::from_utf8(text).unwrap().parse().unwrap();
        Value::from(format!("{text:.3}"))
    };
    if column.is_null(row) {
        return None;
    }
    Some(match column.data_type() {
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).into(),
        DataType::Boolean => column.as_boolean().value(row).into(),
        DataType::Utf8 => column.as_string::<i32>().value(row).into(),
        DataType::Timestamp(..) => {
            seconds(column.as_primitive::<TimestampNanosecondType>().value(row))
        }
        DataType::Duration(_) => {
            seconds(column.as_primitive::<DurationNanosecondType>().value(row))
        }
        DataType::Dictionary(..) => {
            let words = column.as_dictionary::<Int32Type>();
            return value_of(words.values(), words.key(row)?);
        }
        DataType::List(_) => {
            let list = column.as_list::<i32>().value(row);
            let items = 0..list.len();
            items
                .map(|item| value_of(&list, item).unwrap_or_default())
                .collect()
        }
        DataType::Struct(fields) => {
            let parts = column.as_struct().columns().iter();
            let parts = fields.iter().zip(parts);
            let is_pair = fields.iter().map(|it| it.name()).eq(["name", "value"]);
            if is_pair {
                let parts = parts.map(|(_, part)| value_of(part, row).unwrap_or_default());
                return Some(parts.collect());
            }
            let parts = parts
                .filter_map(|(field, part)| Some((field.name().clone(), value_of(part, row)?)));
            Value::Object(parts.collect())
        }
        other => panic!("{other}"),
    })
}
