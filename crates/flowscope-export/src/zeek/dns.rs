//! `dns.log`: a line for each question and its answer.

use std::collections::{BTreeMap, VecDeque};
use std::io;

use data_encoding::HEXLOWER;
use flowscope_core::Timestamp;
use flowscope_core::wire::IpProtocol;
use flowscope_dns::{DnsPacket, Name, Record, RecordType, Section};
use flowscope_record::DnsRecord;

use super::conn::transport;
use super::protocols::{ProtocolLog, TakesRecord, Talk};
use super::{Context, Lines, Log};

/// Questions of a connection without an answer, and answers without a question.
#[derive(Debug, Default)]
pub(super) struct DnsState {
    queries: BTreeMap<u16, VecDeque<Exchange>>,
    replies: BTreeMap<u16, VecDeque<Exchange>>,
}

/// A question and its answer, as far as they came.
#[derive(Clone, Debug)]
struct Exchange {
    start: Timestamp,
    id: u16,
    rtt: Option<u64>,
    query: Option<Vec<u8>>,
    /// Class and type.
    asked: Option<(u16, u16)>,
    rcode: Option<u8>,
    is_authoritative: bool,
    is_truncated: bool,
    is_recursion_desired: bool,
    is_recursion_available: bool,
    reserved: u8,
    answers: Vec<Vec<u8>>,
    ttls: Vec<u32>,
    is_rejected: bool,
}

impl TakesRecord<DnsRecord> for DnsState {
    fn take(&mut self, record: &DnsRecord, talk: &mut Talk<'_, impl Lines>) -> io::Result<()> {
        talk.services.add("dns");
        let (at, context) = (record.at, talk.context);
        let Some(packet) = record.message.packet() else {
            return Ok(());
        };
        if packet.opcode().0 != 0 {
            // Zeek keeps to standard queries.
            return Ok(());
        }
        let id = packet.id();
        let is_reply = packet.is_response();
        let (others, own) = match is_reply {
            true => (&mut self.queries, &mut self.replies),
            false => (&mut self.replies, &mut self.queries),
        };
        let known = others.get_mut(&id).and_then(VecDeque::pop_front);
        if others.get(&id).is_some_and(VecDeque::is_empty) {
            others.remove(&id);
        }
        let is_matched = known.is_some();
        let mut exchange = known.unwrap_or_else(|| Exchange::new(at, id));
        match is_reply {
            true => exchange.reply(at, packet, context),
            false => exchange.query(packet, context),
        }
        if is_matched {
            return exchange.write(context, talk.lines);
        }
        if own.len() > MAX_IDS && !own.contains_key(&id) {
            for exchange in core::mem::take(own).into_values().flatten() {
                exchange.write(context, talk.lines)?;
            }
        }
        let queue = own.entry(id).or_default();
        if queue.len() > MAX_PENDING {
            for exchange in queue.drain(..) {
                exchange.write(context, talk.lines)?;
            }
        }
        queue.push_back(exchange);
        Ok(())
    }
}

impl ProtocolLog for DnsState {
    /// Writes what was never matched.
    fn finish(&mut self, talk: &mut Talk<'_, impl Lines>) -> io::Result<()> {
        let queries = core::mem::take(&mut self.queries).into_values();
        let replies = core::mem::take(&mut self.replies).into_values();
        for exchange in queries.chain(replies).flatten() {
            exchange.write(talk.context, talk.lines)?;
        }
        Ok(())
    }
}

impl Exchange {
    fn new(start: Timestamp, id: u16) -> Self {
        Self {
            start,
            id,
            rtt: None,
            query: None,
            asked: None,
            rcode: None,
            is_authoritative: false,
            is_truncated: false,
            is_recursion_desired: false,
            is_recursion_available: false,
            reserved: 0,
            answers: Vec::new(),
            ttls: Vec::new(),
            is_rejected: false,
        }
    }

    fn query(&mut self, packet: &DnsPacket, context: &Context) {
        let flags = packet.bytes().get(3).copied().unwrap_or_default();
        for question in packet.questions() {
            let class = question.class.0 | u16::from(question.wants_unicast) << 15;
            self.is_recursion_desired = packet.is_recursion_desired();
            self.is_truncated = packet.is_truncated();
            self.reserved = flags >> 4 & 7;
            self.asked = Some((class, question.rtype.0));
            let name = text_of(question.name);
            self.query = Some(match is_netbios(context) {
                true => netbios_name(&name).unwrap_or(name),
                false => name,
            });
        }
    }

