//! The keys of Initial packets, and what is done with them (RFC 9001, section
//! 5).

use core::fmt;

use aes_gcm::aead::AeadInOut;
use aes_gcm::aes::Aes128;
use aes_gcm::aes::cipher::BlockCipherEncrypt;
use aes_gcm::{Aes128Gcm, KeyInit};
use hkdf::Hkdf;
use sha2::Sha256;

use crate::header::InitialPacket;
use crate::version::{QuicVersion, Salt};

/// What one side encrypts with.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Keys {
    key: [u8; 16],
    iv: [u8; 12],
    header: [u8; 16],
}

/// Who encrypts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Role {
    Client,
    Server,
}

impl Role {
    /// The type of its hello (RFC 8446, section 4).
    pub(crate) fn hello(self) -> u8 {
        match self {
            Self::Client => 1,
            Self::Server => 2,
        }
    }
}

/// What a packet says, once its protection was taken off.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Opened {
    pub(crate) number: u64,
    /// Its frames.
    pub(crate) payload: Vec<u8>,
}

/// What the keys of both sides are made of.
#[derive(Clone)]
pub(crate) struct Secret {
    version: QuicVersion,
    initial: Hkdf<Sha256>,
}

impl Secret {
    /// The secret of a connection whose client chose `destination` first (RFC 9001,
    /// section 5.2), made with `salt`, which is one of the version's.
    pub(crate) fn new(version: QuicVersion, salt: &Salt, destination: &[u8]) -> Self {
        let (_, initial) = Hkdf::<Sha256>::extract(Some(salt), destination);
        Self { version, initial }
    }

    pub(crate) fn keys(&self, role: Role) -> Option<Keys> {
        let label = match role {
            Role::Client => &b"client in"[..],
            Role::Server => b"server in",
        };
        let secret = Hkdf::<Sha256>::from_prk(&expand::<32>(&self.initial, label)?).ok()?;
        let labels = match self.version.is_v2() {
            false => [&b"quic key"[..], b"quic iv", b"quic hp"],
            true => [&b"quicv2 key"[..], b"quicv2 iv", b"quicv2 hp"],
        };
        let [key, iv, header] = labels;
        Some(Keys {
            key: expand(&secret, key)?,
            iv: expand(&secret, iv)?,
            header: expand(&secret, header)?,
        })
    }
}

/// Without what it is.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secret").finish_non_exhaustive()
    }
}

impl Keys {
    /// Takes the protection off a packet; `None` if its tag is not right.
    ///
    /// `next_number` is the number after the highest one that was opened.
    pub(crate) fn open(&self, packet: &InitialPacket<'_>, next_number: u64) -> Option<Opened> {
        let (header, protected) = packet.bytes.split_at_checked(packet.number_at)?;
        // The sample is taken as if the number had four bytes (section 5.4.2).
        let sample: [u8; 16] = *protected.get(4..)?.first_chunk()?;
        let mut mask = sample.into();
        Aes128::new(&self.header.into()).encrypt_block(&mut mask);
        let [mask_of_first, mask_of_number @ ..] = <[u8; 16]>::from(mask);

        let first = packet.header.first ^ mask_of_first & 0x0f;
        let number_len = usize::from(first & 3) + 1;
        let (number, sealed) = protected.split_at_checked(number_len)?;
        let number: Vec<u8> = number
            .iter()
            .zip(mask_of_number)
            .map(|(byte, mask)| byte ^ mask)
            .collect();
        let authenticated = [&[first][..], header.get(1..)?, &number].concat();
        let number = whole_number(&number, next_number);
        let payload = self.decrypt(number, &authenticated, sealed)?;
        Some(Opened { number, payload })
    }

    fn decrypt(&self, number: u64, authenticated: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = self.iv;
        for (byte, number) in nonce.iter_mut().skip(4).zip(number.to_be_bytes()) {
            *byte ^= number;
        }
        let (sealed, tag) = sealed.split_last_chunk::<16>()?;
        let mut payload = sealed.to_vec();
        Aes128Gcm::new(&self.key.into())
            .decrypt_inout_detached(
                &nonce.into(),
                authenticated,
                payload.as_mut_slice().into(),
                &(*tag).into(),
            )
            .ok()?;
        Some(payload)
    }
}

/// HKDF-Expand-Label of TLS 1.3, without context (RFC 8446, section 7.1).
fn expand<const N: usize>(secret: &Hkdf<Sha256>, label: &[u8]) -> Option<[u8; N]> {
    let mut out = [0; N];
    let len = u16::try_from(N).ok()?.to_be_bytes();
    let label_len = [u8::try_from(TLS13.len() + label.len()).ok()?];
    let info = [&len[..], &label_len, TLS13, label, &[0]];
    secret.expand_multi_info(&info, &mut out).ok()?;
    Some(out)
}

/// The packet number that ends in these bytes and is the nearest to the one
/// expected (RFC 9000, appendix A.3).
fn whole_number(end: &[u8], expected: u64) -> u64 {
    let window = 1_u64 << (8 * end.len().min(4));
    let low = end
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte));
    let candidate = expected & !(window - 1) | low;
    if candidate + window / 2 <= expected && candidate + window < MAX_NUMBER {
        candidate + window
    } else if candidate > expected + window / 2 && candidate >= window {
        candidate - window
    } else {
        candidate
    }
}

const TLS13: &[u8] = b"tls13 ";
const MAX_NUMBER: u64 = 1 << 62;

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// RFC 9001, appendix A.1, and RFC 9369, appendix A.1.
    #[test]
    fn keys_are_those_of_the_rfcs() {
        let id = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];
        for (version, role, key, iv, header) in [
            (
                QuicVersion::V1,
                Role::Client,
                "1f369613dd76d5467730efcbe3b1a22d",
                "fa044b2f42a3fd3b46fb255c",
                "9f50449e04a0e810283a1e9933adedd2",
            ),
            (
                QuicVersion::V1,
                Role::Server,
                "cf3a5331653c364c88f0f379b6067e37",
                "0ac1493ca1905853b0bba03e",
                "c206b8d9b9f0f37644430b490eeaa314",
            ),
            (
                QuicVersion::V2,
                Role::Client,
                "8b1a0bc121284290a29e0971b5cd045d",
                "91f73e2351d8fa91660e909f",
                "45b95e15235d6f45a6b19cbcb0294ba9",
            ),
            (
                QuicVersion::V2,
                Role::Server,
                "82db637861d55e1d011f19ea71d5d2a7",
                "dd13c276499c0249d3310652",
                "edf6d05c83121201b436e16877593c3a",
            ),
        ] {
            let salt = &version.salts()[0];
            let keys = Secret::new(version, salt, &id).keys(role).expect("keys");
            assert_eq!(
                [hex(&keys.key), hex(&keys.iv), hex(&keys.header)],
                [key, iv, header]
            );
        }
    }

    #[test]
    fn numbers_are_the_nearest_that_end_so() {
        // RFC 9000, appendix A.3.
        assert_eq!(whole_number(&[0x9b, 0x32], 0xa82f_30eb), 0xa82f_9b32);
        assert_eq!(whole_number(&[0], 0), 0);
        assert_eq!(whole_number(&[0xff], 0), 0xff);
        assert_eq!(whole_number(&[0x01], 0xff), 0x101);
        assert_eq!(whole_number(&[0xff], 0x101), 0xff);
    }
}
