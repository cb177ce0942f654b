//! The parser of a flow whose protocol is known, or nearly.

use alloc::boxed::Box;

use flowscope_core::session::{Datagram, Input, Interest, StreamEnd};
use flowscope_core::session::{DatagramParser, SessionParser};
use flowscope_core::{Sink, Timestamp};

use crate::candidates::Candidates;
use crate::{DetectError, Message, Protocol};

/// The parser of one flow. Large ones are boxed, so that a flow with a small one
/// takes no more memory than that needs.
#[derive(Clone, Debug)]
pub(crate) enum ProtocolParser {
    #[cfg(feature = "http")]
    Http(crate::http::HttpWithTunnel),
    #[cfg(feature = "tls")]
    Tls(flowscope_tls::TlsParser),
    #[cfg(feature = "dns")]
    DnsTcp {
        parser: Box<flowscope_dns::DnsTcpParser>,
        /// Whether it has given a message. Until then, that the flow is DNS is a
        /// guess by its port.
        is_confirmed: bool,
    },
    #[cfg(feature = "dns")]
    DnsUdp(flowscope_dns::DnsUdpParser),
    #[cfg(feature = "quic")]
    Quic(Box<flowscope_quic::QuicParser>),
    #[cfg(feature = "tls")]
    Dtls(flowscope_tls::DtlsParser),
    /// Several, of which the first to find its protocol is kept.
    Candidates(Box<Candidates>),
}

impl ProtocolParser {
    /// Reads what one side of a connection sent next.
    pub(crate) fn feed(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        match self {
            #[cfg(feature = "http")]
            Self::Http(http) => http.feed(input, out),
            #[cfg(feature = "tls")]
            Self::Tls(parser) => {
                let Ok(interest) = parser.feed(input, &mut |message| {
                    out.push(Message::Tls(message));
                });
                Ok(interest)
            }
            #[cfg(feature = "dns")]
            Self::DnsTcp {
                parser,
                is_confirmed,
            } => {
                let fed = parser.feed(input, &mut |message| {
                    *is_confirmed = true;
                    out.push(Message::Dns(message));
                });
                match fed {
                    // A guess that was wrong is no error of the flow.
                    Err(_) if !*is_confirmed => Ok(Interest::Done),
                    fed => Ok(fed?),
                }
            }
            #[cfg(feature = "dns")]
            Self::DnsUdp(_) => Ok(Interest::Done),
            #[cfg(feature = "quic")]
            Self::Quic(_) => Ok(Interest::Done),
            #[cfg(feature = "tls")]
            Self::Dtls(_) => Ok(Interest::Done),
            Self::Candidates(candidates) => {
                let (interest, chosen) = candidates.feed(input, out);
                if let Some(chosen) = chosen {
                    *self = chosen;
                }
                Ok(interest)
            }
        }
    }

