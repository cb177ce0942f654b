//! Which fields the records of a goal have together.

use super::{ALL, Schema};
use crate::config::Goal;

/// The kinds of records that are made for a goal, and of each the types.
#[must_use]
pub fn schemas(goal: Goal) -> Vec<(&'static Schema, &'static [&'static str])> {
    let made = |schema: &'static Schema| Some((schema, schema.types_for(goal)?));
    ALL.iter().filter_map(|schema| made(schema)).collect()
}

/// The names of all fields that records of a goal have, each once, and `lossy`
/// at the end if they may have it.
#[must_use]
pub fn columns(goal: Goal) -> Vec<&'static str> {
    let mut columns = Vec::new();
    let schemas = schemas(goal);
    for (schema, types) in &schemas {
        for field in schema.fields.iter().copied().flatten() {
            // Records share names.
            let is_new = !columns.contains(&field.name);
            if is_new && types.iter().any(|record_type| field.is_of(record_type)) {
                columns.push(field.name);
            }
        }
    }
    if schemas.iter().any(|(schema, _)| schema.has_text()) {
        columns.push("lossy");
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_records_share_is_one_column() {
        let all = columns(Goal::All);
        assert_eq!(all.iter().filter(|name| **name == "side").count(), 1);
        assert_eq!(all.last(), Some(&"lossy"));
    }

    #[test]
    fn only_types_that_are_made_have_columns() {
        assert!(columns(Goal::Events).contains(&"from"));
        assert!(!columns(Goal::All).contains(&"from"));
        assert!(!columns(Goal::Flows).contains(&"lossy"));
    }
}
