//! The protocols whose messages logs are made of.
//!
//! Each has a file of its own with what it keeps of a flow, a [`ProtocolLog`], and a
//! row in the table here.

use std::collections::HashSet;
use std::io;

use flowscope_record::Record;

use super::dns::DnsState;
use super::http::HttpState;
use super::ssl::SslState;
use super::{Context, Lines};

/// What is kept of a flow for the logs of a protocol.
pub(super) trait ProtocolLog: Default {
    /// The flow is over: writes what is left.
    fn finish(&mut self, talk: &mut Talk<'_, impl Lines>) -> io::Result<()>;
}

/// One that is made of these records.
pub(super) trait TakesRecord<R>: ProtocolLog {
    /// Takes the next record of the flow.
    fn take(&mut self, record: &R, talk: &mut Talk<'_, impl Lines>) -> io::Result<()>;
}

/// Where a record is taken.
pub(super) struct Talk<'a, L> {
    pub(super) context: &'a Context,
    pub(super) services: &'a mut Services,
    pub(super) known: &'a mut KnownCertificates,
    pub(super) lines: &'a mut L,
}

/// What a connection was found to speak, in Zeek's words.
#[derive(Debug, Default)]
pub(super) struct Services(Vec<&'static str>);

impl Services {
    pub(super) fn add(&mut self, service: &'static str) {
        if !self.0.contains(&service) {
            self.0.push(service);
        }
    }

    pub(super) fn as_slice(&self) -> &[&'static str] {
        &self.0
    }
}

/// Certificates that were written already.
#[derive(Debug, Default)]
pub(super) struct KnownCertificates {
    pub(super) seen: HashSet<[u8; 32]>,
}

/// Makes the state of a flow of rows: a field, its type, and the records that it
/// takes.
macro_rules! protocols {
    ($($field:ident: $state:ident takes $($record:ident),+;)*) => {
        /// What is kept of a flow for the logs of all protocols.
        #[derive(Debug, Default)]
        pub(super) struct Protocols {
            $($field: $state,)*
        }

        impl Protocols {
            /// Whether a record is that of a message which is logged.
            pub(super) fn take_any(record: &Record) -> bool {
                matches!(record, $($(Record::$record(_))|+)|*)
            }

            pub(super) fn take(
                &mut self,
                record: &Record,
                talk: &mut Talk<'_, impl Lines>,
            ) -> io::Result<()> {
                match record {
                    $($(Record::$record(record) => self.$field.take(record, talk),)+)*
                    _ => Ok(()),
                }
            }

            pub(super) fn finish(&mut self, talk: &mut Talk<'_, impl Lines>) -> io::Result<()> {
                $(self.$field.finish(talk)?;)*
                Ok(())
            }
        }
    };
}

protocols! {
    http: HttpState takes Http;
    dns: DnsState takes Dns;
    ssl: SslState takes Tls, Quic;
}
