//! The payload of one datagram, as far as its fragments came.

use alloc::vec::Vec;

use super::Overlap;

/// Bytes of a datagram, and where they belong.
///
/// Each byte of the datagram is in `bytes` once, in the order in which they first
/// came: so memory is proportional to what came, not to the length that a
/// fragment claims. Where fragments overlap, the preferred byte overwrites the
/// other one.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    bytes: Vec<u8>,
    /// In order, none overlapping another.
    pieces: Vec<Piece>,
    /// Where the datagram ends, once its last fragment came.
    end: Option<u16>,
}

/// A range of a datagram's payload.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Span {
    pub(super) start: u16,
    /// Behind the last byte.
    pub(super) end: u16,
}

/// A range of bytes that came with one fragment.
#[derive(Clone, Copy, Debug)]
struct Piece {
    span: Span,
    /// The whole fragment's range, by which overlaps are decided.
    of: Span,
    /// Where in `bytes` it begins: less than a datagram's length.
    at: u16,
    content: Content,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Content {
    Captured,
    /// The capture was cut before it.
    Missing,
}

/// What became of a fragment's bytes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Added {
    /// They went where nothing was.
    New,
    /// The same fragment with the same bytes was there before.
    Repeated,
    /// Some places were filled before.
    Overlapping,
    /// They contradict what is known of the datagram's end.
    Impossible,
}

/// Bytes that a fragment brings.
#[derive(Clone, Copy, Debug)]
pub(super) struct FragmentData<'a> {
    /// Where they belong.
    pub(super) span: Span,
    /// The first of them: the capture may lack the others.
    pub(super) captured: &'a [u8],
    /// Whether the datagram ends with them.
    pub(super) is_last: bool,
}

impl Assembly {
    /// Adds the bytes of a fragment. Where they overlap others `overlap`
    /// decides; without it they are not added at all.
    pub(super) fn add(&mut self, data: FragmentData<'_>, overlap: Option<Overlap>) -> Added {
        let last_end = self.pieces.last().map_or(0, |piece| piece.span.end);
        let is_possible = match (self.end, data.is_last) {
            (Some(end), true) => data.span.end == end,
            (Some(end), false) => data.span.end <= end,
            (None, true) => data.span.end >= last_end,
            (None, false) => true,
        };
        if !is_possible {
            return Added::Impossible;
        }
        let added = self.compare(data);
        let (captured, missing) = data.parts();
        match (added, overlap) {
            (Added::Impossible, _) | (Added::Overlapping, None) => return added,
            // The copy may have bytes that the capture lacks of the first.
            (Added::Repeated, _) => self.fill(data, captured, Content::Captured, Overlap::Last),
            (Added::New | Added::Overlapping, overlap) => {
                let overlap = overlap.unwrap_or_default();
                self.fill(data, captured, Content::Captured, overlap);
                self.fill(data, missing, Content::Missing, overlap);
            }
        }
        if data.is_last {
            self.end = Some(data.span.end);
        }
        added
    }

    /// Whether every place up to the datagram's end is filled.
    pub(super) fn is_whole(&self) -> bool {
        self.end.is_some_and(|end| self.bytes.len() == end.into())
    }

    /// Where the datagram ends, or the end of what came if that is not known.
    pub(super) fn len(&self) -> u32 {
        let last_end = self.pieces.last().map_or(0, |piece| piece.span.end);
        self.end.unwrap_or(last_end).into()
    }

