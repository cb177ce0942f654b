//! Being asked to end, by Ctrl-C or SIGTERM, while captures are read.
//!
//! The first time reading ends as at the end of the input, so that everything that
//! was read is reported and written whole. The second time the process ends at once.

use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::io::{self, Read};
use std::sync::{Arc, LazyLock, Once};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

/// The signal that came, or none.
static SIGNAL: LazyLock<Arc<AtomicUsize>> = LazyLock::new(Arc::default);

/// From now on signals are waited for. Where they cannot be, they end the process as
/// they always do.
pub(crate) fn watch() {
    static WATCHED: Once = Once::new();
    WATCHED.call_once(register);
}

fn register() {
    let again = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        let status = i32::from(exit_status(signal as usize));
        // The order matters: the second time, the flag is set already.
        let _ = flag::register_conditional_shutdown(signal, status, again.clone())
            .and_then(|_| flag::register(signal, again.clone()))
            .and_then(|_| flag::register_usize(signal, SIGNAL.clone(), signal as usize));
    }
}

/// The signal that asked for the end, by its name and the exit status that it calls
/// for.
pub(crate) fn asked() -> Option<(&'static str, u8)> {
    let signal = SIGNAL.load(Relaxed);
    let name = match signal {
        0 => return None,
        signal if signal == SIGTERM as usize => "SIGTERM",
        _ => "SIGINT",
    };
    Some((name, exit_status(signal)))
}

/// That of a process which a signal has ended, as shells have it.
fn exit_status(signal: usize) -> u8 {
    128 + u8::try_from(signal).unwrap_or(0)
}

/// An input that ends when the process is asked to.
pub(crate) struct Interruptible<R>(pub(crate) R);

impl<R: Read> Read for Interruptible<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match asked() {
            Some(_) => Ok(0),
            None => self.0.read(into),
        }
    }
}
