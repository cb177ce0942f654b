//! Names of flows: the same for the same input, and hardly ever those of another
//! flow of another input.

use core::net::IpAddr;

use flowscope_record::{Endpoints, Host};

/// A number for a flow and its ends, whichever comes first. Nothing depends on
/// that it cannot be guessed, so it is mixed, not hashed as a secret would be.
pub(crate) fn of(seed: u64, flow: u64, number: u32, endpoints: &Endpoints) -> u64 {
    let (src, dst) = endpoints.ports.unwrap_or_default();
    let mut ends = [(bits(endpoints.src), src), (bits(endpoints.dst), dst)];
    ends.sort_unstable();
    let mut name = mixed(seed ^ flow) ^ u64::from(number);
    for (host, port) in ends {
        for part in [(host >> 64) as u64, host as u64, u64::from(port)] {
            name = mixed(name ^ part);
        }
    }
    name
}

fn bits(host: Host) -> u128 {
    match host {
        Host::Ip(IpAddr::V4(addr)) => addr.to_bits().into(),
        Host::Ip(IpAddr::V6(addr)) => addr.to_bits(),
        Host::Mac(addr) => addr
            .iter()
            .fold(0, |all, byte| all << 8 | u128::from(*byte)),
    }
}

/// The step of SplitMix64: every bit depends on all.
const fn mixed(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ number >> 31
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_flows_and_not_directions_apart() {
        let ends = |src: &str, from, dst: &str, to| Endpoints {
            src: Host::Ip(src.parse().expect("an address")),
            dst: Host::Ip(dst.parse().expect("an address")),
            ports: Some((from, to)),
            protocol: None,
        };
        let one = ends("10.0.0.1", 1, "10.0.0.2", 2);
        let name = of(0, 7, 0, &one);
        assert_eq!(name, of(0, 7, 0, &ends("10.0.0.2", 2, "10.0.0.1", 1)));
        for other in [
            of(0, 8, 0, &one),
            of(0, 7, 1, &one),
            of(1, 7, 0, &one),
            of(0, 7, 0, &ends("10.0.0.1", 2, "10.0.0.2", 1)),
        ] {
            assert_ne!(name, other);
        }
    }
}
