//! Every value of every table is that of JSON, on all captures there are.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod rows;

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use flowscope_pcap::PcapFlowSource;
use flowscope_record::{RecordConfig, RecordTracker, Records, json};
use flowscope_table::{Addresses, CAPTURE, Input, Table, TableConfig, TableReader, schema};
use rows::values;
use serde_json::Value;

#[test]
fn every_row_says_what_json_says() {
    let mut rows = HashMap::new();
    for capture in captures() {
        for table in Table::ALL {
            let expected = by_json(&capture, table);
            let found = rows_of(&capture, &[table]);
            assert_eq!(
                found.len(),
                expected.len(),
                "{table} of {}",
                capture.display()
            );
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found, expected, "{table} of {}", capture.display());
            }
            *rows.entry(table).or_insert(0) += found.len();
        }
    }
    for table in Table::ALL {
        assert!(rows[&table] > 0, "no rows of {table}");
    }
}

#[test]
fn tables_made_in_one_go_are_those_made_alone() {
    for capture in captures() {
        let mut together: HashMap<Table, Vec<Value>> = HashMap::new();
        let reader = TableReader::new(vec![Input::file(&capture)], &Table::ALL);
        for (table, batch) in reader.into_iter().flatten() {
            together.entry(table).or_default().extend(values(&batch));
        }
        for table in Table::ALL {
            let alone = rows_of(&capture, &[table]);
            let together = together.remove(&table).unwrap_or_default();
            assert_eq!(together, alone, "{table} of {}", capture.display());
        }
    }
}

#[test]
fn a_column_is_the_same_with_others_and_without() {
    for capture in captures().iter().step_by(5) {
        for table in Table::ALL {
            let whole = rows_of(capture, &[table]);
            let schema = schema(table, Addresses::Text);
            // JSON has no word for the capture.
            let columns = schema.fields().iter().filter(|it| it.name() != CAPTURE);
            for column in columns {
                let config = TableConfig {
                    columns: Some(vec![column.name().clone()]),
                    ..TableConfig::default()
                };
                let reader = TableReader::new(vec![Input::file(capture)], &[table]);
                let batches = reader.with_config(config).into_iter().flatten();
                let found: Vec<_> = batches.flat_map(|(_, batch)| values(&batch)).collect();
                let expected = whole.iter().map(|row| row.get(column.name()).cloned());
                let found = found.iter().map(|row| row.get(column.name()).cloned());
                assert!(
                    found.eq(expected),
                    "{table}.{} of {}",
                    column.name(),
                    capture.display()
                );
            }
        }
    }
}

/// The rows of a table as JSON would have them, without the one column that
/// JSON has not.
fn rows_of(capture: &Path, tables: &[Table]) -> Vec<Value> {
    let reader = TableReader::new(vec![Input::file(capture)], tables);
    // Some captures are damaged.
    let batches = reader.into_iter().flatten();
    batches.flat_map(|(_, batch)| values(&batch)).collect()
}

fn by_json(capture: &Path, table: Table) -> Vec<Value> {
    let Ok(source) = PcapFlowSource::open(capture) else {
        return Vec::new();
    };
    let config = RecordConfig {
        goal: table.goal(),
        ..RecordConfig::default()
    };
    let records = Records::of(source).with_tracker(RecordTracker::new(config));
    let records = records.flatten().filter(|record| table.has(record));
    records
        .map(|record| {
            let mut line = Vec::new();
            json::append(&mut line, &record);
            let mut value: Value = serde_json::from_slice(&line).unwrap();
            exact(&mut value);
            one_is_a_list(table, &mut value);
            value
        })
        .collect()
}

/// Times as text, as numbers of this size lose their last digits here.
fn exact(value: &mut Value) {
    let Value::Object(fields) = value else {
        return;
    };
    for (name, field) in fields {
        if ["ts", "start", "end", "duration", "latency", "asked"].contains(&name.as_str()) {
            *field = Value::from(format!("{:.3}", field.as_f64().unwrap()));
        }
    }
}

/// Where some records have one value and some have several, all have a list.
fn one_is_a_list(table: Table, value: &mut Value) {
    if let (Table::Tls, Some(alpn @ Value::String(_))) = (table, value.get_mut("alpn")) {
        *alpn = Value::Array(vec![alpn.take()]);
    }
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
