//! Where events of the feature `tracing` come from, to filter them by.

/// Flows that start and end, at the level `DEBUG`.
pub(super) const FLOW: &str = "flowscope::flow";
/// Anomalies: at `WARN` those that somebody may cause to mislead who
/// listens, or that cost data, and the others at `INFO`.
pub(super) const ANOMALY: &str = "flowscope::anomaly";
/// Messages of parsers, at `DEBUG`; with the feature `tracing-messages`.
#[cfg(feature = "tracing-messages")]
pub(super) const MESSAGE: &str = "flowscope::message";
