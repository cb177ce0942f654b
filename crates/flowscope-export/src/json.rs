//! Text in JSON.

use flowscope_record::text::is_unprintable;

/// Writes a text in quotes. What a terminal would obey is escaped.
pub(crate) fn quote(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    if text.bytes().fold(true, |all, byte| all & is_plain(byte)) {
        // Nearly all are, and many bytes are looked at at once.
        out.extend_from_slice(text.as_bytes());
    } else {
        escape(out, text);
    }
    out.push(b'"');
}

fn escape(out: &mut Vec<u8>, text: &str) {
    let mut rest = text;
    while let Some(letter) = {
        // Most letters are written as they are.
        let (plain, others) = rest.split_at(plain_len(rest.as_bytes()));
        out.extend_from_slice(plain.as_bytes());
        rest = others;
        others.chars().next()
    } {
        rest = rest.get(letter.len_utf8()..).unwrap_or_default();
        match letter {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            _ if is_unprintable(letter) || letter.is_control() => {
                let mut units = [0; 2];
                for unit in letter.encode_utf16(&mut units) {
                    out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
                }
            }
            _ => {
                let mut bytes = [0; 4];
                out.extend_from_slice(letter.encode_utf8(&mut bytes).as_bytes());
            }
        }
    }
}

/// How many bytes at the beginning of a text are letters of ASCII that mean
/// themselves in JSON.
fn plain_len(text: &[u8]) -> usize {
    let end = text.iter().position(|byte| !is_plain(*byte));
    end.unwrap_or(text.len())
}

fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') & (byte != b'"') & (byte != b'\\')
}
