//! The line that says how it goes.

use core::time::Duration;
use std::io::{self, IsTerminal as _, Write as _};

use flowscope_tokio::CaptureCounts;

use crate::args::When;
use crate::units;

/// A line on standard error, written anew each second.
#[derive(Debug)]
pub(super) struct Status {
    kind: Kind,
    before: CaptureCounts,
    is_shown: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    /// It stays where it is.
    Terminal,
    /// Each is a line of its own.
    Lines,
    None,
}

impl Status {
    pub(super) fn new(when: When, is_quiet: bool) -> Self {
        let is_terminal = io::stderr().is_terminal();
        let kind = match when {
            _ if is_quiet => Kind::None,
            When::Never => Kind::None,
            When::Auto | When::Always if is_terminal => Kind::Terminal,
            When::Always => Kind::Lines,
            When::Auto => Kind::None,
        };
        Self {
            kind,
            before: CaptureCounts::default(),
            is_shown: false,
        }
    }

    /// Shows it.
    pub(super) fn show(&mut self, counts: CaptureCounts, flows: u64, passed: Duration) {
        let line = line(&counts, &self.before, flows, passed);
        self.before = counts;
        let mut stderr = io::stderr().lock();
        // There is nowhere left to complain about standard error.
        let _ = match self.kind {
            Kind::None => return,
            Kind::Lines => writeln!(stderr, "{line}"),
            Kind::Terminal => {
                self.is_shown = true;
                write!(stderr, "\r{CLEAR}{line}").and_then(|()| stderr.flush())
            }
        };
    }

    /// Takes it away, as something else is to be written.
    pub(super) fn hide(&mut self) {
        if core::mem::take(&mut self.is_shown) {
            let mut stderr = io::stderr().lock();
            let _ = write!(stderr, "\r{CLEAR}").and_then(|()| stderr.flush());
        }
    }
}

fn line(now: &CaptureCounts, before: &CaptureCounts, flows: u64, passed: Duration) -> String {
    let seconds = passed.as_secs_f64().max(0.001);
    let packets = (now.delivered - before.delivered) as f64 / seconds;
    let bits = (now.delivered_bytes - before.delivered_bytes) as f64 * 8.0 / seconds;
    format!(
        "{} packets/s  {}  {} flows  {} dropped",
        units::count(packets.round() as u64),
        units::bit_rate(bits),
        units::count(flows),
        units::count(now.dropped()),
    )
}

/// What was received and lost in all.
pub(super) fn last_line(counts: &CaptureCounts) -> String {
    let CaptureCounts {
        received,
        delivered,
        dropped_by_kernel,
        dropped_by_interface,
        ..
    } = counts;
    let mut line = format!(
        "{received} packets received, {delivered} read, {dropped_by_kernel} dropped by the \
         kernel, {dropped_by_interface} by the interface"
    );
    if counts.waiting() > 0 {
        line += &format!(", {} not read at the end", counts.waiting());
    }
    line
}

/// To the end of the line.
const CLEAR: &str = "\x1b[K";

#[cfg(test)]
mod tests {
    use flowscope_tokio::Counters;

    use super::*;

    #[test]
    fn rates_are_of_the_time_since_the_last_line() {
        let counters = Counters::default();
        let before = counters.read();
        counters.add_received(5100);
        counters.add_delivered(5000, 1_250_000);
        counters.add_dropped_by_kernel(100);
        let line = line(&counters.read(), &before, 12, Duration::from_secs(2));
        assert_eq!(line, "2,500 packets/s  5 Mbit/s  12 flows  100 dropped");
    }

    #[test]
    fn the_last_line_adds_up() {
        let counters = Counters::default();
        counters.add_received(10);
        counters.add_delivered(7, 700);
        counters.add_dropped_by_kernel(2);
        assert_eq!(
            last_line(&counters.read()),
            "10 packets received, 7 read, 2 dropped by the kernel, 0 by the interface, 1 not \
             read at the end"
        );
    }
}
