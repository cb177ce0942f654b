//! Records in the order of what they tell.
//!
//! What happens to a flow is known before the engine has finished with the
//! packet, who the flow is only after; unless it ended, as its end says who it
//! was. Until then, what comes behind has to wait.

use std::collections::VecDeque;

use flowscope::Timestamp;
use flowscope::track::{FlowEvent, FlowId};
use flowscope::wire::IcmpHeader;

use crate::record::{Ends, EventRecord, Happening, MessageRecord};
use crate::report::Report;
use crate::tracking::{EndedFlow, Tracked};

/// What is yet to be reported.
#[derive(Debug, Default)]
pub(crate) struct Queue(VecDeque<Item>);

#[derive(Debug)]
enum Item {
    /// Something happened to a flow of which nobody has said yet who it is.
    Unnamed(FlowId, Timestamp, Happening),
    Event(EventRecord),
    Message(Box<MessageRecord>),
    End(Box<EndedFlow>),
}

impl Queue {
    /// Takes what comes next, and reports it if nothing is before it.
    pub(crate) fn push<K>(&mut self, tracked: Tracked<K>, report: &mut Report) {
        match tracked {
            Tracked::Event(FlowEvent::Packet { .. }) => {}
            Tracked::Event(event) => {
                let happening = report.subject.happening(&event);
                let named = happening.map(|it| Item::Unnamed(event.flow(), event.at(), it));
                self.0.extend(named);
            }
            Tracked::Message(message) if self.0.is_empty() => report.message(&message),
            Tracked::Message(message) => self.0.push_back(Item::Message(message)),
            Tracked::Ended(flow) if self.0.is_empty() => report.end(&flow),
            Tracked::Ended(flow) => {
                self.name(flow.id, flow.ends, flow.notes.icmp);
                self.0.push_back(Item::End(Box::new(flow)));
                self.report_named(report);
            }
        }
    }

    /// Reports everything, as `who` knows the flows that live.
    #[inline]
    pub(crate) fn flush(
        &mut self,
        report: &mut Report,
        who: impl Fn(FlowId) -> (Ends, Option<IcmpHeader>),
    ) {
        while let Some(Item::Unnamed(id, ..)) = self.0.front() {
            let id = *id;
            let (ends, icmp) = who(id);
            self.name(id, ends, icmp);
            self.report_named(report);
        }
        self.report_named(report);
    }

    /// Says who a flow is.
    fn name(&mut self, flow: FlowId, ends: Ends, icmp: Option<IcmpHeader>) {
        for item in &mut self.0 {
            if let Item::Unnamed(id, at, happening) = *item
                && id == flow
            {
                *item = Item::Event(EventRecord {
                    at,
                    id,
                    ends,
                    icmp,
                    happening,
                });
            }
        }
    }

    /// Reports what is before the next that is unnamed.
    fn report_named(&mut self, report: &mut Report) {
        while self
            .0
            .front()
            .is_some_and(|item| !matches!(item, Item::Unnamed(..)))
        {
            let Some(item) = self.0.pop_front() else {
                return;
            };
            match item {
                Item::Event(event) => report.event(event),
                Item::Message(message) => report.message(&message),
                Item::End(flow) => report.end(&flow),
                Item::Unnamed(..) => {}
            }
        }
    }
}
