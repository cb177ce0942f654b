//! What a query wants of rows, as far as rows that it does not want need not be
//! made.

use core::net::IpAddr;

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};
use flowscope_table::{RowFilter, Subnet};

use crate::functions::subnet;

/// Adds what a condition says about `ts`, `src` and `dst` to a filter, and says
/// whether it said anything. The filter takes every row that the condition does,
/// and perhaps more.
pub(crate) fn narrow(filter: &mut RowFilter, condition: &Expr) -> bool {
    let (left, op, right) = match condition {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => (left, op, right),
        Expr::ScalarFunction(call) if call.name() == subnet::NAME => {
            return narrow_to_subnet(filter, &call.args);
        }
        _ => return false,
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
        ("src" | "dst", Operator::Eq, value) => {
            let addr = text(value).and_then(|text| text.parse::<IpAddr>().ok());
            narrow_end(filter, name, addr.map(Subnet::from))
        }
        _ => false,
    }
}

/// `in_subnet(src, '10.0.0.0/8')`.
fn narrow_to_subnet(filter: &mut RowFilter, arguments: &[Expr]) -> bool {
    match arguments {
        [Expr::Column(column), Expr::Literal(value, _)] => {
            let subnet = text(value).and_then(|text| text.parse().ok());
            narrow_end(filter, &column.name, subnet)
        }
        _ => false,
    }
}

fn narrow_end(filter: &mut RowFilter, name: &str, subnet: Option<Subnet>) -> bool {
    let (end, subnet) = match (name, subnet) {
        ("src", Some(subnet)) => (&mut filter.src, subnet),
        ("dst", Some(subnet)) => (&mut filter.dst, subnet),
        _ => return false,
    };
    if !end.contains(&subnet) {
        end.push(subnet);
    }
    true
}

fn text(value: &ScalarValue) -> Option<&str> {
    value.try_as_str().flatten()
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
    use crate::functions;

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
        assert_eq!(filter.src, subnets(["10.0.0.1"]));
        assert_eq!(filter.dst, subnets(["::1"]));
    }

    fn subnets<const N: usize>(texts: [&str; N]) -> Vec<Subnet> {
        let subnets = texts.map(|text| text.parse().expect(text));
        subnets.to_vec()
    }

    fn in_subnet(addr: Expr, subnet: &str) -> Expr {
        let functions = functions::of_values();
        let function = functions.iter().find(|it| it.name() == subnet::NAME);
        function.expect("it is one").call(vec![addr, lit(subnet)])
    }

    #[test]
    fn networks_are_all_kept() {
        let condition = in_subnet(col("src"), "10.0.0.0/8")
            .and(in_subnet(col("src"), "10.1.0.0/16"))
            .and(in_subnet(col("dst"), "2001:db8::/32"))
            .and(in_subnet(col("src"), "10.0.0.0/8"));
        let mut filter = RowFilter::default();
        assert!(narrow(&mut filter, &condition));
        assert_eq!(filter.src, subnets(["10.0.0.0/8", "10.1.0.0/16"]));
        assert_eq!(filter.dst, subnets(["2001:db8::/32"]));
    }

    #[test]
    fn other_conditions_say_nothing() {
        for condition in [
            col("src").not_eq(lit("10.0.0.1")),
            col("src").eq(lit("02:00:00:00:00:01")),
            in_subnet(col("src"), "10.0.0.0/99"),
            in_subnet(col("community_id"), "10.0.0.0/8"),
            !in_subnet(col("src"), "10.0.0.0/8"),
            in_subnet(col("src"), "10.0.0.0/8").or(in_subnet(col("src"), "::/0")),
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
