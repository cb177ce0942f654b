//! What a source file refers to, by full paths.
//!
//! A path is followed through the file's imports, through `self` and `super`,
//! and through what the crate's `lib.rs` re-exports, so that `time::Instant`
//! after `use std::time` is found, and `crate::FlowId` is known to be
//! `crate::track::FlowId`.

use std::collections::BTreeMap;
use std::path::Path;

use super::lexer::{self, Token};
use crate::{Failure, project};

/// A source file and what it refers to.
#[derive(Debug)]
pub(super) struct Source {
    /// Where it is, from the workspace's folder.
    pub(super) file: String,
    tokens: Vec<Token>,
    paths: Vec<(usize, Vec<String>)>,
}

/// Something that a source file may refer to.
#[derive(Clone, Copy, Debug)]
pub(super) enum Thing {
    /// A word anywhere in the code, such as a keyword or a crate's name.
    Word(&'static str),
    /// A macro's name where it is called.
    Macro(&'static str),
    /// A path and all below it. A `*` at its end stands for the rest of a name.
    Path(&'static str),
}

impl Source {
    pub(super) fn read(root: &Path, file: &str) -> Result<Self, Failure> {
        let text = project::read(&root.join(file))?;
        let (module, lib) = module_of(file);
        let exports = match std::fs::read_to_string(root.join(&lib)) {
            Ok(text) if lib != file => Names::of(&lexer::shipped(&text), &["crate".into()]),
            _ => Names::default(),
        };
        Ok(Self::parse(file, &text, &module, &exports))
    }

    fn parse(file: &str, text: &str, module: &[String], exports: &Names) -> Self {
        let tokens = lexer::shipped(text);
        let names = Names::of(&tokens, module);
        let mut paths = names.imports.clone();
        for (line, path) in paths_outside_imports(&tokens) {
            paths.push((line, names.resolve(path)));
        }
        for (_, path) in &mut paths {
            if let [root, name, rest @ ..] = path.as_slice()
                && root == "crate"
                && let Some(origin) = exports.meaning.get(name)
            {
                *path = [origin, rest].concat();
            }
        }
        Self {
            file: file.to_owned(),
            tokens,
            paths,
        }
    }

    /// Where the file refers to `thing`, each with what is written there.
    pub(super) fn find(&self, thing: &Thing) -> Vec<(usize, String)> {
        match *thing {
            Thing::Word(word) => self
                .tokens
                .iter()
                .filter(|token| token.text == word)
                .map(|token| (token.line, word.to_owned()))
                .collect(),
            Thing::Macro(name) => self
                .tokens
                .windows(2)
                .filter(|pair| pair[0].text == name && pair[1].text == "!")
                .map(|pair| (pair[0].line, format!("{name}!")))
                .collect(),
            Thing::Path(pattern) => self
                .paths
                .iter()
                .filter(|(_, path)| matches(pattern, path))
                .map(|(line, path)| (*line, path.join("::")))
                .collect(),
        }
    }
}

/// Whether `path` is what `pattern` says, is below it, or imports it by a glob.
fn matches(pattern: &str, path: &[String]) -> bool {
    let mut path = path.iter();
    for wanted in pattern.split("::") {
        let fits = match (path.next(), wanted.strip_suffix('*')) {
            (None, _) => return false,
            (Some(glob), _) if glob == "*" => return true,
            (Some(name), Some(start)) => name.starts_with(start),
            (Some(name), None) => name == wanted,
        };
        if !fits {
            return false;
        }
    }
    true
}

/// The path of the module in a file, and its crate's `lib.rs`.
fn module_of(file: &str) -> (Vec<String>, String) {
    let (krate, inside) = file.split_once("/src/").unwrap_or(("", file));
    let inside = inside.trim_end_matches(".rs");
    let parts = inside
        .split('/')
        .filter(|part| !matches!(*part, "lib" | "main" | "mod"));
    let module = ["crate"].into_iter().chain(parts).map(str::to_owned);
    (module.collect(), format!("{krate}/src/lib.rs"))
}

/// What names mean in one file.
#[derive(Debug, Default)]
struct Names {
    module: Vec<String>,
    meaning: BTreeMap<String, Vec<String>>,
    /// Every path imported, in full, and its line.
    imports: Vec<(usize, Vec<String>)>,
}

impl Names {
    fn of(tokens: &[Token], module: &[String]) -> Self {
        let mut names = Self {
            module: module.to_vec(),
            ..Self::default()
        };
        for pair in tokens.windows(2) {
            if pair[0].text == "mod" {
                let path = [module, &[pair[1].text.clone()]].concat();
                names.meaning.insert(pair[1].text.clone(), path);
            }
        }
        let mut rest = tokens;
        while let Some(at) = rest.windows(2).position(begins_import) {
            rest = names.import(&rest[at + 1..], &[]);
        }
        names
    }

    /// Takes one tree of imports below `prefix`; returns what follows it.
    fn import<'a>(&mut self, mut tokens: &'a [Token], prefix: &[String]) -> &'a [Token] {
        let mut path = prefix.to_vec();
        let mut name = None;
        let mut line = 0;
        while let Some((token, rest)) = tokens.split_first() {
            match token.text.as_str() {
                "," | "}" | ";" => break,
                ":" => tokens = rest,
                "{" => {
                    tokens = rest;
                    while let Some((token, rest)) = tokens.split_first() {
                        match token.text.as_str() {
                            "}" => return rest,
                            ";" => return tokens,
                            "," => tokens = rest,
                            _ => tokens = self.import(tokens, &path),
                        }
                    }
                    return tokens;
                }
                "as" => {
                    name = rest.first().map(|token| token.text.clone());
                    tokens = rest.get(1..).unwrap_or_default();
                }
                // The module itself, in a list of what is in it.
                "self" if !prefix.is_empty() => tokens = rest,
                segment => {
                    path.push(segment.to_owned());
                    tokens = rest;
                }
            }
            line = token.line.max(line);
        }
        let path = self.resolve(path);
        if let Some(name) = name.or_else(|| path.last().cloned()) {
            // The name of a crate means itself, not what is imported from it.
            self.meaning.entry(name).or_insert_with(|| path.clone());
        }
        self.imports.push((line, path));
        tokens
    }

    /// A path in full, from a crate's name or `crate`.
    fn resolve(&self, path: Vec<String>) -> Vec<String> {
        let Some((first, rest)) = path.split_first() else {
            return path;
        };
        match first.as_str() {
            "crate" => path,
            "self" => [self.module.as_slice(), rest].concat(),
            "super" => {
                let ups = 1 + rest.iter().take_while(|part| *part == "super").count();
                let kept = self.module.len().saturating_sub(ups).max(1);
                let base = self.module.get(..kept).unwrap_or_default();
                [base, &rest[ups - 1..]].concat()
            }
            name => match self.meaning.get(name) {
                Some(meaning) => [meaning.as_slice(), rest].concat(),
                None => path,
            },
        }
    }
}

/// Whether these two tokens begin an import, and not `use<'a>` in a type.
fn begins_import(pair: &[Token]) -> bool {
    pair[0].text == "use" && pair[1].text != "<"
}

/// Every path in expressions, types and patterns: words with `::` between.
fn paths_outside_imports(tokens: &[Token]) -> Vec<(usize, Vec<String>)> {
    let mut paths: Vec<(usize, Vec<String>)> = Vec::new();
    let mut importing = false;
    for (n, token) in tokens.iter().enumerate() {
        if tokens.get(n..n + 2).is_some_and(begins_import) {
            importing = true;
        } else if token.text == ";" {
            importing = false;
        }
        if importing || !token.is_word() {
            continue;
        }
        let before = |back: usize| n.checked_sub(back).map(|n| tokens[n].text.as_str());
        let continues =
            before(1) == Some(":") && before(2) == Some(":") && n >= 3 && tokens[n - 3].is_word();
        match paths.last_mut() {
            Some((_, path)) if continues => path.push(token.text.clone()),
            // A field or a method belongs to a value, not to a module.
            _ if before(1) == Some(".") => {}
            _ => paths.push((token.line, vec![token.text.clone()])),
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        let module = ["crate", "track", "table"].map(str::to_owned);
        let exports = Names::of(
            &lexer::shipped("mod track; mod wire; pub use track::{FlowId, tcp::Flags as F};"),
            &["crate".to_owned()],
        );
        let source = Source::parse("x.rs", text, &module, &exports);
        let paths = source.paths.iter().filter(|(_, path)| path.len() > 1);
        paths.map(|(_, path)| path.join("::")).collect()
    }

    #[test]
    fn imports_in_groups_and_by_other_names() {
        assert_eq!(
            paths("use std::{time::{self, Instant as Now}, fs}; pub use super::tcp::*;"),
            [
                "std::time",
                "std::time::Instant",
                "std::fs",
                "crate::track::tcp::*"
            ]
        );
    }

    #[test]
    fn paths_are_followed_through_imports() {
        let found = paths("use std::time; fn f() { let a = time::Instant::now(); }");
        assert!(
            found.contains(&"std::time::Instant::now".to_owned()),
            "{found:?}"
        );
        let found = paths("fn f(a: ::std::fs::File) { self.time(super::super::wire::X) }");
        assert!(found.contains(&"std::fs::File".to_owned()), "{found:?}");
        assert!(found.contains(&"crate::wire::X".to_owned()), "{found:?}");
        assert!(!found.contains(&"time".to_owned()), "{found:?}");
    }

    #[test]
    fn the_root_means_where_things_come_from() {
        assert_eq!(
            paths("use crate::{FlowId, F};"),
            ["crate::track::FlowId", "crate::track::tcp::Flags"]
        );
    }

    #[test]
    fn patterns() {
        let path = |text: &str| text.split("::").map(str::to_owned).collect::<Vec<_>>();
        assert!(matches(
            "std::net::Tcp*",
            &path("std::net::TcpStream::connect")
        ));
        assert!(matches("std::net::Tcp*", &path("std::net::*")));
        assert!(matches("std::fs", &path("std::fs")));
        assert!(!matches("std::net::Tcp*", &path("std::net::IpAddr")));
        assert!(!matches("std::time::Instant", &path("std::time")));
    }
}
