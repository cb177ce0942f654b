//! What becomes of segments, line by line.

use std::format;
use std::string::{String, ToString};
use std::vec::Vec;

use super::*;
use crate::track::FlowState;
use crate::track::cold_state::ColdState;
use crate::track::flow::{Flow, Observed};
use crate::wire::{TcpFlags, TcpHeader, Transport};
use crate::{FlowSide, Orientation, SeqNumber, Timestamp};

/// A conversation and what is made of it.
struct Case {
    title: &'static str,
    /// Who sends what: `c` or `s`, the flags, the sequence number, the number
    /// acknowledged, and how many bytes, as `c PA 101 301 +20`. `md5` is a
    /// signature. Behind it stands what becomes of it: `!` it is refused, `?` it
    /// may begin another connection, `=` it proves one. Nothing: it takes
    /// effect.
    segments: &'static [&'static str],
    state: FlowState,
    /// Where the streams begin, as far as it is settled.
    begins: [Option<u32>; 2],
    /// Where they end.
    ends: [Fin; 2],
    /// What was odd, with its side.
    odd: &'static [&'static str],
}

const OPEN: [Fin; 2] = [Fin::None; 2];
const HANDSHAKE: [Option<u32>; 2] = [Some(101), Some(301)];

#[rustfmt::skip]
const CASES: &[Case] = &[
    Case {
        title: "a handshake begins both streams",
        segments: &["c S 100", "s SA 300 101", "c A 101 301"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &[],
    },
    Case {
        title: "a SYN alone begins nothing",
        segments: &["c S 100"],
        state: FlowState::SynSent, begins: [None, None], ends: OPEN, odd: &[],
    },
    Case {
        title: "of two SYNs the one that is answered counts",
        segments: &["c S 100", "c S 500", "s SA 300 101", "c A 101 301"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &[],
    },
    Case {
        title: "of two SYNs the second is answered",
        segments: &["c S 500", "c S 100", "s SA 300 101", "c A 101 301"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &[],
    },
    Case {
        title: "a refused answer to one SYN leaves the other to be answered",
        segments: &["c S 100", "c S 500", "s SA 700 501", "c R 501", "c S 100", "s SA 300 101", "c A 101 301"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &[],
    },
    Case {
        title: "of three SYNs any may be answered",
        segments: &["c S 900", "c S 100", "c S 500", "s SA 300 101", "c A 101 301"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &[],
    },
    Case {
        title: "a connection is closed when both FINs are acknowledged",
        segments: &["c S 100", "s SA 300 101", "c A 101 301", "c FA 101 301", "s FA 301 102", "s A 302 102"],
        state: FlowState::Closing, begins: HANDSHAKE, ends: [Fin::Confirmed(SeqNumber(101)), Fin::Unconfirmed(SeqNumber(301))], odd: &[],
    },
    Case {
        title: "a forged FIN does not close what the other side's has half closed",
        segments: &["c S 100", "s SA 300 101", "c A 101 301", "c FA 101 301", "s FA 301 102", "s A 302 102", "s PA 301 102 +20", "c A 102 321"],
        state: FlowState::HalfClosed(FlowSide::Initiator), begins: HANDSHAKE, ends: [Fin::Confirmed(SeqNumber(101)), Fin::None], odd: &["s refused_fin"],
    },
    Case {
        title: "a challenge to one SYN completes no handshake of another",
        segments: &["c S 900", "c S 100", "s SA 700 901", "s A 701 901", "c R 901", "c S 100", "s SA 300 101", "c A 101 301"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &[],
    },
    Case {
        title: "a forged FIN before the SYN-ACK names no number for long",
        segments: &["c S 100", "s A 77 88 !", "c FA 101 203", "s SA 300 101", "c A 101 301"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &[],
    },
    Case {
        title: "a FIN with the number of the SYN-ACK is not what the client's ACK acknowledges",
        segments: &["c S 100", "s SA 300 101", "s FA 300 40", "c A 101 301", "c PA 101 301 +20", "s A 301 121"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &["s refused_fin"],
    },
    Case {
        title: "until the refusal is answered, nothing has begun",
        segments: &["c S 100", "c S 500", "s SA 700 501", "c R 501"],
        state: FlowState::SynSent, begins: [None, None], ends: OPEN, odd: &[],
    },
    Case {
        title: "of two SYNs that are both answered the client's ACK chooses",
        segments: &["c S 100", "c S 500", "s SA 700 501", "s SA 300 101", "c A 101 301"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &[],
    },
    Case {
        title: "a refusal that the client goes on from was forged",
        segments: &["c S 500", "c S 100", "s SA 300 101", "c R 101", "c A 101 301"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &[],
    },
    Case {
        title: "of two SYN-ACKs the one that is acknowledged counts",
        segments: &["c S 100", "s SA 700 101", "s SA 300 101", "c A 101 301"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &[],
    },
    Case {
        title: "a SYN-ACK that acknowledges nothing that was sent is no answer",
        segments: &["c S 100", "s SA 700 90000000 ?", "s SA 300 101", "c A 101 301"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &[],
    },
    Case {
        title: "the client's ACK names the first byte where the SYN-ACK is late",
        segments: &["c S 100", "c A 101 301", "s PA 321 101 +20", "s SA 300 101", "s PA 301 101 +20"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &[],
    },
    Case {
        title: "an ACK of nothing that was sent names no number where a SYN-ACK was seen",
        segments: &["c S 100", "s SA 300 101", "c FA 101 90000000", "c A 101 301", "c PA 101 301 +20", "s A 301 121"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &["c refused_fin"],
    },
    Case {
        title: "data of the server is enough where the client's ACK is missing",
        segments: &["c S 100", "s SA 300 101", "s PA 301 101 +20"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &[],
    },
    Case {
        title: "a SYN in a connection waits, and a challenge ACK proves nothing",
        segments: &["c S 100", "s SA 300 101", "c A 101 301", "c S 150 ?", "s A 301 101", "c PA 101 301 +50", "c PA 151 301 +50"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &[],
    },
    Case {
        title: "a SYN-ACK in a connection changes nothing",
        segments: &["c S 100", "s SA 300 101", "c A 101 301", "s SA 350 101 !", "c A 101 301"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &["s syn_in_connection"],
    },
    Case {
        title: "who answered a new SYN may acknowledge it once more",
        segments: &["c S 100", "s SA 300 101", "c S 5000 ?", "c S 5000 ?", "s SA 9000 5001 ?", "s A 9001 5001 ?", "c A 5001 9001 ="],
        state: FlowState::SynReceived, begins: [Some(101), None], ends: OPEN, odd: &[],
    },
    Case {
        title: "a SYN that is answered is another connection",
        segments: &["c S 100", "s SA 300 101", "c A 101 301", "c S 5000 ?", "s SA 9000 5001 ="],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &[],
    },
    Case {
        title: "the answer may be an RST, or come before the SYN, or not be captured",
        segments: &["c S 100", "s SA 300 101", "c A 101 301",
            "c S 5000 ?", "s RA 0 5001 =", "s SA 90000000 7000001 ?", "c S 7000000 =", "c S 8000000 ?", "c A 8000001 50000001 ="],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &[],
    },
    Case {
        title: "a SYN is its own connection's however late it is captured",
        segments: &["c A 101 301", "s PA 301 101 +20", "c FA 101 321", "s FA 321 102", "c A 102 322", "c S 100"],
        state: FlowState::Closed, begins: [Some(101), None], ends: [Fin::Confirmed(SeqNumber(101)), Fin::Confirmed(SeqNumber(321))], odd: &[],
    },
    Case {
        title: "a new SYN waits behind a connection that is closed, too",
        segments: &["c A 101 301", "c FA 101 301", "s FA 301 102", "c A 102 302", "c S 5000 ?", "s A 302 102", "c R 102", "c S 5000 ?"],
        state: FlowState::Closed, begins: [None, None], ends: [Fin::Confirmed(SeqNumber(101)), Fin::Confirmed(SeqNumber(301))], odd: &[],
    },
    Case {
        title: "an RST resets at the next number",
        segments: &["c S 100", "s SA 300 101", "c A 101 301", "c R 101"],
        state: FlowState::Reset, begins: HANDSHAKE, ends: OPEN, odd: &[],
    },
    Case {
        title: "an RST elsewhere in the window does not",
        segments: &["c S 100", "s SA 300 101", "c A 101 301", "c R 102 !"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &["c refused_rst"],
    },
    Case {
        title: "nor one outside of it",
        segments: &["c S 100", "s SA 300 101", "c A 101 301", "c R 90000000 !"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &["c rst_out_of_window"],
    },
    Case {
        title: "nor one that is signed where nothing is",
        segments: &["c S 100", "s SA 300 101", "c A 101 301", "c R 101 md5 !"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &["c refused_rst"],
    },
    Case {
        title: "an RST does not hold if later data are acknowledged",
        segments: &["c S 100", "s SA 300 101", "c A 101 301", "c R 101", "c PA 101 301 +20", "s A 301 121"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &["c refused_rst"],
    },
    Case {
        title: "an RST that was not obeyed before the SYN-ACK does not hold",
        segments: &["c S 100", "s RA 0 101", "s SA 300 101", "c A 101 301"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &["s refused_rst"],
    },
    Case {
        title: "a SYN is refused by what acknowledges it alone",
        segments: &["c S 100", "s R 0 !", "s RA 0 90 !", "s RA 0 101"],
        state: FlowState::Reset, begins: [None, None], ends: OPEN, odd: &["s rst_out_of_window", "s rst_out_of_window"],
    },
    Case {
        title: "a FIN ends a stream when it is acknowledged",
        segments: &["c S 100", "s SA 300 101", "c A 101 301", "c FA 101 301", "s A 301 102"],
        state: FlowState::HalfClosed(FlowSide::Initiator), begins: HANDSHAKE, ends: [Fin::Confirmed(SeqNumber(101)), Fin::None], odd: &[],
    },
    Case {
        title: "before that it is a claim",
        segments: &["c S 100", "s SA 300 101", "c A 101 301", "c FA 101 301"],
        state: FlowState::HalfClosed(FlowSide::Initiator), begins: HANDSHAKE, ends: [Fin::Unconfirmed(SeqNumber(101)), Fin::None], odd: &[],
    },
    Case {
        title: "a FIN was none if what came in its place is acknowledged",
        segments: &["c S 100", "s SA 300 101", "c A 101 301", "c FA 101 301", "c PA 101 301 +20", "s A 301 121"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &["c refused_fin"],
    },
    Case {
        title: "what comes behind a FIN that is acknowledged is nothing",
        segments: &["c S 100", "s SA 300 101", "c A 101 301", "c FA 101 301", "c PA 101 301 +20", "s A 301 102"],
        state: FlowState::HalfClosed(FlowSide::Initiator), begins: HANDSHAKE, ends: [Fin::Confirmed(SeqNumber(101)), Fin::None], odd: &[],
    },
    Case {
        title: "a FIN ahead of its place waits",
        segments: &["c S 100", "s SA 300 101", "c A 101 301", "s FA 5301 101", "s PA 301 101 +20", "c A 101 321"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &[],
    },
    Case {
        title: "and ends the stream when it is acknowledged",
        segments: &["c S 100", "s SA 300 101", "c A 101 301", "s FA 321 101", "s PA 301 101 +20", "c A 101 322"],
        state: FlowState::HalfClosed(FlowSide::Responder), begins: HANDSHAKE, ends: [Fin::None, Fin::Confirmed(SeqNumber(321))], odd: &[],
    },
    Case {
        title: "a FIN before the answer to a SYN waits, and is none if more is acknowledged",
        segments: &["c S 100", "c FA 101 301", "s SA 300 101", "c A 101 301", "c PA 101 301 +20", "s A 301 121"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &["c refused_fin"],
    },
    Case {
        title: "a byte in the place of a FIN is not held back",
        segments: &["c S 100", "s SA 300 101", "c A 101 301", "s FA 301 101", "s PA 301 101 +1", "c A 101 302"],
        state: FlowState::HalfClosed(FlowSide::Responder), begins: HANDSHAKE, ends: OPEN, odd: &[],
    },
    Case {
        title: "a connection that goes on proves no SYN-ACK with its numbers",
        segments: &["c S 100", "s SA 300 101", "c A 101 301", "s SA 320 121 ?", "c PA 101 301 +20", "s PA 301 121 +20", "c A 121 321"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &[],
    },
    Case {
        title: "an RST of a connection answers no SYN that was answered by a SYN-ACK",
        segments: &["c S 100", "s SA 300 101", "c A 101 301", "s SA 7000 102 ?", "c FA 101 301", "s RA 301 102"],
        state: FlowState::Reset, begins: HANDSHAKE, ends: [Fin::Unconfirmed(SeqNumber(101)), Fin::None], odd: &[],
    },
    Case {
        title: "a FIN that goes on from a SYN proves no connection",
        segments: &["c S 100", "s SA 300 101", "c A 101 301", "c S 5000 ?", "c FA 5001 90000000"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &[],
    },
    Case {
        title: "an ACK alone answers no SYN",
        segments: &["c S 100", "s A 301 101 !", "c S 500", "s SA 300 501", "c A 501 301"],
        state: FlowState::Established, begins: [Some(501), Some(301)], ends: OPEN, odd: &[],
    },
    Case {
        title: "who called first is not answered by a SYN-ACK of its own",
        segments: &["c S 100", "c SA 100 900", "s SA 300 101", "c A 101 301"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &[],
    },
    Case {
        title: "of two SYN-ACKs to a call from the other side the acknowledged one counts",
        segments: &["c S 100", "s S 300 ?", "c SA 700 301 ?", "s SA 300 101", "c A 101 301"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &[],
    },
    Case {
        title: "both call, with the second number of who called first",
        segments: &["c S 9000", "c S 100", "s S 300 ?", "c SA 100 301", "s A 301 101", "s SA 300 101", "c A 101 301"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &[],
    },
    Case {
        title: "an ACK with numbers of an earlier connection ends no handshake",
        segments: &["c S 100", "s SA 43331 101", "s A 42157 2000", "c R 2000 !", "c S 100", "s SA 100300 101", "c A 101 100301", "c PA 101 100301 +100"],
        state: FlowState::Established, begins: [Some(101), Some(100301)], ends: OPEN, odd: &["c refused_rst"],
    },
    Case {
        title: "what has neither ACK nor SYN nor RST is dropped",
        segments: &["c S 100", "s SA 300 101", "c A 101 301", "c P 101 +20 !", "c F 101 !", "c P 101 +20 !", "c PA 101 301 +20", "s A 301 121"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &["c missing_ack", "c missing_ack", "c missing_ack"],
    },
    Case {
        title: "urgent data are data, and told",
        segments: &["c S 100", "s SA 300 101", "c A 101 301", "c UA 101 301", "c UA 101 301 +1", "c PA 102 301 +20", "s A 301 122"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &["c urgent_data"],
    },
    Case {
        title: "a FIN before the stream, or within it, is none",
        segments: &["c S 100", "s SA 300 101", "c A 101 301", "c FA 100 301", "s A 301 101", "c PA 101 301 +20", "c FA 110 301", "s A 301 121"],
        state: FlowState::Established, begins: HANDSHAKE, ends: OPEN, odd: &["c refused_fin", "c refused_fin"],
    },
    Case {
        title: "where one side is captured alone, its word is taken",
        segments: &["c S 100", "c A 101 301", "c PA 101 301 +20", "c FA 121 301"],
        state: FlowState::HalfClosed(FlowSide::Initiator), begins: HANDSHAKE, ends: [Fin::Confirmed(SeqNumber(121)), Fin::None], odd: &[],
    },
];

#[test]
fn segments_take_effect_as_the_evidence_says() {
    for case in CASES {
        let title = case.title;
        let mut play = Play::default();
        for segment in case.segments {
            let (expected, became) = play.send(segment);
            assert_eq!(became, expected, "{title}: {segment}");
        }
        let flow = &play.flow.as_ref().expect("something was sent").0;
        assert_eq!(flow.state, case.state, "{title}");
        let begins = FlowSide::BOTH.map(|side| flow.stream_begin(side));
        assert_eq!(begins, case.begins.map(|seq| seq.map(SeqNumber)), "{title}");
        let ends = FlowSide::BOTH.map(|side| flow.fin(side));
        assert_eq!(ends, case.ends, "{title}");
        assert_eq!(play.odd, case.odd, "{title}");
    }
}

#[derive(Default)]
struct Play {
    flow: Option<(Flow, ColdState)>,
    odd: Vec<String>,
}

impl Play {
    /// Sends a segment, and says what should become of it and what did.
    fn send(&mut self, segment: &str) -> (String, String) {
        let mut words = segment.split(' ');
        let orientation = match words.next() {
            Some("c") => Orientation::Forward,
            _ => Orientation::Reverse,
        };
        let flags = words.next().expect("flags");
        let bits = flags.chars().map(|letter| match letter {
            'F' => TcpFlags::FIN.0,
            'S' => TcpFlags::SYN.0,
            'R' => TcpFlags::RST.0,
            'P' => TcpFlags::PSH.0,
            'A' => TcpFlags::ACK.0,
            'U' => TcpFlags::URG.0,
            other => panic!("{other} is no flag"),
        });
        let mut header = TcpHeader {
            seq: SeqNumber(0),
            ack: SeqNumber(0),
            window: Some(u16::MAX),
            flags: TcpFlags(bits.sum()),
            window_scale: None,
            is_signed: false,
        };
        let (mut len, mut expected, mut numbers) = (0, "", 0);
        for word in words {
            match word {
                "!" | "?" | "=" => expected = word,
                "md5" => header.is_signed = true,
                word if word.starts_with('+') => len = word[1..].parse().expect("a length"),
                word => {
                    let number = SeqNumber(word.parse().expect("a number"));
                    match numbers {
                        0 => header.seq = number,
                        _ => header.ack = number,
                    }
                    numbers += 1;
                }
            }
        }
        (expected.to_string(), self.process(orientation, header, len))
    }

    fn process(&mut self, orientation: Orientation, header: TcpHeader, payload_len: u32) -> String {
        let now = Timestamp::from_nanos(1);
        let packet = Observed {
            at: now,
            orientation,
            transport: Transport::Tcp(header),
            wire_len: 60,
            ip_len: 40,
            payload_len,
            is_cut: false,
        };
        let (flow, cold) = self.flow.get_or_insert_with(|| Flow::new(1, &packet, now));
        if flow.may_be_replaced_by(&packet) {
            match flow.owner_of(&packet, cold) {
                SegmentOwner::Flow | SegmentOwner::BothOpened(_) => {}
                SegmentOwner::MayBeNew(new_connection)
                | SegmentOwner::MayAnswerNew(new_connection) => {
                    flow.await_proof(new_connection, cold);
                    return "?".into();
                }
                SegmentOwner::New(_) => return "=".into(),
            }
        }
        let verdict = flow.count(&packet, now, cold);
        for (side, kind) in verdict.found.iter() {
            let side = match side {
                FlowSide::Initiator => 'c',
                FlowSide::Responder => 's',
            };
            self.odd.push(format!("{side} {}", kind.as_str()));
        }
        match verdict.effect {
            Effect::Refused => "!".into(),
            Effect::Plain | Effect::Confirming => String::new(),
        }
    }
}
