//! Rows by day.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampNanosecondType;
use arrow_array::{RecordBatch, TimestampNanosecondArray, UInt32Array};
use arrow_schema::ArrowError;
use arrow_select::take::take_record_batch;

/// The times of rows.
pub(super) fn times(batch: &RecordBatch) -> Result<&TimestampNanosecondArray, ArrowError> {
    let column = batch.column_by_name("ts");
    let times = column.and_then(|column| column.as_primitive_opt::<TimestampNanosecondType>());
    times.ok_or_else(|| ArrowError::SchemaError("rows without a time `ts`".to_owned()))
}

/// The rows of each day, which is counted from 1970-01-01 UTC.
pub(super) fn by_day(batch: RecordBatch) -> Result<Vec<(i64, RecordBatch)>, ArrowError> {
    let mut days: BTreeMap<i64, Vec<u32>> = BTreeMap::new();
    for (row, nanos) in (0..).zip(times(&batch)?.values()) {
        days.entry(nanos.div_euclid(NANOS)).or_default().push(row);
    }
    if days.len() == 1 {
        return Ok(days.into_keys().map(|day| (day, batch.clone())).collect());
    }
    days.into_iter()
        .map(|(day, rows)| {
            let rows = take_record_batch(&batch, &UInt32Array::from(rows))?;
            Ok((day, rows))
        })
        .collect()
}

/// A day as a date of the Gregorian calendar, such as `2026-01-31`.
pub(super) fn date(day: i64) -> String {
    // Years begin in March here, so that the day that some lack is their last.
    let day = day + 719_468;
    let era = day.div_euclid(DAYS_OF_ERA);
    let of_era = day.rem_euclid(DAYS_OF_ERA);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let (month, later) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    let year = year + era * 400 + later;
    format!("{year:04}-{month:02}-{of_month:02}")
}

const NANOS: i64 = 86_400_000_000_000;

/// Days of 400 years, after which the calendar is as before.
const DAYS_OF_ERA: i64 = 146_097;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (day, expected) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (58, "1970-02-28"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (20_454, "2026-01-01"),
            (20_788, "2026-12-01"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
        ] {
            assert_eq!(date(day), expected, "{day}");
        }
    }
}
