//! The records of what happens to a flow.

use std::io;

use flowscope::track::{AnomalyKind, FlowEvent, FlowId, FlowState};
use flowscope::wire::IcmpHeader;
use flowscope::{FlowSide, Timestamp};

use super::{Ends, Fields, FlowRecord, Line, Record};
use crate::format::{Align, Cell, Column, Table, Tone};
use crate::units;

/// A line in the story of a capture: something happened to a flow, or it ended.
pub(crate) enum Moment<'a> {
    Event(EventRecord),
    End(FlowRecord<'a>),
}

/// Something that happened to a flow while it lived.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EventRecord {
    pub(crate) at: Timestamp,
    pub(crate) id: FlowId,
    pub(crate) ends: Ends,
    pub(crate) icmp: Option<IcmpHeader>,
    pub(crate) happening: Happening,
}

/// What happened.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Happening {
    Started(FlowState),
    Established,
    StateChange { from: FlowState, to: FlowState },
    Anomaly { kind: AnomalyKind, side: FlowSide },
}

impl Happening {
    /// What an event of the library says about a flow that still lives.
    ///
    /// `None` for packets, which are no records, and for ends, which have more
    /// to say.
    pub(crate) fn of<K>(event: &FlowEvent<K>) -> Option<Self> {
        match *event {
            FlowEvent::Started { state, .. } => Some(Self::Started(state)),
            FlowEvent::Established { .. } => Some(Self::Established),
            FlowEvent::StateChange { from, to, .. } => Some(Self::StateChange { from, to }),
            FlowEvent::Anomaly { kind, side, .. } => Some(Self::Anomaly { kind, side }),
            _ => None,
        }
    }

    fn kind(self) -> &'static str {
        match self {
            Self::Started(_) => "started",
            Self::Established => "established",
            Self::StateChange { .. } => "state_change",
            Self::Anomaly { .. } => "anomaly",
        }
    }

    fn tone(self) -> Tone {
        match self {
            Self::Anomaly { .. } => Tone::Bad,
            Self::Established => Tone::Good,
            Self::Started(_) | Self::StateChange { .. } => Tone::Plain,
        }
    }

    /// What a table says about it.
    fn detail(self) -> String {
        match self {
            Self::Started(state) => state.as_str().to_owned(),
            Self::Established => String::new(),
            Self::StateChange { from, to } => format!("{} → {}", from.as_str(), to.as_str()),
            Self::Anomaly { kind, side } => format!("{} by {}", kind.as_str(), side.as_str()),
        }
    }
}

impl Record for EventRecord {
    fn tell(&self, fields: &mut impl Fields) {
        let (state, from, to, anomaly) = match self.happening {
            Happening::Started(state) => (Some(state), None, None, None),
            Happening::Established => (None, None, None, None),
            Happening::StateChange { from, to } => (None, Some(from), Some(to), None),
            Happening::Anomaly { kind, side } => (None, None, None, Some((kind, side))),
        };
        fields.word("type", Some(self.happening.kind()));
        fields.time("ts", Some(self.at));
        fields.number("flow", Some(self.id.number()));
        self.ends.tell(self.icmp, fields);
        fields.word("state", state.map(FlowState::as_str));
        fields.word("from", from.map(FlowState::as_str));
        fields.word("to", to.map(FlowState::as_str));
        fields.word("kind", anomaly.map(|(kind, _)| kind.as_str()));
        fields.word("side", anomaly.map(|(_, side)| side.as_str()));
    }
}

impl Record for Moment<'_> {
    fn tell(&self, fields: &mut impl Fields) {
        match self {
            Self::Event(event) => event.tell(fields),
            Self::End(flow) => flow.tell(fields),
        }
    }
}

impl Line for Moment<'_> {
    fn draw(&self, table: &mut Table) -> io::Result<()> {
        let (at, id, ends) = match self {
            Self::Event(event) => (event.at, event.id, &event.ends),
            Self::End(FlowRecord { flow, .. }) => (flow.at, flow.id, &flow.ends),
        };
        let (kind, tone, detail) = match self {
            Self::Event(EventRecord { happening, .. }) => {
                (happening.kind(), happening.tone(), happening.detail())
            }
            Self::End(FlowRecord { kind, flow }) => {
                let detail = format!(
                    "{}: {} packets, {} in {}",
                    flow.reason.as_str(),
                    units::count(flow.stats.packets.total()),
                    units::bytes(flow.stats.bytes.total()),
                    units::duration(flow.duration()),
                );
                (*kind, Tone::of_state(flow.stats.state), detail)
            }
        };
        table.row(vec![
            Cell::new(units::date_time(at)),
            Cell::toned(kind, tone),
            Cell::new(id.to_string()),
            Cell::new(ends.proto()),
            Cell::new(ends.source()),
            Cell::new(ends.destination()),
            Cell::new(detail),
        ])
    }
}

/// What changes of state have beyond the fields of a flow.
pub(super) const CHANGE_FIELDS: &[&str] = &["from", "to"];

/// What anomalies have beyond the fields of a flow.
pub(super) const ANOMALY_FIELDS: &[&str] = &["kind", "side"];

pub(super) const COLUMNS: &[Column] = &[
    Column::new("TIME (UTC)", Align::Left, 1),
    Column::new("WHAT", Align::Left, 0),
    Column::new("FLOW", Align::Right, 0),
    Column::new("PROTO", Align::Left, 2),
    Column::new("SOURCE", Align::Left, 0).flexible(),
    Column::new("DESTINATION", Align::Left, 0).flexible(),
    Column::new("", Align::Left, 0).flexible(),
];
