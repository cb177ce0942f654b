//! Records in the order of what they tell.
//!
//! What happens to a flow is known before the engine has finished with the
//! packet, who the flow is only after; unless it ended, as its end says who it
//! was. Until then, what comes behind has to wait.

use std::collections::{HashMap, VecDeque};

use flowscope::Timestamp;
use flowscope::track::{FlowEvent, FlowId};
use flowscope::wire::IcmpHeader;

use crate::record::{Ends, EventRecord, Happening, MessageRecord};
use crate::report::Report;
use crate::tracking::{EndedFlow, Tracked};

/// What is yet to be reported.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    items: VecDeque<Item>,
    /// Who the flows were that ended since there was something in it.
    ended: HashMap<FlowId, Who>,
}

/// The two ends of a flow, and what ICMP has in place of ports.
pub(crate) type Who = (Ends, Option<IcmpHeader>);

#[derive(Debug)]
enum Item {
    Event(FlowId, Timestamp, Happening),
    Message(Box<MessageRecord>),
    End(Box<EndedFlow>),
}

impl Queue {
    /// Takes what comes next, and reports it if nothing is before it.
    #[inline]
    pub(crate) fn push<K>(&mut self, tracked: Tracked<K>, report: &mut Report) {
        if !matches!(tracked, Tracked::Event(FlowEvent::Packet { .. })) {
            self.push_other(tracked, report);
        }
    }

    /// Takes what is more than one more packet.
    fn push_other<K>(&mut self, tracked: Tracked<K>, report: &mut Report) {
        match tracked {
            Tracked::Event(event) => {
                let happening = report.subject.happening(&event);
                let happened = happening.map(|it| Item::Event(event.flow(), event.at(), it));
                self.items.extend(happened);
            }
            Tracked::Message(message) if self.items.is_empty() => report.message(&message),
            Tracked::Message(message) => self.items.push_back(Item::Message(message)),
            Tracked::Asked(asked) => report.name(&asked),
            Tracked::Ended(flow) if self.items.is_empty() => report.end(&flow),
            Tracked::Ended(flow) => {
                self.ended.insert(flow.id, (flow.ends, flow.notes.icmp));
                self.items.push_back(Item::End(Box::new(flow)));
                self.report(report, |_| None);
            }
        }
    }

    /// Reports everything, as `who` knows the flows that live.
    #[inline]
    pub(crate) fn flush(&mut self, report: &mut Report, who: impl Fn(FlowId) -> Who) {
        if !self.items.is_empty() {
            self.report(report, |id| Some(who(id)));
        }
    }

    /// Reports what comes before the next flow that nobody knows.
    fn report(&mut self, report: &mut Report, who: impl Fn(FlowId) -> Option<Who>) {
        while let Some(item) = self.items.pop_front() {
            match item {
                Item::Event(id, at, happening) => {
                    let known = self.ended.get(&id).copied();
                    let Some((ends, icmp)) = known.or_else(|| who(id)) else {
                        self.items.push_front(item);
                        return;
                    };
                    report.event(EventRecord {
                        at,
                        id,
                        ends,
                        icmp,
                        happening,
                    });
                }
                Item::Message(message) => report.message(&message),
                Item::End(flow) => report.end(&flow),
            }
        }
        self.ended.clear();
    }
}
