//! The table of fields in `docs/EXPORT.md` names fields that are there.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use flowscope_export::eve::EveWriter;
use flowscope_export::ipfix::{IpfixConfig, IpfixWriter};
use flowscope_export::zeek::Log;
use flowscope_pcap::PcapFlowSource;
use flowscope_record::{Record, RecordConfig, RecordTracker, Records, schema};
use netflow_parser::NetflowParser;
use serde_json::Value;

#[test]
fn every_field_of_the_table_is_there() {
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/EXPORT.md");
    let document = fs::read_to_string(document).unwrap();
    let (_, table) = document.split_once("| flowscope | Zeek |").unwrap();
    let rows: Vec<Vec<&str>> = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with('|'))
        .map(|line| line.split('|').skip(1).take(4).map(str::trim).collect())
        .collect();
    assert!(rows.len() > 30, "{} rows", rows.len());

    let ours: BTreeSet<&str> = schema::ALL
        .iter()
        .flat_map(|schema| {
            schema
                .fields
                .iter()
                .copied()
                .flatten()
                .map(|field| field.name)
        })
        .collect();
    let zeek: BTreeSet<&str> = Log::ALL
        .iter()
        .flat_map(|log| log.columns().iter().map(|column| column.name))
        .collect();
    let (eve, ipfix) = written();
    for row in rows {
        let [own, in_zeek, in_eve, in_ipfix] = row[..] else {
            panic!("{row:?}");
        };
        for name in quoted(own) {
            assert!(ours.contains(name), "{name} is no field");
        }
        for name in quoted(in_zeek) {
            assert!(zeek.contains(name), "{name} is no column of Zeek's logs");
        }
        for name in quoted(in_eve) {
            assert!(eve.contains(name), "{name} is in no event");
        }
        for name in in_ipfix.split([' ', ',']).filter(|word| word.len() > 5) {
            let name = name.to_ascii_lowercase();
            assert!(
                name == "reverse" || ipfix.contains(&name),
                "{name} is no element"
            );
        }
    }
}

/// What stands in backquotes.
fn quoted(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The paths of all fields of EVE, and the names of all elements of IPFIX, in
/// lower case, of every capture.
fn written() -> (BTreeSet<String>, String) {
    let mut paths = BTreeSet::new();
    let mut elements = String::new();
    for capture in captures() {
        let mut eve = EveWriter::new(Vec::new());
        let mut ipfix = IpfixWriter::new(IpfixConfig::FILE, Vec::new());
        for record in records(&capture) {
            eve.write(&record).unwrap();
            ipfix.write(&record).unwrap();
        }
        for line in String::from_utf8(eve.finish().unwrap()).unwrap().lines() {
            let event: Value = serde_json::from_str(line).unwrap();
            collect(&event, "", &mut paths);
        }
        let messages = ipfix.finish().unwrap();
        let result = NetflowParser::default().parse_bytes(&messages);
        elements.push_str(&format!("{:?}", result.packets).to_ascii_lowercase());
    }
    (paths, elements)
}

fn collect(value: &Value, path: &str, paths: &mut BTreeSet<String>) {
    paths.insert(path.to_owned());
    if let Value::Object(fields) = value {
        for (name, value) in fields {
            let path = match path {
                "" => name.clone(),
                path => format!("{path}.{name}"),
            };
            collect(value, &path, paths);
        }
    }
}

fn records(capture: &Path) -> Vec<Record> {
    let config = flowscope_export::record_config(RecordConfig::default());
    let source = PcapFlowSource::open(capture).unwrap();
    Records::of(source)
        .with_tracker(RecordTracker::new(config))
        .map(Result::unwrap)
        .collect()
}

fn captures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/pcap");
    [folder.join("recorded"), folder]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "pcap"))
        .collect()
}
