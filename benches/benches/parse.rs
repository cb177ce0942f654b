//! A message through its parser, without the packets it came in: what programs
//! have said, as recorded.
#![allow(missing_docs, reason = "criterion's macros make public items")]

use core::error::Error;
use core::hint::black_box;

use criterion::measurement::WallTime;
use criterion::{BatchSize, BenchmarkGroup, Criterion, criterion_group, criterion_main};
use flowscope::detect::Detector;
use flowscope::dns::{DnsPacket, DnsUdpParser};
use flowscope::http::HttpParser;
use flowscope::quic::QuicParser;
use flowscope::reassemble::Chunk;
use flowscope::session::{Datagram, DatagramParser, Input, SessionParser};
use flowscope::tls::{ClientHello, DtlsParser, TlsMessage, TlsParser};
use flowscope::{FlowSide, Timestamp};
use flowscope_benches::recorded::{Turn, turns};

type Outcome = Result<(), Box<dyn Error>>;

/// A request and a response on a connection that had some before.
fn http(group: &mut BenchmarkGroup<'_, WallTime>) -> Outcome {
    for (client, capture) in [("curl", "http-keep-alive"), ("chromium", "chromium-http")] {
        let flows = turns(capture)?;
        let [request, response, ..] = &flows[0][..] else {
            return Err("no exchange".into());
        };
        let mut parser = HttpParser::default();
        feed(&mut parser, request);
        feed(&mut parser, response);
        step(group, &format!("http request/{client}"), &parser, request);
        feed(&mut parser, request);
        step(group, &format!("http response/{client}"), &parser, response);
    }
    Ok(())
}

/// The hellos of a connection, and the fingerprints of the first.
fn tls(group: &mut BenchmarkGroup<'_, WallTime>) -> Outcome {
    for (client, capture) in [("openssl", "tls13-openssl"), ("chromium", "chromium-https")] {
        let flows = turns(capture)?;
        let [client_hello, server_hello, ..] = &flows[0][..] else {
            return Err("no handshake".into());
        };
        let mut parser = TlsParser::default();
        step(
            group,
            &format!("client hello/{client}"),
            &parser,
            client_hello,
        );
        let hello = read_hello(&mut parser, client_hello).ok_or("no hello")?;
        step(
            group,
            &format!("server hello/{client}"),
            &parser,
            server_hello,
        );
        group.bench_function(format!("ja3/{client}"), |bencher| {
            bencher.iter(|| black_box(&hello).ja3());
        });
        group.bench_function(format!("ja4/{client}"), |bencher| {
            bencher.iter(|| black_box(&hello).ja4());
        });
    }
    Ok(())
}

/// The first packets of a connection of QUIC, the first of one of DTLS, and a
/// datagram of neither, which a detector lets go.
fn datagrams(group: &mut BenchmarkGroup<'_, WallTime>) -> Outcome {
    let flows = turns("../udp-quic")?;
    let [hello, answer] = &flows[0][..] else {
        return Err("no handshake".into());
    };
    let mut parser = QuicParser::default();
    matched(group, "quic client hello", &parser, hello);
    parse(&mut parser, hello);
    matched(group, "quic server hello", &parser, answer);
    let flows = turns("dtls12-openssl")?;
    let hello = flows[0].first().ok_or("no handshake")?;
    matched(group, "dtls client hello", &DtlsParser::default(), hello);
    let rtp = (FlowSide::Initiator, [&[0x80, 0x60][..], &[7; 170]].concat());
    matched(group, "datagram of neither", &Detector::default(), &rtp);
    Ok(())
}

/// A query and a response, matched; and a response alone, by how much of it is
/// asked for.
fn dns(group: &mut BenchmarkGroup<'_, WallTime>) -> Outcome {
    let flows = turns("dns-types")?;
    let [query, response, ..] = &flows[0][..] else {
        return Err("no exchange".into());
    };
    let mut parser = DnsUdpParser::default();
    parse(&mut parser, query);
    parse(&mut parser, response);
    matched(group, "dns query", &parser, query);
    parse(&mut parser, query);
    matched(group, "dns response", &parser, response);

    let dnssec = turns("dns-dnssec")?;
    let [_, signed, ..] = &dnssec[0][..] else {
        return Err("no exchange".into());
    };
    for (name, (_, bytes)) in [("one address", response), ("keys, signed", signed)] {
        group.bench_function(format!("dns lazy/{name}"), |bencher| {
            bencher.iter(|| {
                let packet = DnsPacket::parse(black_box(bytes)).ok()?;
                black_box(packet.question()?);
                Some(packet)
            });
        });
        group.bench_function(format!("dns records/{name}"), |bencher| {
            bencher.iter(|| {
                let packet = DnsPacket::parse(black_box(bytes)).ok()?;
                Some(packet.records().map(black_box).count())
            });
        });
        group.bench_function(format!("dns full/{name}"), |bencher| {
            bencher.iter(|| {
                let packet = DnsPacket::parse(black_box(bytes)).ok()?;
                let records = packet.records().map(|(_, record)| record.to_string());
                Some(records.map(|text| text.len()).sum::<usize>())
            });
        });
    }
    Ok(())
}

/// A turn in a parser that is in a certain state.
fn step<P: SessionParser + Clone>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    parser: &P,
    turn: &Turn,
) {
    group.bench_function(name, |bencher| {
        bencher.iter_batched_ref(
            || parser.clone(),
            |parser| feed(parser, black_box(turn)),
            BatchSize::SmallInput,
        );
    });
}

/// The same with a datagram.
fn matched<P: DatagramParser + Clone>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    parser: &P,
    turn: &Turn,
) {
    group.bench_function(name, |bencher| {
        bencher.iter_batched_ref(
            || parser.clone(),
            |parser| parse(parser, black_box(turn)),
            BatchSize::SmallInput,
        );
    });
}

fn feed<P: SessionParser>(parser: &mut P, (side, bytes): &Turn) {
    let input = Input::new(*side, Timestamp::EPOCH, Chunk::Data(bytes));
    let fed = parser.feed(input, &mut |message| {
        black_box(message);
    });
    assert!(fed.is_ok());
}

fn parse<P: DatagramParser>(parser: &mut P, (side, bytes): &Turn) {
    let datagram = Datagram::new(*side, Timestamp::EPOCH, bytes);
    let parsed = parser.parse(datagram, &mut |message| {
        black_box(message);
    });
    assert!(parsed.is_ok());
}

fn read_hello(parser: &mut TlsParser, (side, bytes): &Turn) -> Option<ClientHello> {
    let mut found = Vec::new();
    let input = Input::new(*side, Timestamp::EPOCH, Chunk::Data(bytes));
    let _ = parser.feed(input, &mut found).ok()?;
    match found.pop()? {
        TlsMessage::ClientHello(hello) => Some(hello),
        _ => None,
    }
}

fn all(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    let outcome = http(&mut group)
        .and_then(|()| tls(&mut group))
        .and_then(|()| datagrams(&mut group))
        .and_then(|()| dns(&mut group));
    assert!(outcome.is_ok(), "{outcome:?}");
    group.finish();
}

criterion_group!(benches, all);
criterion_main!(benches);
