//! Which response belongs to which query.

use alloc::sync::Arc;

use flowscope_core::{FlowSide, Sink, Timestamp};

use crate::config::{DnsConfig, Matching};
use crate::message::{Answered, DnsMessage, DnsQuery, DnsResponse, DnsUnanswered, Unanswered};
use crate::packet::DnsPacket;
use crate::pending::{Pending, PendingQueries, Sent, Sought};

/// Matches the responses of one flow to its queries.
#[derive(Clone, Debug)]
pub(crate) struct Correlator {
    config: Arc<DnsConfig>,
    pending: PendingQueries,
    /// No query is due before. It is computed again when it has passed.
    due: Option<Timestamp>,
}

impl Correlator {
    pub(crate) fn new(config: Arc<DnsConfig>) -> Self {
        Self {
            config,
            pending: PendingQueries::default(),
            due: None,
        }
    }

    pub(crate) fn config(&self) -> &DnsConfig {
        &self.config
    }

    /// Reports a message: a response with what is known of its query, and a query
    /// with whether it was sent before.
    pub(crate) fn message(
        &mut self,
        packet: DnsPacket,
        side: FlowSide,
        at: Timestamp,
        out: &mut dyn Sink<DnsMessage>,
    ) {
        self.tick(at, out);
        let question = match self.config.matching {
            Matching::Nothing => None,
            Matching::Unicast => packet.first_question(),
        };
        let matches = self.config.matching == Matching::Unicast
            && !packet.looks_multicast(question.as_ref().map(|(question, _)| question));
        let message = if packet.is_response() {
            let answers = matches
                .then(|| self.answer(&packet, question, side, at))
                .flatten();
            DnsMessage::Response(DnsResponse {
                packet,
                side,
                at,
                answers,
            })
        } else {
            let is_retransmission = matches && self.ask(&packet, question, side, at, out);
            DnsMessage::Query(DnsQuery {
                packet,
                side,
                at,
                is_retransmission,
            })
        };
        out.push(message);
    }

    /// Keeps a query, and says whether it was there.
    fn ask(
        &mut self,
        packet: &DnsPacket,
        question: Option<Sent<'_>>,
        side: FlowSide,
        at: Timestamp,
        out: &mut dyn Sink<DnsMessage>,
    ) -> bool {
        let due = at + self.config.timeout;
        let sought = Sought::by(packet, question, side);
        if let Some(found) = self.pending.find(&sought) {
            if let Some(pending) = self.pending.get_mut(found) {
                // A client that sends a query again still waits for the response.
                pending.due = pending.due.max(due);
                pending.attempts = pending.attempts.saturating_add(1);
            }
            return true;
        }
        let query = packet.trimmed();
        self.make_room(query.bytes().len(), out);
        self.due = Some(self.due.map_or(due, |earliest| earliest.min(due)));
        let pending = Pending {
            query,
            side,
            asked: at,
            due,
            attempts: 1,
        };
        self.pending.push(pending, &sought);
        false
    }

    /// Gives up the oldest queries until one of `len` bytes may wait, too.
    fn make_room(&mut self, len: usize, out: &mut dyn Sink<DnsMessage>) {
        let DnsConfig {
            max_pending,
            max_pending_bytes,
            ..
        } = *self.config;
        while self.pending.len() >= max_pending.max(1)
            || self.pending.bytes() + len > max_pending_bytes
        {
            match self.pending.remove_oldest() {
                Some(oldest) => oldest.report(Unanswered::Evicted, out),
                None => break,
            }
        }
    }

    /// Removes the query that a response answers.
    fn answer(
        &mut self,
        packet: &DnsPacket,
        question: Option<Sent<'_>>,
        side: FlowSide,
        at: Timestamp,
    ) -> Option<Answered> {
        let sought = Sought::by(packet, question, side.peer());
        let found = self.pending.find(&sought)?;
        let pending = self.pending.remove(found)?;
        self.settle();
        Some(Answered {
            latency: at - pending.asked,
            attempts: pending.attempts,
        })
    }

    /// When something is due, at the earliest.
    pub(crate) fn next_tick(&self) -> Option<Timestamp> {
        self.due
    }

    /// Reports the queries whose time is up at `at`.
    pub(crate) fn tick(&mut self, at: Timestamp, out: &mut dyn Sink<DnsMessage>) {
        if self.due.is_some_and(|due| due <= at) {
            self.drop_those(Unanswered::TimedOut, |pending| pending.due <= at, out);
        }
    }

    /// Reports the queries that `side` would have answered, which sends no
    /// more.
    pub(crate) fn finish(&mut self, side: FlowSide, out: &mut dyn Sink<DnsMessage>) {
        let asked = side.peer();
        self.drop_those(Unanswered::FlowEnded, |pending| pending.side == asked, out);
    }

    /// Forgets the queries that `side` would have answered. It is read no further,
    /// so whether it answers them is not known, and they are not reported.
    pub(crate) fn forget(&mut self, side: FlowSide) {
        self.pending
            .remove_those(|pending| pending.side != side, drop);
        self.settle();
    }

    fn drop_those(
        &mut self,
        why: Unanswered,
        lost: impl Fn(&Pending) -> bool,
        out: &mut dyn Sink<DnsMessage>,
    ) {
        self.pending
            .remove_those(lost, |pending| pending.report(why, out));
        self.due = self.pending.due();
        self.settle();
    }

    /// Frees what an idle flow does not need.
    fn settle(&mut self) {
        if self.pending.len() == 0 {
            self.due = None;
            self.pending.shrink();
        }
    }

    /// How many bytes of memory it has taken, besides itself.
    pub(crate) fn memory(&self) -> usize {
        self.pending.memory()
    }
}

impl Pending {
    fn report(self, why: Unanswered, out: &mut dyn Sink<DnsMessage>) {
        out.push(DnsMessage::Unanswered(DnsUnanswered {
            query: self.query,
            side: self.side,
            asked: self.asked,
            attempts: self.attempts,
            why,
        }));
    }
}
