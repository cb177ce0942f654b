//! Which flows get a parser.

use crate::wire::Transport;

/// Makes the parser of each flow, or none.
///
/// A parser that is `Clone` is its own factory: every flow gets a copy. A
/// closure that looks at the key goes into [`ByKey`]. For anything else, such
/// as a parser that needs the key or shares something with the others,
/// implement it for a type that is not `Clone`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` makes no parsers for flows with the key `{K}`",
    note = "a parser has to be `Clone` to be given to every flow",
    note = "a closure that chooses by the key goes into `ByKey`"
)]
pub trait FlowFactory<K> {
    /// What it makes.
    type Parser;

    /// A parser for the flow with `key`, whose first packet has `transport`.
    ///
    /// The key is seen from the flow's initiator.
    fn open(&mut self, key: &K, transport: &Transport) -> Option<Self::Parser>;
}

impl<K, P: Clone> FlowFactory<K> for P {
    type Parser = P;

    fn open(&mut self, _: &K, _: &Transport) -> Option<P> {
        Some(self.clone())
    }
}

/// A closure that gives flows a parser by their key.
///
/// ```
/// use flowscope_core::extract::{FiveTuple, FiveTupleKey, FlowExtractor};
/// use flowscope_core::session::{ByKey, FlowFactory};
/// use flowscope_core::{LinkType, PacketView, Timestamp};
///
/// #[derive(Clone, Debug, PartialEq)]
/// struct Parser;
///
/// let mut web_only = ByKey(|key: &FiveTupleKey| key.either_port(80).then_some(Parser));
/// # let mut packet = [
/// #     0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
/// #     0x30, 0x39, 0, 80, 0, 0, 0, 0, 0, 0, 0, 0, 0x50, 2, 0, 0, 0, 0, 0, 0,
/// # ];
/// # let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
/// let syn = FiveTuple::bidirectional().extract(view)?;
/// assert_eq!(web_only.open(&syn.key, &syn.transport), Some(Parser));
/// # packet[23] = 81;
/// # let view = PacketView::new(&packet, Timestamp::EPOCH).with_link(LinkType::RAW);
/// let other = FiveTuple::bidirectional().extract(view)?;
/// assert_eq!(web_only.open(&other.key, &other.transport), None);
/// # Ok::<(), flowscope_core::wire::Skip>(())
/// ```
#[derive(Debug)]
pub struct ByKey<F>(pub F);

impl<K, P, F: FnMut(&K) -> Option<P>> FlowFactory<K> for ByKey<F> {
    type Parser = P;

    fn open(&mut self, key: &K, _: &Transport) -> Option<P> {
        (self.0)(key)
    }
}
