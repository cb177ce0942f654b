//! The protocols whose messages are events.
//!
//! Each has a file of its own with what it keeps of a flow, and a row in the table
//! here.

use flowscope_record::{CommunityId, Endpoints, Record};

use super::dns::DnsState;
use super::http::HttpState;
use super::tls::TlsState;
use super::{Head, community_id};

/// What is kept of a flow for the events of a protocol.
pub(super) trait ProtocolEvents: Default {
    /// The flow is over: writes what is left. `of` has who talks, and when it ended.
    fn finish(&mut self, of: &Head<'_>, flow: &mut FlowFacts, text: &mut Vec<u8>);
}

/// One that is made of these records.
pub(super) trait TakesRecord<R>: ProtocolEvents {
    /// Takes the next record of the flow.
    fn take(&mut self, record: &R, flow: &mut FlowFacts, text: &mut Vec<u8>);
}

/// What the events of a flow have in common.
#[derive(Debug, Default)]
pub(super) struct FlowFacts {
    /// How many transactions there were.
    transactions: u64,
    /// Its Community ID, once a message was written.
    community_id: Option<CommunityId>,
}

impl FlowFacts {
    /// Its Community ID, which is the same for all its messages.
    pub(super) fn community_id(&mut self, endpoints: &Endpoints) -> Option<CommunityId> {
        if self.community_id.is_none() {
            self.community_id = community_id(endpoints);
        }
        self.community_id
    }

    /// The same, if it is known.
    pub(super) fn known_id(&self) -> Option<CommunityId> {
        self.community_id
    }

    pub(super) fn next_transaction(&mut self) -> u64 {
        self.transactions += 1;
        self.transactions - 1
    }
}

/// Makes the state of a flow of rows: a field, its type, and the records that it
/// takes.
macro_rules! protocols {
    ($($field:ident: $state:ident takes $($record:ident),+;)*) => {
        /// What is kept of a flow for the events of all protocols.
        #[derive(Debug, Default)]
        pub(super) struct Protocols {
            $($field: $state,)*
        }

        impl Protocols {
            /// Whether a record is that of a message which may be an event.
            pub(super) fn take_any(record: &Record) -> bool {
                matches!(record, $($(Record::$record(_))|+)|*)
            }

            pub(super) fn take(
                &mut self,
                record: &Record,
                flow: &mut FlowFacts,
                text: &mut Vec<u8>,
            ) {
                match record {
                    $($(Record::$record(record) => self.$field.take(record, flow, text),)+)*
                    _ => {}
                }
            }

            pub(super) fn finish(
                &mut self,
                of: &Head<'_>,
                flow: &mut FlowFacts,
                text: &mut Vec<u8>,
            ) {
                $(self.$field.finish(of, flow, text);)*
            }
        }
    };
}

protocols! {
    http: HttpState takes Http;
    tls: TlsState takes Tls, Quic;
    dns: DnsState takes Dns;
}
