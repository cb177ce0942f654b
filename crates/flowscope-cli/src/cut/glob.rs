//! Patterns of names.

use core::str::FromStr;

/// A pattern in which `*` stands for any letters and `?` for one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Glob(Vec<char>);

impl Glob {
    /// The same pattern in lower case.
    pub(super) fn in_lower_case(&self) -> Self {
        let Self(letters) = self;
        Self(letters.iter().map(char::to_ascii_lowercase).collect())
    }

    /// Whether it is a text.
    pub(super) fn matches(&self, text: &str) -> bool {
        if text.is_ascii() {
            return self.matches_letters(text.len(), |at| {
                text.as_bytes().get(at).map(|byte| (*byte).into())
            });
        }
        let letters: Vec<char> = text.chars().collect();
        self.matches_letters(letters.len(), |at| letters.get(at).copied())
    }

    fn matches_letters(&self, len: usize, letter: impl Fn(usize) -> Option<char>) -> bool {
        let Self(glob) = self;
        let (mut at_glob, mut at_text) = (0, 0);
        // Where the latest star is, and how much of the text it stands for.
        let mut star: Option<(usize, usize)> = None;
        while at_text < len {
            match glob.get(at_glob) {
                Some('*') => {
                    star = Some((at_glob, at_text));
                    at_glob += 1;
                }
                Some(wanted) if *wanted == '?' || Some(*wanted) == letter(at_text) => {
                    at_glob += 1;
                    at_text += 1;
                }
                _ => {
                    let Some((at, taken)) = star else {
                        return false;
                    };
                    star = Some((at, taken + 1));
                    at_glob = at + 1;
                    at_text = taken + 1;
                }
            }
        }
        glob.iter().skip(at_glob).all(|letter| *letter == '*')
    }
}

impl From<&str> for Glob {
    fn from(text: &str) -> Self {
        Self(text.chars().collect())
    }
}

impl FromStr for Glob {
    type Err = core::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_stand_for_letters() {
        for (glob, text, is) in [
            ("*.example.com", "www.example.com", true),
            ("*.example.com", "example.com", false),
            ("a?c", "abc", true),
            ("a?c", "a\u{e4}c", true),
            ("a?c", "ac", false),
            ("*", "", true),
            ("a*b*c", "aXXbYYbZc", true),
            ("a*b", "abX", false),
            ("", "", true),
        ] {
            assert_eq!(Glob::from(glob).matches(text), is, "{glob} {text}");
        }
    }
}
