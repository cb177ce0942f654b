//! What must hold of flowscope for any input.
//!
//! Each of the [`TARGETS`] takes bytes and panics where something does not hold:
//! a packet that is not accounted for, messages that depend on how a stream was
//! cut, memory over its cap, output that is not valid. libFuzzer calls them with
//! inputs that it finds by what they reach (`cargo xtask fuzz`), and a test with
//! the [`seeds`] and with what was found before.

mod capture;
mod conversation;
mod digest;
mod formats;
mod fragments;
mod frames;
mod held;
mod parsers;
mod script;
pub mod seeds;
pub mod soak;
pub mod targets;
mod tracking;

pub use targets::TARGETS;
