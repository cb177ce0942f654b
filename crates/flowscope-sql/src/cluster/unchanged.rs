//! Captures that are what they were when they were found.
//!
//! Executors read captures at different times, and of captures in parts each finds
//! out for itself which flows are whose. That comes to one answer only if all of
//! them have read the same.

use datafusion::common::{Result, exec_err};

use crate::captures::Capture;

/// Looks whether captures are here, and as they were.
pub(super) fn check<'a>(captures: impl Iterator<Item = &'a Capture>) -> Result<()> {
    for capture in captures {
        let path = capture.path.display();
        if let Err(error) = capture.path.metadata() {
            return exec_err!(
                "{path}: {error}; an executor has to find captures where the query was asked for \
                 them"
            );
        }
        let now = Capture::at(capture.path.clone());
        if now != *capture {
            return exec_err!(
                "{path} was changed after the query was asked: it had {} bytes, and has {} for \
                 an executor",
                capture.bytes,
                now.bytes
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_capture_that_grew_or_went_away_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let path = folder.path().join("a.pcap");
        fs::write(&path, "1234").expect("as above");
        let capture = Capture::at(path.clone());
        assert!(check([&capture].into_iter()).is_ok());

        fs::write(&path, "12345").expect("as above");
        let grown = check([&capture].into_iter()).expect_err("it grew");
        assert!(
            grown.to_string().contains("had 4 bytes, and has 5"),
            "{grown}"
        );

        fs::remove_file(&path).expect("as above");
        let gone = check([&capture].into_iter()).expect_err("it is gone");
        assert!(gone.to_string().contains("has to find captures"), "{gone}");
    }
}