    fn reply(&mut self, at: Timestamp, packet: &DnsPacket, _context: &Context) {
        let flags = packet.bytes().get(3).copied().unwrap_or_default();
        let rcode = flags & 0x0f;
        self.rcode = Some(rcode);
        let count = |section| packet.count(section);
        let is_bare = [Section::Answer, Section::Authority, Section::Additional]
            .into_iter()
            .all(|section| count(section) == 0);
        let asks = count(Section::Question) > 0;
        self.is_rejected |= asks && is_bare || rcode != 0 && !asks;
        let mut room = packet.max_text();
        for record in packet.answers() {
            let Some(answer) = answer(&record) else {
                continue;
            };
            let name = text_of(record.name);
            if self.query.is_none() {
                self.query = Some(name);
            }
            self.is_authoritative = packet.is_authoritative();
            self.is_recursion_available = packet.is_recursion_available();
            let elapsed = at.as_nanos().saturating_sub(self.start.as_nanos());
            if self.rtt.is_none() && elapsed > 0 {
                self.rtt = Some(elapsed);
            }
            let Some(left) = room.checked_sub(answer.len()) else {
                break;
            };
            room = left;
            if !answer.is_empty() {
                self.answers.push(answer);
                self.ttls.push(record.ttl);
            }
        }
    }

    fn write(self, context: &Context, lines: &mut impl Lines) -> io::Result<()> {
        let protocol = context.endpoints.protocol;
        lines.line(Log::Dns, |row| {
            let asked = self.asked;
            row.time(Some(self.start));
            context.write(row);
            row.text(Some(transport(protocol)));
            row.count(Some(self.id.into()));
            row.interval(self.rtt);
            row.text(self.query.as_ref());
            row.count(asked.map(|(class, _)| class.into()));
            row.text(asked.map(|(class, _)| class_name(class)));
            row.count(asked.map(|(_, rtype)| rtype.into()));
            row.text(asked.map(|(_, rtype)| match (is_netbios(context), rtype) {
                (true, 33) => "NBSTAT".to_owned(),
                _ => type_name(rtype),
            }));
            row.count(self.rcode.map(u64::from));
            row.text(self.rcode.map(rcode_name));
            row.flag(Some(self.is_authoritative));
            row.flag(Some(self.is_truncated));
            row.flag(Some(self.is_recursion_desired));
            row.flag(Some(self.is_recursion_available));
            row.count(Some(self.reserved.into()));
            let has_answers = !self.answers.is_empty();
            row.texts(has_answers.then_some(&self.answers));
            row.intervals(has_answers.then(|| self.ttls.iter().copied()));
            row.flag(Some(self.is_rejected));
        })
    }
}

fn is_netbios(context: &Context) -> bool {
    context.endpoints.protocol == Some(IpProtocol::UDP)
        && context.endpoints.ports.is_some_and(|(_, resp)| resp == 137)
}

/// A name as Zeek writes it: its labels in lower case, with dots between them.
fn text_of(name: Name<'_>) -> Vec<u8> {
    let mut text = Vec::new();
    for label in name.labels() {
        if !text.is_empty() {
            text.push(b'.');
        }
        text.extend(label.iter().map(u8::to_ascii_lowercase));
    }
    text
}

/// The name that a name of NetBIOS stands for: two letters for each byte, the
/// last of which is its kind (RFC 1001, section 14.1).
fn netbios_name(name: &[u8]) -> Option<Vec<u8>> {
    let letters = name.split(|byte| *byte == b'.').next()?;
    if letters.len() < 32 {
        return None;
    }
    let (pairs, _) = letters.get(..30)?.as_chunks();
    let half = |letter: u8| {
        letter
            .to_ascii_lowercase()
            .checked_sub(b'a')
            .filter(|it| *it < 16)
    };
    let mut text = pairs
        .iter()
        .map(|[high, low]| Some(half(*high)? << 4 | half(*low)?))
        .collect::<Option<Vec<u8>>>()?;
    let len = text.iter().rposition(|byte| !matches!(byte, b' ' | 0));
    text.truncate(len.map_or(0, |last| last + 1));
    Some(text)
}

