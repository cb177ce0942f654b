//! The servers of the scenes.

use std::fs::{self, File};

use super::network::{Host, Network};
use super::process::{Running, finish, wait_until};

/// What runs on the server while a scene is played.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Server {
    /// No program; the kernel answers what it answers.
    Kernel,
    /// nginx: HTTP on 80, HTTPS on 443 (with HTTP/2) and 8443 (without).
    Nginx,
    /// Knot DNS, serving a signed zone on 53.
    Knot,
    /// Any other command, listening on a port.
    Line(&'static str, u16),
}

impl Server {
    /// Returns when it answers; it runs until the result is dropped.
    pub(super) fn start(self, network: &Network) -> Result<Option<Running>, String> {
        let Some((line, port)) = self.line() else {
            return Ok(None);
        };
        let log = network.folder().join("server.log");
        let (said, complained) = File::create(&log)
            .and_then(|file| Ok((file.try_clone()?, file)))
            .map_err(|error| format!("{}: {error}", log.display()))?;
        let mut command = network.shell(Host::Server, &format!("exec {line}"));
        let running = Running::spawn(command.stdout(said).stderr(complained))?;
        let listening = format!("ss -Hltun sport = :{port}");
        wait_until(line, || {
            finish(&mut network.shell(Host::Server, &listening))
                .is_ok_and(|found| !found.is_empty())
        })
        .map_err(|error| format!("{error}\n{}", fs::read_to_string(&log).unwrap_or_default()))?;
        if self == Self::Knot {
            let question = "kdig @192.0.2.2 flowscope.example SOA +dnssec";
            wait_until("the signed zone", || {
                finish(&mut network.shell(Host::Client, question))
                    .is_ok_and(|answer| answer.contains("RRSIG"))
            })?;
        }
        Ok(Some(running))
    }

    /// Its command and its port.
    pub(super) const fn line(self) -> Option<(&'static str, u16)> {
        match self {
            Self::Kernel => None,
            Self::Nginx => Some(("nginx -e stderr -p . -c nginx.conf", 443)),
            Self::Knot => Some(("knotd -c knot.conf", 53)),
            Self::Line(line, port) => Some((line, port)),
        }
    }
}
