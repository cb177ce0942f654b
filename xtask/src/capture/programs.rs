//! The programs the scenes run, and the Debian packages they come in.

use std::path::Path;

use super::process::run;
use super::scene::Scene;

/// What to do about programs that are not there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Missing {
    Report,
    Install,
}

/// Makes sure that every program is there that these scenes need.
pub(super) fn require(scenes: &[Scene], missing: Missing) -> Result<(), String> {
    let packages = packages(|program| is_needed(program, scenes) && !is_installed(program));
    match missing {
        _ if packages.is_empty() => Ok(()),
        Missing::Report => Err(format!(
            "some programs are missing; `apt-get install {}` or --install brings them",
            packages.join(" "),
        )),
        Missing::Install => install(&packages),
    }
}

/// The packages and their versions, one `name version` a line: those that these
/// scenes need as they are installed, the others as they are in `before`.
pub(super) fn versions(scenes: &[Scene], before: &str) -> Result<String, String> {
    let needed = packages(|program| is_needed(program, scenes));
    let mut args = vec!["--show", "--showformat=${Package} ${Version}\\n"];
    args.extend(&needed);
    let installed = run("dpkg-query", &args)?;
    let known = |package: &str, text: &str| {
        let mut lines = text.lines();
        let line = lines.find(|line| line.split(' ').next() == Some(package));
        line.map(|line| format!("{line}\n"))
    };
    let mut all = packages(|_| true);
    all.sort_unstable();
    let lines = all.iter().filter_map(|package| {
        let text = if needed.contains(package) {
            &installed
        } else {
            before
        };
        known(package, text)
    });
    Ok(lines.collect())
}

/// The packages of some of the programs, each once.
fn packages(is_wanted: impl Fn(&str) -> bool) -> Vec<&'static str> {
    let wanted = PROGRAMS.iter().filter(|(program, _)| is_wanted(program));
    let mut packages: Vec<&str> = wanted.map(|&(_, package)| package).collect();
    packages.dedup();
    packages
}

/// Whether a program is named by any of the scenes, or needed for all.
fn is_needed(program: &str, scenes: &[Scene]) -> bool {
    ALWAYS.contains(&program)
        || scenes.iter().flat_map(Scene::lines).any(|line| {
            line.split(|it: char| !it.is_ascii_alphanumeric() && it != '-')
                .any(|word| word == program)
        })
}

fn is_installed(program: &str) -> bool {
    PATH.split(':')
        .any(|folder| Path::new(folder).join(program).exists())
}

/// Without the services that some packages would start.
fn install(packages: &[&str]) -> Result<(), String> {
    let mut args = vec!["RUNLEVEL=1", "DEBIAN_FRONTEND=noninteractive", "apt-get"];
    args.extend(["install", "--yes", "--no-install-recommends"]);
    args.extend(packages);
    run("env", &args).map(|_| ())
}

/// Where programs are looked for, whatever the caller's own is.
pub(super) const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// Programs of one package stand together.
const PROGRAMS: [(&str, &str); 19] = [
    ("tcpdump", "tcpdump"),
    ("ip", "iproute2"),
    ("ss", "iproute2"),
    ("ethtool", "ethtool"),
    ("socat", "socat"),
    ("ping", "iputils-ping"),
    ("curl", "curl"),
    ("nginx", "nginx-light"),
    ("openssl", "openssl"),
    ("gnutls-cli", "gnutls-bin"),
    ("gnutls-serv", "gnutls-bin"),
    ("gtlsclient", "ngtcp2-client"),
    ("gtlsserver", "ngtcp2-server"),
    ("python3", "python3-minimal"),
    ("node", "nodejs"),
    ("chromium", "chromium"),
    ("knotd", "knot"),
    ("kdig", "knot-dnsutils"),
    ("dig", "bind9-dnsutils"),
];

/// What the network, the recording and the certificates take.
const ALWAYS: [&str; 5] = ["tcpdump", "ip", "ss", "ethtool", "openssl"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capture::scenes;

    #[test]
    fn a_scene_needs_the_programs_that_it_names() {
        let of = |name| {
            let scenes: Vec<_> = scenes::all().filter(|scene| scene.name == name).collect();
            packages(|program| is_needed(program, &scenes))
        };
        let always = ["tcpdump", "iproute2", "ethtool"];
        assert_eq!(
            of("quic-v1"),
            [&always[..], &["openssl", "ngtcp2-client", "ngtcp2-server"]].concat()
        );
        assert_eq!(
            of("http-keep-alive"),
            [&always[..], &["curl", "nginx-light", "openssl"]].concat()
        );
    }

    #[test]
    fn programs_are_looked_for_by_name() {
        assert!(is_installed("sh"));
        assert!(!is_installed("no-such-program"));
    }
}
