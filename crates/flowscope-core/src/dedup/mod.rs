//! Settings of [`Dedup`](crate::Dedup), which detects packets that a capture has
//! twice.

mod config;
pub(crate) mod duplicates;
mod recent;

pub use config::{Compare, DedupConfig};
