//! One side of a connection.

use flowscope_core::FlowSide;

use crate::exchange::{Change, Context, Exchange, Next};
use crate::handshake::{HandshakeReader, Step, Trust};
use crate::hello::{is_exact, ssl2};
use crate::record::{
    ALERT, APPLICATION_DATA, CHANGE_CIPHER_SPEC, Fragment, HANDSHAKE, RecordReader, Skipped,
};
use crate::seek::{Seek, Sought};
use crate::{Alert, TlsError, TlsVersion};

/// What one side sends, and how far it is understood.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    stage: Stage,
    /// Whether it said that it goes on encrypted when it was not known yet
    /// whether that means anything.
    may_be_encrypted: bool,
    is_encrypted: bool,
    has_begun: bool,
    is_closed: bool,
    /// How many bytes of no use have gone by.
    ignored: u32,
    /// Where records were found that the stream did not begin with: behind how
    /// many bytes, and those of the records are counted too.
    amid: Option<u32>,
    /// One of its messages was as it should be.
    is_found: bool,
}

#[derive(Clone, Debug)]
enum Stage {
    /// TLS has not begun, or was lost sight of.
    Seek(Seek),
    /// A ClientHello of SSL 2.0 is being read.
    Ssl2 {
        message: Vec<u8>,
        left: u16,
    },
    Records(Records),
    /// Nothing more can be read.
    Over,
}

#[derive(Clone, Debug, Default)]
struct Records {
    records: RecordReader,
    handshake: HandshakeReader,
    /// The first byte of an alert whose second has not come yet.
    alert_level: Option<u8>,
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            stage: Stage::Seek(Seek::at_start()),
            may_be_encrypted: false,
            is_encrypted: false,
            has_begun: false,
            is_closed: false,
            ignored: 0,
            amid: None,
            is_found: false,
        }
    }
}

