//! What was wrong with captures that were read all the same.

use core::sync::atomic::{AtomicBool, Ordering};

use crate::complaint;

/// Tells of damaged captures, and remembers that there were some.
#[derive(Debug)]
pub(crate) struct Trouble {
    is_quiet: bool,
    was_there: AtomicBool,
}

impl Trouble {
    pub(crate) fn new(is_quiet: bool) -> Self {
        Self {
            is_quiet,
            was_there: AtomicBool::new(false),
        }
    }

    /// Takes note of what is wrong.
    pub(crate) fn note(&self, what: &str) {
        self.was_there.store(true, Ordering::Relaxed);
        if !self.is_quiet {
            complaint::say(what);
        }
    }

    /// Whether anything was wrong.
    pub(crate) fn was_there(&self) -> bool {
        self.was_there.load(Ordering::Relaxed)
    }
}
