//! What the options change.

use flowscope_fixtures::{Ethernet, Ipv4, Layer, SECOND, Side, Vlan, Vxlan, merge};
use serde_json::Value;

use crate::support::{
    command, conversation, lookup, lookup_inside, pcap, records, run, stderr, stdout,
};

fn all_of<'a>(records: &'a [Value], name: &str) -> Vec<&'a Value> {
    records.iter().map(|record| &record[name]).collect()
}

#[test]
fn keys_tell_flows_apart_more_or_less_finely() {
    let capture = pcap(&merge([conversation().frames(), lookup().frames()]));
    let by_ports = records(&["flows"], &capture);
    assert_eq!(all_of(&by_ports, "proto"), ["tcp", "udp"]);

    let [by_host] = &records(&["flows", "--key", "ip-pair"], &capture)[..] else {
        panic!("one pair of hosts");
    };
    assert_eq!(
        (&by_host["src"], &by_host["dst"]),
        (&"10.0.0.1".into(), &"10.0.0.2".into())
    );
    for absent in ["proto", "src_port", "dst_port", "community_id"] {
        assert_eq!(by_host.get(absent), None);
    }

    let [by_station] = &records(&["flows", "--key", "mac-pair"], &capture)[..] else {
        panic!("one pair of stations");
    };
    assert_eq!(
        by_station["src"].as_str().map(str::len),
        Some("00:00:00:00:00:00".len())
    );
    assert_eq!(by_station["packets_initiator"], 7);
    assert_eq!(by_station.get("ip_bytes_initiator"), None);
}

#[test]
fn tunnels_are_opened_unless_told_otherwise() {
    let outer = [Layer::Ipv4(Ipv4::new(
        [192, 0, 2, 1].into(),
        [192, 0, 2, 2].into(),
    ))];
    let capture = pcap(&lookup_inside(&outer).frames());
    let inner = records(&["flows"], &capture);
    assert_eq!(all_of(&inner, "src"), ["10.0.0.1"]);
    assert_eq!(inner[0]["tunnel"], serde_json::json!([{"kind": "ipv4"}]));

    let outer = records(&["flows", "--encap", "none"], &capture);
    assert_eq!(all_of(&outer, "proto"), ["4"]);
    assert_eq!(outer[0].get("tunnel"), None);
}

/// The same datagrams in two VXLANs, each under a VLAN tag of its own.
fn tenants() -> Vec<u8> {
    let frames = [51, 52].map(|vni| {
        let outer = [
            Layer::Vlan(Vlan::new(7)),
            Layer::Ipv4(Ipv4::new([192, 0, 2, 1].into(), [192, 0, 2, 2].into())),
            Layer::Vxlan(Vxlan::new(vni)),
            Layer::Ethernet(Ethernet::default()),
            Layer::Vlan(Vlan::new(vni as u16)),
        ];
        lookup_inside(&outer).frames()
    });
    pcap(&merge(frames))
}

#[test]
fn tenants_are_told_apart_if_asked_for() {
    let capture = tenants();
    let flows = |flags: &[&str]| records(&[&["flows"], flags].concat(), &capture);
    let [merged] = &flows(&[])[..] else {
        panic!("one flow");
    };
    assert_eq!(merged["packets_initiator"], 2);
    // Those of the first packet.
    assert_eq!(merged["vlan"], serde_json::json!([7, 51]));
    let vxlan = |vni| serde_json::json!([{"kind": "vxlan", "id": vni}]);
    assert_eq!(merged["tunnel"], vxlan(51));

    for flags in [
        &["--tunnel-in-key"][..],
        &["--vlan-in-key"],
        &["--vlan-in-key", "--tunnel-in-key"],
        &["--tunnel-in-key", "--key", "ip-pair"],
    ] {
        let apart = flows(flags);
        assert_eq!(all_of(&apart, "src"), ["10.0.0.1", "10.0.0.1"], "{flags:?}");
        assert_eq!(all_of(&apart, "tunnel"), [&vxlan(51), &vxlan(52)]);
    }
    for flags in [
        &["--encap", "none"][..],
        &["--encap", "none", "--tunnel-in-key"],
    ] {
        let outer = flows(flags);
        // Both ends send to the port of VXLAN, from ports of their own.
        assert_eq!(all_of(&outer, "dst_port"), [4789, 4789], "{flags:?}");
        assert_eq!(outer[0]["vlan"], serde_json::json!([7]));
    }
}

