//! Names that were asked for, and how often.

use std::collections::HashMap;

use flowscope::detect::Message;
use flowscope::dns::DnsMessage;
use flowscope::http::HttpMessage;
use flowscope::quic::QuicMessage;
use flowscope::tls::TlsMessage;
use flowscope_record::text::printable;

/// How often each name was asked for, in bounded memory: of too many, those asked
/// for least often are forgotten.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<String, u64>);

impl Names {
    pub(super) fn count(&mut self, name: &str) {
        if let Some(count) = self.0.get_mut(name) {
            *count += 1;
            return;
        }
        if self.0.len() >= MOST {
            self.forget();
        }
        self.0.insert(name.to_owned(), 1);
    }

    /// Those asked for most often.
    pub(super) fn top(&self, most: usize) -> Vec<(String, u64)> {
        let mut names: Vec<_> = self.0.iter().collect();
        names.sort_by(|(a, m), (b, n)| n.cmp(m).then(a.cmp(b)));
        let top = names.into_iter().take(most);
        top.map(|(name, count)| (name.clone(), *count)).collect()
    }

    fn forget(&mut self) {
        let kept = self.top(MOST / 2);
        self.0 = kept.into_iter().collect();
    }
}

/// The name that a message asks for, as it can be shown.
pub(super) fn name_in(message: &Message) -> Option<String> {
    let name = match message {
        Message::Http(HttpMessage::Request(request)) => {
            String::from_utf8_lossy(request.host()?.as_bytes()).into_owned()
        }
        Message::Tls(TlsMessage::ClientHello(hello)) => hello.sni()?.into_owned(),
        Message::Quic(QuicMessage::ClientHello(client)) => client.hello.sni()?.into_owned(),
        Message::Dns(DnsMessage::Query(query)) => query.packet.question()?.name.to_string(),
        _ => return None,
    };
    let name = printable(&name).trim_end_matches('.').to_lowercase();
    // No host has a longer one.
    (!name.is_empty() && name.len() <= LONGEST).then_some(name)
}

const MOST: usize = 16_384;
const LONGEST: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_stay() {
        let mut names = Names::default();
        for _ in 0..3 {
            names.count("often.example");
        }
        for n in 0..100_000 {
            names.count(&format!("{n}.example"));
        }
        assert_eq!(names.top(1), [("often.example".to_owned(), 3)]);
        assert!(names.0.len() <= MOST);
    }
}
