//! From captures to batches.

use core::ops::ControlFlow;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use arrow_array::RecordBatch;
use flowscope_core::{PacketView, Timestamp};
use flowscope_pcap::PcapError;
use flowscope_record::{Goal, Record, RecordConfig, RecordTracker};

use crate::batch::BatchBuilder;
use crate::error::TableError;
use crate::filter::RowFilter;
use crate::input::{Input, Source};
use crate::partition::Share;
use crate::table::{Addresses, Table};

/// Reads captures, and makes batches of what is in them.
///
/// Several captures are read as one, in the order given, unless
/// [`TableConfig::each_alone`] says otherwise. What is readable of a damaged one
/// is read. Then its [error](TableError::Capture) comes, and whoever goes on gets
/// the captures behind it.
///
/// As an iterator it reads on a thread of its own, a few batches ahead. The front
/// page of the crate has an example.
#[derive(Debug)]
pub struct TableReader {
    inputs: Vec<Input>,
    tables: Vec<Table>,
    config: TableConfig,
    /// What it sees of the captures, if not everything.
    share: Option<Share>,
}

/// What a reader gives: some rows of a table.
pub type TableBatch = Result<(Table, RecordBatch), TableError>;

/// What of captures becomes a row, and in which form.
#[derive(Clone, Debug, Default)]
pub struct TableConfig {
    /// How flows are told apart. Its goal is that of the tables.
    pub records: RecordConfig,
    /// How addresses are kept.
    pub addresses: Addresses,
    /// Whether no flow goes on from one capture to the next.
    pub each_alone: bool,
    /// The columns that are made, of tables that have them; `None` for all.
    pub columns: Option<Vec<String>>,
    /// Which records become rows.
    pub filter: RowFilter,
}

/// What is read in one go, for one table or several.
#[derive(Debug)]
struct Pass {
    config: RecordConfig,
    tracker: RecordTracker,
    outputs: Vec<Output>,
}

/// A table that is made.
#[derive(Debug)]
struct Output {
    table: Table,
    filter: RowFilter,
    builder: BatchBuilder,
}

impl TableReader {
    /// A reader of captures into these tables.
    #[must_use]
    pub fn new(inputs: Vec<Input>, tables: &[Table]) -> Self {
        Self {
            inputs,
            tables: tables.to_vec(),
            config: TableConfig::default(),
            share: None,
        }
    }

    /// The same with all that can be set.
    #[must_use]
    pub fn with_config(self, config: TableConfig) -> Self {
        Self { config, ..self }
    }

    /// The same for a part of the captures.
    pub(crate) fn with_share(self, share: Share) -> Self {
        let share = Some(share);
        Self { share, ..self }
    }

    /// Reads everything, or as much as `sink` wants. No more than one batch of
    /// each table waits to be given to it.
    pub fn read(self, sink: &mut dyn FnMut(TableBatch) -> ControlFlow<()>) {
        let config = &self.config;
        let passes = passes_for(&self.tables).into_iter();
        let mut passes: Vec<_> = passes
            .map(|(goal, tables)| Pass::new(goal, &tables, config))
            .collect();
        let mut out = Out {
            sink,
            share: self.share.as_ref(),
            is_closed: false,
        };
        let mut view = View::new(self.share.as_ref(), &mut passes, &mut out);
        for (at, input) in self.inputs.into_iter().enumerate() {
            let name = input.name().to_owned();
            // Several that are read as one are called by the first.
            if (at == 0 && view.share.is_none()) || config.each_alone {
                passes.iter_mut().for_each(|pass| pass.set_capture(&name));
            }
            if let Err(error) = read_capture(input, &mut view, &mut passes, &mut out)
                && view.share.is_none_or(|share| at < share.own)
            {
                out.push(Err(TableError::Capture { name, error }));
            }
            if config.each_alone {
                passes.iter_mut().for_each(|pass| pass.finish(&mut out));
            }
            if out.is_closed {
                return;
            }
        }
        view.end(&mut passes, &mut out);
        for pass in &mut passes {
            pass.finish(&mut out);
            pass.flush(&mut out);
        }
    }
}

impl IntoIterator for TableReader {
    type Item = TableBatch;
    type IntoIter = Batches;

    fn into_iter(self) -> Batches {
        let (sender, batches) = mpsc::sync_channel(AHEAD);
        // It ends with its captures, or when nobody wants what it reads.
        thread::spawn(move || {
            self.read(&mut |batch| match sender.send(batch) {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            });
        });
        Batches(batches)
    }
}

/// Batches that are read on another thread.
#[derive(Debug)]
pub struct Batches(Receiver<TableBatch>);

impl Iterator for Batches {
    type Item = TableBatch;

    fn next(&mut self) -> Option<TableBatch> {
        self.0.recv().ok()
    }
}

/// Where batches go, until nobody wants them.
struct Out<'a> {
    sink: &'a mut dyn FnMut(TableBatch) -> ControlFlow<()>,
    share: Option<&'a Share>,
    is_closed: bool,
}

impl Out<'_> {
    fn push(&mut self, batch: TableBatch) {
        if !self.is_closed {
            self.is_closed = (self.sink)(batch).is_break();
        }
    }
}

/// What is seen of packets.
struct View<'a> {
    share: Option<&'a Share>,
    /// How many packets there were, from the first capture on.
    packets: u64,
}

impl<'a> View<'a> {
    /// Looks at what comes before the first capture that is read.
    fn new(share: Option<&'a Share>, passes: &mut [Pass], out: &mut Out<'_>) -> Self {
        if let Some(share) = share {
            for pass in passes {
                pass.set_capture(&share.name);
                pass.track(share.before(), out);
            }
        }
        Self {
            share,
            packets: share.map_or(0, Share::packets_before),
        }
    }

