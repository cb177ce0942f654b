//! Callbacks hear what messages say.

mod common;

use common::{CLIENT, SERVER};
use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Close, Input, Interest, StreamEnd, StreamFactory};
use flowscope_core::wire::Transport;
use flowscope_core::{FlowSide, Timestamp};
use flowscope_http::{HttpFactory, HttpHandler, HttpMessage, HttpRequest, HttpResponse};

#[derive(Default)]
struct Log(Vec<String>);

impl HttpHandler<&str> for Log {
    fn on_request(&mut self, flow: &&str, request: &HttpRequest) {
        self.0.push(format!("{flow} {}", request.target()));
    }

    fn on_response(&mut self, flow: &&str, response: &HttpResponse) {
        self.0.push(format!("{flow} {}", response.status));
    }

    fn on_response_body(&mut self, _: &&str, response: &HttpResponse, bytes: &[u8]) {
        let at = response.body_bytes;
        self.0.push(format!("{at}: {}", bytes.escape_ascii()));
    }
}

fn feed<F: StreamFactory<&'static str>>(factory: &mut F) {
    assert!(factory.open(&"flow", &Transport::Udp).is_none());
    let transport = Transport::TcpCut;
    let mut stream = factory.open(&"flow", &transport).expect("it is TCP");
    for (side, bytes) in [
        (CLIENT, &b"GET /1 HTTP/1.1\r\n\r\n"[..]),
        (
            SERVER,
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        ),
        (SERVER, b"2\r\nde\r\n0\r\n\r\nHTTP/1.1 404 No\r\n\r\nbye"),
    ] {
        let input = Input::new(side, Timestamp::EPOCH, Chunk::Data(bytes));
        let interest = factory.feed(&mut stream, &"flow", input);
        assert_eq!(interest, Interest::More);
    }
    for side in FlowSide::BOTH {
        let end = StreamEnd::new(side, Timestamp::EPOCH, Close::Fin);
        factory.close(&mut stream, &"flow", end);
    }
    factory.end(stream, &"flow", Timestamp::EPOCH);
}

#[test]
fn a_handler_sees_bodies_go_by() {
    let mut factory = HttpFactory::with_handler(Log::default());
    feed(&mut factory);
    assert_eq!(
        factory.into_handler().0,
        [
            "flow /1", "0: abc", "3: de", "flow 200", "0: bye", "flow 404"
        ]
    );
}

#[test]
fn a_closure_hears_of_messages() {
    let mut heard = Vec::new();
    feed(&mut HttpFactory::with_handler(
        |flow: &&'static str, message: &HttpMessage| {
            heard.push((*flow, matches!(message, HttpMessage::Response(_))));
        },
    ));
    assert_eq!(heard, [("flow", false), ("flow", true), ("flow", true)]);
}
