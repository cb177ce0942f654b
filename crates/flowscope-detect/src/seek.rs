//! Searching a connection that begins with none of the protocols, and reading
//! one whose sides speak different ones.
//!
//! TLS may follow STARTTLS or SOCKS, HTTP may follow SOCKS; and a capture may
//! begin in the middle of anything. The parsers know how to find their
//! beginning, and let go when they have looked for long enough. DNS shows
//! itself less clearly, and is looked for on its own ports alone.

#[cfg(feature = "dns")]
use alloc::boxed::Box;

use flowscope_core::session::{Close, Input, Interest, SessionParser, StreamEnd};
use flowscope_core::{BySide, FlowSide, Sink};

use crate::reader::Reader;
use crate::{Message, Protocol};

/// Parsers that each look for what is theirs. The first to find something on a
/// side gets that side: a server of HTTP answers a ClientHello in HTTP.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seek {
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<flowscope_tls::TlsParser>,
    #[cfg(feature = "http")]
    pub(crate) http: Option<crate::web::Web>,
    /// On its own ports.
    #[cfg(feature = "dns")]
    pub(crate) dns: Option<Box<flowscope_dns::DnsTcpParser>>,
    /// Whose each side is.
    pub(crate) found: BySide<Option<Protocol>>,
    /// Sides that have said something.
    pub(crate) heard: BySide<bool>,
}

impl Seek {
    /// Whether there is anything to look for.
    pub(crate) fn is_on(&self) -> bool {
        [Protocol::Tls, Protocol::Http, Protocol::Dns]
            .into_iter()
            .any(|protocol| self.has(protocol))
    }

    /// What the connection was found to be.
    pub(crate) fn protocol(&self) -> Option<Protocol> {
        let found = self.found.initiator.or(self.found.responder);
        #[cfg(feature = "http")]
        if found == Some(Protocol::Http) {
            return found.filter(|_| self.http.as_ref().is_none_or(crate::web::Web::is_heard));
        }
        found
    }

    pub(crate) fn feed(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<Message>,
    ) -> (Interest, Option<Reader>) {
        self.heard[input.side] = true;
        // What the other side speaks is the most likely.
        let order = match self.found[input.side.peer()] {
            Some(Protocol::Http) => [Protocol::Http, Protocol::Tls, Protocol::Dns],
            _ => [Protocol::Tls, Protocol::Http, Protocol::Dns],
        };
        for protocol in order {
            if self.is_open(protocol, input.side) {
                self.feed_to(protocol, input, out);
            }
            if self.found[input.side] == Some(protocol) {
                break;
            }
        }
        let interest = match self.is_over() {
            true => Interest::Done,
            false => Interest::More,
        };
        (interest, self.settled())
    }

    pub(crate) fn close(&mut self, end: StreamEnd, out: &mut dyn Sink<Message>) -> Option<Reader> {
        #[cfg(feature = "tls")]
        if let Some(parser) = &mut self.tls {
            let is_other = |side| !matches!(self.found[side], None | Some(Protocol::Tls));
            // The end of what is not TLS is none of it, but that of the side
            // which is ends it.
            for side in [end.side, end.side.peer()] {
                if !is_other(end.side) && (side == end.side || is_other(side)) {
                    let end = StreamEnd::new(side, end.at, end.how);
                    parser.close(end, &mut |message| out.push(Message::Tls(message)));
                }
            }
        }
        #[cfg(feature = "http")]
        if let Some(web) = &mut self.http
            && matches!(self.found[end.side], None | Some(Protocol::Http))
        {
            let mut found = false;
            web.close(end, &mut |message| {
                found = true;
                out.push(message);
            });
            if found {
                self.found[end.side] = Some(Protocol::Http);
            }
        }
        self.settled()
    }

    /// Whether what `side` says may be of this protocol.
    fn is_open(&self, protocol: Protocol, side: FlowSide) -> bool {
        let found = self.found[side];
        found.is_none() || found == Some(protocol)
    }

    fn has(&self, protocol: Protocol) -> bool {
        match protocol {
            #[cfg(feature = "tls")]
            Protocol::Tls => self.tls.is_some(),
            #[cfg(feature = "http")]
            Protocol::Http => self.http.is_some(),
            #[cfg(feature = "dns")]
            Protocol::Dns => self.dns.is_some(),
            #[cfg(not(all(feature = "http", feature = "tls", feature = "dns")))]
            _ => false,
        }
    }

