//! TCP and UDP over IPv4 over Ethernet, with the checksums a real stack sends.

/// An address and port.
#[derive(Clone, Copy, Debug)]
pub(super) struct Endpoint {
    pub(super) address: [u8; 4],
    pub(super) port: u16,
}

/// One TCP segment to be framed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'a> {
    pub(super) from: Endpoint,
    pub(super) to: Endpoint,
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) flags: u8,
    /// Padded to four bytes.
    pub(super) options: &'a [u8],
    pub(super) payload: &'a [u8],
}

/// A frame, built over and over in the same memory.
#[derive(Debug, Default)]
pub(super) struct FrameBuffer {
    bytes: Vec<u8>,
    identification: u16,
}

impl FrameBuffer {
    pub(super) fn tcp(&mut self, segment: &Segment<'_>) -> &[u8] {
        let header_len = 20 + segment.options.len();
        self.begin(
            segment.from,
            segment.to,
            TCP,
            header_len + segment.payload.len(),
        );
        self.put(&segment.from.port.to_be_bytes());
        self.put(&segment.to.port.to_be_bytes());
        self.put(&segment.seq.to_be_bytes());
        self.put(&segment.ack.to_be_bytes());
        self.put(&[((header_len / 4) << 4) as u8, segment.flags]);
        self.put(&WINDOW.to_be_bytes());
        self.put(&[0; 4]);
        self.put(segment.options);
        self.put(segment.payload);
        self.seal(16);
        &self.bytes
    }

    pub(super) fn udp(&mut self, from: Endpoint, to: Endpoint, payload: &[u8]) -> &[u8] {
        let len = UDP_HEADER_LEN + payload.len();
        self.begin(from, to, UDP, len);
        self.put(&from.port.to_be_bytes());
        self.put(&to.port.to_be_bytes());
        self.put(&(len as u16).to_be_bytes());
        self.put(&[0; 2]);
        self.put(payload);
        self.seal(6);
        &self.bytes
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The Ethernet and IPv4 headers of a packet with `len` bytes of transport.
    fn begin(&mut self, from: Endpoint, to: Endpoint, protocol: u8, len: usize) {
        self.bytes.clear();
        self.identification = self.identification.wrapping_add(1);
        for end in [to, from] {
            self.put(&[0x02, 0]);
            self.put(&end.address);
        }
        self.put(&[0x08, 0x00, 0x45, 0]);
        self.put(&((IPV4_HEADER_LEN + len) as u16).to_be_bytes());
        self.put(&self.identification.to_be_bytes());
        self.put(&[0x40, 0, 64, protocol, 0, 0]);
        self.put(&from.address);
        self.put(&to.address);
    }

    /// Fills in both checksums; the transport's is at `offset` in its header.
    fn seal(&mut self, offset: usize) {
        let (headers, transport) = self.bytes.split_at_mut(ETHERNET_LEN + IPV4_HEADER_LEN);
        let ip = &mut headers[ETHERNET_LEN..];
        // The pseudo header: the addresses, the protocol and the length.
        let pseudo = sum(&ip[12..]) + u64::from(ip[9]) + transport.len() as u64;
        let checksum = fold(pseudo + sum(transport));
        transport[offset..offset + 2].copy_from_slice(&checksum.to_be_bytes());
        let checksum = fold(sum(ip));
        ip[10..12].copy_from_slice(&checksum.to_be_bytes());
    }
}

/// The sum of the 16-bit words of `bytes`, not yet folded.
pub(super) fn sum(bytes: &[u8]) -> u64 {
    let pairs = bytes.chunks_exact(2);
    let last = pairs
        .remainder()
        .first()
        .map_or(0, |&byte| u64::from(byte) << 8);
    pairs.fold(last, |sum, pair| {
        sum + u64::from(u16::from_be_bytes([pair[0], pair[1]]))
    })
}

/// The one's complement checksum of a sum.
pub(super) const fn fold(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

pub(super) const SYN: u8 = 0x02;
pub(super) const FIN: u8 = 0x01;
pub(super) const PSH: u8 = 0x08;
pub(super) const ACK: u8 = 0x10;

pub(super) const ETHERNET_LEN: usize = 14;
pub(super) const IPV4_HEADER_LEN: usize = 20;
pub(super) const UDP_HEADER_LEN: usize = 8;
const TCP: u8 = 6;
const UDP: u8 = 17;
const WINDOW: u16 = 0xfaf0;

#[cfg(test)]
mod tests {
    use super::*;

    const A: Endpoint = Endpoint {
        address: [10, 0, 0, 1],
        port: 40_000,
    };
    const B: Endpoint = Endpoint {
        address: [10, 0, 0, 2],
        port: 443,
    };

    /// A packet summed with its own checksum gives zero.
    fn assert_sums_to_zero(frame: &[u8]) {
        let ip = &frame[ETHERNET_LEN..ETHERNET_LEN + IPV4_HEADER_LEN];
        let transport = &frame[ETHERNET_LEN + IPV4_HEADER_LEN..];
        assert_eq!(fold(sum(ip)), 0);
        let pseudo = sum(&ip[12..]) + u64::from(ip[9]) + transport.len() as u64;
        assert_eq!(fold(pseudo + sum(transport)), 0);
    }

    #[test]
    fn checksums_are_right() {
        let mut frame = FrameBuffer::default();
        let segment = Segment {
            from: A,
            to: B,
            seq: 0xffff_fff0,
            ack: 7,
            flags: PSH | ACK,
            options: &[1, 1, 1, 0],
            payload: b"odd",
        };
        assert_sums_to_zero(frame.tcp(&segment));
        assert_sums_to_zero(frame.udp(A, B, b"datagram"));
    }

    #[test]
    fn lengths_are_what_the_headers_say() {
        let mut frame = FrameBuffer::default();
        let frame = frame.udp(A, B, &[0; 22]);
        assert_eq!(frame.len(), 64);
        assert_eq!(frame[16..18], 50_u16.to_be_bytes());
        assert_eq!(frame[38..40], 30_u16.to_be_bytes());
    }
}
