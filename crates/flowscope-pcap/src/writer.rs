//! Writes captures, byte for byte the same for the same packets.
//!
//! [`PcapWriter`] makes a file of one link type that everything can read;
//! [`PcapngWriter`] one of several interfaces, with comments. Neither buffers:
//! hand a file over in a [`BufWriter`](std::io::BufWriter).

mod classic;
mod pcapng;

use std::io;

use flowscope_core::PacketView;

pub use classic::{PcapConfig, PcapWriter, Precision};
pub use pcapng::{InterfaceConfig, InterfaceId, PcapngWriter, SectionConfig};

/// The part of a frame that a snap length keeps, and the frame's length on the
/// wire.
fn cut(packet: PacketView<'_>, snap_len: u32) -> io::Result<(&[u8], u32, u32)> {
    let captured = u32::try_from(packet.frame.len())
        .map_err(|_| refused("a frame must be shorter than 4 GiB"))?;
    let kept = match snap_len {
        0 => captured,
        _ => captured.min(snap_len),
    };
    Ok((
        &packet.frame[..kept as usize],
        kept,
        packet.wire_len.max(captured),
    ))
}

fn refused(why: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, why)
}

/// What libpcap writes where nothing else is asked for.
const DEFAULT_SNAP_LEN: u32 = 262_144;
