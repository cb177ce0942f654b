//! What fields records have: data, from which formats and documents are
//! derived.
//!
//! A [`Schema`] is of one kind of records, such as those of HTTP, which may
//! have several types (the value of the field `type`), such as `http_request`
//! and `http_response`. A record has the fields of its type, in this order.
//!
//! ```
//! use flowscope_record::schema::{self, FieldType, Unit};
//!
//! let duration = schema::FLOW.field("duration").expect("flows have one");
//! assert_eq!(duration.field_type, FieldType::Duration);
//! assert_eq!(duration.unit, Some(Unit::Seconds));
//!
//! let names: Vec<_> = schema::STREAM.fields_of("stream").map(|field| field.name).collect();
//! assert_eq!(names[..4], ["type", "ts", "flow", "proto"]);
//! ```

mod columns;
mod common;
mod connection;
mod dns;
mod field;
mod flow;
mod http;
#[cfg(feature = "json")]
mod json_schema;
mod stream;
mod summary;
mod tls;

pub use columns::{columns, schemas};
pub use connection::{CONNECTION, PACKET};
pub use dns::DNS;
pub use field::{Field, FieldType, Schema, Unit};
pub use flow::{EVENT, FLOW};
pub use http::HTTP;
#[cfg(feature = "json")]
pub use json_schema::json_schema;
pub use stream::STREAM;
pub use summary::{SKIPPED, SUMMARY};
pub use tls::TLS;

/// Every schema.
pub const ALL: [&Schema; 10] = [
    &FLOW,
    &CONNECTION,
    &PACKET,
    &EVENT,
    &HTTP,
    &TLS,
    &DNS,
    &STREAM,
    &SUMMARY,
    &SKIPPED,
];
