//! Programs and the hellos they are told by.

use flowscope::detect::Message;
use flowscope::tls::{ClientHello, TlsMessage};
use insta::assert_snapshot;

use super::rows;
use crate::support::messages;

#[test]
fn curl() {
    assert_snapshot!(rows("https-curl"), @r"
    1 > ClientHello TLS 1.3 server.example h2 http/1.1
          ja3 0149f47eabf9a20d0893e2a44e5a6323
          ja4 t13d3112h2_e8f1e7e78f70_b26ce05bbdd6
    1 < ServerHello TLS 1.3 TLS_AES_256_GCM_SHA384 group 0x001d
          ja3s 15af977ce25de452b96affa2addb1036
    1 = full, encrypted
    2 > ClientHello TLS 1.3 server.example http/1.1
          ja3 0149f47eabf9a20d0893e2a44e5a6323
          ja4 t13d3112h1_e8f1e7e78f70_b26ce05bbdd6
    2 < ServerHello TLS 1.3 TLS_AES_256_GCM_SHA384 group 0x001d
          ja3s 15af977ce25de452b96affa2addb1036
    2 = full, encrypted
    ");
    assert_snapshot!(rows("https-ipv6"), @r"
    1 > ClientHello TLS 1.2 six.example h2 http/1.1
          ja3 87b9bfc7da97115ed2276737b09f8d74
          ja4 t12d2807h2_d943125447b4_a44c6288192a
    1 < ServerHello TLS 1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 h2
          ja3s fe0146829eef1917ba6c2dd4f5c08905
    1 < Certificate 442 B CN=server.example by CN=flowscope test authority
    1 = full, encrypted
    ");
}

#[test]
fn python() {
    assert_snapshot!(rows("https-python"), @r"
    1 > ClientHello TLS 1.3 server.example
          ja3 d39e1be3241d516b1f714bd47c2bc968
          ja4 t13d311100_e8f1e7e78f70_d41ae481755e
    1 < ServerHello TLS 1.3 TLS_AES_256_GCM_SHA384 group 0x001d
          ja3s 15af977ce25de452b96affa2addb1036
    1 = full, encrypted
    ");
}

#[test]
fn node() {
    assert_snapshot!(rows("https-node"), @r"
    1 > ClientHello TLS 1.3 server.example
          ja3 0cce74b0d9b7f8528fb2181588d23793
          ja4 t13d591000_a33745022dd6_1f22a2ca17c4
    1 < ServerHello TLS 1.3 TLS_AES_256_GCM_SHA384 group 0x001d
          ja3s 15af977ce25de452b96affa2addb1036
    1 = full, encrypted
    ");
}

#[test]
fn gnutls() {
    assert_snapshot!(rows("tls-gnutls"), @r"
    1 > ClientHello TLS 1.3 server.example
          ja3 f35ce21b44ac0b87d3266294bb1b0e20
          ja4 t13d291300_723694b0fccc_2cc26d266019
    1 < ServerHello TLS 1.3 TLS_AES_256_GCM_SHA384 group 0x0017
          ja3s 907bf3ecef1c987c889946b737b43de8
    1 = full, encrypted
    2 > ClientHello TLS 1.2 server.example
          ja3 a35a8948ef1262d99ac83ac1a61a40fd
          ja4 t12d251000_7415a186c913_577ffa9d9a5c
    2 < ServerHello TLS 1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
          ja3s 5393119617299d9307b9a6c81c8db0f8
    2 < Certificate 442 B CN=server.example by CN=flowscope test authority
    2 > Certificate
    2 = full, encrypted
    ");
    assert_snapshot!(rows("tls-gnutls-nginx"), @r"
    1 > ClientHello TLS 1.3 server.example http/1.1
          ja3 6af33c9e05452609f615c60bfdef7ce7
          ja4 t13d2914h1_723694b0fccc_2cc26d266019
    1 < ServerHello TLS 1.3 TLS_AES_256_GCM_SHA384 group 0x0017
          ja3s 15af977ce25de452b96affa2addb1036
    1 = full, encrypted
    ");
}

/// Its extensions come in another order each time, so JA3 cannot tell it.
#[test]
fn chromium() {
    assert_snapshot!(rows("chromium-https"), @r"
    1 > ClientHello TLS 1.3 server.example h2 http/1.1 +GREASE +ECH
          ja3 798b1887a25cde5dde1d778732036633
          ja4 t13d1517h2_8daaf6152771_cb7bf5808d99
    1 < ServerHello TLS 1.3 TLS_AES_128_GCM_SHA256 group 0x001d
          ja3s f4febc55ea12b31ae17cfb7e614afda8
    2 > ClientHello TLS 1.3 server.example h2 http/1.1 +GREASE +ECH
          ja3 bd1ba4fa42767713d4d40bf5269a3451
          ja4 t13d1517h2_8daaf6152771_cb7bf5808d99
    2 < ServerHello TLS 1.3 TLS_AES_128_GCM_SHA256 group 0x001d
          ja3s f4febc55ea12b31ae17cfb7e614afda8
    1 = full, encrypted
    2 = full, encrypted
    ");
    assert_snapshot!(rows("chromium-https-http1"), @r"
    1 > ClientHello TLS 1.3 server.example h2 http/1.1 +GREASE +ECH
          ja3 027eb8bd2694f360b0ae5ae90747c5c1
          ja4 t13d1517h2_8daaf6152771_cb7bf5808d99
    1 < ServerHello TLS 1.3 TLS_AES_128_GCM_SHA256 group 0x001d
          ja3s f4febc55ea12b31ae17cfb7e614afda8
    2 > ClientHello TLS 1.3 server.example h2 http/1.1 +GREASE +ECH
          ja3 aa13ba584722657c8ac26b82ae1d8a14
          ja4 t13d1517h2_8daaf6152771_cb7bf5808d99
    2 < ServerHello TLS 1.3 TLS_AES_128_GCM_SHA256 group 0x001d
          ja3s f4febc55ea12b31ae17cfb7e614afda8
    1 = full, encrypted
    2 = full, encrypted
    3 > ClientHello TLS 1.3 server.example h2 http/1.1 +GREASE +ECH +PSK
          ja3 e7708619f395f6652b6656c32c726606
          ja4 t13d1518h2_8daaf6152771_e2d80978ab2e
    3 < ServerHello TLS 1.3 TLS_AES_128_GCM_SHA256 group 0x001d
          ja3s fcb2d4d0991292272fcb1e464eedfd43
    3 = pre_shared_key, encrypted
    ");
}

#[test]
fn what_chromium_offers_is_given_as_sent() {
    let hello = first_hello("chromium-https");
    assert_snapshot!(hello.legacy_version(), @"TLS 1.2");
    assert_eq!(hello.session_id().len(), 32);
    let listed = [
        ("versions", hex(hello.supported_versions().map(|it| it.0))),
        ("cipher suites", hex(hello.cipher_suites())),
        ("extensions", hex(hello.extensions().map(|it| it.kind))),
        ("groups", hex(hello.supported_groups())),
        ("key shares", hex(hello.key_share_groups())),
        ("signatures", hex(hello.signature_algorithms())),
        ("ja3", hello.ja3_raw()),
        ("ja4", hello.ja4_r()),
    ];
    let lines: Vec<String> = listed
        .iter()
        .map(|(name, list)| format!("{name}: {list}"))
        .collect();
    assert_snapshot!(lines.join("\n"), @r"
    versions: fafa 0304 0303
    cipher suites: 7a7a 1301 1302 1303 c02b c02f c02c c030 cca9 cca8 c013 c014 009c 009d 002f 0035
    extensions: 8a8a 44cd 0033 fe0d 0023 0017 000a 0010 000d 0012 0005 0000 ff01 ca34 000b 002b 002d 001b caca
    groups: 4a4a 11ec 001d 0017 0018
    key shares: 4a4a 11ec 001d
    signatures: dada 0904 0905 0906 0403 0804 0401 0503 0805 0501 0806 0601
    ja3: 771,4865-4866-4867-49195-49199-49196-49200-52393-52392-49171-49172-156-157-47-53,17613-51-65037-35-23-10-16-13-18-5-0-65281-51764-11-43-45-27,4588-29-23-24,0
    ja4: t13d1517h2_002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_0005,000a,000b,000d,0012,0017,001b,0023,002b,002d,0033,44cd,ca34,fe0d,ff01_0904,0905,0906,0403,0804,0401,0503,0805,0501,0806,0601
    ");
}

fn first_hello(capture: &str) -> ClientHello {
    messages(capture)
        .into_iter()
        .find_map(|found| match found.message {
            Message::Tls(TlsMessage::ClientHello(hello)) => Some(hello),
            _ => None,
        })
        .unwrap()
}

fn hex(numbers: impl Iterator<Item = u16>) -> String {
    let numbers: Vec<String> = numbers.map(|it| format!("{it:04x}")).collect();
    numbers.join(" ")
}
