//! Headless Chromium loading a page with a style sheet, a script and fetches.

use crate::capture::scene::Scene;
use crate::capture::server::Server::Nginx;

/// The command, with a new profile folder.
macro_rules! chromium {
    ($profile:literal, $url:literal) => {
        concat!(
            "chromium --headless --no-sandbox --disable-gpu --disable-quic --no-first-run ",
            "--disable-background-networking --disable-component-update --disable-sync ",
            "--disable-default-apps --disable-extensions --ignore-certificate-errors ",
            "--host-resolver-rules='MAP server.example 192.0.2.2, MAP * ~NOTFOUND' ",
            "--virtual-time-budget=3000 --user-data-dir=",
            $profile,
            " --dump-dom ",
            $url,
            " 2>/dev/null | grep thank",
        )
    };
}

pub(super) const SCENES: &[Scene] = &[
    Scene::new(
        "chromium-http",
        "a page and what it needs: several connections, some opened in reserve, a redirect, a 404, a POST",
        Nginx,
        &[chromium!("profile-1", "http://server.example/")],
    ),
    Scene::new(
        "chromium-https",
        "the same over HTTP/2: a ClientHello with GREASE, ECH and a post-quantum key share, too long for one segment",
        Nginx,
        &[chromium!("profile-2", "https://server.example/")],
    ),
    Scene::new(
        "chromium-https-http1",
        "the same over HTTP/1.1 in TLS: several connections, later ones resumed",
        Nginx,
        &[chromium!("profile-3", "https://server.example:8443/")],
    ),
];
