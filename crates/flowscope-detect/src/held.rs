//! What a connection says before it is known what it is.

use alloc::vec::Vec;

use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Input, StreamEnd};
use flowscope_core::{BySide, FlowSide, Timestamp};

/// The first bytes of both sides, and in which order they came.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held {
    bytes: BySide<Vec<u8>>,
    pieces: Vec<Piece>,
}

#[derive(Clone, Copy, Debug)]
enum Piece {
    Data {
        side: FlowSide,
        at: Timestamp,
        len: usize,
    },
    Gap {
        side: FlowSide,
        at: Timestamp,
        len: u64,
    },
    Close(StreamEnd),
}

/// What is given back, in order.
pub(crate) enum Event<'a> {
    Input(Input<'a>),
    Close(StreamEnd),
}

impl Held {
    /// Holds a chunk. Of its bytes, no more than make `limit` of a side are
    /// taken; the others come back.
    pub(crate) fn push<'a>(&mut self, input: Input<'a>, limit: usize) -> &'a [u8] {
        let Input { side, at, .. } = input;
        match input.chunk {
            Chunk::Gap(len) => {
                self.pieces.push(Piece::Gap { side, at, len });
                &[]
            }
            Chunk::Data(bytes) => {
                let room = limit.saturating_sub(self.bytes[side].len());
                let (taken, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
                self.bytes[side].extend_from_slice(taken);
                match self.pieces.last_mut() {
                    Some(Piece::Data {
                        side: of,
                        at: when,
                        len,
                    }) if (*of, *when) == (side, at) => *len += taken.len(),
                    _ => self.pieces.push(Piece::Data {
                        side,
                        at,
                        len: taken.len(),
                    }),
                }
                rest
            }
        }
    }

    pub(crate) fn close(&mut self, end: StreamEnd) {
        self.pieces.push(Piece::Close(end));
    }

    /// What a side has said first, if nothing before it is missing.
    pub(crate) fn first(&self, side: FlowSide) -> &[u8] {
        &self.bytes[side]
    }

    /// Whether nothing more is to be held: there are a lot of pieces, or one
    /// is missing.
    pub(crate) fn is_full(&self) -> bool {
        let has_gap = matches!(self.pieces.last(), Some(Piece::Gap { .. }));
        has_gap || self.pieces.len() >= PIECES
    }

    /// Whether both sides are over.
    pub(crate) fn is_over(&self) -> bool {
        let is_close = |piece: &&Piece| matches!(piece, Piece::Close(_));
        self.pieces.iter().filter(is_close).count() > 1
    }

    /// Everything, in the order in which it came.
    pub(crate) fn events(&self) -> impl Iterator<Item = Event<'_>> {
        let mut rest = BySide::from_fn(|side| &self.bytes[side][..]);
        self.pieces.iter().map(move |piece| match *piece {
            Piece::Data { side, at, len } => {
                let (bytes, behind) = rest[side].split_at_checked(len).unwrap_or_default();
                rest[side] = behind;
                Event::Input(Input::new(side, at, Chunk::Data(bytes)))
            }
            Piece::Gap { side, at, len } => Event::Input(Input::new(side, at, Chunk::Gap(len))),
            Piece::Close(end) => Event::Close(end),
        })
    }
}

/// As many pieces as are held of a connection: more than any protocol needs
/// bytes, so that it makes no difference how the bytes are cut.
const PIECES: usize = 512;
