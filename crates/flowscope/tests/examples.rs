//! The examples.

use std::path::Path;
use std::process::Command;

/// What an example prints, run in the workspace's folder.
fn output(example: &str) -> String {
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let output = command(example)
        .current_dir(workspace)
        .output()
        .expect("the example runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("examples print text")
}

/// Runs an example: the one in the folder `FLOWSCOPE_EXAMPLES`, where all were just built
/// with the tests, or else as a newcomer would.
fn command(example: &str) -> Command {
    if let Some(folder) = std::env::var_os("FLOWSCOPE_EXAMPLES") {
        return Command::new(Path::new(&folder).join(example));
    }
    let mut cargo = Command::new(option_env!("CARGO").unwrap_or("cargo"));
    cargo
        .args(["run", "--quiet", "--package", "flowscope"])
        .args(["--features", "full", "--example", example]);
    cargo
}

#[test]
fn quick_start_names_each_flow_once() {
    let printed = output("quick_start");
    let lines: Vec<&str> = printed.lines().collect();
    assert_eq!(lines.len(), 7);
    assert_eq!(lines[0], "flow started: 10.0.0.1:40000 → 10.0.0.2:80 tcp");
}

#[test]
fn flow_summary_says_how_each_flow_ended() {
    let printed = output("flow_summary");
    let ends = |reason| printed.lines().filter(|line| line.contains(reason)).count();
    assert_eq!((ends(" fin after"), ends(" rst after")), (5, 2));
    assert_eq!(ends(" end_of_input after"), 1);
}

#[test]
fn flow_state_finds_the_longest_silence() {
    assert_eq!(
        output("flow_state"),
        "the longest silence within a flow was 200 s\n"
    );
}

#[test]
fn length_prefixed_reads_each_message_once() {
    let printed = output("length_prefixed_pcap");
    let said = |port: &str| -> Vec<&str> {
        printed
            .lines()
            .filter_map(|line| line.split_once(port)?.1.split_once(":7070 tcp "))
            .map(|(_, said)| said)
            .collect()
    };
    let shortened = "all work and no play all work and no pla";
    assert_eq!(
        said(":40000 "),
        [
            "client: kind 1, 5 bytes: hello",
            "client: kind 2, 13 bytes: who is there?",
            &format!("server: kind 300, 210 bytes: {shortened}"),
            "client: kind 70000, 3 bytes: bye",
            "fin",
        ]
    );
    let late = said(":40001 ");
    assert_eq!(late.len(), 4);
    assert_eq!(late[0], "client: kind 1, 11 bytes: hello again");
    assert_eq!(late[2..], ["server: kind 5, 0 bytes: ", "fin"]);
    // What comes behind a gap is not guessed at.
    assert_eq!(
        said(":40002 "),
        ["client: kind 1, 17 bytes: this was captured", "fin"]
    );
    assert_eq!(
        said(":40003 "),
        ["client: kind 1, 14 bytes: so far so good", "parse_error"]
    );
}

#[test]
fn buffered_reassembly_shows_what_is_missing() {
    let printed = output("buffered_reassembly");
    let lossy = "10.0.0.1:40000 → 10.0.0.2:80 tcp client: 70 bytes, 10 missing, 60 at most held\n    \
                 0---------__________2---------3---------4---------5---------\n";
    assert!(printed.contains(lossy), "{printed}");
    assert_eq!(printed.matches(" client: 80 bytes, 0 missing").count(), 4);
}

#[test]
fn http_log_pairs_requests_and_responses() {
    let printed = output("http_log");
    let lines: Vec<&str> = printed.lines().collect();
    let expected = [
        "GET /data.json 200 35 bytes",
        "HEAD / 200 0 bytes",
        "GET /missing 404 153 bytes",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn tls_observer_shows_hellos_that_have_to_be_said_again() {
    let printed = output("tls_observer");
    let asks = |line: &&str| line.starts_with("server.example TLS 1.3 t13d");
    assert_eq!(printed.lines().filter(asks).count(), 2, "{printed}");
    assert_eq!(printed.lines().count(), 4);
}

#[test]
fn dns_log_shows_questions_and_answers() {
    let printed = output("dns_log");
    let begin = |word: &str| printed.lines().filter(|it| it.starts_with(word)).count();
    assert_eq!((begin("query "), begin("response ")), (6, 6), "{printed}");
}

#[test]
fn live_source_ends_a_flow_that_falls_silent_and_then_the_others() {
    let expected = "\
10.0.0.1:1000 → 10.0.0.2:53 udp started
10.0.0.1:1000 → 10.0.0.2:53 udp ended by idle_timeout after 2 packets
10.0.0.1:2000 → 10.0.0.2:53 udp started
10.0.0.1:2000 → 10.0.0.2:53 udp ended by end_of_input after 1 packets
";
    assert_eq!(output("live_source"), expected);
}
