//! What is in a record.
//!
//! A [`Record`] tells its fields to whatever [`Fields`] writes them down, always
//! all of them and in the same order; what is absent is told as `None`. So JSON
//! can leave it out, and CSV leave its place empty.

mod dns;
mod ends;
mod event;
mod flow;
mod http;
mod message;
mod stream;
mod summary;
mod tls;
mod word;

pub(crate) use ends::{Ends, HasEnds, Host};
pub(crate) use event::{EventRecord, Happening, Moment};
pub(crate) use flow::FlowRecord;
pub(crate) use message::MessageRecord;
pub(crate) use stream::StreamRecord;
pub(crate) use summary::{SkippedRecord, Summary};
pub(crate) use word::Word;

use std::io;

use flowscope::{BySide, Timestamp};

use crate::format::{Column, Table};

/// Something with named fields.
pub(crate) trait Record {
    /// Tells every field, in order.
    fn tell(&self, fields: &mut impl Fields);
}

/// A record that can be shown in a table, too.
pub(crate) trait Line: Record {
    fn draw(&self, table: &mut Table) -> io::Result<()>;
}

/// What the lines of one output have in common.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Schema {
    /// The names of all scalar fields, in groups.
    pub(crate) fields: &'static [&'static [&'static str]],
    /// The columns of the table.
    pub(crate) columns: &'static [Column],
}

/// One line per flow.
pub(crate) const FLOWS: Schema = Schema {
    fields: &[flow::FIELDS],
    columns: flow::COLUMNS,
};

/// One line per event of a flow, its end included.
pub(crate) const EVENTS: Schema = Schema {
    fields: &[flow::FIELDS, event::CHANGE_FIELDS, event::ANOMALY_FIELDS],
    columns: event::COLUMNS,
};

/// One line for whatever there is to report.
pub(crate) const ALL: Schema = Schema {
    fields: &[
        flow::FIELDS,
        event::ANOMALY_FIELDS,
        http::FIELDS,
        tls::FIELDS,
        dns::FIELDS,
        message::LAST_FIELDS,
    ],
    columns: event::COLUMNS,
};

/// One line per request and response.
pub(crate) const HTTP: Schema = Schema {
    fields: &[message::FIELDS, http::FIELDS, message::LAST_FIELDS],
    columns: event::COLUMNS,
};

/// One line per message of TLS.
pub(crate) const TLS: Schema = Schema {
    fields: &[message::FIELDS, tls::FIELDS, message::LAST_FIELDS],
    columns: event::COLUMNS,
};

/// One line per message of DNS.
pub(crate) const DNS: Schema = Schema {
    fields: &[message::FIELDS, dns::FIELDS, message::LAST_FIELDS],
    columns: event::COLUMNS,
};

/// One line per direction of a TCP connection that carried data.
pub(crate) const STREAMS: Schema = Schema {
    fields: &[stream::FIELDS],
    columns: stream::COLUMNS,
};

/// Two lines about a whole capture.
pub(crate) const SUMMARY: Schema = Schema {
    fields: &[summary::FIELDS],
    columns: &[],
};

/// Takes down the fields of a record.
pub(crate) trait Fields {
    /// A whole number.
    fn number(&mut self, name: &'static str, value: Option<u64>);

    /// A number of seconds, given in nanoseconds.
    fn seconds(&mut self, name: &'static str, nanos: Option<u64>);

    /// A word.
    fn word(&mut self, name: &'static str, value: Option<impl Word>);

    /// Text as it was sent, which may be any bytes.
    fn text(&mut self, name: &'static str, value: Option<impl AsRef<[u8]>>);

    /// Whether something is so.
    fn flag(&mut self, name: &'static str, value: Option<bool>);

    /// Texts, absent if there are none.
    fn texts(&mut self, name: &'static str, values: impl Iterator<Item = impl AsRef<[u8]>>);

    /// Pairs of texts, absent if there are none.
    fn pairs<'v>(&mut self, name: &'static str, values: impl Iterator<Item = (&'v [u8], &'v [u8])>);

    /// A record inside this one.
    fn record(&mut self, name: &'static str, value: Option<impl Record>);

    /// Numbers, absent if there are none.
    fn numbers(&mut self, name: &'static str, values: impl Iterator<Item = u64>);

    /// Records inside this one, absent if there are none.
    fn records<R: Record>(&mut self, name: &'static str, values: impl Iterator<Item = R>);

    /// A moment.
    fn time(&mut self, name: &'static str, value: Option<Timestamp>) {
        self.seconds(name, value.map(Timestamp::as_nanos));
    }

    /// A number for each side. Compiled into its callers, as names are written
    /// faster where they are known.
    #[inline(always)]
    fn by_side(&mut self, names: [&'static str; 2], values: Option<BySide<u64>>) {
        let [initiator, responder] = names;
        self.number(initiator, values.map(|values| values.initiator));
        self.number(responder, values.map(|values| values.responder));
    }

    /// A number for each side, absent where it is zero.
    fn rare_by_side(&mut self, names: [&'static str; 2], values: BySide<u32>) {
        let present = |value: u32| (value > 0).then_some(value.into());
        let [initiator, responder] = names;
        self.number(initiator, present(values.initiator));
        self.number(responder, present(values.responder));
    }
}
