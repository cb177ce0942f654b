//! What can be opened.

use core::net::IpAddr;

use pcap::{ConnectionStatus, Device};

use super::open::words;
use crate::CaptureError;

/// Something that can be opened: an interface of the network, or what libpcap
/// offers besides.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Interface {
    /// Its name, to open it by.
    pub name: String,
    /// What it is, where the system says so.
    pub description: Option<String>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Whether it is switched on.
    pub is_up: bool,
    /// Whether it has a link.
    pub is_running: bool,
    /// Whether it leads back to this host.
    pub is_loopback: bool,
    /// Whether it is known to be connected; `None` where that says nothing.
    pub is_connected: Option<bool>,
}

/// What can be opened, in the order of libpcap: what is of most use comes first.
///
/// # Errors
///
/// The system does not say.
pub fn interfaces() -> Result<Vec<Interface>, CaptureError> {
    let devices = Device::list().map_err(|error| CaptureError::Open {
        interface: "the list of interfaces".into(),
        reason: words(&error),
    })?;
    Ok(devices.into_iter().map(Interface::from).collect())
}

impl From<Device> for Interface {
    fn from(device: Device) -> Self {
        let flags = &device.flags;
        Self {
            is_up: flags.is_up(),
            is_running: flags.is_running(),
            is_loopback: flags.is_loopback(),
            is_connected: match flags.connection_status {
                ConnectionStatus::Connected => Some(true),
                ConnectionStatus::Disconnected => Some(false),
                _ => None,
            },
            name: device.name,
            description: device.desc,
            addresses: device.addresses.iter().map(|one| one.addr).collect(),
        }
    }
}
