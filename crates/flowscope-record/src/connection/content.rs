//! Which bytes of a stream were seen, and which were acknowledged without.

/// What was seen of a stream, in numbers counted from its SYN. No byte is kept.
#[derive(Clone, Debug)]
pub(super) struct Content {
    /// Everything before is accounted for: seen, or given up as missing.
    delivered: u64,
    /// Everything before was acknowledged.
    trimmed: u64,
    /// What was seen and not acknowledged yet, in order, not touching.
    seen: Vec<(u64, u64)>,
    is_given_up: bool,
}

impl Default for Content {
    fn default() -> Self {
        Self {
            delivered: 1,
            trimmed: 1,
            seen: Vec::new(),
            is_given_up: false,
        }
    }
}

impl Content {
    pub(super) fn delivered(&self) -> u64 {
        self.delivered
    }

    pub(super) fn is_given_up(&self) -> bool {
        self.is_given_up
    }

    /// Whether there is something that is not acknowledged.
    pub(super) fn is_waiting(&self) -> bool {
        !self.seen.is_empty()
    }

    /// Takes what a segment carries, of which `acked` is acknowledged already.
    pub(super) fn push(&mut self, from: u64, to: u64, acked: u64) {
        let from = from.max(acked).max(self.trimmed);
        if self.is_given_up || from >= to {
            return;
        }
        self.insert(from, to);
        if let Some((_, to)) = self.around(self.delivered) {
            self.delivered = to;
        }
    }

    /// Gives up on a side that nobody acknowledges.
    pub(super) fn bound(&mut self, has_no_ack: bool, size: u64) {
        if self.is_given_up {
            return;
        }
        if has_no_ack && size > MAX_UNACKED {
            let delivered = self.delivered;
            self.trim(delivered);
        }
        let last = self.seen.last().map_or(0, |(_, to)| *to);
        let above_hole = last.saturating_sub(self.delivered);
        let held: u64 = self.seen.iter().map(|(from, to)| to - from).sum();
        if has_no_ack && above_hole > MAX_UNACKED || held > MAX_HELD || self.seen.len() > MAX_PIECES
        {
            self.seen = Vec::new();
            self.is_given_up = true;
        }
    }

    /// Everything up to `seq` was acknowledged. Calls `gap` with the length of
    /// each hole in it, unless that is at the very `begin` of a stream which
    /// was joined in its middle.
    pub(super) fn acknowledge(&mut self, seq: u64, is_partial: bool, mut gap: impl FnMut(u64)) {
        if seq <= self.trimmed {
            return;
        }
        if seq > self.delivered && !(seq <= 2 && is_partial) {
            if !self.is_given_up {
                for (from, to) in &self.seen {
                    if *from < self.delivered {
                        continue;
                    }
                    if *from >= seq {
                        break;
                    }
                    gap(from - self.delivered);
                    self.delivered = *to;
                }
                if seq > self.delivered {
                    gap(seq - self.delivered);
                }
            }
            self.delivered = self.delivered.max(seq);
        }
        self.trim(seq);
    }

    fn trim(&mut self, seq: u64) {
        if self.seen.last().is_some_and(|(_, to)| *to <= seq) {
            // Most is acknowledged to its end.
            self.seen.clear();
        }
        self.seen.retain_mut(|(from, to)| {
            *from = (*from).max(seq);
            *from < *to
        });
        self.trimmed = self.trimmed.max(seq);
    }

    fn around(&self, seq: u64) -> Option<(u64, u64)> {
        let mut pieces = self.seen.iter();
        pieces.find(|(from, to)| *from <= seq && seq < *to).copied()
    }

    fn insert(&mut self, from: u64, to: u64) {
        match self.seen.last_mut() {
            // Most comes in order.
            None => return self.seen.push((from, to)),
            Some(last) if from == last.1 => return last.1 = to,
            Some(_) => {}
        }
        let first = self.seen.partition_point(|piece| piece.1 < from);
        let behind = self.seen.partition_point(|piece| piece.0 <= to);
        let touched = self.seen.get(first..behind).unwrap_or_default();
        let from = touched.first().map_or(from, |piece| piece.0.min(from));
        let to = touched.last().map_or(to, |piece| piece.1.max(to));
        self.seen.splice(first..behind, [(from, to)]);
    }
}

/// The most bytes that wait for an acknowledgment of a side that never got one.
const MAX_UNACKED: u64 = 16_384;
/// The most bytes that wait for an acknowledgment.
const MAX_HELD: u64 = 10 << 20;
/// The most pieces that are told apart.
const MAX_PIECES: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn gaps(content: &mut Content, seq: u64) -> Vec<u64> {
        let mut gaps = Vec::new();
        content.acknowledge(seq, false, |len| gaps.push(len));
        gaps
    }

    #[test]
    fn what_is_acknowledged_and_was_not_seen_is_a_gap() {
        let mut content = Content::default();
        content.push(1, 101, 1);
        content.push(201, 301, 1);
        content.push(401, 501, 1);
        assert!(gaps(&mut content, 101).is_empty());
        assert_eq!(gaps(&mut content, 601), [100, 100, 100]);
        assert!(!content.is_waiting());
        assert_eq!(content.delivered(), 601);
    }

    #[test]
    fn pieces_grow_together() {
        let mut content = Content::default();
        for (from, to) in [(11, 21), (31, 41), (21, 31), (5, 12), (1, 5)] {
            content.push(from, to, 1);
        }
        assert_eq!(content.seen, [(1, 41)]);
        assert_eq!(content.delivered(), 41);
    }

    #[test]
    fn pieces_are_bounded() {
        let mut content = Content::default();
        for at in 0..10_000 {
            content.push(10 * at + 5, 10 * at + 6, 1);
            content.bound(false, 0);
        }
        assert!(content.is_given_up() && !content.is_waiting());
    }
}
