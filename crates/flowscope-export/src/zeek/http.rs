//! `http.log`: a line for each request and its response.

use std::collections::VecDeque;
use std::io;

use data_encoding::BASE64;
use flowscope_core::Timestamp;
use flowscope_http::{Headers, HttpMessage, HttpRequest, HttpResponse, HttpVersion, Transfer};
use flowscope_record::HttpRecord;

use super::protocols::{ProtocolLog, TakesRecord, Talk};
use super::row::Row;
use super::{Context, Lines, Log, mime};
use crate::body;

/// Requests of a connection without a response.
#[derive(Debug, Default)]
pub(super) struct HttpState {
    /// How many lines there were.
    depth: u64,
    pending: VecDeque<Exchange>,
    /// Responses that were complete before their requests were.
    early: VecDeque<Exchange>,
}

/// A request and its response, as far as they came.
#[derive(Debug, Default)]
struct Exchange {
    start: Option<Timestamp>,
    depth: u64,
    method: Option<String>,
    uri: Option<Vec<u8>>,
    host: Option<Vec<u8>>,
    referrer: Option<Vec<u8>>,
    user_agent: Option<Vec<u8>>,
    origin: Option<Vec<u8>>,
    username: Option<Vec<u8>>,
    proxied: Vec<Vec<u8>>,
    request_len: u64,
    version: Option<String>,
    response_len: u64,
    status: Option<(u16, Vec<u8>)>,
    interim: Option<(u16, Vec<u8>)>,
    sent: File,
    received: File,
}

/// What a body says of itself.
#[derive(Debug, Default)]
struct File {
    name: Option<Vec<u8>>,
    mime_type: Option<&'static str>,
}

impl File {
    /// A body with these header fields. The parts of one of several are not
    /// told apart.
    fn of(transfer: &Transfer, headers: Headers<'_>) -> Self {
        let header = |name: &str| {
            let mut fields = headers.clone();
            fields.find(|it| it.name.eq_ignore_case(name))
        };
        let kind = header("content-type").map_or(b"".as_slice(), |it| it.value.as_bytes());
        let is_multipart = kind
            .get(..10)
            .is_some_and(|kind| kind.eq_ignore_ascii_case(b"multipart/"));
        if transfer.body_bytes == 0 || is_multipart {
            return Self::default();
        }
        let encoding = header("content-encoding").map(|it| it.value.as_bytes());
        let disposition = header("content-disposition").map(|it| it.value.as_bytes());
        // Of a part of a file it is not known how the file begins.
        let range = header("content-range").map(|it| it.value.as_bytes());
        let is_start = range.is_none_or(|range| range.starts_with(b"bytes 0-"));
        Self {
            name: disposition.and_then(file_name),
            mime_type: is_start
                .then(|| mime::of(&body::decoded_start(transfer, encoding)))
                .flatten(),
        }
    }

    /// The columns about it. Its identifier would lead to a log that is not made.
    fn write(&self, row: &mut Row<'_>) {
        row.unset();
        row.texts(self.name.as_ref().map(|name| [name]));
        row.texts(self.mime_type.map(|kind| [kind]));
    }
}

impl ProtocolLog for HttpState {
    fn finish(&mut self, talk: &mut Talk<'_, impl Lines>) -> io::Result<()> {
        for exchange in self.early.drain(..).chain(self.pending.drain(..)) {
            exchange.write(talk.context, talk.lines)?;
        }
        Ok(())
    }
}

impl TakesRecord<HttpRecord> for HttpState {
    fn take(&mut self, record: &HttpRecord, talk: &mut Talk<'_, impl Lines>) -> io::Result<()> {
        let is_confirmed = match &record.message {
            HttpMessage::Response(response) => response.request.is_some(),
            _ => true,
        };
        if is_confirmed {
            talk.services.add("http");
        }
        match &record.message {
            HttpMessage::Request(request) => self.request(request, talk.context, talk.lines),
            HttpMessage::Response(response) => self.response(response, talk.context, talk.lines),
            _ => Ok(()),
        }
    }
}

