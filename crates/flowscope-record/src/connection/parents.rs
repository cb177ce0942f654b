//! Which connections carry which, in tunnels.

use std::collections::HashMap;

use flowscope_core::track::FlowId;

use crate::record::{Endpoints, ParentConnection};

/// What carries the connections that live.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parents {
    latest: Option<Place>,
    known: HashMap<Child, Vec<ParentConnection>>,
}

/// The flow and the number of a connection.
type Child = (u64, u32);

/// Where a packet was counted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// The number of its frame.
    pub(crate) frame: u64,
    /// How many encapsulations are around its flow.
    pub(crate) depth: usize,
    pub(crate) flow: FlowId,
    pub(crate) number: u32,
    pub(crate) endpoints: Endpoints,
}

impl Parents {
    /// Whether a packet of a flow with so many encapsulations around it matters: one
    /// in a tunnel, and those that come with the same frame.
    pub(crate) fn wants(&self, frame: u64, depth: usize) -> bool {
        depth > 0 || self.latest.is_some_and(|latest| latest.frame == frame)
    }

    /// Takes a packet. One in a tunnel counts twice, one time after the other:
    /// of the two flows the one with fewer encapsulations carries the other.
    pub(crate) fn packet(&mut self, place: Place) {
        let latest = self.latest.replace(place);
        let Some(latest) = latest.filter(|it| it.frame == place.frame && it.depth != place.depth)
        else {
            return;
        };
        let (outer, inner) = match latest.depth < place.depth {
            true => (latest, place),
            false => (place, latest),
        };
        let parent = ParentConnection {
            flow: outer.flow,
            number: outer.number,
            endpoints: outer.endpoints,
        };
        let child = (inner.flow.number(), inner.number);
        let parents = self.known.entry(child).or_default();
        if parents.len() < MAX_PARENTS && !parents.contains(&parent) {
            parents.push(parent);
        }
    }

    /// Those of a connection that is over.
    pub(crate) fn take(&mut self, flow: FlowId, number: u32) -> Vec<ParentConnection> {
        if self.known.is_empty() {
            return Vec::new();
        }
        self.known
            .remove(&(flow.number(), number))
            .unwrap_or_default()
    }
}

/// How many of a connection are kept.
const MAX_PARENTS: usize = 16;
