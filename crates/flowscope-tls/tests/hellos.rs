//! What hellos, certificates and alerts say.

mod common;

use common::*;
use flowscope_tls::{
    CertificateChain, ClientHello, HelloFormat, ServerHello, TlsMessage, TlsVersion,
};

fn client_hello(bytes: &[u8]) -> ClientHello {
    match read(&[client(bytes)]).into_iter().next() {
        Some(TlsMessage::ClientHello(hello)) => hello,
        other => panic!("{other:?}"),
    }
}

fn first_server_hello(bytes: &[u8]) -> ServerHello {
    match read(&[server(bytes)]).into_iter().next() {
        Some(TlsMessage::ServerHello(hello)) => hello,
        other => panic!("{other:?}"),
    }
}

fn chain(bytes: &[u8]) -> CertificateChain {
    let acts = [
        server(handshake(2, &server_hello(0x0303, &[], 0x2f, &[]))),
        server(bytes),
    ];
    match read(&acts).into_iter().nth(1) {
        Some(TlsMessage::Certificate(chain)) => chain,
        other => panic!("{other:?}"),
    }
}

/// The example of the JA4 specification, with GREASE wherever it may stand.
fn greased() -> Hello {
    let cipher_suites = [
        0x0a0a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013,
        0xc014, 0x009c, 0x009d, 0x002f, 0x0035,
    ];
    let signatures = [
        0x8a8a, 0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601,
    ];
    let mut hello = Hello::new(0x0303, &cipher_suites)
        .with(0x1a1a, vec![])
        .with(0x0000, sni("www.example.com"))
        .with(0x0017, vec![])
        .with(0xff01, vec![0])
        .with(0x000a, vec16(&numbers(&[0x2a2a, 29, 23, 24])))
        .with(0x000b, vec8(&[0]))
        .with(0x0023, vec![])
        .with(0x0010, alpn(&[b"h2", b"http/1.1"]))
        .with(0x0005, vec![1, 0, 0, 0, 0])
        .with(0x000d, vec16(&numbers(&signatures)))
        .with(0x0012, vec![])
        .with(
            0x0033,
            vec16(
                &[
                    numbers(&[0x2a2a]),
                    vec16(&[0]),
                    numbers(&[29]),
                    vec16(&[1; 32]),
                ]
                .concat(),
            ),
        )
        .with(0x002d, vec8(&[1]))
        .with(0x002b, vec8(&numbers(&[0x3a3a, 0x0304, 0x0303])))
        .with(0x001b, vec8(&numbers(&[2])))
        .with(0x4469, alpn(&[b"h2"]))
        .with(0xfafa, vec![0])
        .with(0x0015, vec![0; 190]);
    hello.session_id = vec![6; 32];
    hello
}

#[test]
fn a_client_hello_gives_everything_as_it_was_sent() {
    let hello = client_hello(&greased().bytes());
    assert_eq!(hello.side(), CLIENT);
    assert_eq!(hello.format(), HelloFormat::Tls);
    assert_eq!(hello.version(), TlsVersion::TLS_1_3);
    assert_eq!(hello.legacy_version(), TlsVersion::TLS_1_2);
    assert_eq!(hello.random(), [0x52; 32]);
    assert_eq!(hello.session_id(), [6; 32]);
    assert!(hello.cipher_suites().eq(greased().cipher_suites));
    assert_eq!(hello.compression_methods(), [0]);
    assert_eq!(hello.sni().as_deref(), Some("www.example.com"));
    assert!(hello.alpn().eq([&b"h2"[..], b"http/1.1"]));
    let kinds = greased().extensions.into_iter().map(|(kind, _)| kind);
    assert!(hello.extensions().map(|one| one.kind).eq(kinds));
    assert!(hello.supported_groups().eq([0x2a2a, 29, 23, 24]));
    assert!(hello.key_share_groups().eq([0x2a2a, 29]));
    assert_eq!(hello.signature_algorithms().count(), 9);
    assert_eq!(hello.ec_point_formats(), [0]);
    assert_eq!(hello.session_ticket(), Some(&[][..]));
    assert!(hello.has_grease());
    assert!(!hello.ech() && !hello.early_data() && !hello.pre_shared_key());
}

