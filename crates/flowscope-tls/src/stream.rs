//! One side of a connection.

use flowscope_core::FlowSide;

use crate::exchange::{Change, Context, Exchange, Next};
use crate::handshake::{HandshakeReader, Step, Trust};
use crate::hello::ssl2;
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
        match &mut self.stage {
            Stage::Over => self.ignore(bytes.len()),
            Stage::Records(_) => self.read(side, bytes, exchange, context),
            Stage::Ssl2 { .. } => self.read_ssl2(side, bytes, exchange, context),
            Stage::Seek(seek) => {
                match seek.feed(bytes, exchange.around(), context.config.max_prelude) {
                    Sought::More => {}
                    Sought::Nothing => self.stage = Stage::Over,
                    Sought::Records(held, rest) => {
                        self.begin(Stage::Records(Records::default()));
                        self.feed(side, held.bytes(), exchange, context);
                        self.feed(side, rest, exchange, context);
                    }
                    Sought::Ssl2(len, held, rest) => {
                        self.begin(Stage::Ssl2 {
                            message: Vec::new(),
                            left: len + SSL2_LENGTH,
                        });
                        self.feed(side, held.bytes(), exchange, context);
                        self.feed(side, rest, exchange, context);
                    }
                }
            }
        }
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
        self.is_encrypted = true;
        exchange.encrypted(context.at);
    }

    fn fail(&mut self, error: TlsError, exchange: &mut Exchange) {
        self.stage = Stage::Over;
        exchange.error.get_or_insert(error);
    }

    fn read(
        &mut self,
        side: FlowSide,
        mut bytes: &[u8],
        exchange: &mut Exchange,
        context: &mut Context<'_>,
    ) {
        while let Stage::Records(reader) = &mut self.stage {
            let fragment = match reader.records.next(&mut bytes) {
                Ok(Some(fragment)) => fragment,
                Ok(None) => return,
                Err(error) => return self.fail(error, exchange),
            };
            match fragment.kind {
                HANDSHAKE => self.read_handshake(side, fragment, exchange, context),
                ALERT => self.read_alerts(side, fragment, exchange, context),
                CHANGE_CIPHER_SPEC => self.change_cipher_spec(side, exchange, context),
                APPLICATION_DATA => self.application_data(side, fragment, exchange, context),
                // Heartbeats, which belong behind the handshake.
                _ => {}
            }
        }
        self.ignore(bytes.len());
    }

    fn read_handshake(
        &mut self,
        side: FlowSide,
        fragment: Fragment<'_>,
        exchange: &mut Exchange,
        context: &mut Context<'_>,
    ) {
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
                Ok(None) => return,
                Ok(Some(Step::Other { kind })) => exchange.other(kind),
                Ok(Some(Step::Whole { kind, body })) => {
                    if exchange.message(kind, body, side, context) == Next::Encrypted {
                        self.encrypt(exchange, context);
                    }
                }
                Ok(Some(Step::Odd { .. })) if self.may_be_encrypted => {
                    self.encrypt(exchange, context);
                }
                // What is missing may have been a ChangeCipherSpec.
                Ok(Some(Step::Odd { .. })) if exchange.has_hole => self.stage = Stage::Over,
                Ok(Some(Step::Odd { kind })) => self.fail(TlsError::Handshake { kind }, exchange),
                Err(error) => self.fail(error, exchange),
            }
        }
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

    fn read_ssl2(
        &mut self,
        side: FlowSide,
        bytes: &[u8],
        exchange: &mut Exchange,
        context: &mut Context<'_>,
    ) {
        let Stage::Ssl2 { message, left } = &mut self.stage else {
            return;
        };
        let there = usize::from(*left).min(bytes.len());
        let (taken, rest) = bytes.split_at_checked(there).unwrap_or_default();
        message.extend_from_slice(taken);
        *left -= u16::try_from(there).unwrap_or(*left);
        if *left > 0 {
            return;
        }
        let body = message.get(usize::from(SSL2_LENGTH)..).unwrap_or_default();
        match ssl2::parse(body, side) {
            Err(error) => self.fail(error, exchange),
            Ok(hello) => {
                // SSL 2.0 itself goes on with frames of its own.
                self.stage = match hello.version() {
                    TlsVersion::SSL_2_0 => Stage::Over,
                    _ => Stage::Records(Records::default()),
                };
                exchange.client_hello(hello, context);
                self.feed(side, rest, exchange, context);
            }
        }
    }
}

/// The two bytes of length in front of a ClientHello of SSL 2.0.
const SSL2_LENGTH: u16 = 2;

/// Longer alerts are encrypted: a single one has two bytes.
const MAX_PLAIN_ALERTS: u16 = 8;

/// How many bytes of no use go by on one side before the other's answer is no
/// longer waited for.
const PATIENCE: u32 = 64 << 10;
