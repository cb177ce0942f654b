//! The public items of a crate as lines of text.

use std::collections::BTreeSet;

use serde_json::Value;

use super::signature;

/// A line for each public item, by path.
///
/// An item that has two public paths has two lines: a user can name it by
/// either.
pub(super) struct Listing<'a> {
    index: &'a Value,
    lines: Vec<String>,
    /// The paths of items that carry the word `pub`, but for fields.
    items: BTreeSet<String>,
    /// Fields, variants, and what belongs to a trait.
    parts: usize,
    /// The modules around what is being read.
    modules: Vec<&'a Value>,
}

impl<'a> Listing<'a> {
    /// Reads what rustdoc says of a crate.
    pub(super) fn of(documentation: &'a Value) -> Self {
        let index = &documentation["index"];
        let mut listing = Self {
            index,
            lines: Vec::new(),
            items: BTreeSet::new(),
            parts: 0,
            modules: Vec::new(),
        };
        let root = listing.item(&documentation["root"]);
        listing.members(&root["inner"]["module"]["items"], "");
        listing.lines.sort();
        listing
    }

    /// How many items there are.
    ///
    /// Items are modules, types, traits, functions, methods, constants and
    /// associated constants: all that carries the word `pub`, but for fields
    /// and re-exports of other crates. Each path counts once: a method that
    /// several kinds of one generic type have is one item. The crate itself is
    /// none.
    pub(super) fn count(&self) -> String {
        format!(
            "{} public items, with {} fields, variants and members of traits",
            self.items.len(),
            self.parts
        )
    }

    pub(super) fn text(&self) -> String {
        format!("# {}\n{}\n", self.count(), self.lines.join("\n"))
    }

    fn item(&self, id: &Value) -> &'a Value {
        &self.index[id.to_string()]
    }

    fn line(&mut self, path: &str, what: &str) {
        self.lines.push(format!("{path} {what}"));
    }

    /// Lists the items of a module.
    fn members(&mut self, ids: &'a Value, path: &str) {
        for id in elements(ids) {
            let item = self.item(id);
            match &item["inner"]["use"] {
                Value::Null => self.named(item, &join(path, text(&item["name"]))),
                reexport => self.reexport(reexport, path),
            }
        }
    }

    fn reexport(&mut self, reexport: &'a Value, path: &str) {
        let target = self.item(&reexport["id"]);
        let is_glob = reexport["is_glob"] == true;
        let name = if is_glob {
            "*"
        } else {
            text(&reexport["name"])
        };
        if target["crate_id"] != 0 {
            let source = text(&reexport["source"]);
            return self.line(&join(path, name), &format!("use {source}"));
        }
        match (&target["inner"], is_glob) {
            (_, false) => self.named(target, &join(path, name)),
            (inner, true) => {
                self.members(&inner["module"]["items"], path);
                self.members(&inner["enum"]["variants"], path);
            }
        }
    }

    fn named(&mut self, item: &'a Value, path: &str) {
        let Some((kind, inner)) = item["inner"].as_object().and_then(|it| it.iter().next()) else {
            return;
        };
        match kind.as_str() {
            "module" => self.module(item, inner, path),
            "struct" | "enum" | "union" => self.data_type(kind, item, inner, path),
            "trait" => self.interface(inner, path),
            "variant" => self.variant(item, inner, path),
            "struct_field" => self.part(path, &format!("field {}", signature::of_type(inner))),
            _ => self.counted(path, &signature::of_item(kind, inner)),
        }
    }

    fn counted(&mut self, path: &str, what: &str) {
        let path_of_all_kinds = match (path.find('<'), path.rfind('>')) {
            (Some(start), Some(end)) => format!("{}{}", &path[..start], &path[end + 1..]),
            _ => path.to_owned(),
        };
        self.items.insert(path_of_all_kinds);
        self.line(path, what);
    }

    fn part(&mut self, path: &str, what: &str) {
        self.parts += 1;
        self.line(path, what);
    }

    fn module(&mut self, item: &'a Value, inner: &'a Value, path: &str) {
        self.counted(path, "mod");
        // A module that re-exports one around it would never end.
        if !self.modules.contains(&&item["id"]) {
            self.modules.push(&item["id"]);
            self.members(&inner["items"], path);
            self.modules.pop();
        }
    }

    fn data_type(&mut self, kind: &str, item: &'a Value, inner: &'a Value, path: &str) {
        let generics = signature::of_generics(&inner["generics"]);
        self.counted(path, &format!("{kind}{generics}{}", openness(item)));
        self.fields(&inner["kind"], path);
        self.each(&inner["fields"], path);
        self.each(&inner["variants"], path);
        let mut traits = Vec::new();
        for id in elements(&inner["impls"]) {
            let implementation = &self.item(id)["inner"]["impl"];
            if implementation["trait"].is_null() {
                self.methods(implementation, path);
            } else if is_written(implementation) {
                traits.push(signature::of_path(&implementation["trait"]));
            }
        }
        traits.retain(|name| name != "StructuralPartialEq");
        traits.sort();
        traits.dedup();
        if !traits.is_empty() {
            self.lines.push(format!("{path}: {}", traits.join(", ")));
        }
    }

    /// The methods of an `impl` without a trait. Those that only some kinds of
    /// a generic type have are listed under that kind.
    fn methods(&mut self, implementation: &'a Value, path: &str) {
        let arguments = signature::of_special_arguments(&implementation["for"]);
        for id in elements(&implementation["items"]) {
            let item = self.item(id);
            if item["visibility"] == "public" {
                self.named(
                    item,
                    &join(&format!("{path}{arguments}"), text(&item["name"])),
                );
            }
        }
    }

    fn interface(&mut self, inner: &'a Value, path: &str) {
        let generics = signature::of_generics(&inner["generics"]);
        let bounds = signature::of_bounds(": ", &inner["bounds"]);
        self.counted(path, &format!("trait{generics}{bounds}"));
        for id in elements(&inner["items"]) {
            let item = self.item(id);
            let Some((kind, member)) = item["inner"].as_object().and_then(|it| it.iter().next())
            else {
                continue;
            };
            let provided = if signature::is_provided(kind, member) {
                "provided "
            } else {
                ""
            };
            let what = signature::of_item(kind, member);
            self.part(
                &join(path, text(&item["name"])),
                &format!("{provided}{what}"),
            );
        }
        self.foreign_implementors(inner, path);
    }

    /// The types of other crates, and of any kind, that have a trait.
    fn foreign_implementors(&mut self, inner: &'a Value, path: &str) {
        for id in elements(&inner["implementations"]) {
            let item = self.item(id);
            let implementation = &item["inner"]["impl"];
            let target = &implementation["for"];
            let is_own = self.item(&target["resolved_path"]["id"])["crate_id"] == 0;
            if item["crate_id"] == 0 && !is_own {
                let what = format!(
                    "for {}{}",
                    signature::of_type(target),
                    signature::of_generics(&implementation["generics"]),
                );
                self.line(path, &what);
            }
        }
    }

    fn variant(&mut self, item: &'a Value, inner: &'a Value, path: &str) {
        self.part(path, &format!("variant{}", openness(item)));
        self.fields(&inner["kind"], path);
    }

    /// The fields of a struct or a variant.
    fn fields(&mut self, kind: &'a Value, path: &str) {
        self.each(&kind["plain"]["fields"], path);
        self.each(&kind["struct"]["fields"], path);
        self.each(&kind["tuple"], path);
    }

    fn each(&mut self, ids: &'a Value, path: &str) {
        // A private field of a tuple is null.
        for id in elements(ids).filter(|id| !id.is_null()) {
            let item = self.item(id);
            self.named(item, &join(path, text(&item["name"])));
        }
    }
}

