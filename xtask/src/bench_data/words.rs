//! What is said in DNS, HTTP and TLS.

use super::random::{Filler, SplitMix64};

/// The name of a host.
pub(super) fn host(random: &mut SplitMix64) -> String {
    let label = LABELS[random.below(LABELS.len())];
    let number = random.below(100_000);
    let domain = DOMAINS[random.below(DOMAINS.len())];
    format!("{label}{number}.{domain}")
}

/// A query for the address of a host.
pub(super) fn dns_query(identifier: u16, host: &str) -> Vec<u8> {
    let mut message = Vec::with_capacity(64);
    message.extend(identifier.to_be_bytes());
    message.extend([1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
    for label in host.split('.') {
        message.push(label.len() as u8);
        message.extend(label.as_bytes());
    }
    message.extend([0, 0, 1, 0, 1]);
    message
}

/// The answer to such a query: so many addresses.
pub(super) fn dns_response(query: &[u8], addresses: u8) -> Vec<u8> {
    let mut message = query.to_vec();
    message[2..8].copy_from_slice(&[0x81, 0x80, 0, 1, 0, addresses]);
    for address in 0..addresses {
        // The name is that of the question.
        message.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 1, 0x2c, 0, 4]);
        message.extend([203, 0, 113, address]);
    }
    message
}

/// A request as a browser sends it.
pub(super) fn http_request(random: &mut SplitMix64, host: &str) -> Vec<u8> {
    let (folder, file) = (random.below(1000), random.below(1_000_000));
    format!(
        "GET /assets/{folder}/{file}.js?v={folder} HTTP/1.1\r\nHost: {host}\r\n\
         User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n\
         Accept: text/html,application/xhtml+xml,*/*;q=0.8\r\n\
         Accept-Language: en-US,en;q=0.5\r\nAccept-Encoding: gzip, deflate, br\r\n\
         Cookie: session={file:08x}{folder:08x}\r\n\r\n"
    )
    .into_bytes()
}

/// The response to a request.
pub(super) fn http_response(random: &mut SplitMix64, filler: &Filler) -> Vec<u8> {
    let len = random.within(&(50..=800));
    let tag = random.below(1 << 30);
    let mut message = format!(
        "HTTP/1.1 200 OK\r\nServer: nginx/1.26.2\r\nDate: Wed, 01 Jan 2025 00:00:00 GMT\r\n\
         Content-Type: application/javascript\r\nContent-Length: {len}\r\n\
         ETag: \"{tag:x}\"\r\nCache-Control: max-age=3600\r\nConnection: keep-alive\r\n\r\n"
    )
    .into_bytes();
    message.extend_from_slice(filler.bytes(random, len));
    message
}

/// The head of a request that does not end: `len` bytes of header fields.
pub(super) fn half_a_head(random: &mut SplitMix64, host: &str, len: usize) -> Vec<u8> {
    let mut head = http_request(random, host);
    head.truncate(head.len() - 2);
    let mut field = 0;
    while head.len() < len {
        field += 1;
        let value = random.next();
        head.extend(format!("X-Field-{field}: {value:016x}\r\n").bytes());
    }
    head.truncate(len);
    head
}

/// A ClientHello of TLS 1.3 that asks for a host, in a record of its own. It has
/// at least `len` bytes, by padding as browsers send it (RFC 7685).
pub(super) fn client_hello(random: &mut SplitMix64, host: &str, len: usize) -> Vec<u8> {
    let mut extensions = Vec::new();
    let name_len = host.len() as u16;
    let mut server_name = (name_len + 3).to_be_bytes().to_vec();
    server_name.push(0);
    server_name.extend(name_len.to_be_bytes());
    server_name.extend(host.as_bytes());
    extension(&mut extensions, 0, &server_name);
    extension(&mut extensions, 23, &[]);
    extension(&mut extensions, 10, &[0, 6, 0, 29, 0, 23, 0, 24]);
    extension(&mut extensions, 11, &[1, 0]);
    extension(&mut extensions, 16, b"\0\x0c\x02h2\x08http/1.1");
    extension(&mut extensions, 13, &[0, 8, 4, 3, 8, 4, 4, 1, 5, 3]);
    extension(&mut extensions, 43, &[4, 3, 4, 3, 3]);
    let mut key_share = vec![0, 36, 0, 29, 0, 32];
    fill(random, &mut key_share, 32);
    extension(&mut extensions, 51, &key_share);

    let mut hello = vec![3, 3];
    fill(random, &mut hello, 32);
    hello.push(32);
    fill(random, &mut hello, 32);
    let suites = [0x1301_u16, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030];
    hello.extend((2 * suites.len() as u16).to_be_bytes());
    hello.extend(suites.iter().flat_map(|suite| suite.to_be_bytes()));
    hello.extend([1, 0]);
    let so_far = RECORD_HEADER + 4 + hello.len() + 2 + extensions.len() + 4;
    let padding = vec![0; len.saturating_sub(so_far)];
    extension(&mut extensions, 21, &padding);
    hello.extend((extensions.len() as u16).to_be_bytes());
    hello.extend(extensions);
    record(22, &handshake(1, &hello))
}