impl HttpState {
    fn request(
        &mut self,
        request: &HttpRequest,
        context: &Context,
        lines: &mut impl Lines,
    ) -> io::Result<()> {
        if let Some(mut exchange) = self.early.pop_front() {
            exchange.request(request);
            return exchange.write(context, lines);
        }
        if self.pending.len() > MAX_PENDING {
            for exchange in self.pending.drain(..) {
                exchange.write(context, lines)?;
            }
        }
        let mut exchange = self.new_exchange();
        exchange.request(request);
        self.pending.push_back(exchange);
        Ok(())
    }

    fn response(
        &mut self,
        response: &HttpResponse,
        context: &Context,
        lines: &mut impl Lines,
    ) -> io::Result<()> {
        if response.is_interim() {
            if self.pending.is_empty() {
                let exchange = self.new_exchange();
                self.pending.push_back(exchange);
            }
            if let Some(exchange) = self.pending.front_mut() {
                exchange.response(response);
            }
            return Ok(());
        }
        let mut exchange = match self.pending.pop_front() {
            Some(exchange) => exchange,
            None => self.new_exchange(),
        };
        exchange.response(response);
        let waits = exchange.method.is_none() && response.request.is_some();
        if waits && self.early.len() < MAX_PENDING {
            self.early.push_back(exchange);
            return Ok(());
        }
        exchange.write(context, lines)
    }

    fn new_exchange(&mut self) -> Exchange {
        self.depth += 1;
        Exchange {
            depth: self.depth,
            ..Exchange::default()
        }
    }
}

impl Exchange {
    fn request(&mut self, request: &HttpRequest) {
        let header = |name| request.header(name).map(|it| it.as_bytes().to_vec());
        self.start = Some(request.transfer.started);
        self.method = Some(request.method().to_owned()).filter(|it| !it.is_empty());
        self.uri = Some(unescaped(request.target().as_bytes()));
        self.host = header("host");
        self.referrer = header("referer");
        self.user_agent = header("user-agent");
        self.origin = header("origin");
        self.username = ["proxy-authorization", "authorization"]
            .into_iter()
            .filter_map(header)
            .filter_map(|value| username(&value))
            .next_back();
        self.proxied = proxied(request.headers());
        self.request_len = body_len(&request.transfer, header("content-encoding").as_deref());
        if self.version.is_none() {
            self.version = version(request.version);
        }
        self.sent = File::of(&request.transfer, request.headers());
    }

    fn response(&mut self, response: &HttpResponse) {
        let reason = response.reason().as_bytes().to_vec();
        let encoding = response.header("content-encoding");
        self.start = self.start.or(Some(response.transfer.started));
        self.version = version(response.version);
        self.status = Some((response.status, reason.clone()));
        if response.is_interim() {
            self.interim = Some((response.status, reason));
        } else {
            self.response_len = body_len(&response.transfer, encoding.map(|it| it.as_bytes()));
            self.received = File::of(&response.transfer, response.headers());
        }
    }

    fn write(self, context: &Context, lines: &mut impl Lines) -> io::Result<()> {
        lines.line(Log::Http, |row| {
            row.time(self.start);
            context.write(row);
            row.count(Some(self.depth));
            row.text(self.method.as_ref());
            row.text(self.host.as_ref());
            row.text(self.uri.as_ref());
            row.text(self.referrer.as_ref());
            // It is that of the response.
            row.text(self.status.as_ref().and(self.version.as_ref()));
            row.text(self.user_agent.as_ref());
            row.text(self.origin.as_ref());
            row.count(Some(self.request_len));
            row.count(Some(self.response_len));
            for status in [&self.status, &self.interim] {
                row.count(status.as_ref().map(|(code, _)| (*code).into()));
                row.text(status.as_ref().map(|(_, reason)| reason));
            }
            row.texts(Some([""; 0]));
            row.text(self.username.as_ref());
            row.unset();
            row.texts((!self.proxied.is_empty()).then_some(&self.proxied));
            self.sent.write(row);
            self.received.write(row);
        })
    }
}

fn body_len(transfer: &Transfer, encoding: Option<&[u8]>) -> u64 {
    body::decoded_len(transfer, encoding)
}

fn version(version: HttpVersion) -> Option<String> {
    (version != HttpVersion::UNKNOWN).then(|| format!("{}.{}", version.major, version.minor))
}

