//! Signatures in words, from the JSON that rustdoc writes. Paths are cut to
//! their last name.

use serde_json::Value;

use super::listing::{elements, text};

/// What an item is, behind its path.
pub(super) fn of_item(kind: &str, inner: &Value) -> String {
    match kind {
        "function" => of_function(inner),
        "constant" | "assoc_const" => format!("const {}", of_type(&inner["type"])),
        "static" => format!("static {}", of_type(&inner["type"])),
        "type_alias" => format!(
            "type{} = {}",
            of_generics(&inner["generics"]),
            of_type(&inner["type"])
        ),
        "assoc_type" => format!(
            "type{}{}{}",
            of_generics(&inner["generics"]),
            of_bounds(": ", &inner["bounds"]),
            default(&inner["type"])
        ),
        other => other.to_owned(),
    }
}

/// Whether who implements a trait may leave a member of it out.
pub(super) fn is_provided(kind: &str, member: &Value) -> bool {
    match kind {
        "function" => member["has_body"] == true,
        "assoc_const" => !member["value"].is_null(),
        _ => !member["type"].is_null(),
    }
}

fn of_function(inner: &Value) -> String {
    let header = &inner["header"];
    let mut words = String::new();
    for (flag, word) in [
        ("is_const", "const "),
        ("is_async", "async "),
        ("is_unsafe", "unsafe "),
    ] {
        if header[flag] == true {
            words.push_str(word);
        }
    }
    let (parameters, conditions) = parts_of_generics(&inner["generics"]);
    format!(
        "{words}fn{parameters}{}{conditions}",
        of_call(&inner["sig"])
    )
}

/// Inputs and output.
fn of_call(signature: &Value) -> String {
    let inputs: Vec<String> = elements(&signature["inputs"])
        .map(|input| match text(&input[0]) {
            "self" => of_self(&input[1]),
            "" | "_" => of_type(&input[1]),
            name => format!("{name}: {}", of_type(&input[1])),
        })
        .collect();
    let output = match &signature["output"] {
        Value::Null => String::new(),
        output => format!(" -> {}", of_type(output)),
    };
    format!("({}){output}", inputs.join(", "))
}

fn of_self(declared: &Value) -> String {
    match of_type(declared).as_str() {
        "Self" => "self".to_owned(),
        "&Self" => "&self".to_owned(),
        "&mut Self" => "&mut self".to_owned(),
        other => format!("self: {other}"),
    }
}

/// Parameters in angle brackets, then the conditions on them.
pub(super) fn of_generics(generics: &Value) -> String {
    let (parameters, conditions) = parts_of_generics(generics);
    parameters + &conditions
}

fn parts_of_generics(generics: &Value) -> (String, String) {
    let parameters: Vec<String> = elements(&generics["params"])
        .filter_map(parameter)
        .collect();
    let conditions: Vec<String> = elements(&generics["where_predicates"])
        .map(condition)
        .collect();
    let conditions = match conditions.as_slice() {
        [] => String::new(),
        _ => format!(" where {}", conditions.join(", ")),
    };
    (in_brackets(&parameters), conditions)
}

fn parameter(parameter: &Value) -> Option<String> {
    let name = text(&parameter["name"]);
    let kind = &parameter["kind"];
    if let Some(lifetime) = kind.get("lifetime") {
        return Some(format!("{name}{}", outlives(&lifetime["outlives"])));
    }
    if let Some(constant) = kind.get("const") {
        return Some(format!("const {name}: {}", of_type(&constant["type"])));
    }
    let kind = &kind["type"];
    // `impl Trait` among the inputs is shown there.
    (kind["is_synthetic"] != true).then(|| {
        let bounds = of_bounds(": ", &kind["bounds"]);
        format!("{name}{bounds}{}", default(&kind["default"]))
    })
}

fn default(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        value => format!(" = {}", of_type(value)),
    }
}

