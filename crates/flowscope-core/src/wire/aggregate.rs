//! Frames that carry several packets.

use super::ieee80211::{self, SUBFRAME};
use super::link;
use super::next::Next;
use super::{MAX_LAYERS, Payload};
use crate::{LinkType, PacketView, Timestamp};

/// The packets of an IEEE 802.11 frame that carries several (an A-MSDU, IEEE
/// 802.11, section 9.3.2.2.2), each as a frame of its own.
///
/// Their headers are those of IEEE 802.3, so each is an Ethernet frame. One that
/// is longer than such a frame can say comes without its two addresses.
///
/// What a walk over the whole frame finds is the first of them.
#[derive(Clone, Debug)]
pub(crate) struct Subframes<'a> {
    rest: Payload<'a>,
    timestamp: Timestamp,
}

impl<'a> Subframes<'a> {
    /// The packets of a frame, behind whatever metadata it was captured with;
    /// `None` if it does not carry several.
    #[must_use]
    pub(crate) fn of(packet: PacketView<'a>) -> Option<Self> {
        if packet.link == LinkType::ETHERNET {
            return None;
        }
        let (mut next, mut rest) = link::begin(&packet).ok()?;
        for _ in 0..MAX_LAYERS {
            match next {
                Next::Ieee80211(padding) => {
                    let bytes = ieee80211::aggregate(rest.bytes, padding)?;
                    return Some(Self {
                        rest: Payload { bytes, ..rest },
                        timestamp: packet.timestamp,
                    });
                }
                Next::Radiotap | Next::Ppi => {
                    (next, rest) = link::step(next, rest, &mut ()).ok()?;
                }
                _ => return None,
            }
        }
        None
    }
}

impl<'a> Iterator for Subframes<'a> {
    type Item = PacketView<'a>;

    /// What is too short for a header is the padding of the last subframe, or a
    /// checksum. Of what the capture cut there is as much as it has; how many
    /// subframes were behind that is not known, and one stands for them.
    fn next(&mut self) -> Option<PacketView<'a>> {
        let rest = core::mem::take(&mut self.rest);
        if rest.wire_len() < SUBFRAME as u32 {
            return None;
        }
        let Some(([.., len0, len1], llc)) = rest.bytes.split_first_chunk::<SUBFRAME>() else {
            return Some(self.view(rest, LinkType::ETHERNET));
        };
        let len = u16::from_be_bytes([*len0, *len1]);
        let whole = SUBFRAME + usize::from(len);
        let padded = whole.next_multiple_of(4);
        self.rest = Payload {
            bytes: rest.bytes.get(padded..).unwrap_or_default(),
            missing: match padded.checked_sub(rest.bytes.len()) {
                // It is at most 64 KiB.
                Some(cut) => rest.missing.saturating_sub(cut as u32),
                None => rest.missing,
            },
        };
        if len < FIRST_TYPE {
            return Some(self.view(rest.up_to(whole as u32), LinkType::ETHERNET));
        }
        let llc = Payload { bytes: llc, ..rest };
        Some(self.view(llc.up_to(len.into()), LinkType::ATM_RFC1483))
    }
}

impl<'a> Subframes<'a> {
    fn view(&self, frame: Payload<'a>, link: LinkType) -> PacketView<'a> {
        PacketView::new(frame.bytes, self.timestamp)
            .with_link(link)
            .with_wire_len(frame.wire_len())
    }
}

/// Where the lengths of IEEE 802.3 end and EtherTypes begin.
const FIRST_TYPE: u16 = 0x0600;

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::super::{Cause, Depth, Headers, Layer, MacAddresses, Skip};
    use super::*;