#[test]
fn what_is_offered_is_told() {
    let hello = Hello::to("a.example")
        .with(0xfe0d, vec![0; 40])
        .with(42, vec![])
        .with(41, vec![0; 40]);
    let hello = client_hello(&hello.bytes());
    assert!(hello.ech() && hello.early_data() && hello.pre_shared_key());
    assert!(!hello.has_grease());
    assert_eq!(hello.extension(41), Some(&[0; 40][..]));
    assert_eq!(hello.extension(99), None);
}

#[test]
fn names_that_are_not_text_are_given_both_ways() {
    let mut hello = Hello::new(0x0303, &[1]);
    hello = hello.with(0, vec16(&[&[0][..], &vec16(b"caf\xe9.example")].concat()));
    let hello = client_hello(&hello.bytes());
    assert_eq!(hello.sni().as_deref(), Some("caf\u{fffd}.example"));
    assert_eq!(hello.sni_bytes(), Some(&b"caf\xe9.example"[..]));
}

#[test]
fn what_is_readable_of_broken_extensions_is_given() {
    // A list of names that lies about its length, a list of an odd length, and
    // a last extension that claims more than there is.
    let name = [&[0xff, 0xff, 0][..], &vec16(b"a.example")].concat();
    let mut body = Hello::new(0x0303, &[1])
        .with(0, name)
        .with(10, vec![0, 5, 0, 29, 0, 23, 9])
        .with(13, vec![1, 2, 3])
        .body();
    let cut = body.len() - 2;
    body.truncate(cut);
    let hello = client_hello(&handshake(1, &body));
    assert_eq!(hello.sni().as_deref(), Some("a.example"));
    assert!(hello.supported_groups().eq([29, 23]));
    assert!(hello.extensions().map(|one| one.kind).eq([0, 10]));
}

#[cfg(feature = "ja4")]
mod ja4 {
    use flowscope_tls::Ja4;

    use super::*;

    #[test]
    fn the_specifications_example_is_met() {
        let hello = client_hello(&greased().bytes());
        assert_eq!(hello.ja4().as_str(), "t13d1516h2_8daaf6152771_e5627efa2ab1");
        assert_eq!(
            hello.ja4_r(),
            "t13d1516h2_\
             002f,0035,009c,009d,1301,1302,1303,c013,c014,c02b,c02c,c02f,c030,cca8,cca9_\
             0005,000a,000b,000d,0012,0015,0017,001b,0023,002b,002d,0033,4469,ff01_\
             0403,0804,0401,0503,0805,0501,0806,0601"
        );
        assert_eq!(Ja4::of(&hello.ja4_r()), hello.ja4());
        assert_eq!(
            Ja4::of("t13_").as_str(),
            "t130000000_000000000000_000000000000"
        );
    }

    fn counts(hello: &Hello) -> String {
        client_hello(&hello.bytes()).ja4().as_str()[..10].to_owned()
    }

    #[test]
    fn the_protocols_letters_are_as_the_specification_has_them() {
        for (names, letters) in [
            (&[&b"http/1.1"[..], b"h2"][..], "h1"),
            (&[b"h"], "hh"),
            (&[b"\xab"], "ab"),
            (&[b"\xab\xcd"], "ad"),
            (&[b"0\xab"], "3b"),
            (&[b"01\xab\xcd"], "3d"),
            (&[b"0\xab\xcd1"], "01"),
            (&[b"spdy/"], "7f"),
            (&[b"\x6a\x6a", b"h2"], "h2"),
            (&[b"\x0a\x0a", b"h2"], "h2"),
            (&[b""], "00"),
            (&[], "00"),
        ] {
            let hello = Hello::new(0x0303, &[1]).with(16, alpn(names));
            assert_eq!(counts(&hello)[8..], *letters, "{names:?}");
        }
        assert_eq!(counts(&Hello::new(0x0303, &[1])), "t12i010000");
    }

