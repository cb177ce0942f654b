//! What this process has used so far, as Linux tells it in `/proc/self`.

use std::fs;
use std::io;

/// Processor time of all threads, in seconds.
pub struct CpuTime {
    pub user: f64,
    pub system: f64,
}

impl CpuTime {
    pub fn so_far() -> io::Result<Self> {
        let stat = fs::read_to_string("/proc/self/stat")?;
        // The second field is the program's name, which may hold spaces.
        let fields = stat.rsplit_once(") ").map_or("", |(_, fields)| fields);
        let seconds = |index| -> Option<f64> {
            let ticks: f64 = fields.split(' ').nth(index)?.parse().ok()?;
            Some(ticks / TICKS_PER_SECOND)
        };
        match (seconds(11), seconds(12)) {
            (Some(user), Some(system)) => Ok(Self { user, system }),
            _ => Err(unreadable("/proc/self/stat")),
        }
    }
}

/// Resident memory, in bytes.
pub struct Memory {
    pub resident: u64,
    pub peak: u64,
}

impl Memory {
    pub fn now() -> io::Result<Self> {
        let status = fs::read_to_string("/proc/self/status")?;
        let bytes = |name| -> Option<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
            Some(kib * 1024)
        };
        match (bytes("VmRSS:"), bytes("VmHWM:")) {
            (Some(resident), Some(peak)) => Ok(Self { resident, peak }),
            _ => Err(unreadable("/proc/self/status")),
        }
    }
}

fn unreadable(path: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        format!("{path} is not as expected"),
    )
}

/// `USER_HZ`, the same on every architecture Linux supports Rust on.
const TICKS_PER_SECOND: f64 = 100.0;
