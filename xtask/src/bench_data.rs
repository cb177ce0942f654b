//! `cargo xtask bench-data`: big captures to measure with.
//!
//! Each kind is hard in its own way: `flows-random` misses the cache with every
//! packet, `elephants` is bytes and hardly any lookups, `mix` is what the fixtures
//! hold, over and over with new addresses, `sessions` is that of HTTP, TLS and DNS
//! alone, `quic` that of QUIC. `dense` has a message in nearly every packet. `unrecognised` is
//! `flows-random` with more payload, a thousand bytes a flow, which is looked
//! through for messages and has none; `half` has messages that do not end.
//!
//! The same flags and seed give the same bytes. The files go into a folder that
//! git ignores.

mod conversations;
mod dense;
mod elephants;
mod flows_random;
mod frame;
mod half;
mod mix;
mod options;
mod pcap_file;
mod random;
mod readdress;
mod words;

use std::fs;
use std::path::Path;
use std::time::Instant;

use crate::Outcome;
use mix::Selection;
use options::{Kind, Options};
use pcap_file::{Written, describe};

/// Makes the captures that `arguments` ask for.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let options = Options::parse(arguments)?;
    fs::create_dir_all(&options.out).map_err(|error| describe(&options.out, error))?;
    for &kind in &options.kinds {
        let path = options.out.join(format!("{}.pcap", kind.name()));
        let began = Instant::now();
        let written = make(kind, &path, &options)?;
        let seconds = began.elapsed().as_secs_f64();
        eprintln!(
            "{}: {} packets, {} bytes, {seconds:.1} s",
            path.display(),
            written.packets,
            written.bytes,
        );
    }
    Ok(())
}

fn make(kind: Kind, path: &Path, options: &Options) -> Result<Written, String> {
    match kind {
        Kind::FlowsRandom => flows_random::write(path, 64..=200, options),
        // Seven segments of 142 bytes, on average.
        Kind::Unrecognised => flows_random::write(path, 160..=256, options),
        Kind::Dense => dense::write(path, options),
        Kind::Half => half::write(path, options),
        Kind::Elephants => elephants::write(path, options.size.unwrap_or(GIGABYTE), options),
        Kind::Mix => mix::write(
            path,
            Selection::All,
            options.size.unwrap_or(GIGABYTE),
            options,
        ),
        Kind::Sessions => mix::write(
            path,
            Selection::Sessions,
            options.size.unwrap_or(GIGABYTE / 10),
            options,
        ),
        Kind::Quic => mix::write(
            path,
            Selection::Quic,
            options.size.unwrap_or(GIGABYTE / 10),
            options,
        ),
    }
}

const GIGABYTE: u64 = 1_000_000_000;
