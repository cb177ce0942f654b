//! Which captures are read at once.

use crate::captures::Capture;

/// Parts of captures that follow each other, of about as many bytes each.
pub(crate) fn cut(captures: &[Capture], most: usize) -> Vec<Vec<Capture>> {
    let sizes = captures.iter().map(|capture| capture.bytes.max(1));
    let most = u64::try_from(most).unwrap_or(u64::MAX).max(1);
    let each = sizes.clone().sum::<u64>().div_ceil(most).max(1);
    let mut parts: Vec<Vec<Capture>> = Vec::new();
    let mut bytes = 0;
    for (capture, size) in captures.iter().zip(sizes) {
        let begins = parts.last().is_none() || bytes / each >= parts.len() as u64;
        match parts.last_mut() {
            Some(part) if !begins => part.push(capture.clone()),
            _ => parts.push(vec![capture.clone()]),
        }
        bytes += size;
    }
    if parts.is_empty() {
        parts.push(Vec::new());
    }
    parts
}

/// As many parts as there may be, of about as many bytes each.
pub(crate) fn deal(captures: &[Capture], most: usize) -> Vec<Vec<Capture>> {
    let len = captures.len().clamp(1, most.max(1));
    let mut parts: Vec<(u64, Vec<Capture>)> = vec![(0, Vec::new()); len];
    for capture in captures {
        if let Some(least) = parts.iter_mut().min_by_key(|(bytes, _)| *bytes) {
            least.0 += capture.bytes.max(1);
            least.1.push(capture.clone());
        }
    }
    parts.into_iter().map(|(_, captures)| captures).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn captures(sizes: impl IntoIterator<Item = u64>) -> Vec<Capture> {
        let captures = sizes.into_iter().enumerate();
        let captures = captures.map(|(number, bytes)| Capture {
            path: format!("{number}.pcap").into(),
            bytes,
            changed: 0,
        });
        captures.collect()
    }

    #[test]
    fn parts_of_captures_that_are_one_keep_their_order() {
        for (sizes, most, lens) in [
            ([0; 7], 0, &[7][..]),
            ([1; 7], 1, &[7]),
            ([1; 7], 2, &[4, 3]),
            ([1; 7], 3, &[3, 3, 1]),
            ([1; 7], 50, &[1; 7]),
            ([9, 1, 1, 1, 1, 1, 4], 2, &[1, 6]),
        ] {
            let captures = captures(sizes);
            let parts = cut(&captures, most);
            assert_eq!(parts.concat(), captures);
            assert_eq!(parts.iter().map(Vec::len).collect::<Vec<_>>(), lens);
        }
        assert_eq!(cut(&[], 3), [Vec::<Capture>::new()]);
    }

    #[test]
    fn parts_have_all_captures_once() {
        let captures = captures(0..7);
        for most in [0, 1, 2, 3, 7, 50] {
            let parts = deal(&captures, most);
            assert_eq!(parts.len(), most.clamp(1, 7));
            assert!(parts.iter().all(|part| !part.is_empty()), "{parts:?}");
            let mut all: Vec<_> = parts.concat();
            all.sort_by(|one, other| one.path.cmp(&other.path));
            assert_eq!(all, captures);
        }
    }
}
