//! Many flows of every kind, one after the other, in one process.
//!
//! Conversations are made once and sent over and over from other addresses, a
//! thousand of them at a time, with losses, delays and copies. After every so many
//! flows it is counted what the heap holds.

use core::fmt;
use core::time::Duration;
use std::fs;
use std::io;
use std::time::Instant;

use flowscope::{EngineConfig, LinkType, PacketView, Timestamp};
use flowscope_fixtures::{
    Close, Conversation, Datagrams, Disturbance, Frame, Resend, Side, Tcp, address,
};
use flowscope_record::json::JsonWriter;
use flowscope_record::{Record, RecordConfig, RecordTracker};

use crate::held::Held;

/// How many conversations go on at the same time.
const AT_A_TIME: usize = 1000;
/// How many flows are tracked between two samples.
const BETWEEN_SAMPLES: u64 = if cfg!(test) { 60_000 } else { 100_000 };

/// How much room there is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Setting {
    /// For all flows: every one has to be told of once.
    Roomy,
    /// For fewer flows than there are, and for little of what they hold: flows give
    /// way to others, and every packet has to be told of.
    Crowded,
}

impl Setting {
    fn config(self) -> RecordConfig {
        let mut engine = EngineConfig::default();
        // So that what is left open soon is as many as it ever will be.
        engine.idle.tcp = Duration::from_secs(30);
        engine.idle.handshake = Duration::from_secs(10);
        if self == Self::Crowded {
            engine.max_flows = AT_A_TIME / 2;
            engine.max_memory = 64 << 10;
        }
        RecordConfig {
            engine,
            ..RecordConfig::default()
        }
    }
}

/// What was counted so far.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Conversations that have begun.
    pub begun: u64,
    /// Packets sent, and those that records and statistics tell of.
    pub packets: [u64; 2],
    /// Records of flows.
    pub flows: u64,
    /// Records of all kinds.
    pub records: u64,
    /// Hours of packet time.
    pub hours: f64,
    /// Bytes on the heap.
    pub heap: i64,
    /// Bytes of memory that the process has, where that can be asked.
    pub resident: u64,
}

impl Sample {
    /// The names of its columns.
    pub const HEADER: &str =
        "       flows      packets      records   hours   heap MB   resident MB";
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>12} {:>12} {:>12} {:>7.1} {:>9.2} {:>13.1}",
            self.begun,
            self.packets[0],
            self.records,
            self.hours,
            self.heap as f64 / 1e6,
            self.resident as f64 / 1e6
        )
    }
}

/// Runs for some time, and tells of each sample. The last is from behind the end
/// of the input.
pub fn run(setting: Setting, time: Duration, on_sample: &mut dyn FnMut(&Sample)) -> Vec<Sample> {
    let begin = Instant::now();
    let mut held = Held::default();
    let mut traffic = Traffic::new();
    let mut counts = Counts::default();
    let mut writer = JsonWriter::new(io::sink());
    let mut tracker = held.during(|| RecordTracker::new(setting.config()));
    let mut samples = Vec::new();
    while begin.elapsed() < time || samples.len() < 3 {
        let until = traffic.begun + BETWEEN_SAMPLES;
        while traffic.begun < until {
            let (frame, at) = traffic.next();
            let packet = PacketView::new(&frame.bytes, at)
                .with_link(LinkType(frame.link))
                .with_wire_len(frame.wire_len);
            held.during(|| {
                tracker.track(packet, &mut |record: Record| {
                    counts.add(&record);
                    writer.write(&record).expect("nothing is written anywhere");
                });
            });
        }
        samples.push(traffic.sample(&counts, &tracker, &held));
        on_sample(&samples[samples.len() - 1]);
    }
    held.during(|| {
        tracker.finish(&mut |record: Record| counts.add(&record));
    });
    samples.push(traffic.sample(&counts, &tracker, &held));
    on_sample(&samples[samples.len() - 1]);
    let last = &samples[samples.len() - 1];
    assert_eq!(last.packets[0], last.packets[1], "every packet is told of");
    if setting == Setting::Roomy {
        assert_eq!(last.flows, last.begun, "every flow is told of once");
    }
    samples
}

/// Whether memory stayed as it was.
///
/// # Errors
///
/// Says what grew.
pub fn check(samples: &[Sample]) -> Result<(), String> {
    let Some((_, live)) = samples.split_last() else {
        return Err("nothing was tracked".to_owned());
    };
    // The table grows until it has room for all that are open at a time.
    let (first, rest) = live.split_at(live.len().div_ceil(4));
    let most = |samples: &[Sample]| samples.iter().map(|it| it.heap).max().unwrap_or(0);
    let (before, after) = (most(first), most(rest));
    match after > before + before / 4 + (1 << 20) {
        true => Err(format!("the heap grew from {before} to {after} bytes")),
        false => Ok(()),
    }
}

/// What records say.
#[derive(Default)]
struct Counts {
    packets: u64,
    flows: u64,
    records: u64,
}

impl Counts {
    fn add(&mut self, record: &Record) {
        self.records += 1;
        if let Record::Flow(flow) = record {
            self.flows += 1;
            self.packets += flow.stats.packets.total();
        }
    }
}

/// The conversations that go on.
struct Traffic {
    templates: Vec<Vec<Frame>>,
    live: Vec<Live>,
    random: fastrand::Rng,
    clock: Timestamp,
    begin: Timestamp,
    begun: u64,
    packets: u64,
    frame: Frame,
}

/// A conversation that goes on: which it is, how far it has got, and who it is
/// from.
#[derive(Clone, Copy)]
struct Live {
    template: usize,
    next: usize,
    client: u32,
}

