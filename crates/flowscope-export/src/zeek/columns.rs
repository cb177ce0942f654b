//! What is in each log: names and types of its columns, as Zeek has them.

/// A column: its name and its type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Column {
    /// Its name in the log.
    pub name: &'static str,
    /// Its type in Zeek's words.
    pub zeek_type: &'static str,
}

/// One of Zeek's logs.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub enum Log {
    /// Connections.
    Conn,
    /// Requests and responses of HTTP.
    Http,
    /// Handshakes of TLS.
    Ssl,
    /// Certificates.
    X509,
    /// Questions and answers of DNS.
    Dns,
    /// What was odd.
    Weird,
}

impl Log {
    /// Every log.
    pub const ALL: [Self; 6] = [
        Self::Conn,
        Self::Http,
        Self::Ssl,
        Self::X509,
        Self::Dns,
        Self::Weird,
    ];

    /// Its name, which is that of its file without `.log`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Conn => "conn",
            Self::Http => "http",
            Self::Ssl => "ssl",
            Self::X509 => "x509",
            Self::Dns => "dns",
            Self::Weird => "weird",
        }
    }

    /// Its columns, in order.
    #[must_use]
    pub const fn columns(self) -> &'static [Column] {
        match self {
            Self::Conn => &CONN,
            Self::Http => &HTTP,
            Self::Ssl => &SSL,
            Self::X509 => &X509,
            Self::Dns => &DNS,
            Self::Weird => &WEIRD,
        }
    }
}

const fn column(name: &'static str, zeek_type: &'static str) -> Column {
    Column { name, zeek_type }
}

macro_rules! columns {
    ($name:ident, $count:literal, { $($column:literal: $type:literal,)* }) => {
        static $name: [Column; $count] = [$(column($column, $type)),*];
    };
}

columns!(CONN, 22, {
    "ts": "time",
    "uid": "string",
    "id.orig_h": "addr",
    "id.orig_p": "port",
    "id.resp_h": "addr",
    "id.resp_p": "port",
    "proto": "enum",
    "service": "string",
    "duration": "interval",
    "orig_bytes": "count",
    "resp_bytes": "count",
    "conn_state": "string",
    "local_orig": "bool",
    "local_resp": "bool",
    "missed_bytes": "count",
    "history": "string",
    "orig_pkts": "count",
    "orig_ip_bytes": "count",
    "resp_pkts": "count",
    "resp_ip_bytes": "count",
    "tunnel_parents": "set[string]",
    "ip_proto": "count",
});

columns!(HTTP, 30, {
    "ts": "time",
    "uid": "string",
    "id.orig_h": "addr",
    "id.orig_p": "port",
    "id.resp_h": "addr",
    "id.resp_p": "port",
    "trans_depth": "count",
    "method": "string",
    "host": "string",
    "uri": "string",
    "referrer": "string",
    "version": "string",
    "user_agent": "string",
    "origin": "string",
    "request_body_len": "count",
    "response_body_len": "count",
    "status_code": "count",
    "status_msg": "string",
    "info_code": "count",
    "info_msg": "string",
    "tags": "set[enum]",
    "username": "string",
    "password": "string",
    "proxied": "set[string]",
    "orig_fuids": "vector[string]",
    "orig_filenames": "vector[string]",
    "orig_mime_types": "vector[string]",
    "resp_fuids": "vector[string]",
    "resp_filenames": "vector[string]",
    "resp_mime_types": "vector[string]",
});

columns!(SSL, 18, {
    "ts": "time",
    "uid": "string",
    "id.orig_h": "addr",
    "id.orig_p": "port",
    "id.resp_h": "addr",
    "id.resp_p": "port",
    "version": "string",
    "cipher": "string",
    "curve": "string",
    "server_name": "string",
    "resumed": "bool",
    "last_alert": "string",
    "next_protocol": "string",
    "established": "bool",
    "ssl_history": "string",
    "cert_chain_fps": "vector[string]",
    "client_cert_chain_fps": "vector[string]",
    "sni_matches_cert": "bool",
});

columns!(X509, 22, {
    "ts": "time",
    "fingerprint": "string",
    "certificate.version": "count",
    "certificate.serial": "string",
    "certificate.subject": "string",
    "certificate.issuer": "string",
    "certificate.not_valid_before": "time",
    "certificate.not_valid_after": "time",
    "certificate.key_alg": "string",
    "certificate.sig_alg": "string",
    "certificate.key_type": "string",
    "certificate.key_length": "count",
    "certificate.exponent": "string",
    "certificate.curve": "string",
    "san.dns": "vector[string]",
    "san.uri": "vector[string]",
    "san.email": "vector[string]",
    "san.ip": "vector[addr]",
    "basic_constraints.ca": "bool",
    "basic_constraints.path_len": "count",
    "host_cert": "bool",
    "client_cert": "bool",
});

columns!(DNS, 24, {
    "ts": "time",
    "uid": "string",
    "id.orig_h": "addr",
    "id.orig_p": "port",
    "id.resp_h": "addr",
    "id.resp_p": "port",
    "proto": "enum",
    "trans_id": "count",
    "rtt": "interval",
    "query": "string",
    "qclass": "count",
    "qclass_name": "string",
    "qtype": "count",
    "qtype_name": "string",
    "rcode": "count",
    "rcode_name": "string",
    "AA": "bool",
    "TC": "bool",
    "RD": "bool",
    "RA": "bool",
    "Z": "count",
    "answers": "vector[string]",
    "TTLs": "vector[interval]",
    "rejected": "bool",
});

columns!(WEIRD, 11, {
    "ts": "time",
    "uid": "string",
    "id.orig_h": "addr",
    "id.orig_p": "port",
    "id.resp_h": "addr",
    "id.resp_p": "port",
    "name": "string",
    "addl": "string",
    "notice": "bool",
    "peer": "string",
    "source": "string",
});
