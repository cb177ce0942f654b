//! `weird.log`.

use std::io;

use flowscope_core::Timestamp;
use flowscope_record::Anomaly;

use super::{Context, Lines, Log};

pub(super) fn write(
    at: Timestamp,
    anomaly: Anomaly,
    context: &Context,
    lines: &mut impl Lines,
) -> io::Result<()> {
    lines.line(Log::Weird, |row| {
        row.time(Some(at));
        context.write(row);
        row.text(Some(anomaly.as_str()));
        row.unset();
        row.flag(Some(false));
        row.text(Some("flowscope"));
        row.unset();
    })
}
