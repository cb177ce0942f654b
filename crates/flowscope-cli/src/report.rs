//! What becomes a record.

use flowscope::detect::Protocol;
use flowscope::track::{FlowEvent, TrackerStats};

use crate::format::Writer;
use crate::names::Asked;
use crate::record::{
    ALL, DNS, EVENTS, EventRecord, FLOWS, FlowRecord, HTTP, Happening, MessageRecord, Moment,
    STREAMS, SUMMARY, Schema, SkippedRecord, StreamRecord, TLS,
};
use crate::tally::{Span, Tally};
use crate::tracking::EndedFlow;

/// What a report is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Subject {
    Summary,
    Flows,
    Events,
    All,
    Streams,
    /// What is said in this protocol.
    Messages(Protocol),
}

impl Subject {
    pub(crate) fn schema(self) -> Schema {
        match self {
            Self::Summary => SUMMARY,
            Self::Flows => FLOWS,
            Self::Events => EVENTS,
            Self::All => ALL,
            Self::Streams => STREAMS,
            Self::Messages(Protocol::Http) => HTTP,
            Self::Messages(Protocol::Tls) => TLS,
            Self::Messages(_) => DNS,
        }
    }

    /// What there is to say about an event of a flow that still lives.
    ///
    /// Out of line, as is all that is not done for every packet: what is left
    /// of taking an event is then small enough to become part of tracking.
    #[inline(never)]
    pub(crate) fn happening<K>(self, event: &FlowEvent<K>) -> Option<Happening> {
        match (self, Happening::of(event)?) {
            (Self::Events, happening) => Some(happening),
            (Self::All, happening @ Happening::Anomaly { .. }) => Some(happening),
            (Self::Summary | Self::Flows | Self::All | Self::Streams | Self::Messages(_), _) => {
                None
            }
        }
    }

    /// Whether it is about a message.
    fn is_about(self, message: &MessageRecord) -> bool {
        match self {
            Self::All => true,
            Self::Messages(protocol) => message.is_of(protocol),
            Self::Summary | Self::Flows | Self::Events | Self::Streams => false,
        }
    }
}

/// Makes records of what happens, and writes them.
pub(crate) struct Report {
    pub(crate) subject: Subject,
    tally: Tally,
    writer: Writer,
}

impl Report {
    pub(crate) fn new(subject: Subject, writer: Writer) -> Self {
        Self {
            subject,
            tally: Tally::default(),
            writer,
        }
    }

    /// A flow ended.
    #[inline(never)]
    pub(crate) fn end(&mut self, flow: &EndedFlow) {
        let named = |kind| FlowRecord { kind, flow };
        match self.subject {
            Subject::Summary => self.tally.count(flow),
            Subject::Flows => self.writer.write(&named("flow")),
            Subject::Events => self.writer.write(&Moment::End(named("ended"))),
            Subject::All => self.writer.write(&Moment::End(named("flow"))),
            Subject::Streams | Subject::Messages(_) => {}
        }
    }

    /// One side of a connection has said what it had to say.
    pub(crate) fn stream(&mut self, stream: &StreamRecord) {
        self.writer.write(stream);
    }

    /// Something was said.
    pub(crate) fn message(&mut self, message: &MessageRecord) {
        if self.subject.is_about(message) {
            self.writer.write(message);
        }
    }

    /// A name was asked for.
    pub(crate) fn name(&mut self, asked: &Asked) {
        self.tally.count_name(asked);
    }

    /// Something happened to a flow that lives.
    pub(crate) fn event(&mut self, event: EventRecord) {
        self.writer.write(&Moment::Event(event));
    }

    /// Whether nothing more is of use.
    pub(crate) fn is_done(&self) -> bool {
        self.writer.is_done()
    }

    /// Everything was read.
    pub(crate) fn finish(
        mut self,
        totals: &TrackerStats,
        span: Option<Span>,
    ) -> std::io::Result<()> {
        if self.subject == Subject::Summary {
            let summary = self.tally.summary(totals.clone(), span);
            self.writer.write(&summary);
            self.writer.write(&SkippedRecord(&summary));
        }
        self.writer.finish()
    }
}
