//! What a parser reads does not depend on how its streams came in segments: not
//! where one side has closed, where bytes are missing, behind what is no message,
//! nor where messages are almost too long.

use flowscope_core::EngineConfig;
use flowscope_core::extract::{FiveTuple, FiveTupleKey};
use flowscope_core::reassemble::Chunk;
use flowscope_core::session::{ByteBuffer, Input, Interest, ParseError, SessionParser, StreamEnd};
use flowscope_core::wire::TcpFlags;
use flowscope_core::{
    BySide, FlowSessionDriver, FlowSide, LinkType, PacketView, SessionEvent, Sink, Timestamp,
};
use proptest::prelude::*;

/// Reads lines, and leaves off at one that is too long.
#[derive(Clone)]
struct Lines {
    buffers: BySide<ByteBuffer>,
    /// When the latest line came: it is told of again a second later.
    latest: Option<Timestamp>,
}

impl Lines {
    fn new(limit: usize) -> Self {
        Self {
            buffers: BySide::from_fn(|_| ByteBuffer::new(limit)),
            latest: None,
        }
    }
}

impl SessionParser for Lines {
    type Message = String;
    type Error = ParseError;

    fn feed(
        &mut self,
        input: Input<'_>,
        out: &mut dyn Sink<String>,
    ) -> Result<Interest, ParseError> {
        let buffer = &mut self.buffers[input.side];
        match input.chunk {
            Chunk::Data(bytes) => buffer.extend(bytes)?,
            Chunk::Gap(len) => {
                out.push(format!("{len} missing"));
                buffer.skip_past(b'\n');
            }
        }
        while let Some(line) = buffer.take_until(b'\n') {
            self.latest = Some(input.at);
            out.push(String::from_utf8_lossy(line).into_owned());
        }
        match buffer.limit() {
            limit if buffer.unread().len() > limit => Err(ParseError::Malformed),
            _ => Ok(Interest::More),
        }
    }

    fn close(&mut self, end: StreamEnd, out: &mut dyn Sink<String>) {
        let unread = String::from_utf8_lossy(self.buffers[end.side].unread()).into_owned();
        let (delivered, missing) = (end.stats.delivered, end.stats.missing);
        out.push(format!(
            "{:?} behind {unread:?}, {delivered} and {missing}",
            end.how
        ));
    }

    fn next_tick(&self) -> Option<Timestamp> {
        Some(self.latest? + core::time::Duration::from_secs(1))
    }

    fn tick(&mut self, _: Timestamp, out: &mut dyn Sink<String>) {
        self.latest = None;
        out.push("tick".into());
    }
}

/// What one side says before the other speaks.
#[derive(Clone, Debug)]
struct Turn {
    side: FlowSide,
    bytes: Vec<u8>,
    /// So much of it was not captured, from somewhere on.
    missing: Option<(usize, usize)>,
    /// Whether it is the last that it says.
    fin: bool,
    /// Seconds before it.
    pause: u64,
}

/// How a turn is cut.
#[derive(Clone, Debug)]
struct Cuts {
    at: Vec<usize>,
    /// Whether its FIN comes in a segment of its own.
    has_own_fin: bool,
}

fn turn() -> impl Strategy<Value = Turn> {
    let byte = prop_oneof![
        3 => prop::sample::select(b"abc".to_vec()),
        1 => Just(b'\n'),
        1 => any::<u8>(),
    ];
    let missing = prop_oneof![3 => Just(None), 1 => (0..60usize, 1..20usize).prop_map(Some)];
    (
        any::<bool>(),
        prop::collection::vec(byte, 1..60),
        missing,
        prop::bool::weighted(0.2),
        0..12u64,
    )
        .prop_map(|(is_client, bytes, missing, fin, pause)| Turn {
            side: match is_client {
                true => FlowSide::Initiator,
                false => FlowSide::Responder,
            },
            bytes,
            missing,
            fin,
            pause,
        })
}

fn cuts() -> impl Strategy<Value = Cuts> {
    (prop::collection::vec(0..60usize, 0..8), any::<bool>())
        .prop_map(|(at, has_own_fin)| Cuts { at, has_own_fin })
}

