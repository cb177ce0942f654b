//! What was said in a handshake, in the letters of Zeek's `ssl_history`.

use flowscope_core::FlowSide;

/// The messages of a handshake, in order, as far as they are in the clear.
///
/// It lies in place, so that a hello costs no allocation more.
#[derive(Clone, Debug)]
pub(crate) struct History {
    letters: [u8; MAX_LETTERS],
    len: u8,
}

impl Default for History {
    fn default() -> Self {
        Self {
            letters: [0; MAX_LETTERS],
            len: 0,
        }
    }
}

impl History {
    pub(crate) fn message(&mut self, kind: u8, side: FlowSide) {
        self.note(letter(kind), side);
    }

    /// The message before was a HelloRetryRequest, which looks like another.
    pub(crate) fn retry(&mut self) {
        let last = usize::from(self.len).checked_sub(1);
        if let Some(letter) = last.and_then(|last| self.letters.get_mut(last)) {
            *letter = *letter & RESPONDER | b'j';
        }
    }

    /// A change may come in pieces: one right behind another is the same.
    pub(crate) fn change_cipher_spec(&mut self, side: FlowSide) {
        let last = usize::from(self.len).checked_sub(1);
        let last = last.and_then(|last| self.letters.get(last));
        if last != Some(&noted(b'i', side)) {
            self.note(b'i', side);
        }
    }

    /// Whether a side has changed to what was agreed.
    pub(crate) fn has_change(&self, side: FlowSide) -> bool {
        self.letters.contains(&noted(b'i', side))
    }

    pub(crate) fn alert(&mut self, side: FlowSide) {
        self.note(b'l', side);
    }

    fn note(&mut self, letter: u8, side: FlowSide) {
        if let Some(place) = self.letters.get_mut(usize::from(self.len)) {
            *place = noted(letter, side);
            self.len += 1;
        }
    }

    /// The letters, those of the client in upper case.
    pub(crate) fn letters(self, client: FlowSide) -> String {
        let of_client = noted(0, client);
        let letters = self.letters.into_iter().take(self.len.into());
        let letters = letters.map(|noted| match noted & RESPONDER == of_client {
            true => (noted & !RESPONDER).to_ascii_uppercase(),
            false => noted & !RESPONDER,
        });
        letters.map(char::from).collect()
    }
}

/// A letter with the side it is of.
const fn noted(letter: u8, side: FlowSide) -> u8 {
    match side {
        FlowSide::Initiator => letter,
        FlowSide::Responder => letter | RESPONDER,
    }
}

/// The letter of a type of handshake message (RFC 8446, section 4).
const fn letter(kind: u8) -> u8 {
    match kind {
        0 => b'h',
        1 => b'c',
        2 => b's',
        3 => b'v',
        4 => b't',
        5 => b'e',
        6 => b'j',
        8 => b'o',
        11 => b'x',
        12 => b'k',
        13 => b'r',
        14 => b'n',
        15 => b'y',
        16 => b'g',
        20 => b'f',
        21 => b'w',
        22 => b'u',
        23 => b'a',
        24 => b'p',
        254 => b'm',
        _ => b'z',
    }
}

const MAX_LETTERS: usize = 100;
/// The bit of a letter of the responder.
const RESPONDER: u8 = 0x80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_in_upper_case() {
        let mut history = History::default();
        for (kind, side) in [
            (1, FlowSide::Responder),
            (2, FlowSide::Initiator),
            (11, FlowSide::Initiator),
        ] {
            history.message(kind, side);
        }
        history.change_cipher_spec(FlowSide::Responder);
        assert_eq!(history.letters(FlowSide::Responder), "CsxI");
    }

    #[test]
    fn it_is_bounded() {
        let mut history = History::default();
        for _ in 0..1000 {
            history.alert(FlowSide::Initiator);
        }
        assert_eq!(history.letters(FlowSide::Initiator).len(), MAX_LETTERS);
    }
}