#[test]
fn stations_are_those_of_the_frame_whose_flows_are_asked_for() {
    let station = |n| Ethernet {
        source: [2, 0, 0, 0, 0, n],
        ..Ethernet::default()
    };
    let frame = flowscope_fixtures::wrap(
        &[
            Layer::Ethernet(station(1)),
            Layer::Ipv4(Ipv4::new([192, 0, 2, 1].into(), [192, 0, 2, 2].into())),
            Layer::Vxlan(Vxlan::new(5)),
            Layer::Ethernet(station(3)),
            Layer::Ipv4(Ipv4::new([10, 0, 0, 1].into(), [10, 0, 0, 2].into())),
            Layer::Udp(flowscope_fixtures::Udp::new(1, 2)),
        ],
        b"",
    );
    let capture = pcap(&[flowscope_fixtures::Frame::new(0, 1, frame)]);
    let by_station = ["flows", "--key", "mac-pair"];
    let inner = records(&by_station, &capture);
    assert_eq!(all_of(&inner, "src"), ["02:00:00:00:00:03"]);
    let outer = records(&[&by_station[..], &["--encap", "none"]].concat(), &capture);
    assert_eq!(all_of(&outer, "src"), ["02:00:00:00:00:01"]);
}

#[test]
fn idle_timeouts_split_flows() {
    let capture = pcap(
        &lookup()
            .wait(20 * SECOND)
            .send(Side::Client, b"again")
            .frames(),
    );
    assert_eq!(records(&["flows"], &capture).len(), 1);
    let split = records(&["flows", "--idle-timeout", "udp=10,tcp=1"], &capture);
    assert_eq!(all_of(&split, "reason"), ["idle_timeout", "end_of_input"]);
    assert_eq!(all_of(&split, "flow"), [1, 2]);
}

#[test]
fn a_full_table_evicts() {
    let capture = pcap(&[conversation().frames(), lookup().frames()].concat());
    let flows = records(
        &["flows", "--max-flows", "1", "--idle-timeout", "closed=60"],
        &capture,
    );
    assert_eq!(all_of(&flows, "proto"), ["tcp", "udp"]);
    let summary = records(&["summary", "--max-flows", "1"], &capture);
    assert_eq!(summary[0]["flows_peak"], 1);
}

#[test]
fn packets_with_a_wrong_checksum_are_skipped_if_asked_for() {
    let mut frames = lookup().send(Side::Client, b"again").frames();
    // The last byte of what the third says.
    *frames[2].bytes.last_mut().unwrap() ^= 1;
    let talk = conversation();
    let mut stream = talk.frames();
    let at = stream.iter().position(|it| it.bytes.ends_with(b"answer"));
    *stream[at.unwrap()].bytes.last_mut().unwrap() ^= 1;
    let capture = pcap(&merge([frames, stream]));

    let skipped = |flags: &[&str]| records(&[&["summary"], flags].concat(), &capture).remove(1);
    let taken = skipped(&[]);
    assert_eq!(taken["packets"], 0);
    assert_eq!(skipped(&["--checksums", "ignore"]), taken);
    let reasons = serde_json::json!([
        {"layer": "tcp", "cause": "wrong checksum", "packets": 1},
        {"layer": "udp", "cause": "wrong checksum", "packets": 1},
    ]);
    let told = skipped(&["--checksums", "verify"]);
    assert_eq!(told["packets"], 2);
    let mut found = told["reasons"].as_array().unwrap().clone();
    found.sort_by_key(|reason| reason["layer"].to_string());
    assert_eq!(Value::from(found), reasons);

    for subject in [
        "flows", "events", "all", "summary", "streams", "http", "tls", "dns",
    ] {
        let run = |policy| records(&[subject, "--checksums", policy], &capture);
        let (ignored, verified) = (run("ignore"), run("verify"));
        assert_eq!(ignored, records(&[subject], &capture), "{subject}");
        let differs = !matches!(subject, "http" | "tls" | "dns");
        assert_eq!(ignored != verified, differs, "{subject}");
    }
    let flows = records(
        &["flows", "--checksums", "verify", "--key", "ip-pair"],
        &capture,
    );
    assert_eq!(flows[0]["packets_initiator"], 7);
    assert_eq!(flows[0]["packets_responder"], 4);
    // Frames are counted, whatever becomes of them.
    assert_eq!(flows[0]["last_frame"], 13);
}

