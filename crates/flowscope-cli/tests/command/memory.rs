//! Numbers that ask for more memory than there is: of the user they are limits, for
//! which nothing is allocated, and of a capture they are not believed.

use std::fs::read;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::{Folder, conversation, parsed, pcap, records, stderr, stdout};

/// The command, on one thread and with 128 MiB of addresses.
fn run_confined(args: &[&str], capture: &Path) -> Output {
    Command::new("sh")
        .args(["-c", "ulimit -v 131072 && exec \"$0\" \"$@\" --jobs 1"])
        .arg(env!("CARGO_BIN_EXE_flowscope"))
        .args(args)
        .arg(capture)
        .output()
        .unwrap()
}

#[test]
fn limits_beyond_the_memory_allocate_nothing() {
    let folder = Folder::new();
    let file = folder.file("capture.pcap", &pcap(&conversation().frames()));
    let expected = records(&["all"], &read(&file).unwrap());
    for limits in [
        ["--max-flows", "4294967295"],
        ["--memory", "18446744073709551615"],
        ["--memory", "17179869183G"],
    ] {
        let output = run_confined(&[&["all", "--json"], &limits[..]].concat(), &file);
        assert!(output.status.success(), "{limits:?}: {}", stderr(&output));
        assert_eq!(parsed(&output), expected);
    }
}

/// A pcapng file with a section, an interface, and a block of this type that claims to
/// have nearly 4 GiB.
fn with_huge_block(kind: u32) -> Vec<u8> {
    let section = *b"\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\x01\0\0\0";
    let any_length = [0xff; 8];
    let interface = *b"\x1c\0\0\0\x01\0\0\0\x14\0\0\0\x01\0\0\0\0\0\0\0\x14\0\0\0";
    let claimed = 0xffff_fffc_u32;
    let mut file = [&section[..], &any_length, &interface].concat();
    file.extend(kind.to_le_bytes());
    file.extend(claimed.to_le_bytes());
    file.extend([0; 64]);
    file
}

/// A frame of zstd that wants its last 2^`window_log` bytes to be kept.
fn with_window(window_log: u8, content: &[u8]) -> Vec<u8> {
    let last_raw_block = (content.len() as u32) << 3 | 1;
    let block_header = last_raw_block.to_le_bytes();
    [
        &[0x28, 0xb5, 0x2f, 0xfd, 0, (window_log - 10) << 3],
        &block_header[..3],
        content,
    ]
    .concat()
}

#[test]
fn what_a_capture_claims_is_an_error_and_not_an_allocation() {
    let sound = pcap(&conversation().frames());
    let mut huge_record = sound.clone();
    huge_record[24 + 8..24 + 16].fill(0xff);
    let folder = Folder::new();
    let cases = [
        ("record", huge_record, "claims 4294967295 captured bytes"),
        (
            "interface",
            with_huge_block(1),
            "claims to be 4294967292 bytes long",
        ),
        (
            "packet",
            with_huge_block(6),
            "claims to be 4294967292 bytes long",
        ),
        // Of what is unknown nothing is kept, however long it is.
        ("unknown", with_huge_block(77), "4294967292 bytes needed"),
        ("zstd", with_window(27, &sound), "not enough memory"),
        ("zstd-long", with_window(31, &sound), "too much memory"),
    ];
    for (name, capture, reason) in cases {
        let file = folder.file(name, &capture);
        let output = run_confined(&["flows", "--json"], &file);
        assert_eq!(output.status.code(), Some(1), "{name}: {}", stderr(&output));
        assert!(
            stderr(&output).contains(reason),
            "{name}: {}",
            stderr(&output)
        );
        assert_eq!(stdout(&output), "", "{name}");
    }
    // As much as is there is taken.
    let file = folder.file("fits", &with_window(20, &sound));
    assert!(run_confined(&["flows"], &file).status.success());
}
