//! Networks of addresses.

use core::fmt;
use core::net::IpAddr;
use core::str::FromStr;

use crate::table::UnknownName;

/// A network: the addresses that begin with the same bits.
///
/// ```
/// use flowscope_table::Subnet;
///
/// let network: Subnet = "10.0.0.0/8".parse()?;
/// assert!(network.contains([10, 1, 2, 3].into()));
/// assert!(!network.contains([192, 0, 2, 1].into()));
/// assert_eq!(network.to_string(), "10.0.0.0/8");
/// # Ok::<(), flowscope_table::UnknownName>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Subnet {
    addr: IpAddr,
    bits: u32,
}

impl Subnet {
    /// Whether an address is in it.
    #[must_use]
    pub fn contains(self, addr: IpAddr) -> bool {
        match (self.addr, addr) {
            (IpAddr::V4(of), IpAddr::V4(addr)) => {
                let differ = u32::from(of) ^ u32::from(addr);
                differ.leading_zeros() >= self.bits
            }
            (IpAddr::V6(of), IpAddr::V6(addr)) => {
                let differ = u128::from(of) ^ u128::from(addr);
                differ.leading_zeros() >= self.bits
            }
            _ => false,
        }
    }
}

/// A network of one.
impl From<IpAddr> for Subnet {
    fn from(addr: IpAddr) -> Self {
        let bits = all_bits(addr);
        Self { addr, bits }
    }
}

/// An address alone, or with how many of its bits count behind a stroke.
impl FromStr for Subnet {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        let (addr, bits) = match text.split_once('/') {
            Some((addr, bits)) => (addr, Some(bits)),
            None => (text, None),
        };
        let addr: IpAddr = addr.parse().map_err(|_| UnknownName::Subnet)?;
        let bits = match bits {
            // No sign, which `parse` would take.
            Some(bits) if bits.bytes().all(|it| it.is_ascii_digit()) => {
                bits.parse().map_err(|_| UnknownName::Subnet)?
            }
            Some(_) => return Err(UnknownName::Subnet),
            None => all_bits(addr),
        };
        if bits > all_bits(addr) {
            return Err(UnknownName::Subnet);
        }
        Ok(Self { addr, bits })
    }
}

impl fmt::Display for Subnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bits == all_bits(self.addr) {
            true => self.addr.fmt(f),
            false => write!(f, "{}/{}", self.addr, self.bits),
        }
    }
}

fn all_bits(addr: IpAddr) -> u32 {
    match addr {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_the_addresses_that_begin_as_it_does() {
        for (network, addr, expected) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.1.2.3/8", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1/32", "10.0.0.2", false),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "2001:db8::1", true),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
        ] {
            let subnet: Subnet = network.parse().expect(network);
            let addr = addr.parse().expect(addr);
            assert_eq!(subnet.contains(addr), expected, "{network} {addr}");
            assert_eq!(subnet.to_string().parse(), Ok(subnet), "{network}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0/8",
            "::/129",
            "::/+1",
            "a/8",
        ] {
            assert_eq!(text.parse::<Subnet>(), Err(UnknownName::Subnet), "{text}");
        }
    }
}
