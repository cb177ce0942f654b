//! Segments and fragments that lie on each other with other bytes, and whose
//! bytes each kind of receiver takes.
//!
//! In every case one piece of `o` is held when one of `n` comes; what neither
//! has is filled with dots. Who takes which is as Novak and Sturges found it for
//! segments, and Shankar and Paxson for fragments.

use core::ops::Range;

use flowscope::EngineConfig;
use flowscope::defrag::{FragmentConfig, FragmentPolicy, Overlap};
use flowscope::reassemble::OverlapPolicy;
use flowscope_fixtures::{
    Ethernet, Fragmented, Frame, Ipv4, Layer, MILLISECOND, MoreFragments, START, Side, Tcp, Udp,
    link_type,
};

use crate::case::{Case, talk};
use crate::run;

/// Where a new piece lies on an old one, and which policies take its bytes.
struct Pattern<P: 'static> {
    title: &'static str,
    new: Range<usize>,
    preferring: &'static [P],
}

impl<P: Copy + PartialEq + core::fmt::Debug> Pattern<P> {
    /// The stream as a receiver with this policy reads it, up to `end`, where
    /// the old piece is at `old`.
    fn reading(&self, policy: P, old: &Range<usize>, end: usize, unit: usize) -> String {
        let prefers_new = self.preferring.contains(&policy);
        let byte = |at: usize| match (old.contains(&at), self.new.contains(&at)) {
            (true, true) if prefers_new => 'n',
            (true, _) => 'o',
            (false, true) => 'n',
            (false, false) => '.',
        };
        let units = (0..end).map(byte);
        units
            .flat_map(|it| core::iter::repeat_n(it, unit))
            .collect()
    }

    /// A case of it, with what each kind of receiver reads.
    fn case(&self, all: &[P], usual: P, source: &'static str, read: impl Fn(P) -> String) -> Case {
        let mut receivers: Vec<(String, Vec<String>)> = Vec::new();
        for policy in all {
            let said = vec![read(*policy)];
            match receivers.iter_mut().find(|(_, it)| *it == said) {
                Some((who, _)) => who.push_str(&format!(", {policy:?}")),
                None => receivers.push((format!("{policy:?}"), said)),
            }
        }
        Case {
            receivers,
            read: vec![read(usual)],
            ..Case::bytes(self.title, source, &[])
        }
    }
}

/// The old segment.
const OLD: Range<usize> = 4..10;
const END: usize = 13;

const SEGMENTS: [Pattern<OverlapPolicy>; 9] = {
    use OverlapPolicy::{Bsd, Last, Linux, Solaris, Windows};
    [
        Pattern {
            title: "the new segment begins before the old one and ends in it",
            new: 2..7,
            preferring: &[Last, Bsd, Linux, Windows],
        },
        Pattern {
            title: "the new segment begins before the old one and ends with it",
            new: 2..10,
            preferring: &[Last, Bsd, Linux, Windows, Solaris],
        },
        Pattern {
            title: "the new segment begins before the old one and ends behind it",
            new: 2..12,
            preferring: &[Last, Bsd, Linux, Windows, Solaris],
        },
        Pattern {
            title: "the new segment begins with the old one and ends in it",
            new: 4..7,
            preferring: &[Last],
        },
        Pattern {
            title: "the new segment is where the old one is",
            new: 4..10,
            preferring: &[Last, Solaris],
        },
        Pattern {
            title: "the new segment begins with the old one and ends behind it",
            new: 4..12,
            preferring: &[Last, Linux, Solaris],
        },
        Pattern {
            title: "the new segment is within the old one",
            new: 6..8,
            preferring: &[Last],
        },
        Pattern {
            title: "the new segment begins in the old one and ends with it",
            new: 6..10,
            preferring: &[Last],
        },
        Pattern {
            title: "the new segment begins in the old one and ends behind it",
            new: 6..12,
            preferring: &[Last, Solaris],
        },
    ]
};

/// As they are read by default.
pub(crate) fn segments() -> Vec<Case> {
    let source = "Novak and Sturges";
    let case = |pattern: &Pattern<OverlapPolicy>| {
        let read = |policy| format!("client: {}", pattern.reading(policy, &OLD, END, 1));
        pattern
            .case(OverlapPolicy::ALL, OverlapPolicy::default(), source, read)
            .of_frames(segment_frames(&pattern.new))
            .reported(&["client overlap_conflict"])
    };
    SEGMENTS.iter().map(case).collect()
}

fn segment_frames(new: &Range<usize>) -> Vec<Frame> {
    let before = 0..OLD.start.min(new.start);
    let behind = OLD.end.max(new.end)..END;
    let pieces = [
        (OLD, b'o'),
        (new.clone(), b'n'),
        (before, b'.'),
        (behind, b'.'),
    ];
    let said = pieces.into_iter().fold(talk(), |talk, (place, byte)| {
        let bytes = vec![byte; place.len()];
        let start = place.start as u32;
        talk.forge(Side::Client, Tcp::ACK, &bytes, |tcp| tcp.seq += start)
    });
    said.frames()
}

