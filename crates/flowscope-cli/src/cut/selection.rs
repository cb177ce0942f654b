//! Which flows are wanted.

use core::fmt;
use core::str::FromStr;

use clap::Args;
use flowscope::Timestamp;
use flowscope::track::FlowId;
use flowscope_export::zeek::Network;
use flowscope_record::{Depth, Endpoints, FlowRecord, Goal, Host, NameFilter, RecordConfig};

use super::{Expression, Glob};

/// Which flows are wanted: those that every option allows that is given. An
/// option with several values allows what one of them does.
#[derive(Args, Debug)]
pub(crate) struct Selection {
    /// Flows by their numbers in records
    #[arg(long, value_name = "N", value_delimiter = ',', help_heading = SELECTION)]
    flow: Vec<u64>,
    /// Flows by their Community ID
    #[arg(long, value_name = "ID", value_delimiter = ',', help_heading = SELECTION)]
    community_id: Vec<String>,
    /// Flows of a host, or of one in a network
    #[arg(long, value_name = "ADDRESS", value_delimiter = ',', help_heading = SELECTION)]
    host: Vec<Network>,
    /// Flows with a port at either end
    #[arg(long, value_name = "PORT", value_delimiter = ',', help_heading = SELECTION)]
    port: Vec<u16>,
    /// Flows on which a name was asked for, in HTTP, TLS, QUIC or DNS; * and ? stand for letters
    #[arg(long, value_name = "GLOB", value_delimiter = ',', help_heading = SELECTION)]
    name: Vec<Glob>,
    /// Flows of a protocol: http, tls, dns, quic, dtls
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = SELECTION)]
    app: Vec<String>,
    /// Flows with an anomaly; * for any
    #[arg(long, value_name = "KIND", value_delimiter = ',', help_heading = SELECTION)]
    anomaly: Vec<Glob>,
    /// Only packets between two moments: RFC 3339, or seconds since 1970
    #[arg(long, value_names = ["FROM", "TO"], num_args = 2, help_heading = SELECTION)]
    between: Vec<Moment>,
    /// Flows whose record it is true of, such as 'bytes_responder > 1000000 and proto == tcp'
    #[arg(long = "where", value_name = "EXPRESSION", help_heading = SELECTION)]
    condition: Option<Expression>,
}

impl Selection {
    /// How far flows have to be read to decide.
    pub(super) fn reading(&self, config: RecordConfig) -> RecordConfig {
        // What is missing in streams, and odd about them, may count.
        let counts_streams = !self.anomaly.is_empty() || self.condition.is_some();
        let is_read = !self.app.is_empty() || !self.name.is_empty();
        let (goal, depth) = match (counts_streams, is_read) {
            (true, _) if is_read || !self.anomaly.is_empty() => (Goal::All, Depth::ByGoal),
            (_, false) => (Goal::Flows, Depth::ByGoal),
            (_, true) => (Goal::Flows, Depth::Understood),
        };
        RecordConfig {
            goal,
            depth,
            names: self.names(),
            ..config
        }
    }

    /// The names that flows are wanted by, if they are.
    fn names(&self) -> Option<NameFilter> {
        let globs: Vec<_> = self.name.iter().map(Glob::in_lower_case).collect();
        (!globs.is_empty()).then(|| {
            NameFilter::new(move |name| {
                let name = String::from_utf8_lossy(name);
                globs.iter().any(|glob| glob.matches(&name))
            })
        })
    }

    pub(super) fn wants_anomaly(&self) -> bool {
        !self.anomaly.is_empty()
    }

    pub(super) fn is_anomaly(&self, kind: &str) -> bool {
        self.anomaly.iter().any(|glob| glob.matches(kind))
    }

    /// Whether a flow may be wanted by what is known from its first packet.
    pub(super) fn may_match(&self, flow: FlowId, endpoints: &Endpoints) -> bool {
        let is_host = |host| match host {
            Host::Ip(addr) => self.host.iter().any(|net| net.contains(addr)),
            Host::Mac(_) => false,
        };
        let is_port = |(src, dst)| self.port.contains(&src) || self.port.contains(&dst);
        (self.flow.is_empty() || self.flow.contains(&flow.number()))
            && (self.host.is_empty() || is_host(endpoints.src) || is_host(endpoints.dst))
            && (self.port.is_empty() || endpoints.ports.is_some_and(is_port))
    }

    /// Whether a flow is wanted by what is known at its end.
    pub(super) fn matches(&self, flow: &FlowRecord) -> bool {
        let id = || flow.community_id().map(|id| id.to_string());
        let is_app = |app: &String| flow.app.is_some_and(|it| it.as_str() == app);
        (self.community_id.is_empty() || id().is_some_and(|id| self.community_id.contains(&id)))
            && (self.app.is_empty() || self.app.iter().any(is_app))
            && (self.name.is_empty() || flow.has_name)
            && (self.condition.as_ref()).is_none_or(|condition| condition.is_true_of(flow))
    }

    /// Whether a packet of that time is wanted.
    pub(super) fn is_between(&self, at: Timestamp) -> bool {
        match self.between.as_slice() {
            [from, to] => from.0 <= at && at <= to.0,
            _ => true,
        }
    }
}

/// A moment on the command line.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(Timestamp);

impl FromStr for Moment {
    type Err = BadMoment;

    fn from_str(text: &str) -> Result<Self, BadMoment> {
        if let Some((seconds, nanos)) = seconds(text) {
            return Ok(Self(Timestamp::new(seconds, nanos)));
        }
        let at: jiff::Timestamp = text.parse().map_err(|_| BadMoment)?;
        let nanos = u64::try_from(at.as_nanosecond()).map_err(|_| BadMoment)?;
        Ok(Self(Timestamp::from_nanos(nanos)))
    }
}

/// `1700000000.25`, as records have their times.
fn seconds(text: &str) -> Option<(u64, u32)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    if !is_number(whole) || !is_number(fraction) || fraction.len() > 9 {
        return None;
    }
    let nanos: u32 = format!("{fraction:0<9}").parse().ok()?;
    Some((whole.parse().ok()?, nanos))
}

/// It is no moment.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct BadMoment;

impl fmt::Display for BadMoment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("neither seconds since 1970 nor a time such as 2026-11-30T17:30:00Z")
    }
}

impl core::error::Error for BadMoment {}

const SELECTION: &str = "Selection";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_seconds_or_civil() {
        let at = |text: &str| text.parse::<Moment>().map(|moment| moment.0);
        assert_eq!(at("12.5"), Ok(Timestamp::new(12, 500_000_000)));
        assert_eq!(
            at("1970-01-01T00:00:12.5Z"),
            Ok(Timestamp::new(12, 500_000_000))
        );
        assert_eq!(at("1970-01-01T01:00:12+01:00"), Ok(Timestamp::new(12, 0)));
        for wrong in ["", "x", "1.", ".5", "-1", "1.0000000001", "1970-01-01"] {
            assert_eq!(at(wrong), Err(BadMoment), "{wrong}");
        }
    }
}
