//! The schemas as JSON Schema.

use serde_json::{Map, Value, json};

use super::{ALL, CONNECTION, Field, FieldType, PACKET, Schema};

/// The records of the command as JSON Schema (draft 2020-12): a line of JSON is
/// one of its definitions, which are named for the types of records. It is a text of
/// several lines.
#[must_use]
pub fn json_schema() -> String {
    format!("{:#}\n", schema())
}

fn schema() -> Value {
    let is_of_command = |schema: &&&Schema| {
        // These are for programs.
        ![CONNECTION.name, PACKET.name].contains(&schema.name)
    };
    let mut definitions = Map::new();
    for schema in ALL.iter().filter(is_of_command) {
        for record_type in schema.types {
            definitions.insert((*record_type).to_owned(), of_type(schema, record_type));
        }
    }
    let references: Vec<_> = definitions
        .keys()
        .map(|name| json!({ "$ref": format!("#/$defs/{name}") }))
        .collect();
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "flowscope records",
        "oneOf": references,
        "$defs": definitions,
    })
}

fn of_type(schema: &Schema, record_type: &str) -> Value {
    let mut object = of_fields(schema.fields_of(record_type));
    if let Some(object) = object.as_object_mut() {
        object.insert("title".into(), schema.description.into());
        let properties = object.get_mut("properties").and_then(Value::as_object_mut);
        if let Some(properties) = properties {
            properties.insert("type".into(), json!({ "const": record_type }));
            if schema.has_text() {
                let lossy = json!({
                    "const": true,
                    "description": "something could not be written as it was sent",
                });
                properties.insert("lossy".into(), lossy);
            }
        }
    }
    object
}

fn of_fields<'a>(fields: impl Iterator<Item = &'a Field>) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for field in fields {
        let mut value = of_value(field.field_type);
        if let Some(value) = value.as_object_mut() {
            value.insert("description".into(), field.description.into());
        }
        properties.insert(field.name.to_owned(), value);
        let is_list = matches!(field.field_type, FieldType::List(_));
        if field.absent.is_none() && !is_list {
            required.push(field.name);
        }
    }
    json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

fn of_value(field_type: FieldType) -> Value {
    match field_type {
        FieldType::Number => json!({ "type": "integer", "minimum": 0 }),
        FieldType::Time | FieldType::Duration => json!({ "type": "number", "minimum": 0 }),
        FieldType::PlainText | FieldType::Text => json!({ "type": "string" }),
        FieldType::Flag => json!({ "type": "boolean" }),
        FieldType::TextPair => json!({
            "type": "array",
            "prefixItems": [{ "type": "string" }, { "type": "string" }],
            "minItems": 2,
            "maxItems": 2,
        }),
        FieldType::List(element) => json!({ "type": "array", "items": of_value(*element) }),
        FieldType::Structure(fields) => of_fields(fields.iter()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_the_command_is_defined() {
        let schema: Value = json_schema().parse().expect("JSON");
        let definitions = schema["$defs"].as_object().expect("an object");
        assert!(definitions.contains_key("http_request"));
        assert!(!definitions.contains_key("packet"));
        assert_eq!(
            schema["oneOf"].as_array().map(Vec::len),
            Some(definitions.len())
        );
        let required = definitions["flow"]["required"].as_array().expect("a list");
        assert!(required.contains(&json!("bytes_initiator")));
        assert!(!required.contains(&json!("app")));
    }
}
