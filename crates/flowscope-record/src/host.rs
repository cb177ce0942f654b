//! Addresses of hosts.

use core::fmt;
use core::net::IpAddr;

/// A network or link-layer address.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Host {
    /// Of the network.
    Ip(IpAddr),
    /// Of the link layer.
    Mac([u8; 6]),
}

impl Host {
    /// The address with a port behind it, if there is one: `10.0.0.1:80`,
    /// `[2001:db8::1]:80`.
    #[must_use]
    pub fn with_port(self, port: Option<u16>) -> String {
        match (self, port) {
            (host, None) => host.to_string(),
            (Self::Ip(IpAddr::V6(addr)), Some(port)) => format!("[{addr}]:{port}"),
            (host, Some(port)) => format!("{host}:{port}"),
        }
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(addr) => addr.fmt(f),
            Self::Mac([first, rest @ ..]) => {
                write!(f, "{first:02x}")?;
                rest.iter().try_for_each(|byte| write!(f, ":{byte:02x}"))
            }
        }
    }
}
