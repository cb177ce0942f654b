//! One side's segments, and the stream they make.

use core::time::Duration;
use std::sync::Arc;

use flowscope_core::Timestamp;
use flowscope_core::reassemble::{
    BufferedReassembler, Chunk, OverflowPolicy, OverlapPolicy, Reassembler, Segment, StreamConfig,
    StreamNote, StreamNotes, StreamState, StreamStats,
};
use flowscope_core::wire::TcpFlags;

/// A stream whose SYN has the number 999, so that its first byte has 1000.
struct Stream {
    inner: BufferedReassembler,
    now: Timestamp,
    text: String,
    notes: StreamNotes,
}

impl Stream {
    fn with_config(config: StreamConfig) -> Self {
        Self {
            inner: BufferedReassembler::new(Arc::new(config)),
            now: Timestamp::new(1_700_000_000, 0),
            text: String::new(),
            notes: StreamNotes::default(),
        }
        .flagged(999, "", TcpFlags::SYN)
    }

    fn new() -> Self {
        Self::with_config(StreamConfig::default())
    }

    /// One that the capture joins in its middle.
    fn joined() -> Self {
        let mut stream = Self::new();
        stream.inner = BufferedReassembler::default();
        stream
    }

    fn push(mut self, mut segment: Segment<'_>) -> Self {
        segment.at = self.now;
        let text = &mut self.text;
        self.notes |= self.inner.push(&segment, &mut keep(text));
        self
    }

    fn data(self, seq: u32, bytes: &str) -> Self {
        let at = self.now;
        self.push(Segment::data(seq, bytes.as_bytes(), at))
    }

    fn flagged(self, seq: u32, bytes: &str, flags: TcpFlags) -> Self {
        let at = self.now;
        self.push(Segment::data(seq, bytes.as_bytes(), at).with_flags(flags))
    }

    /// The receiver acknowledges everything before `ack`.
    fn ack(self, ack: u32) -> Self {
        self.ack_flagged(ack, TcpFlags::ACK)
    }

    fn ack_flagged(mut self, ack: u32, flags: TcpFlags) -> Self {
        let segment = Segment::data(77, b"", self.now)
            .with_ack(ack)
            .with_flags(flags);
        let text = &mut self.text;
        self.notes |= self.inner.acknowledge(&segment, &mut keep(text));
        self
    }

    fn wait(mut self, millis: u64) -> Self {
        self.now = self.now + Duration::from_millis(millis);
        self
    }

    fn expire(mut self) -> Self {
        let text = &mut self.text;
        self.notes |= self.inner.expire(self.now, &mut keep(text));
        self
    }

    fn finish(mut self) -> Self {
        let text = &mut self.text;
        self.notes |= self.inner.finish(&mut keep(text));
        self
    }

    fn stats(&self) -> StreamStats {
        self.inner.stats()
    }

    #[track_caller]
    fn reads(self, text: &str) -> Self {
        assert_eq!(self.text, text);
        self
    }
}

fn keep(text: &mut String) -> impl FnMut(Chunk<'_>) {
    |chunk| match chunk {
        Chunk::Data(bytes) => text.push_str(core::str::from_utf8(bytes).expect("text")),
        Chunk::Gap(len) => text.push_str(&format!("[{len}]")),
    }
}

const FIN: TcpFlags = TcpFlags::FIN;
const SYN: TcpFlags = TcpFlags::SYN;

// What goes wrong elsewhere.

#[test]
fn one_late_segment_does_not_end_the_stream() {
    Stream::new()
        .data(1000, "abcd")
        .data(1008, "ijkl")
        .data(1004, "efgh")
        .data(1012, "mnop")
        .reads("abcdefghijklmnop");
}

#[test]
fn a_lost_segment_leaves_a_gap_and_the_rest() {
    let stream = Stream::new()
        .data(1000, "abcd")
        .data(1008, "ijkl")
        .data(1012, "mnop")
        .finish()
        .reads("abcd[4]ijklmnop");
    let stats = stream.stats();
    assert_eq!((stats.delivered, stats.holes, stats.missing), (12, 1, 4));
}

#[test]
fn a_retransmitted_request_is_read_once() {
    let stream = Stream::new()
        .data(1000, "GET /")
        .data(1000, "GET /")
        .data(1002, "T / HTTP")
        .reads("GET / HTTP");
    assert_eq!(stream.stats().retransmitted, 8);
}

