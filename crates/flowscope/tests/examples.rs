//! The examples, run as a newcomer would run them.

use std::process::Command;

/// What an example prints, run in the workspace's folder.
fn output(example: &str) -> String {
    let workspace = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let cargo = option_env!("CARGO").unwrap_or("cargo");
    let output = Command::new(cargo)
        .args([
            "run",
            "--quiet",
            "--package",
            "flowscope",
            "--features",
            "full",
            "--example",
        ])
        .arg(example)
        .current_dir(workspace)
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("examples print text")
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
