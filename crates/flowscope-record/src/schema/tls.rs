//! The fields of TLS messages.

use super::common::of_flow;
use super::field::{Field, FieldType, Schema, Unit};
use crate::config::Goal;

/// Messages of TLS that are sent in the clear.
pub static TLS: Schema = Schema {
    name: "tls",
    types: TYPES,
    made_for: &[(Goal::All, TYPES), (Goal::Tls, TYPES)],
    description: "a hello, certificate message or alert of TLS, also in QUIC and DTLS, and what \
                  QUIC and DTLS say before",
    fields: &[
        &of_flow("when the message was complete"),
        &[
            Field::plain_text("side", "who sent it: `initiator` or `responder`"),
            Field::plain_text("transport", "what carried it: `tcp`, `quic` or `dtls`").of(CARRIED),
            Field::text(
                "version",
                "of a ClientHello the highest that is offered, of a ServerHello that which is \
                 agreed, of a HelloVerifyRequest one that need not be",
            )
            .of(VERSIONED),
            Field::text("legacy_version", "the version in the field of that name").of(CLIENT),
            Field::text("sni", "the name of the server")
                .of(NAMING)
                .absent("where there is none"),
            Field::number("cipher_suite", "the cipher suite, as sent").of(SERVER),
            Field::text("cipher_suite_name", "its name")
                .of(SERVER)
                .absent("where it is not known"),
            Field::list(
                "alpn",
                &FieldType::Text,
                "the application protocols that are offered",
            )
            .of(CLIENT),
            Field::text("alpn", "the application protocol that is chosen")
                .of(SERVER)
                .absent("where there is none"),
            Field::list(
                "cipher_suites",
                &FieldType::Number,
                "the cipher suites, as sent, GREASE included",
            )
            .of(CLIENT),
            Field::list(
                "extensions",
                &FieldType::Number,
                "the extensions, as sent, GREASE included",
            )
            .of(HELLOS),
            Field::list(
                "supported_groups",
                &FieldType::Number,
                "the groups, as sent, GREASE included",
            )
            .of(CLIENT),
            Field::list(
                "signature_algorithms",
                &FieldType::Number,
                "the signature algorithms, as sent, GREASE included",
            )
            .of(CLIENT),
            Field::list(
                "key_share_groups",
                &FieldType::Number,
                "the groups that keys are shared of, as sent, GREASE included",
            )
            .of(CLIENT),
            Field::flag("ech", "true where Encrypted ClientHello is offered")
                .of(CLIENT)
                .absent("where it is not"),
            Field::number("session_id_bytes", "the length of the session identifier")
                .unit(Unit::Bytes)
                .of(CLIENT),
            Field::text("ja3", "the JA3 fingerprint").of(CLIENT),
            Field::text("ja3_raw", "what JA3 is the hash of").of(CLIENT),
            Field::text("ja4", "the JA4 fingerprint").of(CLIENT),
            Field::text("ja4_r", "JA4 without hashes").of(CLIENT),
            Field::text("ja3s", "the JA3S fingerprint").of(SERVER),
            Field::text("ja3s_raw", "what JA3S is the hash of").of(SERVER),
            Field::flag(
                "hello_retry_request",
                "whether it asks for another ClientHello",
            )
            .of(SERVER),
            Field::text(
                "quic_version",
                "the version of QUIC: `v1`, `v2`, `draft-29`, `mvfst-27`, `T051`, `Q043` and the like",
            )
            .of(QUIC_VERSIONED)
            .absent(NOT_QUIC),
            Field::text(
                "dcid",
                "the Destination Connection ID of the first packet of that side, in hexadecimal \
                 digits; of a `gquic_client_hello` the connection's only one",
            )
            .of(QUIC)
            .absent(NOT_QUIC),
            Field::text("scid", "its Source Connection ID")
                .of(QUIC_PAIRED)
                .absent(NOT_QUIC),
            Field::number("token_bytes", "the length of its token")
                .unit(Unit::Bytes)
                .of(TOKENS)
                .absent(NOT_QUIC),
            Field::list(
                "transport_parameters",
                &FieldType::Structure(&TRANSPORT_PARAMETER),
                "the transport parameters of QUIC, as sent",
            )
            .of(CLIENT),
            Field::list(
                "chain",
                &FieldType::Structure(&CHAIN_ENTRY),
                "the certificates",
            )
            .of(CERTIFICATE),
            Field::text("subject", "the subject of the first certificate")
                .of(CERTIFICATE)
                .absent(UNREADABLE),
            Field::text("issuer", "the issuer of the first certificate")
                .of(CERTIFICATE)
                .absent(UNREADABLE),
            Field::list(
                "san",
                &FieldType::Text,
                "the subject alternative names of the first certificate",
            )
            .of(CERTIFICATE),
            Field::plain_text("level", "`warning` or `fatal`").of(ALERT),
            Field::text("description", "the name of the alert, or its number").of(ALERT),
            Field::number(
                "cookie_bytes",
                "the length of the cookie, with which a client of DTLS is to say hello again",
            )
            .unit(Unit::Bytes)
            .of(COOKIES)
            .absent("where it is not DTLS"),
            Field::list(
                "versions",
                &FieldType::Text,
                "the versions of QUIC that the server speaks, as sent, GREASE included",
            )
            .of(NEGOTIATION),
            Field::text("user_agent", "the client's software, as it says")
                .of(GOOGLE)
                .absent("where it does not say"),
        ],
    ],
};

