//! A live interface, by way of libpcap.
//!
//! A thread waits for packets and hands them on in batches. Where the kernel
//! takes a VLAN tag out of a frame, libpcap puts it back.

mod config;
mod interfaces;
mod open;
mod reader;

pub use config::{LiveConfig, Mode};
pub use interfaces::{Interface, interfaces};

use core::fmt;
use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use core::task::{Context, Poll};
use core::time::Duration;
use std::sync::Arc;
use std::thread;

use flowscope::LinkType;
use pcap::BreakLoop;

use self::reader::Reader;
use crate::queue::{BatchReceiver, queue};
use crate::{AsyncCapture, CaptureError, Counters, FrameBatch, FrameSource, Pace};

/// The packets of a live interface.
///
/// It ends when it is stopped or dropped, or when the interface vanishes. While
/// the interface is down, no packet comes; when it is up again, they do.
pub struct LiveSource {
    queue: BatchReceiver,
    link: LinkType,
    lag: Duration,
    counters: Counters,
    stop: Arc<AtomicBool>,
    /// Wakes the thread.
    wake: BreakLoop,
}

impl AsyncCapture<LiveSource> {
    /// Listens to an interface.
    ///
    /// # Errors
    ///
    /// There is no such interface, or the process may not listen to it.
    pub fn open(interface: &str) -> Result<Self, CaptureError> {
        Self::open_with(interface, &LiveConfig::default())
    }

    /// Listens to an interface as `config` says.
    ///
    /// # Errors
    ///
    /// There is no such interface, the process may not listen to it, or the filter
    /// is none.
    pub fn open_with(interface: &str, config: &LiveConfig) -> Result<Self, CaptureError> {
        let mut capture = open::open(interface, config)?;
        let link = reader::link_type(capture.get_datalink());
        let wake = capture.breakloop_handle();
        let (out, queue) = queue(config.queue);
        let counters = Counters::default();
        let stop = Arc::new(AtomicBool::new(false));
        let reader = Reader {
            capture,
            interface: interface.to_owned(),
            timeout: config.timeout,
            out,
            counters: counters.clone(),
            stop: stop.clone(),
        };
        thread::Builder::new()
            .name("flowscope-live".into())
            .spawn(move || reader.run())
            .map_err(CaptureError::Stream)?;
        Ok(Self::new(LiveSource {
            queue,
            link,
            lag: 2 * config.timeout + LAG,
            counters,
            stop,
            wake,
        }))
    }
}

impl LiveSource {
    /// The link type of its packets.
    #[must_use]
    pub const fn link(&self) -> LinkType {
        self.link
    }
}

impl FrameSource for LiveSource {
    fn poll_batch(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<FrameBatch, CaptureError>>> {
        self.queue.poll(context)
    }

    fn recycle(&mut self, batch: FrameBatch) {
        self.queue.recycle(batch);
    }

    fn pace(&self) -> Pace {
        Pace::Clock {
            speed: 1.0,
            lag: self.lag,
        }
    }

    fn stop(&mut self) {
        self.stop.store(true, Relaxed);
        self.wake.breakloop();
    }

    fn counters(&self) -> Counters {
        self.counters.clone()
    }
}

impl Drop for LiveSource {
    fn drop(&mut self) {
        self.stop();
    }
}

impl fmt::Debug for LiveSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveSource")
            .field("link", &self.link)
            .field("counters", &self.counters.read())
            .finish_non_exhaustive()
    }
}

/// How late a packet may come beyond what the kernel keeps it for: the thread may
/// have to wait for its turn.
const LAG: Duration = Duration::from_millis(200);
