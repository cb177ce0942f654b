//! `half`: a great many flows that each begin a message and never end it. Every
//! other one sends half a ClientHello, the rest half a head of HTTP.

use std::path::Path;

use super::conversations::{Conversation, Over, Sender, play};
use super::options::Options;
use super::pcap_file::{PcapFile, Written, describe};
use super::random::SplitMix64;
use super::words;

pub(super) fn write(path: &Path, options: &Options) -> Result<Written, String> {
    let mut random = SplitMix64::new(options.seed);
    let mut speaker = SplitMix64::new(random.next());
    let len = options.half;
    let mut conversations = (0..options.flows.unwrap_or(FLOWS)).map(|number| {
        let (port, half) = half(number, len, &mut speaker);
        let said = half
            .chunks(SEGMENT)
            .map(|bytes| (Sender::Client, bytes.to_vec()))
            .collect();
        Conversation::new(number, port, Over::OpenTcp, said, &mut speaker)
    });
    PcapFile::create(path)
        .and_then(|file| play(file, &mut random, &mut conversations, AT_ONCE))
        .map_err(|error| describe(path, error))
}

/// The first `len` bytes of a message that is longer, and the port it is sent to.
fn half(number: u32, len: usize, random: &mut SplitMix64) -> (u16, Vec<u8>) {
    let host = words::host(random);
    match number % 2 {
        0 => {
            let mut hello = words::client_hello(random, &host, 2 * len);
            hello.truncate(len);
            (443, hello)
        }
        _ => (80, words::half_a_head(random, &host, len)),
    }
}

const FLOWS: u32 = 1_000_000;
const AT_ONCE: usize = 10_000;
/// The most that one segment carries.
const SEGMENT: usize = 1400;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_message_is_whole() {
        let mut random = SplitMix64::new(1);
        for len in [200, 1400, 8000] {
            let (port, hello) = half(0, len, &mut random);
            assert_eq!((port, hello.len()), (443, len));
            assert!(usize::from(u16::from_be_bytes([hello[3], hello[4]])) > len);
            let (port, head) = half(1, len, &mut random);
            assert_eq!((port, head.len()), (80, len));
            assert!(!head.ends_with(b"\r\n\r\n"));
        }
    }
}