    /// A subframe with a datagram of so many bytes of payload.
    fn subframe(port: u8, payload: u16) -> Vec<u8> {
        let ip_len = (28 + payload).to_be_bytes();
        let mut frame = Vec::from([port; 12]);
        frame.extend((8 + 28 + payload).to_be_bytes());
        frame.extend([0xaa, 0xaa, 3, 0, 0, 0, 0x08, 0, 0x45, 0]);
        frame.extend(ip_len);
        frame.extend([0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        frame.extend([0, port, 0, 53]);
        frame.extend((8 + payload).to_be_bytes());
        frame.extend([0, 0]);
        frame.resize(frame.len() + usize::from(payload), 0x2a);
        frame
    }

    fn padded(mut subframe: Vec<u8>) -> Vec<u8> {
        subframe.resize(subframe.len().next_multiple_of(4), 0);
        subframe
    }

    fn aggregate(subframes: &[Vec<u8>]) -> Vec<u8> {
        [&[0x88, 0x01][..], &[0; 22], &[0x80, 0], &subframes.concat()].concat()
    }

    fn view(frame: &[u8]) -> PacketView<'_> {
        PacketView::new(frame, Timestamp::EPOCH).with_link(LinkType::IEEE802_11)
    }

    /// The port and the payload of each subframe.
    fn read(packet: PacketView<'_>) -> Vec<Result<(u16, u32), Skip>> {
        let subframes = Subframes::of(packet).expect("it carries several");
        let read = |it| Headers::parse(it, Depth::Innermost);
        subframes
            .map(|it| read(it).map(|it| (it.ports.src, it.payload.wire_len())))
            .collect()
    }

    #[test]
    fn every_subframe_is_a_frame() {
        let subframes = [
            padded(subframe(1, 5)),
            padded(subframe(2, 2000)),
            subframe(3, 6),
        ];
        let mut frame = aggregate(&subframes);
        let all = [Ok((1, 5)), Ok((2, 2000)), Ok((3, 6))];
        assert_eq!(read(view(&frame)), all);
        // A checksum, and what a radio put in front.
        frame.extend([1, 2, 3, 4]);
        assert_eq!(read(view(&frame)), all);
        let with_radio = [&[0, 0, 8, 0, 0, 0, 0, 0][..], &frame].concat();
        let with_radio = view(&with_radio).with_link(LinkType::IEEE802_11_RADIOTAP);
        assert_eq!(read(with_radio), all);

        let first = Subframes::of(with_radio).and_then(|mut it| it.next());
        for packet in [Some(with_radio), first] {
            let addresses = MacAddresses::of(packet.expect("there is one"));
            let station = [1; 6];
            assert_eq!(addresses.map(|it| [it.src, it.dst]), Ok([station; 2]));
        }
    }

    #[test]
    fn a_subframe_ends_where_its_length_says() {
        // Its IP header says more than it has room for.
        let mut short = padded(subframe(1, 6));
        short[13] -= 2;
        let frame = aggregate(&[short, subframe(2, 1)]);
        assert_eq!(read(view(&frame)), [Ok((1, 4)), Ok((2, 1))]);
        let first = Headers::parse(view(&frame), Depth::Outermost).expect("it is sound");
        assert_eq!((first.payload.bytes.len(), first.payload.missing), (4, 0));
    }

    #[test]
    fn what_the_capture_cut_is_not_lost() {
        let frame = aggregate(&[padded(subframe(1, 6)), subframe(2, 6)]);
        let cut = |layer| Err(Skip::new(layer, Cause::Truncated));
        let second = frame.len() - 56;
        let cases = [
            (frame.len() - 1, [Ok((1, 6)), Ok((2, 6))]),
            (second + 14 + 8 + 20, [Ok((1, 6)), cut(Layer::Udp)]),
            (second + 13, [Ok((1, 6)), cut(Layer::Ethernet)]),
            (second, [Ok((1, 6)), cut(Layer::Ethernet)]),
            (second - 3, [Ok((1, 6)), cut(Layer::Ethernet)]),
        ];
        for (len, expected) in cases {
            let packet = view(&frame[..len]).with_wire_len(frame.len() as u32);
            assert_eq!(read(packet), expected, "{len}");
        }
    }

    #[test]
    fn what_carries_one_packet_has_no_subframes() {
        let mut frame = aggregate(&[subframe(1, 6)]);
        assert!(Subframes::of(view(&frame)).is_some());
        frame[24] = 0;
        assert!(Subframes::of(view(&frame)).is_none());
        let ethernet = view(&frame).with_link(LinkType::ETHERNET);
        assert!(Subframes::of(ethernet).is_none());
    }
}
