//! Finding where TLS begins in a stream that begins with something else, or where
//! its next record begins behind missing bytes.

use flowscope_core::session::ProbeResult;

use crate::probe::{PROBE_LEN, Preceding, StreamStart, is_sync_point, probe_start};

/// Searches one side for a record.
///
/// It holds back the few bytes that may be the beginning of one, and nothing
/// else.
#[derive(Clone, Debug)]
pub(crate) struct Resync {
    place: Place,
    held: [u8; PROBE_LEN],
    len: u8,
    /// How many bytes it has searched without a find.
    searched: u32,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Place {
    /// At the beginning of a stream.
    Start,
    /// Anywhere within it.
    Within(Preceding),
}

/// What was found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ResyncResult<'a> {
    /// Records, with the bytes held back first and then the rest.
    Records(Prefix, &'a [u8]),
    /// A ClientHello of SSL 2.0 and its length, the same way.
    Ssl2(u16, Prefix, &'a [u8]),
    /// Nothing yet.
    More,
    /// Nothing, and the limit is reached.
    Nothing,
}

/// A few bytes.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Prefix {
    bytes: [u8; PROBE_LEN],
    len: u8,
}

impl Prefix {
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

impl Resync {
    pub(crate) fn at_start() -> Self {
        Self::new(Place::Start)
    }

    pub(crate) fn behind_gap() -> Self {
        Self::new(Place::Within(Preceding::Records))
    }

    /// What was found after `searched` bytes was none.
    pub(crate) fn again(searched: u32) -> Self {
        Self {
            searched,
            ..Self::new(Place::Within(Preceding::OtherProtocol))
        }
    }

    fn new(place: Place) -> Self {
        Self {
            place,
            held: [0; PROBE_LEN],
            len: 0,
            searched: 0,
        }
    }

    /// How many bytes it has searched; `None` at the beginning of a stream, where
    /// a record may begin without a search.
    pub(crate) fn searched(&self) -> Option<u32> {
        (self.place != Place::Start).then_some(self.searched)
    }

    /// The last `count` bytes will come again.
    pub(crate) fn rewind(&mut self, count: usize) {
        let count = u32::try_from(count).unwrap_or(0);
        self.searched = self.searched.saturating_sub(count);
    }

    /// Bytes are missing.
    pub(crate) fn gap(&mut self) {
        self.searched = self.searched.saturating_add(self.len.into());
        self.len = 0;
        if self.place == Place::Start {
            self.place = Place::Within(Preceding::OtherProtocol);
        }
    }

    /// Searches the next bytes, but no more than `limit` in all. `preceding` is
    /// what the connection is known to have had so far.
    pub(crate) fn feed<'a>(
        &mut self,
        mut bytes: &'a [u8],
        preceding: Preceding,
        limit: u32,
    ) -> ResyncResult<'a> {
        if self.place == Place::Start {
            match self.start(&mut bytes) {
                StreamStart::Records => return ResyncResult::Records(self.held_from(0), bytes),
                StreamStart::Ssl2(len) => return ResyncResult::Ssl2(len, self.held_from(0), bytes),
                StreamStart::Unsure => return ResyncResult::More,
                StreamStart::No => self.place = Place::Within(Preceding::OtherProtocol),
            }
        }
        let preceding = match self.place {
            Place::Start | Place::Within(Preceding::OtherProtocol) => preceding,
            Place::Within(Preceding::Records) => Preceding::Records,
        };
        if self.len > 0
            && let Some(found) = self.search_held(bytes, preceding, limit)
        {
            return found;
        }
        self.search(bytes, preceding, limit)
    }

    /// Probes the beginning of a stream, and holds back bytes that are too few to
    /// tell.
    fn start(&mut self, bytes: &mut &[u8]) -> StreamStart {
        if self.len == 0 && bytes.len() >= PROBE_LEN {
            return probe_start(bytes.get(..PROBE_LEN).unwrap_or_default());
        }
        let room = PROBE_LEN - usize::from(self.len);
        let (taken, rest) = bytes.split_at_checked(room).unwrap_or((bytes, &[]));
        self.hold(taken);
        *bytes = rest;
        probe_start(self.held_from(0).bytes())
    }

