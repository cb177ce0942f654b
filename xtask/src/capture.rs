//! `cargo xtask capture`: records the project's real captures.
//!
//! Two network namespaces are joined by a cable; servers run in one, clients in
//! the other, and tcpdump writes down what they say. Everything is ordinary
//! software from Debian packages, and nothing leaves the namespaces, which are
//! deleted at the end. It needs root. What it records differs from run to run,
//! so the captures are committed and nothing else ever calls this.
//!
//! Start with [`scene::Scene`]: a capture is one of these, and `scenes` lists
//! them all.

mod inspect;
mod link;
mod network;
mod options;
mod process;
mod programs;
mod readme;
mod recorder;
mod relay;
mod scene;
mod scenes;
mod server;
mod workshop;

use std::fs;
use std::path::Path;

use crate::{Failure, Outcome};
use network::Network;
use options::Options;
use scene::{Recording, Scene};
use workshop::Workshop;

/// Records the scenes that `arguments` name, or all of them.
pub(crate) fn run(arguments: &[String]) -> Outcome {
    let options = Options::parse(arguments)?;
    let scenes: Vec<Scene> = scenes::all()
        .filter(|scene| options.wants(scene.name))
        .collect();
    if scenes.is_empty() {
        return Err(Failure::because("no scene has that name"));
    }
    programs::require(&scenes, options.missing)?;
    let workshop = Workshop::prepare()?;
    let network = Network::build(&workshop.folder)?;
    fs::create_dir_all(&options.out).map_err(|error| error.to_string())?;

    let mut failed = 0;
    for scene in &scenes {
        if let Err(error) = record(scene, &network, &workshop, &options.out) {
            eprintln!("{}: {error}", scene.name);
            failed += 1;
        }
    }
    inspect::total(&options.out)?;
    readme::write(&options.out, &scenes)?;
    match failed {
        0 => Ok(()),
        _ => Err(Failure::because(format!("{failed} scenes failed"))),
    }
}

/// Plays one scene; a good recording goes to where it is committed.
fn record(scene: &Scene, network: &Network, workshop: &Workshop, out: &Path) -> Result<(), String> {
    let fresh = workshop.folder.join("recording.pcap");
    match scene.record(network, &fresh)? {
        Recording::Skipped(reason) => eprintln!("{}: skipped, {reason}", scene.name),
        Recording::Made => {
            let bytes = fs::read(&fresh).map_err(|error| error.to_string())?;
            inspect::capture(&bytes)?;
            eprintln!("{}: {} bytes", scene.name, bytes.len());
            fs::write(out.join(scene.file()), bytes).map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}
