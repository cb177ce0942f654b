//! Callbacks in place of messages.

use flowscope_core::extract::FiveTupleKey;
use flowscope_core::session::{Input, Interest, SessionParser, StreamEnd, StreamFactory};
use flowscope_core::wire::Transport;

use crate::{
    Alert, CertificateChain, ClientHello, Handshake, HelloVerifyRequest, ServerHello, TlsAnomaly,
    TlsConfig, TlsMessage, TlsParser,
};

/// Is called for what is read, with the key of the flow.
///
/// Implement what is of interest. A closure that takes a key and a
/// [`TlsMessage`] is a handler too.
pub trait TlsHandler<K = FiveTupleKey> {
    /// A message of any kind. Unless implemented, it calls the others.
    fn on_message(&mut self, flow: &K, message: &TlsMessage) {
        match message {
            TlsMessage::ClientHello(hello) => self.on_client_hello(flow, hello),
            TlsMessage::ServerHello(hello) => self.on_server_hello(flow, hello),
            TlsMessage::HelloVerifyRequest(request) => {
                self.on_hello_verify_request(flow, request);
            }
            TlsMessage::Certificate(chain) => self.on_certificate(flow, chain),
            TlsMessage::Alert(alert) => self.on_alert(flow, alert),
            TlsMessage::Handshake(handshake) => self.on_handshake(flow, handshake),
            TlsMessage::Anomaly(anomaly) => self.on_anomaly(flow, anomaly),
        }
    }

    /// A client says hello.
    fn on_client_hello(&mut self, flow: &K, hello: &ClientHello) {
        let _ = (flow, hello);
    }

    /// A server answers, perhaps to ask for another hello.
    fn on_server_hello(&mut self, flow: &K, hello: &ServerHello) {
        let _ = (flow, hello);
    }

    /// A server of DTLS wants to hear the hello again, with a cookie.
    fn on_hello_verify_request(&mut self, flow: &K, request: &HelloVerifyRequest) {
        let _ = (flow, request);
    }

    /// Certificates are sent in the clear.
    fn on_certificate(&mut self, flow: &K, chain: &CertificateChain) {
        let _ = (flow, chain);
    }

    /// An alert is sent in the clear.
    fn on_alert(&mut self, flow: &K, alert: &Alert) {
        let _ = (flow, alert);
    }

    /// A handshake is over.
    fn on_handshake(&mut self, flow: &K, handshake: &Handshake) {
        let _ = (flow, handshake);
    }

    /// A side that had begun as TLS sent something else.
    fn on_anomaly(&mut self, flow: &K, anomaly: &TlsAnomaly) {
        let _ = (flow, anomaly);
    }
}

impl<K, F: FnMut(&K, &TlsMessage)> TlsHandler<K> for F {
    fn on_message(&mut self, flow: &K, message: &TlsMessage) {
        self(flow, message);
    }
}

/// Calls a [`TlsHandler`] for the TLS of every TCP connection, on any port.
///
/// ```
/// use flowscope_core::extract::FiveTupleKey;
/// use flowscope_tls::{ClientHello, TlsFactory, TlsHandler};
///
/// #[derive(Default)]
/// struct Names(Vec<String>);
///
/// impl TlsHandler for Names {
///     fn on_client_hello(&mut self, _: &FiveTupleKey, hello: &ClientHello) {
///         self.0.extend(hello.sni().map(|name| name.into_owned()));
///     }
/// }
///
/// let factory = TlsFactory::with_handler(Names::default());
/// assert!(factory.handler().0.is_empty());
/// ```
#[derive(Debug)]
pub struct TlsFactory<H> {
    handler: H,
    config: TlsConfig,
}

impl<H> TlsFactory<H> {
    /// A factory that calls `handler`.
    pub fn with_handler(handler: H) -> Self {
        Self {
            handler,
            config: TlsConfig::default(),
        }
    }

    /// The same within the limits of `config`.
    #[must_use]
    pub fn with_config(self, config: TlsConfig) -> Self {
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
    pub fn into_handler(self) -> H {
        self.handler
    }
}

impl<K, H: TlsHandler<K>> StreamFactory<K> for TlsFactory<H> {
    type Stream = TlsParser;

    fn open(&mut self, _: &K, transport: &Transport) -> Option<TlsParser> {
        transport.is_tcp().then(|| TlsParser::new(self.config))
    }

    fn feed(&mut self, parser: &mut TlsParser, key: &K, input: Input<'_>) -> Interest {
        let handler = &mut self.handler;
        let Ok(interest) = parser.feed(input, &mut |message| handler.on_message(key, &message));
        interest
    }

    fn close(&mut self, parser: &mut TlsParser, key: &K, end: StreamEnd) {
        let handler = &mut self.handler;
        parser.close(end, &mut |message| handler.on_message(key, &message));
    }
}
