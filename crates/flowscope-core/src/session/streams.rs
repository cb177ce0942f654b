//! Callbacks in place of messages.

use super::{Datagram, Input, Interest, StreamEnd};
use crate::Timestamp;
use crate::wire::Transport;

/// Is called with what the flows carry as it comes, with the flow's key, and
/// reports nothing: for those who would rather be called than read events.
///
/// One value serves all flows; what it keeps for a flow is its
/// [`Stream`](Self::Stream), which lives in the flow's own table entry. Chunks
/// of TCP streams come to [`feed`](Self::feed), payloads of everything else to
/// [`datagram`](Self::datagram).
///
/// ```
/// use flowscope_core::reassemble::Chunk;
/// use flowscope_core::session::{Input, Interest, StreamFactory};
/// use flowscope_core::wire::Transport;
/// use flowscope_core::{FlowSide, Timestamp};
///
/// /// Adds up how much each connection said and how much of it was lost.
/// #[derive(Default)]
/// struct Volume {
///     seen: usize,
///     lost: u64,
/// }
///
/// impl<K> StreamFactory<K> for Volume {
///     type Stream = ();
///
///     fn open(&mut self, _: &K, _: &Transport) -> Option<()> {
///         Some(())
///     }
///
///     fn feed(&mut self, _: &mut (), _: &K, input: Input<'_>) -> Interest {
///         match input.chunk {
///             Chunk::Data(bytes) => self.seen += bytes.len(),
///             Chunk::Gap(len) => self.lost += len,
///         }
///         Interest::More
///     }
/// }
///
/// let mut volume = Volume::default();
/// for chunk in [Chunk::Data(b"hello"), Chunk::Gap(7)] {
///     let input = Input::new(FlowSide::Initiator, Timestamp::EPOCH, chunk);
///     assert_eq!(volume.feed(&mut (), &"a key", input), Interest::More);
/// }
/// assert_eq!((volume.seen, volume.lost), (5, 7));
/// ```
pub trait StreamFactory<K> {
    /// What it keeps for each flow.
    type Stream;

    /// A flow begins with a packet of `transport`; `None` if what it carries is
    /// of no interest.
    ///
    /// The key is seen from the flow's initiator.
    fn open(&mut self, key: &K, transport: &Transport) -> Option<Self::Stream>;

    /// One side of a TCP connection sent what comes next.
    fn feed(&mut self, stream: &mut Self::Stream, key: &K, input: Input<'_>) -> Interest;

    /// A datagram of any other flow. Unless implemented, there is no interest
    /// in those.
    fn datagram(&mut self, stream: &mut Self::Stream, key: &K, datagram: Datagram<'_>) -> Interest {
        let _ = (stream, key, datagram);
        Interest::Done
    }

    /// One side of a TCP connection will send no more. Called once a side, in
    /// the order in which they ended, while there is interest in the flow.
    fn close(&mut self, stream: &mut Self::Stream, key: &K, end: StreamEnd) {
        let _ = (stream, key, end);
    }

    /// The flow is over, and `stream` goes with it. Called once, whether there
    /// was still interest in the flow or not.
    fn end(&mut self, stream: Self::Stream, key: &K, at: Timestamp) {
        let _ = (stream, key, at);
    }
}
