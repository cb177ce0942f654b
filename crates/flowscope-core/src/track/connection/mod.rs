//! Which segments of a connection take effect, and which connection a SYN is
//! of.
//!
//! Anybody can forge a segment, and a capture may show it late or not at all. So
//! a SYN, an RST or a FIN has no effect for certain until it is confirmed by what
//! the other side acknowledges and sends (RFC 9293, sections 3.5 and 3.10.7; RFC
//! 5961). State, statistics, streams and the ends of sessions follow what is
//! decided here. What is not confirmed yet is kept in [`Unconfirmed`].
//!
//! [`in_order`] handles the usual handshake and close, [`process`] everything
//! else; [`isn`] decides where streams begin, [`end`] where they end, and
//! [`owner`] whether a segment is of this connection at all.

mod end;
mod in_order;
mod isn;
mod owner;
mod process;
#[cfg(test)]
mod tests;
mod unconfirmed;
mod verdict;

pub(crate) use owner::SegmentOwner;
pub(crate) use unconfirmed::{NewConnection, Unconfirmed};
pub(crate) use verdict::{Effect, Fin, Verdict};

use unconfirmed::MAX_ACK_LEAD;
