//! How long the body of an HTTP message is once it is decoded.

use std::io::Read;

use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use flowscope_http::Transfer;

/// The length of a body without its content encoding (RFC 9110, section 8.4.1),
/// as far as it was kept; that of the transfer where it was not kept whole.
pub(crate) fn decoded_len(transfer: &Transfer, encoding: Option<&[u8]>) -> u64 {
    let whole = transfer.body_bytes;
    let Some(encoding) = encoding else {
        return whole;
    };
    if transfer.body.len() as u64 != whole {
        return whole;
    }
    let body = transfer.body.as_slice();
    let is = |name: &str| encoding.eq_ignore_ascii_case(name.as_bytes());
    if is("gzip") || is("x-gzip") {
        inflated(MultiGzDecoder::new(body))
    } else if is("deflate") {
        // Some send it without the header of zlib.
        match body {
            [first, ..] if first & 0x0f == 8 => inflated(ZlibDecoder::new(body)),
            _ => inflated(DeflateDecoder::new(body)),
        }
    } else {
        whole
    }
}

/// How much a reader gives, up to its end, its first error or what is too much.
fn inflated(mut reader: impl Read) -> u64 {
    let mut chunk = [0; 8192];
    let mut len = 0;
    while let Ok(read @ 1..) = reader.read(&mut chunk) {
        len += read as u64;
        if len > MAX_DECODED {
            break;
        }
    }
    len
}

/// How much of each body is kept to be decoded.
pub(crate) const LIMIT: usize = 1 << 20;
/// A body that grows beyond this is not decoded to its end.
const MAX_DECODED: u64 = 1 << 28;
