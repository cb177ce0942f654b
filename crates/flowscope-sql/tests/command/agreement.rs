//! Counts and sums of every table are those of JSON, on all captures there are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use datafusion::arrow::datatypes::DataType;
use flowscope_pcap::PcapFlowSource;
use flowscope_record::{RecordConfig, RecordTracker, Records, json};
use flowscope_table::folder::{FolderConfig, ParquetFolder, Partition};
use flowscope_table::{Addresses, Input, Table, TableConfig, TableReader, schema};
use serde_json::{Map, Value};

use crate::support::{captures, rows};

/// How often each column has a value, and the sum of its numbers.
type Totals = BTreeMap<String, (u64, i128)>;

#[test]
fn every_table_adds_up_to_what_json_does() {
    let captures = captures();
    let list: Vec<_> = captures.iter().map(|it| quoted(it)).collect();
    for table in Table::ALL {
        let expected = by_json(table, &captures);
        assert!(expected["type"].0 > 0, "{table}");
        let query = query(table, &format!("{table}({})", list.join(", ")));
        assert_eq!(
            totals(table, &rows(&query, &["--each"])),
            expected,
            "{table}"
        );
    }
}

#[test]
fn parquet_adds_up_to_what_json_does() {
    let captures = captures();
    for partition in [Partition::None, Partition::Day] {
        let folder = tempfile::tempdir().unwrap();
        write_tables(&captures, folder.path().to_owned(), partition);
        for table in Table::ALL {
            let query = query(table, &format!("{table}('{}')", folder.path().display()));
            let found = totals(table, &rows(&query, &[]));
            assert_eq!(found, by_json(table, &captures), "{table} {partition:?}");
        }
    }
}

fn quoted(path: &Path) -> String {
    format!("'{}'", path.display())
}

/// Asks for the count of every column, and the sum of those with numbers.
fn query(table: Table, source: &str) -> String {
    let mut wanted = Vec::new();
    for column in schema(table, Addresses::Text).fields() {
        let name = column.name();
        wanted.push(format!("count(\"{name}\") AS \"{name}\""));
        let number = match column.data_type() {
            DataType::Int32 | DataType::Int64 => format!("\"{name}\""),
            DataType::Timestamp(..) | DataType::Duration(_) => {
                format!("CAST(\"{name}\" AS BIGINT)")
            }
            DataType::List(_) => format!("cardinality(\"{name}\")"),
            _ => continue,
        };
        // Whole numbers of any size.
        wanted.push(format!(
            "CAST(sum(CAST({number} AS DECIMAL(38, 0))) AS VARCHAR) AS \"sum {name}\""
        ));
    }
    format!("SELECT {} FROM {source}", wanted.join(", "))
}

fn totals(table: Table, rows: &[Value]) -> Totals {
    let [Value::Object(row)] = rows else {
        panic!("{rows:?}");
    };
    let mut totals = Totals::new();
    for column in schema(table, Addresses::Text).fields() {
        let name = column.name();
        // JSON has no word for it.
        if name == "capture" {
            continue;
        }
        let count = row[name].as_u64().unwrap();
        let sum = row.get(&format!("sum {name}"));
        let sum = sum.map_or(0, |sum| sum.as_str().unwrap().parse().unwrap());
        if count > 0 {
            totals.insert(name.clone(), (count, sum));
        }
    }
    totals
}

fn by_json(table: Table, captures: &[PathBuf]) -> Totals {
    let mut totals = Totals::new();
    let schema = schema(table, Addresses::Text);
    for capture in captures {
        let Ok(source) = PcapFlowSource::open(capture) else {
            continue;
        };
        let config = RecordConfig {
            goal: table.goal(),
            ..RecordConfig::default()
        };
        let records = Records::of(source).with_tracker(RecordTracker::new(config));
        for record in records.flatten().filter(|record| table.has(record)) {
            let mut line = Vec::new();
            json::append(&mut line, &record);
            let line = quoted_seconds(&String::from_utf8(line).unwrap());
            let row: Map<String, Value> = serde_json::from_str(&line).unwrap();
            for (name, value) in row {
                let total = totals.entry(name.clone()).or_default();
                total.0 += 1;
                total.1 += match schema.field_with_name(&name).unwrap().data_type() {
                    DataType::Timestamp(..) | DataType::Duration(_) => nanos(&value),
                    DataType::List(_) => items(&value),
                    _ => value.as_i64().map_or(0, i128::from),
                };
            }
        }
    }
    totals
}

/// A line of JSON with its seconds as text, as numbers of this size lose their
/// last digits.
fn quoted_seconds(line: &str) -> String {
    let mut quoted = String::new();
    let mut is_text = false;
    let mut is_escaped = false;
    let mut number = String::new();
    for letter in line.chars() {
        if !is_text && (letter.is_ascii_digit() || letter == '.') {
            number.push(letter);
            continue;
        }
        match number.contains('.') {
            true => quoted.push_str(&format!("\"{number}\"")),
            false => quoted.push_str(&number),
        }
        number.clear();
        is_text ^= letter == '"' && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        quoted.push(letter);
    }
    quoted
}

/// Seconds in nanoseconds.
fn nanos(seconds: &Value) -> i128 {
    let text = match seconds {
        Value::String(text) => text.clone(),
        whole => whole.to_string(),
    };
    let (whole, rest) = text.split_once('.').unwrap_or((&text, ""));
    format!("{whole}{rest:0<9}").parse().unwrap()
}

/// How many there are. One value is a list of one.
fn items(value: &Value) -> i128 {
    let items = value.as_array();
    items.map_or(1, |items| i128::try_from(items.len()).unwrap())
}

fn write_tables(captures: &[PathBuf], root: PathBuf, partition: Partition) {
    let config = FolderConfig {
        partition,
        ..FolderConfig::default()
    };
    let mut tables = ParquetFolder::create(root, "all", config).unwrap();
    let config = TableConfig {
        each_alone: true,
        ..TableConfig::default()
    };
    let inputs = captures.iter().map(Input::file).collect();
    let reader = TableReader::new(inputs, &Table::ALL).with_config(config);
    for (table, batch) in reader.into_iter().flatten() {
        tables.write(table, batch).unwrap();
    }
    tables.finish(&Table::ALL).unwrap();
}
