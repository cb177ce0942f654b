//! The progress bar.

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::args::When;
use crate::input::Input;

/// Shows how far the inputs were read, now and then.
#[derive(Clone, Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
    /// Packets since it was shown last.
    packets: usize,
    /// Bytes of the inputs that are done.
    before: u64,
    /// Bytes of the input being read.
    current: u64,
}

/// Whether records appear on the terminal while the inputs are read, where a
/// bar would stand between them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Screen {
    Free,
    Busy,
}

impl Progress {
    /// Progress over `inputs`, on standard error.
    pub(crate) fn new(when: When, inputs: &[Input], screen: Screen) -> Self {
        let term = Term::stderr();
        let draw = match when {
            When::Never => None,
            When::Auto if !term.is_term() || screen == Screen::Busy => None,
            When::Auto | When::Always => {
                Some(ProgressDrawTarget::term_like_with_hz(Box::new(term), 10))
            }
        };
        let sizes: Option<Vec<u64>> = inputs.iter().map(Input::size).collect();
        let total = sizes.map(|sizes| sizes.iter().sum());
        Self {
            bar: draw.map(|draw| {
                let bar = ProgressBar::with_draw_target(total, draw);
                bar.set_style(style(total));
                bar
            }),
            packets: 0,
            before: 0,
            current: 0,
        }
    }

    /// Counts packets; `true` once in a while.
    #[inline]
    pub(crate) fn is_due(&mut self, packets: usize) -> bool {
        self.packets += packets;
        self.packets >= PACKETS_BETWEEN
    }

    /// Shows how far the current input was read.
    #[cold]
    pub(crate) fn show(&mut self, position: u64) {
        self.packets = 0;
        self.current = position;
        if let Some(bar) = &self.bar {
            bar.set_position(self.before + position);
        }
    }

    /// Goes on to the next input.
    pub(crate) fn next_input(&mut self, size: Option<u64>) {
        self.before += size.unwrap_or(self.current);
        self.show(0);
    }

    /// Takes the bar away.
    pub(crate) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

fn style(total: Option<u64>) -> ProgressStyle {
    let template = match total {
        Some(_) => {
            "{bar:30} {decimal_bytes} of {decimal_total_bytes}, {decimal_bytes_per_sec}, {eta} left"
        }
        None => "{spinner} {decimal_bytes}, {decimal_bytes_per_sec}",
    };
    ProgressStyle::with_template(template).expect("the template is sound")
}

const PACKETS_BETWEEN: usize = 4096;
