//! Directions: of a packet relative to its key, and of a flow.

use core::fmt;
use core::ops::{Add, Index, IndexMut};

/// One of a flow's two ends.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum FlowSide {
    /// The end that opened the flow: the sender of the SYN, or of the first
    /// packet where there is none.
    Initiator,
    /// The other end.
    Responder,
}

impl FlowSide {
    /// Both sides, initiator first.
    pub const BOTH: [Self; 2] = [Self::Initiator, Self::Responder];

    /// The other side.
    #[must_use]
    pub const fn peer(self) -> Self {
        match self {
            Self::Initiator => Self::Responder,
            Self::Responder => Self::Initiator,
        }
    }

    /// `initiator` or `responder`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Initiator => "initiator",
            Self::Responder => "responder",
        }
    }
}

impl fmt::Display for FlowSide {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Which way a packet runs, relative to the order in which its key names the
/// two ends.
///
/// A bidirectional key is the same for both ways; this is what tells them
/// apart. It says nothing about who opened the flow: see [`FlowSide`].
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
pub enum Orientation {
    /// From the key's first end to its second.
    Forward,
    /// From the key's second end to its first.
    Reverse,
}

impl Orientation {
    /// The other way.
    #[must_use]
    pub(crate) const fn reversed(self) -> Self {
        match self {
            Self::Forward => Self::Reverse,
            Self::Reverse => Self::Forward,
        }
    }
}

/// A value for each side of a flow.
///
/// ```
/// use flowscope_core::{BySide, FlowSide};
///
/// let mut bytes = BySide::<u64>::default();
/// bytes[FlowSide::Initiator] += 100;
/// bytes[FlowSide::Responder] += 20;
/// assert_eq!(bytes.total(), 120);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
pub struct BySide<T> {
    /// The initiator's.
    pub initiator: T,
    /// The responder's.
    pub responder: T,
}

impl<T> BySide<T> {
    /// A value for each side, made by `f`.
    #[must_use]
    pub fn from_fn(mut f: impl FnMut(FlowSide) -> T) -> Self {
        Self {
            initiator: f(FlowSide::Initiator),
            responder: f(FlowSide::Responder),
        }
    }

    /// The two values, initiator first, each with its side.
    pub fn iter(&self) -> impl Iterator<Item = (FlowSide, &T)> {
        FlowSide::BOTH
            .into_iter()
            .zip([&self.initiator, &self.responder])
    }
}

impl<T: Copy + Add<Output = T>> BySide<T> {
    /// Both sides added up.
    #[must_use]
    pub fn total(&self) -> T {
        self.initiator + self.responder
    }
}

impl<T> Index<FlowSide> for BySide<T> {
    type Output = T;

    #[inline]
    fn index(&self, side: FlowSide) -> &T {
        match side {
            FlowSide::Initiator => &self.initiator,
            FlowSide::Responder => &self.responder,
        }
    }
}

impl<T> IndexMut<FlowSide> for BySide<T> {
    #[inline]
    fn index_mut(&mut self, side: FlowSide) -> &mut T {
        match side {
            FlowSide::Initiator => &mut self.initiator,
            FlowSide::Responder => &mut self.responder,
        }
    }
}