/// Whether an `impl` stands in the source, and holds for no type by chance.
fn is_written(implementation: &Value) -> bool {
    implementation["is_synthetic"] == false && implementation["blanket_impl"].is_null()
}

/// Whether more may be added without breaking users.
fn openness(item: &Value) -> &'static str {
    let is_open = elements(&item["attrs"]).any(|attribute| attribute == "non_exhaustive");
    if is_open { " non_exhaustive" } else { "" }
}

fn join(path: &str, name: &str) -> String {
    match path {
        "" => name.to_owned(),
        _ => format!("{path}::{name}"),
    }
}

pub(super) fn elements(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_each_public_item_by_its_path() {
        let documentation = json!({
            "root": 0,
            "index": {
                "0": { "crate_id": 0, "inner": { "module": { "items": [1, 2] } } },
                "1": { "crate_id": 0, "inner": { "use": {
                    "name": "Side", "source": "side::Side", "id": 3, "is_glob": false } } },
                "2": { "crate_id": 0, "inner": { "use": {
                    "name": "other", "source": "other", "id": 9, "is_glob": true } } },
                "3": { "crate_id": 0, "name": "Side", "attrs": ["non_exhaustive"],
                    "inner": { "enum": { "variants": [4], "impls": [5, 7],
                        "generics": { "params": [], "where_predicates": [] } } } },
                "4": { "crate_id": 0, "name": "Left", "inner": { "variant": { "kind": "plain" } } },
                "5": { "crate_id": 0, "inner": { "impl": { "trait": null, "items": [6, 8],
                    "for": { "resolved_path": { "path": "Side", "id": 3, "args": null } } } } },
                "6": { "crate_id": 0, "name": "peer", "visibility": "public",
                    "inner": { "function": {
                        "sig": { "inputs": [["self", { "generic": "Self" }]],
                            "output": { "generic": "Self" } },
                        "generics": { "params": [], "where_predicates": [] },
                        "header": { "is_const": true } } } },
                "7": { "crate_id": 0, "inner": { "impl": { "is_synthetic": false,
                    "blanket_impl": null, "trait": { "path": "core::fmt::Debug" } } } },
                "8": { "crate_id": 0, "name": "own", "visibility": "default",
                    "inner": { "function": {} } },
            },
        });
        let listing = Listing::of(&documentation);
        assert_eq!(
            listing.text(),
            "# 2 public items, with 1 fields, variants and members of traits\n\
             * use other\n\
             Side enum non_exhaustive\n\
             Side: Debug\n\
             Side::Left variant\n\
             Side::peer const fn(self) -> Self\n"
        );
    }
}
