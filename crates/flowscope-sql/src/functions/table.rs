//! The table functions: `flows('captures/*.pcap')`.

use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray};
use datafusion::catalog::{TableFunctionArgs, TableFunctionImpl, TableProvider};
use datafusion::common::{Result, ScalarValue, plan_datafusion_err, plan_err};
use datafusion::logical_expr::Expr;
use flowscope_table::Table;

use crate::captures::{Capture, CaptureTable};
use crate::options::ReadOptions;
use crate::parquet;
use crate::sources::{self, Source};
use crate::trouble::Trouble;

/// Makes a table of what it is given the names of.
#[derive(Debug)]
pub(crate) struct TableOf {
    pub(crate) table: Table,
    pub(crate) trouble: Arc<Trouble>,
}

impl TableOf {
    /// The table of captures, or of Parquet files, of these names.
    pub(crate) fn open(
        &self,
        names: &[String],
        options: ReadOptions,
    ) -> Result<Arc<dyn TableProvider>> {
        match sources::find(self.table, names)? {
            Source::Parquet(paths) => parquet::table(self.table, &paths),
            Source::Captures(captures) => Ok(Arc::new(CaptureTable {
                table: self.table,
                captures: captures.into_iter().map(Capture::at).collect(),
                options,
                place: self.trouble.clone(),
            })),
        }
    }
}

impl TableFunctionImpl for TableOf {
    fn call_with_args(&self, args: TableFunctionArgs<'_, '_>) -> Result<Arc<dyn TableProvider>> {
        let names = names(args.exprs()).ok_or_else(|| {
            plan_datafusion_err!(
                "{0} takes names of captures as text, such as {0}('captures/*.pcap'), or of a \
                 folder that `flowscope parquet` wrote",
                self.table
            )
        })?;
        let Some(options) = args
            .session()
            .config_options()
            .extensions
            .get::<ReadOptions>()
        else {
            return plan_err!("it is not known how captures are read");
        };
        self.open(&names, options.clone())
    }
}

/// Texts, and lists of them; none if there is anything else, or nothing.
fn names(arguments: &[Expr]) -> Option<Vec<String>> {
    let mut names = Vec::new();
    for argument in arguments {
        let Expr::Literal(value, _) = argument else {
            return None;
        };
        match value {
            ScalarValue::List(list) => {
                for at in 0..list.len() {
                    let items = list.value(at);
                    let items = datafusion::arrow::compute::cast(
                        &items,
                        &datafusion::arrow::datatypes::DataType::Utf8,
                    );
                    let items = items.ok()?;
                    let items = items.as_string::<i32>().iter();
                    names.extend(items.flatten().map(ToOwned::to_owned));
                }
            }
            value => names.push(value.try_as_str()??.to_owned()),
        }
    }
    (!names.is_empty()).then_some(names)
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::lit;

    use super::*;

    #[test]
    fn names_are_texts_and_lists_of_them() {
        let list = ScalarValue::List(ScalarValue::new_list_nullable(
            &[ScalarValue::from("b"), ScalarValue::from("c")],
            &datafusion::arrow::datatypes::DataType::Utf8,
        ));
        let expected = ["a", "b", "c"].map(ToOwned::to_owned);
        assert_eq!(names(&[lit("a"), lit(list)]), Some(expected.to_vec()));
        assert_eq!(names(&[]), None);
        assert_eq!(names(&[lit("a"), lit(1)]), None);
        assert_eq!(names(&[lit(ScalarValue::Utf8(None))]), None);
    }
}
