//! `cargo xtask trust`: sees that docs/DEPENDENCIES.md says of every crate that the
//! published ones depend on what it is for, and writes there what those bring along.
//! With `--check` it writes nothing, and fails if the page is not as it would be
//! written.

use core::fmt::Write;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::{Failure, Outcome, project};

pub(crate) fn run(arguments: &[String]) -> Outcome {
    let check = match arguments {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => return Err(Failure::Usage),
    };
    let graph = Graph::of(&project::metadata(&["--all-features"])?);
    let path = project::root().join(PAGE);
    let page = project::read(&path)?.replace('\r', "");
    let used = graph.used();
    let said = rows(&page);
    let mut wrong = String::new();
    for (name, users) in &used {
        match said.get(name.as_str()) {
            None => _ = writeln!(wrong, "{name}, of {}: no row", users.join(", ")),
            Some(row) if !row.contains(&graph.repository(name)) => {
                let _ = writeln!(wrong, "{name} is from {}", graph.repository(name));
            }
            Some(_) => {}
        }
    }
    for name in said.keys().filter(|name| !used.contains_key(**name)) {
        let _ = writeln!(wrong, "{name}: no published crate depends on it");
    }
    if !wrong.is_empty() {
        return Err(Failure::because(format!("{PAGE}:\n{wrong}")));
    }
    let (text, _) = page
        .split_once(MARK)
        .ok_or_else(|| Failure::because(format!("{PAGE} has no line {MARK}")))?;
    let brought = graph.brought();
    let list: Vec<String> = brought.iter().map(|name| format!("`{name}`")).collect();
    let text = format!("{text}{MARK}\n\n{}.\n", list.join(", "));
    println!(
        "trust: {} crates, which bring {}",
        used.len(),
        brought.len()
    );
    match (text == page, check) {
        (true, _) => Ok(()),
        (false, true) => Err(Failure::because(format!(
            "{PAGE} is not as `cargo xtask trust` writes it"
        ))),
        (false, false) => project::write(&path, text),
    }
}

/// The rows of the page's tables, by the crate that each is of.
fn rows(page: &str) -> BTreeMap<&str, &str> {
    let row = |line| {
        let rest = str::strip_prefix(line, "| `")?;
        Some((rest.split_once('`')?.0, line))
    };
    page.lines().filter_map(row).collect()
}

/// Packages, and what each is built or runs with.
struct Graph {
    packages: BTreeMap<String, Package>,
}

struct Package {
    name: String,
    repository: String,
    /// It is of the workspace, and published.
    is_ours: bool,
    needs: Vec<String>,
}

impl Graph {
    fn of(metadata: &Value) -> Self {
        let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let members: BTreeSet<String> = list(&metadata["workspace_members"])
            .iter()
            .map(text)
            .collect();
        let mut packages: BTreeMap<String, Package> = list(&metadata["packages"])
            .iter()
            .map(|it| {
                let package = Package {
                    name: text(&it["name"]),
                    repository: text(&it["repository"]),
                    // It may be published anywhere, unless it says where: nowhere.
                    is_ours: members.contains(&text(&it["id"])) && it["publish"].is_null(),
                    needs: Vec::new(),
                };
                (text(&it["id"]), package)
            })
            .collect();
        for node in list(&metadata["resolve"]["nodes"]) {
            let needs = list(&node["deps"]).into_iter().filter(|it| {
                let kinds = list(&it["dep_kinds"]);
                kinds.iter().any(|kind| kind["kind"] != "dev")
            });
            let needs = needs.map(|it| text(&it["pkg"])).collect();
            if let Some(package) = packages.get_mut(&text(&node["id"])) {
                package.needs = needs;
            }
        }
        Self { packages }
    }

    fn ids(&self, is_wanted: fn(&Package) -> bool) -> impl Iterator<Item = &str> {
        let wanted = self.packages.iter().filter(move |(_, it)| is_wanted(it));
        wanted.map(|(id, _)| id.as_str())
    }