    #[test]
    fn the_version_is_the_highest_that_is_meant() {
        for (legacy, supported, text) in [
            (0x0303, &[0x8a8a, 0x0303, 0x0304, 0x0302][..], "13"),
            (0x0303, &[0xfafa, 0x0302], "11"),
            (0x0302, &[0xfafa], "11"),
            (0x0301, &[], "10"),
            (0x0300, &[], "s3"),
            (0x0303, &[0xfb1a, 0x0304], "00"),
        ] {
            let mut hello = Hello::new(legacy, &[1]);
            if !supported.is_empty() {
                hello = hello.with(43, vec8(&numbers(supported)));
            }
            assert_eq!(counts(&hello)[1..3], *text, "{supported:04x?}");
        }
    }

    #[test]
    fn counts_are_capped_and_nothing_has_a_hash_of_zeros() {
        let suites: Vec<u16> = (0..120).collect();
        let mut hello = Hello::new(0x0303, &suites);
        hello.extensions = (100..250).map(|kind| (kind, vec![])).collect();
        assert_eq!(counts(&hello), "t12i999900");

        let empty = Hello::new(0x0301, &[]);
        let empty = client_hello(&empty.bytes());
        assert_eq!(empty.ja4().as_str(), "t10i000000_000000000000_000000000000");
        assert_eq!(empty.ja4_r(), "t10i000000__");
        assert_eq!(Ja4::of("t10i000000__"), empty.ja4());

        // Nothing is left to hash, though both are counted.
        let hidden = Hello::new(0x0303, &[0x0a0a])
            .with(0, sni("a"))
            .with(16, alpn(&[b"h2"]));
        let hidden = client_hello(&hidden.bytes());
        assert_eq!(
            hidden.ja4().as_str(),
            "t12d0002h2_000000000000_000000000000"
        );
    }
}

#[cfg(feature = "ja3")]
mod ja3 {
    use flowscope_tls::Ja3;

    use super::*;

    #[test]
    fn the_references_examples_are_met() {
        let suites = [47, 53, 5, 10, 49161, 49162, 49171, 49172, 50, 56, 19, 4];
        let hello = Hello::new(769, &suites)
            .with(0, sni("a.example"))
            .with(10, vec16(&numbers(&[23, 24, 25])))
            .with(11, vec8(&[0]));
        let hello = client_hello(&hello.bytes());
        assert_eq!(
            hello.ja3_raw(),
            "769,47-53-5-10-49161-49162-49171-49172-50-56-19-4,0-10-11,23-24-25,0"
        );
        assert_eq!(hello.ja3().to_string(), "ada70206e40642a3e4461f35503241d5");
        assert_eq!(Ja3::of(&hello.ja3_raw()), hello.ja3());

        let suites = [4, 5, 10, 9, 100, 98, 3, 6, 19, 18, 99];
        let hello = client_hello(&Hello::new(769, &suites).bytes());
        assert_eq!(hello.ja3_raw(), "769,4-5-10-9-100-98-3-6-19-18-99,,,");
        assert_eq!(hello.ja3().to_string(), "de350869b8c85de67a350c8d186f11e6");
    }

    #[test]
    fn grease_is_taken_out() {
        assert_eq!(
            client_hello(&greased().bytes()).ja3_raw(),
            "771,4865-4866-4867-49195-49199-49196-49200-52393-52392-49171-49172-156-157-47-53,\
             0-23-65281-10-11-35-16-5-13-18-51-45-43-27-17513-21,29-23-24,0"
        );
    }

    #[test]
    fn a_servers_is_of_its_legacy_version() {
        let hello = first_server_hello(&modern_server());
        assert_eq!(hello.ja3s_raw(), "771,4865,43-51");
        assert_eq!(hello.ja3s().to_string(), "f4febc55ea12b31ae17cfb7e614afda8");
        let plain = first_server_hello(&handshake(2, &server_hello(769, &[], 47, &[])));
        assert_eq!(plain.ja3s_raw(), "769,47,");
    }
}

