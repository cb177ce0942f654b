//! What was captured, and what files are called, does nothing to a terminal.

use flowscope_fixtures::{Close, Conversation, Datagrams, Side, address, merge};

use crate::support::{Folder, command, lookup, parsed, pcap, records, run, stderr, stdout};

/// Everything that a terminal obeys: C0, DEL, and C1 in UTF-8 and as bytes.
const CONTROLS: &[u8] =
    b"\x01\x07\x08\t\x0b\x0c\x0e\x1b[31m\x1b]0;t\x07\x7f\xc2\x80\xc2\x9b0m\xc2\x9f\x9b\x84";

/// A page asked for and given, a lookup, both with control characters wherever
/// there is room for some.
fn hostile() -> Vec<u8> {
    let request = [
        b"GET /a",
        &CONTROLS[7..],
        b" HTTP/1.1\r\nHost: h",
        CONTROLS,
        b"\r\nUser-Agent: ",
        CONTROLS,
        b"\r\nX: a,\"b\"\r\n\r\n",
    ]
    .concat();
    let response = [
        b"HTTP/1.1 200 fine",
        CONTROLS,
        b"\r\nContent-Type: t",
        CONTROLS,
        b"\r\nContent-Length: 0\r\n\r\n",
    ]
    .concat();
    let page = Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:80"))
        .handshake()
        .send(Side::Client, &request)
        .send(Side::Server, &response)
        .close(Close::Fin(Side::Client));
    let len = u8::try_from(CONTROLS.len()).unwrap();
    let text = [&[len], CONTROLS].concat();
    let name = [&text[..], &[0]].concat();
    let question = [
        b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0",
        &name[..],
        b"\0\x10\0\x01",
    ]
    .concat();
    let mut answer = question.clone();
    (answer[2], answer[7]) = (0x81, 1);
    answer.extend([0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 60, 0, len + 1]);
    answer.extend(text);
    let lookup = Datagrams::new(address("10.0.0.1:40000"), address("10.0.0.2:53"))
        .send(Side::Client, &question)
        .send(Side::Server, &answer);
    pcap(&merge([page.frames(), lookup.frames()]))
}

fn has_controls(text: &str) -> bool {
    let mut lines = text.split('\n');
    lines.any(|line| {
        line.strip_suffix('\r')
            .unwrap_or(line)
            .contains(char::is_control)
    })
}

#[test]
fn no_format_has_control_characters_in_it() {
    let capture = hostile();
    for format in ["table", "csv", "json"] {
        for subject in [
            "all", "http", "dns", "flows", "events", "streams", "summary",
        ] {
            let text = stdout(&run(&[subject, "--format", format], &capture));
            assert!(!has_controls(&text), "{subject} {format}: {text:?}");
            let lines = text.lines().count();
            let told = records(&[subject], &capture).len();
            if subject != "summary" {
                let titles = usize::from(format != "json");
                assert_eq!(lines, told + titles, "{subject} {format}");
            }
        }
    }
}

#[test]
fn json_loses_nothing_by_it() {
    let page = Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:80"))
        .handshake()
        .send(
            Side::Client,
            "GET / HTTP/1.1\r\nX: \x1b\x7f\u{9b}é\r\n\r\n".as_bytes(),
        );
    let output = run(&["http", "--json"], &pcap(&page.frames()));
    assert!(stdout(&output).contains(r#""\u001b\u007f\u009bé""#));
    assert_eq!(parsed(&output)[0]["headers"][0][1], "\x1b\x7f\u{9b}é");
    assert_eq!(parsed(&output)[0].get("lossy"), None);
}

#[test]
fn csv_is_as_its_rfc_has_it() {
    let request = b"GET /a,b HTTP/1.1\r\nHost: \"h\"\r\nX: =1+1\r\nY: tab\there\r\n\r\n";
    let page = Conversation::new(address("10.0.0.1:40000"), address("10.0.0.2:80"))
        .handshake()
        .send(Side::Client, request);
    let sheet = stdout(&run(&["http", "--format", "csv"], &pcap(&page.frames())));
    let lines: Vec<_> = sheet.split("\r\n").collect();
    assert_eq!((lines.len(), lines[2]), (3, ""));
    assert!(!sheet.replace("\r\n", "").contains(['\r', '\n']));
    assert!(lines[0].starts_with("type,ts,flow,proto,"));
    assert!(
        lines[1].contains(r#",initiator,GET,"/a,b",,,HTTP/1.1,"""h""","#),
        "{sheet}"
    );
    let headers = "\"Host: \"\"h\"\";X: =1+1;Y: tab\u{fffd}here\"";
    assert!(lines[1].contains(headers), "{sheet}");
    assert!(lines[1].ends_with(",true"), "{sheet}");
}

#[test]
fn what_cannot_be_read_is_one_line_whatever_its_name() {
    let folder = Folder::new();
    let name = "a\x1b[31m\nflowscope: b\u{9b}\r.pcap";
    let whole = pcap(&lookup().frames());
    let cut = folder.file(name, &whole[..whole.len() - 1]);
    let missing = folder.path("no\nsuch\x1bfile");
    for (path, output) in [(&cut, None), (&missing, None), (&cut, Some(&missing))] {
        let mut command = command(&["flows", "--json"]);
        if output.is_some() {
            command.args(["-o", folder.path("no\n/folder").to_str().unwrap()]);
        }
        let told = command.arg(path).output().unwrap();
        assert_eq!(told.status.code(), Some(1));
        let line = stderr(&told);
        let line = line.strip_suffix('\n').unwrap();
        assert!(!line.contains(char::is_control), "{line:?}");
        assert!(line.starts_with("flowscope: /"), "{line}");
        assert!(line.contains('\u{fffd}'), "{line}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_text_are_shown_as_far_as_they_are() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let name = OsStr::from_bytes(b"no\x9b31m\xffsuch");
    let told = command(&["flows"]).arg(name).output().unwrap();
    assert!(stderr(&told).starts_with("flowscope: no\u{fffd}31m\u{fffd}such: "));
    let told = command(&["flows", "--key"]).arg(name).output().unwrap();
    assert_eq!(told.status.code(), Some(2));
    assert!(!has_controls(&stderr(&told)));
}

#[test]
fn wrong_usage_is_repeated_without_control_characters() {
    for args in [
        &["flows", "--format", "x\x1b[31m\nml"][..],
        &["flows", "--no\x1b\n-such\u{9b}"],
        &["flows", "--idle-timeout", "udp\x07\r"],
        &["flows", "--limit", "1\n2\x7f"],
        &["completions", "ba\x1bsh"],
        &["flows", "--json=\x1b[2J"],
    ] {
        let told = command(args).output().unwrap();
        assert_eq!(told.status.code(), Some(2), "{args:?}");
        let text = stderr(&told);
        assert!(text.contains('\u{fffd}'), "{text:?}");
        assert!(!has_controls(&text), "{text:?}");
    }
}

#[test]
fn files_of_streams_have_plain_names() {
    let folder = Folder::new();
    let output = run(
        &[
            "streams",
            "--json",
            "--extract",
            folder.path("out").to_str().unwrap(),
        ],
        &hostile(),
    );
    assert!(output.status.success());
    let names = std::fs::read_dir(folder.path("out")).unwrap();
    let names: Vec<_> = names.map(|it| it.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2);
    for name in names {
        let name = name.to_str().unwrap();
        let is_plain = |letter: char| letter.is_ascii_digit() || matches!(letter, '.' | '-');
        assert!(name.chars().all(is_plain), "{name}");
    }
}
