//! Whom a request is for: its target and `Host` may both say it.

use core::net::Ipv6Addr;

/// A host and perhaps a port, as in a target or in `Host`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Authority<'a> {
    /// As sent.
    text: &'a [u8],
    /// The port that is meant where none is named, if that is known.
    default_port: Option<u16>,
}

impl<'a> Authority<'a> {
    /// The authority of a target that has one: a whole URI (RFC 9112, section
    /// 3.2.2), or that of a `CONNECT` (section 3.2.3).
    pub(crate) fn of_target(method: &[u8], target: &'a [u8]) -> Option<Self> {
        // Nearly all targets are paths.
        if matches!(target.first(), None | Some(b'/' | b'*')) {
            return None;
        }
        let (scheme, rest) = match split_scheme(target) {
            Some((scheme, rest)) => (scheme, rest),
            None if method == b"CONNECT" => (&b""[..], target),
            None => return None,
        };
        let end = rest
            .iter()
            .position(|byte| matches!(byte, b'/' | b'?' | b'#' | b'\\'))
            .unwrap_or(rest.len());
        let authority = rest.get(..end)?;
        // RFC 9112, section 3.2: without a user's name and password.
        let text = match authority.iter().rposition(|byte| *byte == b'@') {
            Some(at) => authority.get(at + 1..)?,
            None => authority,
        };
        let found = Self {
            text,
            default_port: default_port(scheme),
        };
        // RFC 9110, section 4.2.1: without a host it is invalid.
        let (host, _) = found.split();
        (!host.is_empty()).then_some(found)
    }

    /// As sent, and as `Host` should be.
    pub(crate) fn text(self) -> &'a [u8] {
        self.text
    }

    /// Whether `header`, the value of `Host`, names the same.
    ///
    /// Neither the case of letters makes a difference, nor a port that goes
    /// without saying, nor how an octet or an address is written (RFC 3986,
    /// section 6.2). Clients leave out the port of a `CONNECT`.
    pub(crate) fn is_named_by(self, header: &[u8]) -> bool {
        let other = Authority {
            text: header,
            default_port: self.default_port,
        };
        let ((host, port), (named, named_port)) = (self.split(), other.split());
        let same_port = match (port, named_port) {
            (_, None) if self.default_port.is_none() => true,
            (port, named) => self.port(port) == self.port(named),
        };
        same_port && same_host(host, named)
    }

    /// The host, and the port if one is named.
    fn split(self) -> (&'a [u8], Option<&'a [u8]>) {
        let text = self.text;
        let colon = text.iter().rposition(|byte| *byte == b':');
        // Those of an IPv6 address are in brackets.
        let colon = colon.filter(|at| !text.get(*at..).unwrap_or_default().contains(&b']'));
        match colon.and_then(|at| text.split_at_checked(at)) {
            Some((host, port)) => (host, port.get(1..).filter(|port| !port.is_empty())),
            None => (text, None),
        }
    }

    fn port<'p>(self, named: Option<&'p [u8]>) -> Port<'p> {
        let Some(text) = named else {
            return self.default_port.map_or(Port::Unknown, Port::Number);
        };
        let number = str::from_utf8(text).ok().and_then(|text| text.parse().ok());
        number.map_or(Port::Other(text), Port::Number)
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Port<'a> {
    Number(u16),
    /// What is no number.
    Other(&'a [u8]),
    Unknown,
}

/// RFC 3986, section 3: `http://`.
fn split_scheme(target: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = target.iter().position(|byte| *byte == b':')?;
    let (scheme, rest) = target.split_at_checked(colon)?;
    let is_scheme = |byte: &u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
    let begins = scheme.first().is_some_and(u8::is_ascii_alphabetic);
    let rest = rest.strip_prefix(b"://")?;
    (begins && scheme.iter().all(is_scheme)).then_some((scheme, rest))
}

fn default_port(scheme: &[u8]) -> Option<u16> {
    [
        (&b"http"[..], 80),
        (b"https", 443),
        (b"ws", 80),
        (b"wss", 443),
        (b"ftp", 21),
    ]
    .into_iter()
    .find(|(known, _)| known.eq_ignore_ascii_case(scheme))
    .map(|(_, port)| port)
}

