//! Searching a connection that begins with none of the protocols.
//!
//! TLS may follow STARTTLS or SOCKS, HTTP may follow SOCKS; and a capture may
//! begin in the middle of anything. The parsers know how to find their
//! beginning, and let go when they have looked for long enough. DNS shows
//! itself less clearly, and is looked for on its own ports alone.

#[cfg(feature = "dns")]
use alloc::boxed::Box;

use flowscope_core::Sink;
use flowscope_core::session::{Input, Interest, SessionParser, StreamEnd};

use crate::Message;
use crate::reader::Reader;

/// Parsers that each look for what is theirs. The first to find something gets
/// the connection.
#[derive(Clone, Debug, Default)]
pub(crate) struct Seek {
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<flowscope_tls::TlsParser>,
    #[cfg(feature = "http")]
    pub(crate) http: Option<crate::web::Web>,
    /// On its own ports.
    #[cfg(feature = "dns")]
    pub(crate) dns: Option<Box<flowscope_dns::DnsTcpParser>>,
}

impl Seek {
    /// Whether there is anything to look for.
    pub(crate) fn is_on(&self) -> bool {
        #[cfg(feature = "tls")]
        if self.tls.is_some() {
            return true;
        }
        #[cfg(feature = "http")]
        if self.http.is_some() {
            return true;
        }
        #[cfg(feature = "dns")]
        if self.dns.is_some() {
            return true;
        }
        false
    }

    pub(crate) fn feed(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<Message>,
    ) -> (Interest, Option<Reader>) {
        let mut is_over = true;
        #[cfg(feature = "tls")]
        if let Some(parser) = &mut self.tls {
            let mut found = 0;
            let fed = parser.feed(input, &mut |message| {
                found += 1;
                out.push(Message::Tls(message));
            });
            match (found, fed) {
                // Nobody said that it is TLS, so there is nothing to complain of.
                (0, Ok(Interest::Done) | Err(_)) => self.tls = None,
                (0, Ok(Interest::More)) => is_over = false,
                (_, fed) => {
                    let interest = fed.unwrap_or(Interest::Done);
                    return (interest, self.tls.take().map(Reader::Tls));
                }
            }
        }
        #[cfg(feature = "http")]
        if let Some(web) = &mut self.http {
            let mut found = 0;
            let fed = web.feed(input, &mut |message| {
                found += 1;
                out.push(message);
            });
            match (found, fed) {
                (0, Ok(Interest::Done) | Err(_)) => self.http = None,
                (0, Ok(Interest::More)) => is_over = false,
                (_, fed) => {
                    let interest = fed.unwrap_or(Interest::Done);
                    return (interest, self.http.take().map(Reader::Http));
                }
            }
        }
        #[cfg(feature = "dns")]
        if let Some(parser) = &mut self.dns {
            let mut found = 0;
            let fed = parser.feed(input, &mut |message| {
                found += 1;
                out.push(Message::Dns(message));
            });
            match (found, fed) {
                (0, Ok(Interest::Done) | Err(_)) => self.dns = None,
                (0, Ok(Interest::More)) => is_over = false,
                (_, fed) => {
                    let interest = fed.unwrap_or(Interest::Done);
                    let reader = self.dns.take().map(|parser| Reader::Dns {
                        parser,
                        has_spoken: true,
                    });
                    return (interest, reader);
                }
            }
        }
        match is_over {
            true => (Interest::Done, None),
            false => (Interest::More, None),
        }
    }

    pub(crate) fn close(&mut self, end: StreamEnd, out: &mut dyn Sink<Message>) -> Option<Reader> {
        let mut found = false;
        #[cfg(feature = "tls")]
        if let Some(parser) = &mut self.tls {
            parser.close(end, &mut |message| {
                found = true;
                out.push(Message::Tls(message));
            });
            if found {
                return self.tls.take().map(Reader::Tls);
            }
        }
        #[cfg(feature = "http")]
        if let Some(web) = &mut self.http {
            web.close(end, &mut |message| {
                found = true;
                out.push(message);
            });
            if found {
                return self.http.take().map(Reader::Http);
            }
        }
        None
    }
}
