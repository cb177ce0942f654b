//! What is said on standard error.

use std::io::{self, Write};
use std::process::ExitCode;

use datafusion::common::{DataFusionError, SchemaError};
use flowscope_record::text::printable;
use flowscope_table::Table;

/// Says something, without what would make a terminal do something.
pub(crate) fn say(what: &str) {
    let lines: Vec<_> = what.lines().map(printable).collect();
    // There is nowhere left to complain about standard error.
    let _ = writeln!(io::stderr(), "flowscope sql: {}", lines.join("\n"));
}

/// Says why there is no result.
pub(crate) fn failed(why: &str) -> ExitCode {
    say(why);
    ExitCode::FAILURE
}

/// Why a query has no result, in a sentence that helps.
pub(crate) fn explain(error: &DataFusionError) -> String {
    if let Some(why) = no_function(&error.to_string()) {
        return why;
    }
    match error.find_root() {
        DataFusionError::SchemaError(error, _) => match &**error {
            SchemaError::FieldNotFound {
                field,
                valid_fields,
            } => no_column(&field.name, valid_fields.iter().map(|it| it.name.as_str())),
            other => other.to_string(),
        },
        DataFusionError::Plan(reason) => no_table(reason).unwrap_or_else(|| reason.clone()),
        DataFusionError::External(error) => error.to_string(),
        other => other.strip_backtrace(),
    }
}

fn no_column<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<_> = known.collect();
    match known[..] {
        [] => format!("there is no column {name}, as no table is named behind FROM"),
        _ => format!("there is no column {name}, but {}", known.join(", ")),
    }
}

/// What a function takes that was given something else.
fn no_function(reason: &str) -> Option<String> {
    let (before, rest) =
        reason.split_once("No function matches the given name and argument types '")?;
    let (call, rest) = rest.split_once('\'')?;
    // Functions of this crate say it themselves.
    let (name, _) = call.split_once('(')?;
    if let Some(at) = before.find(&format!("it is {name}(")) {
        return Some(before[at..].trim_end().to_owned());
    }
    let (_, known) = rest.split_once("Candidate functions:")?;
    let known: Vec<_> = known.split_whitespace().collect();
    Some(format!("there is no {call}, but {}", known.join(", ")))
}

/// What to write in place of a table that is not there.
fn no_table(reason: &str) -> Option<String> {
    let tables = Table::ALL.map(Table::as_str).join(", ");
    if let Some(name) = between(reason, "table function '", "' not found") {
        return Some(format!(
            "there is no table of captures {name}(), but {tables}"
        ));
    }
    let name = between(reason, "table '", "' not found")?;
    let name = name.rsplit('.').next().unwrap_or(name);
    Some(match name.parse::<Table>() {
        Ok(table) => format!(
            "it is not said what {table} are of: name captures, as in {table}('captures/*.pcap'), \
             or with --from"
        ),
        Err(_) => format!("there is no table {name}; of captures there are {tables}"),
    })
}

fn between<'a>(text: &'a str, before: &str, behind: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    Some(rest.split_once(behind)?.0)
}
