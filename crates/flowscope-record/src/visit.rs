//! How a record gives its fields to whatever writes them down.

use flowscope_core::{BySide, Timestamp};

use crate::host::Host;
use crate::plain_text::PlainText;

/// Something with named fields.
///
/// It gives every field of its [schema](crate::schema), always all of them and
/// in the same order. What is absent is given as `None` or as an empty list, so
/// that JSON can leave it out and CSV leave its cell empty.
pub trait Visit {
    /// Gives every field to `fields`, in order.
    fn visit(&self, fields: &mut impl FieldVisitor);
}

/// Takes the fields of a record, one after the other.
///
/// The compiler makes a copy of [`Visit::visit`] for each visitor, so a visitor
/// costs no more than code that is written for one record and one format.
pub trait FieldVisitor {
    /// A whole number.
    fn number(&mut self, name: &'static str, value: Option<u64>);

    /// A span of time in nanoseconds.
    fn duration(&mut self, name: &'static str, nanos: Option<u64>);

    /// Text that needs no quoting in any format.
    fn plain_text(&mut self, name: &'static str, value: Option<impl PlainText>);

    /// Text as it was sent, which may be any bytes.
    fn text(&mut self, name: &'static str, value: Option<impl AsRef<[u8]>>);

    /// Whether something is so.
    fn flag(&mut self, name: &'static str, value: Option<bool>);

    /// Texts, absent if there are none.
    fn texts(&mut self, name: &'static str, values: impl Iterator<Item = impl AsRef<[u8]>>);

    /// Pairs of texts, absent if there are none.
    fn pairs<'v>(&mut self, name: &'static str, values: impl Iterator<Item = (&'v [u8], &'v [u8])>);

    /// Numbers, absent if there are none.
    fn numbers(&mut self, name: &'static str, values: impl Iterator<Item = u64>);

    /// Something with fields of its own.
    fn structure(&mut self, name: &'static str, value: Option<impl Visit>);

    /// Some of these, absent if there are none.
    fn structures<V: Visit>(&mut self, name: &'static str, values: impl Iterator<Item = V>);

    /// The address of a host, which is written as plain text unless a visitor
    /// keeps its bytes.
    #[inline(always)]
    fn host(&mut self, name: &'static str, value: Host) {
        self.plain_text(name, Some(value));
    }

    /// Text of which it is known that it needs no quoting, though not all text of
    /// this field is such.
    #[inline(always)]
    fn word(&mut self, name: &'static str, value: &'static str) {
        self.text(name, Some(value));
    }

    /// Whether a field is looked at. One that takes work to make may be given as
    /// absent where it is not.
    #[inline(always)]
    fn wants(&self, name: &'static str) -> bool {
        let _ = name;
        true
    }

    /// A moment: the time since 1970-01-01 UTC, which is written as a span of
    /// time is unless a visitor knows better.
    #[inline(always)]
    fn time(&mut self, name: &'static str, value: Option<Timestamp>) {
        self.duration(name, value.map(Timestamp::as_nanos));
    }

    /// A number for each side. Compiled into its callers, as names are written
    /// faster where they are known.
    #[inline(always)]
    fn by_side(&mut self, names: [&'static str; 2], values: Option<BySide<u64>>) {
        let [initiator, responder] = names;
        self.number(initiator, values.map(|values| values.initiator));
        self.number(responder, values.map(|values| values.responder));
    }

    /// A number for each side, absent where it is zero.
    #[inline(always)]
    fn by_side_if_any(&mut self, names: [&'static str; 2], values: BySide<u32>) {
        let [initiator, responder] = names;
        self.number(initiator, if_any(values.initiator.into()));
        self.number(responder, if_any(values.responder.into()));
    }
}

/// A count, absent where it is zero.
pub(crate) fn if_any(count: u64) -> Option<u64> {
    (count > 0).then_some(count)
}

/// A span of time in nanoseconds.
pub(crate) fn nanos(duration: core::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
