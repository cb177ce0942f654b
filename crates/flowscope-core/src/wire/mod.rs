//! From a frame's first byte to its transport payload.
//!
//! [`Headers`] is what a walk over a frame finds. The walk is lenient about
//! lengths, because captures are cut and hardware offloads leave fields blank,
//! and strict about everything that decides where the next header begins: a
//! packet it cannot follow is refused with a [`Skip`] that names the layer and
//! the cause. Nothing is copied; the payload is a slice of the frame.
//!
//! This is the only place in the crate that knows header layouts.
#![warn(clippy::indexing_slicing)]
#![cfg_attr(test, allow(clippy::indexing_slicing, reason = "a test may panic"))]

mod addr;
mod aggregate;
mod bytes;
mod checksum;
mod decap;
mod fast_path;
mod fingerprint;
mod fragment;
mod headers;
mod ieee80211;
mod ip_header;
mod layers;
mod length;
mod link;
mod mac;
mod mpls;
mod next;
mod payload;
mod peek;
mod ppp;
mod protocol;
mod read_ip;
mod read_transport;
mod reassembled;
mod shortage;
mod skip;
mod transport;
mod tunnel;
mod visitor;
mod vlan;
mod walk;

pub(crate) use addr::{Addr, IpVersion};
pub(crate) use aggregate::Subframes;
pub(crate) use checksum::ChecksumVerdict;
pub use checksum::Checksums;
pub(crate) use decap::{Decap, nested_frames};
pub(crate) use fingerprint::{Fingerprint, ROUTED};
pub use fragment::IpFragment;
pub(crate) use fragment::set_payload_len;
pub use headers::{Depth, Headers};
pub use ip_header::IpHeader;
pub use layers::{Encapsulation, Layers};
pub(crate) use mac::MacAddresses;
pub use payload::Payload;
pub use protocol::IpProtocol;
pub(crate) use reassembled::{REASSEMBLED, ReassembledHeader};
pub use skip::{Cause, Layer, Skip};
pub use transport::{IcmpHeader, Ports, TcpFlags, TcpHeader, Transport};
pub use visitor::LayerVisitor;
pub(crate) use walk::MAX_TUNNELS;

use bytes::{after, split};
use next::MAX_LAYERS;
