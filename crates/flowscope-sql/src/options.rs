//! What can be set in a query, too: `SET flowscope.each = true`.

use datafusion::common::config::ConfigExtension;
use datafusion::common::extensions_options;

extensions_options! {
    /// How captures are read.
    pub(crate) struct ReadOptions {
        /// Read each capture by itself, several at once: no flow goes on from one to the next
        pub each: bool, default = false

        /// Read captures that are one in so many parts at once, behind a pass that only tracks
        pub parts: usize, default = 1

        /// Whether a capture that cannot be read to its end is an error
        pub strict: bool, default = false
    }
}

impl ConfigExtension for ReadOptions {
    const PREFIX: &'static str = "flowscope";
}