#[test]
fn a_retransmitted_fin_ends_the_stream_once() {
    let stream = Stream::new().flagged(1000, "bye", FIN);
    assert_eq!(stream.notes, StreamNote::Finished.into());
    let mut stream = stream.reads("bye");
    stream.notes = StreamNotes::default();
    let stream = stream.flagged(1000, "bye", FIN).flagged(1003, "", FIN);
    assert_eq!(stream.notes, StreamNotes::default());
    let stream = stream.finish().reads("bye");
    assert_eq!(stream.inner.state(), StreamState::Finished);
    assert_eq!(stream.stats().retransmitted, 3);
}

#[test]
fn what_a_snap_length_cut_is_a_gap_at_once() {
    let at = Timestamp::EPOCH;
    let stream = Stream::new()
        .push(cut(Segment::data(1000, b"abcd", at), 96))
        .push(cut(Segment::data(1100, b"", at), 100))
        .data(1200, "efgh")
        .reads("abcd[96][100]efgh");
    let stats = stream.stats();
    assert_eq!((stats.missing, stats.cut, stats.holes), (196, 196, 0));
}

// Where a stream begins and ends.

#[test]
fn data_in_the_syn_is_the_streams_first() {
    Stream::joined()
        .flagged(999, "GET", SYN)
        .flagged(999, "GET", SYN)
        .data(1000, "GET /")
        .reads("GET /");
}

#[test]
fn a_second_attempt_to_connect_begins_anew() {
    Stream::new()
        .flagged(4_000_000_000, "", SYN)
        .data(4_000_000_001, "hello")
        .reads("hello");
}

#[test]
fn numbers_may_wrap_anywhere() {
    for isn in (u32::MAX - 12..=u32::MAX).chain(0..3) {
        let seq = |offset: u32| isn.wrapping_add(1).wrapping_add(offset);
        Stream::joined()
            .flagged(isn, "", SYN)
            .data(seq(0), "abc")
            .data(seq(6), "ghi")
            .data(seq(9), "jkl")
            .data(seq(3), "def")
            .flagged(seq(12), "", FIN)
            .reads("abcdefghijkl");
    }
}

#[test]
fn a_stream_longer_than_all_numbers_goes_on() {
    let mut stream = BufferedReassembler::default();
    let megabytes = vec![7u8; 16 << 20];
    let mut count = 0;
    let mut keep = |chunk: Chunk<'_>| match chunk {
        Chunk::Data(bytes) => count += bytes.len() as u64,
        Chunk::Gap(_) => panic!("nothing is missing"),
    };
    let syn = Segment::data(0, b"", Timestamp::EPOCH).with_flags(SYN);
    stream.push(&syn, &mut keep);
    let mut seq = 1u32;
    for _ in 0..600 {
        stream.push(&Segment::data(seq, &megabytes, Timestamp::EPOCH), &mut keep);
        seq = seq.wrapping_add(16 << 20);
    }
    assert_eq!(count, 600 * (16 << 20));
    assert!(count > 2 * (1 << 32));
}

#[test]
fn before_the_syn_and_behind_the_fin_is_nothing_of_the_stream() {
    let stream = Stream::new()
        .data(990, "0123456789ab")
        .flagged(1002, "cd", FIN)
        .data(1004, "ef")
        .reads("abcd");
    assert_eq!(stream.stats().dropped, 10 + 2);
}

#[test]
fn data_with_a_reset_is_nothing_of_the_stream() {
    let stream = Stream::new()
        .data(1000, "ab")
        .flagged(1002, "it is closed", TcpFlags::RST)
        .reads("ab");
    assert_eq!(stream.stats().dropped, 12);
}

#[test]
fn a_fin_behind_a_hole_waits_for_it() {
    let stream = Stream::new().flagged(1004, "ef", FIN).data(1006, "gh");
    assert_eq!(stream.inner.state(), StreamState::Open);
    let stream = stream.data(1000, "abcd").reads("abcdef");
    assert_eq!(stream.inner.state(), StreamState::Finished);
}

#[test]
fn a_gap_before_the_fin_is_reported() {
    let stream = Stream::new()
        .data(1000, "ab")
        .flagged(1010, "", FIN)
        .finish()
        .reads("ab[8]");
    assert_eq!(stream.inner.state(), StreamState::Finished);
    assert!(stream.notes.contains(StreamNote::Finished));
}

