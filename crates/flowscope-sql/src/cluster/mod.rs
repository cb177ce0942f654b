//! The same queries on a cluster of Ballista.
//!
//! ```text
//! client ── logical plan ──> scheduler ── physical plans ──> executors
//!   ^        (CaptureTable)                (ClusterScan)         │
//!   └────────────────────── rows, and what was damaged ──────────┘
//! ```
//!
//! What the captures are is found out where the query is asked ([`client`]). The
//! table and the step that reads it travel by [`codec`], which the scheduler and
//! every executor have to know ([`nodes`]). A [`ClusterScan`](scan::ClusterScan)
//! can be cut into tasks. Executors find captures under the same paths, as they
//! were for whoever asked ([`unchanged`]).

pub(crate) mod client;
mod codec;
mod damage;
mod indexes;
mod messages;
pub(crate) mod nodes;
mod scan;
mod unchanged;