    /// Searches for records that begin in the bytes held back. `None` if none
    /// does.
    fn search_held<'a>(
        &mut self,
        bytes: &'a [u8],
        preceding: Preceding,
        limit: u32,
    ) -> Option<ResyncResult<'a>> {
        let mut joined = [0; 2 * PROBE_LEN];
        let both = self.held_from(0);
        let all = both.bytes().iter().chain(bytes);
        let mut len = 0;
        for (place, byte) in joined.iter_mut().zip(all) {
            *place = *byte;
            len += 1;
        }
        for start in 0..self.len {
            let ahead = joined.get(start.into()..len).unwrap_or_default();
            match is_sync_point(ahead, preceding) {
                Some(false) => self.searched = self.searched.saturating_add(1),
                _ if self.searched >= limit => return Some(ResyncResult::Nothing),
                Some(true) => return Some(ResyncResult::Records(self.held_from(start), bytes)),
                None => {
                    // Fewer than `PROBE_LEN` bytes, so they are all of them.
                    let ahead = Prefix::of(ahead);
                    (self.held, self.len) = (ahead.bytes, ahead.len);
                    return Some(ResyncResult::More);
                }
            }
        }
        self.len = 0;
        None
    }

    /// Searches for records that begin in `bytes`.
    fn search<'a>(
        &mut self,
        bytes: &'a [u8],
        preceding: Preceding,
        limit: u32,
    ) -> ResyncResult<'a> {
        let mut rest = bytes;
        while let Some(at) = candidate(rest) {
            let ahead = rest.get(at..).unwrap_or_default();
            self.pass(at);
            if self.searched >= limit {
                return ResyncResult::Nothing;
            }
            match is_sync_point(ahead, preceding) {
                Some(true) => return ResyncResult::Records(Prefix::default(), ahead),
                Some(false) => {
                    self.pass(1);
                    rest = ahead.get(1..).unwrap_or_default();
                }
                None => {
                    self.hold(ahead);
                    return ResyncResult::More;
                }
            }
        }
        self.pass(rest.len());
        if self.searched >= limit {
            ResyncResult::Nothing
        } else {
            ResyncResult::More
        }
    }

    fn pass(&mut self, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.searched = self.searched.saturating_add(count);
    }

    fn hold(&mut self, bytes: &[u8]) {
        let room = self.held.iter_mut().skip(self.len.into());
        for (place, byte) in room.zip(bytes) {
            *place = *byte;
            self.len += 1;
        }
    }

    /// The bytes held back, without the first `from` of them.
    fn held_from(&self, from: u8) -> Prefix {
        let held = self.held.get(..self.len.into()).unwrap_or_default();
        Prefix::of(held.get(from.into()..).unwrap_or_default())
    }
}

/// Where in `bytes`, which follow something that is not TLS, a record begins that
/// is so much like TLS that it is found anywhere, and whether there are enough
/// bytes to tell.
pub(crate) fn find(bytes: &[u8]) -> Option<(usize, ProbeResult)> {
    let mut at = 0;
    loop {
        let rest = bytes.get(at..)?;
        at += candidate(rest)?;
        match is_sync_point(bytes.get(at..)?, Preceding::OtherProtocol) {
            Some(true) => return Some((at, ProbeResult::Match)),
            None => return Some((at, ProbeResult::Possible)),
            Some(false) => at += 1,
        }
    }
}

/// The first place where a record that is searched for may begin: at a type of
/// content from ChangeCipherSpec to handshake before the first byte of a version,
/// or at the end.
///
/// That of the version is looked for, as other protocols hardly have it.
fn candidate(bytes: &[u8]) -> Option<usize> {
    let is_type = |byte: &u8| byte.wrapping_sub(20) <= 2;
    let (_, versions) = bytes.split_first()?;
    let mut found = memchr::memchr_iter(3, versions);
    let begins = |at: &usize| bytes.get(*at).is_some_and(is_type);
    found.find(begins).or_else(|| {
        let last = bytes.last().is_some_and(is_type);
        last.then_some(versions.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_found_wherever_it_begins_and_may_begin_at_the_end() {
        use ProbeResult::{Match, Possible};
        const HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
        // Bytes of versions, and of types, that begin no record.
        for filler in [b"x", b"\x03", b"\x16"] {
            for before in 0..70 {
                let mut bytes = filler.repeat(before);
                bytes.extend(HELLO);
                assert_eq!(find(&bytes), Some((before, Match)), "{filler:?} {before}");
                bytes.truncate(before + 1);
                assert_eq!(find(&bytes), Some((before, Possible)));
            }
        }
        assert_eq!(find(b""), None);
        assert_eq!(find(b"\x03\x03"), None);
    }
}
