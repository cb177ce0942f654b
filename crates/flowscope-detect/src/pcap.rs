//! Captures, read in one line.

extern crate std;

use std::io::Read;

use flowscope_core::extract::FlowExtractor;
use flowscope_pcap::{MessageEvents, PcapFlowSource};

use crate::{ByPorts, Detector, HasPorts};

/// What a capture's flows say, and what becomes of them.
pub type DetectEvents<R, E> = MessageEvents<R, E, ByPorts>;

/// Lets a capture be read by a [`Detector`]; for
/// [`PcapFlowSource`].
///
/// ```
/// use flowscope_core::SessionEvent;
/// use flowscope_core::extract::{AutoDetectEncap, FiveTuple};
/// use flowscope_detect::{Detect, Message};
/// use flowscope_pcap::PcapFlowSource;
/// # use flowscope_core::{LinkType, PacketView, Timestamp};
/// # use flowscope_pcap::{PcapConfig, PcapWriter};
/// # let mut query = vec![
/// #     0x45, 0, 0, 53, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
/// #     0x30, 0x39, 0x30, 0, 0, 33, 0, 0,
/// # ];
/// # query.extend(b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\0\0\x01\0\x01");
/// # let config = PcapConfig { link: LinkType::RAW, ..PcapConfig::default() };
/// # let mut file = PcapWriter::new(Vec::new(), config)?;
/// # file.write(PacketView::new(&query, Timestamp::EPOCH).with_link(LinkType::RAW))?;
/// # let capture = file.finish()?;
///
/// let source = PcapFlowSource::from_reader(&capture[..])?;
/// let mut log = Vec::new();
/// for event in source.detect(AutoDetectEncap::new(FiveTuple::bidirectional())) {
///     match event? {
///         SessionEvent::Application { message: Message::Dns(dns), .. } => log.push(dns.to_string()),
///         SessionEvent::Closed { key, stats, .. } => {
///             log.push(format!("{key}: {} bytes", stats.bytes.total()));
///         }
///         _ => {}
///     }
/// }
/// assert_eq!(log, [
///     "query 4660 example A",
///     "unanswered 4660 example A",
///     "10.0.0.1:12345 → 10.0.0.2:12288 udp: 53 bytes",
/// ]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait Detect<R: Read>: Sized {
    /// Reads HTTP, TLS, QUIC, DTLS and DNS on any port.
    fn detect<E>(self, extractor: E) -> DetectEvents<R, E>
    where
        E: FlowExtractor<Key: HasPorts>,
    {
        self.detect_with(Detector::default(), extractor)
    }

    /// The same with a detector that was set up before.
    fn detect_with<E>(self, detector: Detector, extractor: E) -> DetectEvents<R, E>
    where
        E: FlowExtractor<Key: HasPorts>;
}

impl<R: Read> Detect<R> for PcapFlowSource<R> {
    fn detect_with<E>(self, detector: Detector, extractor: E) -> DetectEvents<R, E>
    where
        E: FlowExtractor<Key: HasPorts>,
    {
        self.with_driver(detector.driver(extractor))
    }
}
