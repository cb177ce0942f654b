//! What certificates say, checked with OpenSSL too.

use flowscope::detect::Message;
use flowscope::tls::{Certificate, TlsMessage};
use insta::assert_snapshot;

use crate::support::messages;

#[test]
fn an_ecdsa_certificate_its_authority_and_a_client() {
    assert_snapshot!(certificates("tls12-client-certificate"), @r#"
    1 < CN=server.example by CN=flowscope test authority for "server.example six.example far.example"
          1d5aa987c612cee0d6af9d80537765ca95cc30e1
          1795426657 to 2110786657
          af9ec6414109316d23a6f670d84f74cab58c2faf091d265565c076585890851b
    1 < CN=flowscope test authority by CN=flowscope test authority for ""
          2b8a067ed569441c722d3ce1cadf864c4c058786
          1795426657 to 2110786657
          55200289545375e0eb3f9a291527bed26f243315c7153ac3fdc161d3a50865af
    1 > CN=client by CN=flowscope test authority for ""
          1d5aa987c612cee0d6af9d80537765ca95cc30e3
          1795426658 to 2110786658
          e6a7f4242743f290aa552f68add6a0314e169dd0fd781efb78231eda7d7acc54
    "#);
}

#[test]
fn an_rsa_certificate_in_pieces() {
    assert_snapshot!(certificates("tls-small-records"), @r#"
    1 < CN=server.example by CN=flowscope test authority for "server.example six.example far.example"
          1d5aa987c612cee0d6af9d80537765ca95cc30e2
          1795426658 to 2110786658
          13e359c9b1c01183681269b63c90b16c101879a820a768db2552836ffdc1e935
    "#);
}

/// All certificates of a capture.
fn certificates(capture: &str) -> String {
    let mut text = String::new();
    for found in messages(capture) {
        if let Message::Tls(TlsMessage::Certificate(chain)) = &found.message {
            for certificate in chain.certificates() {
                text.push_str(&format!("{} {}", found.arrow(), details(certificate)));
            }
        }
    }
    text
}

/// Subject, issuer, names; serial number; from when to when; SHA-256.
fn details(certificate: Certificate<'_>) -> String {
    let it = certificate.details().unwrap();
    let names = it.names.join(" ");
    let sha256: String = certificate
        .sha256()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!(
        "{} by {} for {names:?}\n      {}\n      {} to {}\n      {sha256}\n",
        it.subject, it.issuer, it.serial, it.not_before, it.not_after,
    )
}
