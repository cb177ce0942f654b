//! Enums whose values are words in records and messages.

/// Declares a fieldless enum together with the word for each variant, so that
/// neither list can fall behind the other. It is displayed and serialized as
/// its word.
macro_rules! words {
    (
        $(#[$meta:meta])*
        pub enum $name:ident { $($(#[$doc:meta])* $variant:ident => $word:literal,)* }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[non_exhaustive]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The word for it in records and messages.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(self.as_str())
            }
        }

        #[cfg(feature = "serde")]
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        #[cfg(feature = "serde")]
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(input: D) -> Result<Self, D::Error> {
                $crate::words::deserialize(input, Self::ALL, Self::as_str)
            }
        }
    };
}

pub(crate) use words;

/// Reads the one of `all` values that has the word of the input.
#[cfg(feature = "serde")]
pub(crate) fn deserialize<'de, T: Copy + 'static, D: serde::Deserializer<'de>>(
    input: D,
    all: &'static [T],
    word_of: fn(T) -> &'static str,
) -> Result<T, D::Error> {
    struct Words<T: 'static>(&'static [T], fn(T) -> &'static str);

    impl<T: Copy> serde::de::Visitor<'_> for Words<T> {
        type Value = T;

        fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
            f.write_str("one of")?;
            let mut words = self.0.iter().map(|value| (self.1)(*value));
            words.try_for_each(|word| write!(f, " `{word}`"))
        }

        fn visit_str<E: serde::de::Error>(self, word: &str) -> Result<T, E> {
            let found = self.0.iter().find(|value| (self.1)(**value) == word);
            let unexpected = serde::de::Unexpected::Str(word);
            found
                .copied()
                .ok_or_else(|| E::invalid_value(unexpected, &self))
        }
    }

    input.deserialize_str(Words(all, word_of))
}
