//! Messages made to take time, and damaged ones.

mod common;

use core::time::Duration;
use std::time::Instant;

use common::{message, name};
use flowscope_core::session::ProbeResult;
use flowscope_dns::{DnsPacket, DnsUdpParser, Problem, Section};

/// A name of 255 bytes, made of the most that have to be escaped.
fn longest_name() -> Vec<u8> {
    let mut bytes = Vec::new();
    for len in [63u8, 63, 63, 61] {
        bytes.push(len);
        bytes.extend(core::iter::repeat_n(0xffu8, len.into()));
    }
    bytes.push(0);
    bytes
}

fn read_within(packet: &DnsPacket, limit: Duration) -> usize {
    let start = Instant::now();
    let mut text = 0;
    for (_, record) in packet.records() {
        text += record.to_string().len();
    }
    let _ = packet.problem();
    let took = start.elapsed();
    assert!(took < limit, "{took:?}");
    text
}

/// Ample for a busy machine and a build with few optimisations; each takes a
/// few milliseconds otherwise. A message that is quadratic takes seconds.
const LIMIT: Duration = Duration::from_secs(1);

#[test]
fn many_records_with_long_compressed_names_take_little_time() {
    let mut bytes = b"\0\x01\x81\x80\0\x01\xff\xff\0\0\0\0".to_vec();
    bytes.extend(longest_name());
    bytes.extend(b"\0\x02\0\x01");
    while bytes.len() < 65_500 {
        bytes.extend(b"\xc0\x0c\0\x02\0\x01\0\0\0\0\0\x02\xc0\x0c");
    }
    let packet = DnsPacket::parse(&bytes).expect("a header");
    read_within(&packet, LIMIT);
    assert_eq!(packet.problem(), Some(Problem::TooMany { limit: 4096 }));
    assert_eq!(packet.answers().count(), 4095);
}

#[test]
fn chains_of_pointers_take_little_time() {
    let mut bytes = b"\0\x01\x81\x80\0\0\xff\xff\0\0\0\0".to_vec();
    // One record whose data is a chain, and records that start at its end.
    let chain = 16_000u16;
    bytes.extend(b"\0\0\x0a\0\x01\0\0\0\0");
    bytes.extend(chain.to_be_bytes());
    let start = u16::try_from(bytes.len()).expect("near the front");
    bytes.extend([0, 0]);
    for at in (start..start + chain - 2).step_by(2) {
        bytes.extend((0xc000 | at).to_be_bytes());
    }
    let last = (0xc000 | (start + 2 * 126)).to_be_bytes();
    while bytes.len() < 65_500 {
        bytes.extend(last);
        bytes.extend(b"\0\x06\0\x01\0\0\0\0\0\x18");
        bytes.extend([last, last].concat());
        bytes.extend([0; 20]);
    }
    let packet = DnsPacket::parse(&bytes).expect("a header");
    assert!(packet.answers().count() > 1000);
    read_within(&packet, LIMIT);
    // One hop more is too many.
    let further = (0xc000 | (start + 2 * 127)).to_be_bytes();
    let second = usize::from(start + chain);
    bytes[second..second + 2].copy_from_slice(&further);
    let packet = DnsPacket::parse(&bytes).expect("a header");
    assert_eq!(packet.problem(), Some(Problem::BadName { offset: second }));
    assert_eq!(packet.answers().count(), 1);
}

#[test]
fn sets_of_types_and_parameters_take_little_time() {
    for (rtype, data) in [
        (
            47u16,
            [
                &[0][..],
                &[[1, 32].as_slice(), &[0xff; 32]].concat().repeat(1900),
            ]
            .concat(),
        ),
        (16, [1, b'"'].repeat(32_000)),
        (
            64,
            [&[0, 1, 0][..], &[0, 1, 0xfa, 0], &[1, b','].repeat(32_000)].concat(),
        ),
    ] {
        let mut bytes = message(1, 0x8180, "a", 1, 0);
        bytes[7] = 1;
        bytes.push(0);
        bytes.extend(rtype.to_be_bytes());
        bytes.extend([0, 1, 0, 0, 0, 0]);
        bytes.extend(u16::try_from(data.len()).expect("it fits").to_be_bytes());
        bytes.extend(data);
        let packet = DnsPacket::parse(&bytes).expect("a header");
        assert_eq!(packet.problem(), None, "{rtype}");
        assert!(read_within(&packet, LIMIT) > 60_000, "{rtype}");
    }
}

