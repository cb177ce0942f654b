//! What engines tell those who watch the program, where that is asked for.
//!
//! With the feature `metrics` they publish what they count through the crate
//! `metrics`, under the names in [`names`]; with `tracing` they tell of flows
//! and anomalies through the crate `tracing`, and with `tracing-messages` of
//! each message of a parser, under the [`targets`]. Without these features
//! nothing of it is compiled.
//!
//! It goes to whatever recorder or subscriber the program has installed. What
//! flows are and carry is in neither: that is for a [`Sink`](crate::Sink).

pub mod names;
mod observer;
#[cfg(feature = "metrics")]
mod publish;
mod report;
pub mod targets;
#[cfg(feature = "tracing")]
mod tell;

pub(crate) use observer::{Observer, message};
#[cfg(feature = "metrics")]
pub use publish::describe;
pub(crate) use report::{Account, Ended};
