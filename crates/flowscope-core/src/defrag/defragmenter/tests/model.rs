//! The defragmenter against a map from places to bytes.

use proptest::prelude::*;

use super::*;

/// A datagram, byte for byte.
#[derive(Debug, Default)]
struct Model {
    /// The fragment that each byte is of, and its value if it was captured.
    places: Vec<Option<(usize, usize, Option<u8>)>>,
    end: Option<usize>,
    has_first: bool,
    is_given_up: bool,
}

impl Model {
    fn add(&mut self, part: &Part, cut: usize, overlap: Overlap) {
        let (start, len) = (usize::from(part.start), part.payload.len());
        let end = start + len;
        let reach = self.places.len();
        let contradicts = match (self.end, part.more) {
            (Some(known), false) => known != end,
            (Some(known), true) => end > known,
            (None, false) => end < reach,
            (None, true) => false,
        };
        if self.is_given_up || contradicts {
            return;
        }
        let byte = |place: usize| {
            let captured = place - start < len - cut;
            captured.then(|| part.payload[place - start])
        };
        self.places.resize(reach.max(end), None);
        let is_same = (start..end).all(|place| match self.places[place] {
            Some((from, to, value)) => {
                let both = value.zip(byte(place));
                (from, to) == (start, end) && both.is_none_or(|(one, other)| one == other)
            }
            None => false,
        });
        if is_same {
            self.end = self.end.or((!part.more).then_some(end));
            for place in start..end {
                if let Some((_, _, value)) = &mut self.places[place] {
                    *value = value.or(byte(place));
                }
            }
            return;
        }
        let is_overlapping = self.places[start..end].iter().any(Option::is_some);
        if part.version == IpVersion::V6 && is_overlapping {
            self.is_given_up = true;
            return;
        }
        for place in start..end {
            let wins = match self.places[place] {
                None => true,
                Some((from, to, _)) => match overlap {
                    Overlap::First => false,
                    Overlap::Last => true,
                    Overlap::Bsd => start < from,
                    Overlap::Linux => start <= from,
                    Overlap::Windows => start < from && to < end,
                    Overlap::Solaris => start < from && to <= end,
                },
            };
            if wins {
                self.places[place] = Some((start, end, byte(place)));
            }
        }
        self.has_first |= start == 0;
        if !part.more {
            self.end = Some(end);
        }
    }

    /// The bytes up to the first that is missing, and how many there are, once
    /// all places are filled.
    fn whole(&self) -> Option<(Vec<u8>, usize)> {
        let len = self.end?;
        let is_whole =
            self.has_first && !self.is_given_up && self.places.iter().all(Option::is_some);
        let known = self
            .places
            .iter()
            .map_while(|place| place.and_then(|(_, _, value)| value));
        is_whole.then(|| (known.collect(), len))
    }
}

/// A fragment of a datagram of 64 bytes or so, with the number of bytes cut
/// off by the capture. Some have the bytes of the others, some their own.
fn fragment(version: IpVersion) -> impl Strategy<Value = (Part, usize)> {
    let cut = prop_oneof![5 => Just(0), 1 => 1..40usize];
    (
        0..8u16,
        1..5u16,
        0..4u8,
        0..8usize,
        cut,
        prop::bool::weighted(0.8),
    )
        .prop_map(move |(start, units, own, odd, cut, honest)| {
            let start = start * 8;
            let more = start + units * 8 < 64;
            let len = match more {
                true => units * 8,
                false => 64 - start - 3,
            };
            let more = if honest { more } else { odd % 2 == 0 };
            let payload: Vec<u8> = (start..start + len)
                .map(|place| {
                    if own == 0 {
                        200 + odd as u8
                    } else {
                        place as u8
                    }
                })
                .collect();
            let part = Part {
                version,
                ..v4(start, more && len % 8 == 0, &payload)
            };
            (part, cut.min(usize::from(len)))
        })
}

fn fragments() -> impl Strategy<Value = Vec<(Part, usize)>> {
    prop_oneof![Just(IpVersion::V4), Just(IpVersion::V6)]
        .prop_flat_map(|version| prop::collection::vec(fragment(version), 1..24))
        .prop_map(|mut parts| {
            // Packets that are their own only fragment are none.
            parts.retain(|(part, _)| part.more || part.start > 0);
            parts
        })
}

/// A datagram cut anywhere, its parts in any order, some twice and some lost.
fn disturbed() -> impl Strategy<Value = (Vec<u8>, Vec<Part>, bool)> {
    let bytes = prop::collection::vec(any::<u8>(), 17..400);
    let cuts = prop::collection::btree_set(1..50u16, 1..8);
    (bytes, cuts, any::<bool>()).prop_flat_map(|(bytes, cuts, is_v6)| {
        let len = bytes.len() as u16;
        let inside = cuts.into_iter().map(|cut| cut * 8).filter(|cut| *cut < len);
        let mut ends: Vec<u16> = inside.chain([len]).collect();
        if ends.len() == 1 {
            ends.insert(0, 8);
        }
        let of = if is_v6 { v6 } else { v4 };
        let starts = [0].into_iter().chain(ends.clone());
        let parts: Vec<Part> = starts
            .zip(&ends)
            .map(|(start, end)| of(start, *end < len, &bytes[start.into()..(*end).into()]))
            .collect();
        let count = parts.len();
        let copies =
            prop::collection::vec(prop_oneof![1 => Just(0), 8 => Just(1), 2 => Just(2)], count);
        (Just(bytes), Just(parts), copies).prop_flat_map(|(bytes, parts, copies)| {
            let complete = copies.iter().all(|copies| *copies > 0);
            let sent: Vec<Part> = parts
                .iter()
                .zip(copies)
                .flat_map(|(part, copies)| core::iter::repeat_n(part.clone(), copies))
                .collect();
            (Just(bytes), Just(sent).prop_shuffle(), Just(complete))
        })
    })
}

proptest! {
    #[test]
    fn every_byte_is_the_one_that_a_map_has(parts in fragments()) {
        for overlap in Overlap::ALL {
            let mut holder = holder(*overlap);
            let mut model = Model::default();
            for (part, cut) in &parts {
                model.add(part, *cut, *overlap);
                let pushed = push_cut(&mut holder, part, *cut, 0, second(0));
                prop_assert_eq!(pushed.is_whole, model.whole().is_some(), "{:?}", overlap);
                if pushed.is_whole {
                    let whole = holder.take_whole(pushed.datagram).expect("it is whole");
                    let (bytes, len) = model.whole().expect("it is whole");
                    prop_assert_eq!(behind_header(&whole), &bytes[..], "{:?}", overlap);
                    let packet = whole.packet.as_ref().expect("a packet");
                    let missing = packet.wire_len as usize - packet.bytes.len();
                    prop_assert_eq!(missing, len - bytes.len());
                    model = Model::default();
                }
            }
        }
    }

    #[test]
    fn a_datagram_arrives_if_all_of_its_parts_do((bytes, parts, complete) in disturbed()) {
        let mut holder = holder(Overlap::Bsd);
        let mut wholes = 0;
        for part in &parts {
            let pushed = push(&mut holder, part);
            if pushed.is_whole {
                let whole = holder.take_whole(pushed.datagram).expect("it is whole");
                prop_assert_eq!(payload_of(&whole), &bytes[..]);
                wholes += 1;
            }
        }
        prop_assert_eq!(wholes >= 1, complete);
    }
}
