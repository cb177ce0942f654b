//! The queries of one flow that wait for their responses.
//!
//! Most flows have one at a time. A few are looked through one by one; where
//! there are more, an [`Index`] finds them by hashes. Either way they are in
//! the order of their first copies.

mod index;
mod list;

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::cell::Cell;

use flowscope_core::{FlowSide, Timestamp};

use crate::numbers::Opcode;
use crate::packet::{DnsPacket, Question, Section};
use index::Index;

/// Queries without a response yet.
#[derive(Clone, Debug)]
pub(crate) enum PendingQueries {
    Few(Vec<Pending>),
    Many(Box<Index>),
}

/// A query without a response yet.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    /// Cut behind its first question if it was long.
    pub(crate) query: DnsPacket,
    pub(crate) side: FlowSide,
    pub(crate) asked: Timestamp,
    pub(crate) due: Timestamp,
    pub(crate) attempts: u32,
}

/// What a query has to be so that a message answers it, or is another copy.
#[derive(Clone, Debug)]
pub(crate) struct Sought<'a> {
    pub(crate) id: u16,
    pub(crate) opcode: Opcode,
    pub(crate) side: FlowSide,
    pub(crate) asks: Asks<'a>,
    /// Its hash, once an [`Index`] has looked for it.
    hash: Cell<Option<u64>>,
}

/// What the query asks.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Asks<'a> {
    /// The same as a message; nothing if that cannot be read.
    Same(Option<Sent<'a>>),
    /// Anything: a server that cannot read a question need not repeat it.
    Anything,
}

/// A question, and how it was sent.
pub(crate) type Sent<'a> = (Question<'a>, &'a [u8]);

/// Where a query is, until one is added or removed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place(usize);

impl<'a> Sought<'a> {
    /// The query that `packet` is, or which it answers; sent by `side`.
    pub(crate) fn by(packet: &DnsPacket, question: Option<Sent<'a>>, side: FlowSide) -> Self {
        let nothing_asked = packet.is_response() && packet.count(Section::Question) == 0;
        Self {
            id: packet.id(),
            opcode: packet.opcode(),
            side,
            asks: match nothing_asked {
                true => Asks::Anything,
                false => Asks::Same(question),
            },
            hash: Cell::new(None),
        }
    }

    fn is(&self, pending: &Pending) -> bool {
        let query = &pending.query;
        query.id() == self.id
            && pending.side == self.side
            && query.opcode() == self.opcode
            && match self.asks {
                Asks::Anything => true,
                Asks::Same(question) => asks(query, question),
            }
    }
}

impl PendingQueries {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Few(queries) => queries.len(),
            Self::Many(index) => index.len(),
        }
    }

    /// How many bytes the queries have.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Few(queries) => queries.iter().map(Pending::bytes).sum(),
            Self::Many(index) => index.bytes(),
        }
    }

    /// The query that is sought; the oldest, if it may ask anything.
    pub(crate) fn find(&self, sought: &Sought<'_>) -> Option<Place> {
        match self {
            Self::Few(queries) => queries.iter().position(|query| sought.is(query)).map(Place),
            Self::Many(index) => index.find(sought),
        }
    }

    pub(crate) fn get_mut(&mut self, place: Place) -> Option<&mut Pending> {
        match self {
            Self::Few(queries) => queries.get_mut(place.0),
            Self::Many(index) => index.get_mut(place),
        }
    }

    /// Adds one as the latest, which was sought and is not there.
    pub(crate) fn push(&mut self, query: Pending, sought: &Sought<'_>) {
        if let Self::Few(few) = self
            && few.len() >= FEW
        {
            let mut index = Box::new(Index::default());
            for query in few.drain(..) {
                let hash = index.hash_of(&query);
                index.push(query, hash);
            }
            *self = Self::Many(index);
        }
        match self {
            Self::Few(queries) => {
                // Most flows have one query at a time. A vector would reserve
                // room for four at once.
                if queries.is_empty() {
                    queries.reserve_exact(1);
                }
                queries.push(query);
            }
            Self::Many(index) => {
                let hash = index.hash_of_sought(sought);
                index.push(query, hash);
            }
        }
    }

    pub(crate) fn remove(&mut self, place: Place) -> Option<Pending> {
        match self {
            Self::Few(queries) => (place.0 < queries.len()).then(|| queries.remove(place.0)),
            Self::Many(index) => index.remove(place),
        }
    }

    pub(crate) fn remove_oldest(&mut self) -> Option<Pending> {
        let oldest = match self {
            Self::Few(_) => Place(0),
            Self::Many(index) => index.oldest()?,
        };
        self.remove(oldest)
    }

    /// Removes those that are `lost`, in order, and gives them to `take`.
    pub(crate) fn remove_those(
        &mut self,
        lost: impl Fn(&Pending) -> bool,
        mut take: impl FnMut(Pending),
    ) {
        match self {
            Self::Few(queries) => queries.extract_if(.., |query| lost(query)).for_each(take),
            Self::Many(index) => index.remove_those(lost, &mut take),
        }
    }

    /// When the first of them is given up.
    pub(crate) fn due(&self) -> Option<Timestamp> {
        match self {
            Self::Few(queries) => queries.iter().map(|query| query.due).min(),
            Self::Many(index) => index.iter().map(|query| query.due).min(),
        }
    }

    /// Frees what is not needed while none waits.
    pub(crate) fn shrink(&mut self) {
        let keeps = matches!(self, Self::Few(queries) if queries.capacity() <= KEPT);
        if !keeps {
            *self = Self::default();
        }
    }

    /// How many bytes of memory they have taken.
    pub(crate) fn memory(&self) -> usize {
        let places = match self {
            Self::Few(queries) => queries.capacity() * size_of::<Pending>(),
            Self::Many(index) => size_of::<Index>() + index.memory(),
        };
        places + self.bytes()
    }
}

impl Default for PendingQueries {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Pending {
    fn bytes(&self) -> usize {
        self.query.bytes().len()
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

/// How many are looked through one by one.
const FEW: usize = 8;
/// Room for queries that a flow keeps when none waits.
const KEPT: usize = 4;