const CHAIN_ENTRY: [Field; 2] = [
    Field::number("bytes", "its length").unit(Unit::Bytes),
    Field::plain_text("sha256", "its SHA-256"),
];

const TRANSPORT_PARAMETER: [Field; 4] = [
    Field::number("id", "its number"),
    Field::plain_text("name", "its name").absent("where it is not known"),
    Field::number("value", "what it says, where that is a number")
        .absent("where it is something else"),
    Field::flag("grease", "true where it is GREASE").absent("where it is not"),
];

const CLIENT: &[&str] = &["tls_client_hello"];
const SERVER: &[&str] = &["tls_server_hello"];
const HELLOS: &[&str] = &["tls_client_hello", "tls_server_hello"];
const CERTIFICATE: &[&str] = &["tls_certificate"];
const ALERT: &[&str] = &["tls_alert"];
const NEGOTIATION: &[&str] = &["quic_version_negotiation"];
const GOOGLE: &[&str] = &["gquic_client_hello"];
const NAMING: &[&str] = &["tls_client_hello", "gquic_client_hello"];
const COOKIES: &[&str] = &["tls_client_hello", "tls_hello_verify_request"];
const TOKENS: &[&str] = &["tls_client_hello", "quic_retry"];
const VERSIONED: &[&str] = &[
    "tls_client_hello",
    "tls_server_hello",
    "tls_hello_verify_request",
];
const QUIC_VERSIONED: &[&str] = &[
    "tls_client_hello",
    "tls_server_hello",
    "quic_retry",
    "gquic_client_hello",
];
const QUIC_PAIRED: &[&str] = &[
    "tls_client_hello",
    "tls_server_hello",
    "quic_retry",
    "quic_version_negotiation",
];
const QUIC: &[&str] = &[
    "tls_client_hello",
    "tls_server_hello",
    "quic_retry",
    "quic_version_negotiation",
    "gquic_client_hello",
];
const CARRIED: &[&str] = &[
    "tls_client_hello",
    "tls_server_hello",
    "tls_hello_verify_request",
    "quic_retry",
    "quic_version_negotiation",
    "gquic_client_hello",
];
const NOT_QUIC: &str = "where it is not QUIC";
const UNREADABLE: &str = "where it cannot be read";

const TYPES: &[&str] = &[
    "tls_client_hello",
    "tls_server_hello",
    "tls_certificate",
    "tls_alert",
    "tls_hello_verify_request",
    "quic_retry",
    "quic_version_negotiation",
    "gquic_client_hello",
];
