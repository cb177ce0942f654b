//! The flags of `bench-data`.

use core::ops::RangeInclusive;
use core::str::FromStr;
use std::path::PathBuf;

use crate::project;

/// What to make, how large, and where.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) kinds: Vec<Kind>,
    pub(super) out: PathBuf,
    pub(super) seed: u64,
    /// `flows-random`, `unrecognised`, `half`, `dense`: flows, if there are to be
    /// more or fewer than usual.
    pub(super) flows: Option<u32>,
    /// `flows-random` and `unrecognised`: packets of each flow.
    pub(super) packets: u32,
    /// `flows-random` and `unrecognised`: the length of a frame, if it is to be
    /// another than usual.
    pub(super) frame: Option<RangeInclusive<usize>>,
    /// `flows-random`: the transport of every flow.
    pub(super) proto: Proto,
    /// `half`: bytes of a message that are sent.
    pub(super) half: usize,
    /// `elephants`, `mix`, `sessions`: the size of the file, in bytes, if it is
    /// to be another than usual.
    pub(super) size: Option<u64>,
}

/// A capture that `bench-data` can make.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    FlowsRandom,
    Elephants,
    Mix,
    Sessions,
    Quic,
    Dense,
    Unrecognised,
    Half,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Proto {
    Tcp,
    Udp,
}

impl Options {
    pub(super) fn parse(args: &[String]) -> Result<Self, String> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(flag) = args.next() {
            let value = args
                .next()
                .ok_or_else(|| format!("{flag} needs a value\n{USAGE}"))?;
            match flag.as_str() {
                "--only" => options.kinds = vec![Kind::named(value)?],
                "--out" => options.out = value.into(),
                "--seed" => options.seed = number(flag, value)?,
                "--flows" => options.flows = Some(number(flag, value)?),
                "--packets" => options.packets = number(flag, value)?,
                "--frame" => options.frame = Some(lengths(flag, value)?),
                "--half" => options.half = length(flag, value, HALF)?,
                "--proto" => options.proto = Proto::named(value)?,
                "--size" => options.size = Some(number(flag, value)?),
                _ => return Err(format!("unknown flag {flag}\n{USAGE}")),
            }
        }
        Ok(options)
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            kinds: Kind::ALL.to_vec(),
            out: project::root().join("benches/data"),
            seed: 1,
            flows: None,
            packets: 10,
            frame: None,
            proto: Proto::Tcp,
            half: 1400,
            size: None,
        }
    }
}

impl Kind {
    const ALL: [Self; 8] = [
        Self::FlowsRandom,
        Self::Elephants,
        Self::Mix,
        Self::Sessions,
        Self::Quic,
        Self::Dense,
        Self::Unrecognised,
        Self::Half,
    ];

    /// The name of the kind, and of its file.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::FlowsRandom => "flows-random",
            Self::Elephants => "elephants",
            Self::Mix => "mix",
            Self::Sessions => "sessions",
            Self::Quic => "quic",
            Self::Dense => "dense",
            Self::Unrecognised => "unrecognised",
            Self::Half => "half",
        }
    }

    fn named(name: &str) -> Result<Self, String> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| format!("no capture of kind {name}\n{USAGE}"))
    }
}

impl Proto {
    fn named(name: &str) -> Result<Self, String> {
        match name {
            "tcp" => Ok(Self::Tcp),
            "udp" => Ok(Self::Udp),
            _ => Err(format!("--proto is tcp or udp, not {name}")),
        }
    }
}

fn number<N: FromStr>(flag: &str, value: &str) -> Result<N, String> {
    value
        .parse()
        .map_err(|_| format!("{flag} takes a number, not {value}"))
}

/// A length within a range.
fn length(flag: &str, value: &str, range: RangeInclusive<usize>) -> Result<usize, String> {
    let len = number(flag, value)?;
    let (low, high) = (range.start(), range.end());
    match range.contains(&len) {
        true => Ok(len),
        false => Err(format!("{flag} takes {low} to {high} bytes, not {value}")),
    }
}

/// `200` or `64-200`.
fn lengths(flag: &str, value: &str) -> Result<RangeInclusive<usize>, String> {
    let (low, high) = value.split_once('-').unwrap_or((value, value));
    let (low, high) = (number(flag, low)?, number(flag, high)?);
    if low <= high && high <= LONGEST_FRAME {
        Ok(low..=high)
    } else {
        Err(format!(
            "{flag} takes lengths up to {LONGEST_FRAME}, the lower first, not {value}"
        ))
    }
}

/// What an Ethernet frame of an ordinary MTU holds.
const LONGEST_FRAME: usize = 1514;

/// Half of a hello that still goes into one record, at most.
const HALF: RangeInclusive<usize> = 100..=8000;

const USAGE: &str = "\
usage: cargo xtask bench-data [flags]
  --only KIND        flows-random, elephants, mix, sessions, quic,
                     dense, unrecognised or half             (all)
  --out DIR          where the files go                (benches/data)
  --seed N           another seed, other bytes         (1)
  --size BYTES       of elephants, mix, sessions
                     and quic         (1000000000; sessions and quic: 100000000)
  --flows N          of flows-random, dense,
                     unrecognised and half             (1000000; dense: 570000)
  --packets N        of each flow of flows-random and
                     unrecognised                      (10)
  --frame MIN-MAX    lengths of their frames           (64-200; unrecognised: 160-256)
  --proto tcp|udp    transport of flows-random         (tcp)
  --half BYTES       of a message, in half             (1400)";

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Result<Options, String> {
        let args: Vec<String> = line.split_whitespace().map(String::from).collect();
        Options::parse(&args)
    }

    #[test]
    fn flags_replace_defaults() {
        let options = parse("--only mix --frame 100-120 --flows 7").unwrap();
        assert_eq!(options.kinds, [Kind::Mix]);
        assert_eq!(options.frame, Some(100..=120));
        assert_eq!(options.flows, Some(7));
        assert_eq!(options.packets, 10);
    }

    #[test]
    fn wrong_flags_are_refused() {
        for line in [
            "--only mouse",
            "--frame 200-100",
            "--frame 9000",
            "--seed",
            "--half 7",
            "--fast 1",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
