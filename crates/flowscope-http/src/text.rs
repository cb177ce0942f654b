//! Bytes that are meant to be text.

use core::fmt;

/// Bytes as they were sent, most often text.
///
/// HTTP lets header values and, in practice, targets be any bytes. Shown, those
/// that are not UTF-8 become U+FFFD.
///
/// ```
/// use flowscope_http::Text;
///
/// let agent = Text::new(b"curl/8.5");
/// assert_eq!(agent, "curl/8.5");
/// assert_eq!(agent.to_str(), Some("curl/8.5"));
///
/// let odd = Text::new(b"caf\xe9");
/// assert_eq!(odd.to_str(), None);
/// assert_eq!(odd.to_string(), "caf\u{fffd}");
/// assert_eq!(odd.as_bytes(), b"caf\xe9");
/// ```
#[derive(Clone, Copy, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Text<'a>(&'a [u8]);

impl<'a> Text<'a> {
    /// These bytes.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    #[must_use]
    pub const fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The text, if it is UTF-8.
    #[must_use]
    pub fn to_str(self) -> Option<&'a str> {
        core::str::from_utf8(self.0).ok()
    }

    /// Whether there are no bytes.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is `other`, without regard to the case of ASCII letters.
    #[must_use]
    pub fn eq_ignore_case(self, other: &str) -> bool {
        self.0.eq_ignore_ascii_case(other.as_bytes())
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.to_str() {
            return f.pad(text);
        }
        for piece in self.0.utf8_chunks() {
            f.write_str(piece.valid())?;
            if !piece.invalid().is_empty() {
                f.write_str("\u{fffd}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl PartialEq<str> for Text<'_> {
    fn eq(&self, other: &str) -> bool {
        self.0 == other.as_bytes()
    }
}

impl PartialEq<&str> for Text<'_> {
    fn eq(&self, other: &&str) -> bool {
        self.0 == other.as_bytes()
    }
}
