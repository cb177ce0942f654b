//! The bytes and words that start lines and header fields are made of.

/// RFC 9110, section 5.6.2.
pub(crate) fn is_token(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte)
}

pub(crate) fn is_control(byte: u8) -> bool {
    byte < 0x20 || byte == 0x7f
}

/// What some take for the space between two words of a start line: RFC 9112,
/// section 3.
pub(crate) fn is_line_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | 0x0b | 0x0c | b'\r')
}

pub(crate) fn is_known_method(word: &[u8]) -> bool {
    METHODS.iter().any(|known| known.as_bytes() == word)
}

/// Capitals, with an underscore or hyphen between them at the most.
pub(crate) fn looks_like_method(word: &[u8]) -> bool {
    (3..=LONGEST_METHOD).contains(&word.len())
        && word
            .iter()
            .all(|byte| byte.is_ascii_uppercase() || matches!(byte, b'_' | b'-'))
}

/// A word that is longer is none.
pub(crate) const LONGEST_METHOD: usize = 32;

/// The registry of methods, and others that are met.
pub(crate) const METHODS: &[&str] = &[
    "GET",
    "POST",
    "HEAD",
    "PUT",
    "DELETE",
    "OPTIONS",
    "CONNECT",
    "TRACE",
    "PATCH",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "REPORT",
    "SEARCH",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "NOTIFY",
    "M-SEARCH",
    "M-POST",
    "BPROPFIND",
    "BPROPPATCH",
    "BCOPY",
    "BMOVE",
    "BDELETE",
    "POLL",
    "MERGE",
    "CHECKOUT",
    "CHECKIN",
    "MKACTIVITY",
    "MKWORKSPACE",
    "MKCALENDAR",
    "VERSION-CONTROL",
    "UNCHECKOUT",
    "UPDATE",
    "LABEL",
    "BASELINE-CONTROL",
    "ORDERPATCH",
    "ACL",
    "BIND",
    "UNBIND",
    "REBIND",
    "LINK",
    "UNLINK",
    "PURGE",
    "QUERY",
    "CCM_POST",
    "RPC_CONNECT",
    "RPC_IN_DATA",
    "RPC_OUT_DATA",
    "SSTP_DUPLEX_POST",
    "BITS_POST",
];