    /// Whether nobody listens to either side. A side that is silent is not
    /// waited for when the other is over.
    fn is_over(&self) -> bool {
        FlowSide::BOTH.iter().all(|side| match self.found[*side] {
            Some(protocol) => !self.has(protocol),
            None => {
                let other = self.found[side.peer()];
                let is_over = other.is_some_and(|protocol| !self.has(protocol));
                !self.is_on() || (is_over && !self.heard[*side])
            }
        })
    }

    /// The one parser that is left, if both sides are its own.
    fn settled(&mut self) -> Option<Reader> {
        match (self.found.initiator, self.found.responder) {
            #[cfg(feature = "tls")]
            (Some(Protocol::Tls), Some(Protocol::Tls)) => self.tls.take().map(Reader::Tls),
            #[cfg(feature = "http")]
            (Some(Protocol::Http), Some(Protocol::Http)) => self.http.take().map(Reader::Http),
            // On its own ports nothing else is looked for on the other side.
            #[cfg(feature = "dns")]
            (Some(Protocol::Dns), None | Some(Protocol::Dns)) | (None, Some(Protocol::Dns)) => {
                self.dns.take().map(|parser| Reader::Dns {
                    parser,
                    has_spoken: true,
                })
            }
            _ => None,
        }
    }

    fn feed_to(&mut self, protocol: Protocol, input: Input<'_>, out: &mut dyn Sink<Message>) {
        let found = match protocol {
            #[cfg(feature = "tls")]
            Protocol::Tls => self.feed_tls(input, out),
            #[cfg(feature = "http")]
            Protocol::Http => self.feed_http(input, out),
            #[cfg(feature = "dns")]
            Protocol::Dns => self.feed_dns(input, out),
            #[cfg(not(all(feature = "http", feature = "tls", feature = "dns")))]
            _ => false,
        };
        if found {
            self.found[input.side] = Some(protocol);
            self.forget(StreamEnd::new(input.side, input.at, Close::Lost));
        }
    }

    /// Ends a side for HTTP that is another's: what was held of it is nothing.
    /// TLS holds nothing, and would not wait for the other side then.
    fn forget(&mut self, end: StreamEnd) {
        #[cfg(feature = "http")]
        if let Some(web) = &mut self.http
            && self.found[end.side] != Some(Protocol::Http)
        {
            web.close(end, &mut |_| {});
        }
        #[cfg(not(feature = "http"))]
        let _ = end;
    }

    #[cfg(feature = "tls")]
    fn feed_tls(&mut self, input: Input<'_>, out: &mut dyn Sink<Message>) -> bool {
        let Some(parser) = &mut self.tls else {
            return false;
        };
        let is_known = self.found[input.side] == Some(Protocol::Tls);
        let mut has_begun = is_known || parser.has_begun(input.side);
        let Ok(interest) = parser.feed(input, &mut |message| {
            // Nobody said that it is TLS, so there is nothing to complain of.
            let is_odd = matches!(message, flowscope_tls::TlsMessage::Anomaly(_));
            if has_begun || !is_odd {
                has_begun = true;
                out.push(Message::Tls(message));
            }
        });
        let found = parser.has_begun(input.side);
        if interest == Interest::Done {
            self.tls = None;
        }
        found
    }

    #[cfg(feature = "http")]
    fn feed_http(&mut self, input: Input<'_>, out: &mut dyn Sink<Message>) -> bool {
        let Some(web) = &mut self.http else {
            return false;
        };
        let fed = web.feed(input, out);
        let found = web.has_begun(input.side);
        if fed != Ok(Interest::More) {
            self.http = None;
        }
        found
    }

    #[cfg(feature = "dns")]
    fn feed_dns(&mut self, input: Input<'_>, out: &mut dyn Sink<Message>) -> bool {
        let Some(parser) = &mut self.dns else {
            return false;
        };
        let mut found = false;
        let fed = parser.feed(input, &mut |message| {
            found = true;
            out.push(Message::Dns(message));
        });
        if !found && fed != Ok(Interest::More) {
            self.dns = None;
        }
        found
    }
}
