//! Bytes, and how many of them the capture lacks.

/// What a transport carries.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Payload<'a> {
    /// The captured part.
    pub bytes: &'a [u8],
    /// How many bytes the headers claim that the capture lacks.
    pub missing: u32,
}

impl<'a> Payload<'a> {
    /// The first `claimed` bytes of what was captured, as far as they go.
    #[inline]
    pub(super) fn claimed(captured: &'a [u8], claimed: u32) -> Self {
        match captured.get(..usize::try_from(claimed).unwrap_or(usize::MAX)) {
            Some(bytes) => Self { bytes, missing: 0 },
            None => Self {
                bytes: captured,
                // There are fewer than claimed, so their number fits.
                missing: claimed - captured.len() as u32,
            },
        }
    }

    /// No more of it than a header in front says there is. One that says more
    /// than there was on the wire is not believed.
    #[inline]
    pub(super) fn up_to(self, claimed: u32) -> Self {
        Self::claimed(self.bytes, claimed.min(self.wire_len()))
    }

    /// Its length on the wire.
    #[inline]
    #[must_use]
    pub fn wire_len(&self) -> u32 {
        // No capture has lengths of more than 32 bits.
        (self.bytes.len() as u32).saturating_add(self.missing)
    }
}