/// What a server of TLS 1.3 answers: a ServerHello, and what is encrypted.
pub(super) fn server_hello(random: &mut SplitMix64) -> Vec<u8> {
    let mut hello = vec![3, 3];
    fill(random, &mut hello, 32);
    hello.push(32);
    fill(random, &mut hello, 32);
    hello.extend([0x13, 0x01, 0]);
    let mut extensions = Vec::new();
    let mut key_share = vec![0, 29, 0, 32];
    fill(random, &mut key_share, 32);
    extension(&mut extensions, 51, &key_share);
    extension(&mut extensions, 43, &[3, 4]);
    hello.extend((extensions.len() as u16).to_be_bytes());
    hello.extend(extensions);
    let mut answer = record(22, &handshake(2, &hello));
    answer.extend(record(20, &[1]));
    answer.extend(encrypted(random, 900));
    answer
}

/// A record of which only the length can be read.
pub(super) fn encrypted(random: &mut SplitMix64, len: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(len);
    fill(random, &mut bytes, len);
    record(23, &bytes)
}

fn extension(extensions: &mut Vec<u8>, number: u16, bytes: &[u8]) {
    extensions.extend(number.to_be_bytes());
    extensions.extend((bytes.len() as u16).to_be_bytes());
    extensions.extend(bytes);
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let [_, len @ ..] = (body.len() as u32).to_be_bytes();
    let mut message = vec![kind];
    message.extend(len);
    message.extend(body);
    message
}

fn record(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut record = vec![kind, 3, 3];
    record.extend((body.len() as u16).to_be_bytes());
    record.extend(body);
    record
}

fn fill(random: &mut SplitMix64, bytes: &mut Vec<u8>, len: usize) {
    let end = bytes.len() + len;
    while bytes.len() < end {
        bytes.extend(random.next().to_le_bytes());
    }
    bytes.truncate(end);
}

const RECORD_HEADER: usize = 5;
const LABELS: [&str; 6] = ["www", "api", "cdn", "img", "static", "mail"];
const DOMAINS: [&str; 5] = [
    "example.org",
    "example.com",
    "shop.example.net",
    "eu-central.cloud.example",
    "test",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn length_at(bytes: &[u8], at: usize) -> usize {
        usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]))
    }

    #[test]
    fn a_client_hello_is_as_long_as_it_says() {
        let mut random = SplitMix64::new(1);
        for len in [0, 517, 3000] {
            let hello = client_hello(&mut random, "www.example.org", len);
            assert!(hello.len() >= len);
            assert_eq!(hello.len(), RECORD_HEADER + length_at(&hello, 3));
            assert_eq!(hello.len(), RECORD_HEADER + 4 + length_at(&hello, 7));
        }
        assert_eq!(client_hello(&mut random, "a.test", 517).len(), 517);
    }

    #[test]
    fn a_response_has_the_question_and_its_answers() {
        let query = dns_query(0x1234, "www.example.org");
        assert_eq!(query.len(), 12 + 17 + 4);
        let response = dns_response(&query, 2);
        assert_eq!(response[12..query.len()], query[12..]);
        assert_eq!(response.len(), query.len() + 2 * 16);
        assert_eq!(length_at(&response, 6), 2);
    }

    #[test]
    fn half_a_head_has_its_length_and_no_end() {
        let mut random = SplitMix64::new(1);
        for len in [100, 5000] {
            let head = half_a_head(&mut random, "www.example.org", len);
            assert_eq!(head.len(), len);
            assert!(!head.windows(4).any(|bytes| bytes == b"\r\n\r\n"));
        }
    }
}
