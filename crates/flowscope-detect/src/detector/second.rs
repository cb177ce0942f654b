//! The side that did not tell what a connection is.
//!
//! It need not speak the same: a server of HTTP to which TLS is spoken says so
//! in HTTP, and one of TLS answers anything else with an alert. So its first
//! bytes are looked at, too, and it gets a parser of its own where it needs one.

use alloc::boxed::Box;

use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{Input, Interest, StreamEnd};
use flowscope_core::{FlowSide, Sink};

use super::{Detector, State};
use crate::held::{Event, Held};
use crate::likeness::{Answer, answer};
use crate::reader::Reader;
use crate::seek::Seek;
use crate::{DetectError, Message, Protocol};

/// What is known of that side.
#[derive(Clone, Debug, Default)]
pub(super) enum Second {
    /// It speaks the same, or has a parser of its own.
    #[default]
    Known,
    /// It may answer in another protocol than this one, and has said nothing.
    Silent(FlowSide, Protocol),
    /// It has said too little to tell.
    Held(FlowSide, Protocol, Box<Held>),
}

impl Detector {
    /// Whether something of another protocol is looked for that may answer one
    /// of this.
    pub(super) fn may_be_answered(&self, protocol: Protocol) -> bool {
        [Protocol::Http, Protocol::Tls]
            .into_iter()
            .any(|other| other != protocol && self.wants(other))
    }

    /// Looks at what `side` says first, which need not be of `protocol`, too.
    pub(super) fn await_answer(&mut self, side: FlowSide, protocol: Protocol) {
        if self.may_be_answered(protocol) {
            self.second = Second::Silent(side, protocol);
        }
    }

    /// Finds out what the second side speaks.
    #[cold]
    pub(super) fn hear_second(
        &mut self,
        protocol: Protocol,
        input: Input<'_>,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        let second = core::mem::take(&mut self.second);
        let max_held = usize::from(self.shared.config.max_held);
        if let (Second::Silent(..), Chunk::Data(bytes)) = (&second, input.chunk)
            && let first = bytes.get(..max_held).unwrap_or(bytes)
            && let Some(answer) = answer(first, input.side, protocol)
        {
            self.part(input.side, protocol, answer);
            return self.read_on(input, out);
        }
        let mut held = match second {
            Second::Held(_, _, held) => held,
            Second::Silent(..) | Second::Known => Box::default(),
        };
        let rest = held.push(input, max_held);
        let must = held.is_full() || !rest.is_empty();
        match answer(held.first(input.side), input.side, protocol) {
            Some(answer) => self.part(input.side, protocol, answer),
            None if must => self.part(input.side, protocol, Answer::Alike),
            None => {
                self.second = Second::Held(input.side, protocol, held);
                return Ok(Interest::More);
            }
        }
        if self.replay(&held, out)? == Interest::Done || rest.is_empty() {
            return Ok(self.interest());
        }
        self.read_on(Input::new(input.side, input.at, Chunk::Data(rest)), out)
    }

    fn replay(
        &mut self,
        held: &Held,
        out: &mut dyn Sink<Message>,
    ) -> Result<Interest, DetectError> {
        for event in held.events() {
            if let Event::Input(input) = event
                && self.read_on(input, out)? == Interest::Done
            {
                break;
            }
        }
        Ok(self.interest())
    }

    /// Gives `side` a parser of its own, if it speaks another protocol that is
    /// looked for.
    #[cfg_attr(not(all(feature = "http", feature = "tls")), allow(unused_variables))]
    fn part(&mut self, side: FlowSide, protocol: Protocol, answer: Answer) {
        let other = match answer {
            Answer::In(other) if self.wants(other) => other,
            Answer::In(_) | Answer::Alike => {
                if let State::Unwanted = self.state {
                    self.state = State::Done;
                }
                return;
            }
        };
        let mut seek = Seek::default();
        seek.found[side] = Some(other);
        seek.found[side.peer()] = Some(protocol);
        let first = match core::mem::take(&mut self.state) {
            State::Reading(reader) => Some(*reader),
            _ => None,
        };
        for reader in first.into_iter().chain([self.reader(other)]) {
            match reader {
                #[cfg(feature = "http")]
                Reader::Http(web) => seek.http = Some(web),
                #[cfg(feature = "tls")]
                Reader::Tls(parser) => seek.tls = Some(parser),
                #[cfg(feature = "dns")]
                Reader::Dns { parser, .. } => seek.dns = Some(parser),
                #[cfg(feature = "dns")]
                Reader::DnsDatagrams(_) => {}
                Reader::Seek(_) => {}
            }
        }
        self.state = State::Reading(Box::new(Reader::Seek(Box::new(seek))));
    }

    /// A side is over: what it has said was all.
    pub(super) fn close_second(&mut self, end: StreamEnd, out: &mut dyn Sink<Message>) {
        match core::mem::take(&mut self.second) {
            // What it has said was all.
            Second::Held(side, protocol, held) if side == end.side => {
                self.part(side, protocol, Answer::Alike);
                // What is wrong is known by the state.
                let _ = self.replay(&held, out);
            }
            Second::Silent(side, _) if side == end.side => {
                if let State::Unwanted = self.state {
                    self.state = State::Done;
                }
            }
            second => self.second = second,
        }
    }
}