#[test]
fn what_can_be_read_is_given_with_a_reason() {
    let whole = message(1, 0x8180, "host.example", 1, 3);
    let question = 12 + name("host.example").len() + 4;
    let read = |bytes: &[u8]| {
        let packet = DnsPacket::parse(bytes).expect("a header");
        (
            packet.questions().count(),
            packet.answers().count(),
            packet.problem(),
        )
    };
    assert_eq!(read(&whole), (1, 3, None));
    let trailing = [&whole[..], b"abc"].concat();
    assert_eq!(read(&trailing), (1, 3, Some(Problem::Trailing { len: 3 })));
    let offset = question + 16;
    assert_eq!(
        read(&whole[..offset + 11]),
        (1, 1, Some(Problem::Short { offset }))
    );
    // All but a byte of its data.
    assert_eq!(
        read(&whole[..offset + 15]),
        (1, 2, Some(Problem::Short { offset }))
    );
    assert_eq!(
        read(&whole[..20]),
        (0, 0, Some(Problem::Short { offset: 12 }))
    );

    let mut lying = whole.clone();
    lying[7] = 200;
    let offset = whole.len();
    assert_eq!(read(&lying), (1, 3, Some(Problem::Short { offset })));

    // A name that points behind the end, or at itself, in the second answer.
    let offset = question + 16;
    let mut behind = whole.clone();
    behind[offset] = 0xff;
    assert_eq!(read(&behind), (1, 1, Some(Problem::Short { offset })));
    let mut circle = whole.clone();
    circle[offset + 1] = u8::try_from(offset).expect("near the front");
    assert_eq!(read(&circle), (1, 1, Some(Problem::BadName { offset })));

    // A record is skipped over whatever is in it.
    let mut odd = whole.clone();
    odd[question + 11] = 3;
    odd[question + 15] = 0;
    let mut shorter = odd.clone();
    shorter.remove(question + 15);
    let packet = DnsPacket::parse(&shorter).expect("a header");
    let data: Vec<String> = packet
        .answers()
        .map(|record| record.data.to_string())
        .collect();
    assert_eq!(data, [r"\# 3 C00000", "192.0.0.1", "192.0.0.2"]);
}

#[test]
fn a_record_that_lacks_data_alone_is_given() {
    let whole = message(1, 0x8180, "example.com", 1, 2);
    let question = 12 + 13 + 4;
    let offset = question + 16;
    for there in 0..4 {
        let packet = DnsPacket::parse(&whole[..offset + 12 + there]).expect("a header");
        let data: Vec<_> = packet.answers().map(|record| record.data).collect();
        assert_eq!(data[0].missing(), 0);
        assert_eq!(usize::from(data[1].missing()), 4 - there);
        assert_eq!(data[1].bytes(), &[192, 0, 0, 1][..there]);
        assert_eq!(data[1].address(), None);
        assert_eq!(packet.problem(), Some(Problem::Short { offset }));
    }
    let packet = DnsPacket::parse(&whole[..offset + 15]).expect("a header");
    let record = packet.answers().nth(1).expect("a second answer");
    assert_eq!(record.to_string(), r"example.com 60 IN A \# 4 C00000");

    // Nothing is read behind data that claims more than there is.
    let mut lying = message(1, 0x8180, "example.com", 1, 3);
    lying[offset + 11] = 200;
    let packet = DnsPacket::parse(&lying).expect("a header");
    let missing: Vec<_> = packet
        .answers()
        .map(|record| record.data.missing())
        .collect();
    assert_eq!(missing, [0, 200 - 4 - 16]);
}

#[test]
fn multicast_bits_are_taken_off_the_class() {
    // A question that wants a unicast response, and a record that flushes.
    let mut bytes = message(0, 0x8400, "host.local", 1, 1);
    let class = bytes.len() - 16 - 2;
    bytes[class] = 0x80;
    bytes[class + 6] = 0x80;
    let packet = DnsPacket::parse(&bytes).expect("a header");
    let question = packet.question().expect("a question");
    assert!(question.wants_unicast);
    assert_eq!(question.to_string(), "host.local IN A");
    let record = packet.answers().next().expect("an answer");
    assert!(record.flushes_cache);
    assert_eq!(record.to_string(), "host.local 60 IN A 192.0.0.0");
}

#[test]
fn pointers_forward_are_followed_to_their_end() {
    // The question points to the owner of the answer, and that to the data.
    let mut bytes = b"\0\x07\x81\x80\0\x01\0\x01\0\0\0\0\xc0\x12\0\x01\0\x01".to_vec();
    bytes.extend(b"\x01w\xc0\x20\0\x05\0\x01\0\0\0\x3c\0\x03\x01x\0");
    let packet = DnsPacket::parse(&bytes).expect("a header");
    assert_eq!(packet.to_string(), "response 7 NoError w.x A → CNAME x");
    assert_eq!(packet.problem(), None);
    assert_eq!(DnsUdpParser::probe(&bytes), ProbeResult::Match);
}

