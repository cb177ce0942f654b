//! The prompt: queries that are typed one after the other.

use std::env;
use std::fs;
use std::path::PathBuf;

use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use crate::complaint;
use crate::session::Queries;

/// Reads statements, each up to its semicolon, until there are no more. A
/// statement that fails ends nothing.
pub(crate) fn run(queries: &mut Queries<'_>) -> Result<(), String> {
    let mut editor = DefaultEditor::new().map_err(|error| error.to_string())?;
    let history = history();
    if let Some(path) = &history {
        // There is none the first time.
        let _ = editor.load_history(path);
    }
    let mut statement = String::new();
    loop {
        let prompt = if statement.is_empty() {
            "sql> "
        } else {
            "  -> "
        };
        match editor.readline(prompt) {
            Ok(line) if statement.is_empty() && is_goodbye(&line) => break,
            Ok(line) => {
                statement.push_str(&line);
                statement.push('\n');
            }
            Err(ReadlineError::Interrupted) => statement.clear(),
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(error.to_string()),
        }
        if statement.trim().is_empty() {
            statement.clear();
        } else if statement.trim_end().ends_with(';') {
            let whole = core::mem::take(&mut statement);
            // Without a history on disk there is still one of the session.
            let _ = editor.add_history_entry(whole.trim());
            if let Err(why) = queries.run(&whole) {
                complaint::say(&why);
            }
        }
    }
    if let Some(path) = &history
        && let Err(error) = editor.save_history(path)
    {
        complaint::say(&format!("{}: {error}", path.display()));
    }
    Ok(())
}

fn is_goodbye(line: &str) -> bool {
    let line = line.trim().trim_end_matches(';');
    matches!(line, "exit" | "quit" | "\\q")
}

/// Where what was typed is kept, if there is a place for it.
fn history() -> Option<PathBuf> {
    let state = env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    let state = state.filter(|path| path.is_absolute()).or_else(|| {
        let home = PathBuf::from(env::var_os("HOME")?);
        Some(home.join(".local/state"))
    });
    let folder = state?.join("flowscope");
    fs::create_dir_all(&folder).ok()?;
    Some(folder.join("sql_history"))
}
