//! Where events go.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Takes what is produced, one item at a time.
///
/// A `Vec`, a `VecDeque` and any closure are sinks, so the caller decides
/// whether events are stored, handled at once or thrown away.
///
/// ```
/// use flowscope_core::Sink;
///
/// fn produce(out: &mut impl Sink<u32>) {
///     out.push(1);
///     out.push(2);
/// }
///
/// let mut stored = Vec::new();
/// produce(&mut stored);
///
/// let mut sum = 0;
/// produce(&mut |item| sum += item);
///
/// assert_eq!((stored, sum), (vec![1, 2], 3));
/// ```
pub trait Sink<T> {
    /// Takes one item.
    fn push(&mut self, item: T);
}

impl<T, F: FnMut(T)> Sink<T> for F {
    #[inline]
    fn push(&mut self, item: T) {
        self(item);
    }
}

impl<T> Sink<T> for Vec<T> {
    #[inline]
    fn push(&mut self, item: T) {
        Self::push(self, item);
    }
}

impl<T> Sink<T> for VecDeque<T> {
    #[inline]
    fn push(&mut self, item: T) {
        self.push_back(item);
    }
}
