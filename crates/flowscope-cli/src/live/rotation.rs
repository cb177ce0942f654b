//! Files of packets that follow each other.

use core::time::Duration;
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Seek as _, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use flowscope::pcap::{InterfaceConfig, InterfaceId, PcapngWriter, SectionConfig};
use flowscope::{LinkType, PacketView, Timestamp};

/// Writes packets to a file, or to one after the other.
///
/// Files have whole blocks alone, also where the disk is full.
#[derive(Debug)]
pub(super) struct Rotation {
    path: PathBuf,
    when: When,
    interface: InterfaceConfig,
    current: Option<Current>,
    /// Files that were begun.
    count: u64,
    /// Those that are there, the oldest first.
    files: VecDeque<PathBuf>,
}

/// When another file begins, and how many stay.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct When {
    pub(super) size: Option<u64>,
    pub(super) span: Option<Duration>,
    pub(super) keep: Option<usize>,
}

/// The file that is being written.
#[derive(Debug)]
struct Current {
    path: PathBuf,
    blocks: Blocks,
    writer: PcapngWriter<Blocks>,
    interface: InterfaceId,
    /// The time of its first packet.
    start: Option<Timestamp>,
}

impl Rotation {
    /// Begins the first file, so that what is wrong with it is known at once.
    pub(super) fn begin(
        path: PathBuf,
        when: When,
        name: &str,
        link: LinkType,
    ) -> Result<Self, (PathBuf, io::Error)> {
        let mut rotation = Self {
            path,
            when,
            interface: InterfaceConfig {
                link,
                // Frames are as long as they were captured.
                snap_len: 0,
                name: Some(name.to_owned()),
                ..InterfaceConfig::default()
            },
            current: None,
            count: 0,
            files: VecDeque::new(),
        };
        rotation.current()?;
        Ok(rotation)
    }

    /// Writes a packet.
    pub(super) fn write(&mut self, packet: PacketView<'_>) -> Result<(), (PathBuf, io::Error)> {
        if self.is_full(packet.timestamp) {
            self.end_file()?;
        }
        let current = self.current()?;
        let start = current.start.get_or_insert(packet.timestamp);
        *start = (*start).min(packet.timestamp);
        let written = current.writer.write(current.interface, packet, &[]);
        written.map_err(|error| (current.path.clone(), error))
    }

    /// Hands to the system what was written.
    pub(super) fn flush(&mut self) -> Result<(), (PathBuf, io::Error)> {
        match &mut self.current {
            None => Ok(()),
            Some(current) => {
                let flushed = current.blocks.flush();
                flushed.map_err(|error| (current.path.clone(), error))
            }
        }
    }

    /// Whether a packet of this time goes into another file.
    fn is_full(&self, at: Timestamp) -> bool {
        let Some(Current {
            blocks,
            start: Some(start),
            ..
        }) = &self.current
        else {
            return false;
        };
        self.when.size.is_some_and(|size| blocks.len() >= size)
            || self.when.span.is_some_and(|span| at - *start >= span)
    }

    fn end_file(&mut self) -> Result<(), (PathBuf, io::Error)> {
        self.flush()?;
        self.current = None;
        Ok(())
    }

    fn current(&mut self) -> Result<&mut Current, (PathBuf, io::Error)> {
        if self.current.is_none() {
            let path = self.next_path();
            let begun = Current::begin(&path, self.interface.clone());
            let current = begun.map_err(|error| (path.clone(), error))?;
            self.current = Some(current);
            self.files.push_back(path);
            self.delete_old()?;
        }
        Ok(self.current.as_mut().expect("it was just made"))
    }

    /// Numbers come only where there may be several files.
    fn next_path(&mut self) -> PathBuf {
        self.count += 1;
        if self.when.size.is_none() && self.when.span.is_none() {
            return self.path.clone();
        }
        let mut name = self.path.file_stem().unwrap_or_default().to_owned();
        name.push(format!("-{:05}", self.count));
        if let Some(extension) = self.path.extension() {
            name.push(".");
            name.push(extension);
        }
        self.path.with_file_name(name)
    }

