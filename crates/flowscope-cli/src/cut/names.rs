//! Names of addresses, for whoever reads the new capture.

use core::net::IpAddr;
use std::collections::BTreeMap;

use flowscope_record::Record;

/// Which address has which names.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<IpAddr, Vec<String>>);

impl Names {
    pub(super) fn learn(&mut self, record: &Record) {
        record.addresses(|addr, name| self.add(addr, &String::from_utf8_lossy(name)));
    }

    fn add(&mut self, addr: IpAddr, name: &str) {
        let is_sound = !name.is_empty()
            && name.len() <= LONGEST
            && name.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_sound || self.0.len() >= MOST && !self.0.contains_key(&addr) {
            return;
        }
        let names = self.0.entry(addr).or_default();
        if names.len() < MOST_OF_ONE && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }

    /// The body of a Name Resolution Block, if there are names.
    pub(super) fn block(&self) -> Option<Vec<u8>> {
        if self.0.is_empty() {
            return None;
        }
        let mut body = Vec::new();
        for (addr, names) in &self.0 {
            let (kind, mut value) = match addr {
                IpAddr::V4(addr) => (1_u16, addr.octets().to_vec()),
                IpAddr::V6(addr) => (2, addr.octets().to_vec()),
            };
            for name in names {
                value.extend(name.bytes());
                value.push(0);
            }
            // At most eight names of at most 255 bytes.
            let len = value.len() as u16;
            body.extend(kind.to_le_bytes());
            body.extend(len.to_le_bytes());
            body.extend(value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        body.extend([0; 4]);
        Some(body)
    }
}

const LONGEST: usize = 255;
const MOST: usize = 65_536;
const MOST_OF_ONE: usize = 8;