fn same_host(one: &[u8], other: &[u8]) -> bool {
    match (address(one), address(other)) {
        (Some(one), Some(other)) => one == other,
        _ => octets(one).eq(octets(other)),
    }
}

/// The address in brackets.
fn address(host: &[u8]) -> Option<Ipv6Addr> {
    let inside = host.strip_prefix(b"[")?.strip_suffix(b"]")?;
    str::from_utf8(inside).ok()?.parse().ok()
}

/// The octets of a host, in small letters.
fn octets(host: &[u8]) -> impl Iterator<Item = u8> {
    let mut rest = host;
    core::iter::from_fn(move || {
        let (first, behind) = rest.split_first()?;
        let encoded = match (first, behind.split_first_chunk::<2>()) {
            (b'%', Some((digits, behind))) => hex(*digits).map(|octet| (octet, behind)),
            _ => None,
        };
        let (octet, behind) = encoded.unwrap_or((*first, behind));
        rest = behind;
        Some(octet.to_ascii_lowercase())
    })
}

fn hex(digits: [u8; 2]) -> Option<u8> {
    let [high, low] = digits.map(|digit| char::from(digit).to_digit(16));
    u8::try_from(high? << 4 | low?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_uri_and_a_connect_name_whom_they_are_for() {
        for (method, target, host) in [
            ("GET", "http://a.example/p", Some("a.example")),
            ("GET", "HTTPS://A.example:8443?q", Some("A.example:8443")),
            ("GET", "http://user:pass@a:80/@b", Some("a:80")),
            ("GET", "http://[2001:db8::1]:80/", Some("[2001:db8::1]:80")),
            ("GET", "ftp://a", Some("a")),
            ("GET", "http://a#f", Some("a")),
            ("CONNECT", "a.example:443", Some("a.example:443")),
            ("CONNECT", "[::1]:443", Some("[::1]:443")),
            ("CONNECT", "http://a:443/", Some("a:443")),
            ("CONNECT", "/item", None),
            ("GET", "/http://a/", None),
            ("GET", "a:80", None),
            ("GET", "urn:a:b", None),
            ("GET", "1http://a/", None),
            ("GET", "http:///p", None),
            ("GET", "http://:80/", None),
            ("OPTIONS", "*", None),
            ("GET", "", None),
        ] {
            let found = Authority::of_target(method.as_bytes(), target.as_bytes());
            let found = found.map(Authority::text);
            assert_eq!(found, host.map(str::as_bytes), "{method} {target}");
        }
    }

    #[test]
    fn hosts_are_the_same_however_they_are_written() {
        for (target, header, same) in [
            ("http://a.example/", "a.example", true),
            ("http://a.example/", "A.EXAMPLE:80", true),
            ("http://a.example:/", "a.example", true),
            ("http://a.example:080/", "a.example", true),
            ("https://a.example/", "a.example:443", true),
            ("https://a.example/", "a.example:80", false),
            ("http://a.example:8080/", "a.example", false),
            ("http://a.example:8080/", "a.example:8080", true),
            ("http://a%2eexample/", "a.example", true),
            ("http://a%2Eexample/", "a%2eexample", true),
            ("http://a%example/", "a%example", true),
            ("http://u:p@a.example/", "a.example", true),
            ("http://a.example/", "u@a.example", false),
            ("http://a.example/", "b.example", false),
            ("http://a.example/", "a.example, b.example", false),
            ("http://a.example/", "", false),
            ("http://[2001:DB8::0:1]/", "[2001:db8::1]:80", true),
            ("http://[::1]/", "[::2]", false),
            ("http://[::1]/", "::1", false),
            ("foo://a/", "a", true),
            ("foo://a:1/", "a:2", false),
        ] {
            let found = Authority::of_target(b"GET", target.as_bytes()).expect(target);
            assert_eq!(
                found.is_named_by(header.as_bytes()),
                same,
                "{target} {header}"
            );
        }
        for (header, same) in [
            ("a:443", true),
            ("a", true),
            ("a:80", false),
            ("b:443", false),
        ] {
            let found = Authority::of_target(b"CONNECT", b"A:443").expect("it has one");
            assert_eq!(found.is_named_by(header.as_bytes()), same, "{header}");
        }
    }
}
