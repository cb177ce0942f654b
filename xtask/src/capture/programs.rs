//! The programs the scenes run, and the Debian packages they come in.

use std::path::Path;

use super::process::run;

/// What to do about programs that are not there.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Missing {
    Report,
    Install,
}

/// Makes sure that every program is there.
pub(super) fn require(missing: Missing) -> Result<(), String> {
    let mut packages: Vec<&str> = PROGRAMS
        .iter()
        .filter(|(program, _)| !is_installed(program))
        .map(|&(_, package)| package)
        .collect();
    packages.dedup();
    match missing {
        _ if packages.is_empty() => Ok(()),
        Missing::Report => Err(format!(
            "some programs are missing; `apt-get install {}` or --install brings them",
            packages.join(" "),
        )),
        Missing::Install => install(&packages),
    }
}

/// The packages and their versions, one `name version` a line.
pub(super) fn versions() -> Result<String, String> {
    let mut packages: Vec<&str> = PROGRAMS.iter().map(|&(_, package)| package).collect();
    packages.dedup();
    let mut args = vec!["--show", "--showformat=${Package} ${Version}\\n"];
    args.extend(packages);
    run("dpkg-query", &args)
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
const PROGRAMS: [(&str, &str); 17] = [
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
    ("python3", "python3-minimal"),
    ("node", "nodejs"),
    ("chromium", "chromium"),
    ("knotd", "knot"),
    ("kdig", "knot-dnsutils"),
    ("dig", "bind9-dnsutils"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_looked_for_by_name() {
        assert!(is_installed("sh"));
        assert!(!is_installed("no-such-program"));
    }
}
