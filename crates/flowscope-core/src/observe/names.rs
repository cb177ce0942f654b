//! What the metrics are called.
//!
//! `docs/OBSERVABILITY.md` has the same as a table.

/// What is known of a metric before it has a value.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Metric {
    /// Its name.
    pub(super) name: &'static str,
    /// What kind of numbers it holds.
    pub(super) kind: MetricKind,
    /// What they count.
    pub(super) unit: Unit,
    /// The labels that its values are told apart by.
    pub(super) labels: &'static [&'static str],
    /// Its description, in a sentence.
    pub(super) description: &'static str,
}

/// A kind of metric.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum MetricKind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// It holds how often each value was met.
    Histogram,
}

/// What a metric counts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unit {
    /// Things.
    Count,
    /// Bytes.
    Bytes,
}

/// The labels of metrics. None of them is of one flow: each has a few values,
/// known beforehand.
pub(super) mod labels {
    /// `initiator` or `responder`, as of [`FlowSide`](crate::FlowSide).
    pub(in crate::observe) const SIDE: &str = "side";
    /// The word of an [`EndReason`](crate::track::EndReason) or a
    /// [`Loss`](crate::defrag::Loss).
    pub(in crate::observe) const REASON: &str = "reason";
    /// The word of a [`Layer`](crate::wire::Layer).
    pub(in crate::observe) const LAYER: &str = "layer";
    /// The word of a [`Cause`](crate::wire::Cause).
    pub(in crate::observe) const CAUSE: &str = "cause";
    /// The word of an [`AnomalyKind`](crate::track::AnomalyKind).
    pub(in crate::observe) const KIND: &str = "kind";
    /// What memory is used for: `streams` or `fragments`.
    pub(in crate::observe) const OF: &str = "of";

    /// Segments that wait for their place in a stream.
    pub(in crate::observe) const STREAMS: &str = "streams";
    /// Fragments that wait for the rest of their datagram.
    pub(in crate::observe) const FRAGMENTS: &str = "fragments";
}

/// Declares a name and its row in the list of all, so that neither can fall
/// behind the other.
macro_rules! names {
    ($(
        #[doc = $description:literal]
        $constant:ident = $name:literal, $kind:ident of $unit:ident, [$($label:ident)*];
    )*) => {
        $(
            #[doc = $description]
            pub(super) const $constant: &str = $name;
        )*

        /// Every metric there is.
        pub(super) const METRICS: &[Metric] = &[$(Metric {
            name: $name,
            kind: MetricKind::$kind,
            unit: Unit::$unit,
            labels: &[$(labels::$label),*],
            description: $description.trim_ascii_start(),
        },)*];
    };
}

