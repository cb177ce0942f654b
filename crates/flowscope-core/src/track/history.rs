//! A connection's life in a word, as Zeek writes it.

use core::fmt;

use crate::FlowSide;

/// What happened on a flow, in the letters of Zeek's connection history.
///
/// Upper case is the initiator, lower case the responder. Each letter is noted
/// when it first happens on a side: `s` SYN, `h` SYN-ACK, `a` pure ACK, `d`
/// payload, `f` FIN, `r` RST, `i` SYN or FIN together with RST, `q` SYN
/// together with FIN. `t` (retransmission) and `w` (zero window) are noted
/// again at every tenfold. A leading `^` says that the first packet came from
/// the responder. A letter says what was sent, also where the other side would
/// refuse it. At most 24 letters are kept.
#[derive(Clone, Copy, Default, Eq, PartialEq)]
pub struct History {
    /// Five bits a letter, the first one lowest; zero ends it. Twelve each.
    letters: [u64; 2],
}

impl History {
    #[inline]
    pub(super) fn push(&mut self, side: FlowSide, letter: Letter) {
        self.push_code(match side {
            FlowSide::Initiator => letter as u8,
            FlowSide::Responder => letter as u8 | LOWER,
        });
    }

    pub(super) fn push_flipped(&mut self) {
        self.push_code(FLIPPED);
    }

    fn push_code(&mut self, code: u8) {
        for word in &mut self.letters {
            let used = (u64::BITS - word.leading_zeros()).div_ceil(BITS);
            if used < PER_WORD {
                *word |= u64::from(code) << (used * BITS);
                return;
            }
        }
    }

    /// The letters in order.
    pub fn letters(self) -> impl Iterator<Item = char> {
        self.letters
            .into_iter()
            .flat_map(|word| (0..PER_WORD).map(move |at| word >> (at * BITS) & 0x1f))
            .take_while(|code| *code != 0)
            .map(|code| TABLE[usize::try_from(code).unwrap_or_default()])
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
}

impl Letter {
    /// Its bit in a set of letters.
    pub(super) const fn bit(self) -> u16 {
        1 << self as u8
    }
}

/// Codes 1 to 15 are upper case, with this bit set they are lower case.
const LOWER: u8 = 0x10;
const FLIPPED: u8 = 0x0f;

const TABLE: [char; 32] = [
    ' ', 'S', 'H', 'A', 'D', 'F', 'R', 'I', 'Q', 'T', 'W', ' ', ' ', ' ', ' ', '^', //
    ' ', 's', 'h', 'a', 'd', 'f', 'r', 'i', 'q', 't', 'w', ' ', ' ', ' ', ' ', '^',
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
        let mut history = History::default();
        history.push_flipped();
        history.push(Initiator, Letter::Syn);
        history.push(Responder, Letter::SynAck);
        history.push(Initiator, Letter::Data);
        assert_eq!(history.to_string(), "^ShD");
    }

    #[test]
    fn is_bounded() {
        let mut history = History::default();
        for _ in 0..1000 {
            history.push(Responder, Letter::ZeroWindow);
        }
        assert_eq!(history.to_string(), "w".repeat(24));
    }
}
