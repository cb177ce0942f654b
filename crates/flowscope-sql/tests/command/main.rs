//! The command `flowscope-sql` as a user sees it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod agreement;
#[cfg(feature = "cluster")]
mod cluster;
mod complaints;
mod explain;
mod formats;
mod functions;
mod support;
mod tables;
