//! The examples of RFC 9001 and RFC 9369, appendices A.2 and A.3.

mod common;

use common::*;
use flowscope_quic::QuicMessage;

const CLIENT_FRAME: &str = "
    060040f1010000ed0303ebf8fa56f12939b9584a3896472ec40bb863cfd3e868
    04fe3a47f06a2b69484c00000413011302010000c000000010000e00000b6578
    616d706c652e636f6dff01000100000a00080006001d00170018001000070005
    04616c706e000500050100000000003300260024001d00209370b2c9caa47fba
    baf4559fedba753de171fa71f50f1ce15d43e994ec74d748002b000302030400
    0d0010000e0403050306030203080408050806002d00020101001c0002400100
    3900320408ffffffffffffffff05048000ffff07048000ffff08011001048000
    75300901100f088394c8f03e51570806048000ffff";

const SERVER_FRAMES: &str = "
    02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf739
    88cfc79825df566dc5430b9a045a1200130100002e00330024001d00209d3c94
    0d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00
    020304";

const SERVER_V1: &str = "
    cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a
    5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3
    dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84
    022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc4
    2158407dd074ee";

const SERVER_V2: &str = "
    dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698
    baeea26b91eb761d9b89237bbf87263017915358230035f7fd3945d88965cf17
    f9af6e16886c61bfc703106fbaf3cb4cfa52382dd16a393e42757507698075b2
    c984c707f0a0812d8cd5a6881eaf21ceda98f4bd23f6fe1a3e2c43edd9ce7ca8
    4bed8521e2e140";

fn client_packet(version: u32) -> Vec<u8> {
    let mut frames = hex(CLIENT_FRAME);
    frames.resize(1162, 0);
    let header = Header {
        number_len: 4,
        ..to_server(2)
    };
    Sender::client(version, ID).initial(header, &frames)
}

#[test]
fn packets_are_made_as_the_rfcs_make_them() {
    // The end is the tag of everything before it.
    for (version, begin, end) in [
        (
            V1,
            "c000000001088394c8f03e5157080000449e7b9aec34d1b1c98dd7689fb8ec11",
            "e221af44860018ab0856972e194cd934",
        ),
        (
            V2,
            "d76b3343cf088394c8f03e5157080000449ea0c95e82ffe67b6abcdb4298b485",
            "9a37ddec600545473cfb5a05e08d0b209973b2172b4d21fb69745a262ccde96b
             a18b2faa745b6fe189cf772a9f84cbfc",
        ),
    ] {
        let packet = client_packet(version);
        assert_eq!(packet.len(), 1200);
        assert!(packet.starts_with(&hex(begin)), "{version:08x}");
        assert!(packet.ends_with(&hex(end)), "{version:08x}");
    }
    for (version, packet) in [(V1, SERVER_V1), (V2, SERVER_V2)] {
        let header = Header {
            number_len: 2,
            ..to_client(1)
        };
        let made = Sender::server(version, ID).initial(header, &hex(SERVER_FRAMES));
        assert_eq!(made, hex(packet), "{version:08x}");
    }
}

#[test]
fn packets_of_the_rfcs_are_read() {
    for (version, server) in [(V1, SERVER_V1), (V2, SERVER_V2)] {
        let found = read(&[(CLIENT, client_packet(version)), (SERVER, hex(server))]);
        let [
            QuicMessage::ClientHello(client),
            QuicMessage::ServerHello(server),
        ] = &found[..]
        else {
            panic!("{found:?}");
        };
        assert_eq!(client.hello.sni().as_deref(), Some("example.com"));
        assert_eq!(client.version.0, version);
        assert_eq!(client.destination_id.bytes(), ID);
        assert_eq!(client.source_id.bytes(), b"");
        assert!(
            client.hello.ja4().as_str().starts_with("q13d0211an"),
            "{:?}",
            client.hello.ja4()
        );
        assert_eq!(server.hello.cipher_suite(), 0x1301);
        assert_eq!(server.source_id.bytes(), SERVER_ID);
        let parameters: Vec<_> = client
            .transport_parameters()
            .map(|one| (one.name().unwrap_or_default(), one.number()))
            .collect();
        assert_eq!(parameters.len(), 8);
        assert!(parameters.contains(&("max_idle_timeout", Some(30_000))));
        assert!(parameters.contains(&("initial_max_data", Some((1 << 62) - 1))));
    }
}

#[test]
fn a_packet_that_is_damaged_anywhere_says_nothing() {
    let packet = client_packet(V1);
    for at in (0..packet.len()).filter(|at| at % 7 == 0 || *at < 64) {
        let mut damaged = packet.clone();
        damaged[at] ^= 1 << (at % 8);
        assert_eq!(read(&[(CLIENT, damaged)]), [], "{at}");
    }
    assert_eq!(read(&[(CLIENT, packet[..1199].to_vec())]), []);
}
