//! What both sides have said.

use flowscope_core::{BySide, FlowSide, Sink, Timestamp};

use crate::handshake::{
    CERTIFICATE, CLIENT_HELLO, HELLO_RETRY_REQUEST, HELLO_VERIFY_REQUEST, SERVER_HELLO,
    SERVER_HELLO_DONE, SERVER_KEY_EXCHANGE,
};
use crate::history::History;
use crate::probe::Preceding;
use crate::{
    Alert, CertificateChain, ClientHello, Handshake, HelloFormat, HelloVerifyRequest, Outcome,
    Resumption, ServerHello, TlsAnomaly, TlsConfig, TlsError, TlsMessage, TlsTransport,
};

/// What is known of the handshake.
#[derive(Clone, Debug, Default)]
pub(crate) struct Exchange {
    pub(crate) client: Option<ClientHello>,
    pub(crate) server: Option<ServerHello>,
    retry: Option<ServerHello>,
    verify: Option<HelloVerifyRequest>,
    certificates: Option<CertificateChain>,
    /// The first fatal alert, and when it came.
    alert: Option<(Alert, Timestamp)>,
    started: Option<Timestamp>,
    /// When a side last went on encrypted.
    encrypted: Option<Timestamp>,
    /// Whether the server took part in a key exchange.
    has_key_exchange: bool,
    /// Whether it went on encrypted without one.
    pub(crate) resumes_at_once: bool,
    /// Whether bytes of either side are missing.
    pub(crate) has_gap: bool,
    /// The sides of which an anomaly was reported: one is enough for each.
    reported: BySide<bool>,
    /// What was said, in order.
    history: History,
    /// The group of the server's key exchange, before TLS 1.3.
    group: Option<u16>,
}

/// What every step needs: the limits, the time of the packet, and the sink.
pub(crate) struct Context<'a> {
    pub(crate) config: TlsConfig,
    pub(crate) transport: TlsTransport,
    pub(crate) at: Timestamp,
    pub(crate) out: &'a mut dyn Sink<TlsMessage>,
}

impl Context<'_> {
    fn report(&mut self, message: TlsMessage) {
        if self.config.report.wants_messages() {
            self.out.push(message);
        }
    }

    /// Whether a message is the last one, sent again. Only DTLS does that; on a
    /// stream, it would be another one.
    fn is_repeated<T: Eq>(&self, last: Option<&T>, message: &T) -> bool {
        self.transport == TlsTransport::Dtls && last == Some(message)
    }
}

/// How a side goes on after a message.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Next {
    Plain,
    Encrypted,
}

impl Exchange {
    /// Bytes of memory that the messages take which the summary is made of.
    pub(crate) fn memory(&self) -> usize {
        let client = self.client.as_ref().map_or(0, ClientHello::memory);
        let servers = [&self.server, &self.retry].into_iter().flatten();
        let servers: usize = servers.map(ServerHello::memory).sum();
        let certificates = self.certificates.as_ref();
        client + servers + certificates.map_or(0, CertificateChain::memory)
    }

    /// A whole message, of a type that is read.
    pub(crate) fn message(
        &mut self,
        kind: u8,
        body: &[u8],
        side: FlowSide,
        context: &mut Context<'_>,
    ) -> Result<Next, TlsError> {
        let transport = context.transport;
        self.history.message(kind, side);
        match kind {
            CLIENT_HELLO => ClientHello::parse(body, side, transport)
                .map(|hello| self.client_hello(hello, context)),
            SERVER_HELLO => ServerHello::parse(body, side, transport)
                .map(|hello| self.server_hello(hello, context)),
            HELLO_RETRY_REQUEST => ServerHello::parse_retry_of_drafts(body, side, transport)
                .map(|hello| self.server_hello(hello, context)),
            HELLO_VERIFY_REQUEST => {
                let request = HelloVerifyRequest::parse(body, side)?;
                if self.verify.as_ref() != Some(&request) {
                    self.verify = Some(request.clone());
                    context.report(TlsMessage::HelloVerifyRequest(request));
                }
                Ok(Next::Plain)
            }
            CERTIFICATE => {
                CertificateChain::parse(body, side).map(|chain| self.certificates(chain, context))
            }
            SERVER_KEY_EXCHANGE => {
                self.has_key_exchange = true;
                // A named curve (RFC 8422, section 5.4).
                if let [3, high, low, ..] = *body {
                    self.group = Some(u16::from_be_bytes([high, low]));
                }
                Ok(Next::Plain)
            }
            _ => Ok(Next::Plain),
        }
    }

