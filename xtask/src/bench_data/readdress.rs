//! Gives the outermost IP packet of an Ethernet frame other addresses.

use super::frame::{ETHERNET_LEN, fold};

/// What is laid over the addresses of one replica. Both directions of a
/// conversation get the same, so it stays one conversation, and laying it over
/// twice takes it away again.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) struct Overlay {
    bits: [u8; 3],
}

impl Overlay {
    /// The overlay of replica `number`, another for each of the first 262,144;
    /// that of replica 0 changes nothing.
    pub(super) const fn of_replica(number: u32) -> Self {
        // Odd, so multiplying is a permutation of the 18-bit numbers.
        let [_, first, second, third] = number.wrapping_mul(0x9e37).to_be_bytes();
        // These two bits make no unicast address loopback, multicast or zero,
        // if it is one that the fixtures have.
        let first = (first & 1) | ((first & 2) << 1);
        Self {
            bits: [first, second, third],
        }
    }

    /// Rewrites the addresses and mends the checksums that cover them. A frame
    /// without IP stays as it is.
    pub(super) fn apply(self, frame: &mut [u8]) {
        let Some(packet) = ip_packet(frame) else {
            return;
        };
        match packet.first().map(|byte| byte >> 4) {
            Some(4) => self.ipv4(packet),
            Some(6) => self.ipv6(packet),
            _ => {}
        }
    }

    /// In IPv4 all but the last byte: networks differ, hosts stay apart.
    fn ipv4(self, packet: &mut [u8]) {
        let Some(&[version_ihl, .., fragment_high, fragment_low, _, protocol]) =
            packet.first_chunk::<10>()
        else {
            return;
        };
        if packet.len() < 20 {
            return;
        }
        let delta = self.lay_over(packet, 12) + self.lay_over(packet, 16);
        mend(packet, 10, delta);
        let first_fragment = u16::from_be_bytes([fragment_high, fragment_low]) & 0x1fff == 0;
        // ICMP has no pseudo header.
        if first_fragment && matches!(protocol, TCP | UDP) {
            mend_transport(packet, usize::from(version_ihl & 0x0f) * 4, protocol, delta);
        }
    }

    /// In IPv6 the subnet: the sixth to eighth byte.
    fn ipv6(self, packet: &mut [u8]) {
        if packet.len() < 40 {
            return;
        }
        let delta = self.lay_over(packet, 13) + self.lay_over(packet, 29);
        mend_transport(packet, 40, packet[6], delta);
    }

    /// Changes the three bytes from `offset` on; says by how much the sum of
    /// the packet's 16-bit words grows.
    fn lay_over(self, packet: &mut [u8], offset: usize) -> i64 {
        let mut grown = 0;
        for (offset, bits) in (offset..).zip(self.bits) {
            let byte = &mut packet[offset];
            let before = i64::from(*byte);
            *byte ^= bits;
            let difference = i64::from(*byte) - before;
            grown += if offset.is_multiple_of(2) {
                difference << 8
            } else {
                difference
            };
        }
        grown
    }
}

/// What follows the Ethernet header, its tags and its labels, if that is IP.
fn ip_packet(frame: &mut [u8]) -> Option<&mut [u8]> {
    let mut offset = ETHERNET_LEN;
    loop {
        let ethertype = u16::from_be_bytes([*frame.get(offset - 2)?, *frame.get(offset - 1)?]);
        match ethertype {
            VLAN | QINQ => offset += 4,
            MPLS => {
                // The third byte's last bit marks the bottom of the stack.
                while frame.get(offset + 2)? & 1 == 0 {
                    offset += 4;
                }
                return frame.get_mut(offset + 4..);
            }
            PPPOE => return frame.get_mut(offset + 8..),
            IPV4 | IPV6 => return frame.get_mut(offset..),
            _ => return None,
        }
    }
}

fn mend_transport(packet: &mut [u8], start: usize, protocol: u8, delta: i64) {
    match protocol {
        TCP => mend(packet, start + 16, delta),
        // Zero says that the sender computed none.
        UDP if packet.get(start + 6..start + 8) != Some(&[0, 0]) => {
            mend(packet, start + 6, delta);
        }
        ICMPV6 => mend(packet, start + 2, delta),
        _ => {}
    }
}

