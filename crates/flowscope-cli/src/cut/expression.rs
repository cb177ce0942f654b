//! Conditions on the record of a flow.
//!
//! ```text
//! or  := and ("or" and)*      and := not ("and" not)*
//! not := "not" not | "(" or ")" | FIELD OPERATOR VALUE | FIELD
//! ```
//!
//! Fields are those of the record. A field alone is true where it is present.
//! Numbers compare as numbers, times and durations in seconds; anything else
//! compares as text, `~` as a pattern with `*` and `?`.

use core::fmt;
use core::str::FromStr;
use std::collections::HashMap;

use flowscope_record::{FieldVisitor, FlowRecord, PlainText, Visit, schema};

use super::Glob;

/// A condition.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    Or(Box<Self>, Box<Self>),
    And(Box<Self>, Box<Self>),
    Not(Box<Self>),
    Present(String),
    Compare(String, Operator, String),
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Operator {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
    Like,
}

impl Expression {
    pub(super) fn is_true_of(&self, flow: &FlowRecord) -> bool {
        let mut fields = Fields::default();
        flow.visit(&mut fields);
        self.is_true(&fields)
    }

    fn is_true(&self, fields: &Fields) -> bool {
        match self {
            Self::Or(one, other) => one.is_true(fields) || other.is_true(fields),
            Self::And(one, other) => one.is_true(fields) && other.is_true(fields),
            Self::Not(other) => !other.is_true(fields),
            Self::Present(name) => fields.0.contains_key(name.as_str()),
            Self::Compare(name, operator, value) => match fields.0.get(name.as_str()) {
                Some(values) => values.iter().any(|found| operator.holds(found, value)),
                None => *operator == Operator::Unequal,
            },
        }
    }
}

impl Operator {
    fn holds(self, found: &str, value: &str) -> bool {
        if self == Self::Like {
            return Glob::from(value).matches(found);
        }
        let numbers = found.parse::<f64>().ok().zip(value.parse::<f64>().ok());
        let order = match numbers {
            Some((found, value)) => found.total_cmp(&value),
            None => found.cmp(value),
        };
        match self {
            Self::Equal | Self::Like => order.is_eq(),
            Self::Unequal => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::AtMost => order.is_le(),
            Self::More => order.is_gt(),
            Self::AtLeast => order.is_ge(),
        }
    }
}

