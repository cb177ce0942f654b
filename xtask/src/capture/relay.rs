//! A link in user space: two taps, and a relay between them that may lose,
//! delay or repeat frames.
//!
//! What netem does in the kernel, where the kernel has it. This works on every
//! kernel with taps and disturbs the same frames each time.

use core::sync::atomic::{AtomicBool, Ordering};
use core::time::Duration;
use std::fs;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::link::{SECOND, address, silence};
use super::network::{Host, Network};
use super::process::{Running, wait_until};

/// What a relay does to large frames, those that carry data.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Weather {
    Clear,
    /// Every eleventh is lost.
    Lossy,
    /// Every seventh comes after the one that follows it.
    Reordering,
    /// Every fifth comes twice.
    Duplicating,
}

/// The link, until this is dropped.
#[derive(Debug)]
pub(super) struct Relay {
    over: Arc<AtomicBool>,
    carriers: Vec<JoinHandle<()>>,
    _taps: Vec<Running>,
}

impl Relay {
    /// Puts a tap into both hosts and carries frames between them. With
    /// `mirror`, another tap of the client gets every frame with these tags.
    pub(super) fn start(
        network: &Network,
        weather: Weather,
        mirror: Option<&'static [u8]>,
    ) -> Result<Self, String> {
        let over = Arc::new(AtomicBool::new(false));
        let mut relay = Self {
            over,
            carriers: Vec::new(),
            _taps: Vec::new(),
        };
        let folder = network.folder();
        let to_client = relay.tap(network, Host::Client, SECOND)?;
        let to_server = relay.tap(network, Host::Server, SECOND)?;
        let mirror = match mirror {
            Some(tags) => Some(Mirror {
                port: relay.tap(network, Host::Client, MIRROR)?,
                tags,
            }),
            None => None,
        };
        for host in Host::BOTH {
            address(host)?;
        }
        for (from, to) in [(&to_client, &to_server), (&to_server, &to_client)] {
            relay
                .carry(from, to, weather, mirror.as_ref())
                .map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        Ok(relay)
    }

    /// Makes the tap `name` in `host`; gives the socket that is its far side.
    fn tap(&mut self, network: &Network, host: Host, name: &str) -> Result<Port, String> {
        let port = Port::bind(network.folder(), &format!("{name}-{}", host.namespace()))
            .map_err(|error| format!("a socket for {name}: {error}"))?;
        let line = format!(
            "exec socat TUN,tun-type=tap,tun-name={name},iff-no-pi \
             UNIX-SENDTO:{},bind={}",
            port.near.display(),
            port.far.display(),
        );
        self._taps
            .push(Running::spawn(&mut network.shell(host, &line))?);
        wait_until(name, || {
            port.far.exists() && host.ip(&format!("link show {name}")).is_ok()
        })?;
        silence(host, name)?;
        host.ip(&format!("link set {name} up"))?;
        Ok(port)
    }

    /// Carries frames one way, in a thread of its own.
    fn carry(
        &mut self,
        from: &Port,
        to: &Port,
        weather: Weather,
        mirror: Option<&Mirror>,
    ) -> io::Result<()> {
        let mut carrier = Carrier {
            from: from.socket.try_clone()?,
            to: to.try_clone()?,
            mirror: mirror.map(Mirror::try_clone).transpose()?,
            weather,
            large: 0,
            held: None,
        };
        carrier.from.set_read_timeout(Some(LULL))?;
        let over = Arc::clone(&self.over);
        self.carriers.push(thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                // A frame that a closing tap no longer takes is lost, as on
                // any other link.
                let _ = carrier.next();
            }
        }));
        Ok(())
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for carrier in self.carriers.drain(..) {
            let _ = carrier.join();
        }
    }
}

/// The relay's side of a tap.
#[derive(Debug)]
struct Port {
    socket: UnixDatagram,
    near: PathBuf,
    far: PathBuf,
}

impl Port {
    fn bind(folder: &Path, name: &str) -> io::Result<Self> {
        let near = folder.join(format!("{name}.relay"));
        let far = folder.join(format!("{name}.tap"));
        for path in [&near, &far] {
            if path.exists() {
                fs::remove_file(path)?;
            }
        }
        Ok(Self {
            socket: UnixDatagram::bind(&near)?,
            near,
            far,
        })
    }

    fn send(&self, frame: &[u8]) -> io::Result<()> {
        self.socket.send_to(frame, &self.far).map(|_| ())
    }

