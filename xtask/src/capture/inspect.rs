//! What every committed capture must be: small, and without a trace of the
//! machine it was made on.

use std::env;
use std::fs;
use std::path::Path;

/// Refuses a capture that is empty, too large, or names this machine.
pub(super) fn capture(bytes: &[u8]) -> Result<(), String> {
    if bytes.len() <= FILE_HEADER_LEN {
        return Err("nothing was recorded".into());
    }
    if bytes.len() > LARGEST {
        return Err(format!("{} bytes are more than {LARGEST}", bytes.len()));
    }
    match private_words()
        .into_iter()
        .find(|word| contains(bytes, word.as_bytes()))
    {
        Some(word) => Err(format!("the capture holds {word:?}")),
        None => Ok(()),
    }
}

/// Refuses a folder that has grown too large.
pub(super) fn total(folder: &Path) -> Result<(), String> {
    let sizes: Result<Vec<u64>, std::io::Error> = fs::read_dir(folder)
        .and_then(|entries| entries.map(|entry| Ok(entry?.metadata()?.len())).collect());
    let sum: u64 = sizes.map_err(|error| error.to_string())?.iter().sum();
    eprintln!("all captures: {sum} bytes");
    if sum > LARGEST_TOTAL {
        return Err(format!("{sum} bytes are more than {LARGEST_TOTAL}"));
    }
    Ok(())
}

/// Paths and names that belong to this machine. Shorter ones are left out:
/// they occur in ciphertext by chance.
fn private_words() -> Vec<String> {
    let folder = env::current_dir().map(|folder| folder.display().to_string());
    let host = fs::read_to_string("/proc/sys/kernel/hostname");
    let mut words: Vec<String> = ["HOME", "USER", "LOGNAME", "HOSTNAME", "TMPDIR"]
        .iter()
        .filter_map(|name| env::var(name).ok())
        .chain(folder)
        .chain(host)
        .map(|word| word.trim().to_owned())
        .collect();
    words.push(env::temp_dir().join("").display().to_string());
    words.retain(|word| word.len() >= SHORTEST_WORD && word != "root");
    words
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window == word)
}

const FILE_HEADER_LEN: usize = 24;
const LARGEST: usize = 200_000;
const LARGEST_TOTAL: u64 = 3_000_000;
const SHORTEST_WORD: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_that_tells_is_refused() {
        let folder = env::current_dir().unwrap().display().to_string();
        let mut bytes = vec![0; 100];
        assert_eq!(capture(&bytes), Ok(()));
        bytes.extend_from_slice(folder.as_bytes());
        assert!(capture(&bytes).is_err());
        assert!(capture(&[0; 24]).is_err());
        assert!(capture(&vec![0; LARGEST + 1]).is_err());
    }
}