/// The fields of a record as text, without those that are absent.
#[derive(Default)]
struct Fields(HashMap<&'static str, Vec<String>>);

impl Fields {
    fn put(&mut self, name: &'static str, value: String) {
        self.0.entry(name).or_default().push(value);
    }
}

impl FieldVisitor for Fields {
    fn number(&mut self, name: &'static str, value: Option<u64>) {
        if let Some(value) = value {
            self.put(name, value.to_string());
        }
    }

    fn duration(&mut self, name: &'static str, nanos: Option<u64>) {
        if let Some(nanos) = nanos {
            let (seconds, nanos) = (nanos / 1_000_000_000, nanos % 1_000_000_000);
            self.put(name, format!("{seconds}.{nanos:09}"));
        }
    }

    fn plain_text(&mut self, name: &'static str, value: Option<impl PlainText>) {
        if let Some(value) = value {
            let mut text = Vec::new();
            value.append_to(&mut text);
            self.put(name, String::from_utf8_lossy(&text).into_owned());
        }
    }

    fn text(&mut self, name: &'static str, value: Option<impl AsRef<[u8]>>) {
        if let Some(value) = value {
            self.put(name, String::from_utf8_lossy(value.as_ref()).into_owned());
        }
    }

    fn flag(&mut self, name: &'static str, value: Option<bool>) {
        if let Some(value) = value {
            self.put(name, value.to_string());
        }
    }

    fn texts(&mut self, name: &'static str, values: impl Iterator<Item = impl AsRef<[u8]>>) {
        for value in values {
            self.text(name, Some(value));
        }
    }

    fn pairs<'v>(&mut self, _: &'static str, _: impl Iterator<Item = (&'v [u8], &'v [u8])>) {}

    fn numbers(&mut self, name: &'static str, values: impl Iterator<Item = u64>) {
        for value in values {
            self.number(name, Some(value));
        }
    }

    fn structure(&mut self, _: &'static str, _: Option<impl Visit>) {}

    fn structures<V: Visit>(&mut self, name: &'static str, values: impl Iterator<Item = V>) {
        for value in values {
            let mut parts = Self::default();
            value.visit(&mut parts);
            // A tunnel is found by its kind.
            for kind in parts.0.remove("kind").unwrap_or_default() {
                self.put(name, kind);
            }
        }
    }
}

impl FromStr for Expression {
    type Err = BadExpression;

    fn from_str(text: &str) -> Result<Self, BadExpression> {
        let mut words = Words {
            words: split(text)?,
            at: 0,
        };
        let expression = words.or(0)?;
        match words.next() {
            None => Ok(expression),
            Some(word) => Err(BadExpression(format!("{word:?} is too much"))),
        }
    }
}

struct Words {
    words: Vec<String>,
    at: usize,
}

impl Words {
    fn peek(&self) -> Option<&str> {
        self.words.get(self.at).map(String::as_str)
    }

    fn next(&mut self) -> Option<String> {
        let word = self.words.get(self.at).cloned();
        self.at += 1;
        word
    }

    fn take(&mut self, word: &str) -> bool {
        let is_next = self.peek() == Some(word);
        self.at += usize::from(is_next);
        is_next
    }

    fn or(&mut self, depth: u32) -> Result<Expression, BadExpression> {
        let mut one = self.and(depth)?;
        while self.take("or") {
            one = Expression::Or(Box::new(one), Box::new(self.and(depth)?));
        }
        Ok(one)
    }

    fn and(&mut self, depth: u32) -> Result<Expression, BadExpression> {
        let mut one = self.not(depth)?;
        while self.take("and") {
            one = Expression::And(Box::new(one), Box::new(self.not(depth)?));
        }
        Ok(one)
    }

    fn not(&mut self, depth: u32) -> Result<Expression, BadExpression> {
        if depth > DEEPEST {
            return Err(BadExpression("it is nested too deep".into()));
        }
        if self.take("not") {
            return Ok(Expression::Not(Box::new(self.not(depth + 1)?)));
        }
        if self.take("(") {
            let inner = self.or(depth + 1)?;
            return match self.take(")") {
                true => Ok(inner),
                false => Err(BadExpression("a ) is missing".into())),
            };
        }
        let name = self
            .next()
            .ok_or(BadExpression("a field is missing".into()))?;
        if schema::FLOW.field(&name).is_none() {
            return Err(BadExpression(format!("flows have no field {name:?}")));
        }
        let operator = match self.peek() {
            Some("==" | "=") => Operator::Equal,
            Some("!=") => Operator::Unequal,
            Some("<") => Operator::Less,
            Some("<=") => Operator::AtMost,
            Some(">") => Operator::More,
            Some(">=") => Operator::AtLeast,
            Some("~") => Operator::Like,
            _ => return Ok(Expression::Present(name)),
        };
        self.at += 1;
        let value = self
            .next()
            .ok_or(BadExpression("a value is missing".into()))?;
        Ok(Expression::Compare(name, operator, value))
    }
}

/// The words of an expression; those in quotes are one.
fn split(text: &str) -> Result<Vec<String>, BadExpression> {
    let mut words = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            _ if letter.is_whitespace() => {}
            '(' | ')' | '~' => words.push(letter.to_string()),
            '=' | '!' | '<' | '>' => {
                let mut word = letter.to_string();
                word.extend(letters.next_if_eq(&'='));
                words.push(word);
            }
            '"' | '\'' => {
                let mut word = String::new();
                loop {
                    match letters.next() {
                        Some(end) if end == letter => break,
                        Some(other) => word.push(other),
                        None => return Err(BadExpression(format!("a {letter} is missing"))),
                    }
                }
                words.push(word);
            }
            _ => {
                let mut word = letter.to_string();
                let is_part = |it: &char| !it.is_whitespace() && !"()~=!<>".contains(*it);
                while let Some(letter) = letters.next_if(is_part) {
                    word.push(letter);
                }
                words.push(word);
            }
        }
    }
    Ok(words)
}

/// Why a condition was not understood.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct BadExpression(String);

impl fmt::Display for BadExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::error::Error for BadExpression {}

const DEEPEST: u32 = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Fields {
        let mut fields = Fields::default();
        fields.number("bytes_responder", Some(1500));
        fields.duration("duration", Some(2_500_000_000));
        fields.plain_text("proto", Some("tcp"));
        fields.numbers("vlan", [10, 20].into_iter());
        fields
    }

    #[test]
    fn conditions_are_true_or_not() {
        for (text, is) in [
            ("bytes_responder > 1000 and proto == tcp", true),
            ("bytes_responder>1000 and not proto=tcp", false),
            ("duration <= 2.5", true),
            ("duration < 2.5 or vlan == 20", true),
            ("(proto == udp or proto == tcp) and vlan", true),
            ("history", false),
            ("app != http", true),
            ("app == http", false),
            ("proto ~ 't*'", true),
            ("bytes_responder == 15e2", true),
        ] {
            let expression: Expression = text.parse().expect(text);
            assert_eq!(expression.is_true(&fields()), is, "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for text in [
            "",
            "(",
            "proto ==",
            "no_such == 1",
            "proto == tcp x",
            "proto == \"x",
            "not",
        ] {
            assert!(text.parse::<Expression>().is_err(), "{text}");
        }
        let deep = "(".repeat(100_000);
        assert!(deep.parse::<Expression>().is_err());
    }
}
