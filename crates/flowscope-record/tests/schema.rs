//! Every record has the fields of its schema, in order, and no others.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use flowscope_core::Timestamp;
use flowscope_detect::Protocol;
use flowscope_pcap::PcapFlowSource;
use flowscope_record::csv::CsvWriter;
use flowscope_record::json::JsonWriter;
use flowscope_record::schema::{self, Field, FieldType};
use flowscope_record::{
    FieldVisitor, FlowKey, Goal, PlainText, Record, RecordConfig, RecordTracker, Records, Visit,
};

#[test]
fn every_record_has_the_fields_of_its_schema() {
    let mut seen = BTreeSet::new();
    for goal in GOALS {
        let columns = schema::columns(goal);
        for capture in captures() {
            for record in records(&capture, goal, FlowKey::FiveTuple) {
                check(&record);
                // These are for programs, whatever the goal is.
                let is_extra = matches!(record, Record::Connection(_) | Record::Packet(_));
                for field in record.schema().fields_of(record.kind()) {
                    if is_extra {
                        break;
                    }
                    assert!(columns.contains(&field.name), "{goal:?}: {}", field.name);
                }
                seen.insert(record.kind());
            }
        }
    }
    let types = schema::ALL.iter().flat_map(|schema| schema.types);
    assert_eq!(seen, types.copied().collect(), "some type was never made");
}

/// A protocol that is found and not shown, or shown and not described, is one whose
/// row is missing somewhere.
#[test]
fn each_protocol_gives_records_that_every_format_takes() {
    let mut spoken = BTreeSet::new();
    for capture in captures() {
        let records = records(&capture, Goal::All, FlowKey::FiveTuple);
        let apps: BTreeMap<_, _> = records
            .iter()
            .filter_map(|record| match record {
                Record::Flow(flow) => Some((flow.flow, flow.app?)),
                _ => None,
            })
            .collect();
        let mut json = JsonWriter::new(Vec::new());
        let mut csv = CsvWriter::new(schema::columns(Goal::All), Vec::new()).unwrap();
        for record in records {
            let is_message = !matches!(
                record,
                Record::Flow(_) | Record::Event(_) | Record::Connection(_) | Record::Packet(_)
            );
            let app = record.flow().and_then(|(flow, _)| apps.get(&flow));
            let (true, Some(app)) = (is_message, app) else {
                continue;
            };
            let schema = record.schema();
            assert!(schema::ALL.iter().any(|it| it.name == schema.name), "{app}");
            assert!(
                schema
                    .types_for(Goal::All)
                    .unwrap()
                    .contains(&record.kind())
            );
            json.write(&record).unwrap();
            csv.write(&record).unwrap();
            spoken.insert(app.as_str());
        }
        csv.flush().unwrap();
        let json = String::from_utf8(json.into_inner().unwrap()).unwrap();
        assert!(json.lines().all(|line| line.starts_with("{\"type\":\"")));
    }
    let all = Protocol::ALL.iter().map(|it| it.as_str());
    assert_eq!(spoken, all.collect(), "some protocol has no record");
}

#[test]
fn the_field_app_says_what_it_may_be() {
    let app = schema::FLOW.field("app").unwrap();
    for protocol in Protocol::ALL {
        let name = format!("`{protocol}`");
        assert!(app.description.contains(&name), "{name}");
    }
}

#[test]
fn so_do_records_of_flows_by_other_keys() {
    for key in [FlowKey::IpPair, FlowKey::MacPair] {
        for goal in [Goal::All, Goal::Summary] {
            let records = records(&folder().join("recorded/dns-lookup.pcap"), goal, key);
            assert!(!records.is_empty());
            records.iter().for_each(check);
        }
    }
}

fn records(capture: &Path, goal: Goal, key: FlowKey) -> Vec<Record> {
    let config = RecordConfig {
        goal,
        key,
        connections: true,
        frames: true,
        ..RecordConfig::default()
    };
    let source = PcapFlowSource::open(capture).unwrap();
    let records = Records::of(source).with_tracker(RecordTracker::new(config));
    records.map(|record| record.unwrap()).collect()
}