    /// Writes the bytes from the first up to the first one that is missing.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        let mut end = 0;
        for piece in &self.pieces {
            if piece.span.start != end || piece.content == Content::Missing {
                break;
            }
            out.extend_from_slice(self.bytes_of(piece));
            end = piece.span.end;
        }
    }

    /// Bytes of memory.
    pub(super) fn memory(&self) -> usize {
        self.bytes.capacity() + self.pieces.capacity() * size_of::<Piece>()
    }

    fn compare(&self, data: FragmentData<'_>) -> Added {
        let mut filled = self.overlapped(data.span);
        if filled.clone().next().is_none() {
            return Added::New;
        }
        // As far as both were captured.
        let is_same = filled.all(|piece| {
            let mut both = self.bytes_of(piece).iter().zip(data.slice(piece.span));
            piece.of == data.span
                && (piece.content == Content::Missing || both.all(|(one, other)| one == other))
        });
        match is_same {
            true => Added::Repeated,
            false => Added::Overlapping,
        }
    }

    fn overlapped(&self, span: Span) -> impl Iterator<Item = &Piece> + Clone {
        let first = self.first_behind(span.start);
        let pieces = self.pieces.get(first..).unwrap_or_default().iter();
        pieces.take_while(move |piece| piece.span.start < span.end)
    }

    /// The first piece that ends behind a place.
    fn first_behind(&self, place: u16) -> usize {
        self.pieces.partition_point(|piece| piece.span.end <= place)
    }

    /// Fills `part` with bytes of `data`: the holes, and the bytes that `overlap`
    /// lets it replace.
    fn fill(&mut self, data: FragmentData<'_>, part: Span, content: Content, overlap: Overlap) {
        if part.is_empty() {
            return;
        }
        let first = self.first_behind(part.start);
        let count = self.overlapped(part).count();
        if count == 0 {
            let piece = self.append(data, part, content);
            self.pieces.insert(first, piece);
            return;
        }
        // At the most a hole before each piece, a piece cut in three at either
        // end, and a hole behind.
        let mut merged = Vec::with_capacity(2 * count + 3);
        let mut at = part.start;
        for place in first..first + count {
            let Some(piece) = self.pieces.get(place).copied() else {
                break;
            };
            if at < piece.span.start {
                let hole = Span::new(at, piece.span.start);
                merged.push(self.append(data, hole, content));
            }
            at = piece.span.end;
            if !overlap.prefers_later(data.span, piece.of) {
                merged.push(piece);
                continue;
            }
            let (before, rest) = piece.split(part.start);
            let (replaced, behind) = rest.split(part.end);
            merged.extend([before].into_iter().filter(Piece::is_some));
            merged.push(self.overwrite(replaced, data, content));
            merged.extend([behind].into_iter().filter(Piece::is_some));
        }
        if at < part.end {
            merged.push(self.append(data, Span::new(at, part.end), content));
        }
        self.pieces.splice(first..first + count, merged);
    }

    /// A new piece, whose place was empty.
    fn append(&mut self, data: FragmentData<'_>, span: Span, content: Content) -> Piece {
        let at = self.bytes.len();
        self.reserve(span.len());
        self.bytes.resize(at + span.len(), 0);
        let piece = Piece {
            span,
            of: data.span,
            // Fewer places are filled than a datagram has.
            at: at as u16,
            content,
        };
        self.overwrite(piece, data, content)
    }

    /// The piece with the bytes of `data` in it.
    fn overwrite(&mut self, piece: Piece, data: FragmentData<'_>, content: Content) -> Piece {
        let at = usize::from(piece.at);
        let bytes = self.bytes.get_mut(at..at + piece.span.len());
        let new = data.slice(piece.span);
        if let Some(bytes) = bytes.and_then(|bytes| bytes.get_mut(..new.len())) {
            bytes.copy_from_slice(new);
        }
        Piece {
            of: data.span,
            content,
            ..piece
        }
    }

    fn bytes_of(&self, piece: &Piece) -> &[u8] {
        let at = usize::from(piece.at);
        self.bytes
            .get(at..at + piece.span.len())
            .unwrap_or_default()
    }

    /// Grows by half, to no more than a datagram needs.
    fn reserve(&mut self, len: usize) {
        let needed = self.bytes.len() + len;
        let capacity = self.bytes.capacity();
        if needed > capacity {
            let roomy = (capacity + capacity / 2).min(MAX_LEN);
            self.bytes
                .reserve_exact(needed.max(roomy) - self.bytes.len());
        }
    }
}

impl Overlap {
    /// Whether a fragment takes the bytes that an earlier one has.
    fn prefers_later(self, later: Span, earlier: Span) -> bool {
        match self {
            Self::First => false,
            Self::Last => true,
            Self::Bsd => later.start < earlier.start,
            Self::Linux => later.start <= earlier.start,
            Self::Windows => later.start < earlier.start && later.end > earlier.end,
            Self::Solaris => later.start < earlier.start && later.end >= earlier.end,
        }
    }
}

impl Span {
    pub(super) const fn new(start: u16, end: u16) -> Self {
        Self { start, end }
    }

    pub(super) fn len(self) -> usize {
        self.end.saturating_sub(self.start).into()
    }

    fn is_empty(self) -> bool {
        self.start >= self.end
    }

    /// The parts before and from a place on.
    fn split(self, place: u16) -> (Self, Self) {
        let middle = place.clamp(self.start, self.end);
        (Self::new(self.start, middle), Self::new(middle, self.end))
    }
}

impl Piece {
    fn is_some(&self) -> bool {
        !self.span.is_empty()
    }

    fn split(self, place: u16) -> (Self, Self) {
        let (before, behind) = self.span.split(place);
        let front = Self {
            span: before,
            ..self
        };
        let back = Self {
            span: behind,
            at: self.at.saturating_add(behind.start - self.span.start),
            ..self
        };
        (front, back)
    }
}

impl<'a> FragmentData<'a> {
    /// The part that was captured, and the part that was not.
    fn parts(&self) -> (Span, Span) {
        let captured = u16::try_from(self.captured.len()).unwrap_or(u16::MAX);
        self.span.split(self.span.start.saturating_add(captured))
    }

    /// The captured bytes of a part of it.
    fn slice(&self, span: Span) -> &'a [u8] {
        let offset = |place: u16| usize::from(place.saturating_sub(self.span.start));
        let end = offset(span.end).min(self.captured.len());
        self.captured
            .get(offset(span.start)..end)
            .unwrap_or_default()
    }
}

const MAX_LEN: usize = 65_535;
