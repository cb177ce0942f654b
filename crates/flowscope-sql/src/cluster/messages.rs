//! What tables and scans are on their way.

use std::path::{self, PathBuf};
use std::sync::Arc;

use datafusion::common::{Result, exec_datafusion_err, exec_err, plan_datafusion_err, plan_err};
use flowscope_table::{RowFilter, Subnet, Table};
use prost::Message;

use super::scan::Cluster;
use crate::captures::{Capture, CaptureTable};
use crate::options::ReadOptions;
use crate::reading::Reading;

/// A table of captures.
#[derive(Clone, Message, PartialEq)]
pub(super) struct TableMessage {
    #[prost(string, tag = "1")]
    table: String,
    #[prost(message, repeated, tag = "2")]
    captures: Vec<CaptureMessage>,
    #[prost(bool, tag = "3")]
    each: bool,
    #[prost(uint64, tag = "4")]
    parts: u64,
    #[prost(bool, tag = "5")]
    strict: bool,
}

#[derive(Clone, Message, PartialEq)]
struct CaptureMessage {
    #[prost(string, tag = "1")]
    path: String,
    #[prost(uint64, tag = "2")]
    bytes: u64,
    #[prost(uint64, tag = "3")]
    changed: u64,
}

/// What is read of a table.
#[derive(Clone, Message, PartialEq)]
pub(super) struct ReadingMessage {
    #[prost(message, optional, tag = "1")]
    table: Option<TableMessage>,
    #[prost(uint64, repeated, tag = "2")]
    projection: Vec<u64>,
    #[prost(uint64, tag = "3")]
    most_parts: u64,
    #[prost(uint64, optional, tag = "4")]
    from: Option<u64>,
    #[prost(uint64, optional, tag = "5")]
    to: Option<u64>,
    #[prost(string, repeated, tag = "6")]
    src: Vec<String>,
    #[prost(string, repeated, tag = "7")]
    dst: Vec<String>,
}

/// Writes a message behind what says whose it is.
pub(super) fn write(message: &impl Message, buffer: &mut Vec<u8>) -> Result<()> {
    buffer.extend_from_slice(OWN.as_bytes());
    buffer.extend_from_slice(VERSION.as_bytes());
    buffer.push(b'\n');
    let written = message.encode(buffer);
    written.map_err(|error| exec_datafusion_err!("a plan cannot be written: {error}"))
}

/// Reads a message; none if it is not one of these.
pub(super) fn read<M: Message + Default>(bytes: &[u8]) -> Result<Option<M>> {
    let Some(own) = bytes.strip_prefix(OWN.as_bytes()) else {
        return Ok(None);
    };
    let end = own.iter().position(|it| *it == b'\n').unwrap_or(own.len());
    let (version, message) = own.split_at(end);
    if version != VERSION.as_bytes() {
        return exec_err!(
            "a plan of flowscope {} came to one of {VERSION}: clients, scheduler and executors \
             have to be of the same version",
            String::from_utf8_lossy(version)
        );
    }
    let message = M::decode(message.get(1..).unwrap_or_default());
    let message = message.map_err(|error| exec_datafusion_err!("a plan is damaged: {error}"))?;
    Ok(Some(message))
}

impl TableMessage {
    pub(super) fn of(table: &CaptureTable) -> Result<Self> {
        let captures = table.captures.iter().map(CaptureMessage::of);
        Ok(Self {
            table: table.table.to_string(),
            captures: captures.collect::<Result<_>>()?,
            each: table.options.each,
            parts: table.options.parts as u64,
            strict: table.options.strict,
        })
    }

    pub(super) fn table(self) -> Result<CaptureTable> {
        let table: Table = (self.table.parse())
            .map_err(|error| plan_datafusion_err!("{}: {error}", self.table))?;
        let captures = self.captures.into_iter().map(|capture| Capture {
            path: PathBuf::from(capture.path),
            bytes: capture.bytes,
            changed: capture.changed,
        });
        Ok(CaptureTable {
            table,
            captures: captures.collect(),
            options: ReadOptions {
                each: self.each,
                parts: number(self.parts),
                strict: self.strict,
            },
            place: Arc::new(Cluster),
        })
    }
}

impl CaptureMessage {
    /// Executors have folders of their own to begin a path in.
    fn of(capture: &Capture) -> Result<Self> {
        let path = path::absolute(&capture.path)?;
        if !path.is_file() {
            return plan_err!(
                "{} is no file, and executors can read nothing else",
                path.display()
            );
        }
        let Some(text) = path.to_str() else {
            return plan_err!("{} has a name that is not UTF-8", path.display());
        };
        Ok(Self {
            path: text.to_owned(),
            bytes: capture.bytes,
            changed: capture.changed,
        })
    }
}

impl ReadingMessage {
    pub(super) fn of(reading: &Reading) -> Result<Self> {
        let RowFilter { from, to, src, dst } = &reading.filter;
        let text = |networks: &[Subnet]| networks.iter().map(ToString::to_string).collect();
        Ok(Self {
            table: Some(TableMessage::of(&reading.source)?),
            projection: reading.projection.iter().map(|it| *it as u64).collect(),
            most_parts: reading.most_parts as u64,
            from: *from,
            to: *to,
            src: text(src),
            dst: text(dst),
        })
    }

    pub(super) fn reading(self) -> Result<Reading> {
        let table = self.table.unwrap_or_default().table()?;
        let projection = self.projection.into_iter().map(number).collect();
        let filter = RowFilter {
            from: self.from,
            to: self.to,
            src: networks(&self.src)?,
            dst: networks(&self.dst)?,
        };
        Reading::new(table, Some(&projection), filter, number(self.most_parts))
    }
}

fn networks(texts: &[String]) -> Result<Vec<Subnet>> {
    let networks = texts.iter().map(|text| {
        let network = text.parse::<Subnet>();
        network.map_err(|error| plan_datafusion_err!("{text}: {error}"))
    });
    networks.collect()
}

fn number(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// What a message of this crate begins with.
const OWN: &str = "flowscope ";

const VERSION: &str = env!("CARGO_PKG_VERSION");
