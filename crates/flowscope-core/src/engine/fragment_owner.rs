//! The flow that a datagram is of, and what its fragments count there.

use super::flows::Flows;
use super::fragment::Fragment;
use super::fragment_store::{Arrival, Owner};
use super::shards::Until;
use super::{Consumer, FlowRef};
use crate::extract::{Extracted, FlowExtractor};
use crate::track::{Anomalies, AnomalyKind, EndReason, FlowEvent, Observed, SegmentOwner};
use crate::wire::Transport;
use crate::{FlowSide, Sink, Timestamp};

impl<E: FlowExtractor, C: Consumer<E::Key>> Flows<E, C> {
    /// The flow of a packet that first arrived as told: the one there is, or a
    /// new one.
    pub(super) fn owner_of(
        &mut self,
        packet: &Extracted<'_, E::Key>,
        arrival: Option<&Arrival>,
        out: &mut impl Sink<C::Event>,
    ) -> Owner {
        let at = arrival.map_or(packet.packet.timestamp, |arrival| arrival.at);
        let observed = Observed {
            at: self.time(at),
            orientation: packet.orientation,
            transport: packet.tracked_transport(),
            wire_len: 0,
            ip_len: 0,
            payload_len: 0,
            is_cut: false,
        };
        let hash = self.table.hash(&packet.key);
        let mut found = self.find_live(hash, &packet.key, out);
        if let Some(index) = found {
            // A SYN in fragments is not held: it takes the place of a connection
            // that is over, or of which it was answered.
            let (slot, cold) = self.table.get_mut(index);
            let replaces = slot.flow.may_be_replaced_by(&observed)
                && match slot.flow.owner_of(&observed, cold) {
                    SegmentOwner::New(_) => true,
                    SegmentOwner::MayBeNew(_) => slot.flow.state.is_over(),
                    SegmentOwner::Flow
                    | SegmentOwner::BothOpened(_)
                    | SegmentOwner::MayAnswerNew(_) => false,
                };
            if replaces {
                self.end(index, EndReason::Replaced, self.clock, out);
                found = None;
            }
        }
        let index = found.unwrap_or_else(|| self.start(hash, packet, observed.at, out));
        Owner {
            flow: self.table.id(index),
            orientation: packet.orientation,
        }
    }

    pub(super) fn is_live(&self, owner: &Owner) -> bool {
        self.table.by_id(owner.flow).is_some()
    }

    /// Whether this is the flow with that key.
    pub(super) fn is_of(&self, owner: Owner, key: &E::Key) -> bool {
        let found = self.table.by_id(owner.flow);
        found.is_some_and(|(slot, _)| slot.key == *key)
    }

    /// Counts fragments on a flow; the last one brings the payload.
    pub(super) fn count_all(
        &mut self,
        owner: Owner,
        arrivals: &[Arrival],
        first: Option<&Extracted<'_, E::Key>>,
        payload_len: u32,
        out: &mut impl Sink<C::Event>,
    ) {
        let last = arrivals.len().saturating_sub(1);
        for (n, arrival) in arrivals.iter().enumerate() {
            // The payload of a datagram is counted once. It is known when the last fragment
            // has come, so it counts there.
            let payload_len = if n == last { payload_len } else { 0 };
            self.count_fragment(owner, arrival, first, payload_len, out);
        }
    }

    fn count_fragment(
        &mut self,
        owner: Owner,
        arrival: &Arrival,
        first: Option<&Extracted<'_, E::Key>>,
        payload_len: u32,
        out: &mut impl Sink<C::Event>,
    ) {
        let at = self.time(arrival.at);
        let observed = Observed {
            at: arrival.at,
            orientation: owner.orientation,
            transport: Transport::None,
            wire_len: arrival.wire_len,
            ip_len: arrival.ip_len,
            payload_len: 0,
            is_cut: arrival.is_cut,
        };
        let now = self.clock;
        self.catch_up_timers(owner.flow, now, Until::With(now), out);
        let (slot, cold) = self.table.get_mut(owner.flow.index());
        let side = slot.flow.count_fragment(&observed, self.clock, cold);
        self.observer.packet(side, arrival.wire_len, payload_len);
        out.push(
            FlowEvent::Packet {
                flow: owner.flow,
                side,
                at,
                wire_len: arrival.wire_len,
                payload_len,
            }
            .into(),
        );
        let flow = FlowRef::of_live(owner.flow, &slot.key, &slot.flow, at, arrival.number);
        let fragment = Fragment {
            at,
            number: arrival.number,
            wire_len: arrival.wire_len,
            first,
        };
        self.consumer
            .fragment(&mut slot.state.flow, flow, side, &fragment, out);
    }

    pub(super) fn report_to_owner(
        &mut self,
        owner: Owner,
        at: Timestamp,
        kind: AnomalyKind,
        out: &mut impl Sink<C::Event>,
    ) {
        // The flow may have ended since, and its place may have been given to another:
        // `by_id` compares the serial numbers.
        let Some((slot, _)) = self.table.by_id(owner.flow) else {
            return;
        };
        let side: FlowSide = slot.flow.side_of(owner.orientation);
        let mut found = Anomalies::NONE;
        found.insert(side, kind);
        self.report(owner.flow, at, found, out);
    }
}
