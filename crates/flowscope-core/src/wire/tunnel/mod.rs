//! Tunnels: headers that carry a packet inside a packet.
//!
//! Whether there is a tunnel is said by an IP protocol number or by a UDP port.
//! A port alone proves nothing, so what is read here is believed only if the
//! headers inside hold, too; see [`Headers::descend`](super::Headers).
//!
//! Each tunnel is a file with a function that reads its header, reports it
//! to the visitor, and returns what comes after it.

mod ayiya;
mod capwap;
mod erspan;
mod geneve;
mod gre;
mod gtpu;
mod l2tp;
mod lisp;
mod nsh;
mod open;
mod outer;
mod teredo;
mod tzsp;
mod vxlan;

pub(super) use nsh::nsh;
pub(super) use open::{GTPU, VXLAN, has_port, is_possible, open, open_vxlan};

use super::next::{Next, Padding};
use super::{
    Cause, Headers, IpHeader, IpProtocol, IpVersion, Layer, LayerVisitor, Payload, Ports, Skip,
    Transport, after, peek, split,
};
use outer::{Inside, Outer};
