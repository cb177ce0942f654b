//! From what was said to an interface that is listened to.

use flowscope_tokio::{AsyncCapture, CaptureError, LiveSource};

use super::arguments::Capture;
use crate::error::Failure;

/// Listens to an interface.
pub(crate) fn open(
    interface: &str,
    capture: &Capture,
) -> Result<AsyncCapture<LiveSource>, Failure> {
    AsyncCapture::open_with(interface, &capture.config()).map_err(failure)
}

/// What it means to whoever wants to listen.
pub(super) fn failure(error: CaptureError) -> Failure {
    let advice = match &error {
        CaptureError::NotPermitted { .. } => permission(),
        CaptureError::NoSuchInterface { .. } => "`flowscope interfaces` lists them".to_owned(),
        _ => return Failure::Capture(error.to_string()),
    };
    Failure::Capture(format!("{error}; {advice}"))
}

fn permission() -> String {
    let program = std::env::current_exe().ok();
    let program = program.map_or("flowscope".into(), |path| path.display().to_string());
    format!(
        "it needs CAP_NET_RAW: run `sudo setcap cap_net_raw,cap_net_admin=eip {program}` once, \
         or run it as root"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_rights_it_says_how_to_get_them() {
        let interface = "eth0".to_owned();
        let failure = failure(CaptureError::NotPermitted { interface }).to_string();
        assert!(failure.contains("CAP_NET_RAW"), "{failure}");
        assert!(failure.contains("setcap cap_net_raw"), "{failure}");
    }
}
