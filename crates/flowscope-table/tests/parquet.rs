//! Files of tables: what is in them, what they are called, and that one appears
//! whole or not at all.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampNanosecondType;
use flowscope_table::folder::{FolderConfig, ParquetFolder, Partition};
use flowscope_table::{Addresses, Input, Table, TableReader, schema};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

const HTTP: &str = "recorded/http-1-0.pcap";

#[test]
fn what_is_read_is_what_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let expected = batches(&[HTTP], Table::Http);
    let mut tables = ParquetFolder::create(folder.path(), "it", FolderConfig::default()).unwrap();
    for batch in &expected {
        tables.write(Table::Http, batch.clone()).unwrap();
    }
    let files = tables.finish(&[Table::Http, Table::Dns]).unwrap();
    let [dns, http] = &files[..] else {
        panic!("{files:?}");
    };
    assert_eq!(read(http), expected);
    assert_eq!(rows(dns), 0);
    assert_eq!(*schema_of(dns), *schema(Table::Dns, Addresses::Text));
}

#[test]
fn a_file_has_its_name_when_it_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let mut tables = ParquetFolder::create(folder.path(), "it", FolderConfig::default()).unwrap();
    for batch in batches(&[HTTP], Table::Http) {
        tables.write(Table::Http, batch).unwrap();
    }
    let partial = files(folder.path());
    assert!(
        partial
            .iter()
            .all(|it| it.extension().is_none_or(|it| it != "parquet"))
    );
    assert_eq!(partial.len(), 1);
    // As if it had been given up.
    drop(tables);
    assert_eq!(files(folder.path()), [] as [PathBuf; 0]);
}

#[test]
fn rows_are_in_order_of_time_within_a_row_group() {
    let folder = tempfile::tempdir().unwrap();
    let config = FolderConfig {
        row_group: 100,
        ..FolderConfig::default()
    };
    let mut tables = ParquetFolder::create(folder.path(), "it", config).unwrap();
    // The later one first.
    for capture in ["recorded/chromium-https.pcap", HTTP] {
        for batch in batches(&[capture], Table::Flows) {
            tables.write(Table::Flows, batch).unwrap();
        }
    }
    let [file] = &tables.finish(&[Table::Flows]).unwrap()[..] else {
        panic!("one file");
    };
    let found = read(file);
    let times: Vec<i64> = found.iter().flat_map(times).collect();
    assert!(times.len() > 2 && times.is_sorted(), "{times:?}");
}

#[test]
fn each_day_has_its_folder() {
    let folder = tempfile::tempdir().unwrap();
    let config = FolderConfig {
        partition: Partition::Day,
        ..FolderConfig::default()
    };
    let mut tables = ParquetFolder::create(folder.path(), "it", config).unwrap();
    let captures = ["recorded/chromium-https.pcap", HTTP];
    let written = batches(&captures, Table::Flows);
    for batch in &written {
        tables.write(Table::Flows, batch.clone()).unwrap();
    }
    let files = tables.finish(&[Table::Flows, Table::Dns]).unwrap();
    let mut read_rows = 0;
    for file in &files {
        let day = file
            .parent()
            .unwrap()
            .file_name()
            .unwrap()
            .to_str()
            .unwrap();
        assert!(day.starts_with("day=20"), "{day}");
        let days: Vec<_> = read(file)
            .iter()
            .flat_map(times)
            .map(|it| it / 86_400_000_000_000)
            .collect();
        assert!(days.iter().all(|day| *day == days[0]), "{days:?}");
        read_rows += rows(file);
    }
    assert_eq!(
        read_rows,
        written.iter().map(RecordBatch::num_rows).sum::<usize>()
    );
}

#[test]
fn a_second_run_replaces_the_first() {
    let folder = tempfile::tempdir().unwrap();
    let capture = fixture(HTTP);
    let args = [
        capture.to_str().unwrap(),
        "-o",
        folder.path().to_str().unwrap(),
    ];
    assert!(command(&args).status.success());
    let first = files(folder.path());
    assert_eq!(first.len(), Table::ALL.len());
    // One that an earlier version might have written, and one of something else.
    let flows = first
        .iter()
        .find(|it| it.to_str().unwrap().contains("/flows/"))
        .unwrap();
    let stale = flows.with_extension("7.parquet");
    let other = flows.with_file_name("other.parquet");
    fs::copy(flows, &stale).unwrap();
    fs::copy(flows, &other).unwrap();
    assert!(command(&args).status.success());
    let mut expected = first.clone();
    expected.push(other);
    expected.sort();
    assert_eq!(files(folder.path()), expected);
}

#[test]
fn a_damaged_capture_gives_what_is_readable_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let whole = fs::read(fixture(HTTP)).unwrap();
    let damaged = folder.path().join("damaged.pcap");
    fs::write(&damaged, &whole[..whole.len() - 10]).unwrap();
    let out = folder.path().join("tables");
    let args = [
        damaged.to_str().unwrap(),
        "-o",
        out.to_str().unwrap(),
        "--tables",
        "flows",
    ];
    let output = command(&args);
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr.contains("damaged.pcap: ") && stderr.contains("at byte"),
        "{stderr}"
    );
    let [flows] = &files(&out)[..] else {
        panic!("one file");
    };
    assert!(rows(flows) > 0);

    fs::remove_dir_all(&out).unwrap();
    let output = command(&[&args[..], &["--strict"]].concat());
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(files(&out), [] as [PathBuf; 0]);
}

#[test]
fn wrong_usage_is_told_and_has_a_status_of_its_own() {
    for (args, said) in [
        (
            &["x.pcap", "-o", "d", "--tables", "flow"][..],
            "there are flows, http",
        ),
        (&["x.pcap"], "--output"),
        (&["x.pcap", "-o", "d", "--partition", "hour"], "none or day"),
    ] {
        let output = command(args);
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{stderr}");
        assert!(stderr.contains(said), "{stderr}");
    }
}

fn command(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_flowscope-parquet"));
    command.args(args).output().unwrap()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fixtures/pcap")
        .join(name)
}

fn batches(captures: &[&str], table: Table) -> Vec<RecordBatch> {
    let inputs = captures.iter().map(|it| Input::file(fixture(it))).collect();
    let batches = TableReader::new(inputs, &[table]).into_iter();
    batches.map(|it| it.unwrap().1).collect()
}

fn read(file: &Path) -> Vec<RecordBatch> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
    let batches = reader.with_batch_size(1 << 20).build().unwrap();
    batches
        .map(|batch| {
            let batch = batch.unwrap();
            // The file says whose it is besides what the schema says.
            let schema = schema_of(file);
            RecordBatch::try_new(schema, batch.columns().to_vec()).unwrap()
        })
        .collect()
}

fn schema_of(file: &Path) -> arrow_schema::SchemaRef {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
    reader.schema().clone()
}

fn rows(file: &Path) -> usize {
    read(file).iter().map(RecordBatch::num_rows).sum()
}

fn times(batch: &RecordBatch) -> Vec<i64> {
    let times = batch.column_by_name("ts").unwrap();
    times
        .as_primitive::<TimestampNanosecondType>()
        .values()
        .to_vec()
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    found
}
