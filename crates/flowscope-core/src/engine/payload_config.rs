//! How much payload may be held.

use crate::reassemble::StreamConfig;

/// How much may be held to put streams in order, and what is done beyond it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PayloadConfig {
    /// For each side of a connection.
    pub streams: StreamConfig,
    /// Bytes of memory for both sides of a connection: 2 MiB by default. Beyond
    /// it, [`StreamConfig::overflow`] says what is done.
    pub max_memory_per_flow: usize,
    /// Bytes of memory for all flows: 256 MiB by default. It bounds what is
    /// held; what every connection with a stream out of order needs beside
    /// that, some 250 bytes a side, is bounded by the number of flows.
    pub max_memory: usize,
    /// What is done beyond it.
    pub pressure: Pressure,
}

impl Default for PayloadConfig {
    fn default() -> Self {
        Self {
            streams: StreamConfig::default(),
            max_memory_per_flow: 2 << 20,
            max_memory: 256 << 20,
            pressure: Pressure::default(),
        }
    }
}

/// Whose holes are given up when the memory for all flows is used up.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Pressure {
    /// Those of the flow that has held something for the longest time: nobody
    /// can fill the memory and keep it.
    #[default]
    Oldest,
    /// Those of the flow that needs more: nobody else is disturbed.
    Current,
}