    /// What is seen of the next packet.
    fn of<'p>(&mut self, packet: PacketView<'p>) -> PacketView<'p> {
        let Some(share) = self.share else {
            return packet;
        };
        let number = self.packets;
        self.packets += 1;
        share.view(number, packet)
    }

    /// Goes on to when everything was over, behind the last packet that is seen.
    fn end(&self, passes: &mut [Pass], out: &mut Out<'_>) {
        if let Some(share) = self.share {
            passes
                .iter_mut()
                .for_each(|pass| pass.expire(share.end, out));
        }
    }
}

fn read_capture(
    input: Input,
    view: &mut View<'_>,
    passes: &mut [Pass],
    out: &mut Out<'_>,
) -> Result<(), PcapError> {
    let mut source = input.open()?;
    while read_batch(&mut source, view, passes, out)? > 0 && !out.is_closed {}
    Ok(())
}

/// Reads the next packets and says how many there were, none at the end.
fn read_batch(
    source: &mut Source,
    view: &mut View<'_>,
    passes: &mut [Pass],
    out: &mut Out<'_>,
) -> Result<usize, PcapError> {
    let packets = source.next_batch()?;
    let len = packets.len();
    let packets = packets.map(|packet| view.of(packet));
    match passes {
        [only] => only.track(packets, out),
        several => {
            let packets: Vec<_> = packets.collect();
            for pass in several {
                pass.track(packets.iter().copied(), out);
            }
        }
    }
    Ok(len)
}

/// What has to be read for some tables, and which of them come of it.
fn passes_for(tables: &[Table]) -> Vec<(Goal, Vec<Table>)> {
    let of_messages = |table: &Table| !matches!(table, Table::Flows | Table::Streams);
    let (messages, others): (Vec<_>, Vec<_>) = tables.iter().copied().partition(of_messages);
    let mut passes: Vec<_> = others
        .into_iter()
        .map(|table| (table.goal(), vec![table]))
        .collect();
    match messages[..] {
        [] => {}
        [one] => passes.push((one.goal(), vec![one])),
        _ => passes.push((Goal::All, messages)),
    }
    passes
}

impl Pass {
    fn new(goal: Goal, tables: &[Table], config: &TableConfig) -> Self {
        let columns: Option<Vec<&str>> = config
            .columns
            .as_ref()
            .map(|columns| columns.iter().map(String::as_str).collect());
        let outputs = tables.iter().map(|table| Output {
            table: *table,
            filter: config.filter.clone(),
            builder: BatchBuilder::new(*table, config.addresses, columns.as_deref()),
        });
        let config = RecordConfig {
            goal,
            ..config.records.clone()
        };
        Self {
            outputs: outputs.collect(),
            tracker: RecordTracker::new(config.clone()),
            config,
        }
    }

    fn set_capture(&mut self, name: &str) {
        for output in &mut self.outputs {
            output.builder.set_capture(name);
        }
    }

    fn track<'a>(&mut self, packets: impl Iterator<Item = PacketView<'a>>, out: &mut Out<'_>) {
        let outputs = &mut self.outputs;
        let mut add = |record: Record| add(outputs, &record, out);
        self.tracker.track_batch(packets, &mut add);
    }

    fn expire(&mut self, now: Timestamp, out: &mut Out<'_>) {
        let outputs = &mut self.outputs;
        let mut add = |record: Record| add(outputs, &record, out);
        self.tracker.expire(now, &mut add);
    }

    /// Ends all flows that are open. What comes after that is another capture.
    fn finish(&mut self, out: &mut Out<'_>) {
        let next = RecordTracker::new(self.config.clone());
        let mut tracker = core::mem::replace(&mut self.tracker, next);
        let outputs = &mut self.outputs;
        tracker.finish(&mut |record: Record| add(outputs, &record, out));
    }

    fn flush(&mut self, out: &mut Out<'_>) {
        for output in self.outputs.iter_mut().filter(|it| !it.builder.is_empty()) {
            out.push(output.take());
        }
    }
}

/// Adds a record to the table that it is of.
fn add(outputs: &mut [Output], record: &Record, out: &mut Out<'_>) {
    if out.is_closed {
        return;
    }
    let Some(output) = outputs.iter_mut().find(|output| output.table.has(record)) else {
        return;
    };
    let flow = match (out.share, record.flow()) {
        (Some(share), Some((flow, _))) => match share.flow(flow.number()) {
            Some(flow) => Some(flow),
            // It is that of another part.
            None => return,
        },
        _ => None,
    };
    if output.filter.takes(record) {
        output.builder.push_of(record, flow);
        if output.builder.is_full() {
            out.push(output.take());
        }
    }
}

impl Output {
    fn take(&mut self) -> Result<(Table, RecordBatch), TableError> {
        let batch = self.builder.finish()?;
        Ok((self.table, batch))
    }
}

/// Batches that may be read before they are wanted.
const AHEAD: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_on_flows_reads_no_payload() {
        assert_eq!(
            passes_for(&[Table::Flows]),
            [(Goal::Flows, vec![Table::Flows])]
        );
        assert_eq!(passes_for(&[Table::Dns]), [(Goal::Dns, vec![Table::Dns])]);
        let all = passes_for(&Table::ALL);
        let goals: Vec<_> = all.iter().map(|(goal, _)| *goal).collect();
        assert_eq!(goals, [Goal::Flows, Goal::Streams, Goal::All]);
    }
}