#[test]
fn urgent_data_stays_where_it_is() {
    Stream::new()
        .data(1000, "ab")
        .flagged(1002, "!", TcpFlags::URG)
        .data(1003, "cd")
        .reads("ab!cd");
}

#[test]
fn joined_in_the_middle_it_begins_with_the_earliest_of_the_first() {
    Stream::joined()
        .data(506, "world")
        .data(500, "hello ")
        .data(511, "!")
        .reads("hello world!");
    let stream = Stream::joined().data(506, "world").reads("").finish();
    assert_eq!(stream.text, "world");
    assert_eq!((stream.stats().delivered, stream.stats().holes), (5, 0));
}

#[test]
fn joined_in_the_middle_it_waits_for_no_longer_than_it_must() {
    // The receiver has all before it.
    Stream::joined().ack(506).data(506, "world").reads("world");
    Stream::joined().data(506, "world").ack(511).reads("world");
    // It goes on.
    Stream::joined()
        .data(506, "wor")
        .data(509, "ld")
        .reads("world");
    Stream::joined()
        .data(506, "world")
        .wait(100)
        .expire()
        .reads("world");
}

#[test]
fn joined_in_the_middle_it_begins_no_earlier_than_64_kib_before() {
    let stream = Stream::joined()
        .data(100_000, "xyz")
        .data(100_000 - 65_536 - 2, "abcd")
        .reads("cd")
        .finish()
        .reads("cd[65534]xyz");
    assert_eq!((stream.stats().delivered, stream.stats().dropped), (5, 2));
}

#[test]
fn joined_with_a_stray_it_still_finds_the_stream() {
    Stream::joined()
        .data(9_000_000, "stray")
        .data(100, "abc")
        .data(103, "def")
        .finish()
        .reads("abcdef");
    Stream::joined()
        .data(9_000_000, "abc")
        .data(100, "stray")
        .data(9_000_003, "def")
        .data(9_000_006, "ghi")
        .finish()
        .reads("stray[8999898]defghi");
}

#[test]
fn the_answer_to_a_lost_syn_says_where_the_stream_begins() {
    Stream::joined()
        .ack_flagged(500, TcpFlags::SYN)
        .data(506, "world")
        .data(500, "hello ")
        .reads("hello world");
}

// Keep-alives and probes.

#[test]
fn keep_alives_are_not_data() {
    let stream = Stream::new()
        .data(999, "\0")
        .data(1000, "abc")
        .data(1002, "\0")
        .data(1002, "")
        .data(1003, "def")
        .reads("abcdef");
    assert_eq!(stream.stats(), {
        let mut stats = Stream::new().stats();
        stats.delivered = 6;
        stats
    });
    // With a hole before it.
    let stream = Stream::new().data(1003, "def").data(1005, "\0");
    assert_eq!(stream.stats().conflicts, 0);
    // Before anything else was seen.
    Stream::joined()
        .ack(500)
        .data(499, "\0")
        .data(500, "abc")
        .reads("abc");
}

#[test]
fn a_window_probe_carries_the_next_byte() {
    Stream::new()
        .data(1000, "abc")
        .data(1003, "d")
        .data(1003, "def")
        .reads("abcdef");
}

// Holes.

#[test]
fn an_acknowledged_hole_is_given_up_after_a_grace() {
    let stream = Stream::new()
        .data(1000, "ab")
        .data(1006, "gh")
        .ack(1008)
        .wait(99)
        .ack(1008)
        .reads("ab")
        .wait(1)
        .ack(1008)
        .reads("ab[4]gh");
    assert!(stream.notes.contains(StreamNote::Gap));
}

#[test]
fn an_ack_before_its_data_discards_nothing() {
    Stream::new()
        .ack(1004)
        .data(1006, "gh")
        .ack(1008)
        .wait(50)
        .data(1000, "ab")
        .wait(10)
        .data(1002, "cdef")
        .reads("abcdefgh");
}

#[test]
fn an_ack_of_half_a_hole_proves_nothing_about_the_other() {
    Stream::new()
        .data(1006, "gh")
        .ack(1003)
        .wait(5_000)
        .data(1000, "abcdef")
        .reads("abcdefgh");
}

