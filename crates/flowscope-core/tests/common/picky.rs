//! A parser to be watched.

use core::convert::Infallible;

use flowscope_core::extract::FiveTuple;
use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{
    Datagram, DatagramParser, Input, Interest, ParseError, SessionParser,
};
use flowscope_core::{FlowMessageDriver, Sink};

pub(crate) type Driver = FlowMessageDriver<FiveTuple, Picky>;

pub(crate) fn driver() -> Driver {
    Driver::with_factory(FiveTuple::bidirectional(), Picky)
}

/// Says how many bytes there are in each chunk and datagram, and gives up at an
/// exclamation mark in a stream.
#[derive(Clone, Debug)]
pub(crate) struct Picky;

impl SessionParser for Picky {
    type Message = usize;
    type Error = ParseError;

    fn feed(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<usize>,
    ) -> Result<Interest, ParseError> {
        match input.chunk {
            Chunk::Data(bytes) if bytes.contains(&b'!') => Err(ParseError::Malformed),
            Chunk::Data(bytes) => {
                out.push(bytes.len());
                Ok(Interest::More)
            }
            Chunk::Gap(_) => Ok(Interest::More),
        }
    }
}

impl DatagramParser for Picky {
    type Message = usize;
    type Error = Infallible;

    fn parse(
        &mut self,
        datagram: Datagram<'_>,
        out: &mut dyn Sink<usize>,
    ) -> Result<Interest, Infallible> {
        out.push(datagram.payload.len());
        Ok(Interest::More)
    }
}
