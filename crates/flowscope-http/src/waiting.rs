//! Requests that wait for their responses.

use alloc::collections::VecDeque;

use flowscope_core::Timestamp;

use crate::HttpConfig;
use crate::fields::Fields;

/// The requests of a connection without a response yet, oldest first.
///
/// Responses come in the order of their requests (RFC 9112, section 9.3.2).
/// Where some of either are missing from the capture, the order alone says
/// little. A client that does not pipeline has one request under way: the
/// latest. For one that does, nothing is claimed until all that is doubtful has
/// passed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting {
    queue: VecDeque<Request>,
    /// What the heads in the queue take.
    bytes: usize,
    /// A request came while another waited.
    pipelined: bool,
    /// Responses may have gone missing since the queue was last in order.
    doubtful: bool,
    /// How many responses came while no request waited, and when the last of
    /// them began. Requests of before are theirs, though they became known
    /// later: what they are cut short by is.
    unasked: u32,
    unasked_at: Timestamp,
    /// Requests were forgotten, and that was told.
    overflowed: bool,
}

/// A request that waits.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) head: Fields,
    /// The time of its last byte so far.
    pub(crate) at: Timestamp,
    /// Its body is not over.
    pub(crate) open: bool,
    /// It asks whether its body is wanted.
    pub(crate) expects: bool,
    /// It asks for another protocol.
    pub(crate) upgrade: bool,
}

impl Request {
    pub(crate) fn method(&self) -> &[u8] {
        self.head.first().as_bytes()
    }
}

impl Waiting {
    /// Takes a request that began at `began`. Returns whether requests are
    /// forgotten for the first time.
    pub(crate) fn push(&mut self, request: Request, began: Timestamp, config: &HttpConfig) -> bool {
        if self.unasked > 0 && began < self.unasked_at {
            self.unasked -= 1;
            return false;
        }
        self.unasked = 0;
        self.pipelined |= !self.queue.is_empty() && !self.doubtful;
        self.bytes += request.head.memory();
        if self.queue.capacity() == 0 {
            // Most clients have one under way.
            self.queue.reserve_exact(1);
        }
        self.queue.push_back(request);
        let most = (config.max_head as usize).saturating_mul(2);
        let mut forgotten = false;
        while self.queue.len() > config.max_outstanding as usize || self.bytes > most {
            if self.take(VecDeque::pop_front).is_none() {
                break;
            }
            forgotten = true;
        }
        if forgotten {
            self.doubtful = true;
        }
        let first = forgotten && !self.overflowed;
        self.overflowed |= forgotten;
        first
    }

    /// The latest request is over.
    pub(crate) fn ended(&mut self, at: Timestamp) {
        if let Some(request) = self.queue.back_mut()
            && request.open
        {
            (request.at, request.open) = (at, false);
        }
    }

    /// The latest request.
    pub(crate) fn latest(&self) -> Option<&Request> {
        self.queue.back()
    }

    /// The request that a response answers which began at `began`. One with an
    /// interim response goes on waiting.
    pub(crate) fn answer(&mut self, interim: bool, began: Timestamp) -> Option<Request> {
        if self.queue.is_empty() && !interim {
            self.unasked = self.unasked.saturating_add(1);
            self.unasked_at = began;
        }
        match (self.doubtful, self.pipelined, interim) {
            (false, _, true) => self.queue.front().cloned(),
            (false, _, false) => self.take(VecDeque::pop_front),
            (true, true, true) => None,
            (true, false, true) => self.queue.back().cloned(),
            (true, true, false) => {
                self.clear();
                None
            }
            (true, false, false) => {
                let latest = self.take(VecDeque::pop_back);
                self.clear();
                latest
            }
        }
    }

    /// Responses may be missing.
    pub(crate) fn responses_lost(&mut self) {
        self.doubtful |= !self.queue.is_empty();
    }

    /// Requests may be missing.
    pub(crate) fn requests_lost(&mut self) {
        if self.pipelined {
            self.clear();
        }
    }

    pub(crate) fn memory(&self) -> usize {
        self.queue.capacity() * size_of::<Request>() + self.bytes
    }

    fn take(&mut self, end: fn(&mut VecDeque<Request>) -> Option<Request>) -> Option<Request> {
        let request = end(&mut self.queue)?;
        self.bytes = self.bytes.saturating_sub(request.head.memory());
        if self.queue.is_empty() {
            self.pipelined = false;
        }
        Some(request)
    }

    fn clear(&mut self) {
        self.queue.clear();
        (self.bytes, self.pipelined, self.doubtful) = (0, false, false);
    }
}

#[cfg(test)]
mod tests {
    use core::iter;

    use super::*;

    fn request(target: &str) -> Request {
        Request {
            head: Fields::new([b"GET", target.as_bytes()], iter::empty()),
            at: Timestamp::EPOCH,
            open: false,
            expects: false,
            upgrade: false,
        }
    }

    fn answers(waiting: &mut Waiting, target: &str) -> bool {
        waiting
            .answer(false, Timestamp::EPOCH)
            .is_some_and(|request| request.head.second() == target)
    }

    fn waiting(targets: &[&str]) -> Waiting {
        let mut waiting = Waiting::default();
        for target in targets {
            assert!(!waiting.push(request(target), Timestamp::EPOCH, &HttpConfig::default()));
        }
        waiting
    }

    #[test]
    fn a_lost_response_shifts_no_other() {
        let mut one_by_one = waiting(&["/1"]);
        one_by_one.responses_lost();
        one_by_one.push(request("/2"), Timestamp::EPOCH, &HttpConfig::default());
        assert!(answers(&mut one_by_one, "/2"));
        one_by_one.push(request("/3"), Timestamp::EPOCH, &HttpConfig::default());
        assert!(answers(&mut one_by_one, "/3"));

        let mut pipelined = waiting(&["/1", "/2", "/3"]);
        pipelined.responses_lost();
        assert!(pipelined.answer(false, Timestamp::EPOCH).is_none());
        assert!(pipelined.answer(false, Timestamp::EPOCH).is_none());
        pipelined.push(request("/4"), Timestamp::EPOCH, &HttpConfig::default());
        assert!(answers(&mut pipelined, "/4"));
    }

    #[test]
    fn no_more_wait_than_may() {
        let config = HttpConfig {
            max_outstanding: 2,
            ..HttpConfig::default()
        };
        let mut waiting = waiting(&["/1", "/2"]);
        assert!(waiting.push(request("/3"), Timestamp::EPOCH, &config));
        assert!(!waiting.push(request("/4"), Timestamp::EPOCH, &config));
        assert_eq!(waiting.queue.len(), 2);

        let narrow = HttpConfig {
            max_head: 4,
            ..HttpConfig::default()
        };
        waiting.push(request("/5"), Timestamp::EPOCH, &narrow);
        assert!(waiting.bytes <= 8);
    }
}
