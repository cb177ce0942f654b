//! What the names in a query stand for.

use std::fs;
use std::path::{Path, PathBuf};

use datafusion::common::{Result, plan_err};
use flowscope_table::Table;
use glob::MatchOptions;

/// What a table is made of.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Source {
    /// Captures, in this order.
    Captures(Vec<PathBuf>),
    /// Parquet files, and folders of them.
    Parquet(Vec<PathBuf>),
}

/// What paths and patterns stand for. Those that a pattern finds are in order of
/// their names.
pub(crate) fn find(table: Table, names: &[String]) -> Result<Source> {
    let mut found = Vec::new();
    for name in names {
        let path = Path::new(name);
        if path.is_dir() {
            found.push(folder_of(table, path)?);
        } else if path.exists() {
            found.push(path.to_owned());
        } else {
            found.extend(matching(name)?);
        }
    }
    let is_parquet = |path: &PathBuf| path.is_dir() || has_extension(path, "parquet");
    let parquet = found.iter().filter(|path| is_parquet(path)).count();
    match parquet {
        0 => Ok(Source::Captures(found)),
        _ if parquet == found.len() => Ok(Source::Parquet(found)),
        _ => plan_err!("{table}: one table cannot be of captures and of Parquet files"),
    }
}

/// The folder of a table, in one that `flowscope parquet` wrote or that itself.
fn folder_of(table: Table, path: &Path) -> Result<PathBuf> {
    let inner = path.join(table.as_str());
    if inner.is_dir() {
        return Ok(inner);
    }
    if path.file_name().is_some_and(|name| name == table.as_str()) {
        return Ok(path.to_owned());
    }
    plan_err!(
        "{0} is a folder without the table {table}; captures in it are '{0}/*.pcap', and \
         `flowscope parquet` makes tables of them",
        path.display()
    )
}

fn matching(pattern: &str) -> Result<Vec<PathBuf>> {
    let is_pattern = pattern.contains(['*', '?', '[']);
    if !is_pattern {
        return plan_err!("there is no capture, and no folder of tables, called '{pattern}'");
    }
    let options = MatchOptions {
        require_literal_leading_dot: true,
        ..MatchOptions::default()
    };
    let paths = match glob::glob_with(pattern, options) {
        Ok(paths) => paths,
        Err(error) => return plan_err!("'{pattern}' is no pattern of names: {error}"),
    };
    let mut found = Vec::new();
    for path in paths {
        match path {
            Ok(path) if path.is_dir() => {}
            Ok(path) => found.push(path),
            Err(error) => return plan_err!("'{pattern}': {error}"),
        }
    }
    if found.is_empty() {
        return plan_err!("no file matches '{pattern}'");
    }
    Ok(found)
}

/// The Parquet files at a path, in all folders there.
pub(crate) fn parquet_files(path: &Path) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let mut paths: Vec<_> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    let is_table = |path: &PathBuf| path.is_dir() || has_extension(path, "parquet");
    let paths = paths.into_iter().filter(is_table);
    paths.flat_map(|path| parquet_files(&path)).collect()
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|it| it == extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder_with(files: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder can be made");
        for file in files {
            let path = folder.path().join(file);
            fs::create_dir_all(path.parent().expect("it is in the folder")).expect("as above");
            fs::write(path, "").expect("as above");
        }
        folder
    }

    fn find_in(folder: &Path, names: &[&str]) -> Result<Source, String> {
        let names: Vec<_> = names
            .iter()
            .map(|name| folder.join(name).display().to_string())
            .collect();
        find(Table::Flows, &names).map_err(|error| error.to_string())
    }

    #[test]
    fn patterns_find_files_in_order_of_their_names() {
        let folder = folder_with(&["b.pcap", "a.pcap", ".c.pcap", "d.pcap/x", "[e].pcap"]);
        let path = |name: &str| folder.path().join(name);
        let found = find_in(folder.path(), &["[e].pcap", "*.pcap"]);
        let expected = ["[e].pcap", "[e].pcap", "a.pcap", "b.pcap"];
        assert_eq!(found, Ok(Source::Captures(expected.map(path).to_vec())));
    }

    #[test]
    fn a_folder_is_that_of_its_table() {
        let folder = folder_with(&["flows/a.parquet", "flows/day=2026-01-31/b.parquet"]);
        let flows = folder.path().join("flows");
        for name in ["", "flows"] {
            let found = find_in(folder.path(), &[name]);
            assert_eq!(found, Ok(Source::Parquet(vec![flows.clone()])));
        }
        let files = ["a.parquet", "day=2026-01-31/b.parquet"].map(|it| flows.join(it));
        assert_eq!(parquet_files(&flows), files);
    }

    #[test]
    fn what_is_not_there_is_said() {
        let folder = folder_with(&["a.pcap", "b.parquet"]);
        for (names, complaint) in [
            (&["c.pcap"][..], "there is no capture"),
            (&["*.pcapng"], "no file matches"),
            (&["***"], "is no pattern of names"),
            (&["a.pcap", "b.parquet"], "of captures and of Parquet files"),
            (&["."], "is a folder without the table flows"),
        ] {
            let found = find_in(folder.path(), names).expect_err(complaint);
            assert!(found.contains(complaint), "{found}");
        }
    }
}
