//! QUIC: the hellos in it, and what comes before them.

use core::fmt::Write as _;

use flowscope::detect::Message;
use flowscope::quic::{QuicHello, QuicMessage};
use insta::assert_snapshot;

use crate::support::messages;
use crate::tls::{client_hello, server_hello};

/// The messages of a capture, a row each, with version and lengths of connection
/// IDs.
fn rows(capture: &str) -> String {
    let mut rows = String::new();
    for found in messages(capture) {
        let arrow = found.arrow();
        let Message::Quic(message) = found.message else {
            panic!("{:?}", found.message);
        };
        let _ = match message {
            QuicMessage::ClientHello(it) => {
                let parameters = it.transport_parameters();
                let names: Vec<_> = parameters
                    .map(|one| match one.name() {
                        _ if one.is_grease() => "GREASE".to_owned(),
                        Some(name) => name.to_owned(),
                        None => one.id.to_string(),
                    })
                    .collect();
                let hello = client_hello(&it.hello);
                writeln!(
                    rows,
                    "{arrow} {} {hello}\n      {}",
                    packet(&it),
                    names.join(" ")
                )
            }
            QuicMessage::ServerHello(it) => {
                writeln!(rows, "{arrow} {} {}", packet(&it), server_hello(&it.hello))
            }
            QuicMessage::Retry(it) => {
                writeln!(rows, "{arrow} {} Retry {} B", it.version, it.token_len)
            }
            QuicMessage::VersionNegotiation(it) => {
                let are_real = |it: &&flowscope::quic::QuicVersion| !it.is_grease();
                let versions = it.versions.iter().filter(are_real);
                let versions: Vec<_> = versions.map(ToString::to_string).collect();
                writeln!(rows, "{arrow} versions {}", versions.join(" "))
            }
            other => panic!("{other:?}"),
        };
    }
    rows
}

fn packet<H>(hello: &QuicHello<H>) -> String {
    let ids = [&hello.destination_id, &hello.source_id].map(|id| id.bytes().len());
    let mut text = format!("{} {}/{}", hello.version, ids[0], ids[1]);
    if hello.token_len > 0 {
        let _ = write!(text, " token {} B", hello.token_len);
    }
    text
}

