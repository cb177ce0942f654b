//! Text of hosts that is shown to people.

/// What a host sent, without what would make a terminal do something or show
/// it in another order than it was sent.
#[must_use]
pub fn printable(text: &str) -> String {
    text.replace(is_unprintable, "\u{fffd}")
}

/// Whether a character makes a terminal do something, changes the order of
/// others, or cannot be seen.
#[must_use]
pub fn is_unprintable(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_replaced() {
        let text = "a\0\t\r\n\x1b[1m\x7f\u{80}\u{9b}\u{9f}\u{202e}\u{feff}é\u{a0}z";
        let shown = format!("a{0}{0}{0}{0}{0}[1m{0}{0}{0}{0}{0}{0}é\u{a0}z", '\u{fffd}');
        assert_eq!(printable(text), shown);
    }
}