#[test]
fn holes_proven_by_one_ack_go_at_once() {
    Stream::new()
        .data(1002, "c")
        .data(1004, "e")
        .data(1006, "g")
        .ack(1006)
        .wait(100)
        .expire()
        .reads("[2]c[1]e[1]g");
}

#[test]
fn an_old_hole_is_given_up() {
    let stream = Stream::new().data(1002, "cd");
    let due = stream.inner.next_expiry();
    assert_eq!(due, Some(stream.now + Duration::from_secs(10)));
    stream
        .wait(9_999)
        .expire()
        .reads("")
        .wait(1)
        // Too late.
        .data(1000, "ab")
        .reads("[2]cd");
}

#[test]
fn a_trickle_does_not_keep_a_hole_open() {
    Stream::new()
        .data(1004, "ef")
        .wait(6_000)
        .data(1000, "a")
        .wait(4_000)
        .expire()
        .reads("a[3]ef");
}

#[test]
fn a_hole_is_as_old_as_the_copy_behind_it() {
    let config = StreamConfig {
        overlap: OverlapPolicy::Last,
        ..StreamConfig::default()
    };
    Stream::with_config(config)
        .data(1002, "c")
        .data(1006, "gh")
        .wait(6_000)
        .data(1006, "GH")
        .data(1000, "ab")
        .wait(4_000)
        .expire()
        .reads("abc")
        .wait(6_000)
        .expire()
        .reads("abc[3]GH");
}

#[test]
fn a_full_buffer_gives_up_the_first_hole() {
    let config = StreamConfig {
        max_held: 4,
        ..StreamConfig::default()
    };
    let stream = Stream::with_config(config)
        .data(1002, "cd")
        .data(1006, "gh")
        .reads("")
        .data(1010, "k")
        .reads("[2]cd")
        .data(1004, "ef")
        .reads("[2]cdefgh");
    assert!(stream.notes.contains(StreamNote::Overflow));
    assert_eq!(stream.stats().held_peak, 4);
    let stream = stream.data(1020, "longer").reads("[2]cdefgh[2]k[9]longer");
    assert_eq!(stream.stats().held, 0);
}

#[test]
fn a_segment_that_does_not_fit_its_hole_is_not_lost_with_it() {
    let config = StreamConfig {
        max_held: 4,
        ..StreamConfig::default()
    };
    Stream::with_config(config)
        .data(1008, "ijkl")
        .data(1002, "cd")
        .reads("[2]cd")
        .data(1004, "efgh")
        .reads("[2]cdefghijkl");
}

#[test]
fn a_full_buffer_may_end_the_stream() {
    let config = StreamConfig {
        max_held: 4,
        overflow: OverflowPolicy::DropFlow,
        ..StreamConfig::default()
    };
    let stream = Stream::with_config(config)
        .data(1000, "ab")
        .data(1004, "ef")
        .data(1008, "ijk")
        .data(1002, "cd")
        .reads("ab");
    assert_eq!(stream.inner.state(), StreamState::Stopped);
    assert!(stream.notes.contains(StreamNote::Overflow));
    assert_eq!((stream.stats().held, stream.stats().dropped), (0, 7));
}

#[test]
fn shedding_frees_what_is_held_behind_the_first_hole() {
    let stream = Stream::new().data(1002, "cd").data(1006, "gh");
    let mut stream = stream.reads("");
    let before = stream.inner.memory();
    let text = &mut stream.text;
    let notes = stream.inner.shed(stream.now, &mut keep(text));
    assert!(notes.contains(StreamNote::Overflow) && notes.contains(StreamNote::Gap));
    assert!(stream.inner.memory() < before);
    stream.reads("[2]cd").finish().reads("[2]cd[2]gh");
}

// Strays.

const FAR: u32 = 2_000_000;

#[test]
fn a_stray_moves_nothing() {
    let stream = Stream::new()
        .data(1000, "abc")
        .data(1003 + FAR, "stray")
        // The same again is no second opinion.
        .data(1003 + FAR, "stray")
        .wait(60_000)
        .data(1003, "def")
        .finish()
        .reads("abcdef");
    assert!(stream.notes.contains(StreamNote::Stray));
    assert_eq!((stream.stats().strays, stream.stats().dropped), (2, 10));
}