    /// Reads a datagram.
    pub(crate) fn parse(
        &mut self,
        datagram: Datagram<'_>,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        match self {
            #[cfg(feature = "dns")]
            Self::DnsUdp(parser) => {
                Ok(parser.parse(datagram, &mut |message| out.push(Message::Dns(message)))?)
            }
            #[cfg(feature = "quic")]
            Self::Quic(parser) => {
                let Ok(interest) = parser.parse(datagram, &mut |message| {
                    out.push(Message::Quic(message));
                });
                Ok(interest)
            }
            #[cfg(feature = "tls")]
            Self::Dtls(parser) => {
                let Ok(interest) = parser.parse(datagram, &mut |message| {
                    out.push(Message::Tls(message));
                });
                Ok(interest)
            }
            _ => Ok(Interest::Done),
        }
    }

    /// One side of a connection is over.
    pub(crate) fn close(&mut self, end: StreamEnd, out: &mut dyn Sink<Message>) {
        match self {
            #[cfg(feature = "http")]
            Self::Http(http) => http.close(end, out),
            #[cfg(feature = "tls")]
            Self::Tls(parser) => {
                parser.close(end, &mut |message| out.push(Message::Tls(message)));
            }
            #[cfg(feature = "dns")]
            Self::DnsTcp { parser, .. } => {
                parser.close(end, &mut |message| out.push(Message::Dns(message)));
            }
            #[cfg(feature = "dns")]
            Self::DnsUdp(_) => {}
            #[cfg(feature = "quic")]
            Self::Quic(_) => {}
            #[cfg(feature = "tls")]
            Self::Dtls(_) => {}
            Self::Candidates(candidates) => {
                if let Some(chosen) = candidates.close(end, out) {
                    *self = chosen;
                }
            }
        }
    }

    /// A flow of datagrams is over.
    pub(crate) fn end(&mut self, at: Timestamp, out: &mut dyn Sink<Message>) {
        match self {
            #[cfg(feature = "dns")]
            Self::DnsUdp(parser) => {
                parser.close(at, &mut |message| out.push(Message::Dns(message)));
            }
            #[cfg(feature = "tls")]
            Self::Dtls(parser) => {
                parser.close(at, &mut |message| out.push(Message::Tls(message)));
            }
            _ => {}
        }
    }

    /// Bytes of memory that it takes, besides itself.
    pub(crate) fn memory(&self) -> usize {
        match self {
            #[cfg(feature = "http")]
            Self::Http(http) => http.memory(),
            #[cfg(feature = "tls")]
            Self::Tls(parser) => parser.memory(),
            #[cfg(feature = "dns")]
            Self::DnsTcp { parser, .. } => size_of_val(&**parser) + parser.memory(),
            #[cfg(feature = "dns")]
            Self::DnsUdp(parser) => parser.memory(),
            #[cfg(feature = "quic")]
            Self::Quic(parser) => size_of_val(&**parser) + parser.memory(),
            #[cfg(feature = "tls")]
            Self::Dtls(parser) => parser.memory(),
            Self::Candidates(candidates) => size_of_val(&**candidates) + candidates.memory(),
        }
    }

    pub(crate) fn next_tick(&self) -> Option<Timestamp> {
        match self {
            #[cfg(feature = "http")]
            Self::Http(http) => http.inner().and_then(SessionParser::next_tick),
            #[cfg(feature = "dns")]
            Self::DnsTcp { parser, .. } => parser.next_tick(),
            #[cfg(feature = "dns")]
            Self::DnsUdp(parser) => parser.next_tick(),
            #[cfg(feature = "tls")]
            Self::Tls(_) | Self::Dtls(_) => None,
            #[cfg(feature = "quic")]
            Self::Quic(_) => None,
            #[cfg(feature = "http")]
            Self::Candidates(candidates) => {
                SessionParser::next_tick(candidates.http.as_ref()?.inner()?)
            }
            #[cfg(not(feature = "http"))]
            Self::Candidates(_) => None,
        }
    }

    pub(crate) fn tick(&mut self, at: Timestamp, out: &mut dyn Sink<Message>) {
        match self {
            #[cfg(feature = "http")]
            Self::Http(http) => {
                if let Some(inner) = http.inner_mut() {
                    SessionParser::tick(inner, at, out);
                }
            }
            #[cfg(feature = "dns")]
            Self::DnsTcp { parser, .. } => {
                parser.tick(at, &mut |message| out.push(Message::Dns(message)));
            }
            #[cfg(feature = "dns")]
            Self::DnsUdp(parser) => {
                parser.tick(at, &mut |message| out.push(Message::Dns(message)));
            }
            #[cfg(feature = "tls")]
            Self::Tls(_) | Self::Dtls(_) => {}
            #[cfg(feature = "quic")]
            Self::Quic(_) => {}
            Self::Candidates(candidates) => {
                #[cfg(feature = "http")]
                if let Some(http) = &mut candidates.http
                    && let Some(inner) = http.inner_mut()
                {
                    SessionParser::tick(inner, at, out);
                }
                #[cfg(not(feature = "http"))]
                let _ = candidates;
            }
        }
    }

    /// Whether it has read what there was, and waits for something new to begin.
    #[cfg(feature = "quic")]
    pub(crate) fn is_at_rest(&self) -> bool {
        matches!(self, Self::Quic(parser) if parser.is_at_rest())
    }

    /// What it reads, once that is known.
    pub(crate) fn protocol(&self) -> Option<Protocol> {
        match self {
            #[cfg(feature = "http")]
            Self::Http(http) => http.reports_http().then_some(Protocol::Http),
            #[cfg(feature = "tls")]
            Self::Tls(_) => Some(Protocol::Tls),
            #[cfg(feature = "dns")]
            Self::DnsTcp { is_confirmed, .. } => is_confirmed.then_some(Protocol::Dns),
            #[cfg(feature = "dns")]
            Self::DnsUdp(_) => Some(Protocol::Dns),
            #[cfg(feature = "quic")]
            Self::Quic(_) => Some(Protocol::Quic),
            #[cfg(feature = "tls")]
            Self::Dtls(_) => Some(Protocol::Dtls),
            Self::Candidates(candidates) => candidates.protocol(),
        }
    }
}
