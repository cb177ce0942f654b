//! What a flow and a message cost in memory.

mod common;

use allocation_counter::measure;
use common::{CLIENT, SERVER};
use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Close, Input, SessionParser, StreamEnd};
use flowscope_core::{FlowSide, Timestamp};
use flowscope_http::{HttpMessage, HttpParser};

const REQUEST: &[u8] = b"GET /index.html?a=b HTTP/1.1\r\nHost: www.example.org\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64)\r\nAccept: text/html,*/*;q=0.8\r\n\
    Accept-Language: en\r\nAccept-Encoding: gzip, br\r\nConnection: keep-alive\r\n\
    Cookie: session=0123456789abcdef\r\n\r\n";
const RESPONSE: &[u8] = b"HTTP/1.1 200 OK\r\nDate: Mon, 01 Jan 2024 00:00:00 GMT\r\n\
    Server: x\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n\
    5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n";

fn feed(parser: &mut HttpParser, side: FlowSide, bytes: &[u8], found: &mut u32) {
    let mut count = |_: HttpMessage| *found += 1;
    let input = Input::new(side, Timestamp::EPOCH, Chunk::Data(bytes));
    let fed = parser.feed(input, &mut count);
    assert!(fed.is_ok());
}

#[test]
fn a_message_is_one_allocation() {
    let mut parser = HttpParser::default();
    let mut found = 0;
    let mut exchange = |found: &mut u32| {
        feed(&mut parser, CLIENT, REQUEST, found);
        feed(&mut parser, SERVER, RESPONSE, found);
    };
    exchange(&mut found);
    let allocated = measure(|| {
        for _ in 0..100 {
            exchange(&mut found);
        }
    });
    assert_eq!(found, 202);
    assert_eq!(allocated.count_total, 200);
    assert_eq!(allocated.count_current, 0);
}

#[test]
fn one_in_pieces_is_little_more() {
    let mut parser = HttpParser::default();
    let mut found = 0;
    let mut exchange = |found: &mut u32| {
        for piece in REQUEST.chunks(100) {
            feed(&mut parser, CLIENT, piece, found);
        }
        for piece in RESPONSE.chunks(100) {
            feed(&mut parser, SERVER, piece, found);
        }
    };
    exchange(&mut found);
    let allocated = measure(|| {
        for _ in 0..100 {
            exchange(&mut found);
        }
    });
    assert_eq!(found, 202);
    assert_eq!(allocated.count_total, 200);
}

#[test]
fn a_flow_without_bytes_takes_none() {
    assert!(size_of::<HttpParser>() <= 64, "{}", size_of::<HttpParser>());
    let parser = HttpParser::default();
    assert_eq!(measure(|| drop(parser.clone())).count_total, 0);
    assert_eq!(parser.memory(), 0);
}

#[test]
fn a_connection_that_is_over_takes_none() {
    let mut parser = HttpParser::default();
    let mut found = 0;
    feed(&mut parser, CLIENT, REQUEST, &mut found);
    feed(&mut parser, SERVER, RESPONSE, &mut found);
    for side in [CLIENT, SERVER] {
        assert!(parser.memory() > 0);
        let end = StreamEnd::new(side, Timestamp::EPOCH, Close::Fin);
        parser.close(end, &mut |_: HttpMessage| {});
    }
    assert_eq!(parser.memory(), 0);
    feed(&mut parser, CLIENT, REQUEST, &mut found);
    assert_eq!((parser.memory(), found), (0, 2));
}

#[test]
fn a_flow_of_other_bytes_takes_little() {
    let mut parser = HttpParser::default();
    let mut found = 0;
    let noise: Vec<u8> = (0..200_000u32)
        .map(|n| (n.wrapping_mul(n) >> 7) as u8)
        .collect();
    for piece in noise.chunks(1400) {
        feed(&mut parser, CLIENT, piece, &mut found);
    }
    assert_eq!(found, 0);
    assert!(parser.memory() < 6000, "{}", parser.memory());
}
