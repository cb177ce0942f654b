//! Which response belongs to which query.

use alloc::sync::Arc;
use alloc::vec::Vec;

use flowscope_core::{FlowSide, Sink, Timestamp};

use crate::config::{DnsConfig, Matching};
use crate::message::{Answered, DnsMessage, DnsQuery, DnsResponse, DnsUnanswered, Unanswered};
use crate::packet::{DnsPacket, Question, Section};

/// The queries of one flow that wait for their responses.
#[derive(Clone, Debug)]
pub(crate) struct Correlator {
    config: Arc<DnsConfig>,
    /// In the order of their first copies.
    pending: Vec<Pending>,
    /// No query is due before. It is computed again when it has passed.
    due: Option<Timestamp>,
}

#[derive(Clone, Debug)]
struct Pending {
    query: DnsPacket,
    side: FlowSide,
    asked: Timestamp,
    due: Timestamp,
    attempts: u32,
}

impl Correlator {
    pub(crate) fn new(config: Arc<DnsConfig>) -> Self {
        Self {
            config,
            pending: Vec::new(),
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
        if let Some(found) = self.find(packet, question, side) {
            if let Some(pending) = self.pending.get_mut(found) {
                // A client that sends a query again still waits for the response.
                pending.due = pending.due.max(due);
                pending.attempts = pending.attempts.saturating_add(1);
            }
            return true;
        }
        if self.pending.len() >= self.config.max_pending.max(1) {
            self.pending.remove(0).report(Unanswered::Evicted, out);
        }
        // Most flows have one query at a time. A vector would reserve room for
        // four at once.
        if self.pending.is_empty() {
            self.pending.reserve_exact(1);
        }
        self.due = Some(self.due.map_or(due, |earliest| earliest.min(due)));
        self.pending.push(Pending {
            query: packet.trimmed(),
            side,
            asked: at,
            due,
            attempts: 1,
        });
        false
    }

    /// Removes the query that a response answers.
    fn answer(
        &mut self,
        packet: &DnsPacket,
        question: Option<Sent<'_>>,
        side: FlowSide,
        at: Timestamp,
    ) -> Option<Answered> {
        let found = self.find(packet, question, side.peer())?;
        let pending = self.pending.remove(found);
        self.settle();
        Some(Answered {
            latency: at - pending.asked,
            attempts: pending.attempts,
        })
    }

    /// The query of `side` with the identifier and the question of `packet`.
    fn find(
        &self,
        packet: &DnsPacket,
        question: Option<Sent<'_>>,
        side: FlowSide,
    ) -> Option<usize> {
        let (id, opcode) = (packet.id(), packet.opcode());
        // A server that cannot read a question need not repeat it.
        let nothing_asked = packet.is_response() && packet.count(Section::Question) == 0;
        self.pending.iter().position(|pending| {
            let query = &pending.query;
            query.id() == id
                && pending.side == side
                && query.opcode() == opcode
                && (nothing_asked || asks(query, question))
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
        self.pending.retain(|pending| pending.side == side);
        self.settle();
    }

    fn drop_those(
        &mut self,
        why: Unanswered,
        lost: impl Fn(&Pending) -> bool,
        out: &mut dyn Sink<DnsMessage>,
    ) {
        for pending in self.pending.extract_if(.., |pending| lost(pending)) {
            pending.report(why, out);
        }
        self.due = self.pending.iter().map(|pending| pending.due).min();
        self.settle();
    }

    /// Frees what an idle flow does not need.
    fn settle(&mut self) {
        if self.pending.is_empty() {
            self.due = None;
            if self.pending.capacity() > KEPT {
                self.pending = Vec::new();
            }
        }
    }

    /// How many bytes of memory it has taken, besides itself.
    pub(crate) fn memory(&self) -> usize {
        let queries: usize = self.pending.iter().map(|p| p.query.bytes().len()).sum();
        self.pending.capacity() * size_of::<Pending>() + queries
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

/// Whether the first question of `query` is `question`.
fn asks(query: &DnsPacket, question: Option<Sent<'_>>) -> bool {
    // Servers repeat it as it was, nearly always. What it points to may not be
    // the same.
    if let Some((question, sent)) = question
        && query.begins_with_question(sent)
        && question.name.has_len(sent.len().saturating_sub(4))
    {
        return true;
    }
    match (question, query.question()) {
        (Some((one, _)), Some(other)) => one.asks_the_same(&other),
        (None, None) => true,
        _ => false,
    }
}

/// A question, and how it was sent.
type Sent<'a> = (Question<'a>, &'a [u8]);

/// Room for queries that a flow keeps when none waits.
const KEPT: usize = 4;
