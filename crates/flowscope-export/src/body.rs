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
    match decoder(&transfer.body, encoding) {
        Some(decoder) => inflated(decoder),
        None => whole,
    }
}

/// How a body begins without its content encoding.
pub(crate) fn decoded_start(transfer: &Transfer, encoding: Option<&[u8]>) -> Vec<u8> {
    let body = transfer.body.as_slice();
    let mut start = Vec::new();
    let mut decoder = decoder(body, encoding.unwrap_or_default());
    let reader: &mut dyn Read = match &mut decoder {
        Some(decoder) => decoder,
        None => &mut &*body,
    };
    // What was read before an error is how it begins.
    let _ = reader.take(START).read_to_end(&mut start);
    start
}

/// What takes the content encoding off a body; `None` where it is none of those
/// that are known.
fn decoder<'a>(body: &'a [u8], encoding: &[u8]) -> Option<Box<dyn Read + 'a>> {
    let is = |name: &str| encoding.eq_ignore_ascii_case(name.as_bytes());
    if is("gzip") || is("x-gzip") {
        Some(Box::new(MultiGzDecoder::new(body)))
    } else if is("deflate") {
        // Some send it without the header of zlib.
        match body {
            [first, ..] if first & 0x0f == 8 => Some(Box::new(ZlibDecoder::new(body))),
            _ => Some(Box::new(DeflateDecoder::new(body))),
        }
    } else {
        None
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
/// How much of its beginning tells what it is.
const START: u64 = 4096;
/// A body that grows beyond this is not decoded to its end.
const MAX_DECODED: u64 = 1 << 28;
