//! `in_subnet(addr, cidr)`: whether an address is in a network.

use core::net::IpAddr;
use std::sync::Arc;

use datafusion::arrow::array::BooleanArray;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::cast::as_binary_array;
use datafusion::common::{Result, exec_datafusion_err};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use flowscope_table::Subnet;

use super::text::{at, checked, is_text, strings};

/// Compares addresses, as text or as bytes, with networks.
#[derive(Debug, Eq, Hash, PartialEq)]
pub(super) struct InSubnet(Signature);

impl Default for InSubnet {
    fn default() -> Self {
        Self(Signature::user_defined(Volatility::Immutable))
    }
}

impl ScalarUDFImpl for InSubnet {
    fn name(&self) -> &'static str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn coerce_types(&self, found: &[DataType]) -> Result<Vec<DataType>> {
        let is_address = |it: &DataType| is_text(it) || is_binary(it);
        checked(
            "in_subnet(addr, '10.0.0.0/8')",
            found,
            &[is_address, is_text],
        )
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let addresses = addresses(&args.args[0], rows)?;
        let networks = strings(&args.args[1], rows)?;
        // Most often all rows have the same.
        let mut known: Option<(&str, Subnet)> = None;
        let mut found = Vec::with_capacity(rows);
        for (row, address) in addresses.iter().enumerate() {
            let subnet = match (at(&networks, row), known) {
                (None, _) => None,
                (Some(text), Some((same, subnet))) if text == same => Some(subnet),
                (Some(text), _) => {
                    let subnet = text.parse().map_err(|_| not_a_subnet(text))?;
                    known = Some((text, subnet));
                    Some(subnet)
                }
            };
            found.push(match (address, subnet) {
                (Address::Null, _) | (_, None) => None,
                (Address::Other, Some(_)) => Some(false),
                (Address::Ip(addr), Some(subnet)) => Some(subnet.contains(*addr)),
            });
        }
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::from(found))))
    }
}

/// What it is called in a query.
pub(crate) const NAME: &str = "in_subnet";

fn not_a_subnet(text: &str) -> datafusion::common::DataFusionError {
    exec_datafusion_err!(
        "in_subnet: '{text}' is no network; one is an address and how many of its bits count, \
         such as '10.0.0.0/8' or '2001:db8::/32'"
    )
}

/// What a row has for an address.
#[derive(Clone, Copy)]
enum Address {
    Null,
    Ip(IpAddr),
    /// One of the link layer, or none at all.
    Other,
}

fn addresses(value: &ColumnarValue, rows: usize) -> Result<Vec<Address>> {
    let of = |addr: Option<IpAddr>| addr.map_or(Address::Other, Address::Ip);
    if is_binary(&value.data_type()) {
        let array = cast(&value.to_array(rows)?, &DataType::Binary)?;
        let array = as_binary_array(&array)?;
        return Ok((array.iter())
            .map(|bytes| bytes.map_or(Address::Null, |bytes| of(ip(bytes))))
            .collect());
    }
    let texts = strings(value, rows)?;
    Ok((texts.iter())
        .map(|text| text.map_or(Address::Null, |text| of(text.parse().ok())))
        .collect())
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}

fn is_binary(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView
    )
}
