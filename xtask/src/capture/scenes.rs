//! Every capture that is recorded, by subject.

mod browser;
mod dns;
mod http;
mod internet;
mod quic;
mod tcp;
mod tls;

use super::scene::Scene;

/// All of them, in the order in which they are recorded.
pub(super) fn all() -> impl Iterator<Item = Scene> {
    [
        http::SCENES,
        tls::SCENES,
        quic::SCENES,
        browser::SCENES,
        dns::SCENES,
        tcp::SCENES,
        internet::SCENES,
    ]
    .into_iter()
    .flatten()
    .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_differ_and_are_plain() {
        let mut names: Vec<&str> = all().map(|scene| scene.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        assert!(names.iter().all(|name| name.bytes().all(plain)));
    }
}
