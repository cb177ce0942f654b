//! Which flows are whose, for the tasks that an executor has of the same query.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use flowscope_table::Partitions;

use crate::captures::Capture;
use crate::reading::Reading;

/// The last few indexes of captures in parts. Each task has a plan of its own, and
/// finding out anew which flows are whose would cost a pass over all captures.
#[derive(Debug, Default)]
pub(super) struct Indexes(Mutex<Vec<(Parts, Index)>>);

type Parts = Arc<[Vec<Capture>]>;
type Index = Arc<OnceLock<Partitions>>;

impl Indexes {
    /// Makes a scan use the index that others of the same captures, in the same
    /// parts, use.
    pub(super) fn share(&self, reading: &mut Reading) {
        let Some(own) = reading.index.take() else {
            return;
        };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.iter().position(|(parts, _)| *parts == reading.parts);
        let entry = match found {
            Some(at) => known.remove(at),
            None => (reading.parts.clone(), own),
        };
        reading.index = Some(entry.1.clone());
        known.push(entry);
        if known.len() > MOST {
            known.remove(0);
        }
    }
}

/// Indexes that are kept, of two bytes for each packet.
const MOST: usize = 2;
