//! Whether a certificate is for the host that a client asked for.

/// Whether one of the alternative names of a certificate is that of `host`, or
/// where there are none, the common name of its `subject` (RFC 2818, section
/// 3.1).
pub(super) fn is_certified(host: &str, names: &[String], subject: &str) -> bool {
    match names {
        [] => common_name(subject).is_some_and(|name| is_match(host, name)),
        names => names.iter().any(|name| is_match(host, name)),
    }
}

/// A `*` at the end of the first label stands for letters of this label, in
/// names of three labels and more (RFC 6125, section 6.4.3).
fn is_match(host: &str, name: &str) -> bool {
    if host.eq_ignore_ascii_case(name) {
        return true;
    }
    let (Some((host, host_rest)), Some((name, name_rest))) =
        (host.split_once('.'), name.split_once('.'))
    else {
        return false;
    };
    let Some(begin) = name.strip_suffix('*') else {
        return false;
    };
    let own = host.get(..begin.len());
    name_rest.contains('.')
        && host_rest.eq_ignore_ascii_case(name_rest)
        && own.is_some_and(|own| own.eq_ignore_ascii_case(begin))
}

/// The most specific common name of a subject such as `CN=example.com,O=Example`.
fn common_name(subject: &str) -> Option<&str> {
    let mut is_escaped = false;
    let parts = subject.split(move |letter| {
        let is_end = letter == ',' && !is_escaped;
        is_escaped = letter == '\\' && !is_escaped;
        is_end
    });
    parts.into_iter().find_map(|part| part.strip_prefix("CN="))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_for_one_label() {
        for (host, name, expected) in [
            ("www.example.com", "WWW.example.com", true),
            ("www.example.com", "*.example.com", true),
            ("www.example.com", "w*.example.com", true),
            ("www.example.com", "x*.example.com", false),
            ("a.www.example.com", "*.example.com", false),
            ("example.com", "*.com", false),
            ("example.com", "*.example.com", false),
            ("www.example.com", "*w.example.com", false),
            ("localhost", "*", false),
        ] {
            assert_eq!(is_match(host, name), expected, "{host} {name}");
        }
    }

    #[test]
    fn the_subject_counts_where_there_are_no_other_names() {
        let subject = "OU=a\\,CN=no,CN=example.com,O=Example";
        assert!(is_certified("example.com", &[], subject));
        assert!(!is_certified("no", &[], subject));
        assert!(!is_certified(
            "example.com",
            &["example.org".to_owned()],
            subject
        ));
    }
}
