//! `dense`: many short flows, and messages in nearly every packet.
//!
//! Half of the flows are of DNS, of which some have many queries under way at a
//! time. Three tenths are of HTTP, with requests that do not wait for the
//! responses to those before. The others are of TLS.

use std::path::Path;

use super::conversations::{Conversation, Over, Sender, play};
use super::options::Options;
use super::pcap_file::{PcapFile, Written, describe};
use super::random::{Filler, SplitMix64};
use super::words;

pub(super) fn write(path: &Path, options: &Options) -> Result<Written, String> {
    let mut random = SplitMix64::new(options.seed);
    let mut speaker = Speaker {
        filler: Filler::new(&mut random),
        random: SplitMix64::new(random.next()),
    };
    let mut conversations = (0..options.flows.unwrap_or(FLOWS)).map(|number| speaker.speak(number));
    PcapFile::create(path)
        .and_then(|file| play(file, &mut random, &mut conversations, AT_ONCE))
        .map_err(|error| describe(path, error))
}

struct Speaker {
    filler: Filler,
    random: SplitMix64,
}

impl Speaker {
    fn speak(&mut self, number: u32) -> Conversation {
        let (port, over, said) = match self.random.below(10) {
            0..5 => (53, Over::Udp, self.dns()),
            5..8 => (80, Over::ClosedTcp, self.http()),
            _ => (443, Over::ClosedTcp, self.tls()),
        };
        Conversation::new(number, port, over, said, &mut self.random)
    }

    /// Queries, then their answers in another order.
    fn dns(&mut self) -> Vec<(Sender, Vec<u8>)> {
        let random = &mut self.random;
        let queries = match random.below(100) {
            0..70 => 1,
            70..90 => 2,
            90..99 => 4,
            _ => MANY_QUERIES,
        };
        let first = random.next() as u16;
        let mut said: Vec<_> = (0..queries)
            .map(|number| {
                let host = words::host(random);
                let query = words::dns_query(first.wrapping_add(number), &host);
                (Sender::Client, query)
            })
            .collect();
        let mut answers: Vec<_> = said
            .iter()
            .map(|(_, query)| {
                let addresses = random.within(&(1..=4)) as u8;
                (Sender::Server, words::dns_response(query, addresses))
            })
            .collect();
        answers.rotate_left(random.below(usize::from(queries)));
        said.append(&mut answers);
        said
    }

    /// Requests, then their responses. Some heads come in two segments.
    fn http(&mut self) -> Vec<(Sender, Vec<u8>)> {
        let random = &mut self.random;
        let requests = [1, 1, 1, 2, 2, 4][random.below(6)];
        let host = words::host(random);
        let mut said = Vec::new();
        for _ in 0..requests {
            let mut request = words::http_request(random, &host);
            if random.below(8) == 0 {
                let rest = request.split_off(random.within(&(1..=request.len() - 1)));
                said.push((Sender::Client, request));
                request = rest;
            }
            said.push((Sender::Client, request));
        }
        for _ in 0..requests {
            let response = words::http_response(random, &self.filler);
            said.push((Sender::Server, response));
        }
        said
    }

    fn tls(&mut self) -> Vec<(Sender, Vec<u8>)> {
        let random = &mut self.random;
        let host = words::host(random);
        vec![
            (Sender::Client, words::client_hello(random, &host, 517)),
            (Sender::Server, words::server_hello(random)),
            (Sender::Client, words::encrypted(random, 80)),
            (Sender::Client, words::encrypted(random, 400)),
            (Sender::Server, words::encrypted(random, 1200)),
        ]
    }
}

/// Usual flows, and those under way at any time.
const FLOWS: u32 = 570_000;
const AT_ONCE: usize = 10_000;
/// Queries under way at a time on the flows that have many.
const MANY_QUERIES: u16 = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_query_has_an_answer_and_each_request_a_response() {
        let mut random = SplitMix64::new(1);
        let filler = Filler::new(&mut random);
        let mut speaker = Speaker { filler, random };
        for _ in 0..200 {
            let said = speaker.dns();
            let (queries, answers) = said.split_at(said.len() / 2);
            let identifiers = |said: &[(Sender, Vec<u8>)], sender| {
                let mut identifiers: Vec<_> = said
                    .iter()
                    .inspect(|(from, _)| assert_eq!(*from, sender))
                    .map(|(_, message)| [message[0], message[1]])
                    .collect();
                identifiers.sort_unstable();
                identifiers
            };
            assert_eq!(
                identifiers(queries, Sender::Client),
                identifiers(answers, Sender::Server)
            );

            let said = speaker.http();
            let starts = |with: &[u8]| {
                let all: Vec<u8> = said.iter().flat_map(|(_, bytes)| bytes.clone()).collect();
                all.windows(with.len()).filter(|it| *it == with).count()
            };
            assert_eq!(starts(b"GET /assets"), starts(b"HTTP/1.1 200 OK"));
        }
    }
}
