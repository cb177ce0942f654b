//! Zeek's logs: `conn`, `http`, `ssl`, `x509`, `dns` and `weird`.
//!
//! Start at [`ZeekLogs`]. Names, types and meanings of the columns are those of
//! Zeek 8. Logs of what flowscope does not read, such as `files`, are not made,
//! and columns that belong to them are never set.

mod columns;
mod conn;
mod dns;
mod flow;
mod hostname;
mod http;
mod icmp;
mod mime;
mod network;
mod protocols;
mod row;
mod ssl;
mod uid;
mod weird;

pub use columns::{Column, Log};
pub use network::{BadNetwork, Network};
pub use row::Form;

use std::collections::BTreeMap;
use std::io::{self, Write};

use flowscope_core::track::FlowId;
use flowscope_core::wire::IpProtocol;
use flowscope_core::{FlowSide, Timestamp};
use flowscope_record::{ConnectionRecord, Endpoints, EventKind, Record};

use crate::civil;
use flow::Flows;
use icmp::Messages;
use network::LocalNets;
use row::Row;

/// What is written, and how.
#[derive(Clone, Debug, Default)]
pub struct ZeekConfig {
    /// The form of the logs.
    pub form: Form,
    /// The logs that are wanted; all, if there are none.
    pub logs: Vec<Log>,
    /// Networks whose hosts are local; if there are none, those that are not
    /// routed in the Internet are.
    pub local_nets: Vec<Network>,
}

/// Writes records as Zeek's logs.
///
/// `open` is called for each log when its first line is written, with its name.
///
/// ```
/// use flowscope_export::zeek::{ZeekConfig, ZeekLogs};
/// use flowscope_pcap::PcapFlowSource;
/// use flowscope_record::{RecordConfig, RecordTracker, Records};
///
/// # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/pcap/recorded/http-1-0.pcap");
/// let config = flowscope_export::zeek_config(RecordConfig::default());
/// let source = PcapFlowSource::open(path)?;
/// let mut logs = ZeekLogs::new(ZeekConfig::default(), |_| Ok(Vec::new()));
/// for record in Records::of(source).with_tracker(RecordTracker::new(config)) {
///     logs.write(&record?)?;
/// }
/// let logs = logs.finish()?;
/// let conn = String::from_utf8(logs["conn"].clone())?;
/// assert!(conn.starts_with("#separator \\x09\n"));
/// assert!(conn.lines().any(|line| line.contains("\ttcp\thttp\t")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct ZeekLogs<W, O> {
    config: ZeekConfig,
    local: LocalNets,
    open: O,
    files: BTreeMap<Log, File<W>>,
    flows: Flows,
    icmp: Messages,
    /// The latest time of anything.
    latest: Timestamp,
}

struct File<W> {
    out: W,
    text: Vec<u8>,
}