/// Mends the checksum at `offset`, if it was captured, for words that grew by
/// `delta` (RFC 1624, equation 3).
fn mend(packet: &mut [u8], offset: usize, delta: i64) {
    if let Some(checksum) = packet.get_mut(offset..offset + 2) {
        let sum = i64::from(!u16::from_be_bytes([checksum[0], checksum[1]]));
        // A multiple of 0xffff is nothing in one's complement, and enough of
        // them keep the sum above zero.
        let sum = (sum + delta + 4 * 0xffff * 0x100) as u64;
        checksum.copy_from_slice(&fold(sum).to_be_bytes());
    }
}

const IPV4: u16 = 0x0800;
const IPV6: u16 = 0x86dd;
const VLAN: u16 = 0x8100;
const QINQ: u16 = 0x88a8;
const MPLS: u16 = 0x8847;
const PPPOE: u16 = 0x8864;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;

#[cfg(test)]
mod tests {
    use super::super::frame::{Endpoint, FrameBuffer, sum};
    use super::*;

    const A: Endpoint = Endpoint {
        address: [10, 77, 0, 1],
        port: 5353,
    };
    const B: Endpoint = Endpoint {
        address: [10, 77, 0, 2],
        port: 53,
    };

    #[test]
    fn both_directions_stay_together_and_checksums_hold() {
        let overlay = Overlay::of_replica(77);
        let mut buffer = FrameBuffer::default();
        let mut there = buffer.udp(A, B, b"query").to_vec();
        let mut back = buffer.udp(B, A, b"answer").to_vec();
        let before = there.clone();
        overlay.apply(&mut there);
        overlay.apply(&mut back);

        assert_ne!(there[26..34], before[26..34]);
        assert_eq!(
            (&there[26..30], &there[30..34]),
            (&back[30..34], &back[26..30])
        );
        for frame in [&there, &back] {
            let (ip, udp) = frame[14..].split_at(20);
            assert_eq!(fold(sum(ip)), 0);
            assert_eq!(fold(sum(&ip[12..]) + 17 + udp.len() as u64 + sum(udp)), 0);
        }
        overlay.apply(&mut there);
        assert_eq!(there, before);
    }

    #[test]
    fn tags_are_passed_and_short_frames_survive() {
        let mut buffer = FrameBuffer::default();
        let mut tagged = buffer.udp(A, B, b"query").to_vec();
        tagged.splice(12..12, [0x81, 0x00, 0, 5]);
        let before = tagged.clone();
        for len in 0..tagged.len() {
            Overlay::of_replica(9).apply(&mut tagged.clone()[..len]);
        }
        Overlay::of_replica(9).apply(&mut tagged);
        assert_ne!(tagged[30..38], before[30..38]);
        assert_eq!(tagged[..28], before[..28]);
    }

    #[test]
    fn every_replica_has_its_own_overlay() {
        let mut overlays: Vec<Overlay> = (0..1 << 18).map(Overlay::of_replica).collect();
        overlays.sort_unstable();
        overlays.dedup();
        assert_eq!(overlays.len(), 1 << 18);
    }

    #[test]
    fn labels_and_sessions_are_passed() {
        let mut buffer = FrameBuffer::default();
        let plain = buffer.udp(A, B, b"query").to_vec();
        let mut rewritten = plain.clone();
        Overlay::of_replica(3).apply(&mut rewritten);
        let labels = [0x88, 0x47, 0, 1, 0, 64, 0, 2, 1, 64];
        let session = [0x88, 0x64, 0x11, 0, 0, 1, 0, 35, 0, 0x21];
        for front in [labels, session] {
            let mut framed = [&plain[..12], &front, &plain[14..]].concat();
            Overlay::of_replica(3).apply(&mut framed);
            assert_eq!(framed[22..], rewritten[14..]);
        }
    }

    #[test]
    fn ipv6_changes_the_subnet() {
        let mut frame = vec![0; 14 + 40 + 8];
        frame[12..15].copy_from_slice(&[0x86, 0xdd, 0x60]);
        frame[20] = UDP;
        Overlay::of_replica(1).apply(&mut frame);
        assert_eq!(frame[22 + 6..22 + 8], [0x9e, 0x37]);
        assert_eq!(frame[38 + 6..38 + 8], [0x9e, 0x37]);
    }
}
