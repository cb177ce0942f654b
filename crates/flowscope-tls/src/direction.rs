//! One side of a connection.

use flowscope_core::FlowSide;

use crate::exchange::{Change, Context, Exchange, Next};
use crate::handshake::{Content, HandshakeReader, Step};
use crate::hello::{is_exact, ssl2};
use crate::record::{
    ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, Fragment, HANDSHAKE, RecordReader, Skipped,
};
use crate::resync::{Resync, ResyncResult};
use crate::{Alert, TlsError, TlsVersion};

/// What one side sends, and how far it is understood.
#[derive(Clone, Debug)]
pub(crate) struct Direction {
    stage: Stage,
    progress: Progress,
    /// How many bytes came before the first record, or before what looks like it.
    before: u32,
    /// How many bytes went by that cannot be read.
    ignored: u32,
}

#[derive(Clone, Debug)]
enum Stage {
    /// TLS has not begun, or where its next record begins is not known.
    Resync(Resync),
    /// A ClientHello in the format of SSL 2.0 is being read.
    Ssl2 {
        message: Vec<u8>,
        left: u16,
        searched: Option<u32>,
    },
    Records(Records),
    /// Nothing more is read.
    Over(End),
}

#[derive(Clone, Debug, Default)]
struct Records {
    records: RecordReader,
    handshake: HandshakeReader,
    /// The first byte of an alert whose second has not come yet.
    alert_level: Option<u8>,
    /// How many bytes were searched or read, if the stream did not begin with
    /// records. It is bounded, and what is read then is checked more strictly:
    /// something else may look like a record.
    searched: Option<u32>,
}

/// Why nothing more is read of a side.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    /// It goes on encrypted.
    Encrypted,
    /// It sends no more.
    Closed,
    /// It is not TLS, or was not found to be, or does not go on as it.
    Unreadable,
}

/// What was seen of TLS so far; each includes those before it.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Progress {
    Nothing,
    /// The header of a record.
    Records,
    /// A message that is as it should be.
    Message,
    /// The client's ChangeCipherSpec, while the version is not known. Before TLS
    /// 1.3 everything behind it is encrypted; since then it means nothing.
    ChangeCipherSpec,
}

impl Progress {
    fn may_be_encrypted(self) -> bool {
        self == Self::ChangeCipherSpec
    }
}

impl Default for Direction {
    fn default() -> Self {
        Self {
            stage: Stage::Resync(Resync::at_start()),
            progress: Progress::Nothing,
            before: 0,
            ignored: 0,
        }
    }
}

impl Stage {
    /// How many bytes were searched or read, if the stream did not begin with
    /// TLS.
    fn searched(&self) -> Option<u32> {
        match self {
            Self::Resync(resync) => resync.searched(),
            Self::Ssl2 { searched, .. } => *searched,
            Self::Records(records) => records.searched,
            Self::Over(_) => None,
        }
    }
}

impl Direction {
    /// A side that has sent so many bytes in which TLS does not begin.
    pub(crate) fn behind(searched: u32) -> Self {
        Self {
            stage: Stage::Resync(Resync::again(searched)),
            ..Self::default()
        }
    }

    /// Bytes of memory that the message in progress takes.
    pub(crate) fn memory(&self) -> usize {
        match &self.stage {
            Stage::Ssl2 { message, .. } => message.capacity(),
            Stage::Records(records) => records.handshake.memory(),
            Stage::Resync(_) | Stage::Over(_) => 0,
        }
    }

