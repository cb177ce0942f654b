//! The folder everything runs in: certificates, a small site, a DNS zone and
//! the servers' configuration.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::process::finish;

/// The folder, until this is dropped.
#[derive(Debug)]
pub(super) struct Workshop {
    pub(super) folder: PathBuf,
}

impl Workshop {
    pub(super) fn prepare() -> Result<Self, String> {
        let folder = env::temp_dir().join("flowscope-capture");
        let workshop = Self { folder };
        workshop
            .furnish()
            .map_err(|error| format!("{}: {error}", workshop.folder.display()))?;
        for line in CERTIFICATES {
            finish(
                Command::new("sh")
                    .args(["-ec", line])
                    .current_dir(&workshop.folder),
            )?;
        }
        Ok(workshop)
    }

    fn furnish(&self) -> io::Result<()> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)?;
        }
        fs::create_dir_all(self.folder.join("site"))?;
        fs::create_dir_all(self.folder.join("database"))?;
        for (name, text) in [
            ("nginx.conf", include_str!("workshop/nginx.conf")),
            ("knot.conf", include_str!("workshop/knot.conf")),
            ("reverse.zone", include_str!("workshop/reverse.zone")),
            ("abort_client.py", include_str!("workshop/abort_client.py")),
            ("reset_server.py", include_str!("workshop/reset_server.py")),
            ("https_client.py", include_str!("workshop/https_client.py")),
            ("https_client.js", include_str!("workshop/https_client.js")),
            ("site/index.html", include_str!("workshop/index.html")),
            ("site/style.css", include_str!("workshop/style.css")),
            ("site/script.js", include_str!("workshop/script.js")),
            (
                "site/included.shtml",
                include_str!("workshop/included.shtml"),
            ),
            ("site/data.json", "{\"flows\": [1, 2, 3], \"open\": true}\n"),
            ("form.txt", "name=flow&colour=blue\n"),
        ] {
            self.write(name, text)?;
        }
        self.write("flowscope.zone", &zone())?;
        self.write("site/long.txt", &numbered_lines(2_000))?;
        self.write("site/longer.txt", &numbered_lines(4_000))
    }

    fn write(&self, name: impl AsRef<Path>, text: &str) -> io::Result<()> {
        fs::write(self.folder.join(name), text)
    }
}

impl Drop for Workshop {
    fn drop(&mut self) {
        // Left behind, it harms nobody: the next run begins by removing it.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Text whose every byte tells where it belongs.
fn numbered_lines(lines: usize) -> String {
    (1..=lines)
        .map(|line| format!("line {line:06} of the long text\n"))
        .collect()
}

/// The zone, with records too large for one datagram.
fn zone() -> String {
    let text = |strings: usize| -> String {
        (0..strings)
            .map(|number| format!(" \"{number:02} {}\"", "text ".repeat(39)))
            .collect()
    };
    format!(
        "{}medium TXT{}\nlarge TXT{}\n",
        include_str!("workshop/flowscope.zone"),
        text(10),
        text(18),
    )
}

/// An authority, two server certificates of different kinds, and a client's.
const CERTIFICATES: [&str; 4] = [
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
     -subj '/CN=flowscope test authority' -keyout ca.key -out ca.pem",
    "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
     -subj /CN=server.example -keyout server.key -out server.csr; \
     printf 'subjectAltName=DNS:server.example,DNS:six.example,DNS:far.example' >names; \
     openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 \
     -extfile names -out server.pem",
    "openssl req -newkey rsa:2048 -nodes -subj /CN=server.example -keyout rsa.key -out rsa.csr; \
     openssl x509 -req -in rsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 \
     -extfile names -out rsa.pem",
    "openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
     -subj /CN=client -keyout client.key -out client.csr; \
     openssl x509 -req -in client.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 \
     -out client.pem",
];