#[test]
fn handshakes_are_read() {
    assert_snapshot!(rows("quic-v1"), @r"
    1 > v1 18/17 ClientHello TLS 1.3 server.example h3
          ja3 4e2f39e9839276fe7bfd283b657fb9db
          ja4 q13d0415h3_9caa18292e23_84684a673e38
          initial_source_connection_id initial_max_stream_data_bidi_local initial_max_stream_data_bidi_remote initial_max_stream_data_uni initial_max_data initial_max_streams_uni max_idle_timeout active_connection_id_limit grease_quic_bit version_information_draft
    1 < v1 17/18 ServerHello TLS 1.3 TLS_AES_128_GCM_SHA256 group 0x001d
          ja3s eb1d94daa7e0344597e756a1fb6e7054
    ");
    assert_snapshot!(rows("quic-ipv6"), @r"
    1 > v1 18/1 ClientHello TLS 1.3 six.example h3
          ja3 4e2f39e9839276fe7bfd283b657fb9db
          ja4 q13d0415h3_9caa18292e23_84684a673e38
          initial_source_connection_id initial_max_stream_data_bidi_local initial_max_stream_data_bidi_remote initial_max_stream_data_uni initial_max_data initial_max_streams_uni max_idle_timeout active_connection_id_limit grease_quic_bit version_information_draft
    1 < v1 1/18 ServerHello TLS 1.3 TLS_AES_128_GCM_SHA256 group 0x001d
          ja3s eb1d94daa7e0344597e756a1fb6e7054
    ");
}

#[test]
fn keys_change_with_a_retry() {
    assert_snapshot!(rows("quic-retry"), @r"
    1 > v1 18/17 ClientHello TLS 1.3 server.example h3
          ja3 4e2f39e9839276fe7bfd283b657fb9db
          ja4 q13d0415h3_9caa18292e23_84684a673e38
          initial_source_connection_id initial_max_stream_data_bidi_local initial_max_stream_data_bidi_remote initial_max_stream_data_uni initial_max_data initial_max_streams_uni max_idle_timeout active_connection_id_limit grease_quic_bit version_information_draft
    1 < v1 Retry 78 B
    1 < v1 17/18 ServerHello TLS 1.3 TLS_AES_128_GCM_SHA256 group 0x001d
          ja3s eb1d94daa7e0344597e756a1fb6e7054
    ");
}

#[test]
fn versions_are_negotiated() {
    assert_snapshot!(rows("quic-negotiation"), @r"
    1 > 0x1a2a3a4a 18/17 ClientHello TLS 1.3 server.example h3
          ja3 4e2f39e9839276fe7bfd283b657fb9db
          ja4 q13d0415h3_9caa18292e23_84684a673e38
          initial_source_connection_id initial_max_stream_data_bidi_local initial_max_stream_data_bidi_remote initial_max_stream_data_uni initial_max_data initial_max_streams_uni max_idle_timeout active_connection_id_limit grease_quic_bit version_information_draft
    1 < versions v1
    2 > v1 18/17 ClientHello TLS 1.3 server.example h3
          ja3 4e2f39e9839276fe7bfd283b657fb9db
          ja4 q13d0415h3_9caa18292e23_84684a673e38
          initial_source_connection_id initial_max_stream_data_bidi_local initial_max_stream_data_bidi_remote initial_max_stream_data_uni initial_max_data initial_max_streams_uni max_idle_timeout active_connection_id_limit grease_quic_bit version_information_draft
    2 < v1 17/18 ServerHello TLS 1.3 TLS_AES_128_GCM_SHA256 group 0x001d
          ja3s eb1d94daa7e0344597e756a1fb6e7054
    ");
    assert_snapshot!(rows("quic-v2-draft"), @r"
    1 > v2-draft 18/17 ClientHello TLS 1.3 server.example h3
          ja3 4e2f39e9839276fe7bfd283b657fb9db
          ja4 q13d0415h3_9caa18292e23_84684a673e38
          initial_source_connection_id initial_max_stream_data_bidi_local initial_max_stream_data_bidi_remote initial_max_stream_data_uni initial_max_data initial_max_streams_uni max_idle_timeout active_connection_id_limit grease_quic_bit version_information_draft
    1 < v2-draft 17/18 ServerHello TLS 1.3 TLS_AES_128_GCM_SHA256 group 0x001d
          ja3s eb1d94daa7e0344597e756a1fb6e7054
    2 > v1 18/17 ClientHello TLS 1.3 server.example h3
          ja3 4e2f39e9839276fe7bfd283b657fb9db
          ja4 q13d0415h3_9caa18292e23_84684a673e38
          initial_source_connection_id initial_max_stream_data_bidi_local initial_max_stream_data_bidi_remote initial_max_stream_data_uni initial_max_data initial_max_streams_uni max_idle_timeout active_connection_id_limit grease_quic_bit version_information_draft
    2 < v2-draft 17/18 ServerHello TLS 1.3 TLS_AES_128_GCM_SHA256 group 0x001d
          ja3s eb1d94daa7e0344597e756a1fb6e7054
    ");
}

#[test]
fn early_data_is_passed() {
    assert_snapshot!(rows("quic-early-data"), @r"
    1 > v1 18/17 ClientHello TLS 1.3 server.example h3
          ja3 4e2f39e9839276fe7bfd283b657fb9db
          ja4 q13d0415h3_9caa18292e23_84684a673e38
          initial_source_connection_id initial_max_stream_data_bidi_local initial_max_stream_data_bidi_remote initial_max_stream_data_uni initial_max_data initial_max_streams_uni max_idle_timeout active_connection_id_limit grease_quic_bit version_information_draft
    1 < v1 17/18 ServerHello TLS 1.3 TLS_AES_128_GCM_SHA256 group 0x001d
          ja3s eb1d94daa7e0344597e756a1fb6e7054
    2 > v1 18/17 ClientHello TLS 1.3 server.example h3 +early data +PSK
          ja3 b625f3825354ef0093a79285d4cd2c8d
          ja4 q13d0417h3_9caa18292e23_b9213f5cc2db
          initial_source_connection_id initial_max_stream_data_bidi_local initial_max_stream_data_bidi_remote initial_max_stream_data_uni initial_max_data initial_max_streams_uni max_idle_timeout active_connection_id_limit grease_quic_bit version_information_draft
    2 < v1 17/18 ServerHello TLS 1.3 TLS_AES_128_GCM_SHA256 group 0x001d
          ja3s aa8ccc23f30f490cc666164b60a06354
    ");
}

#[test]
fn a_hello_is_asked_for_again() {
    assert_snapshot!(rows("quic-hello-retry"), @r"
    1 > v1 18/17 ClientHello TLS 1.3 server.example h3
          ja3 4e2f39e9839276fe7bfd283b657fb9db
          ja4 q13d0415h3_9caa18292e23_84684a673e38
          initial_source_connection_id initial_max_stream_data_bidi_local initial_max_stream_data_bidi_remote initial_max_stream_data_uni initial_max_data initial_max_streams_uni max_idle_timeout active_connection_id_limit grease_quic_bit version_information_draft
    1 < v1 17/18 HelloRetryRequest TLS 1.3 TLS_AES_128_GCM_SHA256 group 0x0019
          ja3s eb1d94daa7e0344597e756a1fb6e7054
    1 > v1 18/17 ClientHello TLS 1.3 server.example h3
          ja3 4e2f39e9839276fe7bfd283b657fb9db
          ja4 q13d0415h3_9caa18292e23_84684a673e38
          initial_source_connection_id initial_max_stream_data_bidi_local initial_max_stream_data_bidi_remote initial_max_stream_data_uni initial_max_data initial_max_streams_uni max_idle_timeout active_connection_id_limit grease_quic_bit version_information_draft
    1 < v1 17/18 ServerHello TLS 1.3 TLS_AES_128_GCM_SHA256 group 0x0019
          ja3s eb1d94daa7e0344597e756a1fb6e7054
    ");
}

/// Where the client goes, there is nothing that tells it by what it says.
#[test]
fn a_client_moves() {
    assert_snapshot!(rows("quic-moves"), @r"
    1 > v1 18/17 ClientHello TLS 1.3 server.example h3
          ja3 4e2f39e9839276fe7bfd283b657fb9db
          ja4 q13d0415h3_9caa18292e23_84684a673e38
          initial_source_connection_id initial_max_stream_data_bidi_local initial_max_stream_data_bidi_remote initial_max_stream_data_uni initial_max_data initial_max_streams_uni max_idle_timeout active_connection_id_limit grease_quic_bit version_information_draft
    1 < v1 17/18 ServerHello TLS 1.3 TLS_AES_128_GCM_SHA256 group 0x001d
          ja3s eb1d94daa7e0344597e756a1fb6e7054
    ");
}
