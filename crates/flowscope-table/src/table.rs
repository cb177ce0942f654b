//! Which tables there are.

use core::fmt;
use core::str::FromStr;

use flowscope_record::schema::{self, Schema};
use flowscope_record::{Goal, Record};

/// A table: the records of one kind.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Table {
    /// Flows, as the command `flows` reports them.
    Flows,
    /// Messages of HTTP/1.
    Http,
    /// Messages of TLS, QUIC and DTLS.
    Tls,
    /// Messages of DNS.
    Dns,
    /// Directions of TCP connections that carried data.
    Streams,
    /// What was odd, as the command `all` reports it.
    Anomalies,
}

impl Table {
    /// Every table.
    pub const ALL: [Self; 6] = [
        Self::Flows,
        Self::Http,
        Self::Tls,
        Self::Dns,
        Self::Streams,
        Self::Anomalies,
    ];

    /// Its name, such as `flows`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flows => "flows",
            Self::Http => "http",
            Self::Tls => "tls",
            Self::Dns => "dns",
            Self::Streams => "streams",
            Self::Anomalies => "anomalies",
        }
    }

    /// What has to be read for it: of flows nothing but headers.
    #[must_use]
    pub const fn goal(self) -> Goal {
        match self {
            Self::Flows => Goal::Flows,
            Self::Http => Goal::Http,
            Self::Tls => Goal::Tls,
            Self::Dns => Goal::Dns,
            Self::Streams => Goal::Streams,
            Self::Anomalies => Goal::All,
        }
    }

    /// The schema of its records, and which of their types are in it.
    #[must_use]
    pub const fn records(self) -> (&'static Schema, &'static [&'static str]) {
        match self {
            Self::Flows => (&schema::FLOW, &["flow"]),
            Self::Http => (&schema::HTTP, schema::HTTP.types),
            Self::Tls => (&schema::TLS, schema::TLS.types),
            Self::Dns => (&schema::DNS, schema::DNS.types),
            Self::Streams => (&schema::STREAM, schema::STREAM.types),
            Self::Anomalies => (&schema::EVENT, &["anomaly"]),
        }
    }

    /// Whether a record is a row of it.
    #[must_use]
    pub fn has(self, record: &Record) -> bool {
        match self {
            Self::Flows => matches!(record, Record::Flow(_)),
            Self::Http => matches!(record, Record::Http(_)),
            Self::Tls => matches!(record, Record::Tls(_) | Record::Quic(_)),
            Self::Dns => matches!(record, Record::Dns(_)),
            Self::Streams => matches!(record, Record::Stream(_)),
            Self::Anomalies => record.kind() == "anomaly",
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Table {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let found = Self::ALL.into_iter().find(|table| table.as_str() == name);
        found.ok_or(UnknownName::Table)
    }
}

/// How addresses are kept.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Addresses {
    /// As text, such as `10.0.0.1`.
    #[default]
    Text,
    /// As bytes in the order of the network: 4 of IPv4, 16 of IPv6, 6 of the
    /// link layer.
    Binary,
}

impl FromStr for Addresses {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        match name {
            "text" => Ok(Self::Text),
            "binary" => Ok(Self::Binary),
            _ => Err(UnknownName::Addresses),
        }
    }
}

/// A name that means nothing here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum UnknownName {
    /// It is not that of a table.
    Table,
    /// It is no way to keep addresses.
    Addresses,
    /// It is nothing that there are folders for.
    Partition,
    /// It is no network of addresses.
    Subnet,
}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Table => "no such table; there are flows, http, tls, dns, streams and anomalies",
            Self::Addresses => "addresses are text or binary",
            Self::Partition => "a table is partitioned by none or day",
            Self::Subnet => "a network is an address, or one with its bits such as 10.0.0.0/8",
        })
    }
}

impl core::error::Error for UnknownName {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_found_by_its_name() {
        for table in Table::ALL {
            assert_eq!(table.as_str().parse(), Ok(table));
        }
        assert_eq!("flow".parse::<Table>(), Err(UnknownName::Table));
    }
}
