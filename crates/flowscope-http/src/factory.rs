//! Callbacks in place of messages.

use flowscope_core::extract::FiveTupleKey;
use flowscope_core::session::{Input, Interest, StreamEnd, StreamFactory};
use flowscope_core::wire::Transport;

use crate::connection::Output;
use crate::{
    HttpAnomaly, HttpConfig, HttpError, HttpMessage, HttpParser, HttpRequest, HttpResponse,
    HttpTunnel,
};

/// HandlerCalls an [`HttpHandler`] with what the flows say, for a driver that takes a
/// [`StreamFactory`].
///
/// Each TCP flow gets an [`HttpParser`]; other flows get none.
///
/// ```
/// use flowscope_core::extract::FiveTupleKey;
/// use flowscope_http::{HttpFactory, HttpHandler, HttpMessage, HttpRequest};
///
/// struct Log;
///
/// impl HttpHandler for Log {
///     fn on_request(&mut self, flow: &FiveTupleKey, request: &HttpRequest) {
///         println!("{flow} {} {}", request.method(), request.target());
///     }
/// }
///
/// let by_handler = HttpFactory::with_handler(Log);
/// let by_closure = HttpFactory::with_handler(|flow: &FiveTupleKey, message: &HttpMessage| {
///     println!("{flow} {message:?}");
/// });
/// # fn is_factory(_: impl flowscope_core::session::StreamFactory<FiveTupleKey>) {}
/// # is_factory(by_handler);
/// # is_factory(by_closure);
/// ```
#[derive(Debug, Default)]
pub struct HttpFactory<H> {
    handler: H,
    config: HttpConfig,
}

impl<H> HttpFactory<H> {
    /// HandlerCalls `handler`, which may be a closure that takes a key and a message.
    #[must_use]
    pub fn with_handler(handler: H) -> Self {
        Self {
            handler,
            config: HttpConfig::default(),
        }
    }

    /// The same within the limits of `config`.
    #[must_use]
    pub fn with_config(self, config: HttpConfig) -> Self {
        Self { config, ..self }
    }

    /// The handler.
    pub fn handler(&self) -> &H {
        &self.handler
    }

    /// The handler, to change it.
    pub fn handler_mut(&mut self) -> &mut H {
        &mut self.handler
    }

    /// Gives the handler back.
    #[must_use]
    pub fn into_handler(self) -> H {
        self.handler
    }
}

/// Hears what flows with the key `K` say.
///
/// A closure that takes a key and a message is one.
pub trait HttpHandler<K = FiveTupleKey> {
    /// A message of any kind. As it is, it calls the method for its kind.
    fn on_message(&mut self, flow: &K, message: &HttpMessage) {
        match message {
            HttpMessage::Request(request) => self.on_request(flow, request),
            HttpMessage::Response(response) => self.on_response(flow, response),
            HttpMessage::Tunnel(tunnel) => self.on_tunnel(flow, tunnel),
            HttpMessage::Anomaly(anomaly) => self.on_anomaly(flow, anomaly),
        }
    }

    /// A request is over.
    fn on_request(&mut self, flow: &K, request: &HttpRequest) {
        let _ = (flow, request);
    }

    /// A response is over.
    fn on_response(&mut self, flow: &K, response: &HttpResponse) {
        let _ = (flow, response);
    }

    /// The next bytes of a request's body, borrowed. The request is not over:
    /// its [`body_bytes`](crate::Transfer::body_bytes) come before these.
    fn on_request_body(&mut self, flow: &K, request: &HttpRequest, bytes: &[u8]) {
        let _ = (flow, request, bytes);
    }

    /// The next bytes of a response's body, borrowed. The response is not over:
    /// its [`body_bytes`](crate::Transfer::body_bytes) come before these.
    fn on_response_body(&mut self, flow: &K, response: &HttpResponse, bytes: &[u8]) {
        let _ = (flow, response, bytes);
    }

    /// The connection became something else.
    fn on_tunnel(&mut self, flow: &K, tunnel: &HttpTunnel) {
        let _ = (flow, tunnel);
    }

    /// Something is ambiguous or malformed.
    fn on_anomaly(&mut self, flow: &K, anomaly: &HttpAnomaly) {
        let _ = (flow, anomaly);
    }

    /// The flow is read no further.
    fn on_error(&mut self, flow: &K, error: HttpError) {
        let _ = (flow, error);
    }
}

impl<K, F: FnMut(&K, &HttpMessage)> HttpHandler<K> for F {
    fn on_message(&mut self, flow: &K, message: &HttpMessage) {
        self(flow, message);
    }
}

impl<K, H: HttpHandler<K>> StreamFactory<K> for HttpFactory<H> {
    type Stream = HttpParser;

    fn open(&mut self, _: &K, transport: &Transport) -> Option<HttpParser> {
        transport.is_tcp().then(|| HttpParser::new(self.config))
    }

    fn feed(&mut self, parser: &mut HttpParser, key: &K, input: Input<'_>) -> Interest {
        let handler = &mut self.handler;
        match parser.parse_to(input, &mut HandlerCalls { handler, key }) {
            Ok(parsed) => parser.interest(parsed),
            Err(error) => {
                self.handler.on_error(key, error);
                Interest::Done
            }
        }
    }

    fn close(&mut self, parser: &mut HttpParser, key: &K, end: StreamEnd) {
        let handler = &mut self.handler;
        parser.close_to(end, &mut HandlerCalls { handler, key });
    }
}

/// The output of a parser whose messages go to a handler.
struct HandlerCalls<'a, H, K> {
    handler: &'a mut H,
    key: &'a K,
}

impl<K, H: HttpHandler<K>> Output for HandlerCalls<'_, H, K> {
    fn message(&mut self, message: HttpMessage) {
        self.handler.on_message(self.key, &message);
    }

    fn request_body(&mut self, request: &HttpRequest, bytes: &[u8]) {
        self.handler.on_request_body(self.key, request, bytes);
    }

    fn response_body(&mut self, response: &HttpResponse, bytes: &[u8]) {
        self.handler.on_response_body(self.key, response, bytes);
    }
}
