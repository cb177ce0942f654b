//! The history of a connection in one word, as Zeek writes it.

#[cfg(feature = "serde")]
use alloc::string::String;
use core::fmt;

use crate::FlowSide;

/// What happened on a flow, in the letters of Zeek's connection history.
///
/// Upper case is the initiator, lower case the responder. Each letter is noted
/// when it first happens on a side: `s` SYN, `h` SYN-ACK, `a` pure ACK, `d`
/// payload, `f` FIN, `r` RST, `i` SYN or FIN together with RST, `q` SYN
/// together with FIN. `t` (retransmission), `w` (zero window) and `c` (wrong
/// checksum, where [checksums are verified](crate::wire::Checksums)) are noted
/// again at every tenfold. A leading `^` says that the first packet came from
/// the responder. A letter says what was sent, also where the other side would
/// refuse it. At most 24 letters are kept.
#[derive(Clone, Copy, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(try_from = "String", into = "String"))]
pub struct History {
    words: [PackedLetters; 2],
}

/// A dozen letters: five bits each, the first one lowest; zero ends it.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub(super) struct PackedLetters(u64);

impl PackedLetters {
    /// Adds a letter if there is room.
    #[inline]
    pub(super) fn push(&mut self, code: LetterCode) -> Result<(), Full> {
        let used = (u64::BITS - self.0.leading_zeros()).div_ceil(BITS);
        // A word is full with 12 letters. To say so costs less than a longer field in
        // each of a million flows.
        if used >= PER_WORD {
            return Err(Full);
        }
        self.0 |= u64::from(code.0) << (used * BITS);
        Ok(())
    }
}

/// There is no room for another letter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Full;

/// A letter of one of the sides.
#[derive(Clone, Copy, Debug)]
pub(super) struct LetterCode(u8);

impl LetterCode {
    pub(super) const FLIPPED: Self = Self(0x0f);

    #[cfg(feature = "serde")]
    fn of(letter: char) -> Option<Self> {
        let code = TABLE.iter().position(|known| *known == letter)?;
        // There are 32 codes; the one of no letter comes first.
        (code > 0 && letter != ' ').then_some(Self(code as u8))
    }

    #[inline]
    pub(super) const fn new(side: FlowSide, letter: Letter) -> Self {
        Self(match side {
            FlowSide::Initiator => letter as u8,
            FlowSide::Responder => letter as u8 | LOWER,
        })
    }
}

impl History {
    pub(super) const fn of(words: [PackedLetters; 2]) -> Self {
        Self { words }
    }

    /// The letters in order.
    pub fn letters(self) -> impl Iterator<Item = char> {
        self.words
            .into_iter()
            .flat_map(|PackedLetters(word)| (0..PER_WORD).map(move |at| word >> (at * BITS) & 0x1f))
            .take_while(|code| *code != 0)
            .map(|code| TABLE[usize::try_from(code).unwrap_or_default()])
    }
}

#[cfg(feature = "serde")]
impl From<History> for String {
    fn from(history: History) -> Self {
        history.letters().collect()
    }
}

#[cfg(feature = "serde")]
impl TryFrom<String> for History {
    type Error = &'static str;

    fn try_from(letters: String) -> Result<Self, Self::Error> {
        let mut words = [PackedLetters::default(); 2];
        let [first, second] = &mut words;
        for letter in letters.chars().map(LetterCode::of) {
            let code = letter.ok_or("no letter of a history")?;
            let pushed = first.push(code).or_else(|Full| second.push(code));
            pushed.map_err(|Full| "more letters than a history has")?;
        }
        Ok(Self::of(words))
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;
        self.letters().try_for_each(|letter| f.write_char(letter))
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// What is noted, numbered as in `TABLE`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[repr(u8)]
pub(super) enum Letter {
    Syn = 1,
    SynAck,
    Ack,
    Data,
    Fin,
    Rst,
    Inconsistent,
    MultiFlag,
    Retransmission,
    ZeroWindow,
    BadChecksum,
}

impl Letter {
    /// Its bit in a set of letters.
    pub(super) const fn bit(self) -> u16 {
        1 << self as u8
    }
}

/// Codes 1 to 15 are upper case, with this bit set they are lower case.
const LOWER: u8 = 0x10;

const TABLE: [char; 32] = [
    ' ', 'S', 'H', 'A', 'D', 'F', 'R', 'I', 'Q', 'T', 'W', 'C', ' ', ' ', ' ', '^', //
    ' ', 's', 'h', 'a', 'd', 'f', 'r', 'i', 'q', 't', 'w', 'c', ' ', ' ', ' ', '^',
];

const BITS: u32 = 5;
const PER_WORD: u32 = 12;

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::FlowSide::{Initiator, Responder};
    use super::*;

    #[test]
    fn reads_as_it_was_written() {
        let mut word = PackedLetters::default();
        let letters = [
            LetterCode::FLIPPED,
            LetterCode::new(Initiator, Letter::Syn),
            LetterCode::new(Responder, Letter::SynAck),
            LetterCode::new(Initiator, Letter::Data),
        ];
        for letter in letters {
            word.push(letter).expect("a dozen fit");
        }
        assert_eq!(
            History::of([word, PackedLetters::default()]).to_string(),
            "^ShD"
        );
    }

    #[test]
    fn a_word_is_bounded() {
        let mut word = PackedLetters::default();
        let code = LetterCode::new(Responder, Letter::ZeroWindow);
        let pushed = (0..1000).take_while(|_| word.push(code).is_ok()).count();
        assert_eq!(pushed, 12);
        assert_eq!(History::of([word; 2]).to_string(), "w".repeat(24));
    }
}
