//! The table of all cases in `docs/EVASION.md`.

use core::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::case::{As, Case, Section};

const BEGIN: &str = "<!-- written by the test `evasion` -->\n";
const END: &str = "<!-- end -->\n";

pub(crate) fn compare_with_documentation(sections: &[Section]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/EVASION.md");
    let documentation = fs::read_to_string(path).unwrap();
    let (before, rest) = documentation.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    let expected = format!("{before}{BEGIN}{}{END}{after}", tables(sections));
    if documentation != expected {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("EVASION.md");
        fs::write(&path, expected).unwrap();
        panic!("docs/EVASION.md is to be as {}", path.display());
    }
}

fn tables(sections: &[Section]) -> String {
    let mut text = String::new();
    for section in sections {
        let _ = write!(
            text,
            "\n## {}\n\n| What is sent | Source | What receivers read | What is read here | What is reported |\n|---|---|---|---|---|\n",
            section.title
        );
        for case in &section.cases {
            row(&mut text, case);
        }
    }
    text.push('\n');
    text
}

fn row(text: &mut String, case: &Case) {
    let mut receivers = String::new();
    for (n, (who, read)) in case.receivers.iter().enumerate() {
        let between = if n > 0 { "; " } else { "" };
        let said = reading(read);
        match case.receivers.len() {
            1 => receivers.push_str(&said),
            _ => {
                let _ = write!(receivers, "{between}{who}: {said}");
            }
        }
    }
    let reported = match &case.reported[..] {
        [] => "nothing".to_owned(),
        reported => reported
            .iter()
            .map(|it| format!("`{it}`"))
            .collect::<Vec<_>>()
            .join(", "),
    };
    let same = case.receivers.len() == 1 && case.receivers[0].1 == case.read;
    let here = if same {
        "the same".to_owned()
    } else {
        reading(&case.read)
    };
    let note = match case.as_what {
        As::Bytes | As::Messages => &case.title,
    };
    let _ = writeln!(
        text,
        "| {} | {} | {} | {here} | {reported} |",
        escaped(note),
        case.source,
        receivers
    );
}

fn reading(read: &[String]) -> String {
    match read {
        [] => "nothing".to_owned(),
        read => {
            let lines = read.iter().map(|line| format!("`{}`", escaped(line)));
            lines.collect::<Vec<_>>().join(", ")
        }
    }
}

/// A cell stays a cell.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|")
        .replace('\r', "\\r")
        .replace('\n', "\\n")
}
