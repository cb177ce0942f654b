//! The same queries on a cluster.

mod answers;
mod captures;
mod lost;
mod nodes;
mod strangers;