#[test]
fn a_limit_ends_the_report() {
    let capture = pcap(&conversation().frames());
    let everything = records(&["events"], &capture);
    let some = records(&["events", "--limit", "3"], &capture);
    assert_eq!(some, everything[..3]);
}

#[test]
fn options_may_come_before_the_command() {
    let capture = pcap(&lookup().frames());
    let after = run(&["flows", "--json"], &capture);
    let before = run(&["--json", "flows"], &capture);
    assert_eq!(stdout(&before), stdout(&after));
    assert!(stdout(&after).starts_with("{\"type\":\"flow\""));
}

#[test]
fn wrong_usage_is_status_two() {
    for args in [
        &["flows", "--format", "xml"][..],
        &["flows", "--json", "--format", "csv"],
        &["flows", "--limit", "0"],
        &["flows", "--max-flows", "0"],
        &["flows", "--idle-timeout", "udp"],
        &["flows", "--key", "port"],
        &["flows", "--checksums", "maybe"],
        &["man", "no-such-command"],
        &["--no-such-option"],
    ] {
        let output = run(args, &pcap(&[]));
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert_eq!(stdout(&output), "");
        assert_ne!(stderr(&output), "", "{args:?}");
    }
}

#[test]
fn progress_is_for_terminals_unless_asked_for() {
    let capture = pcap(&lookup().frames());
    let bar = "B";
    for (args, is_shown) in [
        (&["flows"][..], false),
        (&["flows", "--progress", "always"], true),
        (&["flows", "--progress", "always", "--quiet"], false),
        (&["flows", "--progress", "never"], false),
    ] {
        let output = run(args, &capture);
        assert_eq!(stderr(&output).contains(bar), is_shown, "{args:?}");
    }
}

#[test]
fn quiet_leaves_only_the_exit_status() {
    let output = run(&["flows", "--quiet"], b"nothing to read");
    assert_eq!(
        (output.status.code(), stderr(&output)),
        (Some(1), String::new())
    );
}

#[test]
fn the_command_describes_itself() {
    let version = stdout(&command(&["-V"]).output().unwrap());
    assert_eq!(
        version,
        format!("flowscope {}\n", env!("CARGO_PKG_VERSION"))
    );

    let manual = stdout(&command(&["man"]).output().unwrap());
    assert!(manual.contains(".TH flowscope 1"));
    let manual = stdout(&command(&["man", "flows"]).output().unwrap());
    let source = format!("\"flowscope {}\"", env!("CARGO_PKG_VERSION"));
    assert!(
        manual
            .lines()
            .any(|line| line.starts_with(".TH") && line.contains(&source))
    );
    assert!(manual.contains("idle\\-timeout"));
    for name in ["cut", "report", "schema"] {
        let manual = stdout(&command(&["man", name]).output().unwrap());
        assert!(
            manual.contains(&format!(".TH flowscope-{name} 1")),
            "{name}"
        );
    }
    #[cfg(feature = "live")]
    for name in ["live", "top", "interfaces"] {
        let manual = stdout(&command(&["man", name]).output().unwrap());
        assert!(
            manual.contains(&format!(".TH flowscope-{name} 1")),
            "{name}"
        );
    }

    for shell in ["bash", "zsh", "fish"] {
        let script = stdout(&command(&["completions", shell]).output().unwrap());
        for option in ["max-flows", "checksums"] {
            assert!(script.contains(option), "{shell} {option}");
        }
    }
}

#[test]
fn no_jobs_at_all_are_refused() {
    let output = run(&["flows", "--jobs", "0"], b"");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn the_version_says_what_is_built_in() {
    let says = |flag| stdout(&command(&[flag]).output().unwrap());
    let version = format!("flowscope {}", env!("CARGO_PKG_VERSION"));
    assert_eq!(says("-V"), format!("{version}\n"));
    let long = says("--version");
    assert!(long.starts_with(&format!("{version} (")), "{long}");
    let expected = match (cfg!(feature = "live"), cfg!(feature = "top")) {
        (true, _) => "features live and top)\n",
        (false, true) => "features top)\n",
        (false, false) => "no features)\n",
    };
    assert!(long.ends_with(expected), "{long}");
}
