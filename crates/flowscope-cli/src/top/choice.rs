//! What the user wants to see.

use flowscope::track::FlowId;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::view::{Row, View};

/// What is shown, and how: changed by keys.
#[derive(Clone, Debug, Default)]
pub(super) struct Choice {
    pub(super) sort: Sort,
    pub(super) is_reversed: bool,
    /// What rows have to contain.
    pub(super) filter: String,
    pub(super) is_typing: bool,
    pub(super) is_paused: bool,
    /// The row that is marked.
    pub(super) marked: usize,
    /// The flow that is shown alone.
    pub(super) drilled: Option<FlowId>,
    pub(super) is_over: bool,
}

/// What flows are sorted by.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Sort {
    #[default]
    Rate,
    Bytes,
    Packets,
    Age,
    Name,
}

impl Sort {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Rate => "rate",
            Self::Bytes => "bytes",
            Self::Packets => "packets",
            Self::Age => "age",
            Self::Name => "name",
        }
    }

    const fn next(self) -> Self {
        match self {
            Self::Rate => Self::Bytes,
            Self::Bytes => Self::Packets,
            Self::Packets => Self::Age,
            Self::Age => Self::Name,
            Self::Name => Self::Rate,
        }
    }
}

impl Choice {
    /// Does what a key says.
    pub(super) fn press(&mut self, key: KeyEvent, view: &View) {
        let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char('c') if is_control => self.is_over = true,
            _ if self.is_typing => self.type_key(key.code),
            KeyCode::Char('q') => self.is_over = true,
            KeyCode::Esc if self.drilled.is_some() => self.drilled = None,
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Backspace => self.drilled = None,
            KeyCode::Enter => {
                self.drilled = match self.drilled {
                    None => view.rows.get(self.marked).map(|row| row.flow),
                    Some(_) => None,
                }
            }
            KeyCode::Char('s') => self.sort = self.sort.next(),
            KeyCode::Char('r') => self.is_reversed = !self.is_reversed,
            KeyCode::Char('p' | ' ') => self.is_paused = !self.is_paused,
            KeyCode::Char('/') => self.is_typing = true,
            KeyCode::Up | KeyCode::Char('k') => self.mark(self.marked.saturating_sub(1), view),
            KeyCode::Down | KeyCode::Char('j') => self.mark(self.marked + 1, view),
            KeyCode::PageUp => self.mark(self.marked.saturating_sub(PAGE), view),
            KeyCode::PageDown => self.mark(self.marked + PAGE, view),
            KeyCode::Home => self.mark(0, view),
            KeyCode::End => self.mark(usize::MAX, view),
            _ => {}
        }
    }

    fn type_key(&mut self, key: KeyCode) {
        match key {
            KeyCode::Enter => self.is_typing = false,
            KeyCode::Esc => {
                self.is_typing = false;
                self.filter.clear();
            }
            KeyCode::Backspace => {
                self.filter.pop();
            }
            KeyCode::Char(letter) => self.filter.push(letter),
            _ => {}
        }
    }

    fn mark(&mut self, row: usize, view: &View) {
        self.marked = row.min(view.rows.len().saturating_sub(1));
    }

    /// Whether a flow is shown.
    pub(super) fn wants(&self, row: &Row) -> bool {
        if self.filter.is_empty() || self.drilled == Some(row.flow) {
            return true;
        }
        let filter = self.filter.to_lowercase();
        let has = |text: &str| text.to_lowercase().contains(&filter);
        has(row.app) || row.name.as_deref().is_some_and(has) || has(&row.key.to_string())
    }

    /// Puts flows in order, those that are equal by age.
    pub(super) fn sort(&self, rows: &mut [Row]) {
        use core::cmp::Reverse;
        rows.sort_by_key(|row| row.stats.first_seen);
        match self.sort {
            Sort::Rate => {
                rows.sort_by_key(|row| Reverse((row.rate, row.stats.bytes.total())));
            }
            Sort::Bytes => rows.sort_by_key(|row| Reverse(row.stats.bytes.total())),
            Sort::Packets => rows.sort_by_key(|row| Reverse(row.stats.packets.total())),
            Sort::Age => {}
            // Those without a name come last.
            Sort::Name => {
                rows.sort_by(|a, b| (a.name.is_none(), &a.name).cmp(&(b.name.is_none(), &b.name)))
            }
        }
        if self.is_reversed {
            rows.reverse();
        }
    }
}

const PAGE: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn press(choice: &mut Choice, keys: &str) {
        for letter in keys.chars() {
            let code = match letter {
                '\n' => KeyCode::Enter,
                '\u{8}' => KeyCode::Backspace,
                '\u{1b}' => KeyCode::Esc,
                other => KeyCode::Char(other),
            };
            choice.press(code.into(), &View::default());
        }
    }

    #[test]
    fn keys_choose() {
        let mut choice = Choice::default();
        press(&mut choice, "sp r");
        assert_eq!(choice.sort, Sort::Bytes);
        assert!(!choice.is_paused && choice.is_reversed);
        press(&mut choice, "ssss");
        assert_eq!(choice.sort, Sort::Rate);
        press(&mut choice, "q");
        assert!(choice.is_over);
    }

    #[test]
    fn a_filter_is_typed() {
        let mut choice = Choice::default();
        press(&mut choice, "/sqx\u{8}\n");
        assert_eq!((choice.filter.as_str(), choice.is_typing), ("sq", false));
        assert!(!choice.is_over);
        press(&mut choice, "\u{1b}");
        assert_eq!(choice.filter, "");
    }

    #[test]
    fn control_c_ends_it_whatever_is_typed() {
        let mut choice = Choice::default();
        press(&mut choice, "/abc");
        let key = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        choice.press(key, &View::default());
        assert!(choice.is_over);
    }

    #[test]
    fn there_is_no_row_behind_the_last() {
        let mut choice = Choice::default();
        choice.press(KeyCode::Down.into(), &View::default());
        assert_eq!(choice.marked, 0);
        choice.press(KeyCode::Enter.into(), &View::default());
        assert_eq!(choice.drilled, None);
    }
}
