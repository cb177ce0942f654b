//! The tables of fields in docs/CLI.md are those of the schemas.

use std::fs;
use std::path::Path;

use flowscope_core::FlowSide;
use flowscope_record::schema::{self, Field, FieldType, Schema, Unit};

#[test]
fn tables_of_fields_are_those_of_the_schemas() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/CLI.md");
    let documentation = fs::read_to_string(path).unwrap();
    let mut expected = documentation.clone();
    for (name, table) in tables() {
        expected = with_table(&expected, &name, &table);
    }
    if documentation != expected {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("CLI.md");
        fs::write(&path, expected).unwrap();
        panic!("docs/CLI.md is to be as {}", path.display());
    }
}

/// What stands under each heading.
fn tables() -> Vec<(String, String)> {
    let [common, ..] = schema::EVENT.fields else {
        panic!("events have fields");
    };
    let mut tables = vec![("Fields of all records".to_owned(), table(common.iter()))];
    for schema in schema::ALL {
        tables.push((heading(schema), table(own_fields(schema).iter().copied())));
    }
    tables
}

fn heading(schema: &Schema) -> String {
    let types = schema.types.iter().map(|it| format!("`{it}`"));
    types.collect::<Vec<_>>().join(", ")
}

/// All fields but those that records of flows have in common. The meaning of
/// their time is their own.
fn own_fields(schema: &Schema) -> Vec<&'static Field> {
    let [common, ..] = schema::EVENT.fields else {
        return Vec::new();
    };
    let fields = schema.fields.iter().copied().flatten();
    let is_common = |field: &Field| common.iter().any(|it| it.name == field.name);
    fields
        .filter(|field| field.name == "ts" || !is_common(field))
        .collect()
}

fn table(fields: impl Iterator<Item = &'static Field>) -> String {
    let fields: Vec<_> = fields.collect();
    let has_types = fields.iter().any(|field| !field.types.is_empty());
    let mut text = match has_types {
        true => "| Field | Of | Type | Meaning |\n|---|---|---|---|\n".to_owned(),
        false => "| Field | Type | Meaning |\n|---|---|---|\n".to_owned(),
    };
    for field in fields {
        if field.side == Some(FlowSide::Responder) {
            // It is in the row of the initiator's.
            continue;
        }
        let types = match (has_types, field.types) {
            (false, _) => String::new(),
            (true, []) => " all |".to_owned(),
            (true, types) => {
                let types = types.iter().map(|it| format!("`{it}`"));
                format!(" {} |", types.collect::<Vec<_>>().join(", "))
            }
        };
        let name = field.name.replace("_initiator", "_*");
        row(&mut text, &name, &types, field);
        for part in field.field_type.parts() {
            row(&mut text, &format!("{name}.{}", part.name), &types, part);
        }
    }
    text
}

fn row(text: &mut String, name: &str, types: &str, field: &Field) {
    let type_name = type_name(field.field_type, field.unit);
    let absent = field
        .absent
        .map_or_else(String::new, |it| format!("; absent {it}"));
    let meaning = field.description;
    text.push_str(&format!(
        "| `{name}` |{types} {type_name} | {meaning}{absent} |\n"
    ));
}

fn type_name(field_type: FieldType, unit: Option<Unit>) -> &'static str {
    match (field_type, unit) {
        (FieldType::Time, _) => "time",
        (FieldType::Duration, _) | (_, Some(Unit::Seconds)) => "seconds",
        (_, Some(Unit::Bytes)) => "bytes",
        (_, Some(Unit::Packets)) => "packets",
        (_, Some(Unit::Datagrams)) => "datagrams",
        (_, Some(Unit::Flows)) => "flows",
        (FieldType::Number, _) => "number",
        (FieldType::PlainText | FieldType::Text, _) => "text",
        (FieldType::Flag, _) => "flag",
        (FieldType::Structure(_), _) => "fields",
        (FieldType::List(FieldType::Number), _) => "list of numbers",
        (FieldType::List(FieldType::Structure(_)), _) => "list of fields",
        (FieldType::List(FieldType::TextPair), _) => "list of pairs",
        (FieldType::List(_), _) => "list of texts",
        other => panic!("{other:?} has no name"),
    }
}

/// The document with this table under a heading, in place of the first that is
/// there.
fn with_table(document: &str, heading: &str, table: &str) -> String {
    let marker = format!("\n### {heading}\n");
    let (before, after) = document
        .split_once(&marker)
        .unwrap_or_else(|| panic!("no heading {heading}"));
    let end = after.find("\n### ").unwrap_or(after.len());
    let start = after[..end].find("\n|");
    let start = start.unwrap_or_else(|| panic!("no table under {heading}")) + 1;
    let (between, rest) = after.split_at(start);
    let end = rest.find("\n\n").map_or(rest.len(), |at| at + 1);
    format!("{before}{marker}{between}{table}{}", &rest[end..])
}
