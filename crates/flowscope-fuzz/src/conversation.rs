//! Connections between hosts that keep to the rules, and what others make of them.

use arbitrary::{Result, Unstructured};
use flowscope::{LinkType, PacketView, Timestamp};
use flowscope_fixtures::{
    Close, Conversation, Disturbance, Ethernet, Frame, Geneve, GtpU, Ipv4, Layer, Mpls, Resend,
    SECOND, START, Side, Tcp, Udp, Vlan, Vxlan, address, merge,
};

use crate::tracking;

/// A few connections at a time, on ports that may be used again: with losses,
/// delays, copies that differ, forged segments, in tunnels.
pub fn conversation(bytes: &[u8]) {
    let mut input = Unstructured::new(bytes);
    let Ok(settings) = input.arbitrary() else {
        return;
    };
    let Ok(frames) = conversations(&mut input) else {
        return;
    };
    let views: Vec<_> = frames.iter().map(view).collect();
    tracking::check(settings, &views);
}

fn conversations(input: &mut Unstructured<'_>) -> Result<Vec<Frame>> {
    let count = input.int_in_range(1..=4)?;
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(talk(input)?.frames());
    }
    Ok(merge(all))
}

/// One connection.
fn talk(input: &mut Unstructured<'_>) -> Result<Conversation> {
    let port = input.int_in_range(40_000..=40_002)?;
    let client = address(&format!("10.0.0.1:{port}"));
    let begin = START + input.int_in_range(0..=20)? * SECOND;
    let mut talk = Conversation::new(client, address("10.0.0.2:80"))
        .starting_at(begin)
        .with_initial_seq(Side::Client, input.arbitrary()?)
        .with_segment_size(input.int_in_range(1..=60)?);
    if let Some(outer) = tunnel(input)? {
        talk = talk.over(&outer);
    }
    if input.arbitrary()? {
        talk = talk.with_timestamps();
    }
    if input.ratio(7, 8)? {
        talk = talk.handshake();
    }
    for _ in 0..input.int_in_range(0..=12)? {
        talk = step(talk, input)?;
    }
    for _ in 0..input.int_in_range(0..=6)? {
        talk = talk.disturb(disturbance(input)?);
    }
    Ok(talk)
}

fn step(talk: Conversation, input: &mut Unstructured<'_>) -> Result<Conversation> {
    let from = *input.choose(&[Side::Client, Side::Server])?;
    Ok(match input.int_in_range(0..=9)? {
        0..=3 => talk.send(from, data(input)?),
        4 => talk.acknowledge(from),
        5 => talk.wait(input.int_in_range(0..=400)? * SECOND),
        6 => talk.keep_alive(from),
        7 => {
            let flags = input.arbitrary::<u8>()? & 0x3f;
            let (seq, ack) = (input.arbitrary::<i8>()?, input.arbitrary::<i8>()?);
            talk.forge(from, flags, data(input)?, |tcp| {
                tcp.seq = tcp.seq.wrapping_add_signed(seq.into());
                tcp.ack = tcp.ack.wrapping_add_signed(ack.into());
            })
        }
        8 => talk.segment(from, Tcp::PSH | Tcp::ACK, data(input)?),
        _ => {
            let ends = [Close::Fin(from), Close::Simultaneous, Close::Reset(from)];
            talk.close(*input.choose(&ends)?)
        }
    })
}

/// Something that one of the protocols might say, or not.
fn data<'a>(input: &mut Unstructured<'a>) -> Result<&'a [u8]> {
    const KNOWN: [&[u8]; 5] = [
        b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        b"\x16\x03\x01\0\x2a\x01\0\0\x26\x03\x03",
        b"\0\x19\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\0\0\x01\0\x01",
        b"220 ready\r\n",
    ];
    match input.arbitrary()? {
        true => input.choose(&KNOWN).copied(),
        false => {
            let len = input.int_in_range(1..=80)?.min(input.len());
            input.bytes(len)
        }
    }
}

fn disturbance(input: &mut Unstructured<'_>) -> Result<Disturbance> {
    let packet = input.int_in_range(0..=24)?;
    Ok(match input.int_in_range(0..=7)? {
        0 | 1 => Disturbance::Lose(packet),
        2 => Disturbance::StartAt(packet),
        3 | 4 => Disturbance::Delay {
            packet,
            behind: input.int_in_range(1..=5)?,
        },
        _ => {
            let at = input.int_in_range(1..=20)?;
            let kinds = [
                Resend::Whole,
                Resend::Head(at),
                Resend::Tail(at),
                Resend::Wider(at),
                Resend::Conflicting,
            ];
            Disturbance::Resend {
                packet,
                behind: input.int_in_range(0..=5)?,
                what: *input.choose(&kinds)?,
            }
        }
    })
}

/// What the connection is carried in.
fn tunnel(input: &mut Unstructured<'_>) -> Result<Option<Vec<Layer>>> {
    let ethernet = Layer::Ethernet(Ethernet::default());
    let ip = Layer::Ipv4(Ipv4::new([192, 0, 2, 1].into(), [192, 0, 2, 2].into()));
    let udp = |port| Layer::Udp(Udp::new(5000, port));
    Ok(match input.int_in_range(0..=9)? {
        0 => Some(vec![ethernet, Layer::Vlan(Vlan::new(7))]),
        1 => Some(vec![ethernet, Layer::Mpls(Mpls::new(16))]),
        2 => Some(vec![
            ethernet.clone(),
            ip,
            udp(4789),
            Layer::Vxlan(Vxlan::new(7)),
            ethernet,
        ]),
        3 => Some(vec![
            ethernet.clone(),
            ip,
            udp(6081),
            Layer::Geneve(Geneve::new(7)),
            ethernet,
        ]),
        4 => Some(vec![ethernet, ip, udp(2152), Layer::GtpU(GtpU::new(7))]),
        5 => Some(vec![ethernet, ip]),
        _ => None,
    })
}

fn view(frame: &Frame) -> PacketView<'_> {
    PacketView::new(&frame.bytes, Timestamp::from_nanos(frame.nanos))
        .with_link(LinkType(frame.link))
        .with_wire_len(frame.wire_len)
}
