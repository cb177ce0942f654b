//! Fragments to datagrams, bounded.
//!
//! Fragments name no ports but the first, and hold only a part of what they
//! carry. Here they wait for each other. [`FragmentConfig`] says how many may
//! and how long; the engine does the rest.

mod assembly;
mod budget;
mod config;
mod datagram;
mod defragmenter;
mod list;

pub use config::{FragmentConfig, FragmentPolicy, Loss, Overlap};
pub(crate) use datagram::Verdict;
pub(crate) use defragmenter::{Defragmenter, PushResult, RemovedDatagram};
