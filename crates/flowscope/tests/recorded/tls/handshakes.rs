//! Versions, key exchanges, resumption, failures.

use insta::assert_snapshot;

use super::rows;

#[test]
fn tls_1_3() {
    assert_snapshot!(rows("tls13-openssl"), @r"
    1 > ClientHello TLS 1.3 server.example h2 http/1.1
          ja3 5a1edc7f170af1014fc65c994878e63c
          ja4 t13d3111h2_e8f1e7e78f70_1f22a2ca17c4
    1 < ServerHello TLS 1.3 TLS_AES_256_GCM_SHA384 group 0x001d
          ja3s 15af977ce25de452b96affa2addb1036
    1 = full, encrypted
    ");
}

#[test]
fn tls_1_3_hides_certificates() {
    assert_snapshot!(rows("tls13-client-certificate"), @r"
    1 > ClientHello TLS 1.3 server.example
          ja3 a3afc2c46ba4a7d7fbe1cfb7a3031c2f
          ja4 t13d311000_e8f1e7e78f70_1f22a2ca17c4
    1 < ServerHello TLS 1.3 TLS_AES_256_GCM_SHA384 group 0x001d
          ja3s 15af977ce25de452b96affa2addb1036
    1 = full, encrypted
    ");
}

#[test]
fn a_hello_has_to_be_said_again() {
    assert_snapshot!(rows("tls13-hello-retry"), @r"
    1 > ClientHello TLS 1.3 server.example
          ja3 a766c0cb08b7143fcaf7ee210298ded8
          ja4 t13d311000_e8f1e7e78f70_1f22a2ca17c4
    1 < HelloRetryRequest TLS 1.3 TLS_AES_256_GCM_SHA384 group 0x0017
          ja3s 15af977ce25de452b96affa2addb1036
    1 > ClientHello TLS 1.3 server.example
          ja3 a766c0cb08b7143fcaf7ee210298ded8
          ja4 t13d311000_e8f1e7e78f70_1f22a2ca17c4
    1 < ServerHello TLS 1.3 TLS_AES_256_GCM_SHA384 group 0x0017
          ja3s 15af977ce25de452b96affa2addb1036
    1 = full, encrypted
    ");
}

#[test]
fn a_session_of_tls_1_3_is_resumed() {
    assert_snapshot!(rows("tls13-resumption"), @r"
    1 > ClientHello TLS 1.3 server.example
          ja3 a3afc2c46ba4a7d7fbe1cfb7a3031c2f
          ja4 t13d311000_e8f1e7e78f70_1f22a2ca17c4
    1 < ServerHello TLS 1.3 TLS_AES_256_GCM_SHA384 group 0x001d
          ja3s 15af977ce25de452b96affa2addb1036
    1 = full, encrypted
    2 > ClientHello TLS 1.3 server.example +PSK
          ja3 2fd756ca7f87535a1539ab4cbb4d63fd
          ja4 t13d311100_e8f1e7e78f70_dbd39dd1d406
    2 < ServerHello TLS 1.3 TLS_AES_256_GCM_SHA384 group 0x001d
          ja3s 2253c82f03b621c5144709b393fde2c9
    2 = pre_shared_key, encrypted
    ");
}

#[test]
fn data_comes_early() {
    assert_snapshot!(rows("tls13-early-data"), @r"
    1 > ClientHello TLS 1.3 server.example
          ja3 a3afc2c46ba4a7d7fbe1cfb7a3031c2f
          ja4 t13d311000_e8f1e7e78f70_1f22a2ca17c4
    1 < ServerHello TLS 1.3 TLS_AES_256_GCM_SHA384 group 0x001d
          ja3s 15af977ce25de452b96affa2addb1036
    1 = full, encrypted
    2 > ClientHello TLS 1.3 server.example +early data +PSK
          ja3 73a4e2cca8dc512d9d81c80851418f14
          ja4 t13d311200_e8f1e7e78f70_87f12a3f655c
    2 < ServerHello TLS 1.3 TLS_AES_256_GCM_SHA384 group 0x001d
          ja3s 2253c82f03b621c5144709b393fde2c9
    2 = pre_shared_key, encrypted
    ");
}

#[test]
fn tls_1_2() {
    assert_snapshot!(rows("tls12-openssl"), @r"
    1 > ClientHello TLS 1.2 server.example
          ja3 871a754af286dfb70c1b53c6887c62e0
          ja4 t12d280700_d943125447b4_e7e480e5a997
    1 < ServerHello TLS 1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
          ja3s abade5a4a7f42baf54766e5d108283b6
    1 < Certificate 442 B CN=server.example by CN=flowscope test authority
    1 = full, encrypted
    ");
}

#[test]
fn rsa_key_exchange_has_no_server_key_exchange() {
    assert_snapshot!(rows("tls12-rsa-key-exchange"), @r"
    1 > ClientHello TLS 1.2 server.example
          ja3 0e62e9debca3a999b2bcc9dea62e3320
          ja4 t12d020500_d30dd38cd76f_847bbcdea70d
    1 < ServerHello TLS 1.2 TLS_RSA_WITH_AES_128_CBC_SHA256
          ja3s 9fab333bee8e4f1e571c9e98ecad33bc
    1 < Certificate 644 B CN=server.example by CN=flowscope test authority
    1 = full, encrypted
    ");
}

#[test]
fn both_sides_show_certificates() {
    assert_snapshot!(rows("tls12-client-certificate"), @r"
    1 > ClientHello TLS 1.2 server.example
          ja3 871a754af286dfb70c1b53c6887c62e0
          ja4 t12d280700_d943125447b4_e7e480e5a997
    1 < ServerHello TLS 1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
          ja3s abade5a4a7f42baf54766e5d108283b6
    1 < Certificate 442 B 416 B CN=server.example by CN=flowscope test authority
    1 > Certificate 306 B CN=client by CN=flowscope test authority
    1 = full, encrypted
    ");
}

#[test]
fn a_session_of_tls_1_2_is_resumed_by_its_ticket() {
    assert_snapshot!(rows("tls12-resumption"), @r"
    1 > ClientHello TLS 1.2 server.example
          ja3 871a754af286dfb70c1b53c6887c62e0
          ja4 t12d280700_d943125447b4_e7e480e5a997
    1 < ServerHello TLS 1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
          ja3s abade5a4a7f42baf54766e5d108283b6
    1 < Certificate 442 B CN=server.example by CN=flowscope test authority
    1 = full, encrypted
    2 > ClientHello TLS 1.2 server.example +ticket
          ja3 871a754af286dfb70c1b53c6887c62e0
          ja4 t12d280700_d943125447b4_e7e480e5a997
    2 < ServerHello TLS 1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
          ja3s f14f2862ee2df5d0f63a88b60c8eee56
    2 = ticket, encrypted
    3 > ClientHello TLS 1.2 server.example +ticket
          ja3 871a754af286dfb70c1b53c6887c62e0
          ja4 t12d280700_d943125447b4_e7e480e5a997
    3 < ServerHello TLS 1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
          ja3s f14f2862ee2df5d0f63a88b60c8eee56
    3 = ticket, encrypted
    4 > ClientHello TLS 1.2 server.example +ticket
          ja3 871a754af286dfb70c1b53c6887c62e0
          ja4 t12d280700_d943125447b4_e7e480e5a997
    4 < ServerHello TLS 1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
          ja3s f14f2862ee2df5d0f63a88b60c8eee56
    4 = ticket, encrypted
    5 > ClientHello TLS 1.2 server.example +ticket
          ja3 871a754af286dfb70c1b53c6887c62e0
          ja4 t12d280700_d943125447b4_e7e480e5a997
    5 < ServerHello TLS 1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
          ja3s f14f2862ee2df5d0f63a88b60c8eee56
    5 = ticket, encrypted
    6 > ClientHello TLS 1.2 server.example +ticket
          ja3 871a754af286dfb70c1b53c6887c62e0
          ja4 t12d280700_d943125447b4_e7e480e5a997
    6 < ServerHello TLS 1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
          ja3s f14f2862ee2df5d0f63a88b60c8eee56
    6 = ticket, encrypted
    ");
}

#[test]
fn messages_span_small_records() {
    assert_snapshot!(rows("tls-small-records"), @r"
    1 > ClientHello TLS 1.3 server.example
          ja3 a3afc2c46ba4a7d7fbe1cfb7a3031c2f
          ja4 t13d311000_e8f1e7e78f70_1f22a2ca17c4
    1 < ServerHello TLS 1.2 TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384
          ja3s ec74a5c51106f0419184d0dd08fb05bc
    1 < Certificate 644 B CN=server.example by CN=flowscope test authority
    1 = full, encrypted
    ");
}

#[test]
fn old_versions() {
    assert_snapshot!(rows("tls10-openssl"), @r"
    1 > ClientHello TLS 1.0 server.example
          ja3 c6dbf3152a545382a95425e390e2d2e8
          ja4 t10d090600_c491f621fb4c_195413a0cc0f
    1 < ServerHello TLS 1.0 TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA
          ja3s bd665c27797205a73c67f1be8b8ed90f
    1 < Certificate 644 B CN=server.example by CN=flowscope test authority
    1 = full, encrypted
    2 > ClientHello TLS 1.1 server.example
          ja3 1d41372cac33d51bb9265e8f91bf1df0
          ja4 t11d090600_c491f621fb4c_195413a0cc0f
    2 < ServerHello TLS 1.1 TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA
          ja3s 35b72bd6c43cf850b77a476c54cee5ab
    2 < Certificate 644 B CN=server.example by CN=flowscope test authority
    2 = full, encrypted
    ");
}

#[test]
fn alerts_say_why_a_handshake_failed() {
    assert_snapshot!(rows("tls-alerts"), @r"
    1 > ClientHello TLS 1.3 server.example
          ja3 f146948b4a599d4d7ddf071b74696983
          ja4 t13d041000_16476d049b0b_78f1d400d464
    1 < Alert fatal protocol_version
    1 = unknown, fatal protocol_version
    2 > ClientHello TLS 1.2 server.example
          ja3 0e62e9debca3a999b2bcc9dea62e3320
          ja4 t12d020500_d30dd38cd76f_847bbcdea70d
    2 < Alert fatal handshake_failure
    2 = unknown, fatal handshake_failure
    3 > ClientHello TLS 1.3 server.example h2 http/1.1
          ja3 0149f47eabf9a20d0893e2a44e5a6323
          ja4 t13d3112h2_e8f1e7e78f70_b26ce05bbdd6
    3 < ServerHello TLS 1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
          ja3s a548c224ffe85e7076d7897c27f6758c
    3 < Certificate 442 B CN=server.example by CN=flowscope test authority
    3 > Alert fatal unknown_ca
    3 = full, fatal unknown_ca
    ");
}

#[test]
fn a_server_of_dtls_wants_to_hear_the_hello_again() {
    assert_snapshot!(rows("dtls12-openssl"), @r"
    1 > ClientHello DTLS 1.2 server.example
          ja3 248a2544f4221c0f02f877e42fe67853
          ja4 dd2d280700_d943125447b4_e7e480e5a997
    1 < HelloVerifyRequest 20 B
    1 > ClientHello DTLS 1.2 server.example
          ja3 248a2544f4221c0f02f877e42fe67853
          ja4 dd2d280700_d943125447b4_e7e480e5a997
    1 < ServerHello DTLS 1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
          ja3s 51e03b04c8c77175b5562a0e94e39f1c
    1 < Certificate 442 B CN=server.example by CN=flowscope test authority
    1 = full, encrypted
    ");
}

#[test]
fn dtls_is_read_in_fragments_and_in_its_first_version() {
    assert_snapshot!(rows("dtls12-small-records"), @r"
    1 > ClientHello DTLS 1.2 server.example webrtc c-webrtc
          ja3 096df697a18c538158d6a52abc65a0db
          ja4 dd2d2808wc_d943125447b4_e7e480e5a997
    1 < HelloVerifyRequest 20 B
    1 > ClientHello DTLS 1.2 server.example webrtc c-webrtc
          ja3 096df697a18c538158d6a52abc65a0db
          ja4 dd2d2808wc_d943125447b4_e7e480e5a997
    1 < ServerHello DTLS 1.2 TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 webrtc
          ja3s e0fa7acd03af071725a47e9c2d72017b
    1 < Certificate 644 B CN=server.example by CN=flowscope test authority
    1 = full, encrypted
    ");
    assert_snapshot!(rows("dtls10-openssl"), @r"
    1 > ClientHello DTLS 1.0 server.example
          ja3 286a367bb52e0536fe50f326e484150b
          ja4 dd1d090600_c491f621fb4c_195413a0cc0f
    1 < HelloVerifyRequest 20 B
    1 > ClientHello DTLS 1.0 server.example
          ja3 286a367bb52e0536fe50f326e484150b
          ja4 dd1d090600_c491f621fb4c_195413a0cc0f
    1 < ServerHello DTLS 1.0 TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA
          ja3s 6b03026764f7263f51cf7c23b1ffb5ef
    1 < Certificate 644 B CN=server.example by CN=flowscope test authority
    1 = full, encrypted
    ");
}

#[test]
fn gnutls_speaks_dtls() {
    assert_snapshot!(rows("dtls-gnutls"), @r"
    1 > ClientHello DTLS 1.2 server.example
          ja3 2da7d405a5e56aefddb9e3860049aadb
          ja4 dd2d251000_7415a186c913_577ffa9d9a5c
    1 < HelloVerifyRequest 16 B
    1 > ClientHello DTLS 1.2 server.example
          ja3 2da7d405a5e56aefddb9e3860049aadb
          ja4 dd2d251000_7415a186c913_577ffa9d9a5c
    1 < ServerHello DTLS 1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384
          ja3s d993267cdc973d092a181913a73b2cf8
    1 < Certificate 441 B CN=server.example by CN=flowscope test authority
    1 > Certificate
    1 = full, encrypted
    2 > ClientHello DTLS 1.0 server.example
          ja3 7f10a2c67f04ddd3e048f4aa65e148bf
          ja4 dd1d080700_051fb07a0855_27490a481a8f
    2 < HelloVerifyRequest 16 B
    2 > ClientHello DTLS 1.0 server.example
          ja3 7f10a2c67f04ddd3e048f4aa65e148bf
          ja4 dd1d080700_051fb07a0855_27490a481a8f
    2 < ServerHello DTLS 1.0 TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA
          ja3s e02b3dfa53413430777ad0dc57e550e3
    2 < Certificate 441 B CN=server.example by CN=flowscope test authority
    2 > Certificate
    2 = full, encrypted
    ");
}