fn check(record: &Record) {
    let kind = record.kind();
    let schema = record.schema();
    assert!(schema.types.contains(&kind), "{kind} in {}", schema.name);
    check_fields(record, schema.fields_of(kind));
}

fn check_fields(record: &impl Visit, fields: impl Iterator<Item = &'static Field>) {
    let mut expected = Expected(fields.collect());
    expected.0.reverse();
    record.visit(&mut expected);
    assert!(expected.0.is_empty(), "not there: {:?}", expected.0);
}

/// The fields that are yet to come, the next one last.
struct Expected(Vec<&'static Field>);

impl Expected {
    fn next(&mut self, name: &str, is_present: bool) -> FieldType {
        let field = self.0.pop().unwrap_or_else(|| panic!("{name} is too much"));
        assert_eq!(field.name, name);
        let is_list = matches!(field.field_type, FieldType::List(_));
        let may_be_absent = is_list || field.absent.is_some();
        assert!(is_present || may_be_absent, "{name} is never absent");
        field.field_type
    }

    fn scalar(&mut self, name: &str, field_type: FieldType, is_present: bool) {
        assert_eq!(self.next(name, is_present), field_type, "{name}");
    }

    fn list(&mut self, name: &str, element: FieldType) {
        match self.next(name, true) {
            FieldType::List(expected) => assert_eq!(*expected, element, "{name}"),
            other => panic!("{name} is {other:?}"),
        }
    }
}

impl FieldVisitor for Expected {
    fn number(&mut self, name: &'static str, value: Option<u64>) {
        self.scalar(name, FieldType::Number, value.is_some());
    }

    fn duration(&mut self, name: &'static str, nanos: Option<u64>) {
        self.scalar(name, FieldType::Duration, nanos.is_some());
    }

    fn time(&mut self, name: &'static str, value: Option<Timestamp>) {
        self.scalar(name, FieldType::Time, value.is_some());
    }

    fn plain_text(&mut self, name: &'static str, value: Option<impl PlainText>) {
        self.scalar(name, FieldType::PlainText, value.is_some());
    }

    fn text(&mut self, name: &'static str, value: Option<impl AsRef<[u8]>>) {
        self.scalar(name, FieldType::Text, value.is_some());
    }

    fn flag(&mut self, name: &'static str, value: Option<bool>) {
        self.scalar(name, FieldType::Flag, value.is_some());
    }

    fn texts(&mut self, name: &'static str, _: impl Iterator<Item = impl AsRef<[u8]>>) {
        self.list(name, FieldType::Text);
    }

    fn pairs<'v>(&mut self, name: &'static str, _: impl Iterator<Item = (&'v [u8], &'v [u8])>) {
        self.list(name, FieldType::TextPair);
    }

    fn numbers(&mut self, name: &'static str, _: impl Iterator<Item = u64>) {
        self.list(name, FieldType::Number);
    }

    fn structure(&mut self, name: &'static str, value: Option<impl Visit>) {
        let FieldType::Structure(fields) = self.next(name, value.is_some()) else {
            panic!("{name} is no structure");
        };
        if let Some(value) = value {
            check_fields(&value, fields.iter());
        }
    }

    fn structures<V: Visit>(&mut self, name: &'static str, values: impl Iterator<Item = V>) {
        let FieldType::List(FieldType::Structure(fields)) = self.next(name, true) else {
            panic!("{name} is no list of structures");
        };
        for value in values {
            check_fields(&value, fields.iter());
        }
    }
}

/// Every capture that there is.
fn captures() -> Vec<PathBuf> {
    let folders = [folder(), folder().join("recorded")];
    let files = folders
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap());
    let mut captures: Vec<_> = files
        .map(|file| file.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it != "md"))
        .collect();
    captures.sort();
    assert!(captures.len() > 100, "{} captures", captures.len());
    captures
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/pcap")
}

const GOALS: [Goal; 8] = [
    Goal::All,
    Goal::Flows,
    Goal::Events,
    Goal::Http,
    Goal::Tls,
    Goal::Dns,
    Goal::Streams,
    Goal::Summary,
];
