//! What a query wants of rows, as far as rows that it does not want need not be
//! made.

use core::net::IpAddr;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use flowscope_table::RowFilter;

/// Adds what a condition says about `ts`, `src` and `dst` to a filter, and says
/// whether it said anything. The filter takes every row that the condition does,
/// and perhaps more.
pub(crate) fn narrow(filter: &mut RowFilter, condition: &Expr) -> bool {
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = condition else {
        return false;
    };
    match (&**left, op, &**right) {
        (left, Operator::And, right) => {
            let narrowed = narrow(filter, left);
            narrow(filter, right) || narrowed
        }
        (Expr::Column(column), op, Expr::Literal(value, _)) => {
            narrow_column(filter, &column.name, *op, value)
        }
        (Expr::Literal(value, _), op, Expr::Column(column)) => op
            .swap()
            .is_some_and(|op| narrow_column(filter, &column.name, op, value)),
        _ => false,
    }
}

fn narrow_column(filter: &mut RowFilter, name: &str, op: Operator, value: &ScalarValue) -> bool {
    match (name, op, value) {
        ("ts", op, ScalarValue::TimestampNanosecond(Some(nanos), _)) => {
            narrow_time(filter, op, *nanos)
        }
        (
            "src" | "dst",
            Operator::Eq,
            ScalarValue::Utf8(Some(text))
            | ScalarValue::Utf8View(Some(text))
            | ScalarValue::LargeUtf8(Some(text)),
        ) => {
            let Ok(addr) = text.parse::<IpAddr>() else {
                return false;
            };
            let end = match name {
                "src" => &mut filter.src,
                _ => &mut filter.dst,
            };
            end.get_or_insert(addr);
            true
        }
        _ => false,
    }
}

fn narrow_time(filter: &mut RowFilter, op: Operator, nanos: i64) -> bool {
    // No time is before 1970.
    let at = u64::try_from(nanos).unwrap_or(0);
    let (from, to) = match op {
        Operator::Eq => (Some(at), Some(at)),
        Operator::Gt | Operator::GtEq => (Some(at), None),
        Operator::Lt | Operator::LtEq => (None, Some(at)),
        _ => return false,
    };
    filter.from = filter.from.max(from);
    filter.to = match (filter.to, to) {
        (Some(known), Some(to)) => Some(known.min(to)),
        (known, to) => known.or(to),
    };
    true
}

#[cfg(test)]
mod tests {
    use datafusion::prelude::{col, lit};

    use super::*;

    fn at(nanos: i64) -> Expr {
        lit(ScalarValue::TimestampNanosecond(
            Some(nanos),
            Some("UTC".into()),
        ))
    }

    #[test]
    fn the_narrowest_bounds_are_kept() {
        let condition = col("ts")
            .gt_eq(at(5))
            .and(at(7).lt_eq(col("ts")))
            .and(col("ts").lt(at(20)))
            .and(col("ts").lt(at(30)))
            .and(col("src").eq(lit("10.0.0.1")))
            .and(lit("::1").eq(col("dst")));
        let mut filter = RowFilter::default();
        assert!(narrow(&mut filter, &condition));
        assert_eq!((filter.from, filter.to), (Some(7), Some(20)));
        assert_eq!(filter.src, "10.0.0.1".parse().ok());
        assert_eq!(filter.dst, "::1".parse().ok());
    }

    #[test]
    fn other_conditions_say_nothing() {
        for condition in [
            col("src").not_eq(lit("10.0.0.1")),
            col("src").eq(lit("02:00:00:00:00:01")),
            col("ts").not_eq(at(5)),
            col("start").gt(at(5)),
            col("ts").gt(at(5)).or(col("src").eq(lit("10.0.0.1"))),
        ] {
            let mut filter = RowFilter::default();
            assert!(!narrow(&mut filter, &condition), "{condition}");
            assert!(filter.is_empty(), "{condition}");
        }
    }
}
