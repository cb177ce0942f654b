//! Capture files, plain and compressed.

use std::io::{self, Cursor, Read, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use flowscope::pcap::{PcapError, PcapFlowSource};

use crate::digest::Digest;
use crate::held::Held;

/// A capture file, read whole and in small pieces: as it is, or compressed first.
/// The packets before an error are the same, and so is the error.
pub fn capture(bytes: &[u8]) {
    let Some((&[how, piece], file)) = bytes.split_first_chunk::<2>() else {
        return;
    };
    let file = match how % 3 {
        0 => file.to_vec(),
        1 => gzip(file),
        _ => zstd::bulk::compress(file, 1).expect("memory is enough"),
    };
    let mut held = Held::default();
    let whole = held.during(|| read(Cursor::new(&file)));
    // A source that is gone holds nothing but the error's text.
    held.check(0);
    let source = Pieces {
        file: &file,
        piece: usize::from(piece) + 1,
    };
    assert_eq!(whole, read(source));
}

/// What the packets of a capture come to, and what is said of its end.
fn read(source: impl Read) -> ((usize, u64), String) {
    let mut digest = Digest::default();
    let end = match packets(source, &mut digest) {
        Ok(()) => String::new(),
        Err(error) => error.to_string(),
    };
    (digest.finish(), end)
}

fn packets(source: impl Read, digest: &mut Digest) -> Result<(), PcapError> {
    let mut source = PcapFlowSource::from_reader(source)?;
    let mut position = 0;
    while let Some(packet) = source.next_packet()? {
        assert!(packet.wire_len as usize >= packet.frame.len());
        digest.push(&(packet.timestamp, packet.link, packet.wire_len, packet.frame));
        let (interface, options) = source.packet_details();
        digest.push(&interface.map(|it| (it.name(), it.description())));
        digest.push(&options.comments().collect::<Vec<_>>());
        assert!(source.position() >= position);
        position = source.position();
    }
    Ok(())
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).expect("memory is enough");
    encoder.finish().expect("memory is enough")
}

/// A file that comes in pieces.
struct Pieces<'a> {
    file: &'a [u8],
    piece: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let len = out.len().min(self.piece);
        self.file.read(&mut out[..len])
    }
}
