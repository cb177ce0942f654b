//! What a detector reads.

use crate::Protocol;

/// A message of one of the protocols.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
#[allow(
    clippy::large_enum_variant,
    reason = "messages are handed on one by one; boxing them would allocate for each"
)]
pub enum Message {
    /// Of HTTP/1.
    #[cfg(feature = "http")]
    Http(flowscope_http::HttpMessage),
    /// Of TLS, or of DTLS.
    #[cfg(feature = "tls")]
    Tls(flowscope_tls::TlsMessage),
    /// Of QUIC.
    #[cfg(feature = "quic")]
    Quic(flowscope_quic::QuicMessage),
    /// Of DNS, multicast DNS or LLMNR.
    #[cfg(feature = "dns")]
    Dns(flowscope_dns::DnsMessage),
}

/// Makes messages of those of each protocol, and says which that is.
macro_rules! messages {
    ($($feature:literal: $protocol:ident($message:ty),)*) => {
        impl Message {
            /// What it is a message of. That of DTLS is one of TLS.
            #[must_use]
            pub const fn protocol(&self) -> Protocol {
                match *self {
                    $(
                        #[cfg(feature = $feature)]
                        Self::$protocol(_) => Protocol::$protocol,
                    )*
                }
            }
        }

        $(
            #[cfg(feature = $feature)]
            impl From<$message> for Message {
                fn from(message: $message) -> Self {
                    Self::$protocol(message)
                }
            }
        )*
    };
}

messages! {
    "http": Http(flowscope_http::HttpMessage),
    "tls": Tls(flowscope_tls::TlsMessage),
    "quic": Quic(flowscope_quic::QuicMessage),
    "dns": Dns(flowscope_dns::DnsMessage),
}
