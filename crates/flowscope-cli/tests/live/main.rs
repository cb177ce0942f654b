//! The command on an interface: two network namespaces and a cable between them,
//! in which programs talk.
//!
//! They need root, `ip` and tcpdump; where these are missing, a test says so and
//! does nothing.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![cfg(target_os = "linux")]

mod faults;
mod load;
mod network;
mod process;
mod records;