    /// What `side` sends is not what it should be. It is reported once.
    pub(crate) fn fail(&mut self, error: TlsError, side: FlowSide, context: &mut Context<'_>) {
        if core::mem::replace(&mut self.reported[side], true) {
            return;
        }
        let at = context.at;
        let anomaly = TlsAnomaly { side, at, error };
        context.out.push(TlsMessage::Anomaly(anomaly));
    }

    /// A message that is not read.
    pub(crate) fn other(&mut self, kind: u8, side: FlowSide) {
        self.history.message(kind, side);
        self.has_key_exchange |= matches!(kind, SERVER_KEY_EXCHANGE | SERVER_HELLO_DONE);
    }

    pub(crate) fn client_hello(&mut self, hello: ClientHello, context: &mut Context<'_>) -> Next {
        self.started.get_or_insert(context.at);
        if hello.format() == HelloFormat::Ssl2 {
            self.history.message(CLIENT_HELLO, hello.side());
        }
        if context.is_repeated(self.client.as_ref(), &hello) {
            return Next::Plain;
        }
        self.client = Some(hello.clone());
        context.report(TlsMessage::ClientHello(hello));
        Next::Plain
    }

    fn server_hello(&mut self, hello: ServerHello, context: &mut Context<'_>) -> Next {
        self.started.get_or_insert(context.at);
        let next = match hello.encrypts_at_once() {
            true => Next::Encrypted,
            false => Next::Plain,
        };
        if hello.hello_retry_request() {
            self.history.retry();
        }
        let place = match hello.hello_retry_request() {
            true => &mut self.retry,
            false => &mut self.server,
        };
        if context.is_repeated(place.as_ref(), &hello) {
            return next;
        }
        *place = Some(hello.clone());
        // What follows is not read. A client that sent an identifier wants the
        // change of a version before, and gets it here (RFC 8446, appendix D.4).
        let has_change = hello.encrypts_at_once()
            && !hello.session_id().is_empty()
            && context.transport == TlsTransport::Tcp
            && !self.history.has_change(hello.side());
        if has_change {
            self.history.change_cipher_spec(hello.side());
        }
        context.report(TlsMessage::ServerHello(hello));
        next
    }

    fn certificates(&mut self, chain: CertificateChain, context: &mut Context<'_>) -> Next {
        // A client's certificate is given too, but the summary is about the server.
        if self.client_side() != Some(chain.side()) {
            self.has_key_exchange = true;
            self.certificates = Some(chain.clone());
        }
        context.report(TlsMessage::Certificate(chain));
        Next::Plain
    }

    pub(crate) fn alert(&mut self, alert: Alert, context: &mut Context<'_>) {
        self.history.alert(alert.side());
        if alert.is_fatal() {
            self.alert.get_or_insert((alert, context.at));
        }
        context.report(TlsMessage::Alert(alert));
    }

    /// `side` sent a ChangeCipherSpec. Before TLS 1.3 what follows is encrypted;
    /// since then it means nothing (RFC 8446, section 5).
    pub(crate) fn change_cipher_spec(&mut self, side: FlowSide) -> Change {
        self.history.change_cipher_spec(side);
        if self.retry.is_some() || self.server.as_ref().is_some_and(ServerHello::is_modern) {
            return Change::Nothing;
        }
        match (&self.server, self.client_side()) {
            (Some(server), _) => {
                let is_server = server.side() == side;
                self.resumes_at_once |= is_server && !self.has_key_exchange && !self.has_gap;
                Change::Encrypted
            }
            // A client that offers early data sends it right behind its hello, when
            // the version is not known yet (RFC 8446, appendix D.4).
            (None, Some(client)) if client == side => Change::Unknown,
            (None, _) => Change::Encrypted,
        }
    }

