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
        "in_subnet"
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
                    let subnet = Subnet::parse(text).ok_or_else(|| not_a_subnet(text))?;
                    known = Some((text, subnet));
                    Some(subnet)
                }
            };
            found.push(match (address, subnet) {
                (Address::Null, _) | (_, None) => None,
                (Address::Other, Some(_)) => Some(false),
                (Address::Ip(addr), Some(subnet)) => Some(subnet.has(*addr)),
            });
        }
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::from(found))))
    }
}

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

/// A network: an address, and how many of its bits count.
#[derive(Clone, Copy, Debug)]
struct Subnet {
    addr: IpAddr,
    bits: u32,
}

impl Subnet {
    /// An address alone is a network of one.
    fn parse(text: &str) -> Option<Self> {
        let (addr, bits) = match text.split_once('/') {
            Some((addr, bits)) => (addr, Some(bits)),
            None => (text, None),
        };
        let addr: IpAddr = addr.parse().ok()?;
        let most = if addr.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            // No sign, which `parse` would take.
            Some(bits) if bits.bytes().all(|it| it.is_ascii_digit()) => bits.parse().ok()?,
            Some(_) => return None,
            None => most,
        };
        (bits <= most).then_some(Self { addr, bits })
    }

    fn has(self, addr: IpAddr) -> bool {
        match (self.addr, addr) {
            (IpAddr::V4(of), IpAddr::V4(addr)) => {
                let differ = u32::from(of) ^ u32::from(addr);
                differ.leading_zeros() >= self.bits
            }
            (IpAddr::V6(of), IpAddr::V6(addr)) => {
                let differ = u128::from(of) ^ u128::from(addr);
                differ.leading_zeros() >= self.bits
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_has_the_addresses_that_begin_as_it_does() {
        for (network, addr, expected) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.1.2.3/8", "10.0.0.1", true),
            ("10.0.0.1", "10.0.0.1", true),
            ("10.0.0.1/32", "10.0.0.2", false),
            ("0.0.0.0/0", "192.0.2.1", true),
            ("0.0.0.0/0", "::1", false),
            ("::/0", "2001:db8::1", true),
            ("2001:db8::/32", "2001:db8:1::1", true),
            ("2001:db8::/32", "2001:db9::1", false),
        ] {
            let subnet = Subnet::parse(network).expect(network);
            let addr = addr.parse().expect(addr);
            assert_eq!(subnet.has(addr), expected, "{network} {addr}");
        }
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in [
            "",
            "10.0.0.0/33",
            "10.0.0.0/",
            "10.0.0/8",
            "::/129",
            "::/+1",
            "a/8",
        ] {
            assert!(Subnet::parse(text).is_none(), "{text}");
        }
    }
}
