//! The thread that waits for packets.

use core::sync::atomic::{AtomicBool, Ordering::Relaxed};
use core::time::Duration;
use std::sync::Arc;
use std::thread::sleep;
use std::time::{Instant, SystemTime};

use flowscope::{LinkType, PacketView, Timestamp};
use pcap::{Active, Capture, Error, Linktype, Packet, Precision, Stat};

use super::open::{PRECISION, words};
use crate::queue::BatchSender;
use crate::{CaptureError, Counters, FrameBatch};

/// Reads packets and hands them on in batches, until it is stopped, nobody wants
/// them, or the interface is gone.
pub(super) struct Reader {
    pub(super) capture: Capture<Active>,
    pub(super) interface: String,
    pub(super) timeout: Duration,
    pub(super) out: BatchSender,
    pub(super) counters: Counters,
    pub(super) stop: Arc<AtomicBool>,
}

impl Reader {
    pub(super) fn run(self) {
        let Self {
            mut capture,
            interface,
            timeout,
            out,
            counters,
            stop,
        } = self;
        let link = link_type(capture.get_datalink());
        let mut losses = Losses::new(counters.clone());
        let mut wanted = MOST_FRAMES;
        // Whether the interface failed, or everybody has left.
        let end = loop {
            let (batch, read) = read(&mut capture, out.empty(), wanted, link, &counters);
            wanted = frames_of_a_batch(&batch);
            if !batch.is_empty() && !out.send(Ok(batch)) {
                return;
            }
            losses.look_sometimes(&mut capture);
            if stop.load(Relaxed) {
                break None;
            }
            if let Err(error) = read {
                break Some(error);
            }
        };
        match end {
            None => {
                let Ok(mut capture) = capture.setnonblock() else {
                    return;
                };
                drain(&mut capture, &out, link, timeout, &counters);
                losses.look(&mut capture);
            }
            Some(error) => {
                losses.look(&mut capture);
                let reason = words(&error);
                // If nobody is there to hear it, nobody is.
                let _ = out.send(Err(CaptureError::Gone { interface, reason }));
            }
        }
    }
}

/// Reads what came before the end and lies in a buffer that the kernel is still
/// filling: it hands that over after the timeout.
fn drain(
    capture: &mut Capture<Active>,
    out: &BatchSender,
    link: LinkType,
    timeout: Duration,
    counters: &Counters,
) {
    let stopped = Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::MAX);
    let patience = Instant::now() + 2 * timeout + MARGIN;
    while Instant::now() < patience {
        // What it says of being interrupted is known.
        let (batch, _) = read(capture, out.empty(), MOST_FRAMES, link, counters);
        let latest = batch.iter().map(|packet| packet.timestamp).max();
        match latest {
            None => sleep(PAUSE),
            Some(latest) => {
                if !out.send(Ok(batch)) || latest > stopped {
                    return;
                }
            }
        }
    }
}

/// Reads what is at hand, or waits for it.
fn read(
    capture: &mut Capture<Active>,
    mut batch: FrameBatch,
    wanted: usize,
    link: LinkType,
    counters: &Counters,
) -> (FrameBatch, Result<usize, Error>) {
    let mut bytes = 0;
    let read = capture.dispatch(Some(wanted), |packet| {
        bytes += u64::from(packet.header.len);
        batch.push(view(&packet, link));
    });
    counters.add_delivered(batch.len() as u64, bytes);
    (batch, read)
}

fn view<'a>(packet: &Packet<'a>, link: LinkType) -> PacketView<'a> {
    let time = packet.header.ts;
    // Times before 1970 are zero.
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let fraction = u32::try_from(time.tv_usec).unwrap_or(0);
    let nanos = match PRECISION {
        Precision::Nano => fraction,
        Precision::Micro => fraction.saturating_mul(1000),
    };
    PacketView::new(packet.data, Timestamp::new(seconds, nanos))
        .with_link(link)
        .with_wire_len(packet.header.len)
}

/// How many frames the next batch may have, so that batches of large frames stay
/// small, too.
fn frames_of_a_batch(last: &FrameBatch) -> usize {
    let mean = last.bytes() / last.len().max(1);
    (BATCH_BYTES / mean.max(1)).clamp(FEWEST_FRAMES, MOST_FRAMES)
}

/// The link type of a file with packets of an interface of this kind. Where the
/// numbers of interfaces are not the same everywhere, those of files are others.
pub(super) fn link_type(kind: Linktype) -> LinkType {
    match kind.0 {
        12 | 14 => LinkType::RAW,
        number => LinkType(u16::try_from(number).unwrap_or(u16::MAX)),
    }
}

/// Adds up what libpcap says is lost.
struct Losses {
    counters: Counters,
    /// What it said last: 32 bits, which begin anew when they are full.
    said: Stat,
    looked: Instant,
}

impl Losses {
    fn new(counters: Counters) -> Self {
        Self {
            counters,
            said: Stat {
                received: 0,
                dropped: 0,
                if_dropped: 0,
            },
            looked: Instant::now(),
        }
    }

    fn look_sometimes(&mut self, capture: &mut Capture<Active>) {
        if self.looked.elapsed() >= BETWEEN_LOOKS {
            self.look(capture);
        }
    }

    fn look(&mut self, capture: &mut Capture<Active>) {
        self.looked = Instant::now();
        // Of an interface that is gone nothing more can be known.
        let Ok(says) = capture.stats() else {
            return;
        };
        let more = |now: u32, before: u32| u64::from(now.wrapping_sub(before));
        let said = core::mem::replace(&mut self.said, says);
        self.counters
            .add_received(more(says.received, said.received));
        self.counters
            .add_dropped_by_kernel(more(says.dropped, said.dropped));
        self.counters
            .add_dropped_by_interface(more(says.if_dropped, said.if_dropped));
    }
}

const MOST_FRAMES: usize = 256;
const FEWEST_FRAMES: usize = 16;
/// What a batch may have, more or less.
const BATCH_BYTES: usize = 256 << 10;
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);
/// While the last packets are waited for.
const PAUSE: Duration = Duration::from_millis(2);
/// Beyond what the kernel should take to hand over a buffer.
const MARGIN: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    fn batch_of(frames: usize, len: usize) -> FrameBatch {
        let frame = vec![0; len];
        let mut batch = FrameBatch::default();
        batch.extend((0..frames).map(|_| PacketView::new(&frame, Timestamp::EPOCH)));
        batch
    }

    #[test]
    fn batches_of_large_frames_have_few() {
        assert_eq!(frames_of_a_batch(&batch_of(0, 0)), 256);
        assert_eq!(frames_of_a_batch(&batch_of(10, 100)), 256);
        assert_eq!(frames_of_a_batch(&batch_of(10, 8192)), 32);
        assert_eq!(frames_of_a_batch(&batch_of(10, 65_000)), 16);
    }

    #[test]
    fn link_types_are_those_of_files() {
        assert_eq!(link_type(Linktype(1)), LinkType::ETHERNET);
        assert_eq!(link_type(Linktype(12)), LinkType::RAW);
        assert_eq!(link_type(Linktype(276)), LinkType::LINUX_SLL2);
    }
}
