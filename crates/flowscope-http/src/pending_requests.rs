//! Requests that wait for their responses.

use alloc::collections::VecDeque;

use flowscope_core::Timestamp;

use crate::HttpConfig;
use crate::fields::Fields;

/// The requests of a connection without a response yet, oldest first.
///
/// Responses come in the order of their requests (RFC 9112, section 9.3.2).
/// Where some of either are missing from the capture, the order alone says
/// little. A client that does not pipeline has one request in progress: the
/// latest. For a client that does, no response is matched until a response came
/// after which the queue is empty.
#[derive(Clone, Debug, Default)]
pub(crate) struct PendingRequests {
    queue: VecDeque<PendingRequest>,
    /// The memory of the heads in the queue.
    bytes: usize,
    /// A request came while another waited.
    pipelined: bool,
    /// Responses may have gone missing since the queue was last in order.
    may_lack_responses: bool,
    /// How many responses came while no request was pending, and when the last of
    /// them began. A request that began before that belongs to one of them: it
    /// was cut short, and is only known now.
    unmatched: u32,
    unmatched_at: Timestamp,
    /// Whether it was reported that requests were forgotten.
    overflow_reported: bool,
}

/// A request without a response yet.
#[derive(Clone, Debug)]
pub(crate) struct PendingRequest {
    pub(crate) head: Fields,
    /// The time of its last byte so far.
    pub(crate) at: Timestamp,
    /// Its body is not over.
    pub(crate) body_open: bool,
    /// It waits for `100 Continue` before it sends its body.
    pub(crate) expects_continue: bool,
    /// It asks for another protocol.
    pub(crate) upgrade: bool,
    /// How many bytes of its head interim responses would have repeated.
    pub(crate) repeated: u32,
}

impl PendingRequest {
    pub(crate) fn method(&self) -> &[u8] {
        self.head.first().as_bytes()
    }

    /// The same, for an interim response.
    fn for_interim(&mut self) -> Self {
        let head = u32::try_from(self.head.memory()).unwrap_or(u32::MAX);
        self.repeated = self.repeated.saturating_add(head);
        self.clone()
    }

    /// Whether the response gets it: see
    /// [`HttpResponse::request`](crate::HttpResponse::request).
    pub(crate) fn may_be_repeated(&self) -> bool {
        self.repeated <= MAX_REPEATED || self.repeated as usize <= self.head.memory()
    }
}

impl PendingRequests {
    /// Adds a request that began at `began`. Returns whether requests are
    /// forgotten for the first time.
    pub(crate) fn push(
        &mut self,
        request: PendingRequest,
        began: Timestamp,
        config: &HttpConfig,
    ) -> bool {
        if self.unmatched > 0 && began < self.unmatched_at {
            self.unmatched -= 1;
            return false;
        }
        self.unmatched = 0;
        self.pipelined |= !self.queue.is_empty() && !self.may_lack_responses;
        self.bytes += request.head.memory();
        if self.queue.capacity() == 0 {
            // Most clients have one request in progress.
            self.queue.reserve_exact(1);
        }
        self.queue.push_back(request);
        let most = (config.max_head as usize).saturating_mul(2);
        let mut forgotten = false;
        while self.queue.len() > config.max_outstanding as usize || self.bytes > most {
            if self.remove(VecDeque::pop_front).is_none() {
                break;
            }
            forgotten = true;
        }
        if forgotten {
            self.may_lack_responses = true;
        }
        let first = forgotten && !self.overflow_reported;
        self.overflow_reported |= forgotten;
        first
    }

    /// The latest request is over.
    pub(crate) fn end_latest(&mut self, at: Timestamp) {
        if let Some(request) = self.queue.back_mut()
            && request.body_open
        {
            (request.at, request.body_open) = (at, false);
        }
    }

    /// The latest request.
    pub(crate) fn latest(&self) -> Option<&PendingRequest> {
        self.queue.back()
    }