fn condition(condition: &Value) -> String {
    if let Some(bound) = condition.get("bound_predicate") {
        return format!(
            "{}{}",
            of_type(&bound["type"]),
            of_bounds(": ", &bound["bounds"])
        );
    }
    let lifetime = &condition["lifetime_predicate"];
    format!(
        "{}{}",
        text(&lifetime["lifetime"]),
        outlives(&lifetime["outlives"])
    )
}

fn outlives(lifetimes: &Value) -> String {
    let lifetimes: Vec<&str> = elements(lifetimes).map(text).collect();
    match lifetimes.as_slice() {
        [] => String::new(),
        _ => format!(": {}", lifetimes.join(" + ")),
    }
}

/// Bounds behind `lead`, or nothing.
pub(super) fn of_bounds(lead: &str, bounds: &Value) -> String {
    let bounds: Vec<String> = elements(bounds).map(bound).collect();
    match bounds.as_slice() {
        [] => String::new(),
        _ => format!("{lead}{}", bounds.join(" + ")),
    }
}

fn bound(bound: &Value) -> String {
    if let Some(lifetime) = bound.get("outlives") {
        return text(lifetime).to_owned();
    }
    if let Some(captured) = bound.get("use") {
        let captured: Vec<String> = elements(captured)
            .map(|one| match one {
                Value::String(name) => name.clone(),
                _ => text(&one["lifetime"]).to_owned() + text(&one["param"]),
            })
            .collect();
        return format!("use<{}>", captured.join(", "));
    }
    let bound = &bound["trait_bound"];
    let sign = if bound["modifier"] == "maybe" {
        "?"
    } else {
        ""
    };
    format!("{sign}{}", of_path(&bound["trait"]))
}

/// A type or a trait by its last name, with its arguments.
pub(super) fn of_path(path: &Value) -> String {
    let name = text(&path["path"]).rsplit("::").next().unwrap_or_default();
    format!("{name}{}", of_arguments(&path["args"]))
}

fn of_arguments(arguments: &Value) -> String {
    if let Some(call) = arguments.get("parenthesized") {
        let inputs: Vec<String> = elements(&call["inputs"]).map(of_type).collect();
        let output = match &call["output"] {
            Value::Null => String::new(),
            output => format!(" -> {}", of_type(output)),
        };
        return format!("({}){output}", inputs.join(", "));
    }
    let arguments = &arguments["angle_bracketed"];
    let mut words: Vec<String> = elements(&arguments["args"]).map(argument).collect();
    for constraint in elements(&arguments["constraints"]) {
        let binding = &constraint["binding"];
        let what = match &binding["equality"]["type"] {
            Value::Null => of_bounds(": ", &binding["constraint"]),
            equal => format!(" = {}", of_type(equal)),
        };
        words.push(format!("{}{what}", text(&constraint["name"])));
    }
    in_brackets(&words)
}

fn argument(argument: &Value) -> String {
    match argument {
        Value::String(placeholder) => placeholder.clone(),
        _ if argument.get("lifetime").is_some() => text(&argument["lifetime"]).to_owned(),
        _ if argument.get("const").is_some() => text(&argument["const"]["expr"]).to_owned(),
        _ => of_type(&argument["type"]),
    }
}

fn in_brackets(words: &[String]) -> String {
    match words {
        [] => String::new(),
        _ => format!("<{}>", words.join(", ")),
    }
}

/// The arguments of the type that an `impl` is for, if not all of them are
/// parameters.
pub(super) fn of_special_arguments(target: &Value) -> String {
    let arguments = &target["resolved_path"]["args"];
    let is_parameter = |argument: &Value| {
        argument.get("lifetime").is_some() || argument["type"].get("generic").is_some()
    };
    if elements(&arguments["angle_bracketed"]["args"]).all(is_parameter) {
        return String::new();
    }
    of_arguments(arguments)
}

