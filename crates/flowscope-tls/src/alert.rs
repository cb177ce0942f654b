//! Alerts.

use core::fmt;

use flowscope_core::FlowSide;

/// An alert that was not encrypted (RFC 8446, section 6; RFC 5246, section
/// 7.2).
///
/// ```
/// # use flowscope_core::reassemble::Chunk;
/// # use flowscope_core::session::{Input, SessionParser};
/// # use flowscope_core::{FlowSide, Timestamp};
/// use flowscope_tls::{TlsMessage, TlsParser};
///
/// # let mut parser = TlsParser::default();
/// # let mut found = Vec::new();
/// let bytes = [0x15, 0x03, 0x03, 0, 2, 2, 40];
/// # let input = Input::new(FlowSide::Responder, Timestamp::EPOCH, Chunk::Data(&bytes));
/// # assert!(parser.feed(input, &mut found).is_ok());
/// # let message = found.pop().expect("one");
/// # let TlsMessage::Alert(alert) = message else { panic!() };
/// assert_eq!(alert.to_string(), "fatal handshake_failure");
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Alert {
    side: FlowSide,
    level: u8,
    description: u8,
}

impl Alert {
    /// An alert, if `level` is one of the two there are.
    pub(crate) fn new(side: FlowSide, level: u8, description: u8) -> Option<Self> {
        matches!(level, WARNING | FATAL).then_some(Self {
            side,
            level,
            description,
        })
    }

    /// Who sent it.
    #[must_use]
    pub const fn side(&self) -> FlowSide {
        self.side
    }

    /// The level: 1 for a warning, 2 for a fatal alert.
    #[must_use]
    pub const fn level(&self) -> u8 {
        self.level
    }

    /// Whether it ends the connection.
    #[must_use]
    pub const fn is_fatal(&self) -> bool {
        self.level == FATAL
    }

    /// `warning` or `fatal`.
    #[must_use]
    pub const fn level_name(&self) -> &'static str {
        if self.is_fatal() { "fatal" } else { "warning" }
    }

    /// The description's number in the registry.
    #[must_use]
    pub const fn description(&self) -> u8 {
        self.description
    }

    /// The description's name as the RFCs write it, if it is registered.
    #[must_use]
    pub const fn description_name(&self) -> Option<&'static str> {
        description(self.description)
    }
}

/// `fatal handshake_failure`, or `fatal 200` where there is no name.
impl fmt::Display for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.description_name() {
            Some(name) => write!(f, "{} {name}", self.level_name()),
            None => write!(f, "{} {}", self.level_name(), self.description),
        }
    }
}

/// The TLS Alerts registry, with what the older RFCs reserved.
pub(crate) const fn description(number: u8) -> Option<&'static str> {
    Some(match number {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        52 => "too_many_cids_requested",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        117 => "general_error",
        120 => "no_application_protocol",
        121 => "ech_required",
        _ => return None,
    })
}

const WARNING: u8 = 1;
const FATAL: u8 = 2;
