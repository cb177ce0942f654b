//! IP fragments.

use flowscope_fixtures::{
    Ethernet, Fragmented, Frame, Ipv4, Ipv6, Layer, MILLISECOND, MoreFragments, SECOND, START, Tcp,
    Udp, link_type,
};

use crate::case::Case;

const TEXT: &[u8] = b"in fragments, and all of it";
const READ: [&str; 1] = ["client: in fragments, and all of it"];

fn udp4() -> Fragmented {
    let layers = [
        Layer::Ethernet(Ethernet::default()),
        Layer::Ipv4(Ipv4::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into())),
        Layer::Udp(Udp::new(4000, 4001)),
    ];
    Fragmented::new(&layers, 1, TEXT)
}

fn udp6() -> Fragmented {
    let [client, server] = ["2001:db8::1", "2001:db8::2"].map(|it| it.parse().unwrap());
    let layers = [
        Layer::Ethernet(Ethernet::default()),
        Layer::Ipv6(Ipv6::new(client, server)),
        Layer::Udp(Udp::new(4000, 4001)),
    ];
    Fragmented::new(&layers, 1, TEXT)
}

/// A SYN, and the data behind it in fragments that cut the header of TCP.
fn tcp4() -> Vec<Frame> {
    let ip = Ipv4::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
    let layers = |tcp: Tcp| {
        [
            Layer::Ethernet(Ethernet::default()),
            Layer::Ipv4(ip.clone()),
            Layer::Tcp(tcp),
        ]
    };
    let mut data = Tcp::new(40000, 80, Tcp::ACK);
    data.seq = 1;
    data.ack = 1;
    let parts = Fragmented::new(&layers(data), 1, TEXT).every(8);
    timed(parts, MILLISECOND)
}

fn timed(frames: Vec<Vec<u8>>, pace: u64) -> Vec<Frame> {
    let numbered = frames.into_iter().zip(0..);
    let frame = |(bytes, n)| Frame::new(START + n * pace, link_type::ETHERNET, bytes);
    numbered.map(frame).collect()
}

pub(crate) fn cases() -> Vec<Case> {
    let mut backward = udp4().every(8);
    backward.reverse();
    let twice: Vec<_> = udp4()
        .every(8)
        .into_iter()
        .flat_map(|it| [it.clone(), it])
        .collect();
    let mut lost = udp4().every(8);
    lost.remove(2);
    let beyond = vec![
        udp4().part(0..16),
        udp4().other(65_528, b"beyond 64 KiB", MoreFragments::None),
        udp4().part(16..udp4().len()),
    ];
    let mut conflicting6 = udp6().every(16);
    conflicting6.insert(1, udp6().other(8, b"________", MoreFragments::Follow));
    let mut repeated6 = udp6().every(16);
    repeated6.insert(1, repeated6[0].clone());
    vec![
        Case::bytes("fragments of eight bytes", "fragroute, ip_frag", &READ)
            .of_frames(timed(udp4().every(8), MILLISECOND)),
        Case::bytes(
            "fragments of eight bytes, the last first",
            "fragroute, order reverse",
            &READ,
        )
        .of_frames(timed(backward, MILLISECOND)),
        Case::bytes("each fragment twice", "fragroute, dup", &READ)
            .of_frames(timed(twice, MILLISECOND))
            .reported(&[
                "skipped, ipv4: fragment without ports",
                "datagram lost, end_of_input",
            ]),
        Case::bytes("the header of TCP in three fragments", "RFC 1858, 3", &READ).of_frames(tcp4()),
        Case::bytes("a fragment that does not come", "RFC 791, 3.2", &[])
            .of_frames(timed(lost, MILLISECOND))
            .reported(&["client incomplete_datagram", "datagram lost, end_of_input"]),
        Case::bytes(
            "a fragment that comes a minute later",
            "RFC 1122, 3.3.2",
            &[],
        )
        .but("one that waits for longer", &READ)
        .of_frames(timed(udp4().every(24), 61 * SECOND))
        .reported(&[
            "client incomplete_datagram",
            "skipped, ipv4: fragment without ports",
            "datagram lost, timeout",
            "datagram lost, end_of_input",
        ]),
        Case::bytes(
            "a fragment that ends beyond the longest datagram",
            "CERT CA-1996-26",
            &READ,
        )
        .of_frames(timed(beyond, MILLISECOND))
        .reported(&["fragment refused"]),
        Case::bytes(
            "fragments of IPv6 that overlap and differ",
            "RFC 8200, 4.5",
            &[],
        )
        .of_frames(timed(conflicting6, MILLISECOND))
        .reported(&[
            "client overlapping_fragments",
            "client incomplete_datagram",
            "datagram lost, overlap",
        ]),
        Case::bytes("a fragment of IPv6 twice", "RFC 8200, 4.5", &READ)
            .of_frames(timed(repeated6, MILLISECOND)),
        Case::bytes(
            "a fragment of IPv6 that is the whole packet",
            "RFC 6946, 4",
            &READ,
        )
        .of_frames(timed(vec![udp6().part(0..udp6().len())], MILLISECOND)),
    ]
}
