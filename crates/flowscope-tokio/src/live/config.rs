//! How an interface is listened to.

use core::time::Duration;

/// How an interface is listened to.
///
/// ```
/// use flowscope_tokio::LiveConfig;
///
/// let config = LiveConfig {
///     filter: Some("tcp port 80".into()),
///     buffer_bytes: 64 << 20,
///     ..LiveConfig::default()
/// };
/// assert_eq!(config.snap_len, 262_144);
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LiveConfig {
    /// Which packets are taken, in the language of `pcap-filter(7)`; `None` takes
    /// all.
    pub filter: Option<String>,
    /// Bytes of each packet that are taken.
    pub snap_len: u32,
    /// Bytes of the kernel's buffer, where packets wait until they are read.
    pub buffer_bytes: u32,
    /// Whose packets are taken.
    pub mode: Mode,
    /// How long the kernel collects packets before it hands them over. The longer,
    /// the fewer wake-ups and the later the events.
    pub timeout: Duration,
    /// Batches, of at most 256 packets each, that may wait between the thread that
    /// reads them and the task that takes them. When there is no room, packets
    /// wait in the kernel's buffer.
    pub queue: usize,
}

/// Whose packets are taken.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Mode {
    /// All that pass.
    #[default]
    Promiscuous,
    /// Those that this host sends, or that are for it.
    Own,
}

impl Default for LiveConfig {
    fn default() -> Self {
        Self {
            filter: None,
            snap_len: 262_144,
            buffer_bytes: 32 << 20,
            mode: Mode::default(),
            timeout: Duration::from_millis(50),
            queue: 64,
        }
    }
}
