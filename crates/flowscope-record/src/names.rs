//! The names that hosts ask for.

use crate::ranking::{Amount, Ranking};
use crate::record::{NameCounts, NameRequests};

/// A name that somebody asked for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct NameRequest {
    /// As records show names of DNS, in lower case, without a port or a dot at
    /// its end.
    name: Vec<u8>,
    asked_in: AskedIn,
}

/// In which protocol a name was asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum AskedIn {
    Http,
    /// Whatever carries TLS.
    Tls,
    Dns,
}

/// How often each name was asked for, in bounded memory.
///
/// Those who send packets choose the names. So the length of a name is bounded,
/// too: longer ones, which no host can have, are counted among the others.
#[derive(Debug)]
pub(crate) struct Names(Ranking<Vec<u8>, NameCounts>);

impl NameRequest {
    /// For a host of this name, as a client wrote it. Its dots are between labels,
    /// so that of what DNS escapes there are only backslashes; what else is no name
    /// is left as it was sent.
    pub(crate) fn of_host(host: &[u8], asked_in: AskedIn) -> Option<Self> {
        let host = host.strip_suffix(b".").unwrap_or(host);
        let pieces: Vec<_> = host.split(|byte| *byte == b'\\').collect();
        Self::new(pieces.join(&br"\\"[..]), asked_in)
    }

    pub(crate) fn name(&self) -> &[u8] {
        &self.name
    }

    /// `None` for the root, and for no name at all.
    pub(crate) fn new(mut name: Vec<u8>, asked_in: AskedIn) -> Option<Self> {
        name.make_ascii_lowercase();
        let is_name = !matches!(&name[..], b"" | b".");
        is_name.then_some(Self { name, asked_in })
    }
}

impl Names {
    /// Counts a name.
    pub(crate) fn count(&mut self, request: &NameRequest) {
        let Self(ranking) = self;
        let counts = NameCounts::once(request.asked_in);
        match request.name.len() {
            ..=LONGEST => ranking.add(&request.name[..], counts),
            _ => ranking.add_other(counts),
        }
    }

    /// Those asked for most often, and how often all others were.
    pub(crate) fn top(&self, most: usize) -> (Vec<NameRequests>, Option<NameCounts>) {
        let (top, others) = self.0.top(most);
        let top = top.into_iter();
        let top = top.map(|(name, counts)| NameRequests { name, counts });
        (top.collect(), others)
    }
}

impl Default for Names {
    fn default() -> Self {
        Self(Ranking::of_at_most(MOST_KNOWN))
    }
}

impl NameCounts {
    fn once(asked_in: AskedIn) -> Self {
        let mut counts = Self::default();
        match asked_in {
            AskedIn::Http => counts.http = 1,
            AskedIn::Tls => counts.tls = 1,
            AskedIn::Dns => counts.dns = 1,
        }
        counts
    }
}

impl Amount for NameCounts {
    fn weight(self) -> u64 {
        self.http + self.tls + self.dns
    }
}

/// Names that are told apart: 20 MB of them, if all are as long as they may be.
const MOST_KNOWN: usize = 1 << 16;

/// Bytes of a name, as it is shown, at the most: as many as it has in a message
/// (RFC 1035, section 2.3.4), where there is nothing to escape.
const LONGEST: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_however_it_is_asked_for() {
        let mut names = Names::default();
        for (name, protocol) in [
            ("Example.ORG", AskedIn::Http),
            ("example.org.", AskedIn::Dns),
            ("example.org", AskedIn::Tls),
            ("example.org", AskedIn::Tls),
            ("example.net", AskedIn::Dns),
        ] {
            names.count(&NameRequest::of_host(name.as_bytes(), protocol).unwrap());
        }
        assert_eq!(NameRequest::new(b".".to_vec(), AskedIn::Dns), None);
        assert_eq!(NameRequest::of_host(b".", AskedIn::Http), None);
        let counts = NameCounts {
            http: 1,
            tls: 2,
            dns: 1,
        };
        let (top, others) = names.top(1);
        let name = b"example.org".to_vec();
        assert_eq!(top, [NameRequests { name, counts }]);
        assert_eq!(others, Some(NameCounts::once(AskedIn::Dns)));
    }

    #[test]
    fn a_host_is_written_as_a_name_of_dns() {
        for (sent, shown) in [
            ("example.org.", "example.org"),
            (r"www\.example", r"www\\.example"),
            (r"www\.", r"www\\"),
            (r"\", r"\\"),
        ] {
            let request = NameRequest::of_host(sent.as_bytes(), AskedIn::Tls);
            assert_eq!(request.unwrap().name, shown.as_bytes(), "{sent}");
        }
        assert_eq!(NameRequest::of_host(b"", AskedIn::Tls), None);
    }

    #[test]
    fn long_names_are_counted_but_not_kept() {
        let mut names = Names::default();
        names.count(&NameRequest::new(vec![b'a'; LONGEST + 1], AskedIn::Http).unwrap());
        assert_eq!(
            names.top(5),
            (vec![], Some(NameCounts::once(AskedIn::Http)))
        );
    }
}
