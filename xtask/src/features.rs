//! `cargo xtask features`: checks each library crate with none of its features, with
//! each alone, and with all of them.

use serde_json::Value;

use crate::tables::succeed;
use crate::{Failure, Outcome, project};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err(Failure::Usage);
    }
    let metadata = project::metadata(&["--no-deps"])?;
    for package in project::libraries()? {
        let features = features(&metadata, &package);
        check(&package, &["--no-default-features"])?;
        for feature in &features {
            check(&package, &["--no-default-features", "--features", feature])?;
        }
        if !features.is_empty() {
            check(&package, &["--all-features"])?;
        }
        println!("{package}: {}", features.join(" "));
    }
    Ok(())
}

/// Checks a library, without what its tests depend on, and takes warnings for errors.
fn check(package: &str, flags: &[&str]) -> Outcome {
    let mut check = project::cargo();
    check
        .args(["check", "--quiet", "--lib", "--package", package])
        .args(flags)
        .arg("--target-dir")
        .arg(project::root().join("target/features"))
        .env("RUSTFLAGS", "--deny warnings");
    succeed(&mut check).map_err(|failure| match failure {
        Failure::Failed(reason) => {
            Failure::because(format!("{package} {}: {reason}", flags.join(" ")))
        }
        other => other,
    })
}

/// The features that a package names, but those that stand for others by default.
fn features(metadata: &Value, package: &str) -> Vec<String> {
    let packages = metadata["packages"].as_array();
    let mut packages = packages.into_iter().flatten();
    let found = packages.find(|it| it["name"] == package);
    let features = found.and_then(|it| it["features"].as_object());
    let names = features.into_iter().flat_map(|features| features.keys());
    names.filter(|name| *name != "default").cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn features_are_found() {
        let metadata = serde_json::json!({"packages": [
            {"name": "one", "features": {"default": ["std"], "std": [], "serde": []}},
            {"name": "two", "features": {}},
        ]});
        assert_eq!(features(&metadata, "one"), ["serde", "std"]);
        assert!(features(&metadata, "two").is_empty());
    }
}
