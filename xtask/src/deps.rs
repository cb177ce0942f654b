//! `cargo xtask deps`: who may use whom.
//!
//! The rules are the rows of [`rules::RULES`]. A rule is checked against
//! manifests and sources as they are written, so that it can point at a line
//! and holds for features and targets that are not built here.

mod lexer;
mod manifest;
mod references;
mod rules;

use core::fmt;
use std::collections::BTreeSet;
use std::path::Path;

use crate::{Failure, Outcome, project};
use manifest::{Kind, Manifest};
use references::Source;
use rules::{Check, EVERY_PROTOCOL, PROTOCOLS, RULES, Rule};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    if !arguments.is_empty() {
        return Err(Failure::Usage);
    }
    let root = project::root();
    let mut violations = uncovered(root)?;
    for rule in RULES {
        violations.extend(violations_of(rule, root)?);
    }
    for violation in &violations {
        println!("{violation}");
    }
    println!("deps: {} rules checked", RULES.len());
    match violations.len() {
        0 => Ok(()),
        count => Err(Failure::because(format!("{count} violations"))),
    }
}

/// A line that breaks a rule.
#[derive(Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Violation {
    file: String,
    line: usize,
    found: String,
    says: &'static str,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            found,
            says,
        } = self;
        write!(f, "{file}:{line}: `{found}`, but {says}")
    }
}

/// Packages that no rule speaks of, and rules that speak of no package: in
/// either case a rule would hold because it has nothing to look at.
fn uncovered(root: &Path) -> Result<BTreeSet<Violation>, Failure> {
    let manifests = manifest::workspace(root)?;
    let named: BTreeSet<_> = RULES
        .iter()
        .flat_map(|rule| rule.check.packages())
        .collect();
    let mut violations = BTreeSet::new();
    for manifest in &manifests {
        if !named.contains(manifest.name.as_str()) {
            violations.insert(Violation {
                file: manifest.file.clone(),
                line: 1,
                found: manifest.name.clone(),
                says: "no rule says what it may depend on",
            });
        }
    }
    for package in named {
        let there = manifests.iter().any(|manifest| manifest.name == package);
        if !there {
            violations.insert(Violation {
                file: "Cargo.toml".into(),
                line: 1,
                found: package.into(),
                says: "a rule speaks of it and it is not there",
            });
        }
    }
    Ok(violations)
}

fn violations_of(rule: &Rule, root: &Path) -> Result<BTreeSet<Violation>, Failure> {
    let mut violations = BTreeSet::new();
    let mut report = |file: &str, line: usize, found: &str| {
        violations.insert(Violation {
            file: file.into(),
            line,
            found: found.into(),
            says: rule.says,
        });
    };
    match &rule.check {
        Check::DependsOnlyOn {
            package,
            always,
            sometimes,
        } => {
            let sometimes = packages(sometimes);
            check_dependencies(root, package, always, &sometimes, &mut report)?;
        }
        Check::Protocols => {
            for protocol in PROTOCOLS {
                let always = [&["flowscope-core"], protocol.always].concat();
                let package = protocol.package;
                check_dependencies(root, package, &always, protocol.sometimes, &mut report)?;
            }
        }
        Check::KnowsOnly {
            package,
            kind,
            crates,
        } => {
            for manifest in with_name(root, package)? {
                for dependency in manifest.of_kind(*kind) {
                    let name = dependency.name.as_str();
                    if is_ours(name) && !crates.contains(&name) {
                        report(&manifest.file, dependency.line, name);
                    }
                }
            }
        }
        Check::NotRenamed => {
            for manifest in manifest::workspace(root)? {
                for dependency in manifest.dependencies.iter().filter(|one| one.renamed) {
                    report(&manifest.file, dependency.line, &dependency.name);
                }
            }
        }
        Check::Absent {
            what,
            under,
            except,
        } => {
            for source in sources(root, under, except)? {
                for what in *what {
                    for (line, found) in source.find(what) {
                        report(&source.file, line, &found);
                    }
                }
            }
        }
    }
    Ok(violations)
}

/// Reports what a package depends on besides these, and what of `always` it does
/// not.
fn check_dependencies(
    root: &Path,
    package: &str,
    always: &[&str],
    sometimes: &[&str],
    report: &mut impl FnMut(&str, usize, &str),
) -> Result<(), Failure> {
    for manifest in with_name(root, package)? {
        let shipped = |name: &str| manifest.depends_on(name, Kind::Shipped);
        for dependency in manifest.of_kind(Kind::Shipped) {
            let name = dependency.name.as_str();
            if !always.contains(&name) && !sometimes.contains(&name) {
                report(&manifest.file, dependency.line, name);
            }
        }
        for absent in always.iter().filter(|name| !shipped(name)) {
            report(&manifest.file, 1, &format!("no {absent}"));
        }
    }
    Ok(())
}

/// A list of packages, with those of every protocol where it says so.
fn packages(names: &[&'static str]) -> Vec<&'static str> {
    let mut all = names.to_vec();
    if names.contains(&EVERY_PROTOCOL) {
        all.extend(PROTOCOLS.iter().map(|it| it.package));
    }
    all
}

/// A list of folders, with those of every protocol where it says so.
fn folders(names: &[&str]) -> Vec<String> {
    let mut all: Vec<_> = names.iter().map(|it| (*it).to_owned()).collect();
    if names.contains(&EVERY_PROTOCOL) {
        let protocols = PROTOCOLS.iter();
        all.extend(protocols.map(|it| format!("crates/{}/src/", it.package)));
    }
    all
}

fn with_name(root: &Path, package: &str) -> Result<Vec<Manifest>, Failure> {
    let mut manifests = manifest::workspace(root)?;
    manifests.retain(|manifest| manifest.name == package);
    Ok(manifests)
}

fn is_ours(package: &str) -> bool {
    package == "flowscope" || package.starts_with("flowscope-") || package == "xtask"
}

fn sources(root: &Path, under: &[&str], except: &[&str]) -> Result<Vec<Source>, Failure> {
    let begins =
        |file: &str, prefixes: &[String]| prefixes.iter().any(|one| file.starts_with(one.as_str()));
    let (under, except) = (folders(under), folders(except));
    let tops = ["crates", "fixtures", "benches", "xtask"];
    tops.iter()
        .flat_map(|top| project::files(&root.join(top)))
        .map(|path| project::relative(root, &path))
        .filter(|file| file.ends_with(".rs"))
        .filter(|file| begins(file, &under) && !begins(file, &except))
        .map(|file| Source::read(root, &file))
        .collect()
}

#[cfg(test)]
mod tests;
