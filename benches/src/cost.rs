//! What a process has cost so far, as Linux tells it.

use core::error::Error;
use std::fs;

/// Measures from a moment on.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    start_rss: u64,
}

impl Cost {
    /// From now on.
    ///
    /// # Errors
    ///
    /// Where `/proc` does not tell.
    pub fn from_now() -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            start_rss: resident("VmRSS:")?,
        })
    }

    /// One line of JSON about what was counted and what that took.
    ///
    /// # Errors
    ///
    /// Where `/proc` does not tell.
    pub fn line(self, counts: &[(&str, u64)]) -> Result<String, Box<dyn Error>> {
        let Self { start_rss } = self;
        let peak_rss = resident("VmHWM:")?;
        let (user, system) = processor_seconds()?;
        let counts: String = counts
            .iter()
            .map(|(name, count)| format!("\"{name}\":{count},"))
            .collect();
        Ok(format!(
            "{{{counts}\"user_seconds\":{user:.2},\"system_seconds\":{system:.2},\
             \"start_rss_bytes\":{start_rss},\"peak_rss_bytes\":{peak_rss}}}"
        ))
    }
}

/// Processor time that this thread has used, in nanoseconds.
#[must_use]
pub fn thread_nanos() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}

/// User and system time of this process.
fn processor_seconds() -> Result<(f64, f64), Box<dyn Error>> {
    /// What Linux counts in, whatever it runs on.
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(')').next().ok_or("no process name")?;
    let mut fields = after_name.split_whitespace().skip(11);
    let mut seconds = || -> Result<f64, Box<dyn Error>> {
        let ticks: f64 = fields.next().ok_or("no times")?.parse()?;
        Ok(ticks / TICKS_PER_SECOND)
    };
    Ok((seconds()?, seconds()?))
}

/// A figure of this process's memory, in bytes.
fn resident(name: &str) -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kilobytes.ok_or("no such figure")?.parse::<u64>()? * 1024)
}
