//! Which records become rows.

use flowscope_record::{Host, Record};

use crate::subnet::Subnet;

/// Bounds that a query sets. A record that is outside of them becomes no row.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct RowFilter {
    /// The earliest `ts`, in nanoseconds since 1970-01-01 UTC.
    pub from: Option<u64>,
    /// The latest `ts`.
    pub to: Option<u64>,
    /// Networks that the address of the initiator is in, all of them.
    pub src: Vec<Subnet>,
    /// Networks that the address of the responder is in.
    pub dst: Vec<Subnet>,
}

impl RowFilter {
    /// Whether a record is within the bounds.
    #[must_use]
    pub fn takes(&self, record: &Record) -> bool {
        let at = record.at().map(|at| at.as_nanos());
        let is_late_enough = self.from.is_none_or(|from| at >= Some(from));
        let is_early_enough = self.to.is_none_or(|to| at.is_none_or(|at| at <= to));
        if !is_late_enough || !is_early_enough {
            return false;
        }
        let Some((_, ends)) = record.flow() else {
            return true;
        };
        let is_in = |networks: &[Subnet], host| match host {
            Host::Ip(addr) => networks.iter().all(|network| network.contains(addr)),
            _ => networks.is_empty(),
        };
        is_in(&self.src, ends.src) && is_in(&self.dst, ends.dst)
    }

    /// Whether it takes everything.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
