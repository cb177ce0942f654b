//! Two namespaces and the cable between them.

use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread::sleep;

use super::process::{finish, run, run_line};
use super::programs::PATH;

/// One of the two hosts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Host {
    Client,
    Server,
}

impl Host {
    pub(super) const BOTH: [Self; 2] = [Self::Client, Self::Server];

    pub(super) const fn namespace(self) -> &'static str {
        match self {
            Self::Client => "fs-client",
            Self::Server => "fs-server",
        }
    }

    /// The last number of its addresses.
    pub(super) const fn number(self) -> u8 {
        match self {
            Self::Client => 1,
            Self::Server => 2,
        }
    }

    pub(super) const fn other(self) -> Self {
        match self {
            Self::Client => Self::Server,
            Self::Server => Self::Client,
        }
    }

    /// Runs `ip` with these words, inside the host.
    pub(super) fn ip(self, words: &str) -> Result<String, String> {
        run_line(&format!("ip -netns {} {words}", self.namespace()))
    }
}

/// The hosts, joined by a virtual Ethernet cable. Dropping it deletes them.
#[derive(Debug)]
pub(super) struct Network {
    folder: PathBuf,
}

impl Network {
    /// Builds it; programs in it will run in `folder`.
    pub(super) fn build(folder: &Path) -> Result<Self, String> {
        // An interrupted run may have left them.
        remove();
        // From here on, a failure deletes what there is.
        let network = Self {
            folder: folder.into(),
        };
        for host in Host::BOTH {
            run("ip", &["netns", "add", host.namespace()])?;
            host.ip("link set lo up")?;
        }
        Host::Client.ip(&format!(
            "link add {CABLE} type veth peer name {CABLE} netns fs-server"
        ))?;
        for host in Host::BOTH {
            let number = host.number();
            host.ip(&format!(
                "link set {CABLE} address 02:00:00:00:00:0{number}"
            ))?;
            host.ip(&format!("addr add 192.0.2.{number}/24 dev {CABLE}"))?;
            host.ip(&format!("addr add 2001:db8::{number}/64 dev {CABLE} nodad"))?;
            host.ip(&format!("link set {CABLE} up"))?;
        }
        name_hosts().map_err(|error| format!("{CLIENT_ETC}: {error}"))?;
        network.offload(Offload::Off)?;
        // Until IPv6 has introduced itself on the cable.
        sleep(Duration::from_secs(2));
        Ok(network)
    }

    /// Whether the cable's ends leave segments and checksums to each other.
    pub(super) fn offload(&self, offload: Offload) -> Result<(), String> {
        let word = offload.word();
        for host in Host::BOTH {
            let line = format!(
                "ethtool -K {CABLE} tx-checksumming {word} tcp-segmentation-offload {word} \
                 generic-segmentation-offload {word} generic-receive-offload {word}"
            );
            finish(&mut self.shell(host, &line))?;
        }
        Ok(())
    }

    /// A shell that runs `line` on `host` and knows nothing of this machine's
    /// environment. The shell itself becomes the last command of the line if
    /// that begins with `exec`.
    pub(super) fn shell(&self, host: Host, line: &str) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", host.namespace(), "env", "-i", "LC_ALL=C"]);
        command
            .arg(format!("PATH={PATH}"))
            .arg(format!("HOME={}", self.folder.display()));
        command.args(["sh", "-c", line]).current_dir(&self.folder);
        command
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        remove();
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Offload {
    On,
    Off,
}

impl Offload {
    const fn word(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

/// `ip netns exec` lays the files of this folder over those of `/etc`.
fn name_hosts() -> std::io::Result<()> {
    fs::create_dir_all(CLIENT_ETC)?;
    fs::write(format!("{CLIENT_ETC}/hosts"), HOSTS)?;
    fs::write(
        format!("{CLIENT_ETC}/resolv.conf"),
        "nameserver 192.0.2.2\n",
    )
}

fn remove() {
    // Whichever of them exists.
    for host in Host::BOTH {
        let _ = run("ip", &["netns", "delete", host.namespace()]);
    }
    let _ = fs::remove_dir_all(CLIENT_ETC);
    // Only goes if nobody else has anything in it.
    let _ = fs::remove_dir("/etc/netns");
}

/// The cable's name at both of its ends.
pub(super) const CABLE: &str = "eth0";

const CLIENT_ETC: &str = "/etc/netns/fs-client";

/// `far.example` is the server at the other end of a second link.
const HOSTS: &str = "\
127.0.0.1 localhost
::1 localhost
192.0.2.2 server.example
2001:db8::2 six.example
198.51.100.2 far.example
";