#[test]
fn a_server_hello_gives_what_was_agreed_on() {
    let hello = first_server_hello(&modern_server());
    assert_eq!(hello.side(), SERVER);
    assert_eq!(hello.version(), TlsVersion::TLS_1_3);
    assert_eq!(hello.legacy_version(), TlsVersion::TLS_1_2);
    assert_eq!(hello.cipher_suite(), 0x1301);
    assert_eq!(hello.cipher_suite_name(), Some("TLS_AES_128_GCM_SHA256"));
    assert_eq!(hello.key_share_group(), Some(29));
    assert!(!hello.hello_retry_request());

    let list = [(16, alpn(&[b"h2"])), (65281, vec![0])];
    let body = server_hello(0x0302, &[1; 32], 0xc014, &list);
    let hello = first_server_hello(&handshake(2, &body));
    assert_eq!(hello.version(), TlsVersion::TLS_1_1);
    assert_eq!(hello.alpn(), Some(&b"h2"[..]));
    assert_eq!(hello.session_id(), [1; 32]);
    assert_eq!(hello.random(), [0x53; 32]);
    assert_eq!(hello.extensions().count(), 2);

    let hello = first_server_hello(&retry());
    assert!(hello.hello_retry_request());
    assert_eq!(hello.key_share_group(), Some(23));
}

#[test]
fn a_server_hello_of_a_draft_has_no_session() {
    for version in [0x7f12, 0x7f15, 0x0304_u16] {
        let mut body = version.to_be_bytes().to_vec();
        body.extend([0x53; 32]);
        body.extend(0xc02b_u16.to_be_bytes());
        body.extend(vec16(&[numbers(&[40]), vec16(&[0, 23])].concat()));
        let hello = first_server_hello(&handshake(2, &body));
        assert_eq!(hello.version(), TlsVersion(version));
        assert_eq!(hello.cipher_suite(), 0xc02b);
        assert!(hello.session_id().is_empty());
        assert!(hello.extensions().map(|one| one.kind).eq([40]));
    }
}

#[test]
fn a_hello_of_ssl_2_is_read_as_a_later_one() {
    let mut body = vec![1, 3, 1, 0, 9, 0, 0, 0, 16];
    // One cipher suite is of SSL 2.0 alone.
    body.extend([0, 0, 4, 1, 0, 0x80, 0, 0, 0x2f]);
    body.extend([8; 16]);
    let bytes = [&[0x80, u8::try_from(body.len()).expect("short")][..], &body].concat();
    let hello = client_hello(&bytes);
    assert_eq!(hello.format(), HelloFormat::Ssl2);
    assert_eq!(hello.version(), TlsVersion::TLS_1_0);
    assert!(hello.cipher_suites().eq([4, 0x2f]));
    assert_eq!(hello.random(), [[0; 16], [8; 16]].concat());
    assert_eq!(hello.extensions().count(), 0);
}

#[test]
fn certificates_are_given_as_sent() {
    let chain = chain(&certificates(&[b"abc", b"de"]));
    assert_eq!(chain.side(), SERVER);
    assert!(
        chain
            .certificates()
            .map(|one| one.der())
            .eq([&b"abc"[..], b"de"])
    );
    #[cfg(any(feature = "ja4", feature = "x509"))]
    assert_eq!(
        chain.first().expect("two").sha256()[..4],
        // SHA-256 of "abc" (FIPS 180-2, appendix B.1).
        [0xba, 0x78, 0x16, 0xbf]
    );
}

#[cfg(feature = "x509")]
#[test]
fn a_certificate_says_whose_it_is() {
    let der = include_bytes!("data/certificate.der");
    let chain = chain(&certificates(&[der, b"no certificate"]));
    let mut certificates = chain.certificates();
    let details = certificates.next().and_then(|one| one.details());
    let details = details.expect("a certificate");
    assert_eq!(
        details.subject,
        "C=NZ, O=Flowscope Tests, CN=www.example.com"
    );
    assert_eq!(details.issuer, details.subject);
    assert_eq!(details.serial, "7846fc62c2532f8ea9d2fdab9e8d704f1242e5cb");
    assert_eq!(
        details.names,
        [
            "www.example.com",
            "*.example.org",
            "192.0.2.7",
            "2001:db8::7",
            "https://example.com/",
            "me@example.com"
        ]
    );
    assert_eq!(details.not_before, 1_795_611_327);
    assert_eq!(details.not_after - details.not_before, 3652 * 86_400);
    assert_eq!(certificates.next().and_then(|one| one.details()), None);
}
