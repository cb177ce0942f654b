//! Interfaces: what passes them, as it does.
//!
//! Everything about a packet is done as for a file. What is here comes before and
//! after it: an interface is opened, signals end it, packets are saved, a line
//! says how it goes.

#[cfg(feature = "live")]
mod arguments;
#[cfg(feature = "live")]
mod interfaces;
#[cfg(feature = "live")]
mod listen;
#[cfg(feature = "live")]
mod opening;
#[cfg(feature = "live")]
mod recorder;
#[cfg(feature = "live")]
mod rotation;
#[cfg(feature = "live")]
mod saving;
pub(crate) mod signals;
#[cfg(feature = "live")]
mod status;

#[cfg(feature = "live")]
pub(crate) use arguments::{Capture, Live};
#[cfg(feature = "live")]
pub(crate) use interfaces::list;
#[cfg(feature = "live")]
pub(crate) use listen::listen;
#[cfg(feature = "live")]
pub(crate) use opening::open;
