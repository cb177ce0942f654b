//! From a name to an interface that is listened to, and what can go wrong.

use pcap::{Active, Capture, Error, Precision};

use super::{LiveConfig, Mode};
use crate::CaptureError;

/// Begins to listen.
pub(super) fn open(interface: &str, config: &LiveConfig) -> Result<Capture<Active>, CaptureError> {
    let failed = |error| failure(interface, &error);
    let limit = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let timeout = i32::try_from(config.timeout.as_millis()).unwrap_or(i32::MAX);
    let capture = Capture::from_device(interface).map_err(failed)?;
    let mut capture = capture
        .snaplen(limit(config.snap_len))
        .buffer_size(limit(config.buffer_bytes))
        .promisc(config.mode == Mode::Promiscuous)
        // Zero would be without an end.
        .timeout(timeout.max(1))
        .precision(PRECISION)
        .open()
        .map_err(failed)?;
    if let Some(filter) = &config.filter {
        let set = capture.filter(filter, true);
        set.map_err(|error| CaptureError::Filter {
            reason: words(&error),
        })?;
    }
    Ok(capture)
}

fn failure(interface: &str, error: &Error) -> CaptureError {
    let reason = words(error);
    let interface = interface.to_owned();
    let says = |part: &str| reason.to_lowercase().contains(part);
    if says("permi") {
        CaptureError::NotPermitted { interface }
    } else if says("no such device") || says("doesn't exist") {
        CaptureError::NoSuchInterface { interface }
    } else {
        CaptureError::Open { interface, reason }
    }
}

/// What libpcap says, without what the crate puts before it.
pub(super) fn words(error: &Error) -> String {
    match error {
        Error::PcapError(words) => words.clone(),
        other => other.to_string(),
    }
}

/// Linux has times of nanoseconds on every interface. Others may not, and would
/// give microseconds without saying so.
pub(super) const PRECISION: Precision = if cfg!(target_os = "linux") {
    Precision::Nano
} else {
    Precision::Micro
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_libpcap_says_is_understood() {
        let said = |words: &str| failure("eth0", &Error::PcapError(words.into()));
        for words in [
            "socket: Operation not permitted",
            "eth0: You don't have permission to perform this capture on that device",
            "(cannot open BPF device) /dev/bpf0: Permission denied",
        ] {
            let error = said(words);
            assert!(
                matches!(error, CaptureError::NotPermitted { .. }),
                "{words}"
            );
        }
        let error = said("SIOCGIFHWADDR: No such device");
        assert!(matches!(error, CaptureError::NoSuchInterface { .. }));
        let error = said("That device is not up");
        assert_eq!(error.to_string(), "cannot open eth0: That device is not up");
    }
}