names! {
    /// Packets given to trackers.
    PACKETS = "flowscope_packets_total", Counter of Count, [];
    /// Bytes of these packets on the wire.
    BYTES = "flowscope_bytes_total", Counter of Bytes, [];
    /// Packets that belong to no flow.
    PACKETS_SKIPPED = "flowscope_packets_skipped_total", Counter of Count, [LAYER CAUSE];
    /// Packets counted a second time, on the flow outside their tunnel.
    PACKETS_OUTER = "flowscope_packets_outer_total", Counter of Count, [];

    /// Flows that started.
    FLOWS_CREATED = "flowscope_flows_created_total", Counter of Count, [];
    /// Flows that ended.
    FLOWS_ENDED = "flowscope_flows_ended_total", Counter of Count, [REASON];
    /// Flows that are live.
    FLOWS_ACTIVE = "flowscope_flows_active", Gauge of Count, [];
    /// The most flows that were live at once.
    FLOWS_PEAK = "flowscope_flows_peak", Gauge of Count, [];
    /// Packets counted on flows.
    FLOW_PACKETS = "flowscope_flow_packets_total", Counter of Count, [SIDE];
    /// Bytes of these packets on the wire, from the link layer on.
    FLOW_BYTES = "flowscope_flow_bytes_total", Counter of Bytes, [SIDE];
    /// Bytes of transport payload, retransmissions included.
    FLOW_PAYLOAD_BYTES = "flowscope_flow_payload_bytes_total", Counter of Bytes, [SIDE];
    /// Packets, streams and sessions that were not what their flow leads to expect.
    ANOMALIES = "flowscope_anomalies_total", Counter of Count, [KIND];
    /// Sessions given up because their parser could not go on.
    PARSER_ERRORS = "flowscope_parser_errors_total", Counter of Count, [];

    /// Bytes of streams handed on, of flows that ended.
    STREAM_DELIVERED_BYTES = "flowscope_stream_delivered_bytes_total", Counter of Bytes, [SIDE];
    /// Holes of streams given up, of flows that ended.
    STREAM_HOLES = "flowscope_stream_holes_total", Counter of Count, [SIDE];
    /// Bytes missing from streams, of flows that ended.
    STREAM_MISSING_BYTES = "flowscope_stream_missing_bytes_total", Counter of Bytes, [SIDE];
    /// Those of them that were on the wire, and cut off by the capture.
    STREAM_CUT_BYTES = "flowscope_stream_cut_bytes_total", Counter of Bytes, [SIDE];
    /// Bytes of streams sent again, or too late, of flows that ended.
    STREAM_RETRANSMITTED_BYTES = "flowscope_stream_retransmitted_bytes_total", Counter of Bytes, [SIDE];
    /// Bytes of streams of which two copies differ, of flows that ended.
    STREAM_CONFLICT_BYTES = "flowscope_stream_conflict_bytes_total", Counter of Bytes, [SIDE];
    /// Bytes in segments that are no part of their stream, of flows that ended.
    STREAM_DROPPED_BYTES = "flowscope_stream_dropped_bytes_total", Counter of Bytes, [SIDE];
    /// The most bytes that a stream held at once, of streams that held any.
    STREAM_HELD_PEAK_BYTES = "flowscope_stream_held_peak_bytes", Histogram of Bytes, [SIDE];

    /// Fragments that wait for the first of their datagram.
    FRAGMENTS_HELD = "flowscope_fragments_held", Gauge of Count, [];
    /// Fragments that cannot be where they claim to be.
    FRAGMENTS_REFUSED = "flowscope_fragments_refused_total", Counter of Count, [];
    /// Datagrams put together from fragments.
    DATAGRAMS_REASSEMBLED = "flowscope_datagrams_reassembled_total", Counter of Count, [];
    /// Datagrams of which fragments came, but never the whole.
    DATAGRAMS_LOST = "flowscope_datagrams_lost_total", Counter of Count, [REASON];

    /// Bytes of memory in use for what is held.
    MEMORY = "flowscope_memory_bytes", Gauge of Bytes, [OF];
    /// The most bytes of memory in use at once for what streams hold.
    MEMORY_PEAK = "flowscope_memory_peak_bytes", Gauge of Bytes, [OF];
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The table's rows, as the list has them.
    #[test]
    fn the_documentation_lists_them_all_and_no_others() {
        let text = include_str!("../../../../docs/OBSERVABILITY.md");
        let rows = text
            .lines()
            .filter(|line| line.starts_with("| `flowscope_"));
        let rows: Vec<_> = rows.map(str::to_owned).collect();
        let expected: Vec<_> = METRICS.iter().map(row).collect();
        assert_eq!(rows, expected);
    }

    fn row(metric: &Metric) -> String {
        let Metric {
            name,
            kind,
            unit,
            labels,
            description,
        } = metric;
        let labels: Vec<_> = labels.iter().map(|label| format!("`{label}`")).collect();
        let labels = labels.join(", ");
        let row = format!("| `{name}` | {kind:?} | {unit:?} | {labels} | {description} |");
        row.replace("|  |", "| |")
    }

    #[test]
    fn counters_are_told_by_their_names() {
        let names: BTreeSet<_> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len());
        for metric in METRICS {
            let is_counter = metric.kind == MetricKind::Counter;
            assert_eq!(metric.name.ends_with("_total"), is_counter, "{metric:?}");
            let is_bytes = metric.unit == Unit::Bytes;
            assert_eq!(metric.name.contains("bytes"), is_bytes, "{metric:?}");
        }
    }
}
