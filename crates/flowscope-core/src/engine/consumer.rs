//! What a driver does with the packets of its flows.

use super::config::EngineConfig;
use super::flow_ref::{FlowEnd, FlowRef};
use super::fragment::Fragment;
use super::pending::{Pending, PendingSlot};
use super::shards::Until;
use crate::extract::Extracted;
use crate::reassemble::StreamStats;
use crate::track::{Anomalies, FlowEvent};
use crate::{BySide, FlowSide, Sink, Timestamp};

/// What a driver does with the packets of its flows.
///
/// The state of a flow lies in the flow's own table entry. So it costs no second
/// lookup, and goes when the flow goes.
///
/// A consumer may want to be called when a flow is silent, and may hold memory
/// for a flow. It says so by [`pending`](Self::pending). The engine keeps what
/// it said last, calls [`on_timer`](Self::on_timer) in time, adds up what all
/// flows hold, and calls [`shed`](Self::shed) when that is more than
/// [`EngineConfig::max_memory`].
pub trait Consumer<K> {
    /// What is kept for each flow.
    type Flow;
    /// What is reported, besides what becomes of the flows themselves.
    type Event: From<FlowEvent<K>>;
    /// [`PendingEntry`](super::PendingEntry), or `()` for a consumer of which
    /// nothing is ever pending.
    type Pending: PendingSlot;

    /// The engine has these settings. Called before anything else.
    fn configure(&mut self, config: &EngineConfig) {
        let _ = config;
    }

    /// The engine has come to another packet or another moment. What follows is
    /// of that.
    #[inline]
    fn advance(&mut self, to: Advance, out: &mut impl Sink<Self::Event>) {
        let _ = (to, out);
    }

    /// A flow begins with `packet`, which is yet to be counted. Its beginning is
    /// reported next.
    fn open(
        &mut self,
        flow: FlowRef<'_, K>,
        packet: &Extracted<'_, K>,
        out: &mut impl Sink<Self::Event>,
    ) -> Self::Flow;

    /// A packet was counted on its flow; or the fragments of one were, and it
    /// was put together from them.
    fn packet(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        packet: &Extracted<'_, K>,
        out: &mut impl Sink<Self::Event>,
    ) -> Reaction;

    /// Whether a flow needs no more of its packets: [`packet`](Self::packet) would do
    /// nothing, and nobody wants to know of each that is counted.
    ///
    /// Asked after a packet, where another thread has the packets: it then may pass
    /// them by, and says so at the end. Once it is true it has to stay true.
    #[inline]
    fn passes(&self, state: &Self::Flow) -> bool {
        let _ = state;
        false
    }

    /// Packets were [passed by](Self::passes): the latest came in this frame.
    fn passed(&mut self, state: &mut Self::Flow, frame: u64) {
        let _ = (state, frame);
    }

    /// A fragment was counted on its flow. What it carries comes with the whole
    /// datagram to [`packet`](Self::packet), if that ever comes.
    fn fragment(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        side: FlowSide,
        fragment: &Fragment<'_, K>,
        out: &mut impl Sink<Self::Event>,
    ) {
        let _ = (state, flow, side, fragment, out);
    }

    /// What of a flow is to be attended to later.
    ///
    /// Asked after every call but [`packet`](Self::packet), which says itself
    /// whether it may have changed.
    #[inline]
    fn pending(&self, state: &Self::Flow) -> Pending {
        let _ = state;
        Pending::NOTHING
    }

    /// The moment that [`Pending::timer`] asked for has come: it is `flow.at`.
    fn on_timer(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Self::Event>,
    ) -> Anomalies {
        let _ = (state, flow, out);
        Anomalies::NONE
    }

    /// Gives up some of what it holds for a flow.
    fn shed(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        out: &mut impl Sink<Self::Event>,
    ) -> Anomalies {
        let _ = (state, flow, out);
        Anomalies::NONE
    }

    /// A flow ended. Its end is reported next.
    fn close(
        &mut self,
        state: &mut Self::Flow,
        flow: FlowRef<'_, K>,
        end: FlowEnd<'_>,
        out: &mut impl Sink<Self::Event>,
    ) -> Anomalies;

    /// How the end of a flow is reported. It is [`FlowEvent::Ended`].
    fn ended(&mut self, state: Self::Flow, event: FlowEvent<K>) -> Self::Event {
        let _ = state;
        event.into()
    }

    /// Reads a word of each cache line of a flow's state that a packet will need,
    /// so that those of several flows are fetched together. What it gives means
    /// nothing.
    #[inline]
    fn prefetch_word(&self, state: &Self::Flow) -> u64 {
        let _ = state;
        0
    }

    /// What the streams of a flow amount to so far, if it puts them in order.
    /// It becomes part of the flow's statistics.
    #[inline]
    fn streams(&self, state: &Self::Flow) -> Option<BySide<StreamStats>> {
        let _ = state;
        None
    }
}

/// What a [`Consumer`] made of a packet.
///
/// That of most packets is the default: nothing odd, and nothing new.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[must_use]
pub struct Reaction {
    /// What was odd.
    pub found: Anomalies,
    /// Whether [`Consumer::pending`] may give something new. For most packets it
    /// does not, and to ask would cost more than they do.
    pub has_new_pending: bool,
}

impl Reaction {
    /// Nothing odd, and nothing new that is pending.
    pub(crate) const NONE: Self = Self {
        found: Anomalies::NONE,
        has_new_pending: false,
    };

    /// Anything may have changed.
    pub(crate) const fn changed(found: Anomalies) -> Self {
        Self {
            found,
            has_new_pending: true,
        }
    }
}

/// What an engine has come to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Advance {
    /// A packet. What is due by `now` is done before it, if anything is.
    Packet {
        /// The latest packet time.
        now: Timestamp,
        /// Which of the frames that it was given the packet came in, counted from
        /// 1.
        frame: u64,
    },
    /// [`Engine::expire`](super::Engine::expire), or the end: all that is due by this
    /// moment is done.
    Expire(Timestamp),
    /// Everything has ended.
    Finished,
    /// What was due at this moment.
    Due(Timestamp),
    /// What was due and is not put off is done, but for timers: those go on until
    /// then.
    Now(Until),
}