    /// The request that a response answers which began at `began`. One with an
    /// interim response stays pending.
    pub(crate) fn answer(&mut self, interim: bool, began: Timestamp) -> Option<PendingRequest> {
        if self.queue.is_empty() && !interim {
            self.unmatched = self.unmatched.saturating_add(1);
            self.unmatched_at = began;
        }
        match (self.may_lack_responses, self.pipelined, interim) {
            // Nothing is missing: responses come in the order of requests.
            (false, _, true) => Some(self.queue.front_mut()?.for_interim()),
            (false, _, false) => self.remove(VecDeque::pop_front),
            // Responses may be missing, and several requests were in progress:
            // which of them is answered is not known.
            (true, true, true) => None,
            // Responses may be missing, but the client sends one request at a
            // time, so the latest is answered.
            (true, false, true) => Some(self.queue.back_mut()?.for_interim()),
            (true, true, false) => {
                self.clear();
                None
            }
            (true, false, false) => {
                let latest = self.remove(VecDeque::pop_back);
                self.clear();
                latest
            }
        }
    }

    /// Responses may be missing.
    pub(crate) fn responses_lost(&mut self) {
        self.may_lack_responses |= !self.queue.is_empty();
    }

    /// Requests may be missing.
    pub(crate) fn requests_lost(&mut self) {
        if self.pipelined {
            self.clear();
        }
    }

    pub(crate) fn memory(&self) -> usize {
        self.queue.capacity() * size_of::<PendingRequest>() + self.bytes
    }

    fn remove(
        &mut self,
        end: fn(&mut VecDeque<PendingRequest>) -> Option<PendingRequest>,
    ) -> Option<PendingRequest> {
        let request = end(&mut self.queue)?;
        self.bytes = self.bytes.saturating_sub(request.head.memory());
        if self.queue.is_empty() {
            self.pipelined = false;
        }
        Some(request)
    }

    fn clear(&mut self) {
        self.queue.clear();
        (self.bytes, self.pipelined, self.may_lack_responses) = (0, false, false);
    }
}

/// How many bytes of a request's head interim responses may repeat.
const MAX_REPEATED: u32 = 16 << 10;

#[cfg(test)]
mod tests {
    use core::iter;

    use super::*;

    fn request(target: &str) -> PendingRequest {
        PendingRequest {
            head: Fields::new([b"GET", target.as_bytes()], iter::empty()),
            at: Timestamp::EPOCH,
            body_open: false,
            expects_continue: false,
            upgrade: false,
            repeated: 0,
        }
    }

    fn answers(pending: &mut PendingRequests, target: &str) -> bool {
        pending
            .answer(false, Timestamp::EPOCH)
            .is_some_and(|request| request.head.second() == target)
    }

    fn pending(targets: &[&str]) -> PendingRequests {
        let mut pending = PendingRequests::default();
        for target in targets {
            assert!(!pending.push(request(target), Timestamp::EPOCH, &HttpConfig::default()));
        }
        pending
    }

    #[test]
    fn a_lost_response_shifts_no_other() {
        let mut one_by_one = pending(&["/1"]);
        one_by_one.responses_lost();
        one_by_one.push(request("/2"), Timestamp::EPOCH, &HttpConfig::default());
        assert!(answers(&mut one_by_one, "/2"));
        one_by_one.push(request("/3"), Timestamp::EPOCH, &HttpConfig::default());
        assert!(answers(&mut one_by_one, "/3"));

        let mut pipelined = pending(&["/1", "/2", "/3"]);
        pipelined.responses_lost();
        assert!(pipelined.answer(false, Timestamp::EPOCH).is_none());
        assert!(pipelined.answer(false, Timestamp::EPOCH).is_none());
        pipelined.push(request("/4"), Timestamp::EPOCH, &HttpConfig::default());
        assert!(answers(&mut pipelined, "/4"));
    }

    #[test]
    fn no_more_than_the_limit_are_pending() {
        let config = HttpConfig {
            max_outstanding: 2,
            ..HttpConfig::default()
        };
        let mut pending = pending(&["/1", "/2"]);
        assert!(pending.push(request("/3"), Timestamp::EPOCH, &config));
        assert!(!pending.push(request("/4"), Timestamp::EPOCH, &config));
        assert_eq!(pending.queue.len(), 2);

        let narrow = HttpConfig {
            max_head: 4,
            ..HttpConfig::default()
        };
        pending.push(request("/5"), Timestamp::EPOCH, &narrow);
        assert!(pending.bytes <= 8);
    }
}
