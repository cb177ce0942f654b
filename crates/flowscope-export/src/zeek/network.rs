//! IP networks, and which of them are local.

use core::net::IpAddr;

/// An IP network: an address, and how many of its bits are the network's.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Network {
    /// An address of it.
    pub addr: IpAddr,
    /// How many bits its addresses have in common.
    pub prefix: u8,
}

impl Network {
    /// Whether a host is one of it.
    #[must_use]
    pub fn contains(&self, host: IpAddr) -> bool {
        // Bits in which the two differ, the first ones of which are the network's.
        match (self.addr, host) {
            (IpAddr::V4(addr), IpAddr::V4(host)) => {
                (addr.to_bits() ^ host.to_bits()).leading_zeros() >= self.prefix.min(32).into()
            }
            (IpAddr::V6(addr), IpAddr::V6(host)) => {
                (addr.to_bits() ^ host.to_bits()).leading_zeros() >= self.prefix.min(128).into()
            }
            _ => false,
        }
    }
}

/// The networks whose hosts are local.
#[derive(Clone, Debug)]
pub(super) struct LocalNets {
    v4: Vec<Network>,
    v6: Vec<Network>,
}

impl LocalNets {
    /// These networks; if there are none, those that are not routed in the Internet.
    pub(super) fn new(nets: &[Network]) -> Self {
        let nets = match nets {
            [] => private_nets(),
            nets => nets.to_vec(),
        };
        let (v4, v6) = nets.into_iter().partition(|net| net.addr.is_ipv4());
        Self { v4, v6 }
    }

    pub(super) fn contain(&self, host: IpAddr) -> bool {
        let nets = if host.is_ipv4() { &self.v4 } else { &self.v6 };
        nets.iter().any(|net| net.contains(host))
    }
}

/// Networks that are not routed in the Internet (RFC 6890), and those of 6to4
/// that lead to them.
fn private_nets() -> Vec<Network> {
    let nets = PRIVATE.iter().map(|net| net.parse());
    nets.collect::<Result<_, BadNetwork>>().unwrap_or_default()
}

const PRIVATE: [&str; 36] = [
    "0.0.0.0/8",
    "2002::/24",
    "10.0.0.0/8",
    "2002:a00::/24",
    "100.64.0.0/10",
    "2002:6440::/26",
    "127.0.0.0/8",
    "2002:7f00::/24",
    "169.254.0.0/16",
    "2002:a9fe::/32",
    "172.16.0.0/12",
    "2002:ac10::/28",
    "192.0.0.0/24",
    "2002:c000::/40",
    "192.0.2.0/24",
    "2002:c000:200::/40",
    "192.168.0.0/16",
    "2002:c0a8::/32",
    "198.18.0.0/15",
    "2002:c612::/31",
    "198.51.100.0/24",
    "2002:c633:6400::/40",
    "203.0.113.0/24",
    "2002:cb00:7100::/40",
    "240.0.0.0/4",
    "2002:f000::/20",
    "255.255.255.255/32",
    "2002:ffff:ffff::/48",
    "::/128",
    "::1/128",
    "64:ff9b:1::/48",
    "100::/64",
    "2001::/23",
    "2001:db8::/32",
    "fc00::/7",
    "fe80::/10",
];

/// `10.0.0.0/8`, or an address alone.
impl core::str::FromStr for Network {
    type Err = BadNetwork;

    fn from_str(text: &str) -> Result<Self, BadNetwork> {
        let (addr, prefix) = match text.split_once('/') {
            Some((addr, prefix)) => (addr, Some(prefix)),
            None => (text, None),
        };
        let addr: IpAddr = addr.parse().map_err(|_| BadNetwork)?;
        let most = if addr.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            Some(prefix) => prefix.parse().map_err(|_| BadNetwork)?,
            None => most,
        };
        if prefix > most {
            return Err(BadNetwork);
        }
        Ok(Self { addr, prefix })
    }
}

/// It is no network.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct BadNetwork;

impl core::fmt::Display for BadNetwork {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("not a network such as 10.0.0.0/8")
    }
}

impl core::error::Error for BadNetwork {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_networks_are_read() {
        assert_eq!(private_nets().len(), PRIVATE.len());
    }

    #[test]
    fn networks_have_a_prefix() {
        let net: Network = "10.1.0.0/16".parse().expect("a network");
        assert!(net.contains("10.1.2.3".parse().expect("an address")));
        assert!(!net.contains("10.2.2.3".parse().expect("an address")));
        let all: Network = "::/0".parse().expect("a network");
        assert!(all.contains("2001:db8::1".parse().expect("an address")));
        assert!(!all.contains("10.2.2.3".parse().expect("an address")));
        for wrong in ["10.0.0.0/33", "10.0.0/8", "x", "10.0.0.0/"] {
            assert_eq!(wrong.parse::<Network>(), Err(BadNetwork), "{wrong}");
        }
    }
}