#[test]
fn circles_of_pointers_take_little_time() {
    // Every record's data is two names, which lead around until it is enough.
    let mut bytes = b"\0\x01\x81\x80\0\0\xff\xff\0\0\0\0".to_vec();
    while bytes.len() < 65_500 {
        let [high, low] = (0xc000 | (bytes.len() + 11) as u16 & 0x3fff).to_be_bytes();
        bytes.extend(b"\0\0\x0e\0\x01\0\0\0\0\0\x05");
        bytes.extend([high, low, 0, high, low]);
    }
    let packet = DnsPacket::parse(&bytes).expect("a header");
    assert!(packet.answers().count() > 4000);
    read_within(&packet, LIMIT);
}

#[test]
fn an_opt_record_out_of_place_is_a_record_as_any() {
    let opt = |size: u8| [&b"\0\0\x29\x04"[..], &[size], b"\0\0\0\0\0\0"].concat();
    let mut bytes = message(1, 0x8180, "a", 1, 0);
    (bytes[7], bytes[9], bytes[11]) = (1, 1, 3);
    let owner = b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\xc0\0\x02\x01";
    bytes.extend([opt(1), opt(2), opt(3), owner.to_vec(), opt(4)].concat());
    let packet = DnsPacket::parse(&bytes).expect("a header");
    let told = |records: flowscope_dns::SectionRecords<'_>| {
        let texts: Vec<_> = records.map(|record| record.to_string()).collect();
        texts
    };
    assert_eq!(told(packet.answers()), [r". 0 CLASS1025 OPT \# 0"]);
    assert_eq!(told(packet.authorities()), [r". 0 CLASS1026 OPT \# 0"]);
    assert_eq!(
        told(packet.additionals()),
        ["a 60 IN A 192.0.2.1", r". 0 CLASS1028 OPT \# 0"]
    );
    assert_eq!(packet.edns().map(|edns| edns.udp_size()), Some(1027));
}

#[test]
fn the_response_code_has_a_part_in_the_options() {
    let mut bytes = message(1, 0x8180, "a", 1, 0);
    bytes[11] = 1;
    bytes.extend(b"\0\0\x29\x04\xd0\x01\0\0\0\0\0");
    let packet = DnsPacket::parse(&bytes).expect("a header");
    assert_eq!(packet.rcode().to_string(), "BADVERS");
    assert_eq!(
        (
            packet.count(Section::Additional),
            packet.additionals().count()
        ),
        (1, 0)
    );
}

/// Records whose owner and data are one name of 255 bytes.
fn pointing_to_a_long_name(records: u16) -> Vec<u8> {
    let mut bytes = b"\0\x01\x81\x80\0\x01\0\0\0\0\0\0".to_vec();
    bytes[6..8].copy_from_slice(&records.to_be_bytes());
    bytes.extend(longest_name());
    bytes.extend(b"\0\x02\0\x01");
    for _ in 0..records {
        bytes.extend(b"\xc0\x0c\0\x02\0\x01\0\0\0\0\0\x02\xc0\x0c");
    }
    bytes
}

#[test]
fn a_line_is_bounded_by_the_length_of_the_message() {
    let bytes = pointing_to_a_long_name(4000);
    let packet = DnsPacket::parse(&bytes).expect("a header");
    assert_eq!(packet.max_text(), 8 * bytes.len());
    let line = packet.to_string();
    assert!(line.len() <= packet.max_text() + '…'.len_utf8());
    assert!(line.len() > packet.max_text() - 2000);
    assert!(line.ends_with('…'));

    // A small one has the room of 512 bytes.
    let bytes = pointing_to_a_long_name(2);
    let packet = DnsPacket::parse(&bytes).expect("a header");
    assert_eq!((bytes.len() < 512, packet.max_text()), (true, 4096));
    assert!(!packet.to_string().ends_with('…'));
}

#[test]
fn usual_messages_have_room_for_all_they_say() {
    let bytes = message(1, 0x8180, "a-host-with-a-name.of-a-zone.example", 1, 4000);
    let packet = DnsPacket::parse(&bytes).expect("a header");
    let records: usize = packet
        .records()
        .map(|(_, record)| record.name.to_string().len() + record.data.to_string().len())
        .sum();
    assert!(4 * records < 3 * packet.max_text());
    assert!(!packet.to_string().ends_with('…'));
}
