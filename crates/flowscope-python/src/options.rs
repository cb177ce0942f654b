//! How captures are read, from keyword arguments.

use core::net::IpAddr;
use core::time::Duration;
use std::collections::HashMap;

use flowscope_record::{Encapsulation, FlowKey, RecordConfig};
use flowscope_table::RowFilter;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// What flows are told apart by, and when they end.
pub(crate) fn record_config(
    key: &str,
    encap: &str,
    idle_timeout: HashMap<String, f64>,
    max_flows: Option<usize>,
) -> PyResult<RecordConfig> {
    let mut config = RecordConfig {
        key: match key {
            "five-tuple" => FlowKey::FiveTuple,
            "ip-pair" => FlowKey::IpPair,
            "mac-pair" => FlowKey::MacPair,
            _ => return wrong("key", key, "five-tuple, ip-pair or mac-pair"),
        },
        encapsulation: match encap {
            "auto" => Encapsulation::Innermost,
            "none" => Encapsulation::Outermost,
            _ => return wrong("encap", encap, "auto or none"),
        },
        ..RecordConfig::default()
    };
    let idle = &mut config.engine.idle;
    for (class, seconds) in idle_timeout {
        let Ok(after) = Duration::try_from_secs_f64(seconds) else {
            return wrong("idle_timeout", &seconds.to_string(), "a number of seconds");
        };
        *match class.as_str() {
            "tcp" => &mut idle.tcp,
            "handshake" => &mut idle.handshake,
            "closed" => &mut idle.closed,
            "udp" => &mut idle.udp,
            "other" => &mut idle.other,
            _ => {
                return wrong(
                    "idle_timeout",
                    &class,
                    "tcp, handshake, closed, udp or other",
                );
            }
        } = after;
    }
    if let Some(max_flows) = max_flows {
        config.engine.max_flows = max_flows.max(1);
    }
    Ok(config)
}

/// Which records are wanted.
pub(crate) fn filter(
    src: Option<&str>,
    dst: Option<&str>,
    since: Option<u64>,
    until: Option<u64>,
) -> PyResult<RowFilter> {
    let address = |name, text: Option<&str>| match text.map(|text| (text, text.parse::<IpAddr>())) {
        None => Ok(Vec::new()),
        Some((_, Ok(addr))) => Ok(vec![addr.into()]),
        Some((text, Err(_))) => wrong(name, text, "an address such as 10.0.0.1"),
    };
    Ok(RowFilter {
        from: since,
        to: until,
        src: address("src", src)?,
        dst: address("dst", dst)?,
    })
}

pub(crate) fn wrong<T>(name: &str, value: &str, wanted: &str) -> PyResult<T> {
    Err(PyValueError::new_err(format!(
        "{name} is {wanted}, not {value:?}"
    )))
}
