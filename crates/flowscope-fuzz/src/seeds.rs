//! Inputs to begin with: what the fixtures hold, as each target reads it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use flowscope::extract::{AutoDetectEncap, FiveTuple, FiveTupleKey, FlowExtractor};
use flowscope::pcap::PcapFlowSource;
use flowscope::{FlowSide, LinkType, Orientation, PacketView, Timestamp};

use crate::script::Writer;
use crate::{TARGETS, frames};

/// How many frames of a capture a seed has at most: small inputs are tried sooner.
const FRAMES: usize = 60;

/// The captures that seeds are made of.
///
/// # Errors
///
/// If the folder of fixtures cannot be read.
pub fn captures() -> io::Result<Vec<PathBuf>> {
    let mut captures = Vec::new();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/pcap");
    for folder in [fixtures.clone(), fixtures.join("recorded")] {
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            let name = path.to_string_lossy().into_owned();
            if [".pcap", ".pcapng", ".gz", ".zst"]
                .iter()
                .any(|end| name.ends_with(end))
            {
                captures.push(path);
            }
        }
    }
    captures.sort();
    Ok(captures)
}

/// The seeds of a capture for a target.
///
/// # Errors
///
/// If the file cannot be read. What is not a sound capture gives fewer seeds.
pub fn of(target: &str, capture: &Path) -> io::Result<Vec<Vec<u8>>> {
    Ok(match target {
        "capture" => vec![[&[0, 63][..], &fs::read(capture)?].concat()],
        "frames" | "records" => with_settings(&first_frames(capture)),
        // What they build is of their own making.
        "conversation" | "fragments" => vec![fs::read(capture)?],
        _ => scripts(capture),
    })
}

/// Writes the seeds of all targets, a folder for each.
///
/// # Errors
///
/// If a file cannot be read or written.
pub fn write(folder: &Path) -> io::Result<()> {
    for (target, _) in TARGETS {
        let folder = folder.join(target);
        fs::create_dir_all(&folder)?;
        for capture in captures()? {
            let name = capture
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            for (number, seed) in of(target, &capture)?.iter().enumerate() {
                fs::write(folder.join(format!("{name}-{number}")), seed)?;
            }
        }
    }
    Ok(())
}

fn first_frames(capture: &Path) -> Vec<(u16, Vec<u8>)> {
    let mut frames = Vec::new();
    let Ok(mut source) = PcapFlowSource::open(capture) else {
        return frames;
    };
    while let Ok(Some(packet)) = source.next_packet() {
        frames.push((packet.link.0, packet.frame.to_vec()));
        if frames.len() == FRAMES {
            break;
        }
    }
    frames
}

/// The frames once for each format of records.
fn with_settings(frames: &[(u16, Vec<u8>)]) -> Vec<Vec<u8>> {
    let frames = frames.iter().map(|(link, frame)| (*link, &frame[..]));
    let seed = frames::write(frames);
    (0..7)
        .map(|settings| {
            let mut seed = seed.clone();
            seed[0] = settings;
            seed
        })
        .collect()
}

/// What each flow of a capture carries, as a script.
fn scripts(capture: &Path) -> Vec<Vec<u8>> {
    let mut flows: BTreeMap<FiveTupleKey, Writer> = BTreeMap::new();
    let extractor = AutoDetectEncap::new(FiveTuple::bidirectional());
    for (link, frame) in first_frames(capture) {
        let packet = PacketView::new(&frame, Timestamp::EPOCH);
        let Ok(extracted) = extractor.extract(packet.with_link(LinkType(link))) else {
            continue;
        };
        if extracted.payload.bytes.is_empty() {
            continue;
        }
        let side = match extracted.orientation {
            Orientation::Forward => FlowSide::Initiator,
            _ => FlowSide::Responder,
        };
        let key = extracted.key;
        let ports = FlowSide::BOTH.map(|side| key.port(side).unwrap_or(0));
        let script = flows.entry(key).or_insert_with(|| Writer::new(ports));
        script.data(side, extracted.payload.bytes);
    }
    flows.into_values().map(Writer::finish).collect()
}