/// The old fragment, in units of eight bytes of the datagram.
const OLD_UNITS: Range<usize> = 2..5;
const UNITS: usize = 7;

const FRAGMENTS: [Pattern<Overlap>; 9] = {
    use Overlap::{Bsd, Last, Linux, Solaris, Windows};
    [
        Pattern {
            title: "the new fragment begins before the old one and ends in it",
            new: 1..4,
            preferring: &[Last, Bsd, Linux],
        },
        Pattern {
            title: "the new fragment begins before the old one and ends with it",
            new: 1..5,
            preferring: &[Last, Bsd, Linux, Solaris],
        },
        Pattern {
            title: "the new fragment begins before the old one and ends behind it",
            new: 1..6,
            preferring: &[Last, Bsd, Linux, Windows, Solaris],
        },
        Pattern {
            title: "the new fragment begins with the old one and ends in it",
            new: 2..4,
            preferring: &[Last, Linux],
        },
        Pattern {
            title: "the new fragment is where the old one is",
            new: 2..5,
            preferring: &[Last, Linux],
        },
        Pattern {
            title: "the new fragment begins with the old one and ends behind it",
            new: 2..6,
            preferring: &[Last, Linux],
        },
        Pattern {
            title: "the new fragment is within the old one",
            new: 3..4,
            preferring: &[Last],
        },
        Pattern {
            title: "the new fragment begins in the old one and ends with it",
            new: 3..5,
            preferring: &[Last],
        },
        Pattern {
            title: "the new fragment begins in the old one and ends behind it",
            new: 3..6,
            preferring: &[Last],
        },
    ]
};

/// As they are read by default.
pub(crate) fn fragments() -> Vec<Case> {
    let source = "Shankar and Paxson";
    let case = |pattern: &Pattern<Overlap>| {
        let read = |policy| {
            let all = pattern.reading(policy, &OLD_UNITS, UNITS, 8);
            // The first unit is the header of UDP.
            format!("client: {}", &all[8..])
        };
        pattern
            .case(Overlap::ALL, Overlap::default(), source, read)
            .of_frames(fragment_frames(&pattern.new))
            .reported(&["client overlapping_fragments"])
    };
    FRAGMENTS.iter().map(case).collect()
}

fn fragment_frames(new: &Range<usize>) -> Vec<Frame> {
    let layers = [
        Layer::Ethernet(Ethernet::default()),
        Layer::Ipv4(Ipv4::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into())),
        Layer::Udp(Udp::new(4000, 4001)),
    ];
    let datagram = Fragmented::new(&layers, 1, &[b'.'; (UNITS - 1) * 8]);
    let held = |place: &Range<usize>, byte| {
        datagram.other(
            place.start * 8,
            &vec![byte; place.len() * 8],
            MoreFragments::Follow,
        )
    };
    let before = 0..OLD_UNITS.start.min(new.start) * 8;
    let behind = OLD_UNITS.end.max(new.end) * 8..UNITS * 8;
    let frames = [
        held(&OLD_UNITS, b'o'),
        held(new, b'n'),
        datagram.part(before),
        datagram.part(behind),
    ];
    let numbered = frames.into_iter().zip(0..);
    let frame = |(bytes, n)| Frame::new(START + n * MILLISECOND, link_type::ETHERNET, bytes);
    numbered.map(frame).collect()
}

#[test]
fn with_the_policy_of_its_receiver_each_overlap_of_segments_is_read_as_that_does() {
    for pattern in &SEGMENTS {
        for policy in OverlapPolicy::ALL {
            let mut config = EngineConfig::default();
            config.payload.streams.overlap = *policy;
            let read = pattern.reading(*policy, &OLD, END, 1);
            let case = Case::bytes(pattern.title, "", &[])
                .of_frames(segment_frames(&pattern.new))
                .with_config(config);
            let outcome = run::outcome(&case);
            assert_eq!(
                outcome.read,
                [format!("client: {read}")],
                "{policy:?}, {}",
                case.title
            );
            assert_eq!(
                outcome.reported,
                ["client overlap_conflict"],
                "{policy:?}, {}",
                case.title
            );
        }
    }
}

#[test]
fn with_the_policy_of_its_receiver_each_overlap_of_fragments_is_read_as_that_does() {
    for pattern in &FRAGMENTS {
        for policy in Overlap::ALL {
            let fragments = FragmentPolicy::Reassemble(FragmentConfig {
                overlap: *policy,
                ..FragmentConfig::default()
            });
            let config = EngineConfig {
                fragments,
                ..EngineConfig::default()
            };
            let read = pattern.reading(*policy, &OLD_UNITS, UNITS, 8);
            let case = Case::bytes(pattern.title, "", &[])
                .of_frames(fragment_frames(&pattern.new))
                .with_config(config);
            let outcome = run::outcome(&case);
            let read = format!("client: {}", &read[8..]);
            assert_eq!(outcome.read, [read], "{policy:?}, {}", case.title);
        }
    }
}