#[test]
fn a_second_segment_confirms_a_jump() {
    Stream::new()
        .data(1000, "abc")
        .data(1003 + FAR, "xy")
        .data(1005 + FAR, "z")
        .finish()
        .reads("abc[2000000]xyz");
}

#[test]
fn a_jump_may_be_over_more_than_half_of_all_numbers() {
    const JUMP: u32 = 2_500_000_000;
    Stream::new()
        .data(1000, "abc")
        .data(1003 + JUMP, "xy")
        .data(1005 + JUMP, "z")
        .finish()
        .reads("abc[2500000000]xyz");
}

#[test]
fn a_stray_that_the_stream_has_reached_is_confirmed_by_nothing() {
    let config = StreamConfig {
        reach: 100,
        ..StreamConfig::default()
    };
    let (sent, stray) = ("a".repeat(200), "stray".repeat(12));
    let text = sent.as_str();
    Stream::with_config(config)
        .data(1150, &stray)
        .data(1000, text)
        .data(1305, "near the stray")
        .ack(1215)
        .finish()
        .reads(text);
}

#[test]
fn an_ack_confirms_a_jump() {
    Stream::new()
        .data(1000, "abc")
        .data(1003 + FAR, "xyz")
        .ack(1006 + FAR)
        .wait(100)
        .expire()
        .reads("abc[2000000]xyz");
}

#[test]
fn a_stray_ack_proves_nothing() {
    Stream::new()
        .data(1003, "d")
        .ack(1003 + FAR)
        .wait(5_000)
        .data(1000, "abc")
        .reads("abcd");
}

// Overlaps.

#[test]
fn conflicting_copies_are_counted_and_reported() {
    let stream = Stream::new()
        .data(1004, "efgh")
        .data(1002, "cdEf")
        .data(1000, "ab")
        .reads("abcdefgh");
    assert_eq!(stream.notes, StreamNote::Conflict.into());
    let stats = stream.stats();
    assert_eq!((stats.conflicts, stats.retransmitted), (1, 2));
}

#[test]
fn equal_copies_are_no_conflict() {
    let stream = Stream::new()
        .data(1004, "efgh")
        .data(1002, "cdef")
        .data(1000, "abcdefgh")
        .reads("abcdefgh");
    assert_eq!(stream.notes, StreamNotes::default());
}

#[test]
fn a_policy_also_decides_where_a_hole_is_filled() {
    for (policy, text) in [
        (OverlapPolicy::First, "abCDef"),
        (OverlapPolicy::Last, "abcdef"),
        (OverlapPolicy::Bsd, "abcdef"),
        (OverlapPolicy::Solaris, "abcdef"),
    ] {
        let config = StreamConfig {
            overlap: policy,
            ..StreamConfig::default()
        };
        Stream::with_config(config)
            .data(1002, "CD")
            .data(1000, "abcdef")
            .reads(text);
    }
}

#[test]
fn a_segment_ends_where_it_ended_on_the_wire() {
    let config = StreamConfig {
        overlap: OverlapPolicy::Linux,
        ..StreamConfig::default()
    };
    let at = Timestamp::EPOCH;
    Stream::with_config(config)
        .push(cut(Segment::data(1004, b"efgh", at), 4))
        // Longer than what was captured, shorter than what was sent.
        .data(1004, "EFGHij")
        .data(1000, "abcd")
        .reads("abcdefghij[2]");
}

#[test]
fn a_cut_copy_never_takes_the_place_of_bytes() {
    for overlap in OverlapPolicy::ALL {
        let config = StreamConfig {
            overlap: *overlap,
            ..StreamConfig::default()
        };
        let at = Timestamp::EPOCH;
        Stream::with_config(config)
            .push(cut(Segment::data(1002, b"c", at), 5))
            .data(1004, "ef")
            .push(cut(Segment::data(1001, b"", at), 7))
            .data(1000, "a")
            .reads("a[1]c[1]ef[2]");
    }
}

#[test]
fn a_stream_in_order_is_small() {
    assert!(size_of::<BufferedReassembler>() <= 48);
    let stream = Stream::new().data(1000, "abc").ack(1003).data(1003, "d");
    assert_eq!(stream.inner.memory(), 0);
}

/// The same segment, of which the capture lacks bytes at the end.
fn cut(mut segment: Segment<'_>, missing: u32) -> Segment<'_> {
    segment.payload.missing = missing;
    segment
}
