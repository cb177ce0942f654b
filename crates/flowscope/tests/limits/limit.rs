//! A limit, and how it is reached.

use flowscope::EngineConfig;
use flowscope::detect::DetectConfig;
use flowscope_fixtures::Frame;

/// The settings of a run.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Settings {
    pub(crate) engine: EngineConfig,
    pub(crate) detect: DetectConfig,
}

/// A bound of what is held or done.
pub(crate) struct Limit {
    /// The setting, or what is bounded where there is none.
    pub(crate) name: &'static str,
    pub(crate) default: String,
    /// What is bounded, and what happens there.
    pub(crate) what: &'static str,
    /// What of it is seen: a line that is told with the lower limit, and not with
    /// the default.
    pub(crate) told: Told,
    /// The settings of both runs, where they are not the default.
    pub(crate) base: fn(&mut Settings),
    pub(crate) lower: fn(&mut Settings),
    pub(crate) frames: fn() -> Vec<Frame>,
}

/// How a limit shows that it was reached.
#[derive(Clone, Copy)]
pub(crate) enum Told {
    /// By something that is reported.
    By(&'static str),
    /// By what is not read any more.
    Without(&'static str),
}

/// Limits of one kind.
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) limits: Vec<Limit>,
}

/// A size as people write it.
pub(crate) fn size(bytes: impl TryInto<u64>) -> String {
    let bytes = bytes.try_into().unwrap_or(u64::MAX);
    match bytes {
        _ if bytes > 0 && bytes.is_multiple_of(1 << 30) => format!("{} GiB", bytes >> 30),
        _ if bytes > 0 && bytes.is_multiple_of(1 << 20) => format!("{} MiB", bytes >> 20),
        _ if bytes > 0 && bytes.is_multiple_of(1 << 10) => format!("{} KiB", bytes >> 10),
        _ => format!("{bytes} bytes"),
    }
}

/// A time as people write it.
pub(crate) fn time(time: core::time::Duration) -> String {
    match time.as_secs() {
        0 => format!("{} ms", time.as_millis()),
        seconds => format!("{seconds} s"),
    }
}
