//! A connection that begins with none of the protocols.

use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Close, Input, Interest, StreamEnd};
use flowscope_core::{FlowSide, Sink};

use super::Detector;
use super::state::{Parsing, State};
use crate::protocol_parser::ProtocolParser;
use crate::search::{Limits, Search, Searched};
use crate::{DetectError, Message, Protocol};

impl Detector {
    /// Before a connection is searched of which `side` begins with none of the
    /// protocols.
    pub(super) fn new_search(&self, side: FlowSide) -> State {
        let Limits { tls, http, .. } = self.search_limits();
        match tls > 0 || http > 0 {
            true => State::Searching(Search::new(side)),
            false => State::Done,
        }
    }

    fn search_limits(&self) -> Limits {
        #[cfg(feature = "tls")]
        let tls = self.config().tls.max_prelude;
        #[cfg(not(feature = "tls"))]
        let tls = 0;
        #[cfg(feature = "http")]
        let http = self.max_http_prelude();
        #[cfg(not(feature = "http"))]
        let http = 0;
        let selected = |protocol, limit| if self.selects(protocol) { limit } else { 0 };
        Limits {
            tls: selected(Protocol::Tls, tls),
            http: selected(Protocol::Http, http),
            chunks: self.config().max_search_chunks,
        }
    }

    /// Searches what one side sent next. From where a message may begin, parsers
    /// read on.
    pub(super) fn search(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        let limits = self.search_limits();
        let State::Searching(search) = &mut self.state else {
            return Ok(self.state.interest());
        };
        let (held, rest) = match search.feed(input, limits) {
            Searched::More => return Ok(Interest::More),
            Searched::Nothing => {
                self.state = State::Done;
                return Ok(Interest::Done);
            }
            Searched::Found { held, rest } => (held, rest),
        };
        self.begin_candidates(input, out);
        for (bytes, at) in held.pieces().chain([(rest, input.at)]) {
            if !bytes.is_empty() {
                let input = Input::new(input.side, at, Chunk::Data(bytes));
                if self.feed_parser(input, out)? == Interest::Done {
                    return Ok(Interest::Done);
                }
            }
        }
        Ok(self.state.interest())
    }

    /// Hands a connection that was searched over to parsers.
    #[cold]
    fn begin_candidates(&mut self, input: Input<'_>, out: &mut dyn Sink<Message>) {
        let State::Searching(search) = core::mem::take(&mut self.state) else {
            return;
        };
        let searched = search.searched();
        let Some(ProtocolParser::Candidates(mut candidates)) = self.candidates(searched) else {
            self.state = State::Done;
            return;
        };
        for side in FlowSide::BOTH {
            if searched[side] > 0 || search.has_gap(side) {
                candidates.note_unknown(side);
            }
        }
        let parser = ProtocolParser::Candidates(candidates);
        self.state = State::Parsing(Parsing::new(parser, None));
        if let Some(side) = search.closed() {
            self.close_side(StreamEnd::new(side, input.at, Close::Fin), out);
        }
    }
}