/// What is told of the turns, each cut as said.
fn told(turns: &[Turn], cuts: &[Cuts], limit: usize) -> Vec<String> {
    let mut driver = FlowSessionDriver::new(FiveTuple::bidirectional(), Lines::new(limit));
    driver = driver.with_config(EngineConfig::default());
    let mut told = Vec::new();
    let mut tell = |event: SessionEvent<FiveTupleKey, String>| match event {
        SessionEvent::Application {
            side, at, message, ..
        } => {
            told.push(format!("{at} {side:?} {message}"));
        }
        SessionEvent::ParserFailed {
            side, at, error, ..
        } => {
            told.push(format!("{at} {side:?} {error:?}"));
        }
        SessionEvent::Closed { at, reason, .. } => told.push(format!("{at} {reason}")),
        _ => {}
    };
    let mut seconds = 1_000;
    let mut next = BySide::from_fn(|side| match side {
        FlowSide::Initiator => 1_000u32,
        FlowSide::Responder => u32::MAX - 20,
    });
    let mut is_over = BySide::from_fn(|_| false);
    let mut send = |seconds: u64, packet: Vec<u8>| {
        let view = PacketView::new(&packet, Timestamp::new(seconds, 0));
        driver.track(view.with_link(LinkType::RAW), &mut tell);
    };
    let [client, server] = FlowSide::BOTH;
    let acks = TcpFlags::ACK.0;
    send(
        seconds,
        segment(client, next[client], 0, TcpFlags::SYN.0, b""),
    );
    next[client] += 1;
    send(
        seconds,
        segment(
            server,
            next[server],
            next[client],
            TcpFlags::SYN.0 | acks,
            b"",
        ),
    );
    next[server] += 1;
    send(
        seconds,
        segment(client, next[client], next[server], acks, b""),
    );
    for (turn, cuts) in turns.iter().zip(cuts) {
        let side = turn.side;
        if is_over[side] {
            continue;
        }
        seconds += turn.pause;
        let len = turn.bytes.len();
        let (from, to) = match turn.missing {
            Some((from, count)) => (from.min(len), (from + count).min(len)),
            None => (len, len),
        };
        let mut ends: Vec<usize> = cuts.at.iter().copied().filter(|at| *at < len).collect();
        ends.extend([from, to, len]);
        ends.sort_unstable();
        let ack = next[side.peer()];
        let mut start = 0;
        for end in ends {
            let is_missing = start >= from && end <= to;
            let fin = turn.fin && !cuts.has_own_fin && end == len;
            if start < end && !is_missing {
                let flags = if fin { acks | TcpFlags::FIN.0 } else { acks };
                let seq = next[side].wrapping_add(start as u32);
                send(
                    seconds,
                    segment(side, seq, ack, flags, &turn.bytes[start..end]),
                );
            }
            start = end;
        }
        next[side] = next[side].wrapping_add(len as u32);
        if turn.fin {
            // Where the end of the last data is missing, so is a FIN with it.
            send(
                seconds,
                segment(side, next[side], ack, acks | TcpFlags::FIN.0, b""),
            );
            next[side] = next[side].wrapping_add(1);
            is_over[side] = true;
        }
        // The other side has it all.
        let (peer, seq) = (side.peer(), next[side.peer()]);
        send(seconds, segment(peer, seq, next[side], acks, b""));
    }
    driver.finish(&mut tell);
    told
}

/// A segment over IPv4, without a link layer.
fn segment(side: FlowSide, seq: u32, ack: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let (addrs, ports): ([u8; 8], [u8; 4]) = match side {
        FlowSide::Initiator => ([10, 0, 0, 1, 10, 0, 0, 2], [0x9c, 0x40, 0, 80]),
        FlowSide::Responder => ([10, 0, 0, 2, 10, 0, 0, 1], [0, 80, 0x9c, 0x40]),
    };
    let len = (40 + payload.len()) as u16;
    let mut packet = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 6, 0, 0];
    packet[2..4].copy_from_slice(&len.to_be_bytes());
    packet.extend(addrs);
    packet.extend(ports);
    packet.extend(seq.to_be_bytes());
    packet.extend(ack.to_be_bytes());
    packet.extend([0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    packet.extend(payload);
    packet
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_split_gives_the_same_messages(
        turns in prop::collection::vec(turn(), 1..8),
        cuts in prop::collection::vec(cuts(), 8),
        limit in 4..80usize,
    ) {
        let whole = vec![Cuts { at: Vec::new(), has_own_fin: true }; turns.len()];
        let expected = told(&turns, &whole, limit);
        prop_assert!(!expected.is_empty());
        prop_assert_eq!(told(&turns, &cuts, limit), expected);
    }
}