/// What Zeek's log says of a record; `None` where it does not hear of it.
fn answer(record: &Record<'_>) -> Option<Vec<u8>> {
    let bytes = record.data.bytes();
    if record.data.missing() > 0 {
        return None;
    }
    if let Some(addr) = record.data.address() {
        return Some(addr.to_string().into_bytes());
    }
    if record.rtype != RecordType(39)
        && let Some(name) = record.data.name()
    {
        return Some(text_of(name));
    }
    let word = |at: usize| {
        let text = record.data.to_string();
        let word = text.split(' ').nth(at).unwrap_or_default();
        match word {
            "." => Vec::new(),
            word => word.to_ascii_lowercase().into_bytes(),
        }
    };
    let byte = |at: usize| bytes.get(at).copied().unwrap_or_default();
    Some(match record.rtype.0 {
        1 | 28 => return None,
        6 => word(0),
        15 => word(1),
        33 => word(3),
        16 => strings("TXT", bytes),
        99 => strings("SPF", bytes),
        43 => format!("DS {} {}", byte(2), byte(3)).into_bytes(),
        44 => {
            let print = bytes.get(2..).unwrap_or_default();
            format!("SSHFP: {}", HEXLOWER.encode(print)).into_bytes()
        }
        46 => {
            let covered = u16::from_be_bytes([byte(0), byte(1)]);
            let signer = uncompressed_name(bytes.get(18..).unwrap_or_default());
            let mut text = format!("RRSIG {covered} ").into_bytes();
            match signer.as_slice() {
                [] => text.extend_from_slice(b"<Root>"),
                signer => text.extend_from_slice(signer),
            }
            text
        }
        47 => {
            let mut text = b"NSEC ".to_vec();
            text.extend(text_of(record.name));
            text.push(b' ');
            text.extend(uncompressed_name(bytes));
            text
        }
        48 => format!("DNSKEY {}", byte(3)).into_bytes(),
        50 => b"NSEC3".to_vec(),
        51 => b"NSEC3PARAM".to_vec(),
        65534 => b"BIND9 signing signal".to_vec(),
        // It reads these, and its log says nothing of them.
        11 | 13 | 35 | 41 | 64 | 65 | 249 | 250 | 257 => return None,
        other => format!("<unknown type={other}>").into_bytes(),
    })
}

/// Strings with their lengths.
fn strings(kind: &str, mut bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    while let Some((len, rest)) = bytes.split_first() {
        let len = usize::from(*len).min(rest.len());
        let (string, rest) = rest.split_at(len);
        if !text.is_empty() {
            text.push(b' ');
        }
        text.extend_from_slice(format!("{kind} {len} ").as_bytes());
        text.extend_from_slice(string);
        bytes = rest;
    }
    text
}

fn uncompressed_name(mut bytes: &[u8]) -> Vec<u8> {
    let mut text = Vec::new();
    while let Some((len @ 1..=63, rest)) = bytes.split_first() {
        let Some((label, rest)) = rest.split_at_checked(usize::from(*len)) else {
            break;
        };
        if !text.is_empty() {
            text.push(b'.');
        }
        text.extend(label.iter().map(u8::to_ascii_lowercase));
        bytes = rest;
    }
    text
}

fn class_name(class: u16) -> String {
    match class {
        1 => "C_INTERNET".into(),
        2 => "C_CSNET".into(),
        3 => "C_CHAOS".into(),
        4 => "C_HESIOD".into(),
        254 => "C_NONE".into(),
        255 => "C_ANY".into(),
        other => format!("qclass-{other}"),
    }
}

fn type_name(rtype: u16) -> String {
    match rtype {
        255 => "*".into(),
        30 => "NXT".into(),
        32 => "NIMLOC".into(),
        33 => "SRV".into(),
        100 => "UINFO".into(),
        101 => "UID".into(),
        102 => "GID".into(),
        103 => "UNSPEC".into(),
        65281 => "WINS".into(),
        65282 => "WINS-R".into(),
        _ => match RecordType(rtype).name() {
            Some(name) => name.to_owned(),
            None => format!("query-{rtype}"),
        },
    }
}

fn rcode_name(rcode: u8) -> String {
    let names = [
        "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET",
        "NXRRSet", "NOTAUTH", "NOTZONE",
    ];
    match names.get(usize::from(rcode)) {
        Some(name) => (*name).to_owned(),
        None => format!("unassigned-{rcode}"),
    }
}

/// How many identifiers, and how many messages of each, wait for the other side.
const MAX_IDS: usize = 50;
const MAX_PENDING: usize = 50;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_netbios_are_read() {
        let name = b"eifceffcfecacacacacacacacacacaaa";
        assert_eq!(netbios_name(name).as_deref(), Some(b"HRERT".as_slice()));
        assert_eq!(netbios_name(b"short"), None);
    }

    #[test]
    fn strings_say_their_length() {
        assert_eq!(strings("TXT", b"\x03abc\x01d"), b"TXT 3 abc TXT 1 d");
        assert_eq!(strings("TXT", b"\x09abc"), b"TXT 3 abc");
    }
}