/// A type as it is written in Rust.
pub(super) fn of_type(declared: &Value) -> String {
    let Some((kind, inner)) = declared.as_object().and_then(|it| it.iter().next()) else {
        return "_".to_owned();
    };
    match kind.as_str() {
        "generic" | "primitive" => text(inner).to_owned(),
        "resolved_path" => of_path(inner),
        "tuple" => {
            let parts: Vec<String> = elements(inner).map(of_type).collect();
            format!("({})", parts.join(", "))
        }
        "slice" => format!("[{}]", of_type(inner)),
        "array" => format!("[{}; {}]", of_type(&inner["type"]), text(&inner["len"])),
        "impl_trait" => of_bounds("impl ", inner),
        "dyn_trait" => of_trait_object(inner),
        "borrowed_ref" => of_reference(inner),
        "raw_pointer" => format!("*{}{}", mutable(inner, "const "), of_type(&inner["type"])),
        "function_pointer" => format!("fn{}", of_call(&inner["sig"])),
        "qualified_path" => of_qualified_path(inner),
        other => other.to_owned(),
    }
}

fn of_trait_object(inner: &Value) -> String {
    let traits: Vec<String> = elements(&inner["traits"])
        .map(|one| of_path(&one["trait"]))
        .collect();
    let lifetime = match &inner["lifetime"] {
        Value::Null => String::new(),
        lifetime => format!(" + {}", text(lifetime)),
    };
    format!("dyn {}{lifetime}", traits.join(" + "))
}

fn of_reference(inner: &Value) -> String {
    let lifetime = match &inner["lifetime"] {
        Value::Null => String::new(),
        lifetime => format!("{} ", text(lifetime)),
    };
    let target = of_type(&inner["type"]);
    format!("&{lifetime}{}{target}", mutable(inner, ""))
}

fn mutable(inner: &Value, otherwise: &'static str) -> &'static str {
    if inner["is_mutable"] == true {
        "mut "
    } else {
        otherwise
    }
}

/// `T::Item`, or `<Vec<T> as Trait>::Item` where the type is no parameter.
fn of_qualified_path(inner: &Value) -> String {
    let owner = of_type(&inner["self_type"]);
    let name = text(&inner["name"]);
    let arguments = of_arguments(&inner["args"]);
    let is_plain = inner["self_type"].get("generic").is_some();
    match text(&inner["trait"]["path"]) {
        "" => format!("{owner}::{name}{arguments}"),
        _ if is_plain => format!("{owner}::{name}{arguments}"),
        _ => format!(
            "<{owner} as {}>::{name}{arguments}",
            of_path(&inner["trait"])
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn writes_types_as_rust_does() {
        let named = |path: &str, arguments: Value| {
            json!({ "resolved_path": { "path": path, "id": 1, "args": {
                "angle_bracketed": { "args": arguments, "constraints": [] } } } })
        };
        let view = named("crate::PacketView", json!([{ "lifetime": "'a" }]));
        let reference = json!({ "borrowed_ref": {
            "lifetime": "'a", "is_mutable": true, "type": view } });
        let option = named("Option", json!([{ "type": reference }]));
        let tuple = json!({ "tuple": [option, { "array": {
            "type": { "primitive": "u8" }, "len": "6" } }] });
        assert_eq!(of_type(&tuple), "(Option<&'a mut PacketView<'a>>, [u8; 6])");
    }

    #[test]
    fn writes_generic_functions_as_rust_does() {
        let sink = json!({ "trait_bound": { "modifier": "none", "trait": {
            "path": "Sink", "args": { "angle_bracketed": { "constraints": [], "args": [
                { "type": { "qualified_path": { "name": "Event", "args": null,
                    "self_type": { "generic": "C" }, "trait": { "path": "" } } } }] } } } } });
        let function = json!({
            "header": { "is_const": false },
            "generics": { "where_predicates": [], "params": [
                { "name": "C", "kind": { "type": {
                    "bounds": [{ "outlives": "'static" }], "default": null } } },
                { "name": "impl Sink", "kind": { "type": { "is_synthetic": true } } },
            ] },
            "sig": { "output": null, "inputs": [
                ["self", { "borrowed_ref": { "lifetime": null, "is_mutable": false,
                    "type": { "generic": "Self" } } }],
                ["out", { "impl_trait": [sink] }],
            ] },
        });
        assert_eq!(
            of_item("function", &function),
            "fn<C: 'static>(&self, out: impl Sink<C::Event>)"
        );
    }
}
