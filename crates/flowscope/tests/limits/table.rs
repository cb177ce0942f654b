//! The table of all limits in `docs/LIMITS.md`.

use core::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::limit::{Section, Told};

const BEGIN: &str = "<!-- written by the test `limits` -->\n";
const END: &str = "<!-- end -->\n";

pub(crate) fn compare_with_documentation(sections: &[Section]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/LIMITS.md");
    let documentation = fs::read_to_string(path).unwrap();
    let (before, rest) = documentation.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let expected = format!("{before}{BEGIN}{}{END}{after}", tables(sections));
    if documentation != expected {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("LIMITS.md");
        fs::write(&path, expected).unwrap();
        panic!("docs/LIMITS.md is to be as {}", path.display());
    }
}

fn tables(sections: &[Section]) -> String {
    let mut text = String::new();
    for section in sections {
        let _ = write!(
            text,
            "\n## {}\n\n| Limit | Default | What happens there | What tells |\n|---|---|---|---|\n",
            section.title
        );
        for limit in &section.limits {
            let told = match limit.told {
                Told::By(told) => format!("`{told}`"),
                Told::Without(told) => format!("no `{told}`"),
            };
            let name = match limit.name.contains("::") {
                true => format!("`{}`", limit.name),
                false => limit.name.to_owned(),
            };
            let _ = writeln!(
                text,
                "| {name} | {} | {} | {told} |",
                limit.default, limit.what
            );
        }
    }
    text.push('\n');
    text
}
