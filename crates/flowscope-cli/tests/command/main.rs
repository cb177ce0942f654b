//! The command as a user meets it: what goes in, what comes out, and the exit
//! status.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

mod captures;
#[cfg(unix)]
mod documented;
mod exported;
mod external;
mod jobs;
mod legible;
#[cfg(target_os = "linux")]
mod memory;
mod messages;
mod names;
mod options;
mod output;
mod records;
mod senders;
mod signals;
mod streams;
