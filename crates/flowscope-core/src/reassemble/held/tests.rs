//! Pieces of a stream behind a hole.

use std::string::String;

use super::*;

fn incoming(at: u64, bytes: &str) -> Incoming<'_> {
    Incoming {
        at,
        content: IncomingContent::Bytes(bytes.as_bytes()),
        segment: (at, at + bytes.len() as u64),
        since: Timestamp::EPOCH,
    }
}

fn held(parts: &[(u64, &str)], policy: OverlapPolicy) -> Held {
    let mut held = Held::default();
    for (at, bytes) in parts {
        let _ = held.resolve_overlap(&incoming(*at, bytes), policy);
        held.insert(&incoming(*at, bytes), policy);
    }
    held
}

#[test]
fn pieces_that_touch_become_one() {
    let held = held(&[(10, "ab"), (14, "ef"), (12, "cd")], OverlapPolicy::First);
    assert_eq!((held.pieces(), held.bytes()), (1, 6));
    assert_eq!(held.first().map(|(at, _)| at), Some(10));
    assert_eq!(held.end(), Some(16));
}

#[test]
fn pieces_of_different_segments_stay_apart_where_the_policy_compares_them() {
    let mut held = held(&[(10, "ab"), (12, "cd")], OverlapPolicy::Linux);
    assert_eq!(held.pieces(), 2);
    let mut text = String::new();
    while let Some((at, _)) = held.first()
        && let Some(piece) = held.take(at)
        && let Content::Bytes(bytes) = piece.content
    {
        text.push_str(&String::from_utf8_lossy(&bytes));
    }
    assert_eq!((text.as_str(), held.bytes(), held.capacity), ("abcd", 0, 0));
}

#[test]
fn a_second_copy_that_differs_is_a_conflict() {
    let mut held = held(&[(10, "abcd")], OverlapPolicy::First);
    let result = held.resolve_overlap(&incoming(8, "..aXcY"), OverlapPolicy::First);
    assert_eq!((result.known, result.conflicts), (4, 2));
}

#[test]
fn what_is_cut_off_at_an_end_gives_its_memory_back() {
    let mut held = held(&[(10, "abcd"), (20, "efgh")], OverlapPolicy::First);
    assert_eq!(held.truncate(12), 6);
    assert_eq!((held.end(), held.bytes()), (Some(12), 2));
    assert_eq!(held.truncate(0), 2);
    assert_eq!(held.memory(), 0);
}
