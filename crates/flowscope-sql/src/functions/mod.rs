//! What SQL gets besides what DataFusion has.

mod community_id;
mod registered_domain;
pub(crate) mod subnet;
pub(crate) mod table;
mod text;

use datafusion::logical_expr::ScalarUDF;

/// The functions of values.
pub(crate) fn of_values() -> [ScalarUDF; 3] {
    [
        ScalarUDF::new_from_impl(community_id::CommunityIdFunction::default()),
        ScalarUDF::new_from_impl(subnet::InSubnet::default()),
        ScalarUDF::new_from_impl(registered_domain::RegisteredDomain::default()),
    ]
}
