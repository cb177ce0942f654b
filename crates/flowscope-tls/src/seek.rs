//! Finding where TLS begins in a stream that begins with something else, or
//! goes on behind a hole.

use crate::likeness::{Around, Begin, ENOUGH, begins, is_landmark};

/// Looks for the first record of one side.
///
/// It holds back the few bytes that may be the beginning of one, and nothing
/// else.
#[derive(Clone, Debug)]
pub(crate) struct Seek {
    place: Place,
    held: [u8; ENOUGH],
    len: u8,
    /// How many bytes it has looked at and passed by.
    passed: u32,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    /// At the beginning of a stream.
    Start,
    /// Anywhere.
    Amid(Around),
}

/// What was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Sought<'a> {
    /// Records, with the bytes held back first and then the rest.
    Records(Held, &'a [u8]),
    /// A ClientHello of SSL 2.0 and its length, the same way.
    Ssl2(u16, Held, &'a [u8]),
    /// Nothing yet.
    More,
    /// Nothing, and enough was looked at.
    Nothing,
}

/// A few bytes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Held {
    bytes: [u8; ENOUGH],
    len: u8,
}

impl Held {
    pub(crate) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len.into()).unwrap_or_default()
    }

    fn of(bytes: &[u8]) -> Self {
        let mut held = Self::default();
        for (place, byte) in held.bytes.iter_mut().zip(bytes) {
            *place = *byte;
            held.len += 1;
        }
        held
    }
}

impl Seek {
    pub(crate) fn at_start() -> Self {
        Self::new(Place::Start)
    }

    pub(crate) fn behind_hole() -> Self {
        Self::new(Place::Amid(Around::Records))
    }

    /// What was found behind `passed` bytes was none.
    pub(crate) fn again(passed: u32) -> Self {
        Self {
            passed,
            ..Self::new(Place::Amid(Around::Other))
        }
    }

    fn new(place: Place) -> Self {
        Self {
            place,
            held: [0; ENOUGH],
            len: 0,
            passed: 0,
        }
    }

    /// How many bytes it has passed by in the middle of something; `None` at
    /// the beginning of a stream.
    pub(crate) fn amid(&self) -> Option<u32> {
        (self.place != Place::Start).then_some(self.passed)
    }

    /// Bytes are missing.
    pub(crate) fn gap(&mut self) {
        self.passed = self.passed.saturating_add(self.len.into());
        self.len = 0;
        if self.place == Place::Start {
            self.place = Place::Amid(Around::Other);
        }
    }

    /// Looks at the next bytes, of a connection of which `around` is known
    /// besides; at no more than `limit` in all.
    pub(crate) fn feed<'a>(
        &mut self,
        mut bytes: &'a [u8],
        around: Around,
        limit: u32,
    ) -> Sought<'a> {
        if self.place == Place::Start {
            match self.start(&mut bytes) {
                Begin::Records => return Sought::Records(self.release(0), bytes),
                Begin::Ssl2(len) => return Sought::Ssl2(len, self.release(0), bytes),
                Begin::Unsure => return Sought::More,
                Begin::No => self.place = Place::Amid(Around::Other),
            }
        }
        let around = match self.place {
            Place::Start | Place::Amid(Around::Other) => around,
            Place::Amid(Around::Records) => Around::Records,
        };
        if self.len > 0
            && let Some(sought) = self.seek_held(bytes, around, limit)
        {
            return sought;
        }
        self.seek(bytes, around, limit)
    }

    /// Holds back what it takes to tell what a stream begins with.
    fn start(&mut self, bytes: &mut &[u8]) -> Begin {
        if self.len == 0 && bytes.len() >= ENOUGH {
            return begins(bytes.get(..ENOUGH).unwrap_or_default());
        }
        let room = ENOUGH - usize::from(self.len);
        let (taken, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.hold(taken);
        *bytes = rest;
        begins(self.release(0).bytes())
    }

    /// Looks for records that begin in what is held. `None` if none does.
    fn seek_held<'a>(&mut self, bytes: &'a [u8], around: Around, limit: u32) -> Option<Sought<'a>> {
        let mut joined = [0; 2 * ENOUGH];
        let both = self.release(0);
        let all = both.bytes().iter().chain(bytes);
        let mut len = 0;
        for (place, byte) in joined.iter_mut().zip(all) {
            *place = *byte;
            len += 1;
        }
        for start in 0..self.len {
            let ahead = joined.get(start.into()..len).unwrap_or_default();
            match is_landmark(ahead, around) {
                Some(false) => self.passed = self.passed.saturating_add(1),
                _ if self.passed >= limit => return Some(Sought::Nothing),
                Some(true) => return Some(Sought::Records(self.release(start), bytes)),
                None => {
                    // Fewer than `ENOUGH` bytes, so they are all of them.
                    let ahead = Held::of(ahead);
                    (self.held, self.len) = (ahead.bytes, ahead.len);
                    return Some(Sought::More);
                }
            }
        }
        self.len = 0;
        None
    }

    /// Looks for records that begin in `bytes`.
    fn seek<'a>(&mut self, bytes: &'a [u8], around: Around, limit: u32) -> Sought<'a> {
        let mut rest = bytes;
        while let Some(at) = candidate(rest) {
            let ahead = rest.get(at..).unwrap_or_default();
            self.pass(at);
            if self.passed >= limit {
                return Sought::Nothing;
            }
            match is_landmark(ahead, around) {
                Some(true) => return Sought::Records(Held::default(), ahead),
                Some(false) => {
                    self.pass(1);
                    rest = ahead.get(1..).unwrap_or_default();
                }
                None => {
                    self.hold(ahead);
                    return Sought::More;
                }
            }
        }
        self.pass(rest.len());
        if self.passed >= limit {
            Sought::Nothing
        } else {
            Sought::More
        }
    }

    fn pass(&mut self, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.passed = self.passed.saturating_add(count);
    }

    fn hold(&mut self, bytes: &[u8]) {
        let room = self.held.iter_mut().skip(self.len.into());
        for (place, byte) in room.zip(bytes) {
            *place = *byte;
            self.len += 1;
        }
    }

    /// What is held, but for the first bytes.
    fn release(&self, from: u8) -> Held {
        let held = self.held.get(..self.len.into()).unwrap_or_default();
        Held::of(held.get(from.into()..).unwrap_or_default())
    }
}

/// The first place where a record that is looked for may begin.
fn candidate(bytes: &[u8]) -> Option<usize> {
    // Types of content from ChangeCipherSpec to handshake.
    let is_type = |byte: &u8| byte.wrapping_sub(20) <= 2;
    let mut before = 0;
    // Blocks are looked through without a branch for each byte.
    for block in bytes.chunks(64) {
        if block.iter().fold(false, |any, byte| any | is_type(byte)) {
            return block
                .iter()
                .position(is_type)
                .map(|position| before + position);
        }
        before += block.len();
    }
    None
}