/// Takes lines of logs.
pub(crate) trait Lines {
    /// Adds a line to a log.
    fn line(&mut self, which: Log, write: impl FnOnce(&mut Row<'_>)) -> io::Result<()>;
}

/// The logs themselves, apart from what is kept of flows.
struct Files<'a, W, O> {
    config: &'a ZeekConfig,
    open: &'a mut O,
    files: &'a mut BTreeMap<Log, File<W>>,
    latest: Timestamp,
}

impl<W: Write, O: FnMut(&'static str) -> io::Result<W>> Lines for Files<'_, W, O> {
    fn line(&mut self, which: Log, write: impl FnOnce(&mut Row<'_>)) -> io::Result<()> {
        if !self.config.logs.is_empty() && !self.config.logs.contains(&which) {
            return Ok(());
        }
        let form = self.config.form;
        let file = match self.files.entry(which) {
            std::collections::btree_map::Entry::Occupied(file) => file.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                let out = (self.open)(which.name())?;
                let mut text = Vec::new();
                if form == Form::Tsv {
                    header(&mut text, which, self.latest);
                }
                place.insert(File { out, text })
            }
        };
        let mut row = Row::begin(&mut file.text, form, which.columns());
        write(&mut row);
        row.end();
        if file.text.len() >= BUFFER {
            file.out.write_all(&file.text)?;
            file.text.clear();
        }
        Ok(())
    }
}

impl<W: Write, O: FnMut(&'static str) -> io::Result<W>> ZeekLogs<W, O> {
    /// Logs that are written where `open` says.
    pub fn new(config: ZeekConfig, open: O) -> Self {
        Self {
            local: LocalNets::new(&config.local_nets),
            config,
            open,
            files: BTreeMap::new(),
            flows: Flows::default(),
            icmp: Messages::default(),
            latest: Timestamp::from_nanos(0),
        }
    }

    /// Takes a record.
    ///
    /// # Errors
    ///
    /// A log could not be opened or written.
    pub fn write(&mut self, record: &Record) -> io::Result<()> {
        if let Some(at) = record.at() {
            self.latest = self.latest.max(at);
        }
        let mut files = Files {
            config: &self.config,
            open: &mut self.open,
            files: &mut self.files,
            latest: self.latest,
        };
        let flows = &mut self.flows;
        match record {
            Record::Connection(connection) if !connection.is_over => {
                flows.begin(connection);
                Ok(())
            }
            // A header behind which nothing follows is no connection.
            Record::Connection(connection)
                if connection.endpoints.protocol == Some(IpProtocol(59)) =>
            {
                Ok(())
            }
            Record::Connection(connection) => {
                let (uid, service) = flows.end_connection(connection, &mut files)?;
                let service = service.as_deref();
                if !connection.endpoints.is_icmp() {
                    return conn::write(connection, &uid, service, &self.local, &mut files);
                }
                for ended in self.icmp.push(Ended {
                    record: connection.clone(),
                    uid,
                }) {
                    conn::write(&ended.record, &ended.uid, None, &self.local, &mut files)?;
                }
                Ok(())
            }
            Record::Event(event) => match event.kind {
                EventKind::Anomaly { anomaly, .. } => {
                    let context = flows.context(event.flow, &event.endpoints);
                    weird::write(event.at, anomaly, &context, &mut files)
                }
                _ => Ok(()),
            },
            Record::Flow(flow) | Record::Ended(flow) => flows.end(flow.flow, &mut files),
            record => flows.take_message(record, &mut files),
        }
    }

    /// Hands on what was written so far.
    ///
    /// # Errors
    ///
    /// A log could not be written.
    pub fn flush(&mut self) -> io::Result<()> {
        for file in self.files.values_mut() {
            file.out.write_all(&file.text)?;
            file.text.clear();
            file.out.flush()?;
        }
        Ok(())
    }

    /// Writes what is left, and gives back what was written to, by the names of
    /// the logs.
    ///
    /// # Errors
    ///
    /// A log could not be written.
    pub fn finish(mut self) -> io::Result<BTreeMap<&'static str, W>> {
        let mut files = Files {
            config: &self.config,
            open: &mut self.open,
            files: &mut self.files,
            latest: self.latest,
        };
        self.flows.finish(&mut files)?;
        for ended in self.icmp.finish() {
            conn::write(&ended.record, &ended.uid, None, &self.local, &mut files)?;
        }
        if self.config.form == Form::Tsv {
            let close = format!("#close\t{}\n", civil::dashed(self.latest));
            for file in self.files.values_mut() {
                file.text.extend_from_slice(close.as_bytes());
            }
        }
        self.flush()?;
        let files = self.files.into_iter();
        Ok(files
            .map(|(which, file)| (which.name(), file.out))
            .collect())
    }
}

impl<W, O> core::fmt::Debug for ZeekLogs<W, O> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("ZeekLogs")
            .field("config", &self.config)
            .field("latest", &self.latest)
            .finish_non_exhaustive()
    }
}

/// A connection that is over, and its name.
#[derive(Clone, Debug)]
pub(crate) struct Ended {
    record: ConnectionRecord,
    uid: String,
}

/// Who talks, as every line begins.
#[derive(Clone, Debug)]
pub(crate) struct Context {
    uid: String,
    /// The originator first.
    endpoints: Endpoints,
    /// The side of the flow that is the originator.
    originator: FlowSide,
}

impl Context {
    /// The columns `uid` to `id.resp_p`.
    fn write(&self, row: &mut Row<'_>) {
        row.text(Some(&self.uid));
        write_id(&self.endpoints, row);
    }
}

/// The columns `id.orig_h` to `id.resp_p`.
fn write_id(endpoints: &Endpoints, row: &mut Row<'_>) {
    let (orig, resp) = endpoints.ports.unwrap_or_default();
    row.host(endpoints.src);
    row.count(Some(orig.into()));
    row.host(endpoints.dst);
    row.count(Some(resp.into()));
}

fn header(out: &mut Vec<u8>, which: Log, at: Timestamp) {
    let join = |of: fn(&Column) -> &'static str| {
        let words: Vec<_> = which.columns().iter().map(of).collect();
        words.join("\t")
    };
    let text = format!(
        "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t{}\n\
         #open\t{}\n#fields\t{}\n#types\t{}\n",
        which.name(),
        civil::dashed(at),
        join(|column| column.name),
        join(|column| column.zeek_type),
    );
    out.extend_from_slice(text.as_bytes());
}

/// The number and the connection of a flow, by which a `uid` is told.
pub(crate) fn uid(flow: FlowId, number: u32, endpoints: &Endpoints) -> String {
    uid::of(flow.number(), number, endpoints)
}

const BUFFER: usize = 64 << 10;
