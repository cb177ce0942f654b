//! Other readers of Parquet read tables to the counts and sums of JSON.
//!
//! They are DuckDB and pyarrow, from `pip install duckdb pyarrow`, for the Python
//! that `FLOWSCOPE_PYTHON` names, or else for `python3`. Where that has none of
//! them the test is left out and says so, unless the variable is set.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::env;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use flowscope_pcap::PcapFlowSource;
use flowscope_record::json::JsonWriter;
use flowscope_record::{RecordConfig, RecordTracker, Records};
use flowscope_table::folder::{FolderConfig, ParquetFolder};
use flowscope_table::{Input, Table, TableConfig, TableReader};

#[test]
fn other_readers_come_to_the_same_counts_and_sums() {
    let named = env::var_os("FLOWSCOPE_PYTHON");
    let python = named.clone().unwrap_or_else(|| "python3".into());
    let import = Command::new(&python)
        .args(["-c", "import duckdb, pyarrow"])
        .output();
    if !import.is_ok_and(|it| it.status.success()) {
        assert!(
            named.is_none(),
            "{} has no duckdb and pyarrow",
            python.display()
        );
        // Not captured, as what a test prints is.
        let _ = writeln!(
            io::stderr(),
            "SKIPPED other readers of Parquet: {} has no duckdb and pyarrow",
            python.display()
        );
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for table in Table::ALL {
        write(table, folder.path());
    }
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/tables.py");
    let output = Command::new(&python)
        .arg(script)
        .arg(folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaint}");
    assert!(said.contains("rows agree"), "{said}");
}

/// Writes a table of all captures to `TABLE.parquet`, and their records to
/// `TABLE.json`.
fn write(table: Table, folder: &Path) {
    let file = File::create(folder.join(format!("{table}.json"))).unwrap();
    let mut json = JsonWriter::new(file);
    for capture in captures() {
        // Some are damaged from the first byte on.
        let Ok(source) = PcapFlowSource::open(capture) else {
            continue;
        };
        let config = RecordConfig {
            goal: table.goal(),
            ..RecordConfig::default()
        };
        let records = Records::of(source).with_tracker(RecordTracker::new(config));
        for record in records.flatten().filter(|record| table.has(record)) {
            json.write(&record).unwrap();
        }
    }
    json.flush().unwrap();

    let parts = folder.join("parts");
    let mut tables = ParquetFolder::create(&parts, "it", FolderConfig::default()).unwrap();
    let config = TableConfig {
        each_alone: true,
        ..TableConfig::default()
    };
    let inputs = captures().into_iter().map(Input::file).collect();
    let reader = TableReader::new(inputs, &[table]).with_config(config);
    for (table, batch) in reader.into_iter().flatten() {
        tables.write(table, batch).unwrap();
    }
    let files = tables.finish(&[table]).unwrap();
    fs::rename(&files[0], folder.join(format!("{table}.parquet"))).unwrap();
}

/// Every capture that there is.
fn captures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/pcap");
    let folders = [folder.clone(), folder.join("recorded")];
    let files = folders.iter().flat_map(|it| fs::read_dir(it).unwrap());
    let mut captures: Vec<_> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it != "md"))
        .collect();
    captures.sort();
    assert!(captures.len() > 100, "{} captures", captures.len());
    captures
}
