//! `registered_domain(name)`: the part of a name that somebody registered.

use core::net::IpAddr;
use std::sync::Arc;

use datafusion::arrow::array::StringArray;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use super::text::{checked, is_text, strings};

/// Finds the registered part of names by the public suffix list.
#[derive(Debug, Eq, Hash, PartialEq)]
pub(super) struct RegisteredDomain(Signature);

impl Default for RegisteredDomain {
    fn default() -> Self {
        Self(Signature::user_defined(Volatility::Immutable))
    }
}

impl ScalarUDFImpl for RegisteredDomain {
    fn name(&self) -> &'static str {
        "registered_domain"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn coerce_types(&self, found: &[DataType]) -> Result<Vec<DataType>> {
        checked("registered_domain(name)", found, &[is_text])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let names = strings(&args.args[0], args.number_rows)?;
        let found = names.iter().map(|name| name.and_then(registered_domain));
        let found: StringArray = found.collect();
        Ok(ColumnarValue::Array(Arc::new(found)))
    }
}

/// The registered part of a name, in lower case. A port behind it is no part of
/// it, and an address has none.
fn registered_domain(name: &str) -> Option<String> {
    let host = match name.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|it| it.is_ascii_digit()) => host,
        _ => name,
    };
    let host = host.trim_end_matches('.').to_ascii_lowercase();
    if host.parse::<IpAddr>().is_ok() || host.starts_with('[') {
        return None;
    }
    psl::domain_str(&host).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_end_with_what_was_registered() {
        for (name, expected) in [
            ("www.example.com", Some("example.com")),
            ("WWW.Example.CO.UK.", Some("example.co.uk")),
            ("example.com:8080", Some("example.com")),
            ("a.b.github.io", Some("b.github.io")),
            ("co.uk", None),
            ("localhost", None),
            ("10.0.0.1", None),
            ("10.0.0.1:80", None),
            ("[::1]:80", None),
            ("::1", None),
            ("", None),
            (":", None),
        ] {
            assert_eq!(registered_domain(name).as_deref(), expected, "{name}");
        }
    }
}
