//! The dependencies a `Cargo.toml` writes down, with their lines.
//!
//! This reads the way manifests of this workspace are written, a key to a
//! line, and not all of TOML.

use std::path::Path;

use crate::{Failure, project};

/// A package of the workspace.
#[derive(Debug)]
pub(super) struct Manifest {
    /// Where it is, from the workspace's folder.
    pub(super) file: String,
    pub(super) name: String,
    pub(super) dependencies: Vec<Dependency>,
}

/// A line that names a dependency.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Dependency {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) line: usize,
    /// Whether it goes by another name than its package's.
    pub(super) renamed: bool,
}

/// What a dependency is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Kind {
    /// For the package itself, or to build it.
    Shipped,
    /// For its tests, examples and benches.
    Development,
}

impl Manifest {
    pub(super) fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Dependency> {
        self.dependencies.iter().filter(move |one| one.kind == kind)
    }

    pub(super) fn depends_on(&self, name: &str, kind: Kind) -> bool {
        self.of_kind(kind).any(|one| one.name == name)
    }

    fn parse(file: String, text: &str) -> Self {
        let mut manifest = Self {
            file,
            name: String::new(),
            dependencies: Vec::new(),
        };
        let mut section = "";
        let mut depth = 0;
        for (n, line) in text.lines().enumerate() {
            let code = line.split(" #").next().unwrap_or("").trim();
            let outermost = depth == 0;
            if outermost && let Some(header) = code.strip_prefix('[') {
                section = header.trim_matches(['[', ']']);
                // `[dependencies.name]` opens a dependency of several lines.
                if let Some((table, name)) = section.rsplit_once('.')
                    && let Some(kind) = kind_of(table)
                {
                    manifest.add(name, kind, n + 1, code);
                }
                continue;
            }
            depth += code.matches(['[', '{']).count();
            depth -= code.matches([']', '}']).count().min(depth);
            let Some((key, value)) = code.split_once('=') else {
                continue;
            };
            if !outermost || code.starts_with('#') {
                continue;
            }
            let key = key.trim();
            if section == "package" && key == "name" {
                manifest.name = value.trim().trim_matches('"').to_owned();
            } else if let Some(kind) = kind_of(section) {
                let name = key.split('.').next().unwrap_or(key);
                manifest.add(name.trim_matches('"'), kind, n + 1, value);
            } else if key == "package"
                && section.contains("dependencies.")
                && let Some(dependency) = manifest.dependencies.last_mut()
            {
                dependency.renamed = true;
            }
        }
        manifest
    }

    fn add(&mut self, name: &str, kind: Kind, line: usize, value: &str) {
        self.dependencies.push(Dependency {
            name: name.to_owned(),
            kind,
            line,
            renamed: value.contains("package ="),
        });
    }
}

/// The kind of the dependencies in a table of this name, such as
/// `dependencies` or `target.'cfg(unix)'.dev-dependencies`.
fn kind_of(table: &str) -> Option<Kind> {
    match table.rsplit('.').next() {
        Some("dependencies" | "build-dependencies") => Some(Kind::Shipped),
        Some("dev-dependencies") => Some(Kind::Development),
        _ => None,
    }
}

/// The members of the workspace at `root`.
pub(super) fn workspace(root: &Path) -> Result<Vec<Manifest>, Failure> {
    let mut manifests = Vec::new();
    for top in ["crates", "fixtures", "benches", "xtask"] {
        let mut folders = vec![root.join(top)];
        if top == "crates" {
            let entries = folders[0].read_dir().into_iter().flatten().flatten();
            folders = entries.map(|entry| entry.path()).collect();
            folders.sort();
        }
        for folder in folders {
            let path = folder.join("Cargo.toml");
            if path.is_file() {
                let text = project::read(&path)?;
                manifests.push(Manifest::parse(project::relative(root, &path), &text));
            }
        }
    }
    Ok(manifests)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_write_a_dependency() {
        let text = "\
[package]
name = \"sample\"
categories = [
    \"one\",
]

[dependencies]
a.workspace = true
b = { version = \"1\", features = [
    \"c = d\",
] }
# e = \"1\"
f = { package = \"g\", version = \"1\" }

[dependencies.h]
version = \"1\"
package = \"i\"

[target.'cfg(unix)'.dev-dependencies]
j = \"1\" # k = \"1\"

[build-dependencies]
l = \"1\"

[features]
default = [\"m\"]
";
        let manifest = Manifest::parse("Cargo.toml".into(), text);
        let row = |one: &Dependency| (one.name.clone(), one.kind, one.line, one.renamed);
        let rows: Vec<_> = manifest.dependencies.iter().map(row).collect();
        assert_eq!(manifest.name, "sample");
        assert_eq!(
            rows,
            [
                ("a".into(), Kind::Shipped, 8, false),
                ("b".into(), Kind::Shipped, 9, false),
                ("f".into(), Kind::Shipped, 13, true),
                ("h".into(), Kind::Shipped, 15, true),
                ("j".into(), Kind::Development, 20, false),
                ("l".into(), Kind::Shipped, 23, false),
            ]
        );
    }
}