    fn delete_old(&mut self) -> Result<(), (PathBuf, io::Error)> {
        let keep = self.when.keep.unwrap_or(usize::MAX);
        while self.files.len() > keep
            && let Some(oldest) = self.files.pop_front()
        {
            match fs::remove_file(&oldest) {
                // Somebody else may have taken it away.
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err((oldest, error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Current {
    fn begin(path: &Path, interface: InterfaceConfig) -> io::Result<Self> {
        let blocks = Blocks::new(File::create(path)?);
        let section = SectionConfig {
            application: Some(concat!("flowscope ", env!("CARGO_PKG_VERSION")).into()),
            ..SectionConfig::default()
        };
        let mut writer = PcapngWriter::new(blocks.clone(), section)?;
        let interface = writer.add_interface(interface)?;
        let mut blocks = blocks;
        blocks.flush()?;
        Ok(Self {
            path: path.into(),
            blocks,
            writer,
            interface,
            start: None,
        })
    }
}

impl Drop for Rotation {
    fn drop(&mut self) {
        // It was flushed before where it matters whether that works.
        let _ = self.flush();
    }
}

/// Blocks on their way to a file. Each is given by one call.
#[derive(Clone, Debug)]
struct Blocks(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    file: File,
    waiting: Vec<u8>,
    /// The length of the file.
    written: u64,
}

impl Blocks {
    fn new(file: File) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            file,
            waiting: Vec::with_capacity(BUFFER),
            written: 0,
        })))
    }

    /// The length that the file will have.
    fn len(&self) -> u64 {
        self.with(|inner| inner.written + inner.waiting.len() as u64)
    }

    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        act(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Blocks {
    fn write(&mut self, block: &[u8]) -> io::Result<usize> {
        self.with(|inner| {
            if inner.waiting.len() + block.len() > BUFFER {
                inner.flush()?;
            }
            inner.waiting.extend_from_slice(block);
            Ok(block.len())
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.with(Inner::flush)
    }
}

impl Inner {
    fn flush(&mut self) -> io::Result<()> {
        let written = self.file.write_all(&self.waiting);
        match written {
            Ok(()) => self.written += self.waiting.len() as u64,
            Err(_) => {
                // Of what did not fit there may be half a block.
                let _ = self.file.set_len(self.written);
                let _ = self.file.seek(io::SeekFrom::Start(self.written));
            }
        }
        self.waiting.clear();
        written
    }
}

const BUFFER: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use flowscope::pcap::PcapFlowSource;

    use super::*;

    fn packets(path: &Path) -> usize {
        let mut source = PcapFlowSource::open(path).unwrap();
        let mut count = 0;
        while source.next_packet().unwrap().is_some() {
            count += 1;
        }
        count
    }

    fn write(rotation: &mut Rotation, seconds: impl IntoIterator<Item = u64>) {
        for second in seconds {
            let packet = PacketView::new(&[0; 1000], Timestamp::new(second, 0));
            rotation.write(packet).unwrap();
        }
        rotation.flush().unwrap();
    }

    fn begin(folder: &Path, when: When) -> Rotation {
        let path = folder.join("all.pcapng");
        Rotation::begin(path, when, "eth0", LinkType::ETHERNET).unwrap()
    }

    #[test]
    fn one_file_has_the_name_it_was_given() {
        let folder = tempfile::tempdir().unwrap();
        let mut rotation = begin(folder.path(), When::default());
        write(&mut rotation, 0..10);
        assert_eq!(packets(&folder.path().join("all.pcapng")), 10);
    }

    #[test]
    fn files_follow_each_other_by_size_and_the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let when = When {
            size: Some(3000),
            keep: Some(2),
            ..When::default()
        };
        let mut rotation = begin(folder.path(), when);
        write(&mut rotation, 0..10);
        let file = |n| folder.path().join(format!("all-0000{n}.pcapng"));
        assert!(!file(1).exists() && !file(2).exists());
        assert_eq!((packets(&file(3)), packets(&file(4))), (3, 1));
        assert!(!file(5).exists());
    }

    #[test]
    fn files_follow_each_other_by_time() {
        let folder = tempfile::tempdir().unwrap();
        let when = When {
            span: Some(Duration::from_secs(10)),
            ..When::default()
        };
        let mut rotation = begin(folder.path(), when);
        write(&mut rotation, [100, 105, 109, 110, 125]);
        let counts: Vec<_> = (1..=3)
            .map(|n| packets(&folder.path().join(format!("all-0000{n}.pcapng"))))
            .collect();
        assert_eq!(counts, [3, 1, 1]);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_told() {
        let device = PathBuf::from("/dev/full");
        let begun = Rotation::begin(device, When::default(), "eth0", LinkType::ETHERNET);
        let (path, error) = begun.unwrap_err();
        assert_eq!(path, Path::new("/dev/full"));
        assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    }
}
