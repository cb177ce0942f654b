//! The engine by the names it is used by.

use crate::engine::{Engine, Lifecycle};
use crate::extract::FlowExtractor;
use crate::track::Config;

/// Follows flows: packets in, [`FlowEvent`](crate::FlowEvent)s out.
///
/// ```
/// use flowscope_core::extract::{FiveTuple, FiveTupleKey};
/// use flowscope_core::{FlowEvent, FlowTracker, LinkType, PacketView, Timestamp};
///
/// let packet = [
///     0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, // IPv4
///     0x30, 0x39, 0, 53, 0, 10, 0, 0, b'h', b'i', // UDP, 12345 to 53
/// ];
/// let mut tracker = FlowTracker::new(FiveTuple::bidirectional());
/// let mut ended = Vec::new();
/// let mut keep = |event: FlowEvent<FiveTupleKey>| {
///     if let FlowEvent::Ended { key, stats, .. } = event {
///         ended.push((key.to_string(), stats.payload_bytes.total()));
///     }
/// };
/// for second in [1, 2, 3] {
///     let view = PacketView::new(&packet, Timestamp::new(second, 0));
///     tracker.track(view.with_link(LinkType::RAW), &mut keep);
/// }
/// tracker.finish(&mut keep);
///
/// assert_eq!(ended, [("10.0.0.1:12345 → 10.0.0.2:53 udp".to_string(), 6)]);
/// ```
///
/// `S` is a state of the user's own for each flow:
///
/// ```
/// use flowscope_core::extract::FiveTuple;
/// use flowscope_core::track::Config;
/// use flowscope_core::{FlowEvent, FlowTracker, LinkType, PacketView, Timestamp};
///
/// # let packet = [
/// #     0x45, 0, 0, 30, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
/// #     0x30, 0x39, 0, 53, 0, 10, 0, 0, b'h', b'i',
/// # ];
/// # let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
/// let extractor = FiveTuple::bidirectional();
/// let mut tracker = FlowTracker::<_, u32>::with_state(extractor, Config::default());
/// let mut seen = Vec::new();
/// for _ in 0..3 {
///     tracker.track(view, &mut seen);
///     for event in seen.drain(..) {
///         if let FlowEvent::Packet { flow, .. } = event {
///             *tracker.flow_state_mut(flow).expect("the flow lives") += 1;
///         }
///     }
/// }
/// # let flow = {
/// #     tracker.track(view, &mut seen);
/// #     seen[0].flow()
/// # };
/// assert_eq!(tracker.flow_state(flow), Some(&3));
/// assert!(tracker.flow_key(flow).is_some_and(|key| key.either_port(53)));
/// ```
pub type FlowTracker<E, S = ()> = Engine<E, Lifecycle<S>>;

impl<E: FlowExtractor> Engine<E, Lifecycle<()>> {
    /// A tracker for flows as `extractor` tells them apart.
    pub fn new(extractor: E) -> Self {
        Self::with_config(extractor, Config::default())
    }

    /// A tracker within the limits of `config`.
    pub fn with_config(extractor: E, config: Config) -> Self {
        Self::with_consumer(extractor, Lifecycle::default(), config)
    }
}

impl<E: FlowExtractor, S: Default> Engine<E, Lifecycle<S>> {
    /// A tracker that keeps an `S` for each flow.
    pub fn with_state(extractor: E, config: Config) -> Self {
        Self::with_consumer(extractor, Lifecycle::default(), config)
    }
}