impl Stream {
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
                Stage::Over => return self.ignore(rest.len()),
                Stage::Records(_) => self.read(side, rest, exchange, context),
                Stage::Ssl2 { .. } => self.read_ssl2(side, rest, exchange, context),
                Stage::Seek(_) => self.seek(side, rest, exchange, context),
            }
        }
    }

    /// Looks for TLS, and gives what is behind the bytes that were held back.
    fn seek<'a>(
        &mut self,
        side: FlowSide,
        bytes: &'a [u8],
        exchange: &mut Exchange,
        context: &mut Context<'_>,
    ) -> &'a [u8] {
        let Stage::Seek(seek) = &mut self.stage else {
            return bytes;
        };
        let sought = seek.feed(bytes, exchange.around(), context.config.max_prelude);
        self.amid = seek.amid();
        let (held, rest) = match sought {
            Sought::More => return &[],
            Sought::Nothing => {
                self.stage = Stage::Over;
                return &[];
            }
            Sought::Records(held, rest) => {
                self.begin(Stage::Records(Records::default()));
                (held, rest)
            }
            Sought::Ssl2(len, held, rest) => {
                self.begin(Stage::Ssl2 {
                    message: Vec::new(),
                    left: len + SSL2_LENGTH,
                });
                (held, rest)
            }
        };
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
        exchange.has_hole = true;
        match &mut self.stage {
            Stage::Over => {}
            Stage::Seek(seek) => seek.gap(),
            Stage::Ssl2 { .. } => self.stage = Stage::Seek(Seek::behind_hole()),
            Stage::Records(reader) => match reader.records.skip(count) {
                Skipped::Lost => self.stage = Stage::Seek(Seek::behind_hole()),
                Skipped::Inside { kind: HANDSHAKE } => reader.handshake.skip(count),
                Skipped::Inside { kind: ALERT } => reader.alert_level = None,
                // It says nothing but that it is there.
                Skipped::Inside {
                    kind: CHANGE_CIPHER_SPEC,
                } => self.change_cipher_spec(side, exchange, context),
                Skipped::Inside { .. } => {}
            },
        }
    }

    /// A version was agreed on in which a ChangeCipherSpec means something.
    pub(crate) fn settle(&mut self, exchange: &mut Exchange, context: &Context<'_>) {
        if self.may_be_encrypted && !self.is_over() {
            self.encrypt(exchange, context);
        }
    }

    pub(crate) fn close(&mut self) {
        self.is_closed = true;
    }

    pub(crate) fn is_over(&self) -> bool {
        self.is_closed || matches!(self.stage, Stage::Over)
    }

    /// Whether so much has gone by since it was over that nothing is worth
    /// waiting for.
    pub(crate) fn is_long_over(&self) -> bool {
        self.ignored > PATIENCE && matches!(self.stage, Stage::Over)
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Whether one of its messages was read.
    pub(crate) fn is_found(&self) -> bool {
        self.is_found
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.is_encrypted
    }

    fn begin(&mut self, stage: Stage) {
        self.stage = stage;
        self.has_begun = true;
    }

    fn ignore(&mut self, count: usize) {
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.ignored = self.ignored.saturating_add(count);
    }

    fn encrypt(&mut self, exchange: &mut Exchange, context: &Context<'_>) {
        self.stage = Stage::Over;
        (self.is_encrypted, self.is_found) = (true, true);
        exchange.encrypted(context.at);
    }

    /// What was read last is not what it should be. Where the stream began with
    /// something else, that goes on.
    fn fail(
        &mut self,
        error: TlsError,
        side: FlowSide,
        exchange: &mut Exchange,
        context: &mut Context<'_>,
    ) {
        let Some(passed) = self.amid else {
            self.stage = Stage::Over;
            return exchange.fail(error, side, context);
        };
        self.stage = Stage::Seek(Seek::again(passed));
        self.has_begun = self.is_found;
    }

    /// Reads records, and gives what is left of `bytes` when they are over.
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
            self.pass(all.len() - bytes.len());
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
                    let unread = self.read_handshake(side, fragment, exchange, context);
                    if let (Stage::Seek(_), Some(passed)) = (&self.stage, self.amid) {
                        let unread = unread.len();
                        let passed = passed.saturating_sub(u32::try_from(unread).unwrap_or(0));
                        self.stage = Stage::Seek(Seek::again(passed));
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

    /// Counts what was read in the middle of something.
    fn pass(&mut self, count: usize) {
        if let Some(passed) = &mut self.amid {
            let count = u32::try_from(count).unwrap_or(u32::MAX);
            *passed = passed.saturating_add(count);
        }
    }

    /// Reads messages, and gives what is left of the fragment when they are
    /// over.
    fn read_handshake<'a>(
        &mut self,
        side: FlowSide,
        fragment: Fragment<'a>,
        exchange: &mut Exchange,
        context: &mut Context<'_>,
    ) -> &'a [u8] {
        let trust = if self.may_be_encrypted && !exchange.awaits_hello(side) {
            Trust::HelloOf(fragment.len)
        } else {
            Trust::Plain
        };
        let mut bytes = fragment.bytes;
        if let Stage::Records(reader) = &mut self.stage
            && fragment.is_first
        {
            reader.handshake.record_begins();
        }
        while let Stage::Records(reader) = &mut self.stage {
            let limit = context.config.max_message;
            match reader.handshake.next(&mut bytes, trust, limit) {
                Ok(None) => break,
                Ok(Some(Step::Other { kind })) => {
                    self.is_found = true;
                    exchange.other(kind);
                }
                Ok(Some(Step::Whole { kind, body })) => {
                    let read = match self.amid.is_some() && !is_exact(kind, body) {
                        true => Err(TlsError::Handshake { kind }),
                        false => exchange.message(kind, body, side, context),
                    };
                    self.is_found |= read.is_ok();
                    match read {
                        Ok(Next::Plain) => {}
                        Ok(Next::Encrypted) => self.encrypt(exchange, context),
                        // The next message may be as it should be.
                        Err(error) if self.amid.is_none() => exchange.fail(error, side, context),
                        Err(error) => self.fail(error, side, exchange, context),
                    }
                }
                Ok(Some(Step::Odd { .. })) if self.may_be_encrypted => {
                    self.encrypt(exchange, context);
                }
                // What is missing may have been a ChangeCipherSpec.
                Ok(Some(Step::Odd { .. })) if exchange.has_hole => self.stage = Stage::Over,
                Ok(Some(Step::Odd { kind })) => {
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
        if self.may_be_encrypted
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
                        self.is_found = true;
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
            Change::Unknown => self.may_be_encrypted = true,
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
        if !is_early || self.ignored > PATIENCE {
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
        let Stage::Ssl2 { message, left } = &mut self.stage else {
            return bytes;
        };
        let there = usize::from(*left).min(bytes.len());
        let (taken, rest) = bytes.split_at_checked(there).unwrap_or_default();
        message.extend_from_slice(taken);
        *left -= u16::try_from(there).unwrap_or(*left);
        if *left > 0 {
            return rest;
        }
        let body = message.get(usize::from(SSL2_LENGTH)..).unwrap_or_default();
        match ssl2::parse(body, side) {
            Err(error) => self.fail(error, side, exchange, context),
            Ok(hello) => {
                // SSL 2.0 itself goes on with frames of its own.
                self.stage = match hello.version() {
                    TlsVersion::SSL_2_0 => Stage::Over,
                    _ => Stage::Records(Records::default()),
                };
                self.is_found = true;
                exchange.client_hello(hello, context);
            }
        }
        rest
    }
}

/// The two bytes of length in front of a ClientHello of SSL 2.0.
const SSL2_LENGTH: u16 = 2;

/// Longer alerts are encrypted: a single one has two bytes.
const MAX_PLAIN_ALERTS: u16 = 8;

/// How many bytes of no use go by on one side before the other's answer is no
/// longer waited for.
const PATIENCE: u32 = 64 << 10;
