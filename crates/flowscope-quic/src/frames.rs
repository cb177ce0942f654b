//! The frames that Initial packets may have (RFC 9000, section 17.2.2).

use crate::bytes::Cursor;

/// A frame that matters here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Frame<'a> {
    /// A piece of the handshake.
    Crypto { offset: u64, bytes: &'a [u8] },
    /// The connection is closed.
    Close,
}

/// Reads the frames of a packet, as far as they are of known types.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frames<'a>(Cursor<'a>);

impl<'a> Frames<'a> {
    pub(crate) fn new(payload: &'a [u8]) -> Self {
        Self(Cursor::new(payload))
    }

    fn read(&mut self) -> Option<Frame<'a>> {
        loop {
            // There may be a thousand bytes of it.
            self.0.skip_zeros();
            match self.0.varint()? {
                PADDING | PING => {}
                kind @ (ACK | ACK_ECN) => self.skip_ack(kind)?,
                CRYPTO => {
                    let offset = self.0.varint()?;
                    let bytes = self.0.vec()?;
                    return Some(Frame::Crypto { offset, bytes });
                }
                CLOSE => return Some(Frame::Close),
                _ => return None,
            }
        }
    }

    fn skip_ack(&mut self, kind: u64) -> Option<()> {
        let _largest = self.0.varint()?;
        let _delay = self.0.varint()?;
        let ranges = self.0.varint()?;
        let _first = self.0.varint()?;
        for _ in 0..ranges {
            let _gap = self.0.varint()?;
            let _len = self.0.varint()?;
        }
        if kind == ACK_ECN {
            for _ in 0..3 {
                self.0.varint()?;
            }
        }
        Some(())
    }
}

impl<'a> Iterator for Frames<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        let frame = self.read();
        if frame.is_none() {
            self.0 = Cursor::new(&[]);
        }
        frame
    }
}

const PADDING: u64 = 0x00;
const PING: u64 = 0x01;
const ACK: u64 = 0x02;
const ACK_ECN: u64 = 0x03;
const CRYPTO: u64 = 0x06;
const CLOSE: u64 = 0x1c;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_strewn_between_is_passed() {
        let payload = [
            0, 0, 1, 2, 5, 0, 1, 0, 0, 0, 6, 2, 2, 8, 9, 1, 0, 3, 5, 0, 0, 0, 1, 1, 1, 6, 0, 1, 7,
            0x1c, 0,
        ];
        let frames: Vec<_> = Frames::new(&payload).take(3).collect();
        let crypto = |offset, bytes| Frame::Crypto { offset, bytes };
        assert_eq!(frames, [crypto(2, &[8, 9]), crypto(0, &[7]), Frame::Close]);
    }

    #[test]
    fn a_frame_that_is_unknown_or_cut_ends_the_packet() {
        assert_eq!(Frames::new(&[8, 6, 0, 1, 7]).next(), None);
        let mut cut = Frames::new(&[6, 0, 2, 7]);
        assert_eq!((cut.next(), cut.next()), (None, None));
        // So many ranges are not there.
        let ranges = [2, 5, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0];
        assert_eq!(Frames::new(&ranges).next(), None);
    }
}
