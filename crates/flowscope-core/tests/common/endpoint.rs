//! A host that keeps to RFC 9293 for connections between one pair of ports.
//!
//! It has what matters to somebody who watches: states, sequence numbers, the
//! challenge ACKs of RFC 5961, data put in order, one segment at a time sent
//! again. It has no flow control, as nobody here says more than a window, and
//! no congestion control. Times are in nanoseconds and come from outside.

use super::tcb::{Opened, Tcb, Then};

/// A TCP segment, with the numbers as they are on the wire.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Segment {
    pub(crate) seq: u32,
    pub(crate) ack: Option<u32>,
    pub(crate) control: Control,
    pub(crate) data: Vec<u8>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Control {
    None,
    Syn,
    Fin,
    Rst,
}

impl Segment {
    pub(crate) fn bare(seq: u32, ack: Option<u32>, control: Control) -> Self {
        Self {
            seq,
            ack,
            control,
            data: Vec::new(),
        }
    }

    /// SEG.LEN: the numbers it uses.
    pub(crate) fn len(&self) -> u32 {
        self.data.len() as u32 + u32::from(matches!(self.control, Control::Syn | Control::Fin))
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Host {
    pub(crate) listens: bool,
    /// The initial sequence number of the next connection that it accepts.
    pub(crate) next_isn: u32,
    pub(crate) live: Option<Tcb>,
    /// What became of earlier connections.
    pub(crate) gone: Vec<Tcb>,
}

impl Host {
    /// Asks for a connection.
    pub(crate) fn open(&mut self, isn: u32, now: u64, out: &mut Vec<Segment>) {
        self.forget();
        self.live = Some(Tcb::open(Opened::Actively, [isn, 0], now, out));
    }

    /// Has something to say on the connection that is live.
    pub(crate) fn say(&mut self, data: &[u8], now: u64, out: &mut Vec<Segment>) {
        if let Some(tcb) = &mut self.live {
            tcb.say(data, now, out);
        }
    }

    /// Has nothing more to say, but goes on reading.
    pub(crate) fn close(&mut self, now: u64, out: &mut Vec<Segment>) {
        if let Some(tcb) = &mut self.live {
            tcb.close(now, out);
        }
    }

    /// Ends the connection at once (section 3.10.5).
    pub(crate) fn abort(&mut self, out: &mut Vec<Segment>) {
        out.extend(self.live.as_ref().and_then(Tcb::last_word));
        self.forget();
    }

    /// Forgets the connection without a word, as a crash does.
    pub(crate) fn forget(&mut self) {
        self.gone.extend(self.live.take());
    }

    /// When [`tick`](Self::tick) has something to do.
    pub(crate) fn timer(&self) -> Option<u64> {
        self.live.as_ref()?.timer()
    }

    pub(crate) fn tick(&mut self, now: u64, out: &mut Vec<Segment>) {
        if let Some(tcb) = &mut self.live
            && let Then::Ends = tcb.tick(now, out)
        {
            self.forget();
        }
    }

    /// Takes a segment (section 3.10.7).
    pub(crate) fn receive(&mut self, segment: &Segment, now: u64, out: &mut Vec<Segment>) {
        let Some(tcb) = &mut self.live else {
            return self.receive_unconnected(segment, now, out);
        };
        match tcb.receive(segment, self.listens, now, out) {
            Then::Stays => {}
            Then::Ends => self.forget(),
            Then::Reopens => {
                self.forget();
                self.receive_unconnected(segment, now, out);
            }
        }
    }

    /// In CLOSED or LISTEN (sections 3.10.7.1 and 3.10.7.2).
    fn receive_unconnected(&mut self, segment: &Segment, now: u64, out: &mut Vec<Segment>) {
        match (segment.control, segment.ack) {
            (Control::Rst, _) => {}
            (_, Some(ack)) => out.push(Segment::bare(ack, None, Control::Rst)),
            // What data it brings will be sent again.
            (Control::Syn, None) if self.listens => {
                let isns = [self.next_isn, segment.seq];
                self.live = Some(Tcb::open(Opened::Passively, isns, now, out));
                // Whoever asks again is given another.
                self.next_isn = self.next_isn.wrapping_mul(69_069).wrapping_add(12_345);
            }
            (_, None) if self.listens => {}
            (_, None) => {
                let ack = segment.seq.wrapping_add(segment.len());
                out.push(Segment::bare(0, Some(ack), Control::Rst));
            }
        }
    }
}

/// Whether `a` is a later sequence number than `b`.
pub(crate) fn is_after(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() > 0
}