impl Traffic {
    fn new() -> Self {
        let begin = Timestamp::new(1_700_000_000, 0);
        Self {
            templates: templates(),
            live: Vec::new(),
            random: fastrand::Rng::with_seed(1),
            clock: begin,
            begin,
            begun: 0,
            packets: 0,
            frame: Frame::new(0, 1, Vec::new()),
        }
    }

    /// The next packet of one of them.
    fn next(&mut self) -> (&Frame, Timestamp) {
        while self.live.len() < AT_A_TIME {
            self.live.push(Live {
                template: self.random.usize(..self.templates.len()),
                next: 0,
                client: 0,
            });
        }
        let which = self.random.usize(..self.live.len());
        let live = &mut self.live[which];
        // It has begun with its first packet. No client comes twice.
        if live.next == 0 {
            live.client = u32::try_from(self.begun).expect("fewer than there are addresses");
            self.begun += 1;
        }
        let template = &self.templates[live.template];
        self.frame.clone_from(&template[live.next]);
        readdress(&mut self.frame.bytes, live.client);
        live.next += 1;
        if live.next == template.len() {
            self.live.swap_remove(which);
        }
        self.clock = self.clock + Duration::from_micros(self.random.u64(..200));
        self.packets += 1;
        (&self.frame, self.clock)
    }

    fn sample(&self, counts: &Counts, tracker: &RecordTracker, held: &Held) -> Sample {
        let stats = tracker.stats();
        let since = self.clock - self.begin;
        Sample {
            begun: self.begun,
            packets: [self.packets, counts.packets + stats.packets_skipped()],
            flows: counts.flows,
            records: counts.records,
            hours: since.as_secs_f64() / 3600.0,
            heap: held.bytes(),
            resident: resident(),
        }
    }
}

/// The client of all templates, and where its address lies in an IPv4 packet in
/// Ethernet.
const CLIENT: [u8; 4] = [10, 0, 0, 1];
const ADDRESSES: [usize; 2] = [26, 30];

/// Gives a packet another client. Checksums are not looked at.
fn readdress(frame: &mut [u8], client: u32) {
    for at in ADDRESSES {
        if frame[at..at + 4] == CLIENT {
            frame[at..at + 4].copy_from_slice(&client.to_be_bytes());
        }
    }
}

/// Conversations of every kind, as they are sent and as they go wrong.
fn templates() -> Vec<Vec<Frame>> {
    let talk = |port| {
        let server = address(&format!("10.0.0.2:{port}"));
        Conversation::new(address("10.0.0.1:40000"), server)
    };
    let end = Close::Fin(Side::Client);
    let web = talk(80)
        .handshake()
        .send(Side::Client, b"GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n")
        .send(
            Side::Server,
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        );
    let bulk = talk(9000).handshake().send(Side::Server, &[0xfe; 20_000]);
    let hello = talk(443).handshake().send(
        Side::Client,
        b"\x16\x03\x01\0\x2f\x01\0\0\x2b\x03\x03AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\0\0\x02\x13\x01\x01\0\0\0",
    );
    let half = talk(443)
        .handshake()
        .send(Side::Client, b"\x16\x03\x01\x02\0\x01\0\x01\xfc");
    let question = b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07example\0\0\x01\0\x01";
    let answer = b"\x12\x34\x81\x80\0\x01\0\0\0\0\0\0\x07example\0\0\x01\0\x01";
    let lookup = || {
        Datagrams::new(address("10.0.0.1:40000"), address("10.0.0.2:53"))
            .send(Side::Client, question)
    };
    let lost = |packet| Disturbance::Lose(packet);
    let late = Disturbance::Delay {
        packet: 4,
        behind: 5,
    };
    let again = Disturbance::Resend {
        packet: 4,
        behind: 3,
        what: Resend::Conflicting,
    };
    vec![
        web.clone().close(end).frames(),
        web.clone().close(Close::Reset(Side::Server)).frames(),
        web.clone().disturb(lost(3)).close(end).frames(),
        web.clone().disturb(again).close(end).frames(),
        web.disturb(Disturbance::StartAt(4)).frames(),
        bulk.clone().close(end).frames(),
        bulk.clone().disturb(lost(5)).frames(),
        bulk.disturb(late).close(end).frames(),
        hello.clone().close(end).frames(),
        hello.frames(),
        half.frames(),
        talk(22).segment(Side::Client, Tcp::SYN, b"").frames(),
        talk(22).refused().frames(),
        lookup().send(Side::Server, answer).frames(),
        lookup().frames(),
        Datagrams::new(address("10.0.0.1:40000"), address("10.0.0.2:9999"))
            .send(Side::Client, b"something else")
            .frames(),
    ]
}

/// Bytes of memory that the process has, where the system says so in a file.
fn resident() -> u64 {
    let pages = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = pages.split(' ').nth(1).and_then(|it| it.parse().ok());
    4096 * pages.unwrap_or(0u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_run_holds() {
        for setting in [Setting::Roomy, Setting::Crowded] {
            let samples = run(setting, Duration::ZERO, &mut |_| {});
            check(&samples).expect("memory stays as it was");
            let last = samples.last().expect("some samples");
            assert!(last.begun >= 3 * BETWEEN_SAMPLES);
        }
    }

    #[test]
    fn growth_is_seen() {
        let sample = |heap| Sample {
            begun: 0,
            packets: [0; 2],
            flows: 0,
            records: 0,
            hours: 0.0,
            heap,
            resident: 0,
        };
        // The last is from behind the end, when nothing is held any more.
        let steady = [30, 29, 31, 30, 0].map(|heap| sample(heap << 20));
        assert_eq!(check(&steady), Ok(()));
        let growing = [30, 29, 39, 40, 0].map(|heap| sample(heap << 20));
        assert!(check(&growing).is_err());
        assert!(check(&[]).is_err());
    }
}
