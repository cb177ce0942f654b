//! The history of a connection in Zeek's letters, all of them.

use flowscope_core::FlowSide;

/// The letters of a connection so far: upper case are the originator's.
#[derive(Clone, Debug, Default)]
pub(super) struct Letters {
    text: String,
    /// Which were noted for the originator and the responder.
    noted: [u32; 2],
}

/// The end that a letter is of, in its role.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    Originator,
    Responder,
}

impl Role {
    /// The role of a side of the flow.
    pub(super) fn of(side: FlowSide, originator: FlowSide) -> Self {
        if side == originator {
            Self::Originator
        } else {
            Self::Responder
        }
    }
}

impl Letters {
    pub(super) fn as_str(&self) -> &str {
        &self.text
    }

    /// Adds a letter.
    pub(super) fn push(&mut self, role: Role, letter: char) {
        if self.text.len() < MAX_LETTERS {
            self.text.push(match role {
                Role::Originator => letter,
                Role::Responder => letter.to_ascii_lowercase(),
            });
        }
    }

    /// Adds a letter if it is the first of its kind, and says whether it was
    /// not. The SYN and the SYN-ACK are of one kind.
    pub(super) fn note(&mut self, role: Role, letter: char) -> bool {
        let kind = if letter == 'H' { 'S' } else { letter };
        let bit = 1 << (u32::from(kind) - u32::from('A'));
        let noted = &mut self.noted[role as usize];
        let is_known = *noted & bit != 0;
        *noted |= bit;
        if !is_known {
            self.push(role, letter);
        }
        is_known
    }

    /// Adds a letter the first time, the tenth, the hundredth and so on.
    pub(super) fn note_scaled(&mut self, role: Role, letter: char, repeats: &mut Repeats) {
        repeats.count = repeats.count.saturating_add(1);
        if repeats.count == repeats.next.max(1) {
            repeats.next = repeats.next.max(1).saturating_mul(10);
            self.push(role, letter);
        }
    }

    /// The ends change their roles.
    pub(super) fn flip(&mut self) {
        self.push(Role::Originator, '^');
    }
}

/// How often something happened, and when it is noted next.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Repeats {
    count: u32,
    next: u32,
}

/// The most letters that are kept.
const MAX_LETTERS: usize = 256;