/// A target with its `%XX` put into bytes.
fn unescaped(target: &[u8]) -> Vec<u8> {
    let hex = |byte: &u8| char::from(*byte).to_digit(16).map(|digit| digit as u8);
    let mut bytes = Vec::with_capacity(target.len());
    let mut rest = target;
    while let Some((first, behind)) = rest.split_first() {
        let escaped = match behind {
            [high, low, ..] if *first == b'%' => hex(high).zip(hex(low)),
            _ => None,
        };
        match escaped {
            Some((high, low)) => {
                bytes.push(high << 4 | low);
                rest = behind.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = behind;
            }
        }
    }
    bytes
}

/// The name in credentials of the Basic scheme (RFC 7617).
fn username(value: &[u8]) -> Option<Vec<u8>> {
    let (scheme, credentials) = value.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let decoded = BASE64.decode(credentials.trim_ascii());
    let pair = decoded.ok().filter(|pair| pair.contains(&b':'));
    match pair {
        Some(pair) => Some(pair.split(|byte| *byte == b':').next()?.to_vec()),
        None => {
            let value = String::from_utf8_lossy(value);
            Some(format!("<problem-decoding> ({value})").into_bytes())
        }
    }
}

/// The name that a Content-Disposition gives a file (RFC 6266).
fn file_name(value: &[u8]) -> Option<Vec<u8>> {
    let parameters = value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let value = parameters
        .filter_map(|it| it.split_at_checked(8))
        .filter(|(name, _)| name.eq_ignore_ascii_case(b"filename"))
        .find_map(|(_, value)| {
            let value = value.trim_ascii_start();
            let value = value.strip_prefix(b"*").unwrap_or(value);
            value.strip_prefix(b"=")
        })?;
    let value = value.trim_ascii();
    let quoted = value
        .strip_prefix(b"\"")
        .and_then(|it| it.strip_suffix(b"\""));
    Some(quoted.unwrap_or(value).to_vec()).filter(|it| !it.is_empty())
}

/// The header fields that say that a request was passed on.
fn proxied(headers: Headers<'_>) -> Vec<Vec<u8>> {
    let mut found: Vec<Vec<u8>> = Vec::new();
    for header in headers {
        let name = header.name.as_bytes().to_ascii_uppercase();
        if PROXY_HEADERS.contains(&name.as_slice()) {
            let text = [&name, b" -> ".as_slice(), header.value.as_bytes()].concat();
            if !found.contains(&text) {
                found.push(text);
            }
        }
    }
    found
}

const PROXY_HEADERS: [&[u8]; 7] = [
    b"FORWARDED",
    b"X-FORWARDED-FOR",
    b"X-FORWARDED-FROM",
    b"CLIENT-IP",
    b"VIA",
    b"XROXY-CONNECTION",
    b"PROXY-CONNECTION",
];
const MAX_PENDING: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_unescaped() {
        for (target, expected) in [
            ("/a%20b", "/a b"),
            ("/100%", "/100%"),
            ("/%zz%4", "/%zz%4"),
            ("/%2F+", "//+"),
        ] {
            assert_eq!(unescaped(target.as_bytes()), expected.as_bytes());
        }
    }

    #[test]
    fn files_have_the_name_of_their_disposition() {
        for (value, expected) in [
            ("attachment; filename=\"a b.exe\"", Some("a b.exe")),
            ("attachment;FileName = a.exe", Some("a.exe")),
            ("attachment;FileName=a.exe; size=1", Some("a.exe")),
            ("inline", None),
            ("attachment; filename=\"\"", None),
        ] {
            let found = file_name(value.as_bytes());
            assert_eq!(found.as_deref(), expected.map(str::as_bytes), "{value}");
        }
    }

    #[test]
    fn names_are_found_in_credentials() {
        assert_eq!(
            username(b"Basic dXNlcjpwYXNz").as_deref(),
            Some(b"user".as_slice())
        );
        assert_eq!(username(b"Bearer x"), None);
        let wrong = username(b"basic %%").expect("a name");
        assert_eq!(wrong, b"<problem-decoding> (basic %%)");
    }
}