    pub(crate) fn feed(
        &mut self,
        side: FlowSide,
        bytes: &[u8],
        exchange: &mut Exchange,
        context: &mut Context<'_>,
    ) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match &mut self.stage {
                Stage::Over(_) => return self.ignore(rest.len()),
                Stage::Records(_) => self.read(side, rest, exchange, context),
                Stage::Ssl2 { .. } => self.read_ssl2(side, rest, exchange, context),
                Stage::Resync(_) => self.search(side, rest, exchange, context),
            }
        }
    }

    /// Searches for TLS, and returns what is behind the bytes that were held
    /// back.
    fn search<'a>(
        &mut self,
        side: FlowSide,
        bytes: &'a [u8],
        exchange: &mut Exchange,
        context: &mut Context<'_>,
    ) -> &'a [u8] {
        let Stage::Resync(resync) = &mut self.stage else {
            return bytes;
        };
        let found = resync.feed(bytes, exchange.preceding(), context.config.max_prelude);
        let searched = resync.searched();
        let (stage, held, rest) = match found {
            ResyncResult::More => return &[],
            ResyncResult::Nothing => {
                self.stage = Stage::Over(End::Unreadable);
                return &[];
            }
            ResyncResult::Records(held, rest) => {
                let records = Records {
                    searched,
                    ..Records::default()
                };
                (Stage::Records(records), held, rest)
            }
            ResyncResult::Ssl2(len, held, rest) => {
                let ssl2 = Stage::Ssl2 {
                    message: Vec::new(),
                    left: len + SSL2_LENGTH,
                    searched,
                };
                (ssl2, held, rest)
            }
        };
        self.stage = stage;
        if self.progress < Progress::Records {
            self.before = searched.unwrap_or(0);
            self.progress = Progress::Records;
        }
        self.feed(side, held.bytes(), exchange, context);
        rest
    }

    /// `count` bytes are missing.
    pub(crate) fn gap(
        &mut self,
        side: FlowSide,
        count: u64,
        exchange: &mut Exchange,
        context: &Context<'_>,
    ) {
        exchange.has_gap = true;
        match &mut self.stage {
            Stage::Over(_) => {}
            Stage::Resync(resync) => resync.gap(),
            Stage::Ssl2 { .. } => self.stage = Stage::Resync(Resync::behind_gap()),
            Stage::Records(reader) => match reader.records.skip(count) {
                Skipped::Lost => self.stage = Stage::Resync(Resync::behind_gap()),
                Skipped::Inside { kind: HANDSHAKE } => reader.handshake.skip(count),
                Skipped::Inside { kind: ALERT } => reader.alert_level = None,
                // The content of this record says nothing more than that it
                // came.
                Skipped::Inside {
                    kind: CHANGE_CIPHER_SPEC,
                } => self.change_cipher_spec(side, exchange, context),
                Skipped::Inside { .. } => {}
            },
        }
    }

    /// A version before TLS 1.3 was agreed on, in which a ChangeCipherSpec means
    /// that what follows is encrypted.
    pub(crate) fn apply_change_cipher_spec(
        &mut self,
        exchange: &mut Exchange,
        context: &Context<'_>,
    ) {
        if self.progress.may_be_encrypted() && !self.is_over() {
            self.encrypt(exchange, context);
        }
    }

    pub(crate) fn close(&mut self) {
        if !self.is_over() {
            self.stage = Stage::Over(End::Closed);
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Over(_))
    }

    /// Whether so much went by since it was over that the other side is not
    /// waited for any more.
    pub(crate) fn is_given_up(&self) -> bool {
        let has_ended = matches!(self.stage, Stage::Over(End::Encrypted | End::Unreadable));
        self.ignored > MAX_IGNORED && has_ended
    }

    /// Whether it is not TLS, as far as it was searched.
    pub(crate) fn is_unreadable(&self) -> bool {
        matches!(self.stage, Stage::Over(End::Unreadable))
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.progress >= Progress::Records
    }

    /// How many of its first bytes are none of TLS, as far as it is known.
    pub(crate) fn before(&self) -> u32 {
        match &self.stage {
            _ if self.is_found() => self.before,
            Stage::Resync(resync) => resync.searched().unwrap_or(0),
            Stage::Ssl2 { .. } | Stage::Records(_) => self.before,
            Stage::Over(_) => u32::MAX,
        }
    }

    /// Whether one of its messages was read.
    pub(crate) fn is_found(&self) -> bool {
        self.progress >= Progress::Message
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        matches!(self.stage, Stage::Over(End::Encrypted))
    }

    fn message_was_read(&mut self) {
        self.progress = self.progress.max(Progress::Message);
    }

    fn ignore(&mut self, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.ignored = self.ignored.saturating_add(count);
    }

    fn encrypt(&mut self, exchange: &mut Exchange, context: &Context<'_>) {
        self.stage = Stage::Over(End::Encrypted);
        self.message_was_read();
        exchange.encrypted(context.at);
    }

    /// What was read last is not what it should be. Where the stream began with
    /// something else, that is no error: the search goes on.
    fn fail(
        &mut self,
        error: TlsError,
        side: FlowSide,
        exchange: &mut Exchange,
        context: &mut Context<'_>,
    ) {
        let Some(searched) = self.stage.searched() else {
            self.stage = Stage::Over(End::Unreadable);
            return exchange.fail(error, side, context);
        };
        self.stage = Stage::Resync(Resync::again(searched));
        if !self.is_found() {
            self.progress = Progress::Nothing;
        }
    }

    /// Reads records, and returns what is left of `bytes` when they are over.
    fn read<'a>(
        &mut self,
        side: FlowSide,
        mut bytes: &'a [u8],
        exchange: &mut Exchange,
        context: &mut Context<'_>,
    ) -> &'a [u8] {
        while let Stage::Records(reader) = &mut self.stage {
            let all = bytes;
            let next = reader.records.next(&mut bytes);
            reader.count(all.len() - bytes.len());
            let fragment = match next {
                Ok(Some(fragment)) => fragment,
                Ok(None) => return bytes,
                Err(error) => {
                    self.fail(error, side, exchange, context);
                    return bytes;
                }
            };
            match fragment.kind {
                HANDSHAKE => {
                    let unread = self.read_handshake(side, fragment, exchange, context).len();
                    // What looked like a handshake was none. What was not read
                    // of it is searched.
                    if let Stage::Resync(resync) = &mut self.stage {
                        resync.rewind(unread);
                        return all.get(all.len() - bytes.len() - unread..).unwrap_or(bytes);
                    }
                }
                ALERT => self.read_alerts(side, fragment, exchange, context),
                CHANGE_CIPHER_SPEC => self.change_cipher_spec(side, exchange, context),
                APPLICATION_DATA => self.application_data(side, fragment, exchange, context),
                // Heartbeats, which belong behind the handshake.
                _ => {}
            }
        }
        bytes
    }

    /// Reads handshake messages, and returns what is left of the fragment when
    /// they are over.
    fn read_handshake<'a>(
        &mut self,
        side: FlowSide,
        fragment: Fragment<'a>,
        exchange: &mut Exchange,
        context: &mut Context<'_>,
    ) -> &'a [u8] {
        let content = if self.progress.may_be_encrypted() && !exchange.awaits_hello(side) {
            Content::MaybeEncrypted { len: fragment.len }
        } else {
            Content::Plain
        };
        let mut bytes = fragment.bytes;
        if let Stage::Records(reader) = &mut self.stage
            && fragment.is_first
        {
            reader.handshake.record_begins();
        }
        while let Stage::Records(reader) = &mut self.stage {
            let limit = context.config.max_message;
            let was_searched = reader.searched.is_some();
            match reader.handshake.next(&mut bytes, content, limit) {
                Ok(None) => break,
                Ok(Some(Step::Other { kind })) => {
                    self.message_was_read();
                    exchange.other(kind, side);
                }
                Ok(Some(Step::Whole { kind, body })) => {
                    let read = match was_searched && !is_exact(kind, body) {
                        true => Err(TlsError::Handshake { kind }),
                        false => exchange.message(kind, body, side, context),
                    };
                    if read.is_ok() {
                        self.message_was_read();
                    }
                    match read {
                        Ok(Next::Plain) => {}
                        Ok(Next::Encrypted) => self.encrypt(exchange, context),
                        Err(error) if was_searched => self.fail(error, side, exchange, context),
                        // The next message may be as it should be.
                        Err(error) => exchange.fail(error, side, context),
                    }
                }
                Ok(Some(Step::Unknown { .. })) if self.progress.may_be_encrypted() => {
                    self.encrypt(exchange, context);
                }
                // What is missing may have been a ChangeCipherSpec, so that this
                // may be encrypted and is no error.
                Ok(Some(Step::Unknown { .. })) if exchange.has_gap => {
                    self.stage = Stage::Over(End::Unreadable);
                }
                Ok(Some(Step::Unknown { kind })) => {
                    self.fail(TlsError::Handshake { kind }, side, exchange, context);
                }
                Err(error) => self.fail(error, side, exchange, context),
            }
        }
        bytes
    }

    fn read_alerts(
        &mut self,
        side: FlowSide,
        fragment: Fragment<'_>,
        exchange: &mut Exchange,
        context: &mut Context<'_>,
    ) {
        let Stage::Records(reader) = &mut self.stage else {
            return;
        };
        if fragment.is_first {
            reader.alert_level = None;
        }
        if self.progress.may_be_encrypted()
            || fragment.len > MAX_PLAIN_ALERTS
            || !fragment.len.is_multiple_of(2)
        {
            return;
        }
        for byte in fragment.bytes {
            match reader.alert_level.take() {
                None => reader.alert_level = Some(*byte),
                Some(level) => {
                    if let Some(alert) = Alert::new(side, level, *byte) {
                        self.progress = self.progress.max(Progress::Message);
                        exchange.alert(alert, context);
                    }
                }
            }
        }
    }

    fn change_cipher_spec(
        &mut self,
        side: FlowSide,
        exchange: &mut Exchange,
        context: &Context<'_>,
    ) {
        match exchange.change_cipher_spec(side) {
            Change::Nothing => {}
            Change::Unknown => self.progress = Progress::ChangeCipherSpec,
            Change::Encrypted => self.encrypt(exchange, context),
        }
    }

    fn application_data(
        &mut self,
        side: FlowSide,
        fragment: Fragment<'_>,
        exchange: &mut Exchange,
        context: &Context<'_>,
    ) {
        if !fragment.is_first {
            return;
        }
        self.ignore(fragment.len.into());
        let is_early = exchange.may_be_early_data(side) || exchange.awaits_hello(side);
        if !is_early || self.ignored > MAX_IGNORED {
            self.encrypt(exchange, context);
        }
    }

    fn read_ssl2<'a>(
        &mut self,
        side: FlowSide,
        bytes: &'a [u8],
        exchange: &mut Exchange,
        context: &mut Context<'_>,
    ) -> &'a [u8] {
        let Stage::Ssl2 { message, left, .. } = &mut self.stage else {
            return bytes;
        };
        let there = usize::from(*left).min(bytes.len());
        let (part, rest) = bytes.split_at_checked(there).unwrap_or_default();
        message.extend_from_slice(part);
        *left -= u16::try_from(there).unwrap_or(*left);
        if *left > 0 {
            return rest;
        }
        let body = message.get(usize::from(SSL2_LENGTH)..).unwrap_or_default();
        match ssl2::parse(body, side) {
            Err(error) => self.fail(error, side, exchange, context),
            Ok(hello) => {
                let searched = self.stage.searched();
                self.stage = match hello.version() {
                    // SSL 2.0 goes on in a format of its own, not in records.
                    TlsVersion::SSL_2_0 => Stage::Over(End::Unreadable),
                    _ => Stage::Records(Records {
                        searched,
                        ..Records::default()
                    }),
                };
                self.message_was_read();
                exchange.client_hello(hello, context);
            }
        }
        rest
    }
}

impl Records {
    /// Counts bytes that were read where the stream did not begin with records.
    fn count(&mut self, more: usize) {
        if let Some(searched) = &mut self.searched {
            let more = u32::try_from(more).unwrap_or(u32::MAX);
            *searched = searched.saturating_add(more);
        }
    }
}

/// The two bytes of length in front of a ClientHello of SSL 2.0.
const SSL2_LENGTH: u16 = 2;

/// Longer alerts are encrypted: a single one has two bytes.
const MAX_PLAIN_ALERTS: u16 = 8;

/// How many bytes of one side may go by unread before the other side's answer is
/// no longer waited for.
const MAX_IGNORED: u32 = 64 << 10;
