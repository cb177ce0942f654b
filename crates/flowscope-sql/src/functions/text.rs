//! Arguments as text.

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::ColumnarValue;

/// Whether values of a type are text, or null.
pub(super) fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => true,
        DataType::Dictionary(_, values) => is_text(values),
        _ => false,
    }
}

/// A column of text.
pub(super) fn strings(value: &ColumnarValue, rows: usize) -> Result<StringArray> {
    let array = cast(&value.to_array(rows)?, &DataType::Utf8)?;
    Ok(array.as_string::<i32>().clone())
}

/// A column of whole numbers.
pub(super) fn numbers(value: &ColumnarValue, rows: usize) -> Result<ArrayRef> {
    Ok(cast(&value.to_array(rows)?, &DataType::Int64)?)
}

/// The types of a function's arguments as they are, if each is as it should be.
pub(super) fn checked(
    usage: &str,
    found: &[DataType],
    is_right: &[fn(&DataType) -> bool],
) -> Result<Vec<DataType>> {
    let pairs = found.iter().zip(is_right);
    if found.len() == is_right.len() && pairs.into_iter().all(|(it, is_right)| is_right(it)) {
        return Ok(found.to_vec());
    }
    let found: Vec<_> = found.iter().map(ToString::to_string).collect();
    plan_err!("it is {usage}, and was given ({})", found.join(", "))
}

/// The value of a row, if there is one.
pub(super) fn at(strings: &StringArray, row: usize) -> Option<&str> {
    strings.is_valid(row).then(|| strings.value(row))
}
