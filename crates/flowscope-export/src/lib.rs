//! Records in the formats of other tools: Zeek's logs, Suricata's EVE, IPFIX.
//!
//! ```text
//! RecordTracker → Record → ZeekLogs → conn.log, http.log, …
//!                        ↘ EveWriter → eve.json
//!                        ↘ IpfixWriter → a file, or a collector
//! ```
//!
//! Each takes records one by one and writes what they come to. What they need
//! of each flow beyond the record at hand they keep themselves, in bounded
//! memory, until the flow ends. The records have to be made with the settings
//! that [`record_config`] or [`zeek_config`] adds. Not for our own formats: those are in
//! `flowscope-record`.
//!
//! Nothing here reads a clock: times are the packets' own.

mod body;
mod civil;
mod digits;
pub mod eve;
pub mod ipfix;
mod json;
mod names;
mod object;
pub mod report;
pub mod zeek;

use core::time::Duration;

use flowscope_core::engine::OuterFlows;
use flowscope_record::RecordConfig;

/// The settings that make records as EVE and IPFIX need them.
#[must_use]
pub fn record_config(config: RecordConfig) -> RecordConfig {
    RecordConfig {
        tcp_flags: true,
        handshakes: true,
        bodies: body::LIMIT,
        ..config
    }
}

/// The settings that make records as Zeek's logs have them: connections in
/// tunnels and those around them, and timeouts that are at least Zeek's.
#[must_use]
pub fn zeek_config(config: RecordConfig) -> RecordConfig {
    let mut config = record_config(config);
    config.connections = true;
    config.engine.outer_flows = OuterFlows::Counted;
    let other = &mut config.engine.idle.other;
    *other = (*other).max(Duration::from_secs(60));
    config
}
