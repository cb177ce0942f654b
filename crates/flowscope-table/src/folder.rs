//! Tables as Parquet files in a folder.
//!
//! ```text
//! FOLDER/flows/trace-1f2e3d4c.parquet
//! FOLDER/http/day=2026-01-31/trace-1f2e3d4c.parquet      by day
//! ```
//!
//! A file gets its name when it is whole and on the disk. Until then it has one
//! that begins with a point and is of no use to anybody.

mod part;
mod split;

use core::fmt::Write as _;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use sha2::{Digest, Sha256};

use crate::error::TableError;
use crate::schema::schema;
use crate::table::{Addresses, Table};
use part::Part;

/// Writes tables to a folder, each to one of its own.
///
/// Rows are sorted by `ts` within each row group. As records come in order of
/// their time, so are those of a file, unless the times of a capture go back.
///
/// ```
/// use flowscope_table::folder::{FolderConfig, ParquetFolder};
/// use flowscope_table::{Input, Table, TableReader};
///
/// # let capture = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/pcap/recorded/http-1-0.pcap");
/// # let folder = tempfile::tempdir()?;
/// let mut tables = ParquetFolder::create(folder.path(), "http", FolderConfig::default())?;
/// for batch in TableReader::new(vec![Input::file(capture)], &[Table::Http]) {
///     let (table, batch) = batch?;
///     tables.write(table, batch)?;
/// }
/// let files = tables.finish(&[Table::Http])?;
/// assert_eq!(files, [folder.path().join("http/http.parquet")]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ParquetFolder {
    root: PathBuf,
    name: String,
    config: FolderConfig,
    parts: BTreeMap<(Table, Option<i64>), Part>,
    /// How often something was written; a part knows when it was its turn.
    turn: u64,
    written: Vec<PathBuf>,
}

/// How tables are written.
#[derive(Clone, Copy, Debug)]
pub struct FolderConfig {
    /// How their addresses are kept.
    pub addresses: Addresses,
    /// Whether the rows of each day are in a folder of their own.
    pub partition: Partition,
    /// Rows of a row group at the most.
    pub row_group: usize,
}

/// What a folder has folders for.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Partition {
    /// Nothing: the files of a table are all in one.
    #[default]
    None,
    /// Each day, in UTC, of `ts`: `day=2026-01-31`, as Hive has it.
    Day,
}

impl Default for FolderConfig {
    fn default() -> Self {
        Self {
            addresses: Addresses::default(),
            partition: Partition::default(),
            row_group: 128 << 10,
        }
    }
}

impl ParquetFolder {
    /// Begins to write to a folder, which is made if it is not there. Files are
    /// called `name`; those of the same name are replaced.
    pub fn create(
        root: impl Into<PathBuf>,
        name: impl Into<String>,
        config: FolderConfig,
    ) -> Result<Self, TableError> {
        let root = root.into();
        make_folder(&root)?;
        Ok(Self {
            root,
            name: name.into(),
            config,
            parts: BTreeMap::new(),
            turn: 0,
            written: Vec::new(),
        })
    }

    /// Adds rows to a table.
    pub fn write(&mut self, table: Table, batch: RecordBatch) -> Result<(), TableError> {
        match self.config.partition {
            Partition::None => self.write_to(table, None, batch),
            Partition::Day => {
                for (day, batch) in split::by_day(batch)? {
                    self.write_to(table, Some(day), batch)?;
                }
                Ok(())
            }
        }
    }

    fn write_to(
        &mut self,
        table: Table,
        day: Option<i64>,
        batch: RecordBatch,
    ) -> Result<(), TableError> {
        self.turn += 1;
        let turn = self.turn;
        self.part(table, day)?.push(batch, turn)?;
        // Rows that wait belong to several parts.
        if self.parts.values().map(Part::waiting).sum::<usize>() > MOST_WAITING {
            for part in self.parts.values_mut() {
                part.flush()?;
            }
        }
        Ok(())
    }

    /// The part for a day, begun if it is not there.
    fn part(&mut self, table: Table, day: Option<i64>) -> Result<&mut Part, TableError> {
        let key = (table, day);
        if !self.parts.contains_key(&key) {
            if self.parts.len() >= MOST_PARTS {
                self.end_oldest()?;
            }
            let part = self.begin(table, day)?;
            self.parts.insert(key, part);
        }
        Ok(self.parts.get_mut(&key).expect("it was just put there"))
    }

