//! Chunks of several workers, in one order.

use core::ops::{ControlFlow, Range};

use flowscope_core::engine::deal::Place;

use crate::chunk::Chunk;

/// Hands on the parts of chunks in the order of their places, up to a place.
///
/// Two parts at one place are of one worker. So the chunk that has the first
/// part is found among all, and is then taken from as long as it is ahead.
pub(crate) fn merge<B>(
    chunks: &mut [Chunk<B>],
    until: Option<Place>,
    mut take: impl FnMut(Place, &mut B, Range<usize>) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let mut taken = vec![0; chunks.len()];
    loop {
        let (mut first, mut second) = (None::<(Place, usize)>, None::<Place>);
        for (n, chunk) in chunks.iter().enumerate() {
            let Some((place, _)) = chunk.part(taken[n]) else {
                continue;
            };
            if first.is_none_or(|(least, _)| place < least) {
                second = first.map(|(place, _)| place);
                first = Some((place, n));
            } else if second.is_none_or(|least| place < least) {
                second = Some(place);
            }
        }
        let Some((_, n)) = first else {
            return ControlFlow::Continue(());
        };
        let chunk = &mut chunks[n];
        while let Some((place, range)) = chunk.part(taken[n])
            && second.is_none_or(|second| place < second)
        {
            if until.is_some_and(|until| place > until) {
                return ControlFlow::Continue(());
            }
            taken[n] += 1;
            take(place, &mut chunk.body, range)?;
        }
    }
}
