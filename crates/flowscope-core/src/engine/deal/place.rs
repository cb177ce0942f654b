//! Where an event stands among all events.

use super::WorkerFlows;
use crate::engine::Consumer;
use crate::{Sink, Timestamp};

/// Where an event stands among all events of all workers.
///
/// What one worker reports at one place stays together, in its own order; no
/// other worker reports anything at the same place. The default is before everything else.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Place {
    /// Which packet, or call of the dealer, it comes with; counted from 1.
    mark: u64,
    /// The moment at which it was due; the end of time for what comes with the
    /// packet itself.
    moment: Timestamp,
    /// At one moment flows end before others are called.
    is_timer: bool,
    /// The flow that is called, or which step of the dealer's it is.
    number: u64,
}

impl Place {
    pub(super) const fn of_step(mark: u64, moment: Timestamp, number: u32) -> Self {
        Self {
            mark,
            moment,
            is_timer: false,
            number: number as u64,
        }
    }

    pub(super) const fn of_timer(mark: u64, moment: Timestamp, flow: u64) -> Self {
        Self {
            mark,
            moment,
            is_timer: true,
            number: flow,
        }
    }

    /// Which packet it comes with: as many were given to the dealer, this one
    /// included. Calls of [`expire`](super::FlowDealer::expire) and
    /// [`finish`](super::FlowDealer::finish) count as packets.
    #[must_use]
    pub const fn packet(self) -> u64 {
        self.mark
    }
}

/// Takes what a worker reports.
pub trait StepSink<K, C: Consumer<K>>: Sink<C::Event> {
    /// What follows stands at this place.
    fn place(&mut self, place: Place);

    /// Everything at a place was reported, or a part of it: flows that it was
    /// about can be asked for, as far as they live.
    fn stepped(&mut self, flows: &WorkerFlows<K, C>) {
        let _ = flows;
    }
}