    fn begin(&self, table: Table, day: Option<i64>) -> Result<Part, TableError> {
        let mut folder = self.root.join(table.as_str());
        if let Some(day) = day {
            folder.push(format!("day={}", split::date(day)));
        }
        make_folder(&folder)?;
        let path = (1..)
            .map(|number| match number {
                1 => folder.join(format!("{}.parquet", self.name)),
                _ => folder.join(format!("{}.{number}.parquet", self.name)),
            })
            .find(|path| !self.written.contains(path))
            .expect("there is always another number");
        Part::begin(
            path,
            schema(table, self.config.addresses),
            self.config.row_group,
        )
    }

    /// Ends the part that was not written to for the longest time.
    fn end_oldest(&mut self) -> Result<(), TableError> {
        let oldest = self.parts.iter().min_by_key(|(_, part)| part.turn());
        if let Some(key) = oldest.map(|(key, _)| *key)
            && let Some(part) = self.parts.remove(&key)
        {
            self.written.push(part.finish()?);
        }
        Ok(())
    }

    /// Ends all files and says which those are. Of these tables even one without
    /// rows has a file, unless there is one for each day. What an earlier run
    /// under the same name wrote, and this did not, is removed.
    pub fn finish(mut self, tables: &[Table]) -> Result<Vec<PathBuf>, TableError> {
        if self.config.partition == Partition::None {
            for table in tables {
                self.part(*table, None)?;
            }
        }
        for (_, part) in core::mem::take(&mut self.parts) {
            self.written.push(part.finish()?);
        }
        for table in tables {
            self.remove_stale(&self.root.join(table.as_str()))?;
        }
        self.written.sort();
        Ok(self.written)
    }

    fn remove_stale(&self, folder: &Path) -> Result<(), TableError> {
        let Ok(entries) = fs::read_dir(folder) else {
            return Ok(());
        };
        for entry in entries.flatten() {
            let path = entry.path();
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if path.is_dir() && name.starts_with("day=") {
                self.remove_stale(&path)?;
            } else if self.is_named(&name) && !self.written.contains(&path) {
                fs::remove_file(&path).map_err(|error| TableError::Io { path, error })?;
            }
        }
        Ok(())
    }

    /// Whether a file is called as those that are written here.
    fn is_named(&self, file: &str) -> bool {
        let Some(number) = file.strip_prefix(&self.name) else {
            return false;
        };
        let Some(number) = number.strip_suffix(".parquet") else {
            return false;
        };
        let digits = number.strip_prefix('.').unwrap_or(number);
        digits.bytes().all(|byte| byte.is_ascii_digit())
    }
}

/// A name for the files made of some captures: that of the first, and behind it
/// what tells it from others of the same name elsewhere.
#[must_use]
pub fn name_of(captures: &[PathBuf]) -> String {
    let mut hash = Sha256::new();
    for capture in captures {
        let whole = capture.canonicalize().unwrap_or_else(|_| capture.clone());
        hash.update(whole.as_os_str().as_encoded_bytes());
        hash.update([0]);
    }
    let first = captures.first().and_then(|it| it.file_stem());
    let first = first.map_or_else(|| "stdin".into(), |stem| stem.to_string_lossy());
    let is_plain = |letter: &char| letter.is_ascii_alphanumeric() || "-_".contains(*letter);
    let mut name: String = first.chars().filter(is_plain).take(64).collect();
    name.push('-');
    for byte in hash.finalize().iter().take(4) {
        let _ = write!(name, "{byte:02x}");
    }
    name
}

fn make_folder(path: &Path) -> Result<(), TableError> {
    fs::create_dir_all(path).map_err(|error| TableError::Io {
        path: path.to_owned(),
        error,
    })
}

/// Bytes of rows that wait for their row group, in all parts together.
const MOST_WAITING: usize = 256 << 20;

/// Files that are written at once.
const MOST_PARTS: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn captures_of_one_name_in_two_folders_have_two() {
        let name = |path: &str| name_of(&[path.into()]);
        assert!(name("/a/trace one.pcap.zst").starts_with("traceonepcap-"));
        assert_ne!(name("/a/trace.pcap"), name("/b/trace.pcap"));
        assert_eq!(name("/a/trace.pcap"), name("/a/trace.pcap"));
        assert!(name_of(&[]).starts_with("stdin-"));
    }
}