    /// Whether what `side` sends encrypted may be followed by a hello: early
    /// data before an answer, which may be to ask for another hello.
    pub(crate) fn may_be_early_data(&self, side: FlowSide) -> bool {
        self.server.is_none()
            && self
                .client
                .as_ref()
                .is_some_and(|hello| hello.side() == side && hello.early_data())
    }

    /// Whether `side` was asked for another hello.
    pub(crate) fn awaits_hello(&self, side: FlowSide) -> bool {
        self.server.is_none()
            && self
                .retry
                .as_ref()
                .is_some_and(|hello| hello.side() != side)
    }

    /// Whether anything was said.
    pub(crate) fn has_begun(&self) -> bool {
        self.started.is_some()
    }

    /// The random bytes of the client, if its hello was read.
    pub(crate) fn client_random(&self) -> Option<[u8; 32]> {
        self.client.as_ref()?.random().try_into().ok()
    }

    /// Whether a ClientHello with these random bytes belongs to another handshake
    /// than this. The messages of each are counted from 0, and a client that is asked
    /// for another hello should say the same random bytes again.
    pub(crate) fn is_of_another(&self, random: &[u8; 32], message_seq: u16) -> bool {
        let is_same = self.client.as_ref().is_none_or(|it| it.random() == random);
        !is_same && (message_seq == 0 || self.server.is_some())
    }

    /// Whether a version before TLS 1.3 was agreed on.
    pub(crate) fn is_classic(&self) -> bool {
        self.server.as_ref().is_some_and(|hello| !hello.is_modern())
    }

    /// What may come before the next record that is searched for.
    pub(crate) fn preceding(&self) -> Preceding {
        match self.started {
            Some(_) => Preceding::Records,
            None => Preceding::OtherProtocol,
        }
    }

    pub(crate) fn encrypted(&mut self, at: Timestamp) {
        self.encrypted = Some(at);
    }

    /// Reports the summary, once, if there was a hello.
    pub(crate) fn report(&mut self, is_encrypted: bool, context: &mut Context<'_>) {
        if let Some(summary) = self.summary(is_encrypted, context.at)
            && context.config.report.wants_handshakes()
        {
            context.out.push(TlsMessage::Handshake(Box::new(summary)));
        }
    }

    fn summary(&mut self, is_encrypted: bool, now: Timestamp) -> Option<Handshake> {
        let started = self.started.take()?;
        let (outcome, ended) = match (is_encrypted, self.alert) {
            (true, _) => (Outcome::Encrypted, self.encrypted.unwrap_or(now)),
            (false, Some((alert, at))) => (Outcome::Alert(alert), at),
            (false, None) => (Outcome::Incomplete, now),
        };
        let client_side = self.client_side().unwrap_or(FlowSide::Initiator);
        let history = core::mem::take(&mut self.history).letters(client_side);
        let (client, server) = (self.client.take(), self.server.take());
        Some(Handshake {
            history,
            group: self.group,
            resumption: Resumption::of(client.as_ref(), server.as_ref(), self.resumes_at_once),
            client,
            server,
            retry: self.retry.take(),
            certificates: self.certificates.take(),
            outcome,
            started,
            ended,
        })
    }

    fn client_side(&self) -> Option<FlowSide> {
        let server = self.server.as_ref().or(self.retry.as_ref());
        match &self.client {
            Some(hello) => Some(hello.side()),
            None => server.map(|hello| hello.side().peer()),
        }
    }
}

/// What a ChangeCipherSpec means.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Change {
    Nothing,
    Encrypted,
    /// The version is not known yet.
    Unknown,
}
