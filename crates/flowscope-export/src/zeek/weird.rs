//! `weird.log`.

use std::io;

use flowscope_core::Timestamp;
use flowscope_core::track::AnomalyKind;
use flowscope_http::HttpAnomalyKind;
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
        row.text(Some(name(anomaly)));
        row.unset();
        row.flag(Some(false));
        row.text(Some("flowscope"));
        row.text(match anomaly {
            Anomaly::Http(_) => Some("HTTP"),
            _ => None,
        });
    })
}

/// Zeek's name where it has one for the same, and otherwise our own.
fn name(anomaly: Anomaly) -> &'static str {
    match anomaly {
        Anomaly::Flow(AnomalyKind::SynInConnection) => "SYN_inside_connection",
        Anomaly::Flow(AnomalyKind::OverlappingFragments) => "fragment_inconsistency",
        Anomaly::Http(HttpAnomalyKind::BothLengths) => "HTTP_content_length_and_chunked",
        Anomaly::Http(HttpAnomalyKind::BadLength) => "HTTP_bad_content_length",
        Anomaly::Http(HttpAnomalyKind::TooManyOutstanding) => "HTTP_excessive_pipelining",
        other => other.as_str(),
    }
}
