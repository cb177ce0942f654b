//! A source of frames, before it is known what is wanted of it.

use flowscope::FlowTracker;
use flowscope::extract::FlowExtractor;

use crate::{CaptureCounts, Counters, Driver, EventStream, FlowStream, FrameSource};

/// A source of frames: where everything starts.
///
/// - `open` and `open_with`: a live interface, with the feature `libpcap`.
/// - [`replay`](AsyncCapture::replay): a capture file, as it was, faster, or as
///   fast as it goes.
/// - [`channel`](AsyncCapture::channel): frames that another task or thread sends.
/// - [`from_stream`](AsyncCapture::from_stream): a stream of frames.
/// - [`new`](AsyncCapture::new): a [`FrameSource`] of your own.
#[derive(Debug)]
pub struct AsyncCapture<S> {
    source: S,
}

impl<S: FrameSource> AsyncCapture<S> {
    /// The frames of a source.
    pub const fn new(source: S) -> Self {
        Self { source }
    }

    /// What becomes of the flows, as `extractor` tells them apart.
    ///
    /// The stream has methods that make it one of what the flows say.
    pub fn flow_stream<E: FlowExtractor>(self, extractor: E) -> FlowStream<S, E> {
        self.with_driver(FlowTracker::new(extractor))
    }

    /// What a driver reports that was set up before.
    pub fn with_driver<D: Driver>(self, driver: D) -> EventStream<S, D> {
        EventStream::new(self.source, driver)
    }

    /// The same frames by way of another source, such as one that also saves
    /// them.
    pub fn map_source<T: FrameSource>(self, wrap: impl FnOnce(S) -> T) -> AsyncCapture<T> {
        AsyncCapture::new(wrap(self.source))
    }

    /// The source.
    #[must_use]
    pub const fn source(&self) -> &S {
        &self.source
    }

    /// What was taken and lost so far.
    #[must_use]
    pub fn counts(&self) -> CaptureCounts {
        self.counters().read()
    }

    /// The same, to be read from elsewhere.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.source.counters()
    }
}