    fn try_clone(&self) -> io::Result<Self> {
        let (near, far) = (self.near.clone(), self.far.clone());
        Ok(Self {
            socket: self.socket.try_clone()?,
            near,
            far,
        })
    }
}

/// A port that sees every frame, tagged.
#[derive(Debug)]
struct Mirror {
    port: Port,
    tags: &'static [u8],
}

impl Mirror {
    fn send(&self, frame: &[u8]) -> io::Result<()> {
        let Some((addresses, rest)) = frame.split_at_checked(12) else {
            return Ok(());
        };
        self.port.send(&[addresses, self.tags, rest].concat())
    }

    fn try_clone(&self) -> io::Result<Self> {
        Ok(Self {
            port: self.port.try_clone()?,
            tags: self.tags,
        })
    }
}

/// One direction of a link.
struct Carrier {
    from: UnixDatagram,
    to: Port,
    mirror: Option<Mirror>,
    weather: Weather,
    large: u32,
    held: Option<Vec<u8>>,
}

impl Carrier {
    /// Carries the next frame, or releases a held one when none comes.
    fn next(&mut self) -> io::Result<()> {
        let mut buffer = [0; 2048];
        let Ok(len) = self.from.recv(&mut buffer) else {
            return self.release();
        };
        let frame = &buffer[..len];
        if let Some(mirror) = &self.mirror {
            mirror.send(frame)?;
        }
        if len < LARGE {
            return self.to.send(frame);
        }
        self.large += 1;
        match self.weather {
            Weather::Lossy if self.large.is_multiple_of(11) => Ok(()),
            Weather::Reordering if self.large.is_multiple_of(7) => {
                self.held = Some(frame.to_vec());
                Ok(())
            }
            Weather::Duplicating if self.large.is_multiple_of(5) => {
                self.to.send(frame)?;
                self.to.send(frame)
            }
            Weather::Clear | Weather::Lossy | Weather::Reordering | Weather::Duplicating => {
                self.to.send(frame)?;
                self.release()
            }
        }
    }

    fn release(&mut self) -> io::Result<()> {
        self.held
            .take()
            .map_or(Ok(()), |frame| self.to.send(&frame))
    }
}

impl Weather {
    pub(super) const fn describe(self) -> &'static str {
        match self {
            Self::Clear => "carries every frame",
            Self::Lossy => "loses every eleventh large frame",
            Self::Reordering => "delivers every seventh large frame after the next",
            Self::Duplicating => "delivers every fifth large frame twice",
        }
    }
}

/// The tap at which a mirror's frames arrive.
pub(super) const MIRROR: &str = "mirror0";

/// From here on a frame is large.
const LARGE: usize = 400;
/// A held frame waits no longer than this for the one to overtake it.
const LULL: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    /// What arrives of eleven numbered frames.
    fn carried(weather: Weather) -> Vec<u8> {
        let folder = std::env::temp_dir();
        let name = format!("relay-{}-{weather:?}", std::process::id());
        let to = Port::bind(&folder, &name).unwrap();
        let arrivals = UnixDatagram::bind(&to.far).unwrap();
        let (sender, from) = UnixDatagram::pair().unwrap();
        from.set_read_timeout(Some(LULL)).unwrap();
        arrivals.set_nonblocking(true).unwrap();
        let mut carrier = Carrier {
            from,
            to,
            mirror: None,
            weather,
            large: 0,
            held: None,
        };
        let mut frame = [0; LARGE];
        let mut numbers = Vec::new();
        for number in 1..=11 {
            sender.send(&[number; LARGE]).unwrap();
            carrier.next().unwrap();
            while arrivals.recv(&mut frame).is_ok() {
                numbers.push(frame[0]);
            }
        }
        for path in [&carrier.to.near, &carrier.to.far] {
            fs::remove_file(path).unwrap();
        }
        numbers
    }

    #[test]
    fn weather_disturbs_the_frames_it_says() {
        assert_eq!(carried(Weather::Lossy), [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
        assert_eq!(
            carried(Weather::Reordering),
            [1, 2, 3, 4, 5, 6, 8, 7, 9, 10, 11]
        );
        assert_eq!(
            carried(Weather::Duplicating),
            [1, 2, 3, 4, 5, 5, 6, 7, 8, 9, 10, 10, 11]
        );
    }
}
