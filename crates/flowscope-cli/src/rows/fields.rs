//! The fields of a record in one line, for kinds that have no words of their own.

use flowscope_record::{FieldVisitor, PlainText, Record, Visit};

use crate::units;

/// Names and values of what is present, but for the fields that every record of a
/// flow has: those have columns.
pub(super) fn of(record: &Record) -> String {
    let mut line = Line {
        common: record.schema().fields.first().copied().unwrap_or_default(),
        text: String::new(),
    };
    record.visit(&mut line);
    line.text
}

struct Line {
    common: &'static [flowscope_record::schema::Field],
    text: String,
}

impl Line {
    fn push(&mut self, name: &str, value: Option<&str>) {
        let is_common = self.common.iter().any(|field| field.name == name);
        let Some(value) = value.filter(|_| !is_common) else {
            return;
        };
        if !self.text.is_empty() {
            self.text.push_str(", ");
        }
        self.text.push_str(name);
        self.text.push(' ');
        self.text.push_str(value);
    }

    fn list(&mut self, name: &str, values: impl Iterator<Item = String>) {
        let values: Vec<_> = values.collect();
        let text = (!values.is_empty()).then(|| values.join(" "));
        self.push(name, text.as_deref());
    }
}

impl FieldVisitor for Line {
    fn number(&mut self, name: &'static str, value: Option<u64>) {
        self.push(name, value.map(|it| it.to_string()).as_deref());
    }

    fn duration(&mut self, name: &'static str, nanos: Option<u64>) {
        self.push(name, nanos.map(units::duration).as_deref());
    }

    fn plain_text(&mut self, name: &'static str, value: Option<impl PlainText>) {
        let mut bytes = Vec::new();
        let is_there = value.map(|value| value.append_to(&mut bytes)).is_some();
        let text = is_there.then(|| String::from_utf8_lossy(&bytes));
        self.push(name, text.as_deref());
    }

    fn text(&mut self, name: &'static str, value: Option<impl AsRef<[u8]>>) {
        let text = value.map(|value| lossy(value.as_ref()));
        self.push(name, text.as_deref());
    }

    fn flag(&mut self, name: &'static str, value: Option<bool>) {
        self.push(name, value.map(|it| if it { "yes" } else { "no" }));
    }

    fn texts(&mut self, name: &'static str, values: impl Iterator<Item = impl AsRef<[u8]>>) {
        self.list(name, values.map(|value| lossy(value.as_ref())));
    }

    fn pairs<'v>(
        &mut self,
        name: &'static str,
        values: impl Iterator<Item = (&'v [u8], &'v [u8])>,
    ) {
        let values = values.map(|(key, value)| format!("{}: {}", lossy(key), lossy(value)));
        self.list(name, values);
    }

    fn numbers(&mut self, name: &'static str, values: impl Iterator<Item = u64>) {
        self.list(name, values.map(|value| value.to_string()));
    }

    fn structure(&mut self, name: &'static str, value: Option<impl Visit>) {
        self.structures(name, value.into_iter());
    }

    fn structures<V: Visit>(&mut self, name: &'static str, values: impl Iterator<Item = V>) {
        let values = values.map(|value| {
            let mut part = Self {
                common: &[],
                text: String::new(),
            };
            value.visit(&mut part);
            format!("({})", part.text)
        });
        self.list(name, values);
    }
}

fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Message;

    impl Visit for Message {
        fn visit(&self, fields: &mut impl FieldVisitor) {
            fields.plain_text("type", Some("clock"));
            fields.number("stratum", Some(2));
            fields.text("name", None::<&[u8]>);
            fields.texts("servers", ["a", "b"].iter());
            fields.flag("leap", Some(true));
            fields.structure("root", Some(Root));
        }
    }

    struct Root;

    impl Visit for Root {
        fn visit(&self, fields: &mut impl FieldVisitor) {
            fields.duration("delay", Some(1_000_000));
        }
    }

    #[test]
    fn what_is_present_is_shown_once() {
        let mut line = Line {
            common: flowscope_record::schema::FLOW.fields[0],
            text: String::new(),
        };
        Message.visit(&mut line);
        let delay = units::duration(1_000_000);
        assert_eq!(
            line.text,
            format!("stratum 2, servers a b, leap yes, root (delay {delay})")
        );
    }
}
