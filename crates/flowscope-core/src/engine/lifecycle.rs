//! Flows without their payload.

use core::marker::PhantomData;

use super::{Consumer, FlowEnd, FlowRef, Reaction};
use crate::extract::Extracted;
use crate::track::{Anomalies, FlowEvent};
use crate::{FlowSide, Sink};

/// Reports what becomes of the flows, and keeps an `S` of the user's for each.
#[derive(Debug)]
pub struct Lifecycle<S = ()> {
    state: PhantomData<fn() -> S>,
}

impl<S> Default for Lifecycle<S> {
    fn default() -> Self {
        Self { state: PhantomData }
    }
}

impl<K, S: Default> Consumer<K> for Lifecycle<S> {
    type Flow = S;
    type Event = FlowEvent<K>;
    type Pending = ();

    fn open(
        &mut self,
        _: FlowRef<'_, K>,
        _: &Extracted<'_, K>,
        _: &mut impl Sink<FlowEvent<K>>,
    ) -> S {
        S::default()
    }

    #[inline]
    fn packet(
        &mut self,
        _: &mut S,
        _: FlowRef<'_, K>,
        _: FlowSide,
        _: &Extracted<'_, K>,
        _: &mut impl Sink<FlowEvent<K>>,
    ) -> Reaction {
        Reaction::NONE
    }

    fn close(
        &mut self,
        _: &mut S,
        _: FlowRef<'_, K>,
        _: FlowEnd<'_>,
        _: &mut impl Sink<FlowEvent<K>>,
    ) -> Anomalies {
        Anomalies::NONE
    }
}
