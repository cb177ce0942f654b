//! `community_id(proto, src, src_port, dst, dst_port)`: a name for a flow that
//! every tool computes alike.

use core::net::IpAddr;
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, Int64Array, StringArray};
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};
use flowscope_core::wire::{IcmpHeader, IpProtocol};
use flowscope_record::{CommunityId, Ports};

use super::text::{at, checked, is_text, numbers, strings};

/// Computes Community IDs, version 1 with seed 0.
#[derive(Debug, Eq, Hash, PartialEq)]
pub(super) struct CommunityIdFunction(Signature);

impl Default for CommunityIdFunction {
    fn default() -> Self {
        Self(Signature::user_defined(Volatility::Immutable))
    }
}

impl ScalarUDFImpl for CommunityIdFunction {
    fn name(&self) -> &'static str {
        "community_id"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn coerce_types(&self, found: &[DataType]) -> Result<Vec<DataType>> {
        let is_number = |it: &DataType| it.is_integer() || it.is_null();
        checked(
            "community_id(proto, src, src_port, dst, dst_port)",
            found,
            &[is_text, is_text, is_number, is_text, is_number],
        )
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let text = |column: usize| strings(&args.args[column], rows);
        let number = |column: usize| numbers(&args.args[column], rows);
        let (protocols, from, to) = (text(0)?, text(1)?, text(3)?);
        let (from_ports, to_ports) = (number(2)?, number(4)?);
        let port = |ports: &Int64Array, row| ports.is_valid(row).then(|| ports.value(row));
        let found = (0..rows).map(|row| {
            community_id(
                at(&protocols, row)?,
                (
                    at(&from, row)?,
                    port(from_ports.as_primitive::<Int64Type>(), row),
                ),
                (
                    at(&to, row)?,
                    port(to_ports.as_primitive::<Int64Type>(), row),
                ),
            )
        });
        let found: StringArray = found.collect();
        Ok(ColumnarValue::Array(Arc::new(found)))
    }
}

/// An address, and what is in place of its port.
type End<'a> = (&'a str, Option<i64>);

/// None where there is no such flow. For ICMP the ports are type and code.
fn community_id(protocol: &str, src: End<'_>, dst: End<'_>) -> Option<String> {
    let protocol = protocol_of(protocol)?;
    let addr = |end: End<'_>| end.0.parse::<IpAddr>().ok();
    let ports = match (protocol, src.1, dst.1) {
        (IpProtocol::ICMP | IpProtocol::ICMP6, Some(kind), Some(code)) => Ports::Icmp(IcmpHeader {
            kind: kind.try_into().ok()?,
            code: code.try_into().ok()?,
        }),
        (_, Some(src), Some(dst)) => Ports::Numbers(src.try_into().ok()?, dst.try_into().ok()?),
        _ => Ports::Absent,
    };
    Some(CommunityId::new(protocol, addr(src)?, addr(dst)?, ports).to_string())
}

/// The protocol that records call by this name.
fn protocol_of(name: &str) -> Option<IpProtocol> {
    Some(match name {
        "tcp" => IpProtocol::TCP,
        "udp" => IpProtocol::UDP,
        "icmp" => IpProtocol::ICMP,
        "icmp6" => IpProtocol::ICMP6,
        "sctp" => IpProtocol(132),
        number => IpProtocol(number.parse().ok()?),
    })
}
