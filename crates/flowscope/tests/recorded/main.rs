//! What real programs said to each other, and how it has to be read.
//!
//! The captures are those of `fixtures/pcap/recorded`, whose README says how
//! each was made. What is expected of them was compared with tshark 4.0.17
//! once, value by value; where the two differ, the test says why. A message is
//! a row that begins with the number of its flow and `>` for what the
//! initiator sends or `<` for what the responder sends.
//!
//! Ports, times and identifiers are left out of the rows: they are others with
//! every recording.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod alone;
mod counts;
mod dns;
mod http;
mod quic;
mod support;
mod tls;
