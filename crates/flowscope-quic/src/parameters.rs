//! Transport parameters (RFC 9000, section 18).

use flowscope_tls::ClientHello;

use crate::QuicVersion;
use crate::bytes::Cursor;

/// The transport parameters of a hello, in the order of the wire.
///
/// ```
/// use flowscope_quic::{QuicVersion, TransportParameters};
///
/// let bytes = [0x01, 0x02, 0x67, 0x10, 0x0c, 0x00, 0x1b, 0x01, 0x07];
/// let parameters = TransportParameters::new(&bytes, QuicVersion::V1);
/// let known: Vec<_> = parameters.filter(|one| !one.is_grease()).collect();
/// assert_eq!(known[0].name(), Some("max_idle_timeout"));
/// assert_eq!(known[0].number(), Some(10_000));
/// assert_eq!(known[1].name(), Some("disable_active_migration"));
/// assert_eq!(known.len(), 2);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TransportParameters<'a> {
    cursor: Cursor<'a>,
    is_short: bool,
}

/// One of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct TransportParameter<'a> {
    /// Its number in the registry.
    pub id: u64,
    /// What it says.
    pub value: &'a [u8],
}

impl<'a> TransportParameters<'a> {
    /// The parameters in what the extension `quic_transport_parameters` of a
    /// hello in this version says.
    #[must_use]
    pub fn new(bytes: &'a [u8], version: QuicVersion) -> Self {
        let mut cursor = Cursor::new(bytes);
        // Drafts before the 27th wrote them as TLS writes lists.
        let is_short = version.has_short_parameters();
        if is_short {
            let len = cursor.u16().unwrap_or_default();
            cursor = Cursor::new(cursor.take(len.into()).unwrap_or(cursor.rest()));
        }
        Self { cursor, is_short }
    }

    pub(crate) fn of(hello: &'a ClientHello, version: QuicVersion) -> Self {
        let bytes = hello
            .extension(EXTENSION)
            .or_else(|| hello.extension(EXTENSION_OF_DRAFTS));
        Self::new(bytes.unwrap_or_default(), version)
    }

    fn read(&mut self) -> Option<TransportParameter<'a>> {
        if self.is_short {
            let id = self.cursor.u16()?.into();
            let len = self.cursor.u16()?;
            let value = self.cursor.take(len.into())?;
            return Some(TransportParameter { id, value });
        }
        let id = self.cursor.varint()?;
        let value = self.cursor.vec()?;
        Some(TransportParameter { id, value })
    }
}

impl<'a> Iterator for TransportParameters<'a> {
    type Item = TransportParameter<'a>;

    fn next(&mut self) -> Option<TransportParameter<'a>> {
        let parameter = self.read();
        if parameter.is_none() {
            self.cursor = Cursor::new(&[]);
        }
        parameter
    }
}

impl TransportParameter<'_> {
    /// Whether it was made up to see whether servers ignore what they do not know
    /// (RFC 9000, section 18.1).
    #[must_use]
    pub const fn is_grease(&self) -> bool {
        self.id % 31 == 27
    }

    /// What it says, if that is one number. A connection ID is none, though it may
    /// look like one.
    #[must_use]
    pub fn number(&self) -> Option<u64> {
        if matches!(self.id, 0x00 | 0x02 | 0x0d | 0x0f | 0x10 | 0x11 | 0xff_73db) {
            return None;
        }
        let mut cursor = Cursor::new(self.value);
        let number = cursor.varint()?;
        cursor.rest().is_empty().then_some(number)
    }

    /// Its name in the QUIC Transport Parameters registry, or what Google calls
    /// its own.
    #[must_use]
    pub const fn name(&self) -> Option<&'static str> {
        Some(match self.id {
            0x00 => "original_destination_connection_id",
            0x01 => "max_idle_timeout",
            0x02 => "stateless_reset_token",
            0x03 => "max_udp_payload_size",
            0x04 => "initial_max_data",
            0x05 => "initial_max_stream_data_bidi_local",
            0x06 => "initial_max_stream_data_bidi_remote",
            0x07 => "initial_max_stream_data_uni",
            0x08 => "initial_max_streams_bidi",
            0x09 => "initial_max_streams_uni",
            0x0a => "ack_delay_exponent",
            0x0b => "max_ack_delay",
            0x0c => "disable_active_migration",
            0x0d => "preferred_address",
            0x0e => "active_connection_id_limit",
            0x0f => "initial_source_connection_id",
            0x10 => "retry_source_connection_id",
            0x11 => "version_information",
            0x20 => "max_datagram_frame_size",
            0x1057 => "loss_bits",
            0x173e => "discard",
            0x2ab2 => "grease_quic_bit",
            0x3127 => "initial_rtt",
            0x3128 => "google_connection_options",
            0x3129 => "user_agent",
            0x4752 => "google_version",
            0x7158 => "enable_time_stamp",
            0xff_73db => "version_information_draft",
            0xff03_de1a | 0xff04_de1b => "min_ack_delay",
            _ => return None,
        })
    }
}

/// `quic_transport_parameters` (RFC 9001, section 8.2).
const EXTENSION: u16 = 0x39;
const EXTENSION_OF_DRAFTS: u16 = 0xffa5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafts_wrote_them_as_a_list_of_tls() {
        let bytes = [0, 9, 0, 1, 0, 1, 5, 0, 12, 0, 0, 99];
        let parameters = TransportParameters::new(&bytes, QuicVersion(0xff00_0018));
        let found: Vec<_> = parameters.map(|one| (one.id, one.number())).collect();
        assert_eq!(found, [(1, Some(5)), (12, None)]);
    }

    #[test]
    fn a_connection_id_is_no_number() {
        let bytes = [0x0f, 1, 7, 0x0a, 1, 7];
        let found = TransportParameters::new(&bytes, QuicVersion::V1).map(|one| one.number());
        assert_eq!(found.collect::<Vec<_>>(), [None, Some(7)]);
    }

    #[test]
    fn a_parameter_that_is_cut_ends_them() {
        let mut parameters = TransportParameters::new(&[1, 3, 1, 2], QuicVersion::V1);
        assert_eq!(parameters.next(), None);
        assert_eq!(parameters.next(), None);
    }
}
