//! What must hold, of the fixtures and of inputs that once broke it.

use std::fs;
use std::path::Path;

use flowscope_fuzz::{TARGETS, seeds};

#[test]
fn it_holds_of_the_seeds() {
    let captures = seeds::captures().expect("the fixtures are there");
    for (name, target) in TARGETS {
        let mut tried = 0;
        for capture in &captures {
            for seed in seeds::of(name, capture).expect("the fixtures can be read") {
                target(&seed);
                tried += 1;
            }
        }
        assert!(tried >= captures.len() / 2, "{tried} seeds for {name}");
    }
}

/// `findings` has a folder for each target in which something was found, with the
/// inputs that showed it.
#[test]
fn it_holds_of_what_was_found() {
    let findings = Path::new(env!("CARGO_MANIFEST_DIR")).join("findings");
    for folder in fs::read_dir(findings).expect("the folder of findings") {
        let folder = folder.expect("a folder").path();
        let name = folder
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name == "README.md" {
            continue;
        }
        let target = TARGETS.iter().find(|(target, _)| *target == name);
        let (_, target) = target.unwrap_or_else(|| panic!("no target is called {name}"));
        for input in fs::read_dir(folder).expect("a folder of inputs") {
            target(&fs::read(input.expect("an input").path()).expect("the input"));
        }
    }
}
