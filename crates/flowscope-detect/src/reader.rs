//! The parser of a flow whose protocol is known, or nearly.

use alloc::boxed::Box;

use flowscope_core::session::{Datagram, Input, Interest, StreamEnd};
use flowscope_core::session::{DatagramParser, SessionParser};
use flowscope_core::{Sink, Timestamp};

use crate::seek::Seek;
use crate::{DetectError, Message, Protocol};

/// A parser. The large ones are in a place of their own, as most flows have
/// others.
#[derive(Clone, Debug)]
pub(crate) enum Reader {
    #[cfg(feature = "http")]
    Http(crate::web::Web),
    #[cfg(feature = "tls")]
    Tls(flowscope_tls::TlsParser),
    #[cfg(feature = "dns")]
    Dns {
        parser: Box<flowscope_dns::DnsTcpParser>,
        has_spoken: bool,
    },
    #[cfg(feature = "dns")]
    DnsDatagrams(flowscope_dns::DnsUdpParser),
    /// Several, until one of them finds something.
    Seek(Box<Seek>),
}

impl Reader {
    /// Takes what one side of a connection sent next.
    pub(crate) fn feed(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        match self {
            #[cfg(feature = "http")]
            Self::Http(web) => web.feed(input, out),
            #[cfg(feature = "tls")]
            Self::Tls(parser) => {
                let Ok(interest) = parser.feed(input, &mut |message| {
                    out.push(Message::Tls(message));
                });
                Ok(interest)
            }
            #[cfg(feature = "dns")]
            Self::Dns { parser, has_spoken } => {
                let fed = parser.feed(input, &mut |message| {
                    *has_spoken = true;
                    out.push(Message::Dns(message));
                });
                match fed {
                    // It was a guess.
                    Err(_) if !*has_spoken => Ok(Interest::Done),
                    fed => Ok(fed?),
                }
            }
            #[cfg(feature = "dns")]
            Self::DnsDatagrams(_) => Ok(Interest::Done),
            Self::Seek(seek) => {
                let (interest, found) = seek.feed(input, out);
                if let Some(found) = found {
                    *self = found;
                }
                Ok(interest)
            }
        }
    }

    /// Takes a datagram.
    pub(crate) fn parse(
        &mut self,
        datagram: Datagram<'_>,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        match self {
            #[cfg(feature = "dns")]
            Self::DnsDatagrams(parser) => {
                Ok(parser.parse(datagram, &mut |message| out.push(Message::Dns(message)))?)
            }
            _ => Ok(Interest::Done),
        }
    }

    /// One side of a connection is over.
    pub(crate) fn close(&mut self, end: StreamEnd, out: &mut dyn Sink<Message>) {
        match self {
            #[cfg(feature = "http")]
            Self::Http(web) => web.close(end, out),
            #[cfg(feature = "tls")]
            Self::Tls(parser) => {
                parser.close(end, &mut |message| out.push(Message::Tls(message)));
            }
            #[cfg(feature = "dns")]
            Self::Dns { parser, .. } => {
                parser.close(end, &mut |message| out.push(Message::Dns(message)));
            }
            #[cfg(feature = "dns")]
            Self::DnsDatagrams(_) => {}
            Self::Seek(seek) => {
                if let Some(found) = seek.close(end, out) {
                    *self = found;
                }
            }
        }
    }

    /// A flow of datagrams is over.
    pub(crate) fn end(&mut self, at: Timestamp, out: &mut dyn Sink<Message>) {
        #[cfg(feature = "dns")]
        if let Self::DnsDatagrams(parser) = self {
            parser.close(at, &mut |message| out.push(Message::Dns(message)));
        }
    }

    pub(crate) fn next_tick(&self) -> Option<Timestamp> {
        match self {
            #[cfg(feature = "http")]
            Self::Http(web) => web.inner().and_then(SessionParser::next_tick),
            #[cfg(feature = "dns")]
            Self::Dns { parser, .. } => parser.next_tick(),
            #[cfg(feature = "dns")]
            Self::DnsDatagrams(parser) => parser.next_tick(),
            #[cfg(feature = "tls")]
            Self::Tls(_) => None,
            #[cfg(feature = "http")]
            Self::Seek(seek) => SessionParser::next_tick(seek.http.as_ref()?.inner()?),
            #[cfg(not(feature = "http"))]
            Self::Seek(_) => None,
        }
    }

    pub(crate) fn tick(&mut self, at: Timestamp, out: &mut dyn Sink<Message>) {
        match self {
            #[cfg(feature = "http")]
            Self::Http(web) => {
                if let Some(inner) = web.inner_mut() {
                    SessionParser::tick(inner, at, out);
                }
            }
            #[cfg(feature = "dns")]
            Self::Dns { parser, .. } => {
                parser.tick(at, &mut |message| out.push(Message::Dns(message)));
            }
            #[cfg(feature = "dns")]
            Self::DnsDatagrams(parser) => {
                parser.tick(at, &mut |message| out.push(Message::Dns(message)));
            }
            #[cfg(feature = "tls")]
            Self::Tls(_) => {}
            Self::Seek(seek) => {
                #[cfg(feature = "http")]
                if let Some(inner) = seek.http.as_mut().and_then(crate::web::Web::inner_mut) {
                    SessionParser::tick(inner, at, out);
                }
                #[cfg(not(feature = "http"))]
                let _ = seek;
            }
        }
    }

    /// What it reads, once that is known.
    pub(crate) fn protocol(&self) -> Option<Protocol> {
        match self {
            #[cfg(feature = "http")]
            Self::Http(web) => web.is_heard().then_some(Protocol::Http),
            #[cfg(feature = "tls")]
            Self::Tls(_) => Some(Protocol::Tls),
            #[cfg(feature = "dns")]
            Self::Dns { has_spoken, .. } => has_spoken.then_some(Protocol::Dns),
            #[cfg(feature = "dns")]
            Self::DnsDatagrams(_) => Some(Protocol::Dns),
            Self::Seek(seek) => seek.protocol(),
        }
    }
}

/// A reader in a place of its own, as most flows need none.
pub(crate) type BoxedReader = Box<Reader>;
