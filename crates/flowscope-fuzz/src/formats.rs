//! Records of any frames in every format: each is what it says it is.

use flowscope::PacketView;
use flowscope_export::eve::EveWriter;
use flowscope_export::ipfix::{IpfixConfig, IpfixWriter};
use flowscope_export::report::Report;
use flowscope_export::zeek::{Form, Log, ZeekConfig, ZeekLogs};
use flowscope_record::csv::CsvWriter;
use flowscope_record::json::JsonWriter;
use flowscope_record::{Goal, Record, RecordConfig, RecordTracker, schema};
use serde_json::{Map, Value};

use crate::frames;

/// Frames, whose records are written in one of the formats.
pub fn records(bytes: &[u8]) {
    let Some((settings, frames)) = frames::read(bytes) else {
        return;
    };
    let records = |config| make(config, &frames);
    match settings % 7 {
        0 | 1 => json(goal(settings), &records),
        2 => csv(goal(settings), &records),
        3 => zeek(&records),
        4 => eve(&records),
        5 => ipfix(&records),
        _ => report(&records),
    }
}

fn goal(settings: u8) -> Goal {
    let goals = [
        Goal::All,
        Goal::Flows,
        Goal::Events,
        Goal::Http,
        Goal::Tls,
        Goal::Dns,
        Goal::Streams,
        Goal::Summary,
    ];
    goals[usize::from(settings) / 7 % goals.len()]
}

fn make(config: RecordConfig, frames: &[PacketView<'_>]) -> Vec<Record> {
    let mut records = Vec::new();
    let mut tracker = RecordTracker::new(config);
    tracker.track_batch(frames.iter().copied(), &mut records);
    tracker.finish(&mut records);
    records
}

type Make<'a> = &'a dyn Fn(RecordConfig) -> Vec<Record>;

fn of(goal: Goal) -> RecordConfig {
    RecordConfig {
        goal,
        ..RecordConfig::default()
    }
}

/// A line for each record, which is an object with the fields of its schema.
fn json(goal: Goal, records: Make<'_>) {
    let records = records(of(goal));
    let mut writer = JsonWriter::new(Vec::new());
    for record in &records {
        writer.write(record).expect("memory is enough");
    }
    let text = String::from_utf8(writer.into_inner().expect("memory is enough")).expect("UTF-8");
    assert_eq!(text.lines().count(), records.len());
    for (record, line) in records.iter().zip(text.lines()) {
        let object: Map<String, Value> = serde_json::from_str(line).expect(line);
        // Writers add it where text was not written as it was sent.
        for name in object.keys().filter(|name| *name != "lossy") {
            assert!(record.schema().field(name).is_some(), "{name} in {line}");
        }
    }
}

/// A row for each record, all of the same length.
fn csv(goal: Goal, records: Make<'_>) {
    let records = records(of(goal));
    let mut text = Vec::new();
    let mut writer = CsvWriter::new(schema::columns(goal), &mut text).expect("memory is enough");
    for record in &records {
        writer.write(record).expect("memory is enough");
    }
    writer.flush().expect("memory is enough");
    drop(writer);
    let rows = csv::Reader::from_reader(&text[..])
        .into_records()
        .map(|row| row.expect("all rows have the length of the header").len());
    assert_eq!(rows.count(), records.len());
}

/// A line for each row, whose columns are those of its log.
fn zeek(records: Make<'_>) {
    let records = records(flowscope_export::zeek_config(RecordConfig::default()));
    for form in [Form::Tsv, Form::Json] {
        let config = ZeekConfig {
            form,
            ..ZeekConfig::default()
        };
        let mut logs = ZeekLogs::new(config, |_: &str| Ok(Vec::new()));
        for record in &records {
            logs.write(record).expect("memory is enough");
        }
        for (name, text) in logs.finish().expect("memory is enough") {
            let text = String::from_utf8(text).expect("UTF-8");
            let log = Log::ALL.into_iter().find(|log| log.name() == name);
            let columns = log.expect("a known log").columns();
            for line in text.lines() {
                match form {
                    Form::Tsv if line.starts_with('#') => {}
                    Form::Tsv => assert_eq!(line.split('\t').count(), columns.len(), "{line}"),
                    Form::Json => {
                        let row: Map<String, Value> = serde_json::from_str(line).expect(line);
                        let is_known = |name: &String| columns.iter().any(|it| it.name == name);
                        assert!(row.keys().all(is_known), "{line}");
                    }
                }
            }
        }
    }
}

/// An object in each line, which has what its type says.
fn eve(records: Make<'_>) {
    let mut writer = EveWriter::new(Vec::new());
    for record in records(flowscope_export::record_config(RecordConfig::default())) {
        writer.write(&record).expect("memory is enough");
    }
    let text = String::from_utf8(writer.finish().expect("memory is enough")).expect("UTF-8");
    for line in text.lines() {
        let event: Value = serde_json::from_str(line).expect(line);
        let kind = event["event_type"].as_str().expect("a type");
        assert!(event[kind].is_object(), "{line}");
    }
}

/// Messages of RFC 7011, section 3.1: one behind the other, no longer than asked.
fn ipfix(records: Make<'_>) {
    let records = records(flowscope_export::record_config(of(Goal::Flows)));
    for config in [IpfixConfig::FILE, IpfixConfig::UDP] {
        let mut writer = IpfixWriter::new(config, Vec::new());
        for record in &records {
            writer.write(record).expect("memory is enough");
        }
        let bytes = writer.finish().expect("memory is enough");
        let mut rest = &bytes[..];
        while let Some((header, _)) = rest.split_first_chunk::<16>() {
            assert_eq!(header[..2], [0, 10], "the version");
            let len = usize::from(u16::from_be_bytes([header[2], header[3]]));
            assert!((16..=usize::from(config.max_message)).contains(&len));
            rest = rest.get(len..).expect("the whole message");
        }
        assert!(rest.is_empty());
    }
}

/// A page in which captured text is no markup.
fn report(records: Make<'_>) {
    let mut report = Report::new("frames");
    for record in records(RecordConfig::default()) {
        report.write(&record);
    }
    let page = report.finish();
    assert!(page.len() < 2 << 20, "{} bytes", page.len());
    assert_eq!(
        page.matches("<script").count(),
        page.matches("</script").count()
    );
}