    fn ours(&self) -> impl Iterator<Item = &Package> {
        self.packages.values().filter(|package| package.is_ours)
    }

    fn needs<'a>(&'a self, package: &'a Package) -> impl Iterator<Item = &'a Package> {
        package.needs.iter().filter_map(|id| self.packages.get(id))
    }

    /// What our crates name in their manifests, and which do.
    fn used(&self) -> BTreeMap<String, Vec<String>> {
        let mut used = BTreeMap::<_, Vec<String>>::new();
        for package in self.ours() {
            for needed in self.needs(package).filter(|it| !it.is_ours) {
                let users = used.entry(needed.name.clone()).or_default();
                users.push(package.name.clone());
            }
        }
        used
    }

    /// What those need, and what that needs.
    fn brought(&self) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<&str> = self.ids(|package| package.is_ours).collect();
        while let Some(id) = open.pop() {
            if reached.insert(id)
                && let Some(package) = self.packages.get(id)
            {
                open.extend(package.needs.iter().map(String::as_str));
            }
        }
        let packages = reached.iter().filter_map(|id| self.packages.get(*id));
        let mut names: BTreeSet<&str> = packages
            .filter(|package| !package.is_ours)
            .map(|package| package.name.as_str())
            .collect();
        let used = self.used();
        names.retain(|name| !used.contains_key(*name));
        names
    }

    /// Where a package comes from, as `owner/name`.
    fn repository(&self, name: &str) -> String {
        let mut packages = self.packages.values();
        let package = packages.find(|package| package.name == name);
        let address = package.map_or("", |package| &package.repository);
        let path = address.split("github.com/").nth(1).unwrap_or(address);
        let parts: Vec<&str> = path.trim_end_matches(".git").split('/').take(2).collect();
        parts.join("/")
    }
}

const PAGE: &str = "docs/DEPENDENCIES.md";
const MARK: &str = "<!-- written by `cargo xtask trust` -->";

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn graph() -> Graph {
        let package = |name: &str, publish: Value| {
            let repository = format!("https://github.com/of/{name}.git");
            json!({"id": name, "name": name, "repository": repository, "publish": publish})
        };
        let node = |name: &str, needs: &[(&str, Value)]| {
            let deps: Vec<Value> = needs
                .iter()
                .map(|(pkg, kind)| json!({"pkg": pkg, "dep_kinds": [{"kind": kind}]}))
                .collect();
            json!({"id": name, "deps": deps})
        };
        Graph::of(&json!({
            "workspace_members": ["ours", "tool"],
            "packages": [
                package("ours", json!(null)), package("tool", json!([])),
                package("used", json!(null)), package("brought", json!(null)),
                package("further", json!(null)), package("tested", json!(null)),
            ],
            "resolve": {"nodes": [
                node("ours", &[("used", json!(null)), ("tested", json!("dev"))]),
                node("tool", &[("tested", json!(null))]),
                node("used", &[("brought", json!("build"))]),
                node("brought", &[("further", json!(null))]),
            ]},
        }))
    }

    #[test]
    fn what_is_published_is_followed_and_what_only_tests_is_not() {
        let graph = graph();
        let used = graph.used();
        assert_eq!(used.keys().collect::<Vec<_>>(), ["used"]);
        assert_eq!(used["used"], ["ours"]);
        assert!(graph.brought().into_iter().eq(["brought", "further"]));
        assert_eq!(graph.repository("used"), "of/used");
    }

    #[test]
    fn rows_are_found_by_their_crates() {
        let page = "| Crate | Whose |\n|---|---|\n| `one` | a |\n| `two` | b |\ntext `three`\n";
        let rows = rows(page);
        assert_eq!(rows.keys().copied().collect::<Vec<_>>(), ["one", "two"]);
        assert_eq!(rows["two"], "| `two` | b |");
    }
}
