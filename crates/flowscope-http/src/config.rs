//! What may be changed, and the caps.

/// The limits of an [`HttpParser`](crate::HttpParser), and what becomes of
/// bodies.
///
/// ```
/// use flowscope_http::{Bodies, HttpConfig, HttpParser};
///
/// let config = HttpConfig {
///     bodies: Bodies::Collected { limit: 4096 },
///     ..HttpConfig::default()
/// };
/// let parser = HttpParser::new(config);
/// # let _ = parser;
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct HttpConfig {
    /// The most bytes of a head, from its start line to its empty line, and of
    /// a trailer section. Of a longer one an incomplete message is
    /// reported.
    pub max_head: u32,
    /// The most header fields a message keeps. Those beyond are read for the
    /// body's length and then left out.
    pub max_headers: u32,
    /// The most requests that wait for their responses. With more, the oldest
    /// is forgotten. What they keep is bounded by twice `max_head` bytes, too.
    pub max_outstanding: u32,
    /// How many bytes to search for the first start line of a connection,
    /// before it is taken to be none of HTTP.
    pub max_prelude: u32,
    /// How many bytes to search for a start line on a connection that was
    /// HTTP, after the last one, before giving it up.
    pub max_resync: u64,
    /// What becomes of bodies.
    pub bodies: Bodies,
}

impl Default for HttpConfig {
    fn default() -> Self {
        Self {
            max_head: 64 << 10,
            max_headers: 256,
            max_outstanding: 64,
            max_prelude: 1 << 20,
            max_resync: 1 << 30,
            bodies: Bodies::Counted,
        }
    }
}

/// What becomes of bodies.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Bodies {
    /// They are counted. An [`HttpHandler`](crate::HttpHandler) sees them pass
    /// by all the same.
    #[default]
    Counted,
    /// Their first bytes are kept in the message.
    Collected {
        /// How many at the most.
        limit: usize,
    },
}
