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
    /// `flows-random`: concurrent flows.
    pub(super) flows: u32,
    /// `flows-random`: packets of each flow.
    pub(super) packets: u32,
    /// `flows-random`: the length of a frame.
    pub(super) frame: RangeInclusive<usize>,
    /// `flows-random`: the transport of every flow.
    pub(super) proto: Proto,
    /// All but `flows-random`: the size of the file, in bytes, if it is to be
    /// another than usual.
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
                "--flows" => options.flows = number(flag, value)?,
                "--packets" => options.packets = number(flag, value)?,
                "--frame" => options.frame = lengths(flag, value)?,
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
            flows: 1_000_000,
            packets: 10,
            frame: 64..=200,
            proto: Proto::Tcp,
            size: None,
        }
    }
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::FlowsRandom,
        Self::Elephants,
        Self::Mix,
        Self::Sessions,
        Self::Quic,
    ];

    /// The name of the kind, and of its file.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::FlowsRandom => "flows-random",
            Self::Elephants => "elephants",
            Self::Mix => "mix",
            Self::Sessions => "sessions",
            Self::Quic => "quic",
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

const USAGE: &str = "\
usage: cargo xtask bench-data [flags]
  --only KIND        flows-random, elephants, mix, sessions or quic   (all)
  --out DIR          where the files go               (benches/data)
  --seed N           another seed, other bytes        (1)
  --size BYTES       of elephants, mix, sessions and quic
                                      (1000000000; sessions and quic: 100000000)
  --flows N          of flows-random                  (1000000)
  --packets N        of each of these flows           (10)
  --frame MIN-MAX    lengths of their frames          (64-200)
  --proto tcp|udp    their transport                  (tcp)";

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
        assert_eq!(options.frame, 100..=120);
        assert_eq!(options.flows, 7);
        assert_eq!(options.packets, 10);
    }

    #[test]
    fn wrong_flags_are_refused() {
        for line in [
            "--only mouse",
            "--frame 200-100",
            "--frame 9000",
            "--seed",
            "--fast 1",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }
}
