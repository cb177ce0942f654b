//! Ctrl-C and SIGTERM.

use std::io;
use std::process;
use std::thread;

use tokio::runtime;
use tokio::sync::watch;

/// Tells of the first signal that asks the process to end.
///
/// They are waited for on a thread of its own, so that the second ends the process
/// at once, whatever the others are waiting for.
#[derive(Clone, Debug)]
pub(crate) struct Signals(watch::Receiver<bool>);

impl Signals {
    /// From now on signals are waited for.
    pub(crate) fn new() -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_io().build()?;
        let mut signals = {
            let _context = runtime.enter();
            Asked::new()?
        };
        let (sender, receiver) = watch::channel(false);
        thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                runtime.block_on(async {
                    signals.next().await;
                    // Nobody may be left who wants to know.
                    let _ = sender.send(true);
                    signals.next().await;
                    process::exit(INTERRUPTED);
                });
            })?;
        Ok(Self(receiver))
    }

    /// Comes back when the process is asked to end.
    pub(crate) async fn asked(&mut self) {
        if self.0.wait_for(|asked| *asked).await.is_err() {
            // There are no signals to wait for.
            core::future::pending::<()>().await;
        }
    }
}

#[cfg(unix)]
struct Asked([tokio::signal::unix::Signal; 2]);

#[cfg(unix)]
impl Asked {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self([interrupt, signal(SignalKind::terminate())?]))
    }

    async fn next(&mut self) {
        let [interrupt, terminate] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Asked;

#[cfg(not(unix))]
impl Asked {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

/// As a shell has it for a process that was interrupted.
const INTERRUPTED: i32 = 130;
