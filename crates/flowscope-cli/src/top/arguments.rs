//! What can be said to `flowscope top`.

use core::str::FromStr;
use std::path::PathBuf;

use clap::Args;

/// What to watch.
#[derive(Args, Clone, Debug)]
pub(crate) struct Top {
    /// The interface to watch; `flowscope interfaces` lists them
    #[cfg(feature = "live")]
    #[arg(short, long, value_name = "IFACE", conflicts_with = "file")]
    pub(crate) interface: Option<String>,
    #[cfg(feature = "live")]
    #[command(flatten)]
    pub(crate) capture: crate::live::Capture,
    /// A capture to replay
    #[arg(value_name = "FILE", value_hint = clap::ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,
    /// Replay the capture as it was, so many times as fast, or with max as fast as it goes
    #[arg(
        long,
        value_name = "SPEED",
        num_args = 0..=1,
        require_equals = true,
        default_value = "1",
        default_missing_value = "1"
    )]
    pub(crate) replay: Speed,
}

/// How fast a capture is replayed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Speed(pub(crate) flowscope_tokio::Speed);

impl FromStr for Speed {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        use flowscope_tokio::Speed::{Times, Unpaced};
        if text == "max" {
            return Ok(Self(Unpaced));
        }
        match text.parse::<f64>() {
            Ok(times) if times.is_finite() && times > 0.0 => Ok(Self(Times(times))),
            _ => Err("not a number above zero, or max"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds_are_numbers_or_max() {
        assert_eq!("max".parse(), Ok(Speed(flowscope_tokio::Speed::Unpaced)));
        assert_eq!("2.5".parse(), Ok(Speed(flowscope_tokio::Speed::Times(2.5))));
        for wrong in ["0", "-1", "NaN", "inf", "fast", ""] {
            assert!(wrong.parse::<Speed>().is_err(), "{wrong}");
        }
    }
}
