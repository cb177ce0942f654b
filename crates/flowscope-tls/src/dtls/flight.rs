//! The messages that one side sends, put together from their fragments.

use flowscope_core::FlowSide;

use super::record::Fragment;
use crate::exchange::{Context, Exchange};
use crate::handshake::{self, CERTIFICATE};
use crate::{Fragments, TlsError};

/// What of one side's messages is not whole yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Flight {
    /// In the order in which they began.
    pending: Vec<Pending>,
    /// The number of the last certificate message that was read.
    certificates: Option<u16>,
}

/// A message of which some fragments came.
#[derive(Clone, Debug)]
struct Pending {
    message_seq: u16,
    kind: u8,
    len: u32,
    fragments: Fragments,
}

/// The body of a message.
pub(super) enum Whole<'a> {
    /// It came in one piece.
    Sent(&'a [u8]),
    PutTogether(Fragments),
}

impl Whole<'_> {
    pub(super) fn body(&self) -> &[u8] {
        match self {
            Self::Sent(body) => body,
            Self::PutTogether(fragments) => fragments.front(),
        }
    }
}

impl Pending {
    /// Whether a fragment is one of this message.
    fn is_of(&self, fragment: &Fragment<'_>) -> bool {
        self.message_seq == fragment.message_seq
            && self.kind == fragment.kind
            && self.len == fragment.len
    }
}

impl Flight {
    /// Takes a fragment, and gives the message that is whole with it, if it is one
    /// that is read.
    pub(super) fn fragment<'a>(
        &mut self,
        fragment: &Fragment<'a>,
        side: FlowSide,
        exchange: &mut Exchange,
        context: &mut Context<'_>,
    ) -> Result<Option<Whole<'a>>, TlsError> {
        let kind = fragment.kind;
        if !handshake::is_known(kind) {
            return Err(TlsError::Handshake { kind });
        }
        if !handshake::is_read_of_dtls(kind) {
            if fragment.offset == 0 {
                exchange.other(kind, side);
            }
            return Ok(None);
        }
        let limit = context.config.max_message;
        if fragment.len > limit {
            return Err(TlsError::TooLong { limit });
        }
        if kind == CERTIFICATE && self.certificates == Some(fragment.message_seq) {
            return Ok(None);
        }
        if !self.agrees(fragment) {
            exchange.fail(TlsError::Overlap { kind }, side, context);
            // Most likely, the handshake has begun anew.
            self.pending.retain(|it| !it.is_of(fragment));
        }
        let is_whole = fragment.bytes.len() as u64 == u64::from(fragment.len);
        let whole = match is_whole {
            true => {
                self.pending
                    .retain(|it| it.message_seq != fragment.message_seq);
                Some(Whole::Sent(fragment.bytes))
            }
            false => self.keep(fragment, limit).map(Whole::PutTogether),
        };
        if kind == CERTIFICATE && whole.is_some() {
            self.certificates = Some(fragment.message_seq);
        }
        Ok(whole)
    }

    /// Whether a fragment says the same as those that it overlaps.
    fn agrees(&self, fragment: &Fragment<'_>) -> bool {
        let mut same = self.pending.iter().filter(|it| it.is_of(fragment));
        same.all(|it| it.fragments.agrees(fragment.offset.into(), fragment.bytes))
    }

    /// Adds to a message, and takes it out when it is whole.
    fn keep(&mut self, fragment: &Fragment<'_>, limit: u32) -> Option<Fragments> {
        let index = self.find_or_begin(fragment);
        let pending = self.pending.get_mut(index)?;
        let offset = fragment.offset.into();
        let len = usize::try_from(pending.len).ok()?;
        // Only fragments with hundreds of holes between them do not fit.
        let added = pending.fragments.insert(offset, fragment.bytes, len);
        if added.is_ok() && pending.fragments.front().len() == len {
            return Some(self.pending.remove(index).fragments);
        }
        // The oldest go first when there is too much.
        while self.pending.len() > 1
            && (self.pending.len() > MAX_PENDING || self.memory() as u64 > u64::from(limit))
        {
            self.pending.remove(0);
        }
        None
    }

    /// The message that a fragment is of. One that had the same number, and was
    /// another, is forgotten: the handshake has begun anew.
    fn find_or_begin(&mut self, fragment: &Fragment<'_>) -> usize {
        match self.pending.iter().position(|it| it.is_of(fragment)) {
            Some(index) => index,
            None => {
                self.pending
                    .retain(|it| it.message_seq != fragment.message_seq);
                self.pending.push(Pending {
                    message_seq: fragment.message_seq,
                    kind: fragment.kind,
                    len: fragment.len,
                    fragments: Fragments::default(),
                });
                self.pending.len() - 1
            }
        }
    }

    /// Whether no message has begun.
    pub(super) fn is_empty(&self) -> bool {
        self.pending.is_empty()
    }

    pub(super) fn memory(&self) -> usize {
        let held: usize = self.pending.iter().map(|it| it.fragments.memory()).sum();
        held + self.pending.capacity() * size_of::<Pending>()
    }
}

/// How many messages of a side are put together at the same time. A flight has
/// no more that are read.
const MAX_PENDING: usize = 4;
