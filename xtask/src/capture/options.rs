//! The flags of `capture`.

use std::path::PathBuf;

use super::programs::Missing;
use crate::project;

/// Which scenes to record, and where to.
#[derive(Debug)]
pub(super) struct Options {
    only: Vec<String>,
    pub(super) out: PathBuf,
    pub(super) missing: Missing,
}

impl Options {
    pub(super) fn parse(args: &[String]) -> Result<Self, String> {
        let mut options = Self {
            only: Vec::new(),
            out: project::root().join("fixtures/pcap/recorded"),
            missing: Missing::Report,
        };
        let mut args = args.iter();
        while let Some(flag) = args.next() {
            match flag.as_str() {
                "--install" => options.missing = Missing::Install,
                "--only" => options.only.push(args.next().ok_or(USAGE)?.clone()),
                "--out" => options.out = args.next().ok_or(USAGE)?.into(),
                _ => return Err(USAGE.into()),
            }
        }
        Ok(options)
    }

    /// Whether to record the scene `name`.
    pub(super) fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == name)
    }
}

const USAGE: &str = "\
usage: cargo xtask capture [flags]
  --only SCENE   record this one; may be given again   (all)
  --out DIR      where the captures go                 (fixtures/pcap/recorded)
  --install      apt-get install what is missing";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_narrows() {
        let args = ["--only", "a", "--only", "b"].map(String::from);
        let options = Options::parse(&args).unwrap();
        assert!(options.wants("a") && options.wants("b") && !options.wants("c"));
        assert!(Options::parse(&[]).unwrap().wants("anything"));
        assert!(Options::parse(&["--only".into()]).is_err());
    }
}
