//! IP fragments of any sizes, in any order, over each other.

use core::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use flowscope::{PacketView, Timestamp};
use flowscope_fixtures::{Ethernet, Fragmented, Ipv4, Ipv6, Layer, MoreFragments, Tcp, Udp};

use crate::tracking;

/// A datagram, and how it is cut.
#[derive(Arbitrary, Debug)]
struct Cut {
    is_ipv6: bool,
    is_tcp: bool,
    identification: u8,
    payload: Vec<u8>,
    pieces: Vec<Piece>,
}

/// A fragment.
#[derive(Arbitrary, Debug)]
struct Piece {
    /// Where it begins and how long it is, in units of eight bytes.
    begin: u8,
    len: u8,
    /// Tenths of a second before it.
    tenths: u8,
    /// Whether it has other bytes than the datagram.
    differs: bool,
    /// Whether it says that others follow where none do, or that none do.
    lies: bool,
}

/// Fragments of a few datagrams between two hosts.
pub fn fragments(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let (Ok(settings), Ok(cuts)) = (input.arbitrary(), input.arbitrary::<Vec<Cut>>()) else {
        return;
    };
    let frames: Vec<_> = cuts.iter().take(8).flat_map(Cut::frames).collect();
    let mut at = Timestamp::new(1_700_000_000, 0);
    let views: Vec<_> = frames
        .iter()
        .map(|(tenths, frame)| {
            at = at + Duration::from_millis(100 * u64::from(*tenths));
            PacketView::new(frame, at)
        })
        .collect();
    tracking::check(settings, &views);
}

impl Cut {
    fn frames(&self) -> Vec<(u8, Vec<u8>)> {
        let ip = match self.is_ipv6 {
            true => Layer::Ipv6(Ipv6::new([1; 16].into(), [2; 16].into())),
            false => Layer::Ipv4(Ipv4::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into())),
        };
        let transport = match self.is_tcp {
            true => Layer::Tcp(Tcp::new(4000, 80, Tcp::PSH | Tcp::ACK)),
            false => Layer::Udp(Udp::new(4000, 53)),
        };
        let layers = [Layer::Ethernet(Ethernet::default()), ip, transport];
        let datagram =
            Fragmented::new(&layers, 1, &self.payload).numbered(self.identification.into());
        let whole = &datagram.part(0..datagram.len());
        let header = whole.len() - datagram.len();
        let pieces = self.pieces.iter().take(40);
        let frame = |piece: &Piece| {
            let begin = 8 * usize::from(piece.begin);
            let end = begin + 8 * usize::from(piece.len);
            let is_last = end >= datagram.len();
            let body = whole.get(header + begin..).unwrap_or_default();
            let mut body = body[..body.len().min(end - begin)].to_vec();
            if piece.differs {
                body.iter_mut().for_each(|byte| *byte = !*byte);
            }
            let more = match is_last == piece.lies {
                true => MoreFragments::Follow,
                false => MoreFragments::None,
            };
            (piece.tenths, datagram.other(begin, &body, more))
        };
        pieces.map(frame).collect()
    }
}
