//! What holds for any input.

mod common;

use common::*;
use flowscope_core::FlowSide;
use flowscope_core::session::{DatagramParser, Interest, ProbeResult};
use flowscope_quic::{QuicConfig, QuicParser};
use proptest::prelude::*;

/// Pieces that cover `len` bytes, some of them more than once, in any order, and
/// which of them share a packet and a datagram.
fn pieces(len: usize) -> impl Strategy<Value = Vec<(usize, usize, bool, bool)>> {
    let cuts = proptest::collection::btree_set(1..len, 0..12);
    cuts.prop_flat_map(move |cuts| {
        let bounds: Vec<usize> = [0].into_iter().chain(cuts).chain([len]).collect();
        let parts: Vec<_> = bounds.windows(2).map(|pair| (pair[0], pair[1])).collect();
        let extra =
            (0..len, 1..200_usize).prop_map(move |(start, more)| (start, (start + more).min(len)));
        proptest::collection::vec(extra, 0..4)
            .prop_map(move |extra| [&parts[..], &extra].concat())
            .prop_shuffle()
    })
    .prop_flat_map(|parts| {
        let count = parts.len();
        proptest::collection::vec(any::<(bool, bool)>(), count).prop_map(move |flags| {
            parts
                .iter()
                .zip(flags)
                .map(|(part, flags)| (part.0, part.1, flags.0, flags.1))
                .collect()
        })
    })
}

const LEN: usize = 1500;

fn hello() -> Vec<u8> {
    let bare = client_hello("example.org", 0).len();
    client_hello("example.org", LEN - bare)
}

fn datagrams(pieces: &[(usize, usize, bool, bool)]) -> Vec<(FlowSide, Vec<u8>)> {
    let hello = hello();
    let sender = Sender::client(V1, ID);
    let (mut datagrams, mut datagram, mut frames, mut number) = (vec![], vec![], vec![], 0);
    for (start, end, ends_packet, ends_datagram) in pieces {
        frames.extend(crypto(*start, &hello[*start..*end]));
        frames.extend([0, 1]);
        if *ends_packet {
            datagram.extend(sender.initial(to_server(number), &core::mem::take(&mut frames)));
            number += 1;
            if *ends_datagram {
                datagrams.push((CLIENT, core::mem::take(&mut datagram)));
            }
        }
    }
    datagram.extend(sender.initial(to_server(number), &[frames, vec![0; 20]].concat()));
    datagrams.push((CLIENT, datagram));
    datagrams
}

proptest! {
    #[test]
    fn any_split_and_order_gives_the_same_hello(pieces in pieces(LEN)) {
        let whole = read(&[(CLIENT, Sender::client(V1, ID).initial(to_server(0), &padded(&hello())))]);
        prop_assert_eq!(whole.len(), 1);
        prop_assert_eq!(read(&datagrams(&pieces)), whole);
    }

    #[test]
    fn any_bytes_do_no_harm(
        datagrams in proptest::collection::vec(
            (any::<bool>(), prop_oneof![
                proptest::collection::vec(any::<u8>(), 0..100),
                proptest::collection::vec(any::<u8>(), 0..100).prop_map(|rest| {
                    [b"\xc3\0\0\0\x01\x04ABCD\0\0\x40\x50", &rest[..]].concat()
                }),
                proptest::collection::vec(any::<u8>(), 0..100).prop_map(|rest| {
                    [b"\x0d12345678Q043CHLO", &rest[..]].concat()
                }),
            ]),
            0..20,
        ),
    ) {
        let datagrams: Vec<_> = datagrams
            .into_iter()
            .map(|(is_client, bytes)| (if is_client { CLIENT } else { SERVER }, bytes))
            .collect();
        for (_, bytes) in &datagrams {
            prop_assert_ne!(QuicParser::probe(bytes), ProbeResult::Possible);
        }
        let mut parser = QuicParser::default();
        let (found, _) = read_with(&mut parser, &datagrams);
        prop_assert!(parser.memory() < 10_000, "{}", parser.memory());
        // None of them has a tag that is right.
        prop_assert!(found.iter().all(|it| names(core::slice::from_ref(it))[0].starts_with("GoogleHello")));
    }

    /// Frames with any content, in packets whose tag is right.
    #[test]
    fn any_frames_do_no_harm_and_take_bounded_memory(
        packets in proptest::collection::vec(
            (any::<bool>(), prop_oneof![
                proptest::collection::vec(any::<u8>(), 20..200),
                (0..30_000_usize, proptest::collection::vec(any::<u8>(), 20..200))
                    .prop_map(|(offset, bytes)| crypto(offset, &bytes)),
            ]),
            0..60,
        ),
    ) {
        let (client, server) = (Sender::client(V1, ID), Sender::server(V1, ID));
        let config = QuicConfig { max_crypto: 8 << 10, ..QuicConfig::default() };
        let mut parser = QuicParser::new(config);
        for (number, (is_client, frames)) in (0..).zip(packets) {
            let datagram = match is_client || number == 0 {
                true => (CLIENT, client.initial(to_server(number), &frames)),
                false => (SERVER, server.initial(to_client(number), &frames)),
            };
            let (_, interest) = read_with(&mut parser, &[datagram]);
            // Each side may have twice its limit in capacity, and its pieces, and
            // all of it once more where frames differ.
            prop_assert!(parser.memory() < 2 * (2 * (16 << 10) + 16 * 1024));
            if interest == Interest::Done {
                break;
            }
        }
    }
}
