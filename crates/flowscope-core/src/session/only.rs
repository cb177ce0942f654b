//! Parsers for one kind of flow alone.

use core::convert::Infallible;
use core::marker::PhantomData;

use super::{Datagram, DatagramParser, Either, FlowFactory, Input, Interest, SessionParser};
use crate::Sink;
use crate::wire::Transport;

/// Gives TCP connections the parsers of a factory, and no other flow any.
#[derive(Debug)]
pub struct OnlySessions<F, M> {
    factory: F,
    message: PhantomData<fn() -> M>,
}

/// Gives TCP connections no parser, and all other flows those of a factory.
#[derive(Debug)]
pub struct OnlyDatagrams<F, M> {
    factory: F,
    message: PhantomData<fn() -> M>,
}

impl<F, M> OnlySessions<F, M> {
    /// Asks `factory` about TCP connections.
    pub(crate) const fn new(factory: F) -> Self {
        Self {
            factory,
            message: PhantomData,
        }
    }
}

impl<F, M> OnlyDatagrams<F, M> {
    /// Asks `factory` about flows that are no TCP connections.
    pub(crate) const fn new(factory: F) -> Self {
        Self {
            factory,
            message: PhantomData,
        }
    }
}

impl<K, F: FlowFactory<K>, M> FlowFactory<K> for OnlySessions<F, M> {
    type Parser = Either<F::Parser, Never<M>, M>;

    fn open(&mut self, key: &K, transport: &Transport) -> Option<Self::Parser> {
        match transport.is_tcp() {
            true => self.factory.open(key, transport).map(Either::session),
            false => None,
        }
    }
}

impl<K, F: FlowFactory<K>, M> FlowFactory<K> for OnlyDatagrams<F, M> {
    type Parser = Either<Never<M>, F::Parser, M>;

    fn open(&mut self, key: &K, transport: &Transport) -> Option<Self::Parser> {
        match transport.is_tcp() {
            true => None,
            false => self.factory.open(key, transport).map(Either::datagrams),
        }
    }
}

/// The parser that no flow has, of messages of any type.
#[derive(Debug)]
pub struct Never<M>(Infallible, PhantomData<fn() -> M>);

impl<M> SessionParser for Never<M> {
    type Message = M;
    type Error = Infallible;

    fn feed(&mut self, _: Input<'_>, _: &mut dyn Sink<M>) -> Result<Interest, Infallible> {
        match self.0 {}
    }
}

impl<M> DatagramParser for Never<M> {
    type Message = M;
    type Error = Infallible;

    fn parse(&mut self, _: Datagram<'_>, _: &mut dyn Sink<M>) -> Result<Interest, Infallible> {
        match self.0 {}
    }
}
