//! Passive flow tracking: frames in, flows out.
#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod packet;
mod side;
mod sink;
mod time;

pub use packet::{LinkType, PacketView};
pub use side::{BySide, FlowSide, Orientation};
pub use sink::Sink;
pub use time::Timestamp;
