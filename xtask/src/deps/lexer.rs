//! Rust source as words and marks, without comments, literals and test code.

/// A word or a mark, and its line.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Token {
    pub(super) line: usize,
    pub(super) text: String,
}

impl Token {
    pub(super) fn is_word(&self) -> bool {
        self.text.starts_with(is_word_start)
    }
}

/// The tokens of `source` that end up in the crate as others build it.
pub(super) fn shipped(source: &str) -> Vec<Token> {
    let mut tokens = tokens(source);
    while let Some(start) = position(&tokens, &["#", "[", "cfg", "(", "test", ")", "]"]) {
        let end = item_end(&tokens, start);
        tokens.drain(start..end);
    }
    tokens
}

fn position(tokens: &[Token], wanted: &[&str]) -> Option<usize> {
    tokens.windows(wanted.len()).position(|window| {
        window
            .iter()
            .zip(wanted)
            .all(|(token, text)| token.text == *text)
    })
}

/// One past the last token of the item that begins, attributes included, at
/// `start`.
fn item_end(tokens: &[Token], start: usize) -> usize {
    let mut depth = 0;
    let mut imports = false;
    for (n, token) in tokens.iter().enumerate().skip(start) {
        match token.text.as_str() {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            "use" if depth == 0 => imports = true,
            _ => {}
        }
        let ends = match token.text.as_str() {
            ";" => true,
            "}" => !imports,
            _ => false,
        };
        if depth == 0 && ends {
            return n + 1;
        }
    }
    tokens.len()
}

fn tokens(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let len = match first {
            '/' if rest.starts_with("//") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => block_comment(rest),
            '"' => 1 + string(&rest[1..]),
            '\'' => quote(rest),
            word if is_word_start(word) || word.is_ascii_digit() => {
                let end = rest
                    .find(|c: char| !(is_word_start(c) || c.is_ascii_digit()))
                    .unwrap_or(rest.len());
                prefixed_literal(&rest[..end], &rest[end..]).map_or(end, |len| end + len)
            }
            other => other.len_utf8(),
        };
        let text = &rest[..len];
        let is_literal =
            text.contains(['"', '\'']) || text.starts_with(|c: char| c.is_ascii_digit());
        let is_comment = text.starts_with("//") || text.starts_with("/*");
        if !is_literal && !is_comment && !text.trim().is_empty() {
            tokens.push(Token {
                line,
                text: text.to_owned(),
            });
        }
        line += text.matches('\n').count();
        rest = &rest[len..];
    }
    tokens
}

fn is_word_start(c: char) -> bool {
    c == '_' || c.is_alphabetic()
}

fn block_comment(text: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while let Some(next) = text.get(at..) {
        if next.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if next.starts_with("*/") {
            depth -= 1;
            at += 2;
        } else {
            at += next.chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 || at >= text.len() {
            break;
        }
    }
    at.min(text.len())
}

/// The length of what follows an opening `"`, the closing one included.
fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

/// A character, or the mark and name of a lifetime.
fn quote(text: &str) -> usize {
    let mut chars = text.char_indices().skip(1);
    match (chars.next(), chars.next()) {
        (Some((_, '\\')), Some(_)) => {
            // Past the escaped character, which may itself be a quote.
            let close = text.get(3..).and_then(|rest| rest.find('\''));
            close.map_or(text.len(), |at| at + 4)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => {
            1 + text[1..]
                .find(|c: char| !(is_word_start(c) || c.is_ascii_digit()))
                .unwrap_or(text.len() - 1)
        }
    }
}

/// The length of the literal that `word` is the prefix of, if it is one.
fn prefixed_literal(word: &str, rest: &str) -> Option<usize> {
    match word {
        "b" | "c" if rest.starts_with('"') => Some(1 + string(&rest[1..])),
        "b" if rest.starts_with('\'') => Some(quote(rest)),
        "r" | "br" | "cr" => {
            let hashes = rest.len() - rest.trim_start_matches('#').len();
            let body = rest[hashes..].strip_prefix('"')?;
            let close = format!("\"{}", "#".repeat(hashes));
            let end = body.find(&close).unwrap_or(body.len());
            Some((hashes + 1 + end + close.len()).min(rest.len()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(source: &str) -> Vec<String> {
        let words = shipped(source).into_iter().filter(Token::is_word);
        words.map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_literals_are_left_out() {
        let source = r##"
            a // no
            /* no /* no */ no */ b /// no
            "no \" no" c 'n' '\'' '\n' d b"no" e r#"no " no"# f b'n' g
            &'no str h 0x6e6f i r"no\" j "\\" k '\u{1}' l
        "##;
        assert_eq!(
            words(source),
            [
                "a", "b", "c", "d", "e", "f", "g", "str", "h", "i", "j", "k", "l"
            ]
        );
    }

    #[test]
    fn test_code_is_left_out() {
        let source = "
            a
            #[cfg(test)] use no::{no, no};
            b
            #[cfg(test)] #[path = \"no\"] mod no { fn no(no: [u8; 3]) { no } }
            c
            #[cfg(test)] const NO: [u8; 3] = [1, 2, 3];
            d
            #[cfg(test)] mod no;
            e";
        assert_eq!(words(source), ["a", "b", "c", "d", "e"]);
    }

    #[test]
    fn lines_are_counted() {
        let tokens = shipped("\"\n\n\" /* \n */ a\nb");
        let lines: Vec<_> = tokens.iter().map(|token| token.line).collect();
        assert_eq!(lines, [4, 5]);
    }
}
