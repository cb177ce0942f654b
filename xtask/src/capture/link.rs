//! What a scene's packets travel over.
//!
//! The cable is always there. Any other link is laid for one scene, has the
//! addresses `198.51.100.1` and `198.51.100.2`, and goes when the scene ends.

use super::network::{CABLE, Host, Network, Offload};
use super::relay::{Relay, Weather};

/// A way from the client to the server.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Link {
    Cable,
    /// The cable, with its ends leaving segmentation and checksums to the
    /// hardware that they do not have.
    Offloaded,
    /// A tunnel or tagged network made by the kernel over the cable.
    Device {
        kind: &'static str,
        arguments: &'static str,
    },
    /// A relay between two taps, which does not carry every frame well.
    Relay(Weather),
    /// The same with good weather, and a mirror port on the client's side that
    /// repeats every frame with these tags.
    Trunk(&'static [u8]),
}

/// What came of laying a link.
pub(super) enum LinkUp<'n> {
    Up(Laid<'n>),
    /// The kernel does not know the kind of device.
    Unsupported(String),
}

/// A link in place, until this is dropped.
pub(super) struct Laid<'n> {
    link: Link,
    network: &'n Network,
    /// Ended first, because its processes hold the devices.
    _relay: Option<Relay>,
}

impl Link {
    pub(super) fn up(self, network: &Network) -> Result<LinkUp<'_>, String> {
        let mut laid = Laid {
            link: self,
            network,
            _relay: None,
        };
        match self {
            Self::Cable => {}
            Self::Offloaded => network.offload(Offload::On)?,
            Self::Device { kind, arguments } => {
                for host in Host::BOTH {
                    let line = format!(
                        "link add {SECOND} {} type {kind} {}",
                        if kind == "vlan" { "link eth0" } else { "" },
                        for_host(arguments, host),
                    );
                    if let Err(error) = host.ip(&line) {
                        return match error.contains("Unknown device type") {
                            true => Ok(LinkUp::Unsupported(format!("the kernel has no {kind}"))),
                            false => Err(error),
                        };
                    }
                    address(host)?;
                }
            }
            Self::Relay(weather) => laid._relay = Some(Relay::start(network, weather, None)?),
            Self::Trunk(tags) => {
                laid._relay = Some(Relay::start(network, Weather::Clear, Some(tags))?);
            }
        }
        Ok(LinkUp::Up(laid))
    }

    /// For the reader of a table.
    pub(super) fn describe(self) -> String {
        match self {
            Self::Cable => "veth".into(),
            Self::Offloaded => "veth with offloads on".into(),
            Self::Device { kind, arguments } => format!("`type {kind} {arguments}` over veth"),
            Self::Relay(weather) => format!("two taps and a relay that {}", weather.describe()),
            Self::Trunk(_) => "two taps and a relay with a mirror port".into(),
        }
    }
}

impl Drop for Laid<'_> {
    fn drop(&mut self) {
        match self.link {
            Link::Cable | Link::Relay(_) | Link::Trunk(_) => {}
            // Nothing can be done about a failure here; the next scene would
            // show it in its own setup.
            Link::Offloaded => drop(self.network.offload(Offload::Off)),
            Link::Device { .. } => {
                for host in Host::BOTH {
                    drop(host.ip(&format!("link delete {SECOND}")));
                }
            }
        }
    }
}

/// Gives the second link's end its address and sets it up.
pub(super) fn address(host: Host) -> Result<(), String> {
    let number = host.number();
    silence(host, SECOND)?;
    host.ip(&format!("addr add 198.51.100.{number}/24 dev {SECOND}"))?;
    host.ip(&format!("link set {SECOND} up"))?;
    Ok(())
}

/// Keeps IPv6 from introducing itself on a device. Not every tunnel carries
/// it, and nothing asks for it there.
pub(super) fn silence(host: Host, device: &str) -> Result<(), String> {
    host.ip(&format!("link set {device} addrgenmode none"))
        .map(|_| ())
}

/// Puts this host's and the other's address, and the cable, into arguments.
fn for_host(arguments: &str, host: Host) -> String {
    arguments
        .replace("{here}", &format!("192.0.2.{}", host.number()))
        .replace("{there}", &format!("192.0.2.{}", host.other().number()))
        .replace("{cable}", CABLE)
}

/// The second link's name at both ends.
pub(super) const SECOND: &str = "over0";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_name_both_ends() {
        let client = for_host("local {here} remote {there} dev {cable}", Host::Client);
        assert_eq!(client, "local 192.0.2.1 remote 192.0.2.2 dev eth0");
        let server = for_host("local {here} remote {there}", Host::Server);
        assert_eq!(server, "local 192.0.2.2 remote 192.0.2.1");
    }
}
