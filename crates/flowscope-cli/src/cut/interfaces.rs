//! The interfaces on which frames were captured, as a new capture has them.

use std::collections::HashMap;
use std::io::{self, Write};

use flowscope::LinkType;
use flowscope::pcap::{Interface, InterfaceConfig, InterfaceId, PcapngWriter, Resolution};

/// The interfaces that were written.
#[derive(Debug, Default)]
pub(super) struct Interfaces(HashMap<Key, InterfaceId>);

/// What tells interfaces apart: what frames begin with, the unit and the offset of
/// their times, the name and the description.
type Key = (LinkType, Resolution, i64, Option<String>, Option<String>);

impl Interfaces {
    /// The number of an interface, which is written if it is a new one; of one that
    /// is not known, what its frames begin with is.
    pub(super) fn id(
        &mut self,
        interface: Option<&Interface>,
        link: LinkType,
        writer: &mut PcapngWriter<impl Write>,
    ) -> io::Result<InterfaceId> {
        let config = match interface {
            Some(interface) => config_of(interface),
            None => InterfaceConfig {
                link,
                snap_len: 0,
                ..InterfaceConfig::default()
            },
        };
        let key = key_of(&config);
        if let Some(id) = self.0.get(&key) {
            return Ok(*id);
        }
        let id = writer.add_interface(config)?;
        self.0.insert(key, id);
        Ok(id)
    }
}

fn config_of(interface: &Interface) -> InterfaceConfig {
    InterfaceConfig {
        link: interface.link,
        // Frames may be longer than an interface says, and are not cut.
        snap_len: 0,
        resolution: interface.resolution,
        offset_seconds: interface.offset_seconds,
        name: interface.name().map(|name| name.into_owned()),
        description: interface.description().map(|text| text.into_owned()),
        comments: Vec::new(),
    }
}

fn key_of(config: &InterfaceConfig) -> Key {
    (
        config.link,
        config.resolution,
        config.offset_seconds,
        config.name.clone(),
        config.description.clone(),
    )
}
