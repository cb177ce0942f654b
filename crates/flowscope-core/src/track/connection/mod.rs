//! Which segments of a connection take effect, and which connection a SYN is
//! of.
//!
//! Anybody can send a segment, and a capture may show it late or not at all. So
//! a SYN, an RST and a FIN are claims, and what settles them is what the other
//! side acknowledges and sends (RFC 9293, sections 3.5 and 3.10.7; RFC 5961).
//! Everything else obeys: the state, the statistics, the streams, the ends of
//! sessions. What is not settled is a few numbers, in [`Claims`].

mod begin;
mod claims;
mod end;
mod judge;
mod standing;
#[cfg(test)]
mod tests;
mod usual;
mod verdict;

pub(crate) use claims::{Claims, Contender};
pub(crate) use standing::Standing;
pub(crate) use verdict::{Effect, Fin, Verdict};

use claims::REACH;
