//! Metrics and trace events of the engine, for operators of the program.
//!
//! With the feature `metrics` they publish what they count through the crate
//! `metrics`, under the names that `docs/OBSERVABILITY.md` lists; with `tracing` they
//! report flows and anomalies through the crate `tracing`, under the targets
//! `flowscope::flow` and `flowscope::anomaly`, and with `tracing-messages` each
//! message of a parser under `flowscope::message`. Without these features nothing
//! of it is compiled.
//!
//! It goes to whatever recorder or subscriber the program has installed. What
//! flows are and carry is in neither: that is for a [`Sink`](crate::Sink).

#[cfg(feature = "tracing")]
mod events;
#[cfg(any(test, feature = "metrics"))]
#[cfg_attr(
    not(feature = "metrics"),
    allow(dead_code, reason = "the tests compare them with the documentation")
)]
mod names;
mod observer;
#[cfg(feature = "metrics")]
mod publish;
mod report;
#[cfg(feature = "tracing")]
mod targets;

pub(crate) use observer::{Observer, message};
#[cfg(feature = "metrics")]
pub use publish::describe;
pub(crate) use report::{Ended, EngineCounts};
