//! `report`: one page about captures.

use core::ops::ControlFlow;
use std::io::Write;

use flowscope_export::report::Report;
use flowscope_record::{Goal, Record, RecordTracker};

use crate::args::Options;
use crate::captures;
use crate::error::Failure;
use crate::input::Input;
use crate::output::Target;
use crate::progress::{Progress, Screen};

/// Writes the page.
///
/// Packets are tracked twice: once as `summary` does it, so that the page has
/// its numbers, and once for all that is said.
pub(crate) fn run(options: &Options, inputs: Vec<Input>) -> Result<Vec<Failure>, Failure> {
    let target = Target::named(options.output.clone());
    if target.is_terminal() {
        return Err(Failure::Usage(
            "a page is for a browser: name a file with --output",
        ));
    }
    if target.is_among(&inputs) {
        return Err(Failure::Usage("the output is one of the captures"));
    }
    let names: Vec<_> = inputs.iter().map(Input::to_string).collect();
    let mut report = Report::new(&title(&names));
    let mut summary = RecordTracker::new(options.record_config(Goal::Summary));
    let mut config = flowscope_export::record_config(options.record_config(Goal::All));
    config.frames = true;
    let mut all = RecordTracker::new(config);
    let mut found = Vec::new();
    let progress = Progress::new(options.progress(), &inputs, Screen::Free);
    let failures = captures::read(inputs, options.jobs(), progress, |source| {
        let batch: Vec<_> = source.next_batch()?.collect();
        let len = batch.len();
        summary.track_batch(batch.iter().copied(), &mut found);
        all.track_batch(batch, &mut |record: Record| report.write(&record));
        Ok(ControlFlow::Continue(len))
    });
    all.finish(&mut |record: Record| report.write(&record));
    summary.finish(&mut found);
    for record in &found {
        report.write(record);
    }
    let page = report.finish();
    let written = target.open().and_then(|mut out| {
        out.write_all(page.as_bytes())?;
        out.flush()
    });
    match written {
        Ok(()) => Ok(failures),
        Err(error) => Failure::of_output(target, error).map(|()| Vec::new()),
    }
}

/// What the page is about: the first captures, and how many more there are.
fn title(names: &[String]) -> String {
    match names.split_at_checked(NAMED) {
        Some((named, more)) if !more.is_empty() => {
            format!("{} and {} more", named.join(", "), more.len())
        }
        _ => names.join(", "),
    }
}

/// How many captures a title names.
const NAMED: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_names_a_few_captures() {
        let names: Vec<_> = (1..=5).map(|n| format!("{n}.pcap")).collect();
        assert_eq!(title(&names), "1.pcap, 2.pcap, 3.pcap and 2 more");
        assert_eq!(title(&names[..3]), "1.pcap, 2.pcap, 3.pcap");
        assert_eq!(title(&names[..1]), "1.pcap");
    }
}
