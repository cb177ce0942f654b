//! Records of QUIC, whatever is around it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use core::net::SocketAddr;

use flowscope_core::{LinkType, PacketView, Timestamp};
use flowscope_detect::Protocol;
use flowscope_fixtures::{
    Carries, Datagrams, Frame, Side, address, captures, encapsulations, merge,
};
use flowscope_pcap::PcapFlowSource;
use flowscope_record::{Goal, Record, RecordConfig, RecordTracker};

/// The packets of RFC 9001, appendices A.2 and A.3.
const HELLO: &[u8] = include_bytes!("../../../fixtures/src/captures/quic/client-v1.bin");
const ANSWER: &[u8] = include_bytes!("../../../fixtures/src/captures/quic/server-v1.bin");

fn datagrams(place: u16, is_v6: bool) -> Datagrams {
    let ends: [SocketAddr; 2] = match is_v6 {
        false => [address("192.0.2.1:50000"), address("192.0.2.2:443")],
        true => [address("[2001:db8::1]:50000"), address("[2001:db8::2]:443")],
    };
    let [mut client, server] = ends;
    client.set_port(client.port() + place);
    Datagrams::new(client, server)
}

fn records(goal: Goal, frames: &[Frame]) -> Vec<Record> {
    let config = RecordConfig {
        goal,
        ..RecordConfig::default()
    };
    let mut tracker = RecordTracker::new(config);
    let mut records = Vec::new();
    for frame in frames {
        let packet = PacketView::new(&frame.bytes, Timestamp::from_nanos(frame.nanos))
            .with_link(LinkType(frame.link));
        tracker.track(packet, &mut records);
    }
    tracker.finish(&mut records);
    records
}

fn kinds(records: &[Record]) -> Vec<&'static str> {
    records.iter().map(Record::kind).collect()
}

#[test]
fn hellos_are_read_in_every_tunnel_and_version_of_ip() {
    let mut count = 0;
    for around in encapsulations() {
        for is_v6 in [false, true] {
            let fits = match around.carries {
                Carries::Any => true,
                Carries::Ipv4 => !is_v6,
                Carries::Ipv6 => is_v6,
            };
            if !fits {
                continue;
            }
            let frames = datagrams(0, is_v6)
                .over(&around.layers)
                .send(Side::Client, HELLO)
                .send(Side::Server, ANSWER)
                .frames();
            let records = records(Goal::Tls, &frames);
            let expected = ["tls_client_hello", "tls_server_hello"];
            assert_eq!(kinds(&records), expected, "{:?}", around.tells);
            count += 1;
        }
    }
    assert!(count > 60, "{count}");
}

#[test]
fn a_flow_may_carry_another_connection_later() {
    let google = captures()
        .into_iter()
        .find(|capture| capture.name == "udp-quic-before.pcap")
        .unwrap()
        .frames;
    // Behind Ethernet, IPv4 and UDP.
    let google = google.iter().map(|frame| &frame.bytes[42..]);
    let google = google.filter(|payload| payload.windows(4).any(|it| it == b"CHLO"));
    let mut talk = datagrams(0, false);
    for payload in google {
        talk = talk.send(Side::Client, payload);
    }
    for _ in 0..1000 {
        talk = talk.send(Side::Server, &[0x41; 40]);
    }
    talk = talk.send(Side::Client, HELLO).send(Side::Server, ANSWER);
    let frames = talk.send(Side::Client, HELLO).frames();
    let of_tls = records(Goal::Tls, &frames);
    let expected = ["gquic_client_hello", "tls_client_hello", "tls_server_hello"];
    assert_eq!(kinds(&of_tls), expected);
    let all = records(Goal::All, &frames);
    let Some(Record::Flow(flow)) = all.last() else {
        panic!("the flow comes last");
    };
    assert_eq!(flow.app, Some(Protocol::Quic));
    let Some(Record::Summary(summary)) = records(Goal::Summary, &frames).into_iter().next() else {
        panic!("a summary");
    };
    let names = summary.names.iter().map(|it| (&it.name[..], it.counts.tls));
    let expected = [(&b"example.com"[..], 1), (b"quic.example", 1)];
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    assert_eq!(names, expected);
}

/// A recorded handshake of DTLS, and the same between the same ports once more, of a
/// client with other random bytes.
#[test]
fn a_flow_may_carry_another_handshake_of_dtls() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../fixtures/pcap/recorded/dtls12-openssl.pcap"
    );
    let mut source = PcapFlowSource::open(path).unwrap();
    let mut frames = Vec::new();
    while let Some(packet) = source.next_packet().unwrap() {
        frames.push((packet.frame.to_vec(), packet.timestamp, packet.link));
    }
    let last = frames.last().unwrap().1;
    let again = frames.clone().into_iter().map(|(mut frame, at, link)| {
        // Ethernet, IPv4, UDP; the headers of record and message, and a version.
        if frame[42] == 22 && frame[55] == 1 {
            frame[69..101].fill(0x5a);
        }
        let at = Timestamp::from_nanos(at.as_nanos() + 1_000_000_000);
        (frame, at.max(last), link)
    });
    let talk: Vec<_> = frames.iter().cloned().chain(again).collect();
    let records = |frames: &[(Vec<u8>, Timestamp, LinkType)]| {
        let mut tracker = RecordTracker::new(RecordConfig::default());
        let mut records = Vec::new();
        for (frame, at, link) in frames {
            tracker.track(PacketView::new(frame, *at).with_link(*link), &mut records);
        }
        tracker.finish(&mut records);
        records
    };
    let (once, twice) = (kinds(&records(&frames)), kinds(&records(&talk)));
    let (messages, flow) = once.split_at(once.len() - 1);
    assert!(messages.contains(&"tls_client_hello"), "{messages:?}");
    assert!(messages.contains(&"tls_server_hello"), "{messages:?}");
    assert_eq!(flow, ["flow"]);
    assert_eq!(twice, [messages, messages, flow].concat());
}

/// A client whose address changes is another flow. What it says again there is
/// read; packets whose keys are not known say nothing.
#[test]
fn a_client_that_moves_is_another_flow() {
    let stays = datagrams(0, false)
        .send(Side::Client, HELLO)
        .send(Side::Server, ANSWER);
    let moves = datagrams(1, false)
        .send(Side::Client, &[0x41; 1200])
        .send(Side::Server, ANSWER)
        .send(Side::Client, &[0x41; 40]);
    let records = records(Goal::All, &merge([stays.frames(), moves.frames()]));
    let hellos = records.iter().filter(|it| matches!(it, Record::Quic(_)));
    assert_eq!(hellos.count(), 2);
    let apps = records.iter().filter_map(|record| match record {
        Record::Flow(flow) => Some(flow.app),
        _ => None,
    });
    assert_eq!(apps.collect::<Vec<_>>(), [Some(Protocol::Quic), None]);
}
